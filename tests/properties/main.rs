//! What must hold whatever the data: textbook formulas re-derived, invariances, identities of
//! calibration, and tiny populations whose every sample is drawn.

mod calibration;
mod combine;
mod comparison;
mod exhaustive;
mod lonely;
mod replicates;
mod resampling;
mod reweighting;
mod sample;
mod variance;
mod weighting;
