//! Planning: what a design yields from a frame of areas, what it costs, how precise it will be, and
//! what it should look like to meet its targets.
//!
//! [`plan`] takes a design and a table with one row per area, and gives a [`Plan`]: expected numbers
//! at every stage, coverage, the expected precision of every domain (the formulas are in
//! docs/methods/planning.md), the cheapest design that meets the targets with the price of each,
//! and what changes when an assumption is wrong.

pub mod allocate;
pub mod bethel;
mod choose;
mod columns;
mod domains;
mod doubts;
mod first_stage;
mod frame;
mod laid;
mod lists;
mod optimum;
mod people;
pub mod power;
mod precision;
mod prices;
mod result;
mod run;
mod sampled;
mod sensitivity;
mod words;
mod yields;

pub use frame::AreaFrame;
pub use people::{Domain, Kinds};
pub use precision::Expected;
pub use result::{
    Allocations, Certain, ComparisonPlan, Coverage, DomainPlan, Measure, Optimum, Plan, Price,
    SamplePlan, SizePlan, TargetPlan, Unmet, Variant,
};
pub use run::{Options, plan};
pub use sampled::{Sampled, StageYield};
pub(crate) use words::money;
pub use yields::StageTotal;
