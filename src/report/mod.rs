//! Showing results: terminal tables, CSV, JSON, Parquet and a self-contained HTML page.
//!
//! Everything here turns a [`Document`] into text or bytes; writing files is left to the caller,
//! who can then write them all or none. What may be published is decided by the quality flags:
//!
//! - the **HTML** page is the release: values flagged `suppress` are not on it, neither in tables
//!   nor in charts, their text alternatives or comparisons that rest on them;
//! - **terminal, CSV, JSON and Parquet** are for the analyst: all values, each with its flag.

pub mod chart;
mod csv;
mod document;
mod drawing;
mod error;
mod figure;
mod figure_weights;
mod html;
mod json;
mod manifest;
pub(crate) mod number;
mod optimum;
mod parquet;
mod planning;
mod sheet;
mod terminal;
mod terminal_weights;
mod text;
mod tidy;
mod view;
mod words;

pub use csv::csv;
pub use document::{DataSummary, DesignSummary, Document, FileHash, Manifest};
pub use drawing::{design_html, design_text};
pub use error::ReportError;
pub use html::html;
pub use json::{SCHEMA, json};
pub use manifest::{hash_file, manifest_json, sha256_hex};
pub use parquet::parquet;
pub use planning::{plan_csv, plan_html, plan_json, plan_text};
pub use terminal::terminal;
pub use terminal_weights::weighing;
