//! What a test gives back, ready to be shown.

use serde::Serialize;

/// How the statistic of a test is distributed if the hypothesis holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TestStatistic {
    /// F with two numbers of degrees of freedom.
    F,
    /// Student's t.
    T,
    /// Pearson's X² with a corrected distribution.
    ChiSquared,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestRow {
    /// What is tested, such as "Life satisfaction by Sex".
    pub what: String,
    /// Rows used.
    pub n: u64,
    /// Which distribution the statistic is held against.
    pub distribution: TestStatistic,
    /// The statistic; `None` where the test cannot be made.
    pub statistic: Option<f64>,
    /// Degrees of freedom (of the numerator).
    pub df: Option<f64>,
    /// Degrees of freedom of the denominator.
    pub ddf: Option<f64>,
    /// p-value.
    pub p: Option<f64>,
    /// What differs, in words, such as "Women − Men"; `None` where nothing is estimated.
    pub contrast: Option<String>,
    /// The difference that is tested.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
    /// Why the test cannot be made.
    pub note: Option<String>,
}

/// Tests that were asked for together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestTable {
    /// Its name in the study file.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The method, in words.
    pub method: String,
    /// Confidence level of intervals.
    pub level: f64,
    /// The tests.
    pub rows: Vec<TestRow>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}
