//! The ready designs: each can be read, every figure says where it comes from, and the numbers that
//! follow from the file are those that are published.

use rakewell::data::{Column, Table};
use rakewell::planning::{Optimum, Options, plan};
use rakewell::sampling::{Loaded, READY, from_text, load_named, ready};
use serde_json::Value;

fn design(name: &str) -> Loaded {
    let text = ready(name).unwrap_or_else(|| panic!("no design {name}"));
    from_text(name, text, &[]).unwrap_or_else(|found| panic!("{name}\n{found}"))
}

/// Units drawn at a stage of a sample, from the file alone.
fn drawn(loaded: &Loaded, sample: &str, unit: &str) -> f64 {
    let design = &loaded.design;
    let s = design.sample(sample).expect("the sample");
    let k =
        design.samples[s].stages.iter().position(|stage| stage.unit == unit).expect("the stage");
    design.counts(s)[k].drawn.expect("a number")
}

fn close(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within * expected, "{found} is not {expected}");
}

#[test]
fn all_are_read_without_a_warning() {
    assert!(READY.len() >= 10);
    for (name, _) in READY {
        let loaded = design(name);
        assert!(loaded.warnings.0.is_empty(), "{name}\n{}", loaded.warnings);
        let again = load_named(std::path::Path::new(name), &[]).expect("by name");
        assert_eq!(again.design, loaded.design);
    }
}

#[test]
fn every_file_of_the_folder_is_a_ready_design() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("designs");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("designs/")
        .flatten()
        .filter_map(|f| f.file_name().to_str()?.strip_suffix(".toml").map(str::to_string))
        .collect();
    files.sort();
    let known: Vec<&str> = READY.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, known);
}

/// Keys whose numbers are figures about the world, and so need a mark.
const FIGURES: [&str; 18] = [
    "take",
    "rate",
    "most",
    "count",
    "units",
    "in-scope",
    "response",
    "sensitivity",
    "cost",
    "cost-responding",
    "per-household",
    "size",
    "neighbours",
    "n",
    "half-width",
    "cv",
    "icc",
    "unresolved-eligible",
];

fn unmarked(value: &Value, key: &str, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if map.contains_key("value") {
                let said =
                    |key: &str| map.get(key).and_then(Value::as_str).is_some_and(|t| t.len() > 2);
                if !said("source") && !said("assumed") {
                    found.push(path.to_string());
                }
                return;
            }
            for (key, value) in map {
                let inside = ["keep", "share", "covers", "response-by"].contains(&key.as_str());
                if inside && let Value::Object(pairs) = value {
                    for (name, value) in pairs {
                        if value.is_number() {
                            found.push(format!("{path}.{key}.{name}"));
                        }
                        unmarked(value, "", &format!("{path}.{key}.{name}"), found);
                    }
                } else {
                    unmarked(value, key, &format!("{path}.{key}"), found);
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                unmarked(item, "", &format!("{path}.{i}"), found);
            }
        }
        Value::Number(_) if FIGURES.contains(&key) => found.push(path.to_string()),
        _ => {}
    }
}

#[test]
fn every_figure_says_where_it_comes_from() {
    for (name, _) in READY {
        let spec = serde_json::to_value(&design(name).design.spec).expect("JSON");
        let mut found = Vec::new();
        unmarked(&spec, "", "", &mut found);
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}

#[test]
fn understanding_society_2009() {
    let d = design("understanding-society-2009");
    // 2,640 sectors of 18 addresses.
    assert_eq!(drawn(&d, "gps-gb", "sector"), 2640.0);
    assert_eq!(drawn(&d, "gps-gb", "address"), 47_520.0);
    assert_eq!(drawn(&d, "gps-ni", "address"), 2395.0);
    // 412 sectors with certainty and parts of the others: 771 of 3,145.
    close(drawn(&d, "emb", "sector"), 771.0, 0.001);
    let emb = &d.design.samples[d.design.sample("emb").expect("emb")];
    let units: f64 = emb.stages[0].cells.iter().filter_map(|c| c.units).sum();
    assert_eq!(units, 3145.0);
    // About 24,000 households take part in Great Britain.
    let s = d.design.sample("gps-gb").expect("gps-gb");
    close(d.design.counts(s)[2].responding.expect("a number"), 24_000.0, 0.05);
    // Each of the five groups is to have at least 1,000 adults.
    assert_eq!(d.design.spec.plan.target.len(), 5);
    assert!(
        d.design.spec.plan.target.iter().all(|t| t.n.as_ref().is_some_and(|n| n.value() == 1000.0))
    );
}

#[test]
fn the_analysis_profile_of_understanding_society() {
    let d = design("understanding-society-2009");
    let analysis = d.design.spec.analysis.as_ref().expect("a profile");
    let first: Vec<&str> = analysis
        .weight
        .iter()
        .filter(|w| w.waves.contains(&"a".to_string()))
        .map(|w| w.name.as_str())
        .collect();
    assert_eq!(first, ["indinus_xw", "indpxus_xw", "indscus_xw"]);
    // The weights of wave 1 do not cover the former British Household Panel Survey.
    let samples = analysis.weight[0].samples.as_ref().expect("samples").list();
    assert!(!samples.contains(&"bhps") && samples.contains(&"emb"));
    let codes: Vec<f64> = analysis.missing.iter().map(|m| m.code).collect();
    assert_eq!(codes, [-1.0, -2.0, -7.0, -8.0, -9.0]);
    let later = design("understanding-society-2014");
    let later = later.design.spec.analysis.as_ref().expect("a profile").clone();
    assert_eq!([analysis.waves.concat(), later.waves.concat()].concat(), "abcdefghijklm");
    assert!(later.weight.iter().any(|w| w.name == "indinui_xw"));
}

#[test]
fn understanding_society_2014() {
    let loaded = design("understanding-society-2014");
    close(drawn(&loaded, "iemb", "address"), 19_000.0, 0.001);
    // The households of the boost of 2009 are members of the panel: they are not lost to a second screening.
    let areas = 800_usize;
    let numbers = |name: &str, value: f64| Column::numbers(name, vec![value; areas]);
    let ids: Vec<Option<String>> = (0..areas).map(|a| Some(format!("S{a}"))).collect();
    let table = Table::new(vec![
        Column::text("sector", &ids),
        numbers("people", 3600.0),
        numbers("households", 1800.0),
        numbers("addresses", 2000.0),
        numbers("indian", 60.0),
        numbers("pakistani", 50.0),
        numbers("bangladeshi", 20.0),
        numbers("black_caribbean", 30.0),
        numbers("black_african", 40.0),
        numbers("other_minority", 50.0),
        numbers("iemb_area", 1.0),
    ])
    .expect("a table");
    let plan = plan(&loaded, &table, Options::default()).unwrap_or_else(|found| panic!("{found}"));
    let emb = plan.samples.iter().find(|s| s.name == "emb").expect("emb");
    close(emb.stages[0].drawn, 4000.0, 1e-9);
    close(emb.stages[0].kept, 4000.0, 1e-9);
    close(emb.stages[0].responding, 4000.0, 1e-9);
}

#[test]
fn health_survey_for_england() {
    let d = design("health-survey-england-2004");
    // 312 wards of 21 addresses and a further 483 wards with 41,436 addresses.
    assert_eq!(drawn(&d, "core", "address"), 6552.0);
    close(drawn(&d, "boost", "address"), 41_436.0, 1e-4);
    let boost = &d.design.samples[d.design.sample("boost").expect("boost")];
    let caps: Vec<_> = boost.stages[3].cells.iter().map(|c| c.take.clone()).collect();
    assert_eq!(format!("{caps:?}"), "[Most(Number(4.0)), Most(Number(3.0))]");
    let d = design("health-survey-england-2005");
    let (core, boost) = (drawn(&d, "core", "address"), drawn(&d, "child-boost", "address"));
    assert_eq!((core, boost, core + boost), (7200.0, 11_520.0, 18_720.0));
}

#[test]
fn socio_economic_panel() {
    let d = design("soep");
    let rate = |sample: &str| {
        let s = d.design.sample(sample).expect("the sample");
        match &d.design.samples[s].stages[0].take {
            Some(rakewell::sampling::Take::Rate(rate)) => rate.number().expect("a number"),
            other => panic!("{other:?}"),
        }
    };
    // Base weights 5,000 and 500; the probability of foreigners is ten times that of natives.
    assert_eq!((rate("A"), rate("B")), (0.0002, 0.002));
    close(1.0 / rate("A"), 5000.0, 1e-12);
    close(1.0 / rate("B"), 500.0, 1e-12);
    assert_eq!((rate("C"), rate("D"), rate("G")), (0.0005, 0.0002, 0.0014));
    let f = &d.design.samples[d.design.sample("F").expect("F")];
    let keep = &f.stages[0].screening.as_ref().expect("screening").keep;
    // Non-German households 0.0005, German ones 0.00028.
    close(rate("F") * keep[0], 0.0005, 1e-12);
    close(rate("F") * keep[1], 0.00028, 1e-12);
    // The pooled households of A and B (4,528 and 1,393) have a Kish design effect of 1.23.
    let (a, b) = (4528.0_f64, 1393.0_f64);
    let sums = (a / rate("A") + b / rate("B"), a / rate("A").powi(2) + b / rate("B").powi(2));
    close((a + b) * sums.1 / (sums.0 * sums.0), 1.23, 0.005);
}

#[test]
fn the_others() {
    assert_eq!(drawn(&design("nhanes-2015"), "main", "county"), 60.0);
    assert_eq!(drawn(&design("tides-trust-survey"), "staff", "trust"), 18.0);
    let wales = design("national-survey-wales");
    let counts = wales.design.counts(0);
    // Over 10,000 people a year, later about 12,000.
    let people = counts[2].responding.expect("a number");
    assert!((10_000.0..12_500.0).contains(&people), "{people}");
    let embes = design("embes-2010");
    let wanted: f64 =
        embes.design.spec.plan.target.iter().filter_map(|t| Some(t.n.as_ref()?.value())).sum();
    // The five groups of 2,787 respondents.
    assert_eq!(wanted, 2646.0);
    // Focused enumeration uses the sectors of the core.
    let citizenship = design("citizenship-survey");
    let core = drawn(&citizenship, "core", "sector");
    let s = citizenship.design.sample("focused-enumeration").expect("the sample");
    assert_eq!(citizenship.design.samples[s].psus_of, citizenship.design.sample("core"));
    assert_eq!(core, 790.0);
    let midis = design("eu-midis-2");
    assert!(midis.design.samples[0].part.is_some());
    let staff = design("nhs-staff-survey");
    assert_eq!(staff.design.samples[0].stages[1].response.all, 0.48);
}

/// Ready designs have costs (assumed), so that planning says what their targets cost.
#[test]
fn planning_prices_the_targets_of_ready_designs() {
    let areas = 4800_usize;
    let of = |f: &dyn Fn(usize) -> f64| (0..areas).map(f).collect::<Vec<f64>>();
    // Groups live in some areas more than in others.
    let group = |every: usize| move |a: usize| if a.is_multiple_of(every) { 400.0 } else { 10.0 };
    let ids: Vec<Option<String>> = (0..areas).map(|a| Some(format!("S{a}"))).collect();
    let numbers = |name: &str, f: &dyn Fn(usize) -> f64| Column::numbers(name, of(f));
    let nation = |a: usize| if a.is_multiple_of(25) { "Northern Ireland" } else { "Great Britain" };
    let nations: Vec<Option<String>> = (0..areas).map(|a| Some(nation(a).to_string())).collect();
    let table = Table::new(vec![
        Column::text("sector", &ids),
        Column::text("organisation", &ids),
        numbers("ethnic_mix", &|a| (a % 3) as f64),
        numbers("region", &|a| (a % 9) as f64),
        numbers("addresses", &|_| 2000.0),
        numbers("households", &|_| 1800.0),
        numbers("people", &|_| 3600.0),
        numbers("indian", &group(4)),
        numbers("pakistani", &group(3)),
        numbers("bangladeshi", &group(9)),
        numbers("black_caribbean", &group(7)),
        numbers("black_african", &group(6)),
        numbers("minority", &|a| [4, 3, 9, 7, 6].iter().map(|every| group(*every)(a)).sum::<f64>()),
        numbers("minority_share", &|_| 0.2),
        numbers("target", &group(5)),
        numbers("staff", &|_| 5000.0),
        numbers("black", &|_| 700.0),
        numbers("asian", &|_| 900.0),
        numbers("mixed_other", &|_| 300.0),
        Column::text("nation", &nations),
        numbers("sector_stratum", &|a| (a % 9) as f64),
        numbers("boost_stratum", &|a| if a.is_multiple_of(3) { 1.0 + (a % 4) as f64 } else { 0.0 }),
        numbers("boost_rate", &|_| 0.02),
    ])
    .expect("a table");
    let names = ["embes-2010", "eu-midis-2", "tides-trust-survey", "understanding-society-2009"];
    for name in names {
        let plan = plan(&design(name), &table, Options::default())
            .unwrap_or_else(|found| panic!("{name}\n{found}"));
        let Some(Optimum::Optimal { cost, prices, .. }) = &plan.optimum else {
            panic!("{name}: {:?}", plan.optimum)
        };
        assert!(*cost > 0.0 && prices.iter().any(|p| p.per_percent > 0.0), "{name}: {prices:?}");
    }
}
