//! The HTML page.

use std::collections::HashSet;

use rakewell::estimate::{Decision, Quality, Statistic};
use rakewell::report::{Document, html};

use crate::markup::{Element, parse};
use crate::mock;

fn page(document: &Document) -> (String, Vec<Element>) {
    let text = html(document).unwrap();
    let elements = parse(&text).unwrap();
    (text, elements)
}

/// Every way in which a number must not appear.
fn assert_no_raw_numbers(elements: &[Element]) {
    for e in elements.iter().filter(|e| e.name != "style") {
        let values = e.attributes.iter().map(|(_, v)| v.as_str()).chain([e.text.as_str()]);
        for value in values {
            assert!(!value.contains("NaN"), "{value}");
            let words = value.split(|c: char| !c.is_alphanumeric());
            assert!(
                !words.clone().any(|w| w == "inf" || w == "None" || w == "undefined"),
                "{value}"
            );
        }
    }
}

#[test]
fn the_page_is_well_formed_and_whole() {
    let document = mock::document();
    let (text, elements) = page(&document);
    // The page can be looked at: it lies among the files of the build.
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/report.html"), &text).unwrap();
    assert_no_raw_numbers(&elements);

    let ids: Vec<&str> = elements.iter().filter_map(|e| e.attribute("id")).collect();
    let unique: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "ids are unique");
    for e in &elements {
        if let Some(target) = e.attribute("href") {
            let id = target.strip_prefix('#').expect("links stay on the page");
            assert!(unique.contains(id), "{target}");
        }
        for id in e.attribute("aria-labelledby").iter().flat_map(|ids| ids.split(' ')) {
            assert!(unique.contains(id), "{id}");
        }
        assert!(!["script", "link", "img", "iframe", "object"].contains(&e.name.as_str()));
        assert!(e.attribute("src").is_none() && e.attribute("style").is_none());
        assert!(!e.attributes.iter().any(|(name, _)| name.starts_with("on")));
    }
    let style = elements.iter().find(|e| e.name == "style").unwrap();
    assert!(!style.text.contains("url(") && !style.text.contains("@import"));

    // Headings go down one level at a time.
    let mut level = 0;
    for e in &elements {
        if let Some(n) = e.name.strip_prefix('h').and_then(|n| n.parse::<usize>().ok()) {
            assert!(n <= level + 1, "{}", e.text);
            level = n;
        }
    }
}

#[test]
fn every_estimate_and_comparison_has_its_row() {
    let document = mock::document();
    let (_, elements) = page(&document);
    let rows_of = |id: &str| {
        let table = elements
            .iter()
            .position(|e| e.name == "caption" && e.attribute("id") == Some(id))
            .and_then(|i| elements[i].parents.last().copied())
            .unwrap_or_else(|| panic!("no table {id}"));
        let body = elements
            .iter()
            .position(|e| e.name == "tbody" && e.parents.last() == Some(&table))
            .unwrap();
        elements.iter().filter(|e| e.name == "tr" && e.parents.last() == Some(&body)).collect()
    };
    for (i, table) in document.estimates.iter().enumerate() {
        let rows: Vec<&Element> = rows_of(&format!("e{}-{}-t", i + 1, table.name));
        assert_eq!(rows.len(), table.rows.len(), "{}", table.name);
        for (shown, row) in rows.iter().zip(&table.rows) {
            if let (Some(by), Some(&last)) = (table.by.last(), row.domain.last()) {
                assert!(shown.text.contains(by.levels[last].as_str()), "{}", shown.text);
            }
        }
    }
    for (i, table) in document.comparisons.iter().enumerate() {
        let rows: Vec<&Element> = rows_of(&format!("c{}-{}-t", i + 1, table.name));
        assert_eq!(rows.len(), table.rows.len(), "{}", table.name);
    }
}

#[test]
fn rows_have_as_many_cells_as_there_are_headings() {
    let (_, elements) = page(&mock::document());
    for (t, _) in elements.iter().enumerate().filter(|(_, e)| e.name == "table") {
        let cells = |row: usize| {
            elements
                .iter()
                .filter(|e| {
                    e.parents.last() == Some(&row) && ["th", "td"].contains(&e.name.as_str())
                })
                .collect::<Vec<_>>()
        };
        let rows: Vec<usize> = (0..elements.len())
            .filter(|&i| elements[i].name == "tr" && elements[i].parents.contains(&t))
            .collect();
        let columns = cells(rows[0]).len();
        // Cells that reach down from rows above: how many rows each still covers.
        let mut reaching: Vec<usize> = Vec::new();
        for &row in &rows[1..] {
            reaching.retain_mut(|left| {
                *left -= 1;
                *left > 0
            });
            let own = cells(row);
            assert_eq!(own.len() + reaching.len(), columns, "{}", elements[row].text);
            assert!(own.iter().any(|c| c.name == "th" && c.attribute("scope").is_some()));
            reaching.extend(
                own.iter()
                    .filter_map(|c| c.attribute("rowspan"))
                    .map(|n| n.parse::<usize>().unwrap()),
            );
        }
    }
}

#[test]
fn every_chart_has_a_title_and_a_text_alternative() {
    let document = mock::document();
    let (_, elements) = page(&document);
    let charts: Vec<usize> = (0..elements.len()).filter(|&i| elements[i].name == "svg").collect();
    // One per outcome (quantiles of all adults share one), comparison table and the weights;
    // each drawn wide and narrow.
    assert_eq!(charts.len(), 2 * (1 + 1 + 1 + 3 + 1 + 1 + 1 + 2));
    for &chart in &charts {
        assert_eq!(elements[chart].attribute("role"), Some("img"));
        let named = elements[chart].attribute("aria-labelledby").unwrap();
        let child = |name: &str| {
            elements
                .iter()
                .find(|e| e.name == name && e.parents.last() == Some(&chart))
                .unwrap_or_else(|| panic!("no {name}"))
        };
        for name in ["title", "desc"] {
            assert!(child(name).text.len() > 10, "{}", child(name).text);
            assert!(named.split(' ').any(|id| Some(id) == child(name).attribute("id")));
        }
    }
    let first =
        elements.iter().find(|e| e.name == "desc" && e.text.contains("discrimination")).unwrap();
    for part in ["54 groups", "not shown", "Highest: ", "Lowest: ", "95% intervals"] {
        assert!(first.text.contains(part), "{part}: {}", first.text);
    }
}

#[test]
fn suppressed_values_are_nowhere_on_the_page() {
    let mut document = mock::document();
    document.estimates.truncate(1);
    document.comparisons.truncate(1);
    // Values that can be recognised, in a group that is also compared.
    let bangladeshi = 11;
    let row = &mut document.estimates[0].rows[bangladeshi * 3];
    (row.estimate, row.se) = (Some(0.98765), Some(0.0432109));
    (row.lower, row.upper) = (Some(0.87654), Some(0.99432));
    row.quality = Some(Quality {
        decision: Decision::Suppress,
        rules: vec!["a rule that fired".to_string()],
    });
    for row in &mut document.comparisons[0].rows {
        if row.group == mock::ETHNIC_GROUPS[bangladeshi] && row.within == "UK-born" {
            (row.estimate, row.lower, row.upper) = (Some(0.77777), Some(0.66666), Some(0.88888));
            row.rests_on_suppressed = true;
        }
    }
    let (text, elements) = page(&document);
    for value in ["98.8", "4.32", "87.7 to 99.4", "77.8", "66.7 to 88.9"] {
        let found = elements
            .iter()
            .find(|e| ["td", "desc", "title"].contains(&e.name.as_str()) && e.text.contains(value));
        assert!(found.is_none(), "{value}: {:?}", found.map(|e| &e.text));
    }
    assert!(text.contains("a rule that fired"));
    assert!(text.contains("one side is suppressed"));
    assert!(text.contains("JSON and CSV results"));
    let other =
        |e: &&Element| e.name == "title" && e.text.starts_with("Asian: Bangladeshi · UK-born: ");
    assert!(elements.iter().filter(other).all(|e| e.text.ends_with("suppressed")));
    assert_eq!(elements.iter().filter(other).count(), 2);
}

#[test]
fn only_comparisons_with_a_suppressed_side_are_hidden() {
    let document = mock::document();
    let table = &document.estimates[0];
    let suppressed = |group: &str, migration: &str| {
        table.rows.iter().any(|row| {
            table.by[0].levels[row.domain[0]] == group
                && table.by[1].levels[row.domain[1]] == migration
                && row.quality.as_ref().is_some_and(|q| q.decision == Decision::Suppress)
        })
    };
    let expected = document.comparisons[0]
        .rows
        .iter()
        .filter(|row| {
            suppressed(&row.group, &row.within) || suppressed(&row.reference, &row.within)
        })
        .count();
    assert!(expected > 0 && expected < document.comparisons[0].rows.len());
    let (text, _) = page(&document);
    assert_eq!(text.matches("one side is suppressed").count(), expected);
}

#[test]
fn hostile_text_and_numbers_do_no_harm() {
    let nasty = "<script>alert('x')</script> & \"quotes\" {{ 7*7 }} {% raw %}\u{1}";
    let mut document = mock::document();
    document.title = nasty.to_string();
    document.description = Some(nasty.to_string());
    document.source = Some(nasty.to_string());
    document.warnings = vec![nasty.to_string()];
    document.data.file = nasty.to_string();
    document.design.df = Some(f64::INFINITY);
    for (i, table) in document.estimates.iter_mut().enumerate() {
        table.title = nasty.to_string();
        table.notes = vec![nasty.to_string()];
        table.name = "\"><b>".to_string();
        for by in &mut table.by {
            by.title = nasty.to_string();
            by.levels[0] = nasty.to_string();
        }
        for outcome in &mut table.outcomes {
            outcome.title = nasty.to_string();
        }
        for (j, row) in table.rows.iter_mut().enumerate() {
            let bad =
                [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e-300, 0.0][(i + j) % 6];
            row.df = Some(f64::INFINITY);
            match j % 7 {
                0 => row.estimate = Some(bad),
                1 => row.se = Some(bad),
                2 => row.lower = Some(bad),
                3 => row.upper = Some(bad),
                4 => (row.deff, row.n_eff, row.weight_sum) = (Some(bad), Some(bad), bad),
                5 => (row.estimate, row.lower) = (None, None),
                _ => row.domain.iter_mut().for_each(|level| *level = 99),
            }
        }
    }
    for table in &mut document.comparisons {
        table.estimate = "no such table".to_string();
        for row in &mut table.rows {
            (row.group, row.within) = (nasty.to_string(), nasty.to_string());
            (row.estimate, row.p) = (Some(f64::NAN), Some(f64::NAN));
        }
    }
    for step in &mut document.weighting {
        step.kind = nasty.to_string();
        step.weights.n = 0;
        step.weights.min = f64::NAN;
        for line in &mut step.margins {
            (line.target, line.level) = (0.0, nasty.to_string());
        }
    }
    let (text, elements) = page(&document);
    assert!(!text.contains("<script"));
    assert!(text.contains("{{ 7*7 }}"));
    assert_no_raw_numbers(&elements);
}

#[test]
fn one_domain_and_none_make_a_page() {
    let mut document = mock::document();
    let one = mock::table(
        "one",
        "One domain",
        Statistic::Mean,
        vec![mock::outcome("x", "X")],
        vec![mock::by("g", "Group", &["Only group"])],
        |_, _, _| mock::plain(3.0, 0.1, 50, 1.0, 40.0, (2.8, 3.2)),
    );
    document.estimates = vec![one];
    document.comparisons.clear();
    document.weighting.clear();
    document.warnings.clear();
    let (text, _) = page(&document);
    assert!(text.contains("1 group. Only group: 3.000 (2.800 to 3.200)."));
    assert!(!text.contains("id=\"flags\"") && !text.contains("id=\"weighting\""));

    document.estimates.clear();
    document.description = None;
    document.source = None;
    document.data.population = None;
    page(&document);
}
