//! The design file: how samples are drawn, before any data.
//!
//! A design says from which frames which samples are drawn, through which stages, at which rates,
//! who is eligible and what share of them takes part; every figure can carry its source or say
//! that it is assumed. [`load`] reads one, and gives the [`Design`] that planning and drawing
//! work with. docs/DESIGN-FILE.md says what every key means.

mod design;
mod load;
mod numbers;
mod partial;
mod ready;
mod resolve;
mod rules;
pub mod spec;

pub use design::{
    Cell, Design, Frame, Group, Population, Quantity, Response, Sample, Screening, Stage, Take,
};
pub use load::{Loaded, from_text, is_design, json_schema, load, load_named};
pub use numbers::Count;
pub use partial::partial_lists;
pub use ready::{READY, ready};
