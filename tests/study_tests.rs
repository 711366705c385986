//! `[[test]]` and the options of quantiles in a study, against R survey 4.1-1 on the `apiclus1` and
//! `apistrat` samples.

use std::path::Path;

use rakewell::compare::test::TestRow;
use rakewell::report::{Document, csv, html, terminal};
use rakewell::study::run_document;

fn run(keys: &str, file: &str, design: &str) -> Document {
    let folder = tempfile::TempDir::new().expect("a folder");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("validation/reference/data").join(file);
    let text = format!("title = \"T\"\n[data]\nfile = {data:?}\n[design]\n{design}\n{keys}");
    let study = folder.path().join("study.toml");
    std::fs::write(&study, text).expect("written");
    run_document(&study).unwrap_or_else(|e| panic!("{:?}", e.0))
}

const CLUSTERS: &str = "clusters = \"dnum\"\nweight = \"pw\"\nfpc = \"fpc\"";

fn one(document: &Document, table: usize) -> &TestRow {
    &document.tests[table].rows[0]
}

fn close(found: Option<f64>, wanted: f64) {
    let found = found.expect("a number");
    assert!((found / wanted - 1.0).abs() < 1e-8, "{found} instead of {wanted}");
}

/// R `svychisq(~sch.wide + stype, dclus1, statistic = …)`; `exact` is Imhof's integral, and
/// `saddlepoint` Kuonen's equation solved with scipy from R's eigenvalues (R itself drops the fraction
/// of the degrees of freedom).
#[test]
fn independence_has_rs_numbers() {
    let statistics = ["f", "first-order", "exact", "saddlepoint", "wald", "adjusted-wald"];
    let keys: String = statistics
        .iter()
        .map(|s| {
            format!("[[test]]\nindependence = \"sch.wide\"\nby = \"stype\"\nstatistic = \"{s}\"\n")
        })
        .collect();
    let document = run(&keys, "apiclus1.csv", CLUSTERS);
    let wanted = [
        (5.193369541474877, 0.021747462370796916),
        (11.94089208074534, 0.005553263303113219),
        (11.94089208074534, 0.022001024753786902),
        (11.94089208074534, 0.022889896116912924),
        (2.4010586006026786, 0.12689630060235083),
        (2.2295544148453446, 0.14705788690124844),
    ];
    for (i, (statistic, p)) in wanted.into_iter().enumerate() {
        let row = one(&document, i);
        close(row.statistic, statistic);
        assert!((row.p.unwrap() / p - 1.0).abs() < 1e-5, "{} {p}", row.p.unwrap());
        assert_eq!(row.n, 183);
    }
    close(one(&document, 0).df, 1.4946397777074554);
    close(one(&document, 0).ddf, 20.924956887904376);
}

/// R `svyttest` and `svyranktest`, the p-values with the degrees of freedom of the design.
#[test]
fn means_and_ranks_have_rs_numbers() {
    let keys = r#"
[[test]]
mean = "api00"
by = "comp.imp"
[[test]]
mean = "api00"
paired-with = "api99"
[[test]]
rank = "ell"
by = "stype"
[[test]]
rank = "api99"
by = "comp.imp"
score = "median"
"#;
    let document = run(keys, "apiclus1.csv", CLUSTERS);
    let wanted = [
        (Some(15.506015037594), 0.925067242997282, 14.0, 0.370602324301168),
        (Some(37.1912568306011), 12.0547430940779, 14.0, 8.82232729351727e-09),
        (None, 8.50121571253747, 2.0, 0.00435627064315147),
        (Some(-0.0587969924812033), -0.680306735134629, 14.0, 0.507405367239451),
    ];
    for (i, (estimate, statistic, df, p)) in wanted.into_iter().enumerate() {
        let row = one(&document, i);
        assert_eq!(row.estimate.is_some(), estimate.is_some());
        if let Some(wanted) = estimate {
            close(row.estimate, wanted);
        }
        close(row.statistic, statistic);
        close(row.df, df);
        close(row.p, p);
    }
    let page = html(&document).expect("a page");
    assert!(page.contains("<h2 id=\"tests-h\">Tests</h2>") && page.contains("2; 13"));
    let text = terminal(&document, 100, false);
    assert!(text.contains("12.05") && text.contains("paired t test"), "{text}");
    let table = String::from_utf8(csv(&document)).expect("text");
    assert!(table.contains("test,test-3,f,"), "{table}");
    assert_eq!(one(&document, 2).ddf, Some(13.0));
    assert_eq!(one(&document, 0).contrast.as_deref(), Some("Yes − No"));
}

/// Quantiles of three strata are independent, so the variance of a difference is the sum of the
/// two; R `svyquantile(~api00, dstrat, .5, qrule = "hf7", interval.type = "mean")`.
#[test]
fn quantiles_are_compared() {
    let keys = r#"
[[estimate]]
name = "median"
quantile = { of = "api00", at = [0.5], rule = "hf7" }
by = "stype"
[[compare]]
estimate = "median"
"#;
    let design = "strata = \"stype\"\nweight = \"pw\"\nfpc = \"fpc\"";
    let document = run(keys, "apistrat.csv", design);
    let rows = &document.estimates[0].rows;
    let compared = &document.comparisons[0].rows;
    assert_eq!(compared.len(), 3);
    let se = |i: usize| rows[i].se.expect("a standard error");
    close(compared[0].se, (se(0).powi(2) + se(1).powi(2)).sqrt());
    close(compared[0].estimate, rows[1].estimate.unwrap() - rows[0].estimate.unwrap());
    assert!(document.estimates[0].notes.iter().any(|n| n.contains("definition 7")));
}

/// What cannot be tested says why, with the way out.
#[test]
fn wrong_tests_are_refused_in_words() {
    let refused = |keys: &str, words: &str| {
        let folder = tempfile::TempDir::new().expect("a folder");
        let data =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("validation/reference/data/apiclus1.csv");
        let text = format!("title = \"T\"\n[data]\nfile = {data:?}\n[design]\n{CLUSTERS}\n{keys}");
        let study = folder.path().join("study.toml");
        std::fs::write(&study, text).expect("written");
        let all: String = match run_document(&study) {
            Ok(_) => panic!("not refused: {keys}"),
            Err(e) => e.0.iter().map(|d| format!("{} {:?}", d.message, d.help)).collect(),
        };
        assert!(all.contains(words), "no `{words}` in {all}");
    };
    refused("[[test]]\nmean = \"api00\"\nby = \"stype\"", "has 3 levels");
    refused(
        "[[test]]\nmean = \"api00\"\nby = \"stype\"\nwhere = \"stype == 'E'\"",
        "fewer than two",
    );
    refused("[[test]]\nrank = \"sname\"\nby = \"stype\"", "has to be numeric");
    refused("[[test]]\nmean = \"api01\"", "no column `api01`");
    refused(
        "[[estimate]]\nquantile = { of = \"api00\", at = [0.5], interval = \"replicates\" }",
        "the design has none",
    );
}
