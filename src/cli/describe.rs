//! `rakewell describe`: what is in a data file.

use std::io;
use std::path::PathBuf;

use clap::Args;
use rakewell::data::io::{Charset, ReadOptions, names};
use rakewell::describe::{self, Description, Range, Type, Variable};
use rakewell::diagnostic::{Diagnostic, Diagnostics, nearest, shortened};

use super::{Loudness, Outcome, print, progress::Progress, refuse};

/// Show what is in a data file: variables, labels, levels, missing codes, ranges
///
/// Counts are of rows, without weights. Which variables look like weights, strata or PSUs is guessed
/// from their names and values. Of a file with many columns, one line for each is shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell describe responses.csv
  rakewell describe responses.csv --variables sex,age
  rakewell describe responses.csv --variables 'repw*'
  rakewell describe responses.csv --json > codebook.json
  rakewell describe responses.xlsx --sheet Wave2
  rakewell describe responses.sas7bdat --catalogue formats.sas7bcat

Exit codes: 0 done, 1 the file or a variable is not there or cannot be read, 2 wrong arguments.")]
pub(super) struct Describe {
    /// The data file
    file: PathBuf,
    /// Only these variables, with commas between them; a `*` stands for any text
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    variables: Vec<String>,
    /// The sheet of a workbook; the first one if not given
    #[arg(long)]
    sheet: Option<String>,
    /// How bytes become characters, where the file does not say it: latin1, cp850, …
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// The catalogue of formats with the value labels of a SAS file
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// As JSON, for machines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loudness: Loudness,
}

/// Files with more columns are shown with one line for each.
const MANY: usize = 60;
/// Levels that are shown of a variable.
const LEVELS: usize = 40;
/// Characters that are shown of a level, and of the label of a variable; `--json` has them all.
const LEVEL: usize = 60;
const LABEL: usize = 100;

impl Describe {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let progress = Progress::new(&self.loudness);
        progress.tell("reading the data");
        let result = self.describe();
        progress.end();
        match result {
            Err(mistakes) => refuse(&mistakes),
            Ok(found) if self.json => {
                // Numbers beyond all bounds have no JSON; they are null there.
                let json = serde_json::to_string_pretty(&found).map_err(io::Error::other)?;
                print(&format!("{json}\n"))?;
                Ok(Outcome::Done)
            }
            Ok(found) => {
                print(&text(&found, !self.variables.is_empty()))?;
                Ok(Outcome::Done)
            }
        }
    }

    fn describe(&self) -> Result<Description, Diagnostics> {
        let failed = |e: rakewell::data::io::DataError| Diagnostics::from(Diagnostic::from(e));
        let mut options = ReadOptions {
            sheet: self.sheet.clone(),
            catalogue: self.catalogue.clone(),
            ..ReadOptions::default()
        };
        if let Some(name) = &self.encoding {
            options.encoding = Charset::named(name);
            if options.encoding.is_none() {
                let help = "write a name such as `latin1` or `windows-1252`, or a code page such as \
                            `cp850`";
                let message = format!("no encoding is called `{name}`");
                return Err(Diagnostic::error(message).help(help).into());
            }
        }
        if self.variables.is_empty() {
            return describe::file_with(&self.file, None, &options).map_err(failed);
        }
        let all = names(&self.file, &options).map_err(failed)?;
        let mut mistakes = Diagnostics::default();
        let wanted: Vec<&str> = self.variables.iter().map(|v| v.trim()).collect();
        for name in &wanted {
            if !all.iter().any(|known| fits(name, known)) {
                let near = nearest(name, all.iter().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`rakewell describe` without --variables shows all".to_string(),
                };
                let message = format!("there is no column `{name}` in {}", self.file.display());
                mistakes.push(Diagnostic::error(message).help(help));
            }
        }
        if mistakes.has_errors() {
            return Err(mistakes);
        }
        let chosen: Vec<String> =
            all.into_iter().filter(|known| wanted.iter().any(|w| fits(w, known))).collect();
        describe::file_with(&self.file, Some(&chosen), &options).map_err(failed)
    }
}

/// True when a name is meant by a text with `*` for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

fn text(found: &Description, chosen: bool) -> String {
    let mut out =
        format!("{}: {} rows, {} columns\n", found.file.display(), found.rows, found.columns);
    let kinds = [
        (Type::Category, "category", "categories"),
        (Type::Number, "number", "numbers"),
        (Type::Date, "date", "dates"),
        (Type::DateTime, "date with time", "dates with time"),
        (Type::Time, "time", "times"),
        (Type::Text, "text", "texts"),
        (Type::Empty, "without values", "without values"),
    ];
    let counts: Vec<String> = kinds
        .iter()
        .map(|(kind, one, many)| {
            let n = found.variables.iter().filter(|v| v.kind == *kind).count();
            (n, if n == 1 { one } else { many })
        })
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    out.push_str(&format!("{}\n", counts.join(", ")));
    for note in &found.notes {
        out.push_str(&format!("Note: {note}\n"));
    }
    if !found.guesses.is_empty() {
        out.push_str("\nGuesses, from names and values (check them):\n");
        let width = found.guesses.iter().map(|g| g.variable.chars().count()).max().unwrap_or(0);
        for guess in &found.guesses {
            let role = guess.role.words();
            out.push_str(&format!("  {:<width$}  {role}? {}\n", guess.variable, guess.reason));
        }
    }
    if !found.likely_missing.is_empty() {
        let codes: Vec<String> = found
            .likely_missing
            .iter()
            .map(|(code, n)| format!("{code} in {n} variable{}", if *n == 1 { "" } else { "s" }))
            .collect();
        out.push_str(&format!("\nMay mean \"missing\": {}\n", codes.join(", ")));
    }
    out.push('\n');
    if found.variables.len() > MANY && !chosen {
        index(found, &mut out);
    } else {
        found.variables.iter().for_each(|v| variable(v, found.rows as u64, &mut out));
    }
    out
}

/// One line per variable.
fn index(found: &Description, out: &mut String) {
    let width = found.variables.iter().map(|v| v.name.chars().count()).max().unwrap_or(0).min(32);
    for v in &found.variables {
        let missing = match v.missing {
            0 => String::new(),
            n => format!(", {n} missing"),
        };
        let label = v.label.as_ref().map_or(String::new(), |l| format!("  {}", clean(l, LABEL)));
        let name = clean(&v.name, LABEL);
        out.push_str(&format!("  {name:<width$}  {}{missing}{label}\n", kind(v)));
    }
    out.push_str("\n`--variables NAMES` shows the levels and the range of some.\n");
}

fn kind(v: &Variable) -> String {
    match v.kind {
        Type::Category => format!("{} levels", v.levels.iter().filter(|l| l.count > 0).count()),
        Type::Number => "number".to_string(),
        Type::Date => "date".to_string(),
        Type::DateTime => "date with time".to_string(),
        Type::Time => "time".to_string(),
        Type::Text => format!("text, {} different", v.distinct),
        _ => "no values".to_string(),
    }
}

fn variable(v: &Variable, rows: u64, out: &mut String) {
    let label = v.label.as_ref().map_or(String::new(), |l| format!(": {}", clean(l, LABEL)));
    out.push_str(&format!("{}{label}\n  {}", clean(&v.name, LABEL), kind(v)));
    if v.missing > 0 {
        let share = 100.0 * v.missing as f64 / rows.max(1) as f64;
        out.push_str(&format!("; {} of {rows} missing ({share:.1} %)", v.missing));
    }
    out.push('\n');
    if v.kind == Type::Number
        && let Some(range) = v.range
    {
        out.push_str(&format!("  {}\n", ranged(&range)));
    }
    if let Some(p) = &v.period {
        let quartiles = [p.lower.as_str(), &p.median, &p.upper].join(", ");
        out.push_str(&format!("  {} to {}; quartiles {quartiles}\n", p.first, p.last));
    }
    let text = |value: &str, label: Option<&String>| {
        clean(&label.map_or(value.to_string(), |l| format!("{value} {l}")), LEVEL)
    };
    let shown = &v.levels[..v.levels.len().min(LEVELS)];
    let width = shown
        .iter()
        .map(|l| text(&l.value, l.label.as_ref()).chars().count())
        .chain(v.missing_codes.iter().map(|m| text(&m.code, m.label.as_ref()).chars().count()))
        .max()
        .unwrap_or(0);
    for level in shown {
        let what = text(&level.value, level.label.as_ref());
        let code = level.value.parse().unwrap_or(0.0);
        let likely = v.likely_missing.iter().any(|(c, _)| *c == code);
        let guess = if likely { "  (missing?)" } else { "" };
        out.push_str(&format!("    {what:<width$}  {:>9}{guess}\n", level.count));
    }
    if v.levels.len() > shown.len() {
        out.push_str(&format!("    and {} more levels\n", v.levels.len() - shown.len()));
    }
    if v.kind == Type::Number && !v.likely_missing.is_empty() {
        let codes = v.likely_missing.iter().map(|(code, n)| format!("{code} ({n} rows)"));
        let codes = codes.collect::<Vec<_>>().join(", ");
        out.push_str(&format!("  may mean \"missing\": {codes}\n"));
    }
    for code in &v.missing_codes {
        let what = text(&code.code, code.label.as_ref());
        out.push_str(&format!("    {what:<width$}  {:>9}  missing\n", code.count));
    }
    out.push('\n');
}

fn ranged(range: &Range) -> String {
    let short = |x: f64| {
        let text = if x.abs() >= 1e7 || (x != 0.0 && x.abs() < 1e-3) {
            format!("{x:.4e}")
        } else {
            format!("{x:.4}").trim_end_matches('0').trim_end_matches('.').to_string()
        };
        if range.whole && x.fract() == 0.0 && x.abs() < 1e15 { format!("{x}") } else { text }
    };
    format!(
        "{} to {}; quartiles {}, {}, {}; mean {}",
        short(range.least),
        short(range.most),
        short(range.lower),
        short(range.median),
        short(range.upper),
        short(range.mean)
    )
}

/// Text of a file without what could steer a terminal, shortened to a number of characters.
fn clean(text: &str, most: usize) -> String {
    shortened(text, most).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        assert!(fits("sex", "sex") && !fits("sex", "sexes"));
        assert!(fits("repw*", "repw12") && fits("*_xw", "a_xw") && fits("a*b*c", "a1b2c"));
        assert!(!fits("a*a", "a") && !fits("a*b*c", "acb") && fits("*", "x"));
    }
}
