//! Planning with lists that cover a part of a group: who can be drawn, how many interviews, which weights.
//! All expectations are worked out by hand in the comments.

use rakewell::data::{Column, Table};
use rakewell::planning::{Options, Plan, plan};
use rakewell::sampling::from_text;

fn planned(text: &str) -> Plan {
    let loaded = from_text("design.toml", text, &[]).unwrap_or_else(|found| panic!("{found}"));
    plan(&loaded, &areas(), Options::default()).unwrap_or_else(|found| panic!("{found}"))
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} is not {expected}");
}

/// 400 areas of 100 households and 200 people; in a quarter of them 60 people of the group.
fn areas() -> Table {
    let dense = |a: usize| a.is_multiple_of(4);
    let numbers = |name: &str, of: &dyn Fn(usize) -> f64| {
        Column::numbers(name, (0..400).map(of).collect::<Vec<f64>>())
    };
    Table::new(vec![
        numbers("area", &|a| a as f64),
        numbers("people", &|_| 200.0),
        numbers("households", &|_| 100.0),
        numbers("group", &|a| if dense(a) { 60.0 } else { 0.0 }),
        numbers("dense", &|a| f64::from(u8::from(dense(a)))),
    ])
    .expect("a table")
}

fn head(covers: f64) -> String {
    format!(
        "title = 'T'\n[population]\ncount = 'people'\nhouseholds = 'households'\n\
         [[group]]\nname = 'g'\ncount = 'group'\nper-household = 2\n\
         [[frame]]\nname = 'addresses'\n[[frame]]\nname = 'register'\ncovers = {{ g = {covers} }}\n"
    )
}

const GENERAL: &str = "[[sample]]\nname = 'general'\nframe = 'addresses'\n\
    [[sample.stage]]\nunit = 'area'\nid = 'area'\nsize = 'households'\ntake = 40\n\
    [[sample.stage]]\nunit = 'address'\ntake = 10\nin-scope = 0.8\n\
    [[sample.stage]]\nunit = 'household'\nall = true\nresponse = 0.5\n\
    [[sample.stage]]\nunit = 'person'\nall = true\nresponse = 0.9\n";

/// 200 households of the group from the register, of which half take part; 2 people each, 80 % of whom do.
const REGISTER: &str = "[[sample]]\nname = 'register'\nkind = 'list'\nframe = 'register'\n\
    [[sample.stage]]\nunit = 'household'\ncount = 'group / 2'\ntake = 200\nresponse = 0.5\n\
    [sample.stage.screening]\ngroups = 'g'\n\
    [[sample.stage]]\nunit = 'person'\nall = true\nresponse = 0.8\n";

const PLAN: &str = "[plan]\nicc = 0\nicc-household = 0\n";

#[test]
fn coverage_does_not_shrink_what_is_drawn() {
    for covers in [1.0, 0.6, 0.3] {
        let plan = planned(&format!("{}{REGISTER}{PLAN}", head(covers)));
        let stages = &plan.samples[0].stages;
        close(stages[0].drawn, 200.0);
        close(stages[0].kept, 200.0);
        close(stages[0].responding, 100.0);
        close(stages[1].responding, 160.0);
        let group = &plan.domains[1];
        close(group.n, 160.0);
        // Those who can be drawn all have the same probability.
        close(group.n_effective.expect("known"), 160.0);
        close(group.coverage, covers);
        close(plan.coverage[1].by_sample[0], covers);
        close(plan.coverage[0].by_sample[0], 6000.0 * covers / 80_000.0);
    }
}

#[test]
fn a_list_of_everybody_of_a_class_gives_its_full_number() {
    // The group is everybody, 60 % of whom are on the register: 100 households of 2 people, all of whom take part.
    let text = "title = 'T'\n[population]\ncount = 'people'\nhouseholds = 'households'\n\
        [[group]]\nname = 'all'\ncount = 'people'\n[[frame]]\nname = 'register'\ncovers = { all = 0.6 }\n\
        [[sample]]\nname = 's'\n[[sample.stage]]\nunit = 'household'\ncount = 'households'\ntake = 100\n\
        [[sample.stage]]\nunit = 'person'\nall = true\n";
    let plan = planned(&format!("{text}{PLAN}"));
    close(plan.samples[0].stages[1].responding, 200.0);
    close(plan.domains[0].n, 200.0);
    close(plan.coverage[0].any, 0.6);
}

#[test]
fn a_group_on_a_list_in_part_has_two_classes_of_weights() {
    let plan = planned(&format!("{}{GENERAL}{REGISTER}{PLAN}", head(0.6)));
    // General: 40 of 400 areas, 10 of 125 addresses, 0.5 · 0.9. Register: 200 of 0.6 · 3,000 households, 0.5 · 0.8.
    let general: f64 = 0.1 * 0.08 * 0.45;
    let both = general + 200.0 / 1800.0 * 0.4;
    let (listed, others) = (3600.0, 2400.0);
    let group = &plan.domains[1];
    let n = listed * both + others * general;
    close(group.n, n);
    close(group.by_sample[1], 160.0);
    let deff = n * (listed / both + others / general) / 6000.0_f64.powi(2);
    close(group.deff_weights.expect("known"), deff);
    // Without likeness within areas nothing else adds to the variance.
    close(group.n_effective.expect("known"), n / deff);
    close(group.coverage, 1.0);
    assert_eq!(plan.coverage[1].by_sample.len(), 2);
    close(plan.coverage[1].by_sample[1], 0.6);
    close(plan.coverage[1].any, 1.0);
}

#[test]
fn units_within_areas_are_drawn_from_those_on_the_list() {
    let boost = "[[sample]]\nname = 'boost'\nframe = 'register'\nwhere = 'dense == 1'\nexcluded = 'x'\n\
        [[sample.stage]]\nunit = 'area'\nid = 'area'\ntake = 20\n\
        [[sample.stage]]\nunit = 'address'\ntake = 10\nin-scope = 0.8\n\
        [[sample.stage]]\nunit = 'household'\nall = true\n[sample.stage.screening]\ngroups = 'g'\n\
        [[sample.stage]]\nunit = 'person'\nall = true\n";
    let plan = planned(&format!("{}{boost}{PLAN}", head(0.6)));
    // On the list are 140 others and 36 of the group: 176 of 200 people, 110 of 125 addresses, of which 10 are drawn.
    let stages = &plan.samples[0].stages;
    close(stages[1].drawn, 200.0);
    close(stages[1].in_scope, 160.0);
    close(stages[2].kept, 20.0 * 18.0 * 10.0 / 110.0);
    // As many as the share of the group among those on the list.
    close(stages[2].kept, 160.0 * 36.0 / 176.0);
    close(stages[3].responding, 2.0 * 20.0 * 18.0 * 10.0 / 110.0);
    close(plan.domains[1].n, stages[3].responding);
}

#[test]
fn more_than_the_list_has_cannot_be_drawn() {
    let text = format!("{}{}{PLAN}", head(0.6), REGISTER.replace("take = 200", "take = 1900"));
    let loaded = from_text("design.toml", &text, &[]).unwrap_or_else(|found| panic!("{found}"));
    let found = plan(&loaded, &areas(), Options::default()).expect_err("too many").to_string();
    assert!(found.contains("has 1,800 units (household), 1,900 cannot be drawn"), "{found}");
}
