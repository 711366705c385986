//! From a population file to what it says.

use std::path::Path;

use serde_json::Value;

use super::check;
use super::spec::Population;
use crate::diagnostic::Diagnostics;
use crate::toml_file::{Kind, LoadedFile, Loader, Places, includes_nothing, is_of, schema_of};

/// A population file without mistakes, as far as can be told without its areas.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says.
    pub population: Population,
    /// Where everything stands.
    pub places: Places,
    /// What is doubtful but does not stop the work.
    pub warnings: Diagnostics,
}

impl From<LoadedFile<Population>> for Loaded {
    fn from(file: LoadedFile<Population>) -> Loaded {
        Loaded { population: file.value, places: file.places, warnings: file.warnings }
    }
}

/// The JSON schema (draft 2020-12) of the population file.
pub fn json_schema() -> Value {
    schema_of::<Population>("rakewell population file")
}

/// What messages call a population file.
const POPULATION: Kind = Kind {
    whole: "the population",
    file: "population file",
    not_data: "give the population file (TOML text); a file of areas is named in it",
    begin: "see docs/methods/simulation.md for one to start from",
    schema: "rakewell schema population",
};

fn loader() -> Loader<Population> {
    let schema = json_schema();
    Loader {
        kind: POPULATION,
        schema,
        include: includes_nothing,
        expand: |_, _, _| Vec::new(),
        rules: check::check,
    }
}

/// Reads and checks a population file; `settings` such as `seed = 3` go before what it says.
///
/// # Errors
/// All mistakes at once, in file order, and when the file cannot be read.
pub fn load(path: &Path, settings: &[String]) -> Result<Loaded, Diagnostics> {
    loader().path(path, settings).map(Loaded::from)
}

/// True when a path is that of a population file rather than a study or design file.
pub fn is_population(path: &Path) -> bool {
    is_of(path, "areas")
}

/// Checks the text of a population file; `name` is shown with its mistakes.
///
/// # Errors
/// As [`load`].
pub fn from_text(name: &str, text: &str, settings: &[String]) -> Result<Loaded, Diagnostics> {
    loader().text(name, text, settings).map(Loaded::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_file::testing;

    #[test]
    fn the_schema_is_understood_and_every_key_described() {
        testing::schema_is_sound(&json_schema());
    }

    #[test]
    fn the_types_accept_all_that_the_schema_does() {
        testing::types_accept_the_schema::<Population>(&json_schema());
    }
}
