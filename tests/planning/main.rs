//! Planning: yields and variances worked out by hand and by drawing; targets that are met, cannot be
//! met, or are about nobody; the command.

mod lists;
mod told;

use std::path::Path;

use assert_cmd::Command;
use rakewell::data::{Column, Table};
use rakewell::numeric::random::{stream, unit};
use rakewell::planning::{Optimum, Options, Plan, plan};
use rakewell::sampling::{Loaded, from_text};
use rand::Rng;

fn loaded(text: &str) -> Loaded {
    from_text("design.toml", text, &[]).unwrap_or_else(|found| panic!("{found}"))
}

fn planned(text: &str, table: &Table) -> Plan {
    plan(&loaded(text), table, Options::default()).unwrap_or_else(|found| panic!("{found}"))
}

fn mistakes(text: &str, table: &Table) -> String {
    plan(&loaded(text), table, Options::default()).expect_err("mistakes").to_string()
}

fn close(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within * expected.abs(), "{found} is not {expected}");
}

/// Areas of 100 households and 200 people, a quarter of them with the group.
fn areas(count: usize) -> Table {
    let group = |a: usize| if a.is_multiple_of(4) { 60.0 } else { 0.0 };
    let ids: Vec<Option<String>> = (0..count).map(|a| Some(format!("A{a}"))).collect();
    Table::new(vec![
        Column::text("area", &ids),
        Column::numbers("people", vec![200.0; count]),
        Column::numbers("households", vec![100.0; count]),
        Column::numbers("group", (0..count).map(group).collect()),
        Column::numbers(
            "dense",
            (0..count).map(|a| f64::from(u8::from(a.is_multiple_of(4)))).collect(),
        ),
    ])
    .expect("a table")
}

const HEAD: &str = "title = 'T'\n[population]\ncount = 'people'\nhouseholds = 'households'\n\
    [[group]]\nname = 'g'\ncount = 'group'\nper-household = 2\n";

const GENERAL: &str = "[[sample]]\nname = 'general'\n\
    [[sample.stage]]\nunit = 'area'\nid = 'area'\nsize = 'households'\ntake = 40\ncost = 100\n\
    [[sample.stage]]\nunit = 'address'\ntake = 10\nin-scope = 0.8\ncost = 2\n\
    [[sample.stage]]\nunit = 'household'\nall = true\nresponse = 0.5\n\
    [[sample.stage]]\nunit = 'person'\nall = true\nresponse = 0.9\ncost-responding = 10\n";

const BOOST: &str = "[[sample]]\nname = 'boost'\nwhere = 'dense == 1'\nexcluded = 'no group'\n\
    [[sample.stage]]\nunit = 'area'\nid = 'area'\ntake = 20\ncost = 100\n\
    [[sample.stage]]\nunit = 'address'\nrate = 0.4\nin-scope = 0.8\ncost = 2\n\
    [[sample.stage]]\nunit = 'household'\nall = true\nresponse = 0.5\n\
    [sample.stage.screening]\ngroups = 'g'\nresponse = 0.9\ncost = 1\n\
    [sample.stage.screening.keep]\ng = 0.75\n\
    [[sample.stage]]\nunit = 'person'\nall = true\nresponse = 0.9\ncost-responding = 10\n";

#[test]
fn a_general_sample_by_hand() {
    let plan =
        planned(&format!("{HEAD}{GENERAL}[plan]\nicc = 0.05\nicc-household = 0\n"), &areas(400));
    let stages = &plan.samples[0].stages;
    // 40 areas of 10 addresses, 8 of them with a household; half of these take part; 2 people each.
    let drawn: Vec<f64> = stages.iter().map(|s| s.drawn).collect();
    for (found, expected) in drawn.iter().zip([40.0, 400.0, 320.0, 320.0]) {
        close(*found, expected, 1e-9);
    }
    close(stages[2].responding, 160.0, 1e-9);
    close(stages[3].responding, 288.0, 1e-9);
    close(plan.cost, 40.0 * 100.0 + 400.0 * 2.0 + 288.0 * 10.0, 1e-9);
    // Everybody with the same probability: n_eff = n / (1 + ρ m (1 − π)), m = 7.2 in an area.
    let all = &plan.domains[0];
    close(all.n, 288.0, 1e-9);
    close(all.deff_weights.expect("known"), 1.0, 1e-9);
    close(all.deff.expect("known"), 1.0 + 0.05 * 7.2 * 0.9, 1e-9);
    close(
        all.half_width.expect("known"),
        1.959_964 * (0.25 / all.n_effective.expect("known")).sqrt(),
        1e-6,
    );
    // The group: 60 of 200 people in a quarter of the areas.
    close(plan.domains[1].n, 288.0 * 6000.0 / 80_000.0, 1e-9);
}

#[test]
fn a_boost_by_hand() {
    let plan = planned(
        &format!("{HEAD}{GENERAL}{BOOST}[plan]\nicc = 0\nicc-household = 0\n"),
        &areas(400),
    );
    let boost = &plan.samples[1].stages;
    // 20 of the 100 dense areas; 0.4 of their 125 addresses; of 100 households 30 have the group.
    close(boost[1].drawn, 20.0 * 50.0, 1e-9);
    close(boost[2].screened, 20.0 * 40.0 * 0.9, 1e-9);
    close(boost[2].kept, 20.0 * 0.4 * 30.0 * 0.9 * 0.75, 1e-9);
    close(boost[2].responding, 20.0 * 0.4 * 30.0 * 0.9 * 0.75 * 0.5, 1e-9);
    close(boost[3].responding, 20.0 * 0.4 * 30.0 * 0.9 * 0.75 * 0.5 * 2.0 * 0.9, 1e-9);
    let group = &plan.domains[1];
    close(group.by_sample[1], boost[3].responding, 1e-9);
    // All members live in dense areas at one probability: the weights are equal.
    close(group.deff_weights.expect("known"), 1.0, 1e-9);
    close(group.deff.expect("known"), 1.0, 1e-9);
    // For everybody the boost makes weights unequal: n Σ(C/Π)/N² with two levels of Π.
    let general = 0.1 * 0.08 * 0.45;
    let both = general + 0.2 * 0.4 * 0.9 * 0.75 * 0.45;
    let (c, n): ([f64; 2], f64) = ([74_000.0, 6000.0], 80_000.0);
    let deff = (c[0] * general + c[1] * both) * (c[0] / general + c[1] / both) / (n * n);
    close(plan.domains[0].deff_weights.expect("known"), deff, 1e-9);
    // Coverage: the boost reaches the group only, and all of it.
    let shares: Vec<f64> = plan.coverage.iter().map(|c| c.by_sample[1]).collect();
    close(shares[0], 6000.0 / 80_000.0, 1e-9);
    assert_eq!(shares[1], 1.0);
    assert!(plan.coverage.iter().all(|c| c.any == 1.0));
}

/// The anticipated variance is that of drawing: areas at random, outcomes with the stated likeness.
#[test]
fn the_variance_is_that_of_drawing() {
    let text = format!("{HEAD}{GENERAL}{BOOST}[plan]\nicc = 0.1\nicc-household = 0\n");
    let expected = planned(&text, &areas(400)).domains[1].n_effective.expect("known");
    // 100 dense areas of 60 people each. General: 10 areas in expectation, each person at 0.036;
    // boost: 20 areas, each person at 0.4 · 0.9 · 0.75 · 0.45 (people one by one).
    let mut random = stream(1, "planning", 0);
    let mut draw = || unit(random.next_u64());
    let p = [(0.1, 0.08 * 0.45), (0.2, 0.4 * 0.9 * 0.75 * 0.45)];
    let total: f64 = p.iter().map(|(area, within)| area * within).sum();
    let mut squares = 0.0;
    let rounds = 4000;
    for _ in 0..rounds {
        let mut error = 0.0;
        let mut mean = 0.0;
        for _ in 0..100 {
            // A uniform variable has the variance 1/12: only first and second moments matter.
            let effect = (draw() - 0.5) * (0.1_f64 * 12.0).sqrt();
            mean += 60.0 * effect;
            for (area, within) in p {
                if draw() >= area {
                    continue;
                }
                for _ in 0..60 {
                    if draw() < within {
                        let own = (draw() - 0.5) * (0.9_f64 * 12.0).sqrt();
                        error += (effect + own) / total;
                    }
                }
            }
        }
        squares += ((error - mean) / 6000.0).powi(2);
    }
    let variance = squares / f64::from(rounds);
    // Simulated to about 2 % (√(2/4000)).
    close(1.0 / variance, expected, 0.07);
}

#[test]
fn one_target_is_met_at_the_least_cost() {
    let text = format!(
        "{HEAD}{GENERAL}[plan]\nicc = 0.05\nicc-household = 0\n[[plan.target]]\nn-effective = 500\n"
    );
    let plan = planned(&text, &areas(4000));
    let Some(Optimum::Optimal { cost, least_cost, sizes, samples, domains, .. }) = &plan.optimum
    else {
        panic!("{:?}", plan.optimum)
    };
    // V = [1 + ρ m]/n − ρ/A for x · 40 areas of A: x = (1 + 0.36)/(288 (1/500 + 0.05/4000)).
    let x = 1.36 / (288.0 * (1.0 / 500.0 + 0.05 / 4000.0));
    close(*least_cost, plan.cost * x, 1e-6);
    // 93.9 areas: 94 whole ones, the same number in every table, and a little more than is wanted.
    let whole = (40.0 * x).ceil();
    assert_eq!(whole, 94.0);
    close(sizes[0].after, whole, 1e-12);
    close(samples[0].stages[0].drawn, whole, 1e-12);
    close(*cost, plan.cost * whole / 40.0, 1e-9);
    let n = 288.0 * whole / 40.0;
    close(domains[0].n_effective.expect("known"), 1.0 / (1.36 / n - 0.05 / 4000.0), 1e-6);
}

#[test]
fn several_samples_meet_several_targets() {
    let text = format!(
        "{HEAD}{GENERAL}{BOOST}[plan]\ncurrency = '£'\nicc = 0.02\n[[plan.target]]\nhalf-width = 0.04\n\
         [[plan.target]]\ngroup = 'g'\nhalf-width = 0.05\n[[plan.target]]\ngroup = 'g'\nn = 100\n"
    );
    let plan = planned(&text, &areas(4000));
    let Some(Optimum::Optimal { cost, least_cost, sizes, domains, prices, .. }) = &plan.optimum
    else {
        panic!("{:?}", plan.optimum)
    };
    let targets: Vec<_> = domains.iter().flat_map(|d| &d.targets).collect();
    assert_eq!(targets.len(), 3);
    assert!(targets.iter().all(|t| t.met), "{targets:?}");
    assert_eq!(prices.len(), 3);
    assert!(prices[0].per_percent > 0.0 && prices[1].per_percent > 0.0);
    assert!(prices[2].words.contains("costs nothing"), "{}", prices[2].words);
    // No nearby design does the same for less: the general sample larger or smaller, the boost as
    // small as the second target then lets it be.
    let at = |x: f64, y: f64| {
        let other = text
            .replace("take = 40", &format!("take = {x}"))
            .replace("take = 20", &format!("take = {y}"));
        planned(&other, &areas(4000))
    };
    let (x, y) = (sizes[0].after, sizes[1].after);
    let here = at(x, y);
    close(here.cost, *cost, 1e-6);
    for shift in [0.97, 1.03] {
        let met =
            |y: f64| at(x * shift, y).domains.iter().flat_map(|d| d.targets.clone()).all(|t| t.met);
        let (mut low, mut high) = (0.2 * y, 2.0 * y);
        if !met(high) {
            continue; // The general target fails whatever the boost.
        }
        for _ in 0..18 {
            let middle = 0.5 * (low + high);
            if met(middle) { high = middle } else { low = middle }
        }
        assert!(at(x * shift, high).cost >= least_cost * (1.0 - 2e-3), "{shift}: {high}");
    }
}

#[test]
fn a_price_is_the_slope_of_the_cost() {
    let cost = |h: f64| {
        let text =
            format!("{HEAD}{GENERAL}[plan]\nicc = 0.05\n[[plan.target]]\nhalf-width = {h}\n");
        match planned(&text, &areas(4000)).optimum {
            Some(Optimum::Optimal { least_cost, prices, .. }) => {
                (least_cost, prices[0].per_percent)
            }
            other => panic!("{other:?}"),
        }
    };
    let (_, price) = cost(0.04);
    let slope = (cost(0.04 * 0.999).0 - cost(0.04 * 1.001).0) / 0.2;
    close(price, slope, 1e-3);
}

#[test]
fn a_budget_buys_what_it_can() {
    let text = |budget: f64| {
        format!(
            "{HEAD}{GENERAL}{BOOST}[plan]\nbudget = {budget}\n[[plan.target]]\nhalf-width = 0.04\n\
             [[plan.target]]\ngroup = 'g'\nhalf-width = 0.05\n"
        )
    };
    let best = |budget: f64| match planned(&text(budget), &areas(4000)).optimum {
        Some(Optimum::Optimal { factor, cost, least_cost, .. }) => (factor, cost, least_cost),
        other => panic!("{other:?}"),
    };
    let (factor, cost, least_cost) = best(30_000.0);
    close(least_cost, 30_000.0, 1e-4);
    // Whole numbers of areas, downwards.
    assert!(cost <= 30_000.0 && cost > 29_000.0, "{cost}");
    let (better, _, _) = best(60_000.0);
    assert!(better < factor, "{better} {factor}");
}

#[test]
fn what_cannot_be_met_is_named() {
    let text = format!(
        "{HEAD}{GENERAL}[plan]\n[[plan.target]]\nhalf-width = 0.04\n[[plan.target]]\nlabel = 'The group'\n\
         group = 'g'\nn = 100000\n"
    );
    let plan = planned(&text, &areas(400));
    // It is named, and the rest planned without it.
    let Some(Optimum::Optimal { unmet, domains, prices, .. }) = &plan.optimum else {
        panic!("{:?}", plan.optimum)
    };
    assert_eq!(unmet.len(), 1);
    assert_eq!(unmet[0].label, "The group");
    // All 400 areas, ten times as many as in the design.
    let most = unmet[0].target.as_ref().expect("a target");
    close(most.reached, 10.0 * 288.0 * 6000.0 / 80_000.0, 1e-9);
    assert!(domains[0].targets[0].met && prices.len() == 1 && plan.misses());
    let alone = text.replace("[[plan.target]]\nhalf-width = 0.04\n", "");
    let plan = planned(&alone, &areas(400));
    let Some(Optimum::Infeasible { targets, varies: true }) = &plan.optimum else {
        panic!("{:?}", plan.optimum)
    };
    assert_eq!(targets[0].label, "The group");
    let text =
        format!("{HEAD}{GENERAL}[plan]\nfixed-cost = 100\nbudget = 50\n[[plan.target]]\nn = 5\n");
    assert_eq!(planned(&text, &areas(400)).optimum, Some(Optimum::TooPoor { budget: 50.0 }));
}

#[test]
fn without_prices_there_is_nothing_to_minimise() {
    let free = GENERAL
        .replace("cost = 100\n", "")
        .replace("cost = 2\n", "")
        .replace("cost-responding = 10\n", "");
    assert!(!free.contains("cost"));
    let text = format!("{HEAD}{free}[plan]\n[[plan.target]]\nn = 500\n");
    let plan = planned(&text, &areas(400));
    assert_eq!(plan.optimum, Some(Optimum::NoPrice { sample: "general".into() }));
    // What the design itself yields is shown all the same.
    assert!(plan.domains[0].n > 0.0 && !plan.domains[0].targets[0].met && plan.misses());
    assert!(!planned(&text.replace("n = 500", "n = 5"), &areas(400)).misses());
}

#[test]
fn shares_kept_are_chosen_too() {
    // Interviews are dear and the group is far more precise than wanted: fewer are kept.
    let text = format!(
        "{HEAD}{GENERAL}{BOOST}[plan]\n[[plan.target]]\ngroup = 'g'\nn = 60\n[[plan.vary]]\nsample = 'boost'\nwhat = 'keep'\n"
    );
    let plan = planned(&text, &areas(400));
    let Some(Optimum::Optimal { sizes, domains, .. }) = &plan.optimum else {
        panic!("{:?}", plan.optimum)
    };
    assert_eq!(sizes.len(), 1);
    assert!(sizes[0].after < sizes[0].before && sizes[0].after > 0.0, "{sizes:?}");
    close(domains[1].n, 60.0, 1e-5);
}

#[test]
fn crossings_power_and_assumptions_are_shown() {
    let text = format!(
        "{HEAD}[[group]]\nname = 'new'\nclass = 'migration'\n[group.share]\ng = 0.5\nothers = 0.1\n{GENERAL}\
         [plan]\nicc = {{ value = 0.05, assumed = 'usual', range = [0.02, 0.1] }}\n[[plan.cross]]\nby = ['g', 'migration', 'dense']\n\
         [[plan.compare]]\ngroup = 'g'\ndifference = 0.3\n"
    );
    let plan = planned(&text, &areas(400));
    let find = |label: &str| {
        let found = plan.domains.iter().find(|d| d.label == label);
        found.unwrap_or_else(|| {
            panic!("{label}: {:?}", plan.domains.iter().map(|d| &d.label).collect::<Vec<_>>())
        })
    };
    close(find("g × new × 1").population, 3000.0, 1e-9);
    assert_eq!(find("g × new × 0").population, 0.0);
    close(find("new").population, 3000.0 + 7400.0, 1e-9);
    assert!(find("g × new × 0").half_width.is_none());
    assert_eq!(plan.comparisons.len(), 1);
    assert!(plan.comparisons[0].power > 0.05 && plan.comparisons[0].power < 1.0);
    let icc: Vec<f64> =
        plan.sensitivity.iter().filter(|v| v.what.contains("icc")).map(|v| v.changed).collect();
    assert_eq!(icc, [0.02, 0.1]);
    assert!(
        plan.sensitivity.iter().any(|v| v.what.contains("response") && v.n < plan.domains[0].n)
    );
}

#[test]
fn mistakes_that_the_frame_shows() {
    let table = areas(40);
    let with = |from: &str, to: &str| format!("{HEAD}{}", GENERAL.replace(from, to));
    let text = mistakes(&with("take = 40", "take = 41"), &table);
    assert!(text.contains("has 40 areas, 41 cannot be drawn"), "{text}");
    let text = mistakes(&with("'households'", "'dense'"), &table);
    assert!(text.contains("measure of size is 0 in the area A1 (30 areas"), "{text}");
    let text = mistakes(&with("'households'", "'househods'"), &table);
    assert!(
        text.contains("design.toml:14:9")
            && text.contains("househods")
            && text.contains("households"),
        "{text}"
    );
    let text = mistakes(&with("take = 10", "rate = '0.1 * households'"), &table);
    assert!(text.contains("10 in the area A0, more than 1"), "{text}");
    let text = mistakes(
        &format!("{HEAD}{GENERAL}[[plan.target]]\ngroup = 'g'\nwhere = 'dense == 0'\nn = 5\n"),
        &table,
    );
    assert!(text.contains("nobody in the frame belongs to the target"), "{text}");
    let boost = format!("{HEAD}{BOOST}[[plan.target]]\nwhere = 'dense == 0'\nn = 5\n")
        .replace("take = 20", "take = 2");
    let text = mistakes(&boost, &table);
    assert!(text.contains("no sample reaches anybody"), "{text}");
    let nobody = HEAD.replace("'group'", "'group * 0'");
    let text = mistakes(&format!("{nobody}{GENERAL}"), &table);
    assert!(text.contains("nobody in the frame belongs to the group `g`"), "{text}");
    let text = mistakes(&format!("{HEAD}{GENERAL}[[plan.cross]]\nby = ['g', 'denes']\n"), &table);
    assert!(
        text.contains("neither a class of groups nor a column") && text.contains("`dense`"),
        "{text}"
    );
}

#[test]
fn mistakes_that_the_file_shows() {
    let found = |text: &str| from_text("d.toml", text, &[]).expect_err("mistakes").to_string();
    let with = |from: &str, to: &str| found(&format!("{HEAD}{}", BOOST.replace(from, to)));
    for (from, to, expected) in [
        ("rate = 0.4", "rate = 40", "write 0.4 for 40 %"),
        ("g = 0.75", "h = 0.75", "there is no group `h`"),
        ("groups = 'g'", "groups = 'gg'", "there is no group `gg`"),
        ("take = 20", "take = 20\nall = true", "both `take` and `all`"),
        ("take = 20\n", "", "nothing says how many units (area)"),
        ("take = 20", "take = 20\nmethod = 'sampford'", "needs a measure of size"),
        ("take = 20", "take = { value = 20, source = 'nowhere' }", "`[sources]` has no `nowhere`"),
        ("rate = 0.4", "rate = '0.4 *'", "expected"),
        ("name = 'boost'", "name = 'boost'\nfrom = '2010-13'", "is not a date"),
        ("name = 'boost'", "name = 'boost'\nfrom = '2011'\nto = '2010'", "before it begins"),
        ("name = 'boost'", "name = 'boost'\npsus-of = 'core'", "there is no sample `core`"),
    ] {
        let text = with(from, to);
        assert!(text.contains(expected), "{to}\n{text}");
    }
    let text = found(&format!("{HEAD}{BOOST}[[sample.published]]\nunit = 'area'\ncount = 21\n"));
    assert!(text.contains("the design comes to 20 units (area), but 21 are published"), "{text}");
    let text = found(&format!("{HEAD}{BOOST}[[plan.target]]\ngroup = 'g'\n"));
    assert!(text.contains("does not say how precisely"), "{text}");
}

#[test]
fn the_commands() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut csv = String::from("area,people,households,group,dense\n");
    for a in 0..400_usize {
        let group = if a.is_multiple_of(4) { 60 } else { 0 };
        csv.push_str(&format!("A{a},200,100,{group},{}\n", u8::from(a.is_multiple_of(4))));
    }
    std::fs::write(path("areas.csv"), csv).expect("written");
    let text = format!(
        "{HEAD}{GENERAL}{BOOST}[plan]\ncurrency = '£'\n[[plan.target]]\ngroup = 'g'\nhalf-width = 0.05\n"
    );
    std::fs::write(path("design.toml"), &text).expect("written");
    let run = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("rakewell").expect("the program");
        let output = command.args(arguments).current_dir(folder.path()).output().expect("run");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, _) = run(&["check", "design.toml"]);
    assert_eq!(
        (code, out.contains("1 group, 2 samples, 8 stages and 1 target")),
        (Some(0), true),
        "{out}"
    );
    let (code, out, err) = run(&[
        "plan",
        "design.toml",
        "--frame",
        "areas.csv",
        "--html",
        "plan.html",
        "--json",
        "plan.json",
        "--csv",
        "plan.csv",
        "--drawing",
        "drawing.html",
    ]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("The cheapest design that meets all targets costs £"), "{out}");
    let html = std::fs::read_to_string(path("plan.html")).expect("a page");
    assert!(html.contains(">What the targets cost</h2>") && !html.contains("<script"));
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path("plan.json")).expect("JSON"))
            .expect("JSON");
    assert_eq!(json["optimum"]["outcome"], "optimal");
    let csv = std::fs::read_to_string(path("plan.csv")).expect("CSV");
    assert!(csv.starts_with("design,domain,") && csv.contains("\noptimal,g,"), "{csv}");
    let drawing = std::fs::read_to_string(path("drawing.html")).expect("a page");
    assert!(drawing.contains("<svg") && drawing.contains("expected: "));
    // The same bytes with one thread.
    let mut one = Command::cargo_bin("rakewell").expect("the program");
    one.env("RAYON_NUM_THREADS", "1").current_dir(folder.path());
    one.args(["plan", "design.toml", "--frame", "areas.csv", "--json", "one.json"])
        .assert()
        .success();
    let read = |name: &str| std::fs::read(path(name)).expect("a file");
    assert_eq!(read("plan.json"), read("one.json"));
    let (code, _, err) = run(&["plan", "design.toml"]);
    assert!(code == Some(1) && err.contains("there is no area frame"), "{err}");
    let (code, _, err) = run(&["plan", "understanding-society-2008", "--frame", "areas.csv"]);
    assert!(
        code == Some(1)
            && err.contains("did you mean the ready design `understanding-society-2009`?"),
        "{err}"
    );
    let (code, out, _) = run(&["design", "--list"]);
    assert!(code == Some(0) && out.lines().count() >= 10, "{out}");
    let (code, out, _) = run(&["design", "understanding-society-2009"]);
    assert!(code == Some(0) && out.contains("771") && out.contains("47,520"), "{out}");
    let (code, out, _) = run(&["schema", "design"]);
    assert!(code == Some(0) && out.contains("rakewell design file"));
    assert!(Path::new(&path("design.toml")).exists());
}
