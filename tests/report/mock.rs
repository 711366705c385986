//! Made-up results of a plausible size and shape. The numbers mean nothing.

use rakewell::compare::{Comparison, ComparisonTable, Measure};
use rakewell::estimate::{
    ByVariable, Decision, DfRule, Estimate, EstimateTable, IntervalMethod, MissingEffect,
    MissingReport, Outcome, Quality, QualityStandard, Statistic,
};
use rakewell::report::{DataSummary, DesignSummary, Document, FileHash, Manifest};
use rakewell::weight::{MarginLine, StepDiagnostics, StepSummary, WeightSummary};

pub const ETHNIC_GROUPS: [&str; 18] = [
    "White: English, Welsh, Scottish, Northern Irish or British",
    "White: Irish",
    "White: Gypsy or Irish Traveller",
    "White: Roma",
    "White: Other White",
    "Mixed: White and Black Caribbean",
    "Mixed: White and Black African",
    "Mixed: White and Asian",
    "Mixed: Other Mixed or Multiple ethnic groups",
    "Asian: Indian",
    "Asian: Pakistani",
    "Asian: Bangladeshi",
    "Asian: Chinese",
    "Asian: Other Asian",
    "Black: African",
    "Black: Caribbean",
    "Black: Other Black",
    "Arab or any other ethnic group",
];

/// A repeatable number between 0 and 1.
pub fn noise(i: usize) -> f64 {
    let x = (i as f64 * 12.9898 + 4.1).sin() * 43_758.545_3;
    x - x.floor()
}

pub fn by(variable: &str, title: &str, levels: &[&str]) -> ByVariable {
    ByVariable {
        variable: variable.to_string(),
        title: title.to_string(),
        levels: levels.iter().map(|s| (*s).to_string()).collect(),
    }
}

pub fn outcome(variable: &str, title: &str) -> Outcome {
    Outcome {
        variable: variable.to_string(),
        title: title.to_string(),
        level: None,
        probability: None,
    }
}

/// A table with a row per outcome and domain, in order, filled by `fill`.
pub fn table(
    name: &str,
    title: &str,
    statistic: Statistic,
    outcomes: Vec<Outcome>,
    by: Vec<ByVariable>,
    fill: impl Fn(usize, &[usize], usize) -> Estimate,
) -> EstimateTable {
    let mut rows = Vec::new();
    for o in 0..outcomes.len() {
        let count: usize = by.iter().map(|b| b.levels.len()).product();
        for cell in 0..count {
            let mut rest = cell;
            let mut domain = vec![0; by.len()];
            for (place, b) in by.iter().enumerate().rev() {
                domain[place] = rest % b.levels.len();
                rest /= b.levels.len();
            }
            let i = rows.len();
            rows.push(Estimate { outcome: o, domain: domain.clone(), ..fill(o, &domain, i) });
        }
    }
    EstimateTable {
        name: name.to_string(),
        title: title.to_string(),
        statistic,
        outcomes,
        by,
        population: None,
        interval: IntervalMethod::T,
        level: 0.95,
        variance: "Taylor linearisation, residuals of the calibration, first-stage units with \
                   replacement"
            .to_string(),
        replicates: None,
        df_rule: DfRule::DomainPsusMinusStrata,
        standard: None,
        weight: "calibrated (ledger entry 4)".to_string(),
        rows,
        covariance: None,
        missing: MissingReport::default(),
        notes: Vec::new(),
    }
}

/// A proportion from an effective sample size, with the flag the NCHS rules would give it.
pub fn proportion(p: f64, n: u64, deff: f64, df: f64) -> Estimate {
    let n_eff = n as f64 / deff;
    let se = (p * (1.0 - p) / n_eff).sqrt();
    let (lower, upper) = ((p - 2.02 * se).max(0.0), (p + 2.02 * se).min(1.0));
    let width = upper - lower;
    let (decision, rule) = if n_eff < 30.0 {
        (Decision::Suppress, format!("effective sample size {n_eff:.1} < 30"))
    } else if width >= 0.3 || (width > 0.05 && width / p > 1.3) {
        (Decision::Suppress, format!("relative interval width {:.0}% > 130%", 100.0 * width / p))
    } else if df < 8.0 {
        (Decision::Review, format!("degrees of freedom {df} < 8"))
    } else if width > 0.05 && width / (1.0 - p) > 1.3 {
        (Decision::Footnote, "relative interval width of the complement > 130%".to_string())
    } else {
        (Decision::Show, String::new())
    };
    Estimate {
        n_missing: n / 37,
        cv: Some(se / p),
        interval_note: None,
        quality: Some(Quality {
            decision,
            rules: Some(rule).filter(|r| !r.is_empty()).into_iter().collect(),
        }),
        ..plain(p, se, n, deff, df, (lower, upper))
    }
}

pub fn plain(
    estimate: f64,
    se: f64,
    n: u64,
    deff: f64,
    df: f64,
    (lower, upper): (f64, f64),
) -> Estimate {
    Estimate {
        outcome: 0,
        domain: Vec::new(),
        n,
        n_missing: 0,
        psus: n / 4 + 2,
        weight_sum: n as f64 * 812.3,
        estimate: Some(estimate),
        se: Some(se),
        se_replicates: None,
        cv: Some(se / estimate.abs()),
        deff: Some(deff),
        n_eff: Some(n as f64 / deff),
        n_eff_kish: Some(n as f64 / deff.sqrt()),
        df: Some(df),
        lower: Some(lower),
        upper: Some(upper),
        interval_note: None,
        missing: MissingEffect::default(),
        quality: None,
    }
}

/// Discrimination in 18 ethnic groups × 3 migration statuses: 54 domains.
pub fn discrimination() -> EstimateTable {
    let mut it = table(
        "discrimination",
        "Discrimination in the last 12 months by ethnic group and migration status",
        Statistic::Proportion,
        vec![outcome("discriminated", "Experienced discrimination in the last 12 months")],
        vec![
            by("ethnicity", "Ethnic group", &ETHNIC_GROUPS),
            by("migration", "Migration status", &["UK-born", "Under 10 years", "10 years or more"]),
        ],
        |_, domain, i| {
            let size = [
                4200, 380, 60, 48, 900, 420, 260, 310, 280, 1300, 1250, 1020, 430, 520, 1180, 1040,
                190, 350,
            ][domain[0]];
            let n =
                (f64::from(size) * [0.5, 0.2, 0.3][domain[1]] * (0.6 + 0.8 * noise(i))) as u64 + 9;
            let p = 0.06 + 0.2 * noise(i + 900) * if domain[0] < 2 { 0.4 } else { 1.0 };
            let df = ((n as f64) / 18.0).round().max(2.0);
            proportion(p, n, 1.3 + noise(i + 50), df)
        },
    );
    it.interval = IntervalMethod::KornGraubard;
    it.standard = Some(QualityStandard::Nchs);
    it.population = Some("age >= 16".to_string());
    it.notes = vec!["Respondents interviewed by proxy were not asked.".to_string()];
    it
}

pub fn satisfaction() -> EstimateTable {
    let mut it = table(
        "life-satisfaction",
        "Life satisfaction by ethnic group",
        Statistic::Mean,
        vec![outcome("sclfsato", "Life satisfaction, 1 to 7")],
        vec![by("ethnicity", "Ethnic group", &ETHNIC_GROUPS)],
        |_, _, i| {
            let n = 60 + (2400.0 * noise(i + 7).powi(2)) as u64;
            let (mean, se) = (4.9 + 0.7 * noise(i + 300), 1.5 / (n as f64 / 1.7).sqrt());
            plain(mean, se, n, 1.7, 600.0, (mean - 1.96 * se, mean + 1.96 * se))
        },
    );
    it.rows[3].estimate = None;
    it.rows[3].se = None;
    it.rows[3].lower = None;
    it.rows[3].upper = None;
    it.rows[3].n = 0;
    it
}

pub fn loneliness() -> EstimateTable {
    let levels = ["Hardly ever or never", "Some of the time", "Often"];
    let mut it = table(
        "loneliness",
        "Loneliness by age and sex",
        Statistic::Proportion,
        levels
            .iter()
            .map(|level| Outcome {
                level: Some((*level).to_string()),
                ..outcome("sclonely", "How often feels lonely")
            })
            .collect(),
        vec![
            by("age", "Age", &["16 to 24", "25 to 44", "45 to 64", "65 and over"]),
            by("sex", "Sex", &["Women", "Men"]),
        ],
        |o, _, i| {
            proportion(
                [0.6, 0.31, 0.09][o] + 0.06 * (noise(i) - 0.5),
                900 + i as u64 * 37,
                1.6,
                310.0,
            )
        },
    );
    it.interval = IntervalMethod::Logit;
    it
}

pub fn regions() -> EstimateTable {
    table(
        "unpaid-care",
        "Unpaid care by sex and region",
        Statistic::Proportion,
        vec![outcome("care", "Gives 20 hours or more of unpaid care a week")],
        vec![
            by("sex", "Sex", &["Women", "Men"]),
            by(
                "region",
                "Region",
                &[
                    "North East",
                    "North West",
                    "Yorkshire and The Humber",
                    "East Midlands",
                    "West Midlands",
                    "East of England",
                    "London",
                    "South East",
                    "South West",
                    "Wales",
                ],
            ),
        ],
        |_, _, i| proportion(0.05 + 0.05 * noise(i + 40), 700, 1.4, 60.0),
    )
}

pub fn overall() -> EstimateTable {
    table(
        "adults",
        "Adults who feel unsafe in public places",
        Statistic::Proportion,
        vec![outcome("unsafe", "Felt unsafe in the last 12 months")],
        vec![],
        |_, _, _| proportion(0.1874, 11_872, 2.05, 663.0),
    )
}

pub fn pay() -> EstimateTable {
    let probabilities = [0.1, 0.25, 0.5, 0.75, 0.9];
    table(
        "pay",
        "Monthly take-home pay",
        Statistic::Quantile,
        probabilities
            .iter()
            .map(|p| Outcome {
                probability: Some(*p),
                ..outcome("paynu_dv", "Monthly take-home pay, £")
            })
            .collect(),
        vec![],
        |o, _, _| {
            let (q, se) =
                ([612.0, 1104.0, 1710.5, 2512.0, 3650.0][o], [14.2, 12.1, 13.7, 22.9, 51.4][o]);
            plain(q, se, 6214, 1.8, 640.0, (q - 1.96 * se, q + 1.96 * se))
        },
    )
}

pub fn comparison(group: &str, reference: &str, estimate: f64, se: f64, ratio: bool) -> Comparison {
    let (lower, upper) = if ratio {
        let spread = (1.96 * se / estimate).exp();
        (estimate / spread, estimate * spread)
    } else {
        (estimate - 1.96 * se, estimate + 1.96 * se)
    };
    let t = if ratio { estimate.ln() / (se / estimate) } else { estimate / se };
    let p = (-0.7 * t * t).exp();
    Comparison {
        outcome: None,
        within: String::new(),
        group: group.to_string(),
        reference: reference.to_string(),
        estimate: Some(estimate),
        se: Some(se),
        df: Some(412.0),
        lower: Some(lower),
        upper: Some(upper),
        t: Some(t),
        p: Some(p),
        p_adjusted: Some((p * 17.0).min(1.0)),
        rests_on_suppressed: false,
    }
}

pub fn differences() -> ComparisonTable {
    let estimates = discrimination();
    let rows = (1..ETHNIC_GROUPS.len())
        .flat_map(|g| ["UK-born", "Under 10 years", "10 years or more"].map(|m| (g, m)))
        .filter(|(g, _)| [4, 9, 10, 11, 14, 15, 16].contains(g))
        .enumerate()
        .map(|(i, (g, m))| Comparison {
            within: m.to_string(),
            ..comparison(
                ETHNIC_GROUPS[g],
                ETHNIC_GROUPS[0],
                0.12 * noise(i + 60) - 0.02,
                0.02,
                false,
            )
        });
    let mut rows: Vec<Comparison> = rows.collect();
    let suppressed = |group: &str, migration: &str| {
        estimates.rows.iter().any(|row| {
            estimates.by[0].levels[row.domain[0]] == group
                && estimates.by[1].levels[row.domain[1]] == migration
                && row.quality.as_ref().is_some_and(|q| q.decision == Decision::Suppress)
        })
    };
    for row in &mut rows {
        row.rests_on_suppressed =
            suppressed(&row.group, &row.within) || suppressed(&row.reference, &row.within);
    }
    rows.sort_by_key(|r| {
        ["UK-born", "Under 10 years", "10 years or more"].iter().position(|m| *m == r.within)
    });
    ComparisonTable {
        name: "discrimination-gap".to_string(),
        title: "Discrimination: difference from the White British group".to_string(),
        estimate: estimates.name,
        measure: Measure::Difference,
        adjustment: Some("Holm, 21 comparisons".to_string()),
        level: 0.95,
        rows,
        notes: Vec::new(),
    }
}

pub fn ratios() -> ComparisonTable {
    let rows = ["Women", "Men"].into_iter().zip([1.46, 0.83]).map(|(g, r)| Comparison {
        p_adjusted: None,
        ..comparison(g, "All adults", r, 0.11, true)
    });
    ComparisonTable {
        name: "care-ratio".to_string(),
        title: "Unpaid care: ratio to all adults".to_string(),
        estimate: "unpaid-care".to_string(),
        measure: Measure::Ratio,
        adjustment: None,
        level: 0.95,
        rows: rows.collect(),
        notes: vec!["Ratios of standardised rates.".to_string()],
    }
}

fn step(
    step: usize,
    kind: &str,
    description: &str,
    outcome: &str,
    cv: f64,
    scale: f64,
    g: Option<(f64, f64)>,
) -> StepSummary {
    let n = 11_872;
    let deff = 1.0 + cv * cv;
    StepSummary {
        step,
        kind: kind.to_string(),
        description: description.to_string(),
        outcome: outcome.to_string(),
        weights: WeightSummary {
            n,
            zero: 128,
            sum: scale * n as f64,
            min: scale * (-2.4 * cv).exp(),
            q1: scale * (-0.9 * cv).exp(),
            median: scale * (-0.3 * cv).exp(),
            q3: scale * (0.4 * cv).exp(),
            max: scale * (2.1 * cv).exp(),
            cv,
            deff_kish: deff,
            n_eff: n as f64 / deff,
        },
        g_range: g,
        margins: Vec::new(),
        details: Vec::new(),
        variance: String::new(),
        diagnostics: StepDiagnostics { efficiency: 1.0 / deff, ..StepDiagnostics::default() },
    }
}

pub fn weighting() -> Vec<StepSummary> {
    let mut rake = step(
        4,
        "rake",
        "Raked to sex × age, region and ethnic group (census2021-margins.csv)",
        "converged in 12 iterations",
        1.02,
        3894.2,
        Some((0.3, 3.0)),
    );
    rake.variance = "Residuals of the calibration are used in every variance".to_string();
    let lines = [
        (
            "sex × age",
            &[
                "Women · 16 to 24",
                "Women · 25 to 44",
                "Women · 45 to 64",
                "Women · 65 and over",
                "Men · 16 to 24",
                "Men · 25 to 44",
                "Men · 45 to 64",
                "Men · 65 and over",
            ][..],
        ),
        ("region", &["North", "Midlands", "London", "South", "Wales"][..]),
        ("ethnicity", &ETHNIC_GROUPS[..]),
    ];
    for (margin, levels) in lines {
        for (i, level) in levels.iter().enumerate() {
            let target = 46_230_000.0 / levels.len() as f64 * (0.5 + noise(i + level.len()));
            rake.margins.push(MarginLine {
                margin: margin.to_string(),
                level: (*level).to_string(),
                n: 40 + (700.0 * noise(i + 3)) as u64,
                target,
                before: target * (0.7 + 0.5 * noise(i * 7 + 1)),
                after: target * (1.0 + 2e-11 * (noise(i) - 0.5)),
            });
        }
    }
    vec![
        step(
            1,
            "base",
            "Inverse of the inclusion probability over all samples (design_weight)",
            "12,000 weights",
            0.86,
            1.0,
            None,
        ),
        step(
            2,
            "nonresponse",
            "Response-rate adjustment within region × tenure",
            "24 classes, smallest 61 rows",
            0.92,
            1.61,
            Some((1.22, 2.71)),
        ),
        step(
            3,
            "trim",
            "Cut at 5 times the median, the excess spread over the others",
            "31 weights cut",
            0.81,
            1.61,
            Some((0.66, 1.01)),
        ),
        rake,
    ]
}

pub fn document() -> Document {
    Document {
        title: "Discrimination, loneliness and satisfaction by ethnic group and migration status".to_string(),
        description: Some("Adults aged 16 and over in the United Kingdom. A general population sample and two ethnic minority boost samples, combined by their total inclusion probability.".to_string()),
        source: Some("Made-up data in the shape of Understanding Society, wave 13".to_string()),
        data: DataSummary {
            file: "responses.sav".to_string(),
            rows: 12_431,
            columns: 63,
            population: Some("age >= 16 and interviewed".to_string()),
            population_rows: 11_872,
        },
        design: DesignSummary {
            description: "Stratified, 2 stages, first-stage units with replacement".to_string(),
            strata: Some(108),
            psus: Some(771),
            replicates: None,
            df: Some(663.0),
            lonely: Some("2 strata with one PSU, centred at the grand mean".to_string()),
        },
        weighting: weighting(),
        estimates: vec![discrimination(), satisfaction(), loneliness(), regions(), overall(), pay()],
        comparisons: vec![differences(), ratios()],
        tests: Vec::new(),
        warnings: vec!["3 rows have a design weight but no stratum; they were left out".to_string()],
    }
}

pub fn manifest() -> Manifest {
    let hash = |path: &str| FileHash {
        path: path.to_string(),
        sha256: rakewell::report::sha256_hex(path.as_bytes()),
        bytes: path.len() as u64,
    };
    Manifest {
        settings: Vec::new(),
        program: "rakewell 0.1.0".to_string(),
        study: hash("study.toml"),
        inputs: vec![hash("responses.sav"), hash("census2021-margins.csv")],
        outputs: vec![hash("report.html")],
        seeds: [("bootstrap".to_string(), 7)].into_iter().collect(),
        threads: 2,
        started: "2026-11-23T01:42:00Z".to_string(),
        timings: vec![("read".to_string(), 0.41), ("weigh".to_string(), 0.08)],
    }
}
