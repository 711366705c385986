//! The study file: parsed with places, checked, turned into a plan and run.

mod pairs;
mod places;
mod rules;
mod schema;
mod shape;
mod source;
pub mod spec;
mod structure;
mod synonyms;
mod syntax;
mod words;

pub use pairs::Pairs;
pub use places::{KeyPath, Places, Segment};
pub use schema::json_schema;
pub use source::{Loaded, from_text, load};
