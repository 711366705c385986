//! From `[[test]]` to tables of tests.

use super::not_numeric::not_numeric;
use super::places::KeyPath;
use super::plan::Planner;
use super::prepare::Prepared;
use super::spec::{IndependenceStatistic, Names, Test};
use crate::compare::test::{
    IndependenceTest, MeanTest, RankScore, RankTest, TestError, TestRow, TestStatistic, TestTable,
    Ties, independence, mean_difference, mean_test, rank_test,
};
use crate::data::{Column, Factor, Level, Numbers};
use crate::diagnostic::Diagnostic;

/// The most cells of a table that is tested: their covariances are needed.
const MOST_CELLS: usize = 2_000;

/// All tests of a study.
///
/// # Errors
/// All mistakes at once: text where numbers are needed, conditions that do not fit the data, groups
/// that cannot be compared.
pub(super) fn tables(prepared: &Prepared) -> Result<Vec<TestTable>, Vec<Diagnostic>> {
    let (mut found, mut out) = (Vec::new(), Vec::new());
    for (i, test) in prepared.study.test.iter().enumerate() {
        let path = KeyPath::root().key("test").index(i);
        let mut planner = Planner { prepared, path: &path, found: Vec::new() };
        out.extend(table(&mut planner, i, test));
        found.append(&mut planner.found);
    }
    if found.is_empty() { Ok(out) } else { Err(found) }
}

fn table(planner: &mut Planner<'_>, i: usize, test: &Test) -> Option<TestTable> {
    let inside = planner.inside(test.population.as_deref())?;
    let level = test.confidence.or(planner.prepared.study.defaults.confidence).unwrap_or(0.95);
    let maker = Maker { inside: &inside, level, df: planner.prepared.study.design.df };
    let by = test.by.as_ref().and_then(|name| planner.prepared.table.column(name)).cloned();
    let group = by.as_ref().map(|column| (column, column.as_factor()));
    let (key, names, method) = kind(test)?;
    let mut rows = Vec::new();
    for (k, name) in names.list().into_iter().enumerate() {
        let at = match names {
            Names::One(_) => planner.path.key(key),
            Names::Many(_) => planner.path.key(key).index(k),
        };
        let Some(column) = planner.prepared.table.column(name).cloned() else { continue };
        let what = match &by {
            Some(by) => format!("{} by {}", column.title(), by.title()),
            None => column.title().to_string(),
        };
        let group = group.as_ref().map(|(c, f)| (*c, f));
        let made = match (key, group) {
            ("independence", Some((by, f))) => {
                let own = column.as_factor();
                if own.levels.len() * f.levels.len() > MOST_CELLS {
                    let message = format!(
                        "a table of {} by {} levels has too many cells to be tested",
                        own.levels.len(),
                        f.levels.len()
                    );
                    let help =
                        format!("group the levels in `[[derive]]`; the most is {MOST_CELLS} cells");
                    planner.error(&at, message, Some(help));
                    continue;
                }
                let statistic = test.statistic.unwrap_or_default();
                maker.independence(planner.prepared, (&column, &own), (by, f), statistic)
            }
            ("rank", Some((by, f))) => {
                let Some(y) = planner.numbers(&at, &column, "for ranks") else { continue };
                let score = test.score.unwrap_or(RankScore::Wilcoxon);
                maker.rank(planner.prepared, &y, (by, f), score)
            }
            (_, group) => {
                let Some(y) = planner.numbers(&at, &column, "for a mean") else { continue };
                let Some(y) = paired(planner, test, y) else { continue };
                maker.mean(planner.prepared, &y, group, test.against.unwrap_or(0.0))
            }
        };
        match made {
            Ok(row) => rows.push(TestRow { what: label(&what, test, planner.prepared), ..row }),
            Err(e @ (TestError::OneLevel { .. } | TestError::ManyLevels { .. })) => {
                let help = "join or leave out levels in `[[derive]]`, or with `where`";
                let help = match e {
                    TestError::ManyLevels { .. } => {
                        format!("{help}; `rank` compares several groups")
                    }
                    _ => help.to_string(),
                };
                let at = if test.by.is_some() { planner.path.key("by") } else { at };
                planner.error(&at, e.to_string(), Some(help));
            }
            Err(e) => rows.push(TestRow {
                what: label(&what, test, planner.prepared),
                note: Some(e.to_string()),
                ..empty()
            }),
        }
    }
    let title = test.title.clone().unwrap_or_else(|| {
        let what: Vec<&str> = rows.iter().map(|r| r.what.as_str()).collect();
        let kind = match key {
            "independence" => "Test of independence",
            "rank" => "Rank test",
            _ => "t test",
        };
        format!("{kind}: {}", what.join(", "))
    });
    Some(TestTable {
        name: test.name.clone().unwrap_or_else(|| format!("test-{}", i + 1)),
        title,
        method,
        level,
        rows,
        notes: test.population.iter().map(|p| format!("among rows with {p}")).collect(),
    })
}

fn label(what: &str, test: &Test, prepared: &Prepared) -> String {
    match test.paired_with.as_ref().and_then(|name| prepared.table.column(name)) {
        Some(other) => format!("{what} − {}", other.title()),
        None => what.to_string(),
    }
}

/// The key that says what is tested, its variables, and the method in words.
fn kind(test: &Test) -> Option<(&'static str, &Names, String)> {
    if let Some(names) = &test.independence {
        let words = match test.statistic.unwrap_or_default() {
            IndependenceStatistic::F => "Rao–Scott second-order corrected chi-squared test, as F",
            IndependenceStatistic::FirstOrder => "Rao–Scott first-order corrected chi-squared test",
            IndependenceStatistic::Exact => {
                "Pearson's statistic against a weighted sum of chi-squared variables"
            }
            IndependenceStatistic::Saddlepoint => {
                "Pearson's statistic against a weighted sum of chi-squared variables (saddlepoint)"
            }
            IndependenceStatistic::Wald => "Wald test of independence",
            IndependenceStatistic::AdjustedWald => "Adjusted Wald test of independence",
        };
        return Some(("independence", names, words.to_string()));
    }
    if let Some(names) = &test.rank {
        let words = match test.score.unwrap_or(RankScore::Wilcoxon) {
            RankScore::Wilcoxon => "Design-based rank test (Wilcoxon, Kruskal–Wallis)",
            RankScore::Normal => "Design-based rank test with normal scores (van der Waerden)",
            RankScore::Median => "Design-based test of the median (Mood)",
        };
        return Some(("rank", names, words.to_string()));
    }
    let words = match (&test.by, &test.paired_with) {
        (Some(_), _) => "t test of the difference between two means".to_string(),
        (None, Some(_)) => "paired t test".to_string(),
        (None, None) => format!("t test of a mean against {}", test.against.unwrap_or(0.0)),
    };
    test.mean.as_ref().map(|names| ("mean", names, words))
}

fn paired(planner: &mut Planner<'_>, test: &Test, y: Numbers) -> Option<Numbers> {
    let Some(name) = &test.paired_with else { return Some(y) };
    let column = planner.prepared.table.column(name)?.clone();
    let path = planner.path.key("paired-with");
    let Some(other) = column.as_numbers() else {
        let (message, help) = not_numeric(&column, "for a mean");
        planner.error(&path, message, Some(help));
        return None;
    };
    Some(Numbers::pack((0..y.len()).map(|row| y.get(row) - other.get(row)).collect()))
}

fn empty() -> TestRow {
    TestRow {
        what: String::new(),
        n: 0,
        distribution: TestStatistic::F,
        statistic: None,
        df: None,
        ddf: None,
        p: None,
        contrast: None,
        estimate: None,
        se: None,
        lower: None,
        upper: None,
        note: None,
    }
}

/// What all tests of a table share.
struct Maker<'a> {
    inside: &'a [bool],
    level: f64,
    df: Option<f64>,
}

impl Maker<'_> {
    fn independence(
        &self,
        prepared: &Prepared,
        (column, own): (&Column, &Factor),
        (by, groups): (&Column, &Factor),
        statistic: IndependenceStatistic,
    ) -> Result<TestRow, TestError> {
        let (a, b) = ((column.name.as_str(), own), (by.name.as_str(), groups));
        let made = independence(&prepared.analysis, a, b, self.inside, self.df)?;
        Ok(independence_row(&made, statistic))
    }

    fn mean(
        &self,
        prepared: &Prepared,
        y: &Numbers,
        group: Option<(&Column, &Factor)>,
        against: f64,
    ) -> Result<TestRow, TestError> {
        let analysis = &prepared.analysis;
        let (made, contrast) = match group {
            None => {
                let made = mean_test(analysis, y, against, self.inside, self.df, self.level)?;
                let contrast = (against != 0.0).then(|| format!("mean − {against}"));
                (made, contrast.unwrap_or_else(|| "mean".to_string()))
            }
            Some((by, f)) => {
                let group = (by.name.as_str(), f);
                let made = mean_difference(analysis, y, group, self.inside, self.df, self.level)?;
                let contrast = difference(f, &made.groups);
                (made, contrast)
            }
        };
        Ok(mean_row(&made, contrast))
    }

    fn rank(
        &self,
        prepared: &Prepared,
        y: &Numbers,
        (by, f): (&Column, &Factor),
        score: RankScore,
    ) -> Result<TestRow, TestError> {
        let group = (by.name.as_str(), f);
        let how = (score, Ties::Middle);
        let made = rank_test(&prepared.analysis, y, group, self.inside, how, self.df)?;
        Ok(rank_row(&made, f))
    }
}

fn difference(factor: &Factor, groups: &[usize]) -> String {
    let text = |i: usize| groups.get(i).and_then(|l| factor.levels.get(*l)).map_or("", Level::text);
    format!("{} − {}", text(1), text(0))
}

fn independence_row(made: &IndependenceTest, statistic: IndependenceStatistic) -> TestRow {
    let f = |four: [f64; 4]| TestRow {
        n: made.n,
        statistic: Some(four[0]),
        df: Some(four[1]),
        ddf: Some(four[2]),
        p: Some(four[3]),
        ..empty()
    };
    let chi = |p: f64, df: Option<f64>| TestRow {
        n: made.n,
        distribution: TestStatistic::ChiSquared,
        statistic: Some(made.x2),
        df,
        p: Some(p).filter(|p| p.is_finite()),
        ..empty()
    };
    let none = |note: &str| TestRow { n: made.n, note: Some(note.to_string()), ..empty() };
    match statistic {
        IndependenceStatistic::F => f(made.f),
        IndependenceStatistic::FirstOrder => chi(made.p_first_order, Some(made.k as f64)),
        IndependenceStatistic::Exact => chi(made.p_exact, None),
        IndependenceStatistic::Saddlepoint => chi(made.p_saddlepoint, None),
        IndependenceStatistic::Wald => match made.wald_test() {
            Some(four) => f(four),
            None => none("the covariances of the cells cannot be inverted"),
        },
        IndependenceStatistic::AdjustedWald => match made.adjusted_wald_test() {
            Some(four) => f(four),
            None => none("too few degrees of freedom for so many cells"),
        },
    }
}

fn mean_row(made: &MeanTest, contrast: String) -> TestRow {
    TestRow {
        n: made.n,
        distribution: TestStatistic::T,
        statistic: Some(made.t),
        df: Some(made.df),
        p: Some(made.p),
        contrast: Some(contrast),
        estimate: Some(made.estimate),
        se: Some(made.se),
        lower: Some(made.interval[0]),
        upper: Some(made.interval[1]),
        ..empty()
    }
}

fn rank_row(made: &RankTest, factor: &Factor) -> TestRow {
    let Some([statistic, k, rest, p]) = made.test() else {
        let note = "too few degrees of freedom for so many groups".to_string();
        return TestRow { n: made.n, note: Some(note), ..empty() };
    };
    let known = TestRow { n: made.n, statistic: Some(statistic), p: Some(p), ..empty() };
    match made.difference {
        Some([estimate, se]) => TestRow {
            distribution: TestStatistic::T,
            df: Some(rest),
            contrast: Some(format!("mean score, {}", difference(factor, &made.groups))),
            estimate: Some(estimate),
            se: Some(se),
            ..known
        },
        None => TestRow { df: Some(k), ddf: Some(rest), ..known },
    }
}
