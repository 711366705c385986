//! Regressions: generalised linear models and proportional hazards, with design-based variances.

mod cox;
mod family;
mod glm;
mod sandwich;

pub use cox::{CoxFit, CoxInput, Ties, proportional_hazards};
pub use family::{Family, Link};
pub use glm::{RegressionFit, RegressionInput, Stop, regression};
pub use sandwich::{FitStatus, ModelError};
