//! docs/DESIGN-FILE.md names every key of the design file, and its example works.
//!
//! The reference at the end of the page is made from the schema. After a change of the types,
//! `RAKEWELL_WRITE_DOCS=1 cargo test --test design_page` writes it anew.

mod schema_page;

use rakewell::sampling::{from_text, json_schema};
use schema_page::Page;

fn page() -> Page {
    Page { name: "DESIGN-FILE.md", test: "design_page", schema: json_schema() }
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
    assert!(!blocks.is_empty());
    for block in &blocks {
        match from_text("block.toml", block, &[]) {
            Ok(loaded) => assert!(loaded.warnings.0.is_empty(), "{}", loaded.warnings),
            Err(found) => panic!("{block}\n{found}"),
        }
    }
}
