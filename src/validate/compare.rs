//! Ours beside the published numbers.

use crate::compare::{Comparison, ComparisonTable};
use crate::diagnostic::nearest;
use crate::estimate::{Estimate, EstimateTable};
use crate::report::Document;
use crate::study::spec::{Scalar, Study};

use super::case::{Case, Expect, Quantity};
use super::published::Published;

/// One published number and ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which number it is: estimate, outcome, domain.
    pub what: String,
    /// Which quantity.
    pub quantity: Quantity,
    /// The published number.
    pub published: Published,
    /// Ours, in published units; `None` when the study has no such number.
    pub ours: Option<f64>,
    /// How far ours may be off.
    pub tolerance: f64,
    /// Why there is no number of ours.
    pub problem: Option<String>,
}

impl Row {
    /// Ours minus the published number.
    pub fn difference(&self) -> Option<f64> {
        self.ours.map(|ours| ours - self.published.value)
    }

    /// True when ours is within the tolerance.
    pub fn agrees(&self) -> bool {
        self.difference().is_some_and(|d| d.abs() <= self.tolerance)
    }
}

/// Puts the numbers of a run beside those a case expects, in the order of the case.
///
/// `study` gives the labels of levels, so that a case may name a level by its value where the
/// run shows its label.
pub fn compare(case: &Case, study: Option<&Study>, document: &Document) -> Vec<Row> {
    case.expect
        .iter()
        .map(|entry| {
            let expect = entry.get_ref();
            let found = match (&expect.estimate, &expect.compare) {
                (Some(name), _) => estimate(expect, name, study, document),
                (None, Some(name)) => comparison(expect, name, study, document),
                (None, None) => Err("the entry names no estimate".to_string()),
            };
            let (ours, problem) = match found {
                Ok(value) => (Some(value * expect.scale.unwrap_or(1.0)), None),
                Err(problem) => (None, Some(problem)),
            };
            Row {
                what: describe(expect),
                quantity: expect.quantity,
                published: expect.value.clone(),
                ours,
                tolerance: expect.allowed(),
                problem,
            }
        })
        .collect()
}

/// The number of an estimate.
fn estimate(
    expect: &Expect,
    name: &str,
    study: Option<&Study>,
    document: &Document,
) -> Result<f64, String> {
    let table = document
        .estimates
        .iter()
        .find(|t| t.name == name)
        .ok_or_else(|| unknown("estimate", name, document.estimates.iter().map(|t| &t.name)))?;
    let outcome = outcome(expect, table, study)?;
    let domain = domain(expect, table, study)?;
    let row = table
        .rows
        .iter()
        .find(|r| r.outcome == outcome && r.domain == domain)
        .ok_or("the run has no row for this domain")?;
    quantity(row, expect.quantity)
        .ok_or_else(|| format!("the run gives no {} here", expect.quantity.name()))
}

/// The outcome that an entry means: the only one, or the one it names.
fn outcome(expect: &Expect, table: &EstimateTable, study: Option<&Study>) -> Result<usize, String> {
    let fits: Vec<usize> = (0..table.outcomes.len())
        .filter(|&i| {
            let outcome = &table.outcomes[i];
            expect.outcome.as_ref().is_none_or(|v| *v == outcome.variable)
                && expect.level.as_ref().is_none_or(|wanted| {
                    let level = outcome.level.as_deref();
                    level.is_some_and(|l| is_level(l, wanted, &outcome.variable, study))
                })
                && expect
                    .probability
                    .is_none_or(|p| outcome.probability.is_some_and(|q| (p - q).abs() < 1e-9))
        })
        .collect();
    match fits[..] {
        [one] => Ok(one),
        [] => Err(format!(
            "the estimate has no such outcome; it has {}",
            list(table.outcomes.iter().map(|o| match (&o.level, o.probability) {
                (Some(level), _) => format!("{}: {level}", o.variable),
                (None, Some(p)) => format!("{} at {p}", o.variable),
                (None, None) => o.variable.clone(),
            }))
        )),
        _ => Err("several outcomes fit; add `outcome`, `level` or `probability`".to_string()),
    }
}

/// The domain that an entry means, as level indices.
fn domain(
    expect: &Expect,
    table: &EstimateTable,
    study: Option<&Study>,
) -> Result<Vec<usize>, String> {
    if let Some((name, _)) =
        expect.domain.0.iter().find(|(name, _)| table.by.iter().all(|b| b.variable != *name))
    {
        return Err(match table.by.is_empty() {
            true => "the estimate has no `by`, so no `domain`".to_string(),
            false => unknown("`by` variable", name, table.by.iter().map(|b| &b.variable)),
        });
    }
    table
        .by
        .iter()
        .map(|by| {
            let (_, wanted) =
                expect.domain.0.iter().find(|(name, _)| *name == by.variable).ok_or_else(|| {
                    format!("`domain` does not say the level of `{}`", by.variable)
                })?;
            by.levels
                .iter()
                .position(|level| is_level(level, wanted, &by.variable, study))
                .ok_or_else(|| {
                    format!(
                        "`{}` has no level {}; it has {}",
                        by.variable,
                        text(wanted),
                        list(by.levels.iter().cloned())
                    )
                })
        })
        .collect()
}

/// A quantity of an estimate.
fn quantity(row: &Estimate, quantity: Quantity) -> Option<f64> {
    match quantity {
        Quantity::Estimate => row.estimate,
        Quantity::Se => row.se,
        Quantity::Cv => row.cv,
        Quantity::Deff => row.deff,
        Quantity::Lower => row.lower,
        Quantity::Upper => row.upper,
        Quantity::Df => row.df,
        Quantity::N => Some(row.n as f64),
        Quantity::NEff => row.n_eff,
        Quantity::Psus => Some(row.psus as f64),
        Quantity::WeightSum => Some(row.weight_sum),
        Quantity::MeanWeight => (row.n > 0).then(|| row.weight_sum / row.n as f64),
        Quantity::T | Quantity::P | Quantity::PAdjusted => None,
    }
}

/// The number of a comparison.
fn comparison(
    expect: &Expect,
    name: &str,
    study: Option<&Study>,
    document: &Document,
) -> Result<f64, String> {
    let table =
        document.comparisons.iter().find(|t| t.name == name).ok_or_else(|| {
            unknown("comparison", name, document.comparisons.iter().map(|t| &t.name))
        })?;
    let variable = across(table, study);
    let fits = |shown: &str, wanted: &Option<Scalar>| {
        wanted.as_ref().is_some_and(|w| is_level(shown, w, variable.unwrap_or(""), study))
    };
    let found: Vec<&Comparison> = table
        .rows
        .iter()
        .filter(|row| {
            fits(&row.group, &expect.group)
                && fits(&row.reference, &expect.reference)
                && expect.within.as_ref().is_none_or(|w| *w == row.within)
                && named(row, expect)
        })
        .collect();
    let row = match found[..] {
        [one] => one,
        [] => {
            return Err(format!(
                "the run has no such comparison; it has {}",
                list(table.rows.iter().map(|r| format!("{} – {}", r.group, r.reference)))
            ));
        }
        _ => return Err("several comparisons fit; add `within`, `outcome` or `level`".to_string()),
    };
    let value = match expect.quantity {
        Quantity::Estimate => row.estimate,
        Quantity::Se => row.se,
        Quantity::Lower => row.lower,
        Quantity::Upper => row.upper,
        Quantity::Df => row.df,
        Quantity::T => row.t,
        Quantity::P => row.p,
        Quantity::PAdjusted => row.p_adjusted,
        _ => None,
    };
    value.ok_or_else(|| format!("the run gives no {} here", expect.quantity.name()))
}

/// True when the outcome of a comparison is the one an entry names: by the variable, the level,
/// or both.
fn named(row: &Comparison, expect: &Expect) -> bool {
    let shown = row.outcome.as_deref().unwrap_or("");
    expect.outcome.as_ref().is_none_or(|v| shown.contains(v.as_str()))
        && expect.level.as_ref().is_none_or(|l| shown.contains(text(l).as_str()))
}

/// The variable whose levels a comparison compares, as the study file says it.
fn across<'a>(table: &ComparisonTable, study: Option<&'a Study>) -> Option<&'a str> {
    let study = study?;
    let compare = study.compare.iter().find(|c| c.name.as_deref() == Some(&table.name))?;
    if let Some(across) = &compare.across {
        return Some(across);
    }
    let estimate = study.estimate.iter().find(|e| e.name.as_deref() == Some(&compare.estimate))?;
    estimate.by.as_ref()?.list().first().copied()
}

/// True when `shown`, the text of a level of `variable`, is the level `wanted`: by its text, its
/// value or the label that the study gives the value.
fn is_level(shown: &str, wanted: &Scalar, variable: &str, study: Option<&Study>) -> bool {
    let value = text(wanted);
    let label = study
        .and_then(|s| s.variables.0.iter().find(|(name, _)| name == variable))
        .and_then(|(_, v)| v.values.0.iter().find(|(key, _)| same(key, &value)))
        .map(|(_, label)| label.as_str());
    same(shown, &value) || label == Some(shown)
}

/// True when two texts are equal, or two ways to write one number.
fn same(a: &str, b: &str) -> bool {
    a == b || matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(x), Ok(y)) if x == y)
}

fn text(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Number(number) => number.to_string(),
        Scalar::Text(text) => text.clone(),
    }
}

/// Which number an entry is, in words.
fn describe(expect: &Expect) -> String {
    let mut words = expect.estimate.clone().or(expect.compare.clone()).unwrap_or_default();
    let mut add = |part: &str| {
        words.push_str(" · ");
        words.push_str(part);
    };
    if let Some(outcome) = &expect.outcome {
        add(outcome);
    }
    if let Some(level) = &expect.level {
        add(&text(level));
    }
    if let Some(probability) = expect.probability {
        add(&probability.to_string());
    }
    for (variable, level) in &expect.domain.0 {
        add(&format!("{variable} {}", text(level)));
    }
    if let (Some(group), Some(reference)) = (&expect.group, &expect.reference) {
        add(&format!("{} – {}", text(group), text(reference)));
    }
    if let Some(within) = &expect.within {
        add(within);
    }
    words
}

fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("the study has no {kind} `{name}`; is it `{near}`?"),
        None if known.is_empty() => format!("the study has no {kind} at all"),
        None => {
            format!("the study has no {kind} `{name}`; it has {}", list(known.into_iter()))
        }
    }
}

fn list(items: impl Iterator<Item = impl AsRef<str>>) -> String {
    let items: Vec<String> = items.map(|i| format!("`{}`", i.as_ref())).collect();
    items.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::document;
    use super::*;

    fn one(entry: &str) -> Row {
        let case: Case = toml::from_str(&format!(
            "title = \"\"\nsource = \"\"\ncitation = \"\"\nexpect = [{{ {entry} }}]"
        ))
        .unwrap();
        let study: Study = toml::from_str(
            "title = \"\"\ndata = { file = \"x.csv\" }\ndesign = {}\n[variables.race]\nvalues = \
             { 1 = \"White\" }\n[[estimate]]\nname = \"by\"\nmean = \"y\"\nby = \"race\"\n\
             [[compare]]\nname = \"difference\"\nestimate = \"by\"\n",
        )
        .unwrap();
        compare(&case, Some(&study), &document(12.34, 0.2)).remove(0)
    }

    #[test]
    fn agreement_is_to_the_printed_digits() {
        assert!(one("estimate = \"mean\", quantity = \"estimate\", value = \"12.3\"").agrees());
        let off = one("estimate = \"mean\", quantity = \"estimate\", value = \"12.30\"");
        assert!(!off.agrees());
        assert!((off.difference().unwrap() - 0.04).abs() < 1e-12);
        assert!(
            one(
                "estimate = \"mean\", quantity = \"estimate\", value = \"12.30\", tolerance = 0.05"
            )
            .agrees()
        );
        assert!(
            one("estimate = \"mean\", quantity = \"estimate\", value = \"1234\", scale = 100")
                .agrees()
        );
        assert!(one("estimate = \"mean\", quantity = \"mean-weight\", value = \"2.5\"").agrees());
        assert!(!one("estimate = \"mean\", quantity = \"n\", value = \"9\"").agrees());
    }

    #[test]
    fn levels_go_by_label_or_value() {
        for level in ["\"White\"", "1", "\"1\"", "1.0"] {
            let entry = format!(
                "estimate = \"by\", outcome = \"y\", domain = {{ race = {level} }}, quantity = \
                 \"estimate\", value = \"1\""
            );
            assert!(one(&entry).agrees(), "{level}");
        }
        assert!(
            one("estimate = \"levels\", level = \"H\", quantity = \"estimate\", value = \"0.3\"")
                .agrees()
        );
    }

    #[test]
    fn comparisons_are_found_by_their_groups() {
        let p =
            one("compare = \"difference\", group = 2, reference = 1, quantity = \"p\", value = \
             \"0.1393\"");
        assert!(p.agrees(), "{p:?}");
        let none = one(
            "compare = \"difference\", group = 1, reference = 2, quantity = \"p\", value = \"1\"",
        );
        assert!(none.problem.unwrap().contains("`2 – White`"));
    }

    #[test]
    fn what_is_missing_is_said() {
        for (entry, said) in [
            ("estimate = \"maen\"", "is it `mean`?"),
            ("estimate = \"by\", domain = { race = 1 }", "several outcomes fit"),
            ("estimate = \"by\", outcome = \"y\"", "does not say the level of `race`"),
            ("estimate = \"by\", outcome = \"y\", domain = { race = 3 }", "it has `White`, `2`"),
            ("estimate = \"by\", outcome = \"y\", domain = { rac = 1 }", "is it `race`?"),
            ("estimate = \"by\", outcome = \"z\", domain = { race = 1 }", "no row for this domain"),
            ("estimate = \"mean\", domain = { race = 1 }", "no `by`"),
            ("estimate = \"levels\", level = \"M\"", "it has `s: E`, `s: H`"),
        ] {
            let row = one(&format!("{entry}, quantity = \"se\", value = \"1\""));
            let problem = row.problem.clone().unwrap();
            assert!(problem.contains(said), "{entry}: {problem}");
            assert!(!row.agrees());
        }
        let none = one("estimate = \"mean\", quantity = \"deff\", value = \"1\"");
        assert!(none.problem.unwrap().contains("gives no deff"));
    }
}
