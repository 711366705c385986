//! The area frame: one row per area, with the people of every group in it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::data::expr::Expression;
use crate::data::{Factor, Table, Values};
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::sampling::{Design, Loaded};
use crate::toml_file::{KeyPath, Places};

use super::columns::missing;
use super::people::{Level, class_of};
use super::words::{figure, several};

/// What an area frame says, by area.
#[derive(Debug, Clone, PartialEq)]
pub struct AreaFrame {
    /// The areas.
    pub areas: usize,
    /// Target people.
    pub people: Vec<f64>,
    /// Households.
    pub households: Vec<f64>,
    /// People of every group, in the order of [`Design::groups`].
    pub groups: Vec<Vec<f64>>,
}

/// Formulas of a design over the columns of a frame; mistakes are collected with their places.
pub(super) struct Reader<'a> {
    pub(super) table: &'a Table,
    pub(super) places: &'a Places,
    pub(super) found: Vec<Diagnostic>,
    /// What is doubtful but does not stop the work.
    pub(super) doubts: Vec<Diagnostic>,
    names: Option<Vec<String>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(table: &'a Table, loaded: &'a Loaded) -> Reader<'a> {
        let id = loaded.design.samples.iter().flat_map(|s| &s.stages).find_map(|stage| {
            let column = table.column(stage.id.as_ref()?)?;
            let factor = column.as_factor();
            let name = |row: usize| {
                let level = factor.levels.get(factor.codes.get(row) as usize);
                level.map_or_else(|| format!("row {}", row + 1), |level| level.value.clone())
            };
            // Only as many names as a message can use.
            (table.rows() <= 5_000_000).then(|| (0..table.rows()).map(name).collect())
        });
        Reader { table, places: &loaded.places, found: Vec::new(), doubts: Vec::new(), names: id }
    }

    /// What an area is called in a message.
    pub(super) fn area(&self, row: usize) -> String {
        match self.names.as_ref().and_then(|names| names.get(row)) {
            Some(name) => format!("the area {name}"),
            None => format!("the area in row {}", row + 1),
        }
    }

    pub(super) fn error(&mut self, path: &KeyPath, message: String, help: &str) {
        let at = Some(self.places.value(path));
        self.found.push(Diagnostic::error(message).at(at).help(help));
    }

    /// A warning, once.
    pub(super) fn doubt(&mut self, path: &KeyPath, message: String, help: &str) {
        let at = Some(self.places.value(path));
        let doubt = Diagnostic::warning(message).at(at).help(help);
        if !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
    }

    /// What `work` gives, with its mistakes and doubts forgotten: they are told elsewhere.
    pub(super) fn quietly<T>(&mut self, work: impl FnOnce(&mut Reader<'a>) -> T) -> T {
        let (found, doubts) = (self.found.len(), self.doubts.len());
        let out = work(self);
        self.found.truncate(found);
        self.doubts.truncate(doubts);
        out
    }

    /// The frame does not have a column.
    pub(super) fn no_column(&mut self, path: &KeyPath, name: &str) {
        let help = match nearest(name, self.table.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a column of the area frame".to_string(),
        };
        self.error(path, format!("there is no column `{name}` in the frame"), &help);
    }

    /// What is to be crossed is neither a class of groups nor a column.
    pub(super) fn neither_class_nor_column(&mut self, design: &Design, path: &KeyPath, name: &str) {
        let mut known: Vec<&str> = Vec::new();
        for g in 0..design.groups.len() {
            let class = class_of(design, g);
            if !known.contains(&class) {
                known.push(class);
            }
        }
        let help = match nearest(name, known.iter().copied().chain(self.table.names())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("classes are {}; or name a column of the frame", known.join(", ")),
        };
        let message = format!("`{name}` is neither a class of groups nor a column of the frame");
        self.error(path, message, &help);
    }

    pub(super) fn wrong(&mut self, path: &KeyPath, errors: &[crate::data::expr::ExprError]) {
        for error in errors {
            let at = Some(self.places.within(path, error.span.clone()));
            let mut diagnostic = Diagnostic::error(format!("{error} in the frame")).at(at);
            diagnostic.help = error.help();
            self.found.push(diagnostic);
        }
    }

    /// The values of a formula, which must be numbers of at least 0 in all areas.
    pub(super) fn numbers(&mut self, path: &KeyPath, formula: &Expression) -> Option<Vec<f64>> {
        let values = match formula.evaluate(self.table) {
            Ok(Values::Numbers(numbers)) => numbers.to_vec(),
            Ok(_) => {
                let message = format!("`{}` is not a number in the frame", formula.text());
                self.error(path, message, "name a column of numbers");
                return None;
            }
            Err(errors) => {
                self.wrong(path, &errors);
                return None;
            }
        };
        let bad: Vec<usize> =
            (0..values.len()).filter(|&i| !(values[i] >= 0.0 && values[i].is_finite())).collect();
        if let Some(&first) = bad.first() {
            let what = if values[first].is_nan() {
                "no value".to_string()
            } else {
                format!("the value {}", figure(values[first]))
            };
            let others = match bad.len() {
                1 => String::new(),
                n => format!(" ({} in all)", several(n, "area", "areas")),
            };
            let message =
                format!("`{}` has {what} in {}{others}", formula.text(), self.area(first));
            self.error(path, message, "it must be a number of at least 0 in every area");
            return None;
        }
        Some(values)
    }

    /// Where a condition holds; an area for which it is unknown is outside.
    pub(super) fn condition(&mut self, path: &KeyPath, formula: &Expression) -> Option<Vec<bool>> {
        match formula.condition(self.table) {
            Ok(truths) => {
                let unknown = truths.iter().filter(|t| t.is_none()).count();
                if let Some(first) = truths.iter().position(Option::is_none) {
                    let message = format!(
                        "`{}` is not known in {} ({} the first), where a value is missing: taken not to hold there",
                        formula.text(),
                        several(unknown, "area", "areas"),
                        self.area(first)
                    );
                    let help =
                        "fill the missing values in, or say with is_missing(…) what they mean";
                    self.doubt(path, message, help);
                }
                Some(truths.into_iter().map(|t| t == Some(true)).collect())
            }
            Err(errors) => {
                self.wrong(path, &errors);
                None
            }
        }
    }

    /// The strata that columns cross into: a number per area, and the label of each stratum.
    pub(super) fn crossing(
        &mut self,
        path: &KeyPath,
        columns: &[String],
    ) -> Option<(Vec<usize>, Vec<String>)> {
        let mut factors = Vec::new();
        for name in columns {
            match self.table.column(name) {
                Some(column) => factors.push(column.as_factor()),
                None => self.no_column(path, name),
            }
        }
        if factors.len() < columns.len() {
            return None;
        }
        let mut seen: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        let mut found: Vec<Vec<String>> = Vec::new();
        let mut codes = Vec::with_capacity(self.table.rows());
        for row in 0..self.table.rows() {
            let key: Vec<u32> = factors.iter().map(|f| f.codes.get(row)).collect();
            let next = seen.len();
            let code = *seen.entry(key).or_insert_with_key(|key| {
                let words = key.iter().zip(&factors).map(|(code, f)| level_word(f, *code));
                found.push(words.collect());
                next
            });
            codes.push(code);
        }
        // In the order of their names, not in that of the rows.
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by(|&a, &b| by_name(&found[a], &found[b]));
        let mut place = vec![0; found.len()];
        order.iter().enumerate().for_each(|(at, &code)| place[code] = at);
        codes.iter_mut().for_each(|code| *code = place[*code]);
        let labels = order.iter().map(|&code| found[code].join(", ")).collect();
        Some((codes, labels))
    }
}

fn level_word(factor: &Factor, code: u32) -> String {
    let level = factor.levels.get(code as usize);
    level.map_or_else(|| "no value".to_string(), |level| level.value.clone())
}

/// Numbers by their size and before words, words by their letters.
fn by_name(a: &[String], b: &[String]) -> Ordering {
    let number = |text: &String| text.parse::<f64>().ok();
    let pairs = a.iter().zip(b);
    let order = pairs.map(|(a, b)| match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    });
    order.fold(Ordering::Equal, Ordering::then)
}

impl AreaFrame {
    /// What a table says of the population and groups of a design.
    ///
    /// # Errors
    /// Formulas that do not fit the frame, values that are missing or negative, a population
    /// without `count`.
    pub fn read(table: &Table, loaded: &Loaded) -> Result<AreaFrame, Diagnostics> {
        AreaFrame::of(&mut Reader::new(table, loaded), &loaded.design)
    }

    /// The same, with what is missing and doubtful told to a reader.
    pub(super) fn of(reader: &mut Reader<'_>, design: &Design) -> Result<AreaFrame, Diagnostics> {
        missing(reader, design);
        let frame = if reader.found.is_empty() { read(reader, design) } else { None };
        match frame {
            Some(frame) if reader.found.is_empty() => Ok(frame),
            _ => Err(Diagnostics(std::mem::take(&mut reader.found))),
        }
    }

    /// The share that people of group `g` have among those of the area who have the levels
    /// `given` of other classes. Where the file has no share for them, classes are taken to be
    /// independent within the area.
    pub(super) fn fraction(&self, design: &Design, g: usize, given: &[Level], area: usize) -> f64 {
        let group = &design.groups[g];
        let base = group.shares.iter().find_map(|(of, _)| *of).map(|of| class_of(design, of));
        if let Some((_, level)) = base.and_then(|base| given.iter().find(|(c, _)| c == base)) {
            let listed = group.shares.iter().find(|(of, _)| of == level && of.is_some());
            let others = group.shares.iter().find(|(of, _)| of.is_none());
            return listed.or(others).map_or(0.0, |(_, share)| *share);
        }
        let people = self.people[area];
        if people > 0.0 { (self.groups[g][area] / people).min(1.0) } else { 0.0 }
    }
}

fn read(reader: &mut Reader<'_>, design: &Design) -> Option<AreaFrame> {
    let path = KeyPath::root().key("population");
    if reader.table.rows() == 0 {
        reader.error(&KeyPath::root(), "the frame has no areas".into(), "give a frame with rows");
        return None;
    }
    let Some(count) = &design.population.count else {
        let help = "add `count = \"…\"` to `[population]`: the column with the target people of \
                    each area";
        reader.error(&path, "the design does not say which people an area has".into(), help);
        return None;
    };
    let people = reader.numbers(&path.key("count"), count)?;
    let households = match (&design.population.households, design.population.per_household) {
        (Some(formula), _) => reader.numbers(&path.key("households"), formula)?,
        (None, Some(per)) => people.iter().map(|n| n / per).collect(),
        (None, None) => {
            let help = "add `households = \"…\"` or `per-household = …` to `[population]`";
            reader.error(
                &path,
                "the design does not say how many households an area has".into(),
                help,
            );
            return None;
        }
    };
    let areas = people.len();
    let list = KeyPath::root().key("group");
    let mut groups: Vec<Option<Vec<f64>>> = Vec::new();
    for (i, group) in design.groups.iter().enumerate() {
        let path = list.index(i);
        let counted = match &group.count {
            Some(formula) => Some(reader.numbers(&path.key("count"), formula)?),
            None => None,
        };
        if let Some(counts) = &counted {
            if counts.iter().all(|c| *c == 0.0) {
                let message = format!("nobody in the frame belongs to the group `{}`", group.name);
                reader.error(
                    &path.key("count"),
                    message,
                    "check the column, or take the group out",
                );
            }
            // Published counts are often perturbed, so a little more is let pass.
            let beyond = (0..areas).find(|&a| counts[a] > people[a] * 1.1 + 10.0);
            if let Some(area) = beyond {
                let message = format!(
                    "the group `{}` has {} people in {}, which has {}",
                    group.name,
                    figure(counts[area]),
                    reader.area(area),
                    figure(people[area])
                );
                reader.error(
                    &path.key("count"),
                    message,
                    "a group is part of the population: check both columns",
                );
            }
        }
        groups.push(counted);
    }
    // Groups that are shares of others, once the others are known.
    let mut resolved = Vec::new();
    for (i, group) in design.groups.iter().enumerate() {
        if let Some(counts) = &groups[i] {
            resolved.push(counts.clone());
            continue;
        }
        let path = list.index(i);
        if group.shares.is_empty() {
            let message = format!("the frame does not say how many people `{}` has", group.name);
            let help = "add `count = \"…\"` (a column of the frame) or `share` of other groups";
            reader.error(&path, message, help);
            resolved.push(vec![0.0; areas]);
            continue;
        }
        let mut counts = vec![0.0; areas];
        let mut rest = people.clone();
        let mut others = 0.0;
        for (of, share) in &group.shares {
            match of.and_then(|of| groups[of].as_ref()) {
                Some(base) => {
                    for a in 0..areas {
                        counts[a] += base[a] * share;
                        rest[a] = (rest[a] - base[a]).max(0.0);
                    }
                }
                None if of.is_none() => others = *share,
                None => {
                    let name = of.map_or("", |of| design.groups[of].name.as_str());
                    let message = format!(
                        "`{name}` has no `count` that `{}` could be a share of",
                        group.name
                    );
                    reader.error(&path.key("share"), message, "give that group a `count`");
                }
            }
        }
        for a in 0..areas {
            counts[a] = (counts[a] + rest[a] * others).min(people[a]);
        }
        resolved.push(counts);
    }
    Some(AreaFrame { areas, people, households, groups: resolved })
}
