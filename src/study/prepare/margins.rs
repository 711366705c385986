//! Margins as given, in a file or in the study file, with the place of every total.

use super::Work;
use super::margin_file::read;
use crate::data::{Factor, Table};
use crate::diagnostic::{Diagnostic, Place};
use crate::study::limits;
use crate::study::places::KeyPath;
use crate::study::spec::{GivenAs, Scalar, Weighting};

/// A margin as given, with where it stands.
#[derive(Debug, Clone)]
pub(in crate::study) struct GivenMargin {
    /// The variables that cross.
    pub variables: Vec<String>,
    /// Their names joined by ` × `.
    pub name: String,
    /// One total per cell.
    pub totals: Vec<GivenTotal>,
    /// What the totals are.
    pub meant: Meant,
    /// Where it begins.
    pub place: Place,
}

impl GivenMargin {
    /// Whether it counts the population by the levels of its variables.
    pub fn counts(&self) -> bool {
        self.meant.of.is_none() && !self.meant.per_group && !self.variables.is_empty()
    }

    /// True for two margins of the same thing.
    pub fn is_same(&self, other: &GivenMargin) -> bool {
        self.variables == other.variables
            && self.meant.of == other.meant.of
            && self.meant.per_group == other.meant.per_group
    }
}

/// What the totals of a margin are, and how they are to be met.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::study) struct Meant {
    /// The numeric variable that is totalled, in place of counting.
    pub of: Option<String>,
    /// Totals, shares or means.
    pub given_as: Option<GivenAs>,
    /// The variables of the margin they are shares of.
    pub shares_of: Option<Vec<String>>,
    /// Whether every group of `constant-within` counts once.
    pub per_group: bool,
    /// The part they are for.
    pub part: Option<String>,
    pub importance: Option<f64>,
    pub tolerance: Option<f64>,
}

/// The total of one cell of a margin.
#[derive(Debug, Clone)]
pub(in crate::study) struct GivenTotal {
    /// The level, or the levels that cross, as written.
    pub level: String,
    /// The population total.
    pub total: f64,
    /// Where it stands.
    pub place: Place,
}

/// The margins of a step: those of its file, then those written in the study file.
pub(super) fn given(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
) -> Option<Vec<GivenMargin>> {
    let mut all = Vec::new();
    if let Some(file) = &step.margins {
        let full = work.folder.join(file);
        let in_memory =
            work.memory.and_then(|m| m.margins.get(&(file.clone(), step.sheet.clone())));
        let found = match in_memory {
            Some(margins) => Ok(margins.clone()),
            None => read(&full, file, step.sheet.as_deref(), |name| table.column(name).is_some()),
        };
        match found {
            Ok(margins) => {
                if !work.inputs.contains(&full) {
                    work.inputs.push(full);
                }
                all.extend(margins);
            }
            Err(found) => {
                for mut diagnostic in found {
                    if diagnostic.place.is_none() {
                        diagnostic = diagnostic.at(Some(work.places.value(&path.key("margins"))));
                    }
                    work.found.push(diagnostic);
                }
                return None;
            }
        }
    }
    for (j, margin) in step.margin.iter().enumerate() {
        let at = path.key("margin").index(j);
        let variables: Vec<String> = margin.variables().into_iter().map(str::to_string).collect();
        let total = |(level, total): &(String, f64)| GivenTotal {
            level: level.trim().to_string(),
            total: *total,
            place: work.places.key(&at.key("totals").key(level)),
        };
        let mut totals: Vec<GivenTotal> = margin.totals.0.iter().map(total).collect();
        totals.extend(margin.total.map(|total| GivenTotal {
            level: String::new(),
            total,
            place: work.places.value(&at.key("total")),
        }));
        let meant = Meant {
            of: margin.of.clone(),
            given_as: margin.given_as,
            shares_of: margin
                .shares_of
                .as_ref()
                .map(|names| names.list().into_iter().map(str::to_string).collect()),
            per_group: margin.per_group,
            part: margin.part.as_ref().map(|part| match part {
                Scalar::Number(x) => format!("{x}"),
                Scalar::Text(text) => text.clone(),
            }),
            importance: margin.importance,
            tolerance: margin.tolerance,
        };
        let name = name(&variables, &meant);
        all.push(GivenMargin { name, variables, totals, meant, place: work.places.value(&at) });
    }
    for (key, pairs, given_as) in
        [("totals", &step.totals, GivenAs::Totals), ("means", &step.means, GivenAs::Means)]
    {
        for (of, total) in &pairs.0 {
            let place = work.places.key(&path.key(key).key(of));
            let meant =
                Meant { of: Some(of.clone()), given_as: Some(given_as), ..Meant::default() };
            let total = GivenTotal { level: String::new(), total: *total, place: place.clone() };
            let (name, totals) = (name(&[], &meant), vec![total]);
            all.push(GivenMargin { name, variables: Vec::new(), totals, meant, place });
        }
    }
    for (margin, one) in all.iter().flat_map(|m| m.totals.iter().map(move |one| (m, one))) {
        let of = format!("`{} {}`", margin.name, one.level).replace(" `", "`");
        if let Err((message, help)) = limits::total(&of, one.total) {
            let at = Some(one.place.clone());
            work.found.push(Diagnostic::error(message).at(at).help(help));
        }
    }
    if let Some(Err((message, help))) =
        step.population.map(|size| limits::total("`population`", size))
    {
        work.error(&path.key("population"), message, Some(help));
    }
    for (i, margin) in all.iter().enumerate() {
        let same =
            |other: &&GivenMargin| other.is_same(margin) && other.meant.part == margin.meant.part;
        if let Some(first) = all[..i].iter().find(same) {
            let (line, _) = first.place.line_column();
            let part =
                margin.meant.part.as_ref().map_or_else(String::new, |p| format!(" of `{p}`"));
            let message = format!("the margin `{}`{part} is given twice", margin.name);
            let help =
                format!("take one out; the first is in {}, line {line}", first.place.source.name);
            let diagnostic = Diagnostic::error(message).at(Some(margin.place.clone())).help(help);
            work.found.push(diagnostic);
        }
    }
    (!work.has_errors()).then_some(all)
}

/// The levels that a text names, one per variable that crosses.
///
/// They are joined by `×` or `*`. A level can hold these signs itself: then the text is divided
/// so that every part is a level of its variable, if that can be done in one way only.
///
/// # Errors
/// What is wrong, and the way out.
pub(super) fn levels(text: &str, factors: &[&Factor]) -> Result<Vec<String>, (String, String)> {
    match factors.len() {
        0 => return Ok(Vec::new()),
        1 => return Ok(vec![text.to_string()]),
        _ => {}
    }
    let signs: Vec<(usize, &str)> = text.match_indices(['×', '*']).collect();
    if signs.len() + 1 == factors.len() {
        return Ok(text.split(['×', '*']).map(|s| s.trim().to_string()).collect());
    }
    let count = |n: usize| format!("{n} level{}", if n == 1 { "" } else { "s" });
    let wrong = |what: &str| {
        let found = count(signs.len() + 1);
        (format!("`{text}` names {found} where {} variables cross{what}", factors.len()), {
            "join the levels by ` × ` or `*`, one for each variable".to_string()
        })
    };
    if signs.len() + 1 < factors.len() || signs.len() > 20 {
        return Err(wrong(""));
    }
    let mut ways = Vec::new();
    divide(text, &signs, factors, &mut Vec::new(), &mut ways);
    match ways.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(wrong("")),
        _ => Err((
            format!("`{text}` can be divided into levels of the data in more than one way"),
            "give the levels labels without `×` and `*`, with `values` or `[[derive]]`".to_string(),
        )),
    }
}

/// All ways (two are enough to know) to divide a text into levels, the first part first.
fn divide(
    text: &str,
    signs: &[(usize, &str)],
    factors: &[&Factor],
    taken: &mut Vec<String>,
    ways: &mut Vec<Vec<String>>,
) {
    let Some((factor, rest)) = factors.split_first() else { return };
    if rest.is_empty() {
        if factor.position(text.trim()).is_some() {
            let mut way = taken.clone();
            way.push(text.trim().to_string());
            ways.push(way);
        }
        return;
    }
    for (i, &(at, sign)) in signs.iter().enumerate() {
        let Some(part) = text.get(..at).map(str::trim) else { continue };
        if ways.len() < 2 && factor.position(part).is_some() {
            let next = at + sign.len();
            let moved: Vec<_> = signs[i + 1..].iter().map(|&(a, s)| (a - next, s)).collect();
            taken.push(part.to_string());
            divide(text.get(next..).unwrap_or(""), &moved, rest, taken, ways);
            taken.pop();
        }
    }
}

/// What a margin is called: its variables, and what is totalled in them.
pub(super) fn name(variables: &[String], meant: &Meant) -> String {
    let by = variables.join(" × ");
    match (&meant.of, variables) {
        (Some(of), []) => of.clone(),
        (Some(of), _) => format!("{of} by {by}"),
        (None, _) => by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;

    #[test]
    fn levels_are_divided_at_the_signs() {
        let text = |values: &[&str]| {
            let all: Vec<Option<&str>> = values.iter().map(|v| Some(*v)).collect();
            Column::text("x", &all).as_factor()
        };
        let (a, b) = (text(&["p*q", "p", "r"]), text(&["s", "q * s", "t×u"]));
        let split = |text: &str| levels(text, &[&a, &b]);
        assert_eq!(split("r × s").unwrap(), ["r", "s"]);
        assert_eq!(split("unknown*t").unwrap(), ["unknown", "t"]);
        assert_eq!(split("p*q × t×u").unwrap(), ["p*q", "t×u"]);
        assert_eq!(split("r × t×u").unwrap(), ["r", "t×u"]);
        assert!(split("r").unwrap_err().0.contains("names 1 level where 2"));
        assert!(split("r × s × s").unwrap_err().0.contains("names 3 levels"));
        // `p*q` with `s`, or `p` with `q * s`.
        assert!(split("p*q * s").unwrap_err().0.contains("more than one way"));
        assert_eq!(levels("p*q", &[&a]).unwrap(), ["p*q"]);
    }
}
