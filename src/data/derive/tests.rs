use proptest::prelude::*;

use super::*;
use crate::data::{MissingCode, Numbers};

fn table() -> Table {
    let mut eth = Column::numbers("eth", vec![1.0, 2.0, 3.0, 9.0, f64::NAN, 9.0]);
    eth.value_labels = vec![(1.0, "White".into()), (2.0, "Black".into())];
    eth.missing = vec![MissingCode { code: "-9".into(), label: None, count: 1 }];
    Table::new(vec![
        eth,
        Column::text("region", &[Some("N"), Some("S"), Some("W"), None, Some("W"), Some("E")]),
        Column::numbers("age", vec![15.0, 16.0, 24.0, 25.0, f64::NAN, 80.0]),
        Column::numbers("bmi", vec![18.4, 18.5, 25.0, 30.0, f64::NAN, 41.0]),
        Column::numbers("uk", vec![1.0, 0.0, f64::NAN, 0.0, 0.0, f64::NAN]),
        Column::numbers("years", vec![50.0, 3.0, 4.0, f64::NAN, 20.0, 30.0]),
    ])
    .unwrap()
}

fn text(s: &str) -> Scalar {
    Scalar::Text(s.into())
}

fn made(recipe: Recipe, levels: Option<&[&str]>) -> Result<Derived, Vec<DeriveError>> {
    let levels = levels.map(|l| l.iter().map(ToString::to_string).collect());
    derive(&table(), &Derivation { name: "new".into(), label: None, recipe, levels })
}

fn shown(column: &Column) -> Vec<String> {
    let f = column.as_factor();
    let level = |c: u32| f.levels.get(c as usize).map_or("?".into(), |l| l.text().to_owned());
    f.codes.to_vec().into_iter().map(level).collect()
}

fn map(from: &str, pairs: &[(&str, Scalar)], otherwise: Option<Scalar>) -> Recipe {
    let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    Recipe::Map { from: from.into(), pairs, otherwise }
}

fn cut(from: &str, at: &[f64], labels: Option<&[&str]>, right: bool) -> Recipe {
    let labels = labels.map(|l| l.iter().map(ToString::to_string).collect());
    Recipe::Cut { from: from.into(), at: at.to_vec(), labels, right }
}

fn cases(given: &[(&str, Scalar)], otherwise: Option<Scalar>) -> Recipe {
    let parse = |(when, is): &(&str, Scalar)| (Expression::parse(when).unwrap(), is.clone());
    Recipe::Cases { cases: given.iter().map(parse).collect(), otherwise }
}

#[test]
fn maps_by_value_and_label_and_reports_the_rest() {
    let recipe = map("eth", &[("White", text("A")), ("2", text("B")), ("7", text("A"))], None);
    let Derived { column, findings } = made(recipe, None).unwrap();
    assert_eq!(shown(&column), ["A", "B", "?", "?", "?", "?"]);
    assert_eq!(column.missing.len(), 1);
    assert_eq!(
        findings,
        [
            Finding::UnusedKeys(vec!["7".into()]),
            Finding::Unmatched {
                values: vec![("9".into(), 2), ("3".into(), 1)],
                distinct: 2,
                rows: 3
            },
        ]
    );
    let recipe = map("region", &[("N", text("north")), ("W", text("west"))], Some(text("else")));
    let Derived { column, findings } = made(recipe, Some(&["west", "else", "north"])).unwrap();
    assert_eq!(shown(&column), ["north", "else", "west", "?", "west", "else"]);
    assert_eq!(column.as_factor().levels[0].text(), "west");
    assert!(findings.is_empty());
}

#[test]
fn numbers_stay_numbers_unless_a_text_is_among_them() {
    let pairs = [("1", Scalar::Number(0.5)), ("2", Scalar::Number(2.0))];
    let column = made(map("eth", &pairs, Some(Scalar::Number(0.0))), None).unwrap().column;
    assert!(matches!(column.as_numbers(), Some(Numbers::F64(v)) if v[..4] == [0.5, 2.0, 0.0, 0.0]));
    let column = made(map("eth", &pairs, Some(text("other"))), None).unwrap().column;
    assert_eq!(shown(&column), ["0.5", "2", "other", "other", "?", "other"]);
}

#[test]
fn mistakes_in_maps() {
    let errors = |recipe| made(recipe, None).unwrap_err();
    let found = errors(map("eth", &[("Whit", text("A")), ("x", text("B"))], None));
    assert!(matches!(&found[0], DeriveError::UnknownKey { nearest: Some(n), .. } if n == "White"));
    assert_eq!(found.len(), 2);
    let found = errors(map("eth", &[("White", text("A")), ("1.0", text("B"))], None));
    assert!(matches!(&found[0], DeriveError::RepeatedKey { .. }));
    let found = errors(map("ethn", &[("1", text("A"))], None));
    assert!(matches!(&found[0], DeriveError::UnknownColumn { nearest: Some(n), .. } if n == "eth"));
    let found = made(map("eth", &[("1", text("A"))], None), Some(&["B", "B"])).unwrap_err();
    assert_eq!(found.len(), 4);
    let found = made(map("eth", &[("1", Scalar::Number(1.0))], None), Some(&["1"])).unwrap_err();
    assert_eq!(found, [DeriveError::LevelsOfNumbers]);
}

#[test]
fn cuts_and_their_default_labels() {
    let column = made(cut("age", &[16.0, 25.0, 26.0], None, false), None).unwrap().column;
    assert_eq!(shown(&column), ["under 16", "16–24", "16–24", "25", "?", "26 or over"]);
    let column = made(cut("age", &[16.0, 24.0], None, true), None).unwrap().column;
    assert_eq!(shown(&column), ["16 or under", "16 or under", "17–24", "over 24", "?", "over 24"]);
    let column = made(cut("bmi", &[18.5, 25.0, 30.0], None, false), None).unwrap().column;
    assert_eq!(
        shown(&column),
        ["under 18.5", "[18.5, 25)", "[25, 30)", "30 or over", "?", "30 or over"]
    );
    let column = made(cut("bmi", &[18.5, 25.0], None, true), None).unwrap().column;
    assert_eq!(shown(&column)[..3], ["18.5 or under", "18.5 or under", "(18.5, 25]"]);
    let Derived { column, findings } =
        made(cut("age", &[30.0, 60.0], Some(&["young", "middle", "old"]), false), None).unwrap();
    assert_eq!(shown(&column), ["young", "young", "young", "young", "?", "old"]);
    assert_eq!(findings, [Finding::UnusedLevels(vec!["middle".into()])]);
}

#[test]
fn mistakes_in_cuts() {
    let errors = |recipe| made(recipe, None).unwrap_err();
    assert!(matches!(errors(cut("region", &[1.0], None, false))[0], DeriveError::CutText(_)));
    assert!(matches!(errors(cut("age", &[], None, false))[0], DeriveError::Nothing(_)));
    for at in [&[2.0, 2.0][..], &[3.0, 1.0], &[f64::NAN], &[1.0, f64::INFINITY]] {
        let found = errors(cut("age", at, None, false));
        assert!(matches!(found[0], DeriveError::NotAscending { .. }), "{at:?}");
    }
    let found = errors(cut("age", &[1.0, 2.0], Some(&["a", "a"]), false));
    assert!(matches!(found[0], DeriveError::LabelCount { points: 2, labels: 2 }));
    assert!(matches!(&found[1], DeriveError::Repeated(l) if l == "a"));
}

#[test]
fn the_first_case_that_holds_wins_and_unknown_is_not_otherwise() {
    let recipe = cases(
        &[("uk == 1", text("born")), ("years < 10", text("new")), ("uk == 7", text("never"))],
        Some(text("settled")),
    );
    let Derived { column, findings } = made(recipe, None).unwrap();
    // Row 3: uk is unknown but the second case holds. Rows 4 and 6: none holds, one is unknown.
    assert_eq!(shown(&column), ["born", "new", "new", "?", "settled", "?"]);
    assert_eq!(
        findings,
        [
            Finding::UnusedCases(vec![2]),
            Finding::Unknown { rows: 2 },
            Finding::UnusedLevels(vec!["never".into()]),
        ]
    );
    let Derived { column, findings } =
        made(cases(&[("years < 10", Scalar::Number(1.0))], None), None).unwrap();
    assert_eq!(column.as_numbers().unwrap().get(1), 1.0);
    assert_eq!(findings, [Finding::Unknown { rows: 1 }, Finding::NoCase { rows: 3 }]);
}

#[test]
fn mistakes_in_expressions_come_with_their_case() {
    let recipe = cases(&[("ukk == 1", text("a")), ("uk", text("b")), ("uk == 1", text("c"))], None);
    let found = made(recipe, None).unwrap_err();
    let cases: Vec<_> = found
        .iter()
        .map(|e| match e {
            DeriveError::Expression { case, error } => (*case, error.span.clone()),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(cases, [(Some(0), 0..3), (Some(1), 0..2)]);
    let taken = Derivation {
        name: "age".into(),
        label: None,
        recipe: Recipe::Value(Expression::parse("1").unwrap()),
        levels: None,
    };
    assert_eq!(derive(&table(), &taken).unwrap_err(), [DeriveError::NameTaken("age".into())]);
}

#[test]
fn values_of_expressions() {
    let value = |text: &str| Recipe::Value(Expression::parse(text).unwrap());
    let column = made(value("years * 2"), None).unwrap().column;
    assert_eq!(column.as_numbers().unwrap().get(1), 6.0);
    let column = made(value("if(years > 10, 'long', 'short')"), Some(&["short", "long"]));
    let column = column.unwrap().column;
    assert_eq!(column.as_factor().levels[0].text(), "short");
    assert_eq!(shown(&column), ["long", "short", "short", "?", "long", "long"]);
    let Derived { findings, .. } = made(value("region == 'Q'"), None).unwrap();
    assert!(matches!(findings[..], [Finding::Expression { case: None, .. }]));
}

proptest! {
    #[test]
    fn every_number_falls_into_its_band(x in -1e3..1e3_f64, right: bool) {
        let at = [-10.0, 0.0, 0.5, 100.0];
        let table = Table::new(vec![Column::numbers("x", vec![x])]).unwrap();
        let labels: Vec<String> = (0..5).map(|i| i.to_string()).collect();
        let recipe = Recipe::Cut { from: "x".into(), at: at.to_vec(), labels: Some(labels), right };
        let made = Derivation { name: "b".into(), label: None, recipe, levels: None };
        let column = derive(&table, &made).unwrap().column;
        let band: usize = column.as_factor().levels[0].value.parse().unwrap();
        let low = band.checked_sub(1).map_or(f64::NEG_INFINITY, |i| at[i]);
        let high = at.get(band).copied().unwrap_or(f64::INFINITY);
        let inside = if right { low < x && x <= high } else { low <= x && x < high };
        prop_assert!(inside);
    }
}
