//! The short version of the Monte Carlo of docs/methods/coverage.md: standard errors are right on
//! average and intervals hold the truth about as often as they say, with few PSUs, unequal weights and raking.

#[allow(dead_code)]
#[path = "../examples/coverage/population.rs"]
mod population;
#[allow(dead_code)]
#[path = "../examples/coverage/trial.rs"]
mod trial;

use population::{CELLS, DESIGNS, DOMAINS, Population};
use trial::Trials;
