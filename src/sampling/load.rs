//! From a design file, or the name of a ready design, to a [`Design`].

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostics, Source};
use crate::toml_file::rules::Rules;
use crate::toml_file::{Kind, LoadedFile, Loader, Places, includes_nothing, schema_of};

use super::design::Design;
use super::resolve::resolve;
use super::rules;
use super::spec;

/// A design file without mistakes, as far as can be told without its frames.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The design.
    pub design: Design,
    /// Where everything stands, for later checks to point at.
    pub places: Places,
    /// The file.
    pub source: Arc<Source>,
    /// What was set beside the file, as TOML.
    pub settings: Vec<String>,
    /// What is doubtful but does not stop the work.
    pub warnings: Diagnostics,
}

/// The JSON schema (draft 2020-12) of the design file.
pub fn json_schema() -> Value {
    schema_of::<spec::Design>("rakewell design file")
}

/// What messages call a design file.
const DESIGN: Kind = Kind {
    whole: "the design",
    file: "design file",
    not_data: "give the design file (TOML text); the frame is given with `--frame`",
    begin: "start from a ready design: `rakewell design --list` names them",
    schema: "rakewell schema design",
};

fn loader() -> Loader<spec::Design> {
    let schema = json_schema();
    Loader { kind: DESIGN, schema, rules: rules::check, include: includes_nothing }
}

fn resolved(file: LoadedFile<spec::Design>) -> Loaded {
    let LoadedFile { value, places, source, settings, warnings, .. } = file;
    // What cannot be resolved has been reported by the rules.
    let design = resolve(&value, &mut Rules::new(&places, &[]));
    Loaded { design, places, source, settings, warnings }
}

/// Reads and checks a design file; `settings` such as `plan.budget = 2e6` go before what it says.
///
/// # Errors
/// All mistakes at once, in file order, as of [`from_text`]; and when the file cannot be read.
pub fn load(path: &Path, settings: &[String]) -> Result<Loaded, Diagnostics> {
    loader().path(path, settings).map(resolved)
}

/// Checks the text of a design file; `name` is shown with its mistakes.
///
/// # Errors
/// All mistakes at once, in file order: it is not TOML; it does not have the structure of the
/// schema; it breaks a rule that needs no frame.
pub fn from_text(name: &str, text: &str, settings: &[String]) -> Result<Loaded, Diagnostics> {
    loader().text(name, text, settings).map(resolved)
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
    fn stand_ins_make_a_design_of_any_wreck() {
        testing::any_wreck_is_read::<spec::Design>(
            &json_schema(),
            &[
                "",
                "title = 3",
                "sample = 1\ngroup = []",
                "[[sample]]\nstage = 3\n[plan]\nicc = 'x'",
            ],
        );
    }

    #[test]
    fn the_types_accept_all_that_the_schema_does() {
        testing::types_accept_the_schema::<spec::Design>(&json_schema());
    }
}
