//! The part of a study file that is about data: files, labels, new variables.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Names, Scalar};
use crate::data::schemes::Wording;
use crate::study::pairs::Pairs;

/// The format of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated text.
    Csv,
    /// Tab-separated text (`.tsv`, `.tab`).
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// SPSS (`.sav`, `.zsav`).
    Spss,
    /// An SPSS portable file (`.por`).
    SpssPortable,
    /// Stata (`.dta`).
    Stata,
    /// A SAS data set (`.sas7bdat`).
    Sas,
    /// A SAS transport file (`.xpt`).
    SasTransport,
    /// An Excel workbook (`.xlsx`, `.xlsm`).
    Excel,
    /// An OpenDocument spreadsheet (`.ods`).
    Ods,
}

/// The data file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Data {
    /// Path of the file, relative to the study file.
    pub file: PathBuf,
    /// Its format; the file name's ending says it if this does not.
    pub format: Option<Format>,
    /// The delimiter of a text file; found out from the first line if not given.
    pub delimiter: Option<char>,
    /// How the bytes of a text, SPSS or Stata file become characters, where it does not say so
    /// itself: `latin1`, `windows-1252`, `cp850`, …
    pub encoding: Option<String>,
    /// The catalogue of formats (`.sas7bcat`) with the value labels of a SAS file.
    pub catalogue: Option<PathBuf>,
    /// The sheet of a workbook; the first one if not given.
    pub sheet: Option<String>,
    /// Texts that mean "missing" in a text file or sheet. Default: the empty field, `NA` and `.`.
    pub missing_text: Option<Vec<String>>,
    /// Numbers that mean "missing" in every variable, such as [-9, -8, -1].
    #[serde(default)]
    pub missing_codes: Vec<f64>,
    /// Further files, joined to the first one in order.
    #[serde(default)]
    pub join: Vec<Join>,
    /// Variables whose missing values were imputed several times, each time in a column of its own
    /// (plausible values are such). Whatever rests on one is made for each column and combined by
    /// Rubin's rules.
    #[serde(default)]
    pub imputed: Vec<Imputed>,
    /// The other files, where each imputation is a completed copy of `file`: the same columns and
    /// rows. The whole study is run on each, and combined by Rubin's rules.
    #[serde(default)]
    pub imputations: Vec<PathBuf>,
}

/// A variable that was imputed several times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Imputed {
    /// The name it has in this study; no column of the data.
    pub name: String,
    /// Its label; that of the first column if not given.
    pub label: Option<String>,
    /// The columns, one per imputation: names, or one pattern such as `ethnic_*` (in numeric
    /// order). All imputed variables of a study have the same number, and the first columns of all
    /// belong together, the second, and so on.
    pub columns: Names,
}

/// A further data file, joined on keys. Every row of the file before stays, with the columns of
/// the row of this file that has the same key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Join {
    /// Path of the file, relative to the study file.
    pub file: PathBuf,
    /// The columns that must agree: a name, names, or `{ name-before = "name-here" }` where they
    /// differ.
    pub on: Keys,
    /// Whether several rows may share a row of this file. Default: `many-to-one`.
    pub kind: Option<JoinKind>,
    /// The columns to take; all that the study mentions if not given.
    pub columns: Option<Names>,
    /// Put before the names of the columns of this file, such as `hh_`.
    pub prefix: Option<String>,
    /// What to do when rows have no partner. Default: `keep`.
    pub unmatched: Option<Unmatched>,
    /// Its format; the file name's ending says it if this does not.
    pub format: Option<Format>,
    /// The delimiter of a text file; found out from the first line if not given.
    pub delimiter: Option<char>,
    /// How the bytes of a text, SPSS or Stata file become characters, where it does not say so
    /// itself: `latin1`, `windows-1252`, `cp850`, …
    pub encoding: Option<String>,
    /// The sheet of a workbook; the first one if not given.
    pub sheet: Option<String>,
    /// Texts that mean "missing" in a text file or sheet; those of `[data]` if not given.
    pub missing_text: Option<Vec<String>>,
}

/// The columns of a join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Keys {
    /// One, of the same name in both files.
    One(String),
    /// Several, of the same names in both files.
    Many(Vec<String>),
    /// (Name before, name in the joined file).
    Pairs(Pairs<String>),
}

impl Keys {
    /// Pairs of names: before, and in the joined file.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        match self {
            Keys::One(name) => vec![(name, name)],
            Keys::Many(names) => names.iter().map(|n| (n.as_str(), n.as_str())).collect(),
            Keys::Pairs(pairs) => pairs.0.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect(),
        }
    }
}

/// How many rows may share a row of a joined file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum JoinKind {
    /// One: no key comes twice in either file.
    OneToOne,
    /// Any number: no key comes twice in the joined file (people joined to their households).
    ManyToOne,
}

/// What to do when rows have no partner in a joined file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unmatched {
    /// Stop and say how many.
    Error,
    /// Keep them, with missing values, and warn.
    Keep,
}

/// Labels and missing codes of one variable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Variable {
    /// The variable label.
    pub label: Option<String>,
    /// Value labels: `{ 1 = "Male", 2 = "Female" }`. Their order is the display order.
    #[serde(default)]
    pub values: Pairs<String>,
    /// Values (or their labels) that mean "missing".
    #[serde(default)]
    pub missing: Vec<Scalar>,
}

/// A new variable. Give exactly one of `map`, `cut`, `cases`, `value` and `to` (or `scheme`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Derive {
    /// Its name.
    pub name: String,
    /// Its label.
    pub label: Option<String>,
    /// The variable that `map`, `cut` and `to` start from.
    pub from: Option<String>,
    /// New value for each old value or label: `{ "1" = "White", "2" = "Black" }`. Beside `to`: the
    /// group of labels that the standard does not know.
    pub map: Option<Pairs<Scalar>>,
    /// Cut points of a number.
    pub cut: Option<Cut>,
    /// The first case that holds gives the value.
    pub cases: Option<Vec<Case>>,
    /// The value of `map`, `cases` and `to` where nothing else fits. If not given, it is missing
    /// for `map` and `cases`, and an error for `to`.
    pub otherwise: Option<Scalar>,
    /// An expression that gives a number or a truth value (as 1 and 0).
    pub value: Option<String>,
    /// The display order of the levels; the order of first mention if not given.
    pub levels: Option<Vec<String>>,
    /// The standard classification that the labels of `from` are of, such as `ons-2021-19`
    /// (`rakewell schemes` lists them); that of `to` if not given.
    pub scheme: Option<String>,
    /// The standard classification of the result, such as `ons-5`; that of `scheme` if not given.
    pub to: Option<String>,
    /// Whose words the levels of a standard classification are in.
    pub wording: Option<Wording>,
    /// A condition for "born in the UK", for classifications of migration.
    pub uk_born: Option<String>,
    /// A condition for each parent, "born in the UK", for generations.
    pub parents_uk_born: Option<Vec<String>>,
    /// A condition for each grandparent, "born in the UK", for third and fourth generations.
    pub grandparents_uk_born: Option<Vec<String>>,
}

/// Cut points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cut {
    /// Where to cut, ascending. `[20, 40]` makes three bands.
    pub at: Vec<f64>,
    /// One label per band.
    pub labels: Option<Vec<String>>,
    /// True when a value equal to a cut point belongs to the band below it.
    #[serde(default)]
    pub right: bool,
}

/// One case of a recode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// A condition, such as `ukborn == 1 and age >= 16`.
    pub when: String,
    /// The value where it holds.
    pub is: Scalar,
}
