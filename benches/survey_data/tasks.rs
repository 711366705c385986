//! The work that is timed: each task as a user of the library would write it, from a table in
//! memory to the result.

use rakewell::data::{Column, Factor, Numbers, Table};
use rakewell::design::{DesignInput, LonelyPsu, SurveyDesign, Variable};
use rakewell::estimate::{
    Analysis, ByVariable, Deff, Domains, EstimateTable, IntervalMethod, Outcome, Quantity,
    Statistic, TableSpec,
};
use rakewell::replicate::{ReplicatePlan, Resampling, make};
use rakewell::weight::{
    CalibrationOptions, Distance, Ledger, Margin, MarginLevels, Residuals, Totals,
};

use super::survey_data::{MARGINS, Survey};

/// The variables whose crossing makes the 54 domains.
pub const BY: [&str; 2] = ["eth", "mig"];
/// The outcomes of the task with three means.
pub const OUTCOMES: [&str; 3] = ["discrim", "lonely", "satis"];
/// The columns that the tasks read.
pub const USED: [&str; 11] = [
    "stratum", "psu", "base_w", "region", "agesex", "eth", "mig", "educ", "discrim", "lonely",
    "satis",
];

/// The survey as a table, as a file reader would give it.
pub fn table(survey: &Survey) -> Table {
    let floats = [("base_w", &survey.base_w), ("income", &survey.income)];
    let whole = survey
        .integers()
        .map(|(name, v)| Column::numbers(name, v.iter().map(|&x| f64::from(x)).collect()));
    let other = floats.map(|(name, v)| Column::numbers(name, v.clone()));
    Table::new(whole.into_iter().chain(other).collect()).expect("columns of one survey fit")
}

/// The five margins, as a margins file would give them.
pub fn margins(survey: &Survey) -> Vec<MarginLevels> {
    MARGINS
        .iter()
        .zip(&survey.margins)
        .map(|(&(name, _), totals)| MarginLevels {
            name: name.to_string(),
            totals: (0..).zip(totals).map(|(l, &t): (u32, _)| (vec![l.to_string()], t)).collect(),
        })
        .collect()
}

/// Strata, PSUs and the base weight.
pub fn design(table: &Table) -> SurveyDesign {
    let variable = |name| Variable::of(column(table, name));
    SurveyDesign::build(&DesignInput {
        rows: table.rows(),
        clusters: vec![variable("psu")],
        strata: vec![Some(variable("stratum"))],
        weight: Some(variable("base_w")),
        lonely: LonelyPsu::Center,
        ..DesignInput::default()
    })
    .expect("the design is sound")
}

/// A ledger with the base weight alone.
pub fn base(design: &SurveyDesign) -> Ledger {
    Ledger::new(design.weights.clone(), "base weight")
}

/// Rakes to the five margins until every one is met to 1e-10.
pub fn rake(table: &Table, given: &[MarginLevels], base: &Ledger) -> Ledger {
    let mut ledger = base.clone();
    let margins = matched(table, given, base.weights());
    ledger.rake(margins, 1e-9, 1000, Residuals::Regression).expect("the margins can be met");
    ledger
}

/// Calibrates to the same margins by the linear distance.
pub fn linear(table: &Table, given: &[MarginLevels], base: &Ledger) -> Ledger {
    let mut ledger = base.clone();
    let margins = matched(table, given, base.weights());
    let name = |m: &Margin| m.levels.iter().map(|l| format!("{} {l}", m.name)).collect::<Vec<_>>();
    let totals = Totals {
        x: rakewell::aggregate::XColumns { terms: margins.iter().map(Margin::term).collect() },
        targets: margins.iter().flat_map(|m| m.targets.clone()).collect(),
        names: margins.iter().flat_map(name).collect(),
    };
    let options = CalibrationOptions::new(Distance::Linear(None));
    ledger.calibrate(&totals, &options, false).expect("the margins can be met");
    ledger
}

/// The margins matched with the data.
fn matched(table: &Table, given: &[MarginLevels], weights: &[f64]) -> Vec<Margin> {
    given
        .iter()
        .map(|levels| {
            let factor = column(table, &levels.name).as_factor();
            Margin::matched(levels, &[&factor], weights, false).expect("levels fit the data")
        })
        .collect()
}

/// Bootstrap replicates, raked to the five margins each, and means by domain with their standard
/// errors: everything that happens after the file is read and the design is built.
pub fn bootstrap(
    table: &Table,
    given: &[MarginLevels],
    design: &SurveyDesign,
    outcomes: &[&str],
    by: &[&str],
    replicates: usize,
) -> EstimateTable {
    let plan =
        ReplicatePlan { replicates: Some(replicates), ..ReplicatePlan::new(Resampling::RaoWu) };
    // The bootstrap has nothing to hold a lonely PSU against: those few are taken for certain.
    let design = SurveyDesign { lonely: LonelyPsu::Certainty, ..design.clone() };
    let made = make(&design, &plan).expect("the design is sound");
    let raked = rake(table, given, &base(&design));
    let made = made.reweighted(&design.tree, &raked).expect("the margins can be met");
    table_of(table, &Analysis::with_replicates(design, raked, made), outcomes, by, false)
}

/// Means of several outcomes in the domains of a crossing, with standard errors, intervals and
/// design effects. Nothing is kept from one call to the next.
pub fn means(
    table: &Table,
    design: &SurveyDesign,
    ledger: &Ledger,
    outcomes: &[&str],
    by: &[&str],
    covariance: bool,
) -> EstimateTable {
    let analysis = Analysis::new(design.clone(), ledger.clone());
    table_of(table, &analysis, outcomes, by, covariance)
}

fn table_of(
    table: &Table,
    analysis: &Analysis,
    outcomes: &[&str],
    by: &[&str],
    covariance: bool,
) -> EstimateTable {
    let factors: Vec<Factor> = by.iter().map(|name| column(table, name).as_factor()).collect();
    let domains = Domains::cross(table.rows(), &factors.iter().collect::<Vec<_>>(), None);
    let by = by.iter().zip(&factors).map(|(name, factor)| ByVariable {
        variable: (*name).to_string(),
        title: (*name).to_string(),
        levels: factor.levels.iter().map(|l| l.text().to_string()).collect(),
    });
    let spec = TableSpec {
        name: "means".to_string(),
        title: "Means".to_string(),
        statistic: Statistic::Mean,
        quantities: outcomes.iter().map(|name| Quantity::Mean(numbers(table, name))).collect(),
        outcomes: outcomes
            .iter()
            .map(|name| {
                let (variable, title) = ((*name).to_string(), (*name).to_string());
                Some(Outcome { variable, title, level: None, probability: None })
            })
            .collect(),
        domains: &domains,
        by: by.collect(),
        population: None,
        interval: IntervalMethod::T,
        level: 0.95,
        deff: Deff::WithoutReplacement,
        standard: None,
        df: None,
        covariance,
    };
    analysis.table(&spec)
}

/// A column that is there.
pub fn column<'a>(table: &'a Table, name: &str) -> &'a Column {
    table.column(name).unwrap_or_else(|| panic!("the survey has a column {name}"))
}

/// A column of numbers that is there.
pub fn numbers<'a>(table: &'a Table, name: &str) -> &'a Numbers {
    column(table, name).as_numbers().unwrap_or_else(|| panic!("{name} holds numbers"))
}
