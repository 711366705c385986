//! What can go wrong when results are shown.

/// A report that could not be made.
///
/// None of these is caused by data: each would be a mistake in rakewell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The page template does not fit what it is given.
    #[error("the HTML report could not be made: {0}")]
    Html(#[from] minijinja::Error),
    /// A result cannot be written as JSON.
    #[error("the JSON results could not be made: {0}")]
    Json(#[from] serde_json::Error),
    /// The columns do not fit their schema.
    #[error("the Parquet results could not be made: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The columns do not fit together.
    #[error("the Parquet results could not be made: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}
