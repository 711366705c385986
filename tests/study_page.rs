//! docs/STUDY.md names every key of the study file, as the schema has it, and its examples work.
//!
//! The reference at the end of the page is made from the schema. After a change of the types,
//! `RAKEWELL_WRITE_DOCS=1 cargo test --test study_page` writes it anew.

mod schema_page;

use rakewell::study::{from_text, json_schema};
use schema_page::Page;

fn page() -> Page {
    Page { name: "STUDY.md", test: "study_page", schema: json_schema() }
}

#[test]
fn the_reference_is_that_of_the_schema() {
    page().reference_is_that_of_the_schema();
}

#[test]
fn every_key_of_the_schema_is_on_the_page() {
    page().every_key_is_on_the_page();
}

#[test]
fn the_examples_have_no_mistakes() {
    let blocks = page().examples();
    assert!(blocks.len() >= 8, "{}", blocks.len());
    for block in &blocks {
        // A part of a file is made whole by what it does not show.
        let mut whole = String::new();
        if !block.contains("title = ") || block.contains("[[estimate]]\n") && block.starts_with('[')
        {
            whole.push_str("title = \"T\"\n");
        }
        whole.push_str(block);
        for (header, table) in [
            ("[data]", "[data]\nfile = \"d.csv\"\n"),
            ("[design", "[design]\nweight = \"w\"\n"),
            ("[[estimate]]", "[[estimate]]\nmean = \"y\"\n"),
        ] {
            if !block.contains(header) {
                whole.push_str(table);
            }
        }
        match from_text("block.toml", &whole) {
            Ok(loaded) => assert!(loaded.warnings.0.is_empty(), "{whole}\n{}", loaded.warnings),
            Err(found) => panic!("{whole}\n{found}"),
        }
    }
}
