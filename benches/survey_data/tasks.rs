//! The work that is timed: each task as a user of the library would write it, from a table in
//! memory to the result.

use std::sync::Arc;

use rakewell::aggregate::XTerm;
use rakewell::data::{Codes, Column, Factor, Numbers, Table};
use rakewell::design::{DesignInput, LonelyPsu, SurveyDesign, Variable};
use rakewell::estimate::{
    Analysis, ByVariable, Deff, Domains, EstimateTable, IntervalMethod, Outcome, Quantity,
    Statistic, TableSpec,
};
use rakewell::replicate::{ReplicatePlan, Resampling, make};
use rakewell::weight::{
    Bounds, CalibrationOptions, Distance, Ledger, Margin, MarginLevels, Residuals, Totals,
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
    calibrate(table, given, base, Distance::Linear(None))
}

/// Calibrates to the same margins by the logit distance, with factors from 0.2 to 5.
pub fn logit(table: &Table, given: &[MarginLevels], base: &Ledger) -> Ledger {
    calibrate(table, given, base, Distance::Logit(Bounds { lower: 0.2, upper: 5.0 }))
}

/// Calibrates to 500 totals, 54 of them of the margins, 436 of groups of PSUs and 10 of income within
/// such groups, each one per cent above what the sample has.
pub fn many(table: &Table, given: &[MarginLevels], base: &Ledger) -> Ledger {
    let mut ledger = base.clone();
    let mut terms: Vec<XTerm> =
        matched(table, given, base.weights()).iter().map(Margin::term).collect();
    let known: usize = terms.iter().map(|t| t.width).sum();
    let psu = column(table, "psu").as_numbers().expect("PSUs are numbers");
    let income = column(table, "income").as_numbers().expect("income is a number");
    let group = |of: usize| {
        let codes: Vec<u32> =
            (0..table.rows()).map(|r| (psu.get(r) as usize % of) as u32).collect();
        Some(Arc::new(Codes::pack(&codes, of)))
    };
    let groups = 500 - 10 - known;
    terms.push(XTerm { codes: group(groups), values: None, width: groups });
    terms.push(XTerm { codes: group(10), values: Some(Arc::new(income.clone())), width: 10 });
    let x = rakewell::aggregate::XColumns { terms };
    let mut targets = vec![0.0; 500];
    for (row, w) in base.weights().iter().enumerate() {
        x.row(row).for_each(|(column, value)| targets[column] += 1.01 * w * value);
    }
    let names = (0..500).map(|c| format!("total {c}")).collect();
    let totals = Totals { x, targets, names, part: Vec::new() };
    let options = CalibrationOptions::new(Distance::Linear(None));
    ledger.calibrate(&totals, &options, false).expect("the totals can be met");
    ledger
}

fn calibrate(table: &Table, given: &[MarginLevels], base: &Ledger, distance: Distance) -> Ledger {
    let mut ledger = base.clone();
    let margins = matched(table, given, base.weights());
    let name = |m: &Margin| m.levels.iter().map(|l| format!("{} {l}", m.name)).collect::<Vec<_>>();
    let totals = Totals {
        x: rakewell::aggregate::XColumns { terms: margins.iter().map(Margin::term).collect() },
        targets: margins.iter().flat_map(|m| m.targets.clone()).collect(),
        names: margins.iter().flat_map(name).collect(),
        part: Vec::new(),
    };
    let options = CalibrationOptions::new(distance);
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

/// The same from an analysis that is there, as with the tables of one study: what its weighting takes to prepare is
/// done for the first of them.
pub fn table_of(
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
        df: rakewell::estimate::Df::Domain,
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
