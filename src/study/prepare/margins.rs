//! Margins as given, in a file or in the study file, with the place of every total.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::Work;
use crate::data::io::{sheet_as_text, unreadable};
use crate::data::number::value_of;
use crate::data::{Factor, Table};
use crate::diagnostic::{Diagnostic, Place, Source};
use crate::study::places::KeyPath;
use crate::study::spec::Weighting;

/// A margin as given, with where it stands.
#[derive(Debug, Clone)]
pub(in crate::study) struct GivenMargin {
    /// The variables that cross.
    pub variables: Vec<String>,
    /// Their names joined by ` × `.
    pub name: String,
    /// One total per cell.
    pub totals: Vec<GivenTotal>,
    /// Where it begins.
    pub place: Place,
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

/// A larger file is taken for data.
const LARGEST: u64 = 64 << 20;

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
        let variables: Vec<String> = margin.by.list().into_iter().map(str::to_string).collect();
        let total = |(level, total): &(String, f64)| GivenTotal {
            level: level.trim().to_string(),
            total: *total,
            place: work.places.key(&at.key("totals").key(level)),
        };
        all.push(GivenMargin {
            name: variables.join(" × "),
            variables,
            totals: margin.totals.0.iter().map(total).collect(),
            place: work.places.value(&at),
        });
    }
    for (i, margin) in all.iter().enumerate() {
        let same = |other: &&GivenMargin| other.variables == margin.variables;
        if let Some(first) = all[..i].iter().find(same) {
            let (line, _) = first.place.line_column();
            let message = format!("the margin `{}` is given twice", margin.name);
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
    if factors.len() == 1 {
        return Ok(vec![text.to_string()]);
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

/// Reads a file of margins: the columns `variable, level, total`, one line per cell. Names that
/// cross are joined by `×` or `*`, unless there is a column of the whole name.
///
/// # Errors
/// All mistakes at once; those without a place are about the whole file.
pub(super) fn read(
    path: &Path,
    shown: &Path,
    sheet: Option<&str>,
    is_column: impl Fn(&str) -> bool,
) -> Result<Vec<GivenMargin>, Vec<Diagnostic>> {
    let name = shown.display().to_string();
    let source = Arc::new(Source { text: text_of(path, &name, sheet)?, name: name.clone() });
    let mut lines = Lines::new(&source);
    let mut found = Vec::new();
    let mut margins: Vec<GivenMargin> = Vec::new();
    let mut columns: Option<([usize; 3], usize)> = None;
    while let Some((place, record)) = lines.next() {
        if record.iter().all(str::is_empty) {
            continue;
        }
        let Some((at, width)) = columns else {
            match header(&record) {
                Ok(at) => columns = Some((at, record.len())),
                Err((message, help)) => {
                    return Err(vec![Diagnostic::error(message).at(Some(place)).help(help)]);
                }
            }
            continue;
        };
        match fields(&record, at, width) {
            Err((message, help)) => {
                found.push(Diagnostic::error(message).at(Some(place)).help(help));
            }
            Ok((variable, level, total)) => {
                let variables: Vec<String> = if is_column(variable) {
                    vec![variable.to_string()]
                } else {
                    variable.split(['×', '*']).map(|s| s.trim().to_string()).collect()
                };
                let one = GivenTotal { level: level.to_string(), total, place: place.clone() };
                match margins.iter_mut().find(|m| m.variables == variables) {
                    Some(margin) => margin.totals.push(one),
                    None => margins.push(GivenMargin {
                        name: variables.join(" × "),
                        variables,
                        totals: vec![one],
                        place,
                    }),
                }
            }
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    if margins.is_empty() {
        let what = if columns.is_some() { "has a header but no totals" } else { "is empty" };
        return Err(vec![
            Diagnostic::error(format!("`{name}` {what}"))
                .help("it needs a line `variable,level,total`, and then one line per level"),
        ]);
    }
    Ok(margins)
}

fn text_of(path: &Path, name: &str, sheet: Option<&str>) -> Result<String, Vec<Diagnostic>> {
    // A sheet becomes lines of text, so that mistakes in it have a place as well.
    if let Some(text) = sheet_as_text(path, sheet).map_err(|e| vec![Diagnostic::from(e)])? {
        return Ok(text);
    }
    let failed = |e| vec![Diagnostic::from(unreadable(path, e))];
    if std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    let error = |message: String, help: &str| vec![Diagnostic::error(message).help(help)];
    if bytes.len() as u64 > LARGEST {
        let message =
            format!("`{name}` is larger than {} MB, too large for margins", LARGEST >> 20);
        return Err(error(message, "name the file of population totals, not the data"));
    }
    if bytes.contains(&0) {
        let help = "save the margins as CSV in UTF-8 (\"CSV UTF-8\" in Excel)";
        return Err(error(format!("`{name}` is not a text file"), help));
    }
    String::from_utf8(bytes).map_err(|e| {
        let start = e.utf8_error().valid_up_to();
        // The text before the fault is unchanged by the replacement, so the place is right.
        let text = String::from_utf8_lossy(e.as_bytes()).into_owned();
        let span = start..start + char::REPLACEMENT_CHARACTER.len_utf8();
        let place = Place { source: Arc::new(Source { name: name.to_string(), text }), span };
        vec![
            Diagnostic::error(format!("`{name}` is not UTF-8 text"))
                .at(Some(place))
                .help("save it again as UTF-8 (\"CSV UTF-8\" in Excel)"),
        ]
    })
}

/// The records of a text, each with its first line.
struct Lines<'a> {
    source: &'a Arc<Source>,
    reader: csv::Reader<&'a [u8]>,
    /// Bytes before what the reader sees.
    skipped: usize,
}

impl<'a> Lines<'a> {
    fn new(source: &'a Arc<Source>) -> Lines<'a> {
        let body = source.text.trim_start_matches('\u{feff}');
        let first = body.lines().find(|l| !l.trim().is_empty()).unwrap_or("");
        let count = |d: &u8| first.bytes().filter(|b| b == d).count();
        let delimiter = [b'|', b';', b'\t', b','].into_iter().max_by_key(count);
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter.unwrap_or(b','))
            .trim(csv::Trim::All)
            .from_reader(body.as_bytes());
        Lines { source, reader, skipped: source.text.len() - body.len() }
    }

    fn next(&mut self) -> Option<(Place, csv::StringRecord)> {
        let start = self.reader.position().byte() as usize + self.skipped;
        let mut record = csv::StringRecord::new();
        // The text is in memory and is UTF-8: there is nothing that could fail.
        if !self.reader.read_record(&mut record).unwrap_or(false) {
            return None;
        }
        let text = self.source.text.as_str();
        let rest = text.get(start..).unwrap_or("");
        let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let length = rest[blank..].find(['\r', '\n']).unwrap_or(rest.len() - blank);
        let start = text.len() - rest.len() + blank;
        Some((Place { source: self.source.clone(), span: start..start + length }, record))
    }
}

/// What is wrong, and the way out.
type Wrong = (String, String);

/// Where the three columns are.
fn header(record: &csv::StringRecord) -> Result<[usize; 3], Wrong> {
    let names = ["variable", "level", "total"];
    let help = "the first line is `variable,level,total`".to_string();
    let mut at = [0; 3];
    for (slot, wanted) in at.iter_mut().zip(names) {
        let mut places = record
            .iter()
            .enumerate()
            .filter(|(_, h)| h.eq_ignore_ascii_case(wanted))
            .map(|(i, _)| i);
        match (places.next(), places.next()) {
            (Some(i), None) => *slot = i,
            (Some(_), Some(_)) => {
                return Err((format!("there are several columns `{wanted}`"), help));
            }
            (None, _) => {
                let found: Vec<String> = record.iter().take(8).map(|h| format!("`{h}`")).collect();
                return Err((
                    format!(
                        "a file of margins has the columns variable, level and total; this one \
                         has no `{wanted}` but {}",
                        found.join(", ")
                    ),
                    help,
                ));
            }
        }
    }
    Ok(at)
}

fn fields(
    record: &csv::StringRecord,
    [v, l, t]: [usize; 3],
    width: usize,
) -> Result<(&str, &str, f64), Wrong> {
    let help = |text: &str| text.to_string();
    if record.iter().any(|field| field.contains('\n')) {
        return Err((
            "a quoted field goes over several lines".to_string(),
            help("close the quotation mark"),
        ));
    }
    if record.len() != width {
        let found = record.len();
        let plural = if found == 1 { "" } else { "s" };
        let help = if found > width {
            "write totals without thousands separators; a text that contains the delimiter stands \
             in quotation marks"
        } else {
            "give variable, level and total on every line"
        };
        return Err((
            format!("{found} field{plural} where the header has {width}"),
            help.to_string(),
        ));
    }
    let field = |i: usize| record.get(i).unwrap_or("");
    let (variable, level, total) = (field(v), field(l), field(t));
    if variable.is_empty() || level.is_empty() {
        let what = if variable.is_empty() { "variable" } else { "level" };
        return Err((format!("the {what} is empty"), help("fill it in on every line")));
    }
    match value_of(total).filter(|_| !total.is_empty()) {
        Some(value) => Ok((variable, level, value)),
        None if total.is_empty() => Err((
            format!("`{level}` of `{variable}` has no total"),
            help("give it one, or take the line out"),
        )),
        None => Err((format!("the total `{total}` is not a number"), way_to_number(total))),
    }
}

/// How a text should have been written to be a number.
fn way_to_number(text: &str) -> String {
    let is_separator = |c: char| matches!(c, ',' | '\'' | '_' | '\u{2019}') || c.is_whitespace();
    let groups: Vec<&str> = text.split(is_separator).collect();
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (first, rest) = groups.split_first().unwrap_or((&"", &[]));
    if !rest.is_empty() && digits(first) && rest.iter().all(|g| digits(g) && g.len() == 3) {
        return format!("write it without thousands separators: {}", groups.concat());
    }
    if let ([one], true) = (rest, digits(first))
        && digits(one)
        && text.contains(',')
    {
        return format!("the decimal mark is a point: {first}.{one}");
    }
    if text.ends_with('%') {
        return "write a share as 0.51 and give the `population` of the step".to_string();
    }
    "write it as a plain number, such as 41540796".to_string()
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

    #[test]
    fn the_way_to_a_number() {
        for (text, expected) in [
            ("29,200,000", "29200000"),
            ("29 200 000", "29200000"),
            ("29200,5", "29200.5"),
            ("51%", "population"),
            ("many", "41540796"),
            ("1,23,4", "plain number"),
        ] {
            assert!(way_to_number(text).contains(expected), "{text}: {}", way_to_number(text));
        }
    }
}
