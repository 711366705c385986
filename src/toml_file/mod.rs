//! Files that people write: TOML, held against the types it is read into, with a place for
//! every value, so that a mistake is shown where it stands and with the way out.
//!
//! The study file and the design file are both read by `Loader`: the text is parsed, what it
//! includes and what is set beside it is merged in, every key and value is held against the JSON
//! schema of the type, and the rules of the file are asked. All mistakes come at once.

mod load;
mod merge;
pub(crate) mod pairs;
pub(crate) mod places;
mod read;
pub(crate) mod rules;
mod schema;
mod settings;
mod shape;
mod structure;
mod synonyms;
pub(crate) mod syntax;
#[cfg(test)]
pub(crate) mod testing;
mod values;
mod words;

pub(crate) use load::{Kind, LoadedFile, Loader, includes_nothing, is_of};
pub(crate) use merge::Included;
pub(crate) use read::text_of;

pub use pairs::Pairs;
pub use places::{KeyPath, Places, Segment};
pub use schema::schema_of;
pub use values::{Names, Scalar};
