//! What stops a design from being carried out on a frame, and where it stands in the design file.

use crate::data::expr::ExprError;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::toml_file::{KeyPath, Places};

/// One mistake, at a key of the design.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Where in the design file.
    pub path: KeyPath,
    /// What was found.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
    /// Bytes of the text at the key, where only a part of it is meant.
    pub span: Option<std::ops::Range<usize>>,
}

impl Fault {
    pub(super) fn new(path: &KeyPath, message: impl Into<String>, help: &str) -> Fault {
        let help = (!help.is_empty()).then(|| help.to_string());
        Fault { path: path.clone(), message: message.into(), help, span: None }
    }

    pub(super) fn expression(path: &KeyPath, error: &ExprError) -> Fault {
        Fault {
            path: path.clone(),
            message: error.to_string(),
            help: error.help(),
            span: Some(error.span.clone()),
        }
    }

    /// The mistake as shown to people.
    pub fn diagnostic(&self, places: &Places) -> Diagnostic {
        let place = match &self.span {
            Some(span) => places.within(&self.path, span.clone()),
            None => places.value(&self.path),
        };
        let mut diagnostic = Diagnostic::error(self.message.clone()).at(Some(place));
        diagnostic.help.clone_from(&self.help);
        diagnostic
    }

    /// All of them.
    pub fn diagnostics(faults: &[Fault], places: &Places) -> Diagnostics {
        Diagnostics(faults.iter().map(|f| f.diagnostic(places)).collect())
    }
}
