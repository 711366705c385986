//! What must hold whatever the data: textbook formulas re-derived, invariances, identities of
//! calibration, and tiny populations whose every sample is drawn.

mod calibration;
mod combine;
mod comparison;
mod design_forms;
mod empty;
mod exhaustive;
mod feasible;
mod lonely;
mod margins;
mod nonresponse;
mod participation;
mod replicates;
mod resampling;
mod reweighting;
mod sample;
mod samples;
mod selection;
mod soft;
mod trimming;
mod variance;
mod weighting;
