//! What `rakewell plan` says: doubts about frame and design, what is missing, what is missed, prices, notes, exit
//! codes.

use assert_cmd::Command;
use rakewell::data::{Column, Table};
use rakewell::planning::{Optimum, Options, Plan, plan};
use rakewell::report::{plan_html, plan_text};
use rakewell::sampling::from_text;

use super::{BOOST, GENERAL, HEAD, close};

fn result(text: &str, table: &Table) -> Result<Plan, String> {
    let loaded = from_text("design.toml", text, &[]).unwrap_or_else(|found| panic!("{found}"));
    plan(&loaded, table, Options::default()).map_err(|found| found.to_string())
}

fn planned(text: &str, table: &Table) -> Plan {
    result(text, table).unwrap_or_else(|found| panic!("{found}"))
}

/// Areas of 100 households and 200 people, a quarter of them with 60 people of the group; columns of `other` go
/// before these.
fn areas(count: usize, other: Vec<(&str, Vec<f64>)>) -> Table {
    let dense = |a: usize| f64::from(u8::from(a.is_multiple_of(4)));
    let ids: Vec<Option<String>> = (0..count).map(|a| Some(format!("A{a}"))).collect();
    let mut columns = vec![Column::text("area", &ids)];
    let own: [(&str, Vec<f64>); 4] = [
        ("people", vec![200.0; count]),
        ("households", vec![100.0; count]),
        ("group", (0..count).map(|a| 60.0 * dense(a)).collect()),
        ("dense", (0..count).map(dense).collect()),
    ];
    for (name, values) in own {
        if !other.iter().any(|(o, _)| *o == name) {
            columns.push(Column::numbers(name, values));
        }
    }
    columns.extend(other.into_iter().map(|(name, values)| Column::numbers(name, values)));
    Table::new(columns).expect("a table")
}

/// The price of a difference is the slope of the cost when the plan is made anew with a smaller one.
#[test]
fn the_price_of_a_difference_is_the_slope_of_the_cost() {
    for (p, difference) in [(0.1, 0.05), (0.5, 0.1), (0.3, -0.1)] {
        let found = |difference: f64| {
            let text = format!(
                "{HEAD}{GENERAL}[plan]\nicc = 0.02\n[[plan.compare]]\ngroup = 'g'\nproportion = {p}\n\
                 difference = {difference}\n"
            );
            match planned(&text, &areas(20_000, Vec::new())).optimum {
                Some(Optimum::Optimal { least_cost, prices, .. }) => (least_cost, prices),
                other => panic!("{other:?}"),
            }
        };
        let (_, prices) = found(difference);
        let slope = (found(difference * 0.999).0 - found(difference * 1.001).0) / 0.2;
        close(prices[0].per_percent, slope, 2e-3);
        // What it would be with both proportions fixed is another figure, and said.
        assert!(prices[0].words.contains("if both proportions stayed as they are"), "{prices:?}");
    }
}

#[test]
fn a_comparison_that_cannot_be_met_does_not_stop_the_rest() {
    let text = format!(
        "{HEAD}{GENERAL}[plan]\n[[plan.target]]\nhalf-width = 0.05\n[[plan.compare]]\ngroup = 'g'\n\
         difference = 0.001\n"
    );
    let plan = planned(&text, &areas(400, Vec::new()));
    let Some(Optimum::Optimal { unmet, domains, comparisons, .. }) = &plan.optimum else {
        panic!("{:?}", plan.optimum)
    };
    assert!(unmet[0].comparison.is_some() && unmet.len() == 1);
    assert!(domains[0].targets[0].met && !comparisons[0].met && plan.misses());
    let page = plan_text(&plan, 100, false);
    assert!(page.contains("No choice of what may vary meets “g – Not g”"), "{page}");
    assert!(page.contains("The cheapest design that meets the others costs"), "{page}");
}

#[test]
fn areas_drawn_with_certainty_and_their_cost() {
    let certain = GENERAL.replace(
        "size = 'households'\ntake = 40\ncost = 100\n",
        "cost = 100\n[[sample.stage.stratum]]\nname = 'dense'\nwhere = 'dense == 1'\nall = true\n\
         [[sample.stage.stratum]]\nname = 'rest'\ntake = 10\n",
    );
    assert_ne!(certain, GENERAL);
    let plan = planned(&format!("{HEAD}{certain}"), &areas(400, Vec::new()));
    // Each area: 100 for itself, 10 addresses of 2, 7.2 interviews of 10.
    let found = plan.samples[0].certain.as_ref().expect("areas");
    close(found.areas, 100.0, 1e-12);
    close(found.cost, 100.0 * (100.0 + 20.0 + 72.0), 1e-9);
    close(plan.samples[0].cost, 110.0 * 192.0, 1e-9);
    let page = plan_text(&plan, 200, false);
    let line = "general: 100 of 110 units (area) are taken with certainty; 19,200 of its cost of 21,120 (90.9%) is spent \
                in them";
    assert!(page.contains(line), "{page}");
    assert!(
        planned(&format!("{HEAD}{GENERAL}"), &areas(400, Vec::new())).samples[0].certain.is_none()
    );
}

#[test]
fn the_note_on_combining_is_what_the_design_says() {
    let note = |combine: &str| {
        let text = format!("{HEAD}{GENERAL}{BOOST}{combine}");
        let plan = planned(&text, &areas(400, Vec::new()));
        plan.notes.iter().find(|n| n.contains("probabilities")).cloned().expect("a note")
    };
    assert!(note("").contains("does not say how its samples are put together"));
    for (method, expected) in [
        ("sum-of-probabilities", "as `[combine]` says"),
        (
            "total-probability",
            "1 over the probability of being drawn into any, as `[combine]` says",
        ),
        ("multiplicity", "by the number of samples a person could be drawn into"),
        ("composite", "by a factor"),
        ("separate", "analyses the samples apart"),
    ] {
        let found = note(&format!("[combine]\nmethod = '{method}'\n"));
        assert!(found.contains(expected), "{method}: {found}");
    }
}

#[test]
fn a_sample_that_yields_nothing_is_told() {
    let told = |from: &str, to: &str| {
        let text = format!("{HEAD}{GENERAL}{}", BOOST.replace(from, to));
        planned(&text, &areas(400, Vec::new())).warnings.to_string()
    };
    let found = told("g = 0.75", "g = 0");
    assert!(
        found.contains("in the sample `boost` nobody of g is kept: it yields no interviews at all"),
        "{found}"
    );
    assert!(found.starts_with("design.toml:"), "{found}");
    let found = told("response = 0.5", "response = 0");
    assert!(found.contains("no unit (household) takes part: it yields no interviews"), "{found}");
    let found = told("groups = 'g'\nresponse = 0.9", "groups = 'g'\nresponse = 0");
    assert!(found.contains("nobody is screened"), "{found}");
    assert_eq!(told("g = 0.75", "g = 0.7"), "");
}

#[test]
fn all_missing_columns_are_named_at_once() {
    let text = format!(
        "{HEAD}{GENERAL}{BOOST}[plan]\n[[plan.target]]\nn = 5\nwhere = 'nation == 1'\n[[plan.cross]]\nby = ['g', 'regio']\n"
    )
    .replace("count = 'group'", "count = 'minority'")
    .replace("size = 'households'", "size = 'adresses'\nstrata = ['band']")
    .replace("where = 'dense == 1'", "where = 'concentrated == 1'");
    let found = result(&text, &areas(40, Vec::new())).expect_err("mistakes");
    for name in ["minority", "adresses", "band", "concentrated", "nation", "regio"] {
        assert!(found.contains(&format!("`{name}`")), "{name}: {found}");
    }
    assert_eq!(found.lines().count(), 6, "{found}");
}

#[test]
fn totals_of_the_frame_that_contradict_each_other() {
    let told = |other: Vec<(&str, Vec<f64>)>, text: &str| {
        planned(text, &areas(40, other)).warnings.to_string()
    };
    let plain = format!("{HEAD}{GENERAL}");
    assert_eq!(told(Vec::new(), &plain), "");
    let mut households = vec![100.0; 40];
    (households[3], households[7]) = (0.0, 260.0);
    let found = told(vec![("households", households)], &plain.replace("size = 'households'\n", ""));
    assert!(found.contains("people but no households in the area A3"), "{found}");
    assert!(found.contains("more households than people in the area A7: 260 and 200"), "{found}");
    // Two groups of a class, together more than the people of ten areas.
    let two = format!("{HEAD}[[group]]\nname = 'h'\nclass = 'c'\ncount = 'other'\n{GENERAL}")
        .replace("name = 'g'\n", "name = 'g'\nclass = 'c'\n");
    let found = told(vec![("other", vec![150.0; 40])], &two);
    let expected = "the groups of `c` add up to more people than there are in 10 areas, such as the area A0: 210 of 200";
    assert!(found.contains(expected), "{found}");
    // 160 addresses, of which 80 % are in scope: 128 households, but the frame has 100.
    let counted = plain.replace("unit = 'address'\n", "unit = 'address'\ncount = 'addresses'\n");
    let found = told(vec![("addresses", vec![160.0; 40])], &counted);
    assert!(
        found.contains(
            "in 40 areas, such as the area A0: 128 and 100; over all areas 5,120 and 4,000"
        ),
        "{found}"
    );
    assert_eq!(told(vec![("addresses", vec![125.0; 40])], &counted), "");
}

#[test]
fn missing_values_of_a_condition_are_counted() {
    let mut dense: Vec<f64> =
        (0..40).map(|a: usize| f64::from(u8::from(a.is_multiple_of(4)))).collect();
    (dense[4], dense[5]) = (f64::NAN, f64::NAN);
    let text = format!("{HEAD}{GENERAL}{}", BOOST.replace("take = 20", "take = 5"));
    let found = planned(&text, &areas(40, vec![("dense", dense)])).warnings.to_string();
    let expected =
        "`dense == 1` is not known in 2 areas (the area A4 the first), where a value is missing";
    assert!(found.contains(expected), "{found}");
}

#[test]
fn tables_without_what_says_nothing() {
    let free: String =
        GENERAL.lines().filter(|l| !l.starts_with("cost")).map(|l| format!("{l}\n")).collect();
    let text = format!("{HEAD}{free}[plan]\nicc = 0\n[[plan.target]]\nn = 500\n");
    let plan = planned(&text, &areas(400, Vec::new()));
    // Half and twice of 0 are 0: the usual correlation is shown in their place, once.
    let icc: Vec<f64> =
        plan.sensitivity.iter().filter(|v| v.what.contains("icc")).map(|v| v.changed).collect();
    assert_eq!(icc, [0.02]);
    let page = plan_text(&plan, 100, false);
    assert!(!page.contains("Cost") && !page.contains("0.00\n"), "{page}");
    // Members of another sample have no column of their own.
    let part = "[[sample]]\nname = 'members'\nlabel = 'Members of it'\npart-of = 'general'\n\
        [[sample.stage]]\nunit = 'person'\nall = true\n";
    let page =
        plan_text(&planned(&format!("{HEAD}{GENERAL}{part}"), &areas(400, Vec::new())), 100, false);
    let coverage = page.split("Coverage: who can be drawn\n").nth(1).expect("a table");
    assert!(!coverage.lines().next().expect("heads").contains("Members"), "{page}");
    assert!(page.contains("Members of it: members of “general”, counted there"), "{page}");
}

#[test]
fn missed_and_wanted_can_be_told_apart() {
    // n_eff at icc 0 is 288: a half-width of 5.775 points.
    let text = format!(
        "{HEAD}{GENERAL}[plan]\nicc = 0\nicc-household = 0\n[[plan.target]]\nhalf-width = 0.0577\n"
    );
    let page = plan_text(&planned(&text, &areas(400, Vec::new())), 100, false);
    assert!(page.contains("±5.770 (missed: ±5.775)"), "{page}");
}

#[test]
fn exit_codes_say_whether_the_targets_are_met() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut csv = String::from("area,people,households,group,dense\n");
    for a in 0..400_usize {
        let dense = u8::from(a.is_multiple_of(4));
        csv.push_str(&format!("A{a},200,100,{},{dense}\n", 60 * dense));
    }
    std::fs::write(folder.path().join("areas.csv"), csv).expect("written");
    let run = |text: &str, more: &[&str]| {
        std::fs::write(folder.path().join("design.toml"), text).expect("written");
        let mut command = Command::cargo_bin("rakewell").expect("the program");
        command.args(["plan", "design.toml", "--frame", "areas.csv"]).args(more);
        let output = command.current_dir(folder.path()).output().expect("run");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let target = |n: &str| format!("{HEAD}{GENERAL}[[plan.target]]\nn = {n}\n");
    assert_eq!(run(&target("500"), &[]).0, Some(0));
    let (code, out, _) = run(&target("500000"), &[]);
    assert!(code == Some(1) && out.contains("n 2,880 at best"), "{out}");
    assert_eq!(run(&target("500000"), &["--no-optimum"]).0, Some(0));
    // All areas are drawn: nothing is left that may vary.
    let all = |n: &str| target(n).replace("size = 'households'\ntake = 40\n", "all = true\n");
    let (code, out, _) = run(&all("50000"), &[]);
    assert!(code == Some(1) && out.contains("nothing is left that may vary"), "{out}");
    let (code, out, _) = run(&all("500"), &[]);
    assert!(code == Some(0) && out.contains("Nothing is left that may vary"), "{out}");
    let paid = all("500").replace("[[plan", "[plan]\nbudget = 1e6\n[[plan");
    assert_eq!(run(&paid, &[]).0, Some(0));
    // Without prices nothing is looked for, but what is missed is missed.
    let free = |n: &str| {
        let text = target(n);
        text.lines()
            .filter(|l| !l.starts_with("cost"))
            .map(|l| format!("{l}\n"))
            .collect::<String>()
    };
    let (code, out, _) = run(&free("500"), &[]);
    assert!(code == Some(1) && out.contains("The design as written misses these targets"), "{out}");
    assert_eq!(run(&free("200"), &[]).0, Some(0));
    // A doubt is shown with its place, and stops nothing.
    let nobody = target("500").replace("response = 0.5", "response-by = { g = 0 }");
    let (code, _, err) = run(&nobody, &[]);
    assert!(
        code == Some(0) && err.contains("nobody of g takes part") && err.contains("design.toml"),
        "{err}"
    );
}

#[test]
fn the_page_shows_what_is_to_be_checked() {
    let text = format!("{HEAD}{GENERAL}{}", BOOST.replace("g = 0.75", "g = 0"));
    let page = plan_html(&planned(&text, &areas(400, Vec::new())));
    assert!(page.contains(">To be checked</h2>") && page.contains("nobody of g is kept"), "{page}");
}

#[test]
fn a_target_that_what_is_fixed_meets_asks_for_nothing() {
    // Only the boost varies, which does not reach the areas of the target; the general sample does.
    let text = format!(
        "{HEAD}{GENERAL}{BOOST}[plan]\n[[plan.target]]\nwhere = 'dense == 0'\nn = 50\n[[plan.target]]\n\
         group = 'g'\nn = 100\n[[plan.vary]]\nsample = 'boost'\nwhat = 'psus'\n"
    );
    let plan = planned(&text, &areas(400, Vec::new()));
    let Some(Optimum::Optimal { unmet, prices, domains, .. }) = &plan.optimum else {
        panic!("{:?}", plan.optimum)
    };
    assert!(unmet.is_empty() && !plan.misses());
    assert!(prices[0].words.contains("costs nothing") && prices[1].per_percent > 0.0, "{prices:?}");
    assert!(domains.iter().flat_map(|d| &d.targets).all(|t| t.met));
}

#[test]
fn a_sample_in_the_areas_of_another_follows_them() {
    let boost = "[[sample]]\nname = 'boost'\npsus-of = 'general'\n\
        [[sample.stage]]\nunit = 'area'\n\
        [[sample.stage]]\nunit = 'address'\ntake = 40\nin-scope = 0.8\ncost = 2\n\
        [[sample.stage]]\nunit = 'household'\nall = true\nresponse = 0.5\n[sample.stage.screening]\ngroups = 'g'\n\
        [[sample.stage]]\nunit = 'person'\nall = true\ncost-responding = 10\n";
    let text = format!(
        "{HEAD}{GENERAL}{boost}[plan]\nicc = 0.02\n[[plan.target]]\nhalf-width = 0.05\n[[plan.target]]\ngroup = 'g'\n\
         n = 60\n[[plan.vary]]\nsample = 'general'\nwhat = 'psus'\n[[plan.vary]]\nsample = 'boost'\nwhat = 'keep'\n"
    );
    let plan = planned(&text, &areas(400, Vec::new()));
    let Some(Optimum::Optimal { samples, sizes, domains, .. }) = &plan.optimum else {
        panic!("{:?}", plan.optimum)
    };
    let drawn = samples[0].stages[0].drawn;
    assert!(drawn > 40.0);
    close(drawn, drawn.round(), 1e-12);
    close(samples[1].stages[0].drawn, drawn, 1e-12);
    // The share kept is one of all eligible households, and the yields are reckoned with it.
    let kept = sizes.iter().find(|s| s.what == "share kept").expect("a share");
    assert!(kept.after > 0.0 && kept.after < 1.0, "{kept:?}");
    let eligible = drawn * (40.0 / 125.0) * 30.0 * 0.25;
    close(samples[1].stages[2].kept, eligible * kept.after, 1e-6);
    let total: f64 = samples.iter().map(|s| s.stages[3].responding).sum();
    close(domains[0].n, total, 1e-6);
}

#[test]
fn crossings_in_the_order_of_their_names() {
    let band: Vec<f64> = (0..40_u32).map(|a| f64::from((a * 7 + 10) % 12)).collect();
    let text = format!(
        "{HEAD}{}[plan]\n[[plan.cross]]\nby = ['band']\n[[plan.target]]\nn = 5\n",
        GENERAL
            .replace("take = 40", "take = 12\nstrata = ['band']")
            .replace("take = 10", "take = 2")
    );
    let plan = planned(&text, &areas(40, vec![("band", band)]));
    let labels: Vec<&str> = plan.domains[2..].iter().map(|d| d.label.as_str()).collect();
    assert_eq!(labels, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]);
    // Other allocations are compared for the groups and targets, not for every cell.
    let compared: Vec<&str> =
        plan.allocations[0].half_widths.iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(compared, ["Everybody", "g"]);
    // An interval wider than everything is not given in points.
    let page = plan_text(&plan, 100, false);
    assert!(page.contains("over 50"), "{page}");
}
