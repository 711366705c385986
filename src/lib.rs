//! Survey statistics for boosted samples: weights that can be trusted, and small-group estimates
//! that say how far they can be trusted.
//!
//! # The problem
//!
//! A population of N people is divided into strata h; in each, n_h of N_h primary sampling units
//! are drawn, people within them, and small groups at higher rates than large ones. Person i is
//! in the sample with probability π_i and counts for d_i = 1/π_i people. Wanted are quantities of
//! a domain D (a small group), such as the mean
//!
//! > θ = Σ_{i ∈ D} y_i ÷ N_D,  estimated by  θ̂ = Σ_{i ∈ s ∩ D} w_i y_i ÷ Σ_{i ∈ s ∩ D} w_i,
//!
//! with weights w_i = g_i d_i whose factors g_i make known population totals come out right,
//! Σ_s w_i x_i = t_x ([`weight`]); and, beside every θ̂, how far it may be off. With the influence
//! values u_i = 1(i ∈ D)(y_i − θ̂) ÷ Σ_{s ∩ D} w, their residuals e_i = u_i − x_i'B̂ on the
//! calibration variables, and the totals z_k = Σ_{i ∈ k} w_i e_i of the sampled units k, the
//! linearised variance of one stage of sampling is
//!
//! > V̂(θ̂) = Σ_h (1 − n_h/N_h) · n_h/(n_h − 1) · Σ_{k ∈ h} (z_k − z̄_h)²,
//!
//! where units of the design without a member of D count with z_k = 0 ([`estimate`]). Further
//! stages and replicate weights ([`replicate`]) follow the same pattern. From V̂ come intervals,
//! design effects, and whether a number is fit to be published.
//!
//! # Example
//!
//! Six people from two strata, one sampled at one in ten and one at one in twenty:
//!
//! ```
//! use rakewell::data::{Column, Table};
//! use rakewell::design::{DesignInput, SurveyDesign, Variable};
//! use rakewell::estimate::{Analysis, Domains, Quantity};
//! use rakewell::weight::Ledger;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let table = Table::new(vec![
//!     Column::text("region", &["N", "N", "N", "S", "S", "S"].map(Some)),
//!     Column::numbers("weight", vec![10.0, 10.0, 10.0, 20.0, 20.0, 20.0]),
//!     Column::numbers("satisfaction", vec![4.0, 6.0, 8.0, 3.0, 5.0, 10.0]),
//! ])?;
//! let design = SurveyDesign::build(&DesignInput {
//!     rows: table.rows(),
//!     strata: vec![table.column("region").map(Variable::of)],
//!     weight: table.column("weight").map(Variable::of),
//!     ..DesignInput::default()
//! })?;
//! assert_eq!(design.df(), 4.0); // six units in two strata
//!
//! let ledger = Ledger::new(design.weights.clone(), "design weight");
//! let analysis = Analysis::new(design, ledger);
//! let y = table.column("satisfaction").and_then(Column::as_numbers).ok_or("no numbers")?;
//! let everybody = Domains::cross(table.rows(), &[], None);
//! let found = analysis.estimate(&[Quantity::Mean(y)], &everybody.codes, false);
//!
//! let (mean, se) = (found.values[0], found.variances[0].sqrt());
//! assert!((mean - 6.0).abs() < 1e-12); // (10 · 18 + 20 · 18) ÷ 90
//! assert!((se - (56.0_f64 / 27.0).sqrt()).abs() < 1e-12); // 3/2 · (8 · 10² + 26 · 20²) ÷ 90²
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! A module imports only those above it; a test holds them to that.
//!
//! | module | what lives there |
//! |---|---|
//! | [`numeric`] | special functions, compensated sums, small linear algebra, random streams |
//! | [`diagnostic`] | mistakes in the user's files: what, where, and the way out |
//! | [`toml_file`] | files that people write: parsed with places, held against their types |
//! | [`data`] | tables of plain columns, files, labels, missing codes, derived variables |
//! | [`describe`] | the codebook of a data file; guesses at weights, strata, PSUs |
//! | [`design`] | strata, sampling units, population sizes, the design weight |
//! | [`sampling`] | the design file: frames, samples, stages, rates, screening |
//! | [`draw`] | selection of samples: methods, inclusion and joint probabilities |
//! | [`populate`] | a synthetic population, made from a TOML file |
//! | [`aggregate`] | one pass over the rows: sums by unit and domain, cross-products |
//! | [`weight`] | post-stratification, raking, calibration; the ledger of what was done |
//! | [`replicate`] | replicate weights: given, made, reweighted |
//! | [`estimate`] | totals, means, proportions, ratios, quantiles; variances, intervals, quality |
//! | [`compare`] | differences and ratios between groups, adjusted for their number |
//! | [`model`] | linear regression |
//! | [`report`] | terminal, CSV, JSON, Parquet, HTML |
//! | [`study`] | the study file: read, checked, run |
//! | [`simulate`] | a design drawn from a known population again and again: bias, coverage, error |
//! | [`validate`] | published numbers and ours beside them |
//!
//! The whole way from a study file to a report is [`study::run`].
#![forbid(unsafe_code)]

pub mod aggregate;
pub mod compare;
pub mod data;
pub mod describe;
pub mod design;
pub mod diagnostic;
pub mod draw;
pub mod estimate;
pub mod model;
pub mod numeric;
pub mod populate;
pub mod replicate;
pub mod report;
pub mod sampling;
pub mod simulate;
pub mod study;
pub mod toml_file;
pub mod validate;
pub mod weight;
