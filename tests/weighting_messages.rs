//! What the program says of weighting steps: which rows, which step, which variable, and what helps.

mod program;

use std::fs;

use program::{folder, rakewell};
use rakewell::data::Column;
use rakewell::data::io::write_parquet;
use tempfile::TempDir;

const HEAD: &str = "title = \"T\"\n[data]\nfile = \"d.csv\"\n[design]\nweight = \"w\"\n";

/// A folder with a study of some steps on some rows.
fn study(data: &str, steps: &str) -> TempDir {
    folder(&[("d.csv", data), ("s.toml", &format!("{HEAD}{steps}"))])
}

/// Two classes of eight people: of `a` six respond, of `b` nobody; two are not eligible.
fn sample() -> String {
    let mut data = String::from("class,w,known,eligible,answer,age,size,region\n");
    for i in 0..16 {
        let class = if i < 8 { "a" } else { "b" };
        let eligible = u8::from(i % 8 != 7);
        let answer = match (class, i % 8) {
            (_, 7) => "",
            ("a", 0..=5) => "1",
            _ => "0",
        };
        let region = ["n", "s", "e"][i % 3];
        data += &format!("{class},2,1,{eligible},{answer},{},{},{region}\n", 20 + i, 40 + 2 * i);
    }
    data
}

const ELIGIBILITY: &str =
    "[[weighting]]\nstep = \"eligibility\"\nknown = \"known == 1\"\neligible = \"eligible == 1\"\n";

#[test]
fn rows_without_a_weight_are_not_missing() {
    let steps = format!(
        "{ELIGIBILITY}[[weighting]]\nstep = \"nonresponse\"\nresponded = \"answer == 1\"\n"
    );
    let ran = rakewell(study(&sample(), &steps).path(), &["weigh", "s.toml"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    // Without the step before, they are.
    let alone = "[[weighting]]\nstep = \"nonresponse\"\nresponded = \"answer == 1\"\n";
    let ran = rakewell(study(&sample(), alone).path(), &["weigh", "s.toml"]);
    assert!(ran.flat().contains("can't be told in 2 rows"), "{}", ran.err);
    // And rows that the step itself leaves out are not.
    let own = format!("{alone}eligible = \"eligible == 1\"\n");
    let ran = rakewell(study(&sample(), &own).path(), &["weigh", "s.toml"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
}

#[test]
fn joined_classes_are_in_the_terminal() {
    let steps = format!(
        "{ELIGIBILITY}[[weighting]]\nstep = \"nonresponse\"\nresponded = \"answer == 1\"\n\
         classes = [\"class\"]\n"
    );
    let out = rakewell(study(&sample(), &steps).path(), &["weigh", "s.toml"]).done();
    let (_, joined) = out.split_once("Classes joined in step 3, nonresponse").expect("a heading");
    let flat = joined.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("Class · Joined of n observed"), "{out}");
    assert!(flat.contains("a + b a 7 6 b 7 0"), "{out}");
}

#[test]
fn what_helps_where_nobody_responds() {
    let step = |more: &str| {
        format!("[[weighting]]\nstep = \"nonresponse\"\nclasses = [\"class\"]\n{more}\n")
    };
    for (more, expected) in [
        ("responded = \"answer == 2\"\neligible = \"eligible == 1\"", "check the condition"),
        (
            "responded = \"answer == 1\"\neligible = \"eligible == 1\"\nmin-count = 9",
            "lower `min-count`",
        ),
        (
            "responded = \"answer == 1\"\neligible = \"eligible == 1\"\nmax-factor = 1.5",
            "raise `max-factor`",
        ),
    ] {
        let ran = rakewell(study(&sample(), &step(more)).path(), &["weigh", "s.toml"]);
        ran.refused(&["even one class of all", expected]);
        assert_eq!(
            ran.flat().contains("`min-count`"),
            expected.contains("min-count"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn redundant_variables_of_a_response_model_are_named() {
    let outcome = |model: &str| {
        let step = format!(
            "[[weighting]]\nstep = \"nonresponse\"\nresponded = \"region != 's'\"\nmodel = {model}\n\
             [[derive]]\nname = \"north\"\nmap = {{ n = \"yes\", s = \"no\", e = \"no\" }}\n\
             from = \"region\"\n"
        );
        let step = step.replace("region != 's'", "age / 3 - floor(age / 3) > 0.5");
        rakewell(study(&sample(), &step).path(), &["weigh", "s.toml"]).done()
    };
    // Of every category a level follows from the others and the intercept: no news.
    let plain = outcome("[\"class\", \"size\"]");
    assert!(plain.contains("responded") && !plain.contains("follow"), "{plain}");
    let flat = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = flat(outcome("[\"age\", \"size\"]"));
    assert!(found.contains("`size` follows from the other variables"), "{found}");
}

#[test]
fn totals_beyond_all_numbers_are_refused() {
    let steps = "[[weighting]]\nstep = \"rake\"\n[[weighting.margin]]\nby = \"class\"\n\
        totals = { a = 1e308, b = 1e308 }\n";
    rakewell(study(&sample(), steps).path(), &["weigh", "s.toml"])
        .refused(&["the total of `class a` is 1e308", "beyond 1e100"]);
    let steps = "[[weighting]]\nstep = \"calibrate\"\npopulation = 1e200\n[weighting.means]\n\
        age = 30\n";
    rakewell(study(&sample(), steps).path(), &["weigh", "s.toml"])
        .refused(&["the total of `population` is 1e200"]);
}

#[test]
fn a_level_without_people_and_rows_asks_for_nothing() {
    let steps = |levels: &str| {
        format!(
            "[[weighting]]\nstep = \"rake\"\n[[weighting.margin]]\nby = \"class\"\n\
             totals = {{ {levels} }}\n"
        )
    };
    let ran =
        rakewell(study(&sample(), &steps("a = 30, b = 20, c = 0")).path(), &["weigh", "s.toml"]);
    assert!(
        ran.flat().contains("`c` has a total of 0 and no rows, and is left out"),
        "{}",
        ran.err
    );
    ran.done();
    // Where the margin lacks a level that the data have, it may be a slip.
    rakewell(study(&sample(), &steps("a = 30, B = 0")).path(), &["weigh", "s.toml"])
        .refused(&["`b`", "`B`"]);
    rakewell(study(&sample(), &steps("a = 30, b = 20, c = 1")).path(), &["weigh", "s.toml"])
        .refused(&["the data have no `c`"]);
}

#[test]
fn limits_of_weights_say_nothing_of_factors() {
    let steps = "[[weighting]]\nstep = \"rake\"\n[[weighting.margin]]\nby = \"class\"\n\
        totals = { a = 80, b = 16 }\n[[weighting]]\nstep = \"trim\"\nupper = 5\n\
        keep-margins = \"exact\"\n";
    let ran = rakewell(study(&sample(), steps).path(), &["weigh", "s.toml"]);
    ran.refused(&["no weights between 0 and 5 keep the totals of step 2", "at most 40"]);
    assert!(!ran.flat().contains("on average"), "{}", ran.err);
}

#[test]
fn streaming_names_the_step_at_fault() {
    let folder = folder(&[]);
    let texts: Vec<Option<&str>> = (0..20).map(|i| Some(["a", "b"][i % 2])).collect();
    let columns = [
        Column::text("class", &texts),
        Column::numbers("w", (0..20).map(|i| 1.0 + f64::from(i) / 7.0).collect()),
    ];
    let path = folder.path().join("d.parquet");
    write_parquet(&path, &columns.iter().collect::<Vec<_>>()).expect("written");
    let text = "title = \"T\"\n[data]\nfile = \"d.parquet\"\n[design]\nweight = \"w\"\n\
        [[weighting]]\nstep = \"rake\"\n[[weighting.margin]]\nby = \"class\"\n\
        totals = { a = 30, b = 20 }\n[[weighting]]\nstep = \"trim\"\nupper = 3\n";
    fs::write(folder.path().join("s.toml"), text).expect("written");
    let ran = rakewell(folder.path(), &["weigh", "s.toml", "--stream"]);
    ran.refused(&["this step looks at more than categories"]);
    assert!(ran.err.contains("s.toml:11:"), "{}", ran.err);
}

#[test]
fn a_variable_that_fails_is_the_only_mistake() {
    let derive = "[[derive]]\nname = \"p\"\nvalue = \"class * 2\"\n[[derive]]\nname = \"q\"\n\
        value = \"p + 1\"\n[[derive]]\nname = \"r\"\nvalue = \"q + age\"\n[[derive]]\nname = \"s\"\n\
        value = \"region * 2\"\n[[estimate]]\nmean = \"r\"\nby = \"q\"\n";
    let ran = rakewell(study(&sample(), derive).path(), &["run", "s.toml"]);
    ran.refused(&["2 errors"]);
    assert!(!ran.flat().contains("no column"), "{}", ran.err);
}
