//! The report as one self-contained HTML page: the release view.

mod page;
mod table;
mod table_weights;
mod weighting;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};

use super::document::Document;
use super::error::ReportError;

/// The report as one HTML page without scripts, fonts or images from elsewhere.
///
/// This is the release view: estimates flagged `suppress` are shown as "—" with the rule that
/// fired, are not drawn, and comparisons that rest on them are hidden too. The full values are in
/// the JSON and CSV results, which the page says.
///
/// # Errors
/// [`ReportError::Html`], which would be a mistake in rakewell.
pub fn html(document: &Document) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    environment.add_template("report.html", include_str!("../templates/report.html"))?;
    environment.add_template("table.html", include_str!("../templates/table.html"))?;
    let page = page::Page::new(document);
    Ok(environment.get_template("report.html")?.render(Serde(page))?)
}

/// The style sheet of the page.
pub(super) const STYLE: &str = include_str!("../templates/report.css");
