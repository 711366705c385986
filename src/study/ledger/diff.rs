//! What changed between two ledgers, and which step changed it.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::{Figures, GroupRecord, LedgerFile, StepRecord};

/// Two ledgers side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerDiff {
    /// Whether the final weights are the same, bit for bit.
    pub same_weights: bool,
    /// Rows of the data, when they differ.
    pub rows: Option<(usize, usize)>,
    /// The programs, when they differ.
    pub program: Option<(String, String)>,
    /// Files that are not the same.
    pub inputs: Vec<InputChange>,
    /// Parts of the study, other than weighting, that differ, such as `data` and `derive`.
    pub study: Vec<Change>,
    /// The steps, those of the first ledger in order, added ones where they stand.
    pub steps: Vec<StepChange>,
    /// The groups after the last step of each, those whose share or effective size differs.
    pub groups: Vec<GroupChange>,
}

/// A file that one ledger was made of and the other was not, or not in the same state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InputChange {
    /// Its path.
    pub path: String,
    /// `changed`, `added` or `removed`.
    pub what: &'static str,
}

/// A value that differs; `None` where it is not given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Its key.
    pub key: String,
    /// In the first ledger.
    pub before: Option<String>,
    /// In the second.
    pub after: Option<String>,
}

/// A step in both ledgers, or in one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepChange {
    /// Its place in the first ledger.
    pub before: Option<usize>,
    /// Its place in the second.
    pub after: Option<usize>,
    /// What it does.
    pub kind: String,
    /// Whether the weights after it are the same, bit for bit.
    pub same_weights: bool,
    /// Settings that differ.
    pub settings: Vec<Change>,
    /// Population totals that differ, and figures of the weights after the step.
    pub figures: Vec<Change>,
    /// Groups on which it acts in another way: whose share of the weights it multiplies by another
    /// factor.
    pub groups: Vec<GroupChange>,
}

/// One group in two ledgers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupChange {
    /// The variables that make the groups.
    pub by: String,
    /// The group.
    pub group: String,
    /// For a step the factor by which it multiplies the share of the group; for the end the share
    /// itself. First ledger, second ledger.
    pub share: (Option<f64>, Option<f64>),
    /// Rows with a weight after the step.
    pub n: (u64, u64),
    /// Effective sample size after the step.
    pub n_eff: (Option<f64>, Option<f64>),
    /// For the end: the step, by its place in the second ledger, that changed the share most.
    pub most_by: Option<usize>,
}

/// Relative differences up to this are rounding.
const ROUNDING: f64 = 1e-9;

/// Compares two ledgers.
pub fn diff(a: &LedgerFile, b: &LedgerFile) -> LedgerDiff {
    let pairs = aligned(&a.steps, &b.steps);
    let mut steps = Vec::new();
    for &(i, j) in &pairs {
        let before = i.map(|i| &a.steps[i]);
        let after = j.map(|j| &b.steps[j]);
        let groups = match (i, j) {
            (Some(i), Some(j)) => acting(&a.steps, i, &b.steps, j),
            _ => Vec::new(),
        };
        steps.push(step(before, after, groups));
    }
    let last = |l: &LedgerFile| l.steps.last().map(|s| s.sha256.clone());
    LedgerDiff {
        same_weights: last(a) == last(b),
        rows: (a.rows != b.rows).then_some((a.rows, b.rows)),
        program: (a.program != b.program).then(|| (a.program.clone(), b.program.clone())),
        inputs: inputs(a, b),
        study: without_weighting(&a.study, &b.study),
        groups: at_the_end(a, b, &pairs),
        steps,
    }
}

fn inputs(a: &LedgerFile, b: &LedgerFile) -> Vec<InputChange> {
    let paths: BTreeSet<&str> = a.inputs.iter().chain(&b.inputs).map(|f| f.path.as_str()).collect();
    let find = |l: &LedgerFile, path: &str| {
        l.inputs.iter().find(|f| f.path == path).map(|f| f.sha256.clone())
    };
    paths
        .into_iter()
        .filter_map(|path| {
            let what = match (find(a, path), find(b, path)) {
                (Some(x), Some(y)) if x == y => return None,
                (Some(_), Some(_)) => "changed",
                (None, _) => "added",
                (_, None) => "removed",
            };
            Some(InputChange { path: path.to_string(), what })
        })
        .collect()
}

fn without_weighting(a: &Value, b: &Value) -> Vec<Change> {
    let mut all = changes(a, b);
    all.retain(|c| c.key != "weighting" && c.key != "design" && c.key != "report");
    all
}

/// Keys whose values differ, in the order of the first, then of the second table.
fn changes(a: &Value, b: &Value) -> Vec<Change> {
    let keys = |v: &Value| -> Vec<String> {
        v.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default()
    };
    let mut all = keys(a);
    for key in keys(b) {
        if !all.contains(&key) {
            all.push(key);
        }
    }
    let text = |v: Option<&Value>| v.map(ToString::to_string);
    all.into_iter()
        .filter(|key| a.get(key) != b.get(key))
        .map(|key| Change { before: text(a.get(&key)), after: text(b.get(&key)), key })
        .collect()
}

/// Steps that correspond: the longest common sequence of kinds, those with the same settings
/// preferred.
fn aligned(a: &[StepRecord], b: &[StepRecord]) -> Vec<(Option<usize>, Option<usize>)> {
    let worth = |i: usize, j: usize| match a[i].kind == b[j].kind {
        true if a[i].settings == b[j].settings => 3,
        true => 2,
        false => 0,
    };
    let mut best = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let both = match worth(i, j) {
                0 => 0,
                w => w + best[i + 1][j + 1],
            };
            best[i][j] = both.max(best[i + 1][j]).max(best[i][j + 1]);
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        let both = i < a.len() && j < b.len() && worth(i, j) > 0;
        if both && best[i][j] == worth(i, j) + best[i + 1][j + 1] {
            pairs.push((Some(i), Some(j)));
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && best[i][j] == best[i + 1][j] {
            pairs.push((Some(i), None));
            i += 1;
        } else {
            pairs.push((None, Some(j)));
            j += 1;
        }
    }
    pairs
}

fn step(
    before: Option<&StepRecord>,
    after: Option<&StepRecord>,
    groups: Vec<GroupChange>,
) -> StepChange {
    let kind = before.or(after).map_or_else(String::new, |s| s.kind.clone());
    let (settings, figures) = match (before, after) {
        (Some(a), Some(b)) => {
            let mut figures = Vec::new();
            weights(&a.weights, &b.weights, &mut figures);
            margins(a, b, &mut figures);
            (changes(&a.settings, &b.settings), figures)
        }
        _ => (Vec::new(), Vec::new()),
    };
    StepChange {
        before: before.map(|s| s.step),
        after: after.map(|s| s.step),
        kind,
        same_weights: before.zip(after).is_some_and(|(a, b)| a.sha256 == b.sha256),
        settings,
        figures,
        groups,
    }
}

fn number(x: Option<f64>) -> Option<String> {
    x.map(|x| x.to_string())
}

fn differ(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() > ROUNDING * a.abs().max(b.abs()),
        (a, b) => a.is_some() != b.is_some(),
    }
}

fn weights(a: &Figures, b: &Figures, out: &mut Vec<Change>) {
    for (key, x, y) in [("n", a.n, b.n), ("zero", a.zero, b.zero)] {
        if x != y {
            let (before, after) = (Some(x.to_string()), Some(y.to_string()));
            out.push(Change { key: key.to_string(), before, after });
        }
    }
    for (key, x, y) in [
        ("sum", a.sum, b.sum),
        ("min", a.min, b.min),
        ("median", a.median, b.median),
        ("max", a.max, b.max),
        ("deff", a.deff_kish, b.deff_kish),
        ("n_eff", a.n_eff, b.n_eff),
    ] {
        if differ(x, y) {
            out.push(Change { key: key.to_string(), before: number(x), after: number(y) });
        }
    }
}

fn margins(a: &StepRecord, b: &StepRecord, out: &mut Vec<Change>) {
    let find = |s: &StepRecord, margin: &str, level: &str| {
        let own = s.margins.iter().find(|m| m.margin == margin && m.level == level);
        own.and_then(|m| m.target)
    };
    let mut seen = BTreeSet::new();
    for line in a.margins.iter().chain(&b.margins) {
        if !seen.insert((&line.margin, &line.level)) {
            continue;
        }
        let (x, y) = (find(a, &line.margin, &line.level), find(b, &line.margin, &line.level));
        if differ(x, y) {
            let key = format!("target of {} {}", line.margin, line.level).trim_end().to_string();
            out.push(Change { key, before: number(x), after: number(y) });
        }
    }
}

fn find<'a>(groups: &'a [GroupRecord], like: &GroupRecord) -> Option<&'a GroupRecord> {
    groups.iter().find(|g| g.by == like.by && g.group == like.group)
}

/// The factor by which a step multiplies the share of a group; for the first step the share.
fn factor(steps: &[StepRecord], i: usize, like: &GroupRecord) -> Option<f64> {
    let own = find(&steps[i].groups, like)?.share?;
    match i.checked_sub(1) {
        None => Some(own),
        Some(last) => {
            let before = find(&steps[last].groups, like)?.share?;
            (before != 0.0).then(|| own / before)
        }
    }
}

/// Groups on which a step acts in another way.
fn acting(a: &[StepRecord], i: usize, b: &[StepRecord], j: usize) -> Vec<GroupChange> {
    let mut found = Vec::new();
    for group in &b[j].groups {
        let Some(other) = find(&a[i].groups, group) else { continue };
        let share = (factor(a, i, group), factor(b, j, group));
        if differ(share.0, share.1) {
            found.push(GroupChange {
                by: group.by.clone(),
                group: group.group.clone(),
                share,
                n: (other.weights.n, group.weights.n),
                n_eff: (other.weights.n_eff, group.weights.n_eff),
                most_by: None,
            });
        }
    }
    found
}

/// Groups that differ at the end, with the step that moved their share most.
fn at_the_end(
    a: &LedgerFile,
    b: &LedgerFile,
    pairs: &[(Option<usize>, Option<usize>)],
) -> Vec<GroupChange> {
    let (Some(last_a), Some(last_b)) = (a.steps.last(), b.steps.last()) else { return Vec::new() };
    let mut found = Vec::new();
    for group in &last_b.groups {
        let Some(other) = find(&last_a.groups, group) else { continue };
        let same = !differ(other.share, group.share)
            && !differ(other.weights.n_eff, group.weights.n_eff)
            && other.weights.n == group.weights.n;
        if same {
            continue;
        }
        // The logarithm of the final share is the sum of those of the factors of the steps.
        let moved = |&(i, j): &(Option<usize>, Option<usize>)| {
            let of = |steps: &[StepRecord], i: Option<usize>| {
                i.and_then(|i| factor(steps, i, group)).filter(|f| *f > 0.0).map_or(0.0, f64::ln)
            };
            (of(&b.steps, j) - of(&a.steps, i)).abs()
        };
        let by_step = pairs.iter().map(|pair| (pair, moved(pair)));
        // Of equal ones the first.
        let most = by_step
            .filter(|(_, by)| *by > ROUNDING)
            .reduce(|best, next| if best.1 >= next.1 { best } else { next });
        found.push(GroupChange {
            by: group.by.clone(),
            group: group.group.clone(),
            share: (other.share, group.share),
            n: (other.weights.n, group.weights.n),
            n_eff: (other.weights.n_eff, group.weights.n_eff),
            most_by: most.and_then(|((i, j), _)| j.or(*i)).map(|step| step + 1),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(steps: &[(&str, f64, f64)]) -> LedgerFile {
        let figures = |n_eff: f64| Figures {
            n: 100,
            zero: 0,
            sum: Some(1000.0),
            min: Some(1.0),
            median: Some(9.0),
            max: Some(30.0),
            deff_kish: Some(1.1),
            n_eff: Some(n_eff),
        };
        let step = |(i, (kind, setting, share)): (usize, &(&str, f64, f64))| StepRecord {
            step: i + 1,
            kind: kind.to_string(),
            description: String::new(),
            outcome: String::new(),
            variance: String::new(),
            settings: serde_json::json!({ "step": kind, "upper": setting }),
            sha256: format!("{kind}{setting}{share}"),
            weights: figures(80.0),
            factors: None,
            margins: Vec::new(),
            groups: vec![GroupRecord {
                by: "g".to_string(),
                group: "one".to_string(),
                share: Some(*share),
                weights: figures(40.0 * share),
            }],
        };
        LedgerFile {
            schema: String::new(),
            program: String::new(),
            study_file: String::new(),
            folder: String::new(),
            study: Value::Null,
            inputs: Vec::new(),
            rows: 100,
            steps: steps.iter().enumerate().map(step).collect(),
        }
    }

    #[test]
    fn the_step_that_changed_is_named() {
        let a = ledger(&[("base", 0.0, 0.5), ("rake", 0.0, 0.4), ("trim", 3.0, 0.38)]);
        let b = ledger(&[("base", 0.0, 0.5), ("rake", 0.0, 0.4), ("trim", 2.0, 0.3)]);
        assert!(diff(&a, &a).same_weights);
        assert!(diff(&a, &a).groups.is_empty());
        let d = diff(&a, &b);
        assert!(!d.same_weights && d.steps[0].same_weights && d.steps[1].same_weights);
        assert_eq!(d.steps[2].settings[0].key, "upper");
        assert_eq!(d.steps[2].settings[0].after.as_deref(), Some("2.0"));
        let share = d.steps[2].groups[0].share;
        assert!((share.0.unwrap_or(0.0) - 0.95).abs() < 1e-12);
        assert!((share.1.unwrap_or(0.0) - 0.75).abs() < 1e-12);
        assert_eq!(d.groups[0].most_by, Some(3));
    }

    #[test]
    fn added_steps_stand_where_they_are() {
        let a = ledger(&[("base", 0.0, 0.5), ("rake", 0.0, 0.4)]);
        let b = ledger(&[("base", 0.0, 0.5), ("trim", 2.0, 0.45), ("rake", 0.0, 0.4)]);
        let d = diff(&a, &b);
        let places: Vec<_> = d.steps.iter().map(|s| (s.before, s.after)).collect();
        assert_eq!(places, [(Some(1), Some(1)), (None, Some(2)), (Some(2), Some(3))]);
        let back = diff(&b, &a);
        assert_eq!((back.steps[1].before, back.steps[1].after), (Some(2), None));
    }
}
