//! Showing results: terminal tables, CSV, JSON, Parquet and a self-contained HTML page.

mod document;

pub use document::{DataSummary, DesignSummary, Document, FileHash, Manifest};
