//! From a design file, or the name of a ready design, to a [`Design`].

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostics, Source, nearest};
use crate::toml_file::rules::Rules;
use crate::toml_file::{Kind, LoadedFile, Loader, Places, includes_nothing, is_of, schema_of};

use super::design::Design;
use super::ready::{READY, ready};
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

impl Loaded {
    /// The same file with other figures: for looking at what they change.
    #[must_use]
    pub fn with(&self, spec: &spec::Design) -> Loaded {
        let design = resolve(spec, &mut Rules::new(&self.places, &[]));
        Loaded { design, ..self.clone() }
    }
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
    Loader {
        kind: DESIGN,
        schema,
        include: includes_nothing,
        expand: |_, _, _| Vec::new(),
        rules: rules::check,
    }
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

/// True when a path is that of a design file rather than a study file, or the name of a ready
/// design: it has samples and no data.
pub fn is_design(path: &Path) -> bool {
    if path.exists() {
        is_of(path, "sample")
    } else {
        path.to_str().is_some_and(|name| ready(name).is_some())
    }
}

/// Reads a design file, or the ready design of that name where there is no such file.
///
/// # Errors
/// As [`load`].
pub fn load_named(name: &Path, settings: &[String]) -> Result<Loaded, Diagnostics> {
    let text = name.to_str().filter(|_| !name.exists()).map(|n| n.trim_end_matches(".toml"));
    match text.and_then(|n| Some((n, ready(n)?))) {
        Some((name, text)) => from_text(&format!("{name}.toml (ready design)"), text, settings),
        None => load(name, settings).map_err(|mut found| {
            let near = text.and_then(|n| nearest(n, READY.iter().map(|(known, _)| *known)));
            if let (Some(near), Some(first)) = (near, found.0.first_mut()) {
                first.help = Some(format!("did you mean the ready design `{near}`?"));
            }
            found
        }),
    }
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
