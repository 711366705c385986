//! `rakewell diff`: what changed between two ledgers.

use std::fmt::Write;
use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rakewell::diagnostic::Diagnostics;
use rakewell::study::{Change, GroupChange, LedgerDiff, LedgerFile, StepChange, diff};

use super::{Outcome, print, refuse};

/// Compare the weights of two deliveries: which step changed what, by group
///
/// Reads two ledgers (`ledger.json`, written by `rakewell weigh` and `rakewell run`) and shows which files,
/// settings and population totals differ, what every step then does otherwise, and in which groups.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell diff 2024/output/ledger.json 2025/output/ledger.json
  rakewell diff old.json new.json --format json    for scripts

For a step, the number of a group is the factor by which the step multiplies the group's share of the
weights (for the first step, the share itself).

Exit codes: 0 done (whether or not there are differences), 1 a ledger cannot be read, 2 wrong arguments.")]
pub(super) struct Diff {
    /// The ledger to compare with
    before: PathBuf,
    /// The ledger that is compared
    after: PathBuf,
    /// How differences are shown
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For scripts
    Json,
}

/// Most lines of one list.
const MOST: usize = 40;

impl Diff {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let read = [&self.before, &self.after].map(|path| LedgerFile::read(path));
        let (before, after) = match read {
            [Ok(before), Ok(after)] => (before, after),
            both => {
                let mistakes = both.into_iter().filter_map(Result::err).flat_map(|d| d.0);
                return refuse(&Diagnostics(mistakes.collect()));
            }
        };
        let found = diff(&before, &after);
        match self.format {
            Format::Json => {
                let mut text = serde_json::to_string_pretty(&found).map_err(io::Error::other)?;
                text.push('\n');
                print(&text)?;
            }
            Format::Text => print(&text(&found))?,
        }
        Ok(Outcome::Done)
    }
}

fn text(found: &LedgerDiff) -> String {
    let mut out = String::new();
    let same = if found.same_weights {
        "The final weights are the same, bit for bit."
    } else {
        "The final weights differ."
    };
    let _ = writeln!(out, "{same}");
    if let Some((a, b)) = &found.program {
        let _ = writeln!(out, "Program: {a} → {b}");
    }
    if let Some((a, b)) = found.rows {
        let _ = writeln!(out, "Rows: {a} → {b}");
    }
    if !found.inputs.is_empty() {
        let _ = writeln!(out, "\nFiles");
        for input in &found.inputs {
            let _ = writeln!(out, "  {} {}", input.path, input.what);
        }
    }
    if !found.study.is_empty() {
        let _ = writeln!(out, "\nStudy");
        changes(&mut out, &found.study, "  ");
    }
    let _ = writeln!(out, "\nSteps");
    for step in &found.steps {
        one_step(&mut out, step);
    }
    if !found.groups.is_empty() {
        let _ = writeln!(
            out,
            "\nGroups, after the last step: share in %, effective sample size, step that moved it most"
        );
        for group in found.groups.iter().take(MOST) {
            let percent = |x: Option<f64>| x.map_or_else(dash, |x| format!("{:.3}", 100.0 * x));
            let most = group.most_by.map_or_else(String::new, |step| format!("; step {step}"));
            let _ = writeln!(
                out,
                "  {}: {} → {}; n eff {} → {}{most}",
                group.group,
                percent(group.share.0),
                percent(group.share.1),
                short(group.n_eff.0),
                short(group.n_eff.1)
            );
        }
        rest(&mut out, found.groups.len(), "  ");
    }
    out
}

fn one_step(out: &mut String, step: &StepChange) {
    let place = match (step.before, step.after) {
        (Some(a), Some(b)) if a == b => format!("{a}"),
        (Some(a), Some(b)) => format!("{a} → {b}"),
        (Some(a), None) => format!("{a} (left out)"),
        (None, Some(b)) => format!("{b} (new)"),
        (None, None) => String::new(),
    };
    let both = step.before.is_some() && step.after.is_some();
    let same = if both && step.same_weights { ": the same weights" } else { "" };
    let _ = writeln!(out, "  {place} {}{same}", step.kind);
    changes(out, &step.settings, "    setting ");
    changes(out, &step.figures.iter().map(rounded).collect::<Vec<_>>(), "    ");
    for group in step.groups.iter().take(MOST) {
        let _ = writeln!(out, "    {}", of_group(group));
    }
    rest(out, step.groups.len(), "    ");
}

fn of_group(group: &GroupChange) -> String {
    format!(
        "group {}: factor {} → {}; n {} → {}; n eff {} → {}",
        group.group,
        share(group.share.0),
        share(group.share.1),
        group.n.0,
        group.n.1,
        short(group.n_eff.0),
        short(group.n_eff.1)
    )
}

fn changes(out: &mut String, all: &[Change], lead: &str) {
    for change in all.iter().take(MOST) {
        let text = |x: &Option<String>| x.clone().unwrap_or_else(|| "not given".to_string());
        let _ = writeln!(
            out,
            "{lead}{}: {} → {}",
            change.key,
            text(&change.before),
            text(&change.after)
        );
    }
    rest(out, all.len(), lead);
}

/// Two figures with as many digits as show where they differ, and seven at least.
fn rounded(change: &Change) -> Change {
    let number = |x: &Option<String>| x.as_ref().and_then(|x| x.parse::<f64>().ok());
    let both = (number(&change.before), number(&change.after));
    let text = |x: Option<f64>, digits: usize| x.map(|x| with_digits(x, digits));
    let shows = |digits: &usize| text(both.0, *digits) != text(both.1, *digits);
    let digits = (7..17).find(shows).unwrap_or(17);
    let shown = |x, given: &Option<String>| text(x, digits).or_else(|| given.clone());
    Change {
        key: change.key.clone(),
        before: shown(both.0, &change.before),
        after: shown(both.1, &change.after),
    }
}

/// A number with so many significant digits; whole numbers keep all of theirs.
fn with_digits(x: f64, digits: usize) -> String {
    let size = if x == 0.0 { 0 } else { x.abs().log10().floor() as i32 };
    if !(-5..15).contains(&size) {
        return format!("{x:.*e}", digits - 1);
    }
    let decimals = (digits as i32 - 1 - size).max(0) as usize;
    let text = format!("{x:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

fn rest(out: &mut String, of: usize, lead: &str) {
    if of > MOST {
        let _ = writeln!(out, "{lead}and {} more (--format json has all)", of - MOST);
    }
}

fn dash() -> String {
    "–".to_string()
}

fn short(x: Option<f64>) -> String {
    x.map_or_else(dash, |x| format!("{x:.1}"))
}

fn share(x: Option<f64>) -> String {
    x.map_or_else(dash, |x| format!("{x:.5}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_tell() {
        let change = |a: &str, b: &str| {
            let (before, after) = (Some(a.to_string()), Some(b.to_string()));
            let found = rounded(&Change { key: String::new(), before, after });
            (found.before.unwrap_or_default(), found.after.unwrap_or_default())
        };
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        assert_eq!(change("1.1234567890123", "2"), pair("1.123457", "2"));
        assert_eq!(change("1.123456789", "1.123456781"), pair("1.12345679", "1.12345678"));
        assert_eq!(change("123456789", "123456790"), pair("123456789", "123456790"));
        assert_eq!(change("0.00012345678901", "0"), pair("0.0001234568", "0"));
        assert_eq!(change("1e300", "2e300"), pair("1.000000e300", "2.000000e300"));
    }
}
