//! Missing values of groups, and imputations: excluded, a group of their own, bounds, Rubin's rules.

use std::fs;
use std::path::Path;

use rakewell::estimate::{Estimate, EstimateTable, GroupHandling, combine_imputations};
use rakewell::report::Document;
use rakewell::study;

/// Twelve people: four with two groups each known, four whose group is not, one without an answer.
const PEOPLE: &str = "\
id,group,sex,w,yes,income
1,A,F,10,1,100
2,A,M,20,0,250
3,A,F,10,1,40
4,A,M,10,,90
5,B,F,30,1,300
6,B,M,10,0,20
7,B,F,20,0,80
8,B,M,10,1,60
9,,F,40,1,500
10,,M,10,0,10
11,,F,5,1,70
12,,M,15,0,200
";

fn study(folder: &Path, tables: &str) -> Document {
    let path = write(folder, tables);
    study::run_document(&path).unwrap_or_else(|e| panic!("{e}"))
}

fn write(folder: &Path, tables: &str) -> std::path::PathBuf {
    let path = folder.join("study.toml");
    fs::write(&path, format!("title = \"T\"\n{tables}")).unwrap();
    path
}

fn people(tables: &str) -> Document {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.csv"), PEOPLE).unwrap();
    study(folder.path(), &format!("data.file = \"p.csv\"\ndesign.weight = \"w\"\n{tables}"))
}

fn row<'t>(table: &'t EstimateTable, group: &str) -> &'t Estimate {
    table.rows.iter().find(|r| table.domain_text(r) == group).unwrap()
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.expect("a number");
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} {expected}");
}

#[test]
fn those_without_a_group_are_counted_whatever_is_done_with_them() {
    let document = people("[[estimate]]\nproportion = \"yes\"\nby = \"group\"\n");
    let table = &document.estimates[0];
    assert_eq!((table.missing.handling, table.missing.rows), (GroupHandling::Excluded, 4));
    close(table.missing.share, 70.0 / 190.0);
    assert_eq!(table.missing.of[0].variable, "group");
    let notes = table.notes.join("\n");
    assert!(notes.contains("group is missing for 4 rows, 36.8% of the base"), "{notes}");
    assert!(notes.contains("are in none"), "{notes}");
    // One of the group has no answer: 10 of its 50.
    close(row(table, "A").missing.share, 0.2);
    close(row(table, "B").missing.share, 0.0);
    assert_eq!(table.rows.len(), 2);
    // Without groups there is nothing to say.
    let document = people("[[estimate]]\nproportion = \"yes\"\n");
    assert!(document.estimates[0].notes.is_empty());
}

#[test]
fn they_can_be_a_group_of_their_own() {
    let document = people(
        "[[estimate]]\nname = \"e\"\nproportion = \"yes\"\nby = \"group\"\n\
         missing-groups = \"own-category\"\n[[compare]]\nestimate = \"e\"\nreference = \"Missing\"\n",
    );
    let table = &document.estimates[0];
    assert_eq!(table.by[0].levels, ["A", "B", "Missing"]);
    close(row(table, "Missing").estimate, 45.0 / 70.0);
    assert!(table.notes.join("\n").contains("a group of their own, `Missing`"));
    assert_eq!(document.comparisons[0].rows.len(), 2);
    assert!(document.comparisons[0].rows.iter().all(|r| r.reference == "Missing"));
}

#[test]
fn bounds_are_the_extremes_over_all_groups_they_may_belong_to() {
    let document = people(
        "[defaults]\nmissing-groups = \"bounds\"\n\
         [[estimate]]\nproportion = \"yes\"\nby = \"group\"\n\
         [[estimate]]\nmean = \"income\"\nby = [\"group\", \"sex\"]\n\
         [[estimate]]\ntotal = \"income\"\nby = \"group\"\n",
    );
    let [shares, means, totals] = &document.estimates[..] else { panic!() };
    // Known of A: 20 of 40 say yes; open: 45 say yes and 25 no.
    let a = row(shares, "A");
    close(a.estimate, 0.5);
    let bounds = a.missing.bounds.as_ref().unwrap();
    assert_eq!(bounds.rows, 4);
    close(bounds.share, 70.0 / 110.0);
    close(bounds.all, 65.0 / 110.0);
    close(bounds.lowest, 20.0 / 65.0);
    close(bounds.highest, 65.0 / 85.0);
    assert!(bounds.lower.unwrap() < bounds.lowest.unwrap());
    assert!(bounds.upper.unwrap() > bounds.highest.unwrap() && bounds.upper.unwrap() < 1.0);
    // Women only may be women of A: known 100 and 40 at weight 10, open 500 at 40 and 70 at 5.
    let bounds = row(means, "A · F").missing.bounds.as_ref().unwrap();
    assert_eq!(bounds.rows, 2);
    close(bounds.lowest, (1000.0 + 400.0) / 20.0);
    close(bounds.highest, (1000.0 + 400.0 + 20_000.0) / 60.0);
    close(bounds.all, (1000.0 + 400.0 + 20_000.0 + 350.0) / 65.0);
    let bounds = row(totals, "B").missing.bounds.as_ref().unwrap();
    close(bounds.lowest, 9000.0 + 200.0 + 1600.0 + 600.0);
    close(bounds.highest, 11_400.0 + 20_000.0 + 100.0 + 350.0 + 3000.0);
    let text = rakewell::report::terminal(&document, 120, false);
    assert!(text.contains("bounds") && text.contains("30.8 to 76.5"), "{text}");
}

/// The two ends have the variance of the same estimate on the rows placed there.
#[test]
fn the_ends_have_intervals_of_their_own() {
    let document = people(
        "[[estimate]]\nproportion = \"yes\"\nby = \"group\"\nmissing-groups = \"bounds\"\n\
         interval = \"t\"\n\
         [[estimate]]\nproportion = \"yes\"\ninterval = \"t\"\n\
         where = 'group == \"A\" or (is_missing(group) and yes == 1)'\n",
    );
    let bounds = row(&document.estimates[0], "A").missing.bounds.as_ref().unwrap();
    let end = &document.estimates[1].rows[0];
    close(bounds.highest, end.estimate.unwrap());
    // With the degrees of freedom of those known to be in the group: t quantiles for 2 and 4.
    let df = row(&document.estimates[0], "A").df;
    assert_eq!((df, end.df), (Some(2.0), Some(4.0)));
    let (half, t) =
        (end.upper.unwrap() - end.estimate.unwrap(), [4.302652729911275, 2.7764451051977987]);
    close(bounds.upper, end.estimate.unwrap() + half * t[0] / t[1]);
}

const SMI: &str = "design.clusters = \"id\"\n[[estimate]]\nmean = [\"cistot\", \"alcdhi\"]\n";

fn reference(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("validation/reference/data").join(file)
}

/// Against R survey 4.1.1 with mitools 2.4 (case `mi-mean-dfcomplete`), whose degrees of freedom
/// are corrected there to those of Barnard and Rubin (1999).
#[test]
fn files_of_imputations_are_combined_as_mitools_does() {
    let folder = tempfile::tempdir().unwrap();
    for k in 1..=5 {
        let name = format!("smi_imp{k}.csv");
        fs::copy(reference(&name), folder.path().join(name)).unwrap();
    }
    let others: Vec<String> = (2..=5).map(|k| format!("\"smi_imp{k}.csv\"")).collect();
    let data =
        format!("data.file = \"smi_imp1.csv\"\ndata.imputations = [{}]\n{SMI}", others.join(", "));
    let document = study(folder.path(), &data);
    let table = &document.estimates[0];
    let expected = [
        (6.694700854700855, 0.43952969364643074, 154.7922750467486),
        (0.16478632478632477, 0.01750051519812581, 177.40276699342706),
    ];
    for (row, (estimate, se, df)) in table.rows.iter().zip(expected) {
        close(row.estimate, estimate);
        close(row.se, se);
        close(row.df, df);
        assert_eq!(row.missing.imputed.as_ref().unwrap().imputations, 5);
    }
    assert_eq!(table.missing.imputations, Some(5));
    // A copy with a row less is no imputation of the others.
    let short = fs::read_to_string(reference("smi_imp2.csv")).unwrap();
    let cut = short.trim_end().rfind('\n').unwrap();
    fs::write(folder.path().join("smi_imp2.csv"), &short[..=cut]).unwrap();
    let error = study::run_document(&write(folder.path(), &data)).unwrap_err().to_string();
    assert!(error.contains("smi_imp2.csv has 1169 rows and smi_imp1.csv has 1170"), "{error}");
}

/// Against R survey 4.1.1 with mitools 2.4 (case `pv-by-sex`).
#[test]
fn plausible_values_are_imputations() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(reference("pisamaths.csv"), folder.path().join("pisa.csv")).unwrap();
    let document = study(
        folder.path(),
        "data.file = \"pisa.csv\"\n[[data.imputed]]\nname = \"maths\"\nlabel = \"Mathematics\"\n\
         columns = \"PV*MATH\"\n[design]\nstrata = \"STRATUM\"\nclusters = \"SCHOOLID\"\n\
         weight = \"W_FSTUWT\"\nnested = true\nlonely-psu = \"certainty\"\n\
         [[estimate]]\nmean = \"maths\"\nby = \"ST04Q01\"\n[[estimate]]\nmean = \"MATHEFF\"\n",
    );
    let table = &document.estimates[0];
    close(row(table, "Female").estimate, 492.0570779481219);
    close(row(table, "Female").se, 4.512744051163356);
    close(row(table, "Male").estimate, 507.1115545245956);
    close(row(table, "Male").se, 5.50550135682654);
    assert_eq!(table.outcomes[0].title, "Mathematics");
    // What has no imputed variable in it is left alone.
    let other = &document.estimates[1];
    assert!(other.rows[0].missing.imputed.is_none() && other.missing.imputations.is_none());
}

/// Imputed groups, through a recode, with a comparison: against each column by itself.
#[test]
fn imputed_groups_are_combined_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let given = [["A", "B", "A"], ["B", "B", "A"], ["A", "A", "B"], ["B", "A", "B"]];
    let mut open = given.iter();
    for (i, line) in PEOPLE.lines().enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        let groups = match (i, fields[1]) {
            (0, _) => "g_1,g_2,g_3".to_string(),
            (_, "") => open.next().unwrap().join(","),
            (_, known) => [known; 3].join(","),
        };
        text.push_str(&format!("{line},{groups}\n"));
    }
    fs::write(folder.path().join("p.csv"), text).unwrap();
    let tables = |from: &str, imputed: &str| {
        format!(
            "data.file = \"p.csv\"\ndesign.weight = \"w\"\n{imputed}\n\
             [[derive]]\nname = \"grp\"\nfrom = \"{from}\"\nmap = {{ A = \"First\", B = \"Second\" }}\n\
             [[estimate]]\nname = \"e\"\nmean = \"income\"\nby = \"grp\"\n\
             [[compare]]\nestimate = \"e\"\n[[compare]]\nestimate = \"e\"\nmeasure = \"ratio\"\n"
        )
    };
    let single: Vec<Document> =
        (1..=3).map(|k| study(folder.path(), &tables(&format!("g_{k}"), ""))).collect();
    let imputed = "[[data.imputed]]\nname = \"g\"\ncolumns = [\"g_1\", \"g_2\", \"g_3\"]\n";
    let document = study(folder.path(), &tables("g", imputed));
    for group in ["First", "Second"] {
        let rows: Vec<&Estimate> = single.iter().map(|d| row(&d.estimates[0], group)).collect();
        let estimates: Vec<f64> = rows.iter().map(|r| r.estimate.unwrap()).collect();
        let variances: Vec<f64> = rows.iter().map(|r| r.se.unwrap().powi(2)).collect();
        let df = rows.iter().map(|r| r.df.unwrap()).fold(f64::INFINITY, f64::min);
        let c = combine_imputations(&estimates, &variances, df).unwrap();
        let found = row(&document.estimates[0], group);
        close(found.estimate, estimates.iter().sum::<f64>() / 3.0);
        close(found.se, c.variance.sqrt());
        close(found.df, c.df);
        close(found.missing.imputed.as_ref().map(|i| i.between), c.between);
    }
    for (k, ratio) in [(0, false), (1, true)] {
        let parts: Vec<(f64, f64)> = single
            .iter()
            .map(|d| &d.comparisons[k].rows[0])
            .map(|r| (r.estimate.unwrap(), r.se.unwrap()))
            .map(|(e, se)| if ratio { (e.ln(), (se / e).powi(2)) } else { (e, se * se) })
            .collect();
        let mean = parts.iter().map(|p| p.0).sum::<f64>() / 3.0;
        let between = parts.iter().map(|p| (p.0 - mean).powi(2)).sum::<f64>() / 2.0;
        let variance = parts.iter().map(|p| p.1).sum::<f64>() / 3.0 + 4.0 / 3.0 * between;
        let found = &document.comparisons[k].rows[0];
        close(found.estimate, if ratio { mean.exp() } else { mean });
        close(found.t, mean / variance.sqrt());
    }
}

#[test]
fn mistakes_about_missing_values_are_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.csv"), PEOPLE).unwrap();
    for (tables, expected) in [
        (
            "[[estimate]]\nmean = \"income\"\nmissing-groups = \"bounds\"\n",
            "the estimate has no `by`",
        ),
        (
            "[[estimate]]\nby = \"group\"\nquantile = { of = \"income\", at = [0.5] }\n\
             missing-groups = \"bounds\"\n",
            "no bounds for an estimate with `quantile`",
        ),
        (
            "[[estimate]]\nby = \"group\"\nmean = \"income\"\nmissing-groups = \"impute\"\n",
            "`missing-groups` cannot be",
        ),
        (
            "[[data.imputed]]\nname = \"x\"\ncolumns = [\"income\", \"incom\"]\n",
            "did you mean `income`?",
        ),
        ("[[data.imputed]]\nname = \"x\"\ncolumns = \"pv*\"\n", "with a number for the `*`"),
        ("[[data.imputed]]\nname = \"x\"\ncolumns = \"income\"\n", "imputations are several"),
        (
            "[[data.imputed]]\nname = \"w\"\ncolumns = [\"income\", \"yes\"]\n",
            "have a column `w` already",
        ),
        (
            "[[data.imputed]]\nname = \"x\"\ncolumns = [\"income\", \"yes\"]\n\
             [[data.imputed]]\nname = \"y\"\ncolumns = [\"income\", \"yes\", \"id\"]\n",
            "imputations come together",
        ),
        ("data.imputations = [\"p.csv\"]\n", "p.csv is named twice"),
        (
            "data.imputations = [\"q.csv\"]\n\
             data.imputed = [{ name = \"x\", columns = [\"income\", \"yes\"] }]\n",
            "both `imputed` columns and `imputations` in files",
        ),
        ("data.imputations = [\"q.csv\"]\n", "q.csv"),
    ] {
        let tables = format!("data.file = \"p.csv\"\ndesign.weight = \"w\"\n{tables}");
        let path = write(folder.path(), &tables);
        let error = study::run_document(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{tables}\n{error}");
    }
}

#[test]
fn a_study_with_imputations_is_not_run_on_rows_in_memory() {
    let text = "title = \"T\"\ndata.file = \"p.csv\"\ndata.imputations = [\"q.csv\"]\n\
                design.weight = \"w\"\n[[estimate]]\nmean = \"income\"\n";
    let loaded = study::from_text("s.toml", text).unwrap();
    let columns = ["income".to_string()];
    let error = study::InMemory::new(loaded, Path::new("s.toml"), &columns).unwrap_err();
    assert!(error.to_string().contains("imputations cannot be run"), "{error}");
}

#[test]
fn encodings_are_checked_before_a_file_is_read() {
    let error = study::from_text(
        "s.toml",
        "title = \"T\"\n[data]\nfile = \"p.csv\"\nencoding = \"klingon\"\n[[estimate]]\nmean = \"x\"\n",
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("4:12: no encoding is called `klingon`"), "{error}");
}
