//! The case file: a study, where its published numbers stand, and what they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Source};
use crate::study::Pairs;
use crate::study::spec::Scalar;

use super::published::Published;

/// A case as written in `case.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// What is validated.
    pub title: String,
    /// The source in a few words; cases with the same text are shown together.
    pub source: String,
    /// Who published the numbers, when and where.
    pub citation: String,
    /// Where the source can be read.
    pub url: Option<String>,
    /// The place in the source: page, table, section.
    pub place: Option<String>,
    /// Where the data come from.
    pub data: Option<String>,
    /// The licence of the data.
    pub licence: Option<String>,
    /// What a reader must know: numbers left out, conventions.
    pub note: Option<String>,
    /// The study file, relative to the case file. Default: `study.toml`.
    #[serde(default = "default_study")]
    pub study: PathBuf,
    /// The published numbers.
    pub expect: Vec<Spanned<Expect>>,
}

fn default_study() -> PathBuf {
    PathBuf::from("study.toml")
}

/// One published number, and which number of the study it is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// Name of an `[[estimate]]` of the study; or give `compare`.
    pub estimate: Option<String>,
    /// Name of a `[[compare]]` of the study.
    pub compare: Option<String>,
    /// The variable, where the estimate has several (`numerator/denominator` for a ratio).
    pub outcome: Option<String>,
    /// The level, where the outcome is categorical.
    pub level: Option<Scalar>,
    /// The probability, where there are several quantiles.
    pub probability: Option<f64>,
    /// The level of every `by` variable, by its label or its value.
    #[serde(default)]
    pub domain: Pairs<Scalar>,
    /// Of a comparison: the group that is compared.
    pub group: Option<Scalar>,
    /// Of a comparison: the group it is compared with.
    pub reference: Option<Scalar>,
    /// Of a comparison: the levels held fixed, as the report shows them.
    pub within: Option<String>,
    /// Which of its numbers.
    pub quantity: Quantity,
    /// The number as printed.
    pub value: Published,
    /// Ours is multiplied by this before it is compared: 100 for a published percentage.
    pub scale: Option<f64>,
    /// How far ours may be off, in published units. Default: 0.51 of the last printed digit,
    /// which is rounding.
    pub tolerance: Option<f64>,
}

/// A number of an estimate or of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Quantity {
    /// The estimate.
    Estimate,
    /// Its standard error.
    Se,
    /// Coefficient of variation.
    Cv,
    /// Design effect.
    Deff,
    /// Lower limit of the interval.
    Lower,
    /// Upper limit of the interval.
    Upper,
    /// Degrees of freedom.
    Df,
    /// Rows with a value.
    N,
    /// Effective sample size.
    NEff,
    /// First-stage units.
    Psus,
    /// Sum of the weights.
    WeightSum,
    /// Sum of the weights ÷ rows.
    MeanWeight,
    /// Test statistic of a comparison.
    T,
    /// p-value of a comparison.
    P,
    /// p-value adjusted for the number of comparisons.
    PAdjusted,
}

impl Quantity {
    /// Its name in the case file.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Estimate => "estimate",
            Quantity::Se => "se",
            Quantity::Cv => "cv",
            Quantity::Deff => "deff",
            Quantity::Lower => "lower",
            Quantity::Upper => "upper",
            Quantity::Df => "df",
            Quantity::N => "n",
            Quantity::NEff => "n-eff",
            Quantity::Psus => "psus",
            Quantity::WeightSum => "weight-sum",
            Quantity::MeanWeight => "mean-weight",
            Quantity::T => "t",
            Quantity::P => "p",
            Quantity::PAdjusted => "p-adjusted",
        }
    }

    /// True when an estimate has it.
    pub fn of_estimate(self) -> bool {
        !matches!(self, Quantity::T | Quantity::P | Quantity::PAdjusted)
    }

    /// True when a comparison has it.
    pub fn of_comparison(self) -> bool {
        use Quantity::*;
        matches!(self, Estimate | Se | Lower | Upper | Df | T | P | PAdjusted)
    }
}

/// The part of the last printed digit that ours may be off: half, and a little for ties.
const ROUNDING: f64 = 0.51;

impl Expect {
    /// How far ours may be off, in published units.
    pub fn allowed(&self) -> f64 {
        self.tolerance.unwrap_or(ROUNDING * self.value.unit)
    }

    /// What is wrong with the entry by itself, and what would be right.
    fn mistakes(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut wrong = |what: &str, help: &str| found.push((what.to_string(), help.to_string()));
        match (&self.estimate, &self.compare) {
            (Some(_), Some(_)) => {
                wrong("both `estimate` and `compare` are given", "give one of them");
            }
            (None, None) => wrong(
                "neither `estimate` nor `compare` is given",
                "name an [[estimate]] or a [[compare]] of the study",
            ),
            (Some(_), None) => {
                if self.group.is_some() || self.reference.is_some() || self.within.is_some() {
                    wrong(
                        "`group`, `reference` and `within` belong to a comparison",
                        "use `domain`, or `compare` in place of `estimate`",
                    );
                }
                if !self.quantity.of_estimate() {
                    wrong(
                        &format!("an estimate has no `{}`", self.quantity.name()),
                        "use `compare` for tests",
                    );
                }
            }
            (None, Some(_)) => {
                if !self.domain.0.is_empty() || self.probability.is_some() {
                    wrong(
                        "`domain` and `probability` belong to an estimate",
                        "use `group`, `reference` and `within`",
                    );
                }
                if self.group.is_none() || self.reference.is_none() {
                    wrong(
                        "a comparison needs `group` and `reference`",
                        "say who is compared with whom",
                    );
                }
                if !self.quantity.of_comparison() {
                    wrong(
                        &format!("a comparison has no `{}`", self.quantity.name()),
                        "it has estimate, se, t, df, p, p-adjusted, lower, upper",
                    );
                }
            }
        }
        if self.scale.is_some_and(|s| !s.is_finite() || s == 0.0) {
            wrong("`scale` must be a number other than zero", "100 for a published percentage");
        }
        if self.tolerance.is_some_and(|t| !t.is_finite() || t < 0.0) {
            wrong("`tolerance` must not be negative", "leave it out to allow for rounding only");
        }
        found
    }
}

/// A case with the file it stands in.
#[derive(Debug, Clone)]
pub struct CaseFile {
    /// The case file.
    pub path: PathBuf,
    /// Its text, to point into.
    pub source: Arc<Source>,
    /// What it says.
    pub case: Case,
}

impl CaseFile {
    /// The study file.
    pub fn study(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(&self.case.study)
    }
}

/// Reads a case file.
///
/// # Errors
/// When it can't be read, is no TOML, has unknown or missing keys, or when entries contradict
/// themselves: all mistakes of the last kind at once, with their places.
pub fn load(path: &Path) -> Result<CaseFile, Diagnostics> {
    let text = fs::read_to_string(path)
        .map_err(|e| Diagnostic::error(format!("`{}` can't be read: {e}", path.display())))?;
    let source = Arc::new(Source { name: path.display().to_string(), text });
    let place = |span| Some(Place { source: Arc::clone(&source), span });
    let case: Case = toml::from_str(&source.text).map_err(|e| {
        Diagnostic::error(e.message().trim_end_matches('.').to_string())
            .at(e.span().and_then(place))
            .help("validation/README.md describes the case file")
    })?;
    let mut mistakes = Diagnostics::default();
    if case.expect.is_empty() {
        mistakes.push(
            Diagnostic::error(format!("`{}` expects no number", path.display()))
                .help("give at least one entry of `expect`"),
        );
    }
    for entry in &case.expect {
        for (message, help) in entry.get_ref().mistakes() {
            mistakes.push(Diagnostic::error(message).at(place(entry.span())).help(help));
        }
    }
    if mistakes.has_errors() {
        return Err(mistakes);
    }
    Ok(CaseFile { path: path.to_path_buf(), source, case })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "title = \"T\"\nsource = \"S\"\ncitation = \"C\"\n";

    fn read(expect: &str) -> Result<CaseFile, Diagnostics> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.toml");
        fs::write(&path, format!("{HEAD}{expect}")).unwrap();
        load(&path)
    }

    #[test]
    fn reads_every_key() {
        let file = read(
            "expect = [{ estimate = \"m\", outcome = \"y\", level = 2, probability = 0.5, \
             domain = { race = \"White\", sex = 1 }, scale = 100, tolerance = 0.2, \
             quantity = \"mean-weight\", value = \"12.40\" }]",
        )
        .unwrap();
        let entry = file.case.expect[0].get_ref();
        assert_eq!(entry.level, Some(Scalar::Number(2.0)));
        assert_eq!(entry.domain.0[0], ("race".to_string(), Scalar::Text("White".into())));
        assert_eq!(entry.allowed(), 0.2);
        assert!(file.study().ends_with("study.toml"));
    }

    #[test]
    fn rounding_is_the_tolerance_by_default() {
        let file = read("expect = [{ estimate = \"m\", quantity = \"se\", value = \"0.1120\" }]");
        assert!((file.unwrap().case.expect[0].get_ref().allowed() - 0.51e-4).abs() < 1e-18);
    }

    #[test]
    fn numbers_must_be_text_and_the_place_is_shown() {
        let message = read("expect = [{ estimate = \"m\", quantity = \"se\", value = 0.112 }]")
            .unwrap_err()
            .to_string();
        assert!(message.contains("as text") && message.contains("case.toml:4:"), "{message}");
    }

    #[test]
    fn every_contradiction_is_found() {
        let mistakes = read(
            "expect = [\n  { quantity = \"se\", value = \"1\" },\n  { estimate = \"m\", compare = \
             \"c\", quantity = \"se\", value = \"1\" },\n  { estimate = \"m\", quantity = \"p\", \
             value = \"1\" },\n  { compare = \"c\", quantity = \"n\", value = \"1\" },\n  { \
             estimate = \"m\", quantity = \"se\", value = \"1\", scale = 0, tolerance = -1 },\n]",
        )
        .unwrap_err();
        assert_eq!(mistakes.0.len(), 7, "{mistakes}");
        let lines: Vec<usize> =
            mistakes.0.iter().map(|d| d.place.as_ref().unwrap().line_column().0).collect();
        assert_eq!(lines, [5, 6, 7, 8, 8, 9, 9]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let message =
            read("expect = [{ estimate = \"m\", quantity = \"se\", value = \"1\", levle = 1 }]")
                .unwrap_err()
                .to_string();
        assert!(message.contains("levle"), "{message}");
    }
}
