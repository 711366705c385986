//! A design carried out on a frame.
//!
//! [`Layout`] arranges the rows of a frame as the tree of a sample's units, stage by stage, with the
//! probability of each; that needs no random number and is done once. [`Layout::draw`] then selects
//! units down the tree, as often as wanted, touching only what is drawn.

mod allocate;
mod along;
mod apart;
mod carry_out;
mod cells;
mod columns;
mod eligible;
mod fault;
mod first_stage;
mod layout;
mod needed;
mod order;
mod pairs;
mod units;
mod unknown;
mod whole;

pub use carry_out::{Drawn, Purpose};
pub use eligible::groups_of;
pub use fault::Fault;
pub use layout::{Layout, Stage};
pub use needed::columns_needed;
pub use pairs::Pair;
pub use unknown::unknown_rows;
pub use whole::{OnFrame, Rows};
