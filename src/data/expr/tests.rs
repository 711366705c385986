use proptest::prelude::*;

use super::*;
use crate::data::Column;

fn table() -> Table {
    let mut sex = Column::numbers("sex", vec![1.0, 2.0, f64::NAN, 2.0]);
    sex.value_labels = vec![(1.0, "Male".into()), (2.0, "Female".into())];
    let mut region = Column::text("region", &[Some("E12"), Some("W92"), None, Some("E12")]);
    let Values::Text(factor) = &mut region.values else { panic!() };
    factor.levels[0].label = Some("London".into());
    Table::new(vec![
        Column::numbers("age", vec![15.0, 40.0, 70.0, f64::NAN]),
        Column::numbers("api.stu", vec![0.5, 1.5, 2.5, -2.5]),
        Column::numbers("yes", vec![1.0, 0.0, f64::NAN, 1.0]),
        sex,
        region,
        Column::text("code", &[Some("1"), Some("02"), Some("3"), None]),
        Column::text("other", &[Some("E12"), Some("E12"), Some("x"), Some("x")]),
        Column::text("flag", &[Some("TRUE"), Some("FALSE"), None, Some("TRUE")]),
        Column::numbers("my column", vec![1.0, 2.0, 3.0, 4.0]),
    ])
    .unwrap()
}

fn truth(text: &str) -> String {
    let expression = Expression::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let values = expression.condition(&table()).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    values.iter().map(|v| v.map_or('?', |v| if v { 'T' } else { 'F' })).collect()
}

fn number(text: &str) -> Vec<f64> {
    let expression = Expression::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    match expression.evaluate(&table()).unwrap_or_else(|e| panic!("{text}: {e:?}")) {
        Values::Numbers(v) => v.to_vec(),
        Values::Text(_) => panic!("{text} is text"),
    }
}

fn errors(text: &str) -> Vec<ExprError> {
    match Expression::parse(text) {
        Err(error) => vec![error],
        Ok(expression) => expression.check(&table()).expect_err(text),
    }
}

#[test]
fn conditions_row_by_row() {
    for (text, expected) in [
        ("age >= 16", "FTT?"),
        ("age > 16 and sex == 2", "FT??"),
        ("age > 16 or sex == 2", "FTTT"),
        ("not age > 16", "TFF?"),
        // The last row: missing and false is false.
        ("!(age > 16) && sex = 1 || false", "TFFF"),
        ("age in [15, 70]", "TFT?"),
        ("age not in (15, 70)", "FTF?"),
        ("age in [-1]", "FFF?"),
        ("sex == 'Female'", "FT?T"),
        ("sex != \"Female\"", "TF?F"),
        ("'Male' == sex", "TF?F"),
        ("sex in ['Male', 2]", "TT?T"),
        ("sex >= 'Female'", "FT?T"),
        ("'Female' > sex", "TF?F"),
        ("sex == '2'", "FT?T"),
        ("region == 'London'", "TF?T"),
        ("region == 'E12'", "TF?T"),
        ("region != 'W92'", "TF?T"),
        ("region in ['London', 'W92']", "TT?T"),
        ("region == other", "TF?F"),
        ("region != other", "FT?T"),
        ("code == 2", "FTF?"),
        ("code == '02'", "FTF?"),
        ("code >= 2", "FTT?"),
        ("2 > code", "TFF?"),
        ("code in [1, 3]", "TFT?"),
        ("flag == true", "TF?T"),
        ("flag != true", "FT?F"),
        ("is_missing(age)", "FFFT"),
        ("is_missing(region) or is_missing(age > 3)", "FFTT"),
        ("(age > 16) == (sex == 2)", "TT??"),
        ("`my column` <= 2", "TTFF"),
        ("`age` > 20", "FTT?"),
        ("if(sex == 1, age > 10, age > 50)", "TF??"),
        ("missing", "????"),
        ("yes == 1 and missing", "?F??"),
        ("NOT age > 16 OR TRUE", "TTTT"),
        ("not not (age > 16)", "FTT?"),
        ("age <> 40", "TFT?"),
    ] {
        assert_eq!(truth(text), expected, "{text}");
    }
}

#[test]
fn arithmetic() {
    for (text, expected) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("-2 ^ 2", -4.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("2 ^ -1", 0.5),
        ("10 - 4 - 3", 3.0),
        ("12 / 2 / 3", 2.0),
        ("7 % 4", 3.0),
        ("-1 % 4", 3.0),
        ("1 % -4", -3.0),
        ("--3", 3.0),
        ("+3 - +2", 1.0),
        ("abs(-3.5)", 3.5),
        ("sqrt(16) + exp(0) + log(1)", 5.0),
        ("round(2.5) + round(-2.5)", 0.0),
        ("round(1234.567, 2)", 1234.57),
        ("round(1250, -2)", 1300.0),
        ("floor(-1.5) + ceil(1.2)", 0.0),
        ("min(3, 1, 2) + max(3, 1, 2)", 4.0),
        ("(1 == 1) + (2 == 2) + (1 == 2)", 2.0),
        ("if(1 < 2, 5, 6)", 5.0),
        (".5 + 1.e1 + 2E-1", 10.7),
        ("1e3", 1000.0),
    ] {
        assert_eq!(number(text)[0], expected, "{text}");
    }
    for text in [
        "1 / 0",
        "0 / 0",
        "log(0)",
        "log(-1)",
        "sqrt(-1)",
        "5 % 0",
        "missing + 1",
        "missing ^ 0",
        "1 ^ missing",
        "min(1, missing)",
        "max(missing, 1)",
        "if(missing, 1, 2)",
        "exp(1e6)",
        "round(1, missing)",
        "if(1 == 1, missing, 3)",
    ] {
        assert!(number(text).iter().all(|x| x.is_nan()), "{text}");
    }
    assert_eq!(number("api.stu * 2"), [1.0, 3.0, 5.0, -5.0]);
    assert_eq!(number("round(api.stu)"), [1.0, 2.0, 3.0, -3.0]);
}

#[test]
fn text_keeps_levels_and_labels() {
    let text = |text: &str| match Expression::parse(text).unwrap().evaluate(&table()).unwrap() {
        Values::Text(factor) => factor,
        Values::Numbers(_) => panic!("{text} is numbers"),
    };
    let f = text("if(sex == 2, region, 'elsewhere')");
    assert_eq!(
        f.levels.iter().map(Level::text).collect::<Vec<_>>(),
        ["London", "W92", "elsewhere"]
    );
    assert_eq!(f.codes.to_vec(), [2, 1, Codes::NONE, 0]);
    let f = text("if(age > 16, 'old', missing)");
    assert_eq!((f.levels.len(), f.codes.to_vec()), (1, vec![Codes::NONE, 0, 0, Codes::NONE]));
    assert_eq!(truth("if(sex == 2, region, other) == 'x'"), "FF?F");
}

/// What the cause of a mistake must be.
type Test = fn(&Cause) -> bool;

#[test]
fn mistakes_have_places() {
    let parsed: [(&str, Range<usize>, Test); 26] = [
        ("", 0..0, |c| matches!(c, Cause::Empty)),
        ("  ", 0..2, |c| matches!(c, Cause::Empty)),
        ("age >", 5..5, |c| matches!(c, Cause::Expected { .. })),
        ("(age > 1", 0..1, |c| matches!(c, Cause::Unclosed('('))),
        ("age > 1)", 7..8, |c| matches!(c, Cause::Unopened(')'))),
        (")", 0..1, |c| matches!(c, Cause::Unopened(')'))),
        ("age in [1, 2", 7..8, |c| matches!(c, Cause::Unclosed('['))),
        ("age in []", 8..9, |c| matches!(c, Cause::Expected { .. })),
        ("age in 3", 7..8, |c| matches!(c, Cause::Expected { .. })),
        ("1 < 2 < 3", 6..7, |c| matches!(c, Cause::Chained)),
        ("age & 1", 4..5, |c| matches!(c, Cause::Character('&'))),
        ("é == §", 6..8, |c| matches!(c, Cause::Character('§'))),
        ("sex == 'Male", 7..12, |c| matches!(c, Cause::UnclosedText)),
        ("`sex == 1", 0..9, |c| matches!(c, Cause::UnclosedName)),
        ("3x > 1", 0..2, |c| matches!(c, Cause::Number(_))),
        ("1e999", 0..5, |c| matches!(c, Cause::Number(_))),
        ("age age", 4..7, |c| matches!(c, Cause::Expected { .. })),
        ("abs()", 0..5, |c| matches!(c, Cause::Arguments { .. })),
        ("sum(1)", 0..3, |c| matches!(c, Cause::UnknownFunction { .. })),
        (
            "is.na(age)",
            0..5,
            |c| matches!(c, Cause::UnknownFunction { nearest: Some(n), .. } if n == "is_missing"),
        ),
        (
            "agee > 1",
            0..4,
            |c| matches!(c, Cause::UnknownColumn { nearest: Some(n), .. } if n == "age"),
        ),
        ("sex == Female", 7..13, |c| matches!(c, Cause::UnknownColumn { level: true, .. })),
        ("age == missing", 7..14, |c| matches!(c, Cause::ComparedWithMissing)),
        ("age > 1 and yes", 12..15, |c| matches!(c, Cause::Type { .. })),
        ("1 + region", 4..10, |c| matches!(c, Cause::Type { .. })),
        ("age in [yes]", 8..11, |c| matches!(c, Cause::ListItem)),
    ];
    for (text, span, is) in parsed {
        let found = errors(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].span, span, "{text}: {}", found[0]);
        assert!(is(&found[0].cause), "{text}: {:?}", found[0].cause);
    }
    for text in ["region > 'A'", "region > 3", "region == age", "age == 'old'", "if(true, 1, 'a')"]
    {
        assert_eq!(errors(text).len(), 1, "{text}");
    }
    let spans: Vec<_> = errors("aa > 1 and region + bb").into_iter().map(|e| e.span).collect();
    assert_eq!(spans, [0..2, 11..17, 20..22]);
}

#[test]
fn values_that_no_row_has_are_warnings() {
    let warnings = |text: &str| Expression::parse(text).unwrap().check(&table()).unwrap().warnings;
    let found = warnings("sex == 'Femal' or region in ['Lodnon', 'W92']");
    let help: Vec<_> = found.iter().filter_map(ExprError::help).collect();
    assert_eq!(help, ["did you mean \"Female\"?", "did you mean \"London\"?"]);
    assert_eq!(found[0].span, 7..14);
    assert_eq!(truth("sex == 'Femal'"), "FF?F");
    assert_eq!(warnings("code == 7").len(), 1);
    assert!(warnings("age == 7 and sex == 9").is_empty());
}

#[test]
fn columns_are_named_with_their_places() {
    let found = Expression::parse("a.b > 1 and `c d` in [1] or a.b == 2").unwrap().columns();
    let found: Vec<_> = found.into_iter().map(|m| (m.name, m.span)).collect();
    assert_eq!(found, [("a.b".into(), 0..3), ("c d".into(), 12..17), ("a.b".into(), 28..31)]);
}

#[test]
fn depth_is_bounded_and_length_is_not_depth() {
    let deep = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(number(&deep(300))[0], 1.0);
    assert!(matches!(errors(&deep(5000))[0].cause, Cause::TooDeep));
    assert!(matches!(errors(&"-".repeat(5000))[0].cause, Cause::TooDeep));
    assert!(matches!(errors(&vec!["1"; 5000].join("+"))[0].cause, Cause::TooDeep));
    assert!(matches!(errors(&vec!["1"; 5000].join("^"))[0].cause, Cause::TooDeep));
    assert!(matches!(errors(&"1+".repeat(50_000))[0].cause, Cause::TooLong(_)));
    assert_eq!(number(&vec!["1"; 300].join("+"))[0], 300.0);
    assert_eq!(truth(&vec!["age == 40"; 3000].join(" or ")), "FTF?");
}

#[test]
fn blocks_of_rows_join_up() {
    let rows = 10_001;
    let table = Table::new(vec![Column::numbers("i", (0..rows).map(f64::from).collect())]).unwrap();
    let values = Expression::parse("i % 7 + 1").unwrap().evaluate(&table).unwrap();
    let Values::Numbers(values) = values else { panic!() };
    assert!((0..rows).all(|i| values.get(i as usize) == f64::from(i % 7 + 1)));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        if let Ok(expression) = Expression::parse(&text) {
            let _ = expression.evaluate(&table());
        }
    }

    #[test]
    fn no_sequence_of_words_makes_it_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "age", "sex", "region", "code", "`my column`", "1", "2.5", "'London'", "true", "missing",
            "+", "-", "*", "/", "%", "^", "==", "=", "!=", "<", ">=", "and", "or", "not", "in",
            "(", ")", "[", "]", ",", "if(", "min(", "is_missing(", "round(",
        ]), 0..14),
    ) {
        let text = words.join(" ");
        match Expression::parse(&text) {
            Ok(expression) => {
                if let Err(errors) = expression.evaluate(&table()) {
                    prop_assert!(!errors.is_empty());
                    prop_assert!(errors.iter().all(|e| text.get(e.span.clone()).is_some()));
                }
                let _ = expression.condition(&table());
            }
            Err(error) => prop_assert!(text.get(error.span.clone()).is_some()),
        }
    }

    #[test]
    fn three_valued_logic_obeys_de_morgan(a in 0..3_u8, b in 0..3_u8) {
        let word = |x: u8| ["false", "true", "missing"][x as usize];
        let (a, b) = (word(a), word(b));
        prop_assert_eq!(
            truth(&format!("not ({a} and {b})")),
            truth(&format!("not {a} or not {b}"))
        );
    }
}
