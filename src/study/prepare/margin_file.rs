//! A file of margins: one line per total.

use std::path::Path;
use std::sync::Arc;

use super::margins::{self, GivenMargin, GivenTotal, Meant};
use crate::data::io::{self, DataError, read_small, sheet_as_text};
use crate::data::number::value_of;
use crate::diagnostic::{Diagnostic, Place, Source};
use crate::study::spec::GivenAs;

/// A larger file is taken for data.
const LARGEST: u64 = 64 << 20;

/// Columns that a file of margins can have besides `variable`, `level` and `total`.
const OPTIONAL: [&str; 7] =
    ["of", "as", "shares-of", "per-group", "part", "importance", "tolerance"];

/// Reads a file of margins: the columns `variable, level, total`, one line per cell, and those of
/// [`OPTIONAL`] that it has. Names that cross are joined by `×` or `*`, unless there is a column of
/// the whole name. Lines of one variable (and the same `of`, `part` …) are one margin.
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
    let mut all: Vec<GivenMargin> = Vec::new();
    let mut columns: Option<(Header, usize)> = None;
    while let Some((place, record)) = lines.next() {
        if record.iter().all(str::is_empty) {
            continue;
        }
        let Some((at, width)) = &columns else {
            match header(&record) {
                Ok(at) => columns = Some((at, record.len())),
                Err((message, help)) => {
                    return Err(vec![Diagnostic::error(message).at(Some(place)).help(help)]);
                }
            }
            continue;
        };
        match fields(&record, at, *width) {
            Err((message, help)) => {
                found.push(Diagnostic::error(message).at(Some(place)).help(help));
            }
            Ok(Fields { variable, level, total, meant }) => {
                let variables: Vec<String> = if variable.is_empty() {
                    Vec::new()
                } else if is_column(variable) {
                    vec![variable.to_string()]
                } else {
                    variable.split(['×', '*']).map(|s| s.trim().to_string()).collect()
                };
                let one = GivenTotal { level: level.to_string(), total, place: place.clone() };
                match all.iter_mut().find(|m| m.variables == variables && m.meant == meant) {
                    Some(margin) => margin.totals.push(one),
                    None => all.push(GivenMargin {
                        name: margins::name(&variables, &meant),
                        variables,
                        totals: vec![one],
                        meant,
                        place,
                    }),
                }
            }
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    if all.is_empty() {
        let what = if columns.is_some() { "has a header but no totals" } else { "is empty" };
        return Err(vec![
            Diagnostic::error(format!("`{name}` {what}"))
                .help("it needs a line `variable,level,total`, and then one line per level"),
        ]);
    }
    Ok(all)
}

fn text_of(path: &Path, name: &str, sheet: Option<&str>) -> Result<String, Vec<Diagnostic>> {
    // A sheet becomes lines of text, so that mistakes in it have a place as well.
    if let Some(text) = sheet_as_text(path, sheet).map_err(|e| vec![Diagnostic::from(e)])? {
        return Ok(text);
    }
    let bytes = read_small(path, LARGEST).map_err(|e| vec![Diagnostic::from(e)])?;
    let error = |message: String, help: &str| vec![Diagnostic::error(message).help(help)];
    if bytes.len() as u64 > LARGEST {
        let message =
            format!("`{name}` is larger than {} MB, too large for margins", LARGEST >> 20);
        return Err(error(message, "name the file of population totals, not the data"));
    }
    let kept = bytes.clone();
    io::text_of(path, bytes).map_err(|e| {
        let DataError::InvalidUtf8 { offset, .. } = e else { return vec![Diagnostic::from(e)] };
        // The text before the fault is unchanged by the replacement, so the place is right.
        let text = String::from_utf8_lossy(&kept).into_owned();
        let start = usize::try_from(offset).unwrap_or(text.len());
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

/// Where the columns are: the three that are needed, then those of [`OPTIONAL`].
struct Header {
    needed: [usize; 3],
    optional: [Option<usize>; OPTIONAL.len()],
}

fn header(record: &csv::StringRecord) -> Result<Header, Wrong> {
    let names = ["variable", "level", "total"];
    let help = "the first line is `variable,level,total`".to_string();
    let places = |wanted: &str| {
        let is_it = |(_, h): &(usize, &str)| h.eq_ignore_ascii_case(wanted);
        record.iter().enumerate().filter(is_it).map(|(i, _)| i).collect::<Vec<usize>>()
    };
    let mut needed = [0; 3];
    for (slot, wanted) in needed.iter_mut().zip(names) {
        match places(wanted).as_slice() {
            [one] => *slot = *one,
            [] => {
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
            _ => return Err((format!("there are several columns `{wanted}`"), help)),
        }
    }
    let optional = OPTIONAL.map(|wanted| places(wanted).first().copied());
    Ok(Header { needed, optional })
}

/// What a line says.
struct Fields<'a> {
    variable: &'a str,
    level: &'a str,
    total: f64,
    meant: Meant,
}

fn fields<'a>(
    record: &'a csv::StringRecord,
    at: &Header,
    width: usize,
) -> Result<Fields<'a>, Wrong> {
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
    let [variable, level, total] = at.needed.map(field);
    let meant = meant(&at.optional.map(|i| i.map_or("", field)))?;
    // A number in the whole population has neither variable nor level.
    let is_whole = meant.of.is_some() && variable.is_empty() && level.is_empty();
    if !is_whole && (variable.is_empty() || level.is_empty()) {
        let what = if variable.is_empty() { "variable" } else { "level" };
        return Err((format!("the {what} is empty"), help("fill it in on every line")));
    }
    match value_of(total).filter(|_| !total.is_empty()) {
        Some(total) => Ok(Fields { variable, level, total, meant }),
        None if total.is_empty() => Err((
            format!("`{level}` of `{variable}` has no total"),
            help("give it one, or take the line out"),
        )),
        None => Err((format!("the total `{total}` is not a number"), way_to_number(total))),
    }
}

/// What the totals of a line are, by the columns of [`OPTIONAL`].
fn meant(fields: &[&str; OPTIONAL.len()]) -> Result<Meant, Wrong> {
    let [of, given_as, shares_of, per_group, part, importance, tolerance] = *fields;
    let text = |s: &str| (!s.is_empty()).then(|| s.to_string());
    let number = |name: &str, s: &str| match (s.is_empty(), value_of(s)) {
        (true, _) => Ok(None),
        (false, Some(x)) if x.is_finite() && x >= 0.0 => Ok(Some(x)),
        _ => Err((format!("the {name} `{s}` is not a positive number"), way_to_number(s))),
    };
    Ok(Meant {
        of: text(of),
        given_as: match given_as {
            "" => None,
            "totals" => Some(GivenAs::Totals),
            "shares" => Some(GivenAs::Shares),
            "means" => Some(GivenAs::Means),
            other => {
                let help = "write `totals`, `shares` or `means`, or nothing for totals";
                return Err((format!("`{other}` says not what the totals are"), help.to_string()));
            }
        },
        shares_of: text(shares_of)
            .map(|names| names.split(['×', '*']).map(|s| s.trim().to_string()).collect()),
        per_group: match per_group {
            "" | "false" | "0" => false,
            "true" | "1" => true,
            other => {
                let help = "write `true` to count every group once, or nothing".to_string();
                return Err((format!("`{other}` is neither true nor false"), help));
            }
        },
        part: text(part),
        importance: number("importance", importance)?,
        tolerance: number("tolerance", tolerance)?,
    })
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
