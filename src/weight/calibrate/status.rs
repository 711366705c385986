//! How a calibration ended, as a value.

use super::feasible::{NearestTotal, Obstacle};

/// How a calibration ended: an ordinary value, not a panic.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CalibrationStatus {
    /// Every total is met (soft ones as nearly as they are to be).
    Converged {
        /// Iterations (for iterative proportional fitting: sweeps).
        iterations: usize,
        /// Largest relative misfit.
        misfit: f64,
    },
    /// The totals cannot be met; the nearest ones that can are met in their place, as was accepted.
    Relaxed {
        /// Iterations.
        iterations: usize,
        /// The totals that gave way, worst first.
        relaxed: Vec<NearestTotal>,
    },
    /// The totals cannot be met by any weights that the distance and the bounds allow.
    Infeasible {
        /// Iterations.
        iterations: usize,
        /// What stands in the way.
        obstacles: Vec<Obstacle>,
        /// Totals that can be met, nearest to the ones asked for (least squares of the relative
        /// misses); only those that differ, worst first.
        nearest: Vec<NearestTotal>,
        /// Bounds of the factor that would do, where bounds are the obstacle.
        bounds: Option<(f64, f64)>,
    },
    /// Totals are not met: the iteration stalled or reached its limit.
    NotReached {
        /// Iterations.
        iterations: usize,
        /// The totals that are missed, worst first: (name, relative misfit).
        missed: Vec<(String, f64)>,
    },
}

impl CalibrationStatus {
    /// True when every total is met.
    pub fn is_converged(&self) -> bool {
        matches!(self, CalibrationStatus::Converged { .. })
    }

    /// True when the weights can be used: the totals are met, or the nearest ones as was accepted.
    pub fn is_usable(&self) -> bool {
        matches!(self, CalibrationStatus::Converged { .. } | CalibrationStatus::Relaxed { .. })
    }

    /// The statuses of parts that were solved on their own, as one: the worst kind, with all it names.
    pub(super) fn together(parts: Vec<CalibrationStatus>) -> CalibrationStatus {
        use CalibrationStatus::{Converged, Infeasible, NotReached, Relaxed};
        let whole = Converged { iterations: 0, misfit: 0.0 };
        parts.into_iter().fold(whole, |whole, part| match (whole, part) {
            (Converged { iterations: a, misfit: m }, Converged { iterations: b, misfit: n }) => {
                Converged { iterations: a.max(b), misfit: m.max(n) }
            }
            (
                Relaxed { iterations: a, relaxed: mut all },
                Relaxed { iterations: b, relaxed: own },
            ) => {
                all.extend(own);
                all.sort_by(|a, b| b.miss().total_cmp(&a.miss()));
                Relaxed { iterations: a.max(b), relaxed: all }
            }
            (
                NotReached { iterations: a, missed: mut all },
                NotReached { iterations: b, missed: own },
            ) => {
                all.extend(own);
                all.sort_by(|a, b| b.1.total_cmp(&a.1));
                NotReached { iterations: a.max(b), missed: all }
            }
            (
                Infeasible { iterations: a, mut obstacles, mut nearest, bounds: _ },
                Infeasible { iterations: b, obstacles: more, nearest: other, bounds: _ },
            ) => {
                obstacles.extend(more);
                nearest.extend(other);
                nearest.sort_by(|a, b| b.miss().total_cmp(&a.miss()));
                Infeasible { iterations: a.max(b), obstacles, nearest, bounds: None }
            }
            (whole, part) => {
                if part.rank() > whole.rank() {
                    part
                } else {
                    whole
                }
            }
        })
    }

    fn rank(&self) -> u8 {
        match self {
            CalibrationStatus::Converged { .. } => 0,
            CalibrationStatus::Relaxed { .. } => 1,
            CalibrationStatus::NotReached { .. } => 2,
            CalibrationStatus::Infeasible { .. } => 3,
        }
    }
}

impl std::fmt::Display for CalibrationStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CalibrationStatus::Converged { iterations, misfit } => {
                write!(f, "converged in {} (largest misfit {misfit:.1e})", times(*iterations))
            }
            CalibrationStatus::Relaxed { iterations, relaxed } if relaxed.is_empty() => {
                write!(
                    f,
                    "met to {:.0e} in {}, no nearer",
                    super::feasible::MISSED,
                    times(*iterations)
                )
            }
            CalibrationStatus::Relaxed { iterations, relaxed } => {
                write!(f, "the nearest totals that can be met, in {}: ", times(*iterations))?;
                listed(f, relaxed, nearest)
            }
            CalibrationStatus::Infeasible { obstacles, .. } => {
                f.write_str("the totals cannot be met: ")?;
                listed(f, obstacles, obstacle)
            }
            CalibrationStatus::NotReached { iterations, missed } => {
                write!(f, "not reached after {}: ", times(*iterations))?;
                let off = |(name, misfit): &(String, f64)| {
                    if *misfit < 1e-5 {
                        format!("{name} is off by {misfit:.0e}")
                    } else {
                        format!("{name} is off by {:.3} %", 100.0 * misfit)
                    }
                };
                listed(f, missed, off)
            }
        }
    }
}

fn times(iterations: usize) -> String {
    format!("{iterations} iteration{}", if iterations == 1 { "" } else { "s" })
}

/// The first five of a list, and how many more there are.
fn listed<T>(
    f: &mut std::fmt::Formatter<'_>,
    all: &[T],
    text: impl Fn(&T) -> String,
) -> std::fmt::Result {
    let shown: Vec<String> = all.iter().take(5).map(text).collect();
    f.write_str(&shown.join(", "))?;
    match all.len().saturating_sub(5) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

/// A total that is given up for another one.
pub(in crate::weight) fn nearest(total: &NearestTotal) -> String {
    format!(
        "{} {} instead of {} ({:+.3} %)",
        total.name,
        shown(total.nearest),
        shown(total.target),
        100.0 * (total.nearest - total.target) / total.target.abs().max(f64::MIN_POSITIVE)
    )
}

fn obstacle(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::OutOfReach { name, target, least, most, factor } => {
            let (limit, bound) =
                if target > most { (most, "at most") } else { (least, "at least") };
            let needed = factor.map_or_else(String::new, |factor| {
                format!("; its weights would be multiplied by {} on average", shown(factor))
            });
            format!(
                "{name} can be {bound} {} within the bounds, its target is {}{needed}",
                shown(*limit),
                shown(*target)
            )
        }
        Obstacle::Inconsistent { name, target, implied, from } => {
            let first: Vec<&str> = from.iter().take(4).map(String::as_str).collect();
            let more = if from.len() > 4 { ", …" } else { "" };
            format!(
                "{name} follows from {}{more} in this sample, which make it {}, not {}",
                first.join(", "),
                shown(*implied),
                shown(*target)
            )
        }
        Obstacle::Jointly { names } => {
            let first: Vec<&str> = names.iter().take(6).map(String::as_str).collect();
            let more = if names.len() > 6 { ", …" } else { "" };
            format!("these pull against each other: {}{more}", first.join(", "))
        }
    }
}

/// A number with about seven digits, without an exponent where that can be read.
fn shown(x: f64) -> String {
    if x == 0.0 {
        return "0".to_string();
    }
    let digits = 6 - x.abs().log10().floor() as i32;
    match digits {
        ..=0 if x.abs() < 1e15 => format!("{x:.0}"),
        1..=12 => {
            let text = format!("{x:.*}", digits as usize);
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        }
        _ => format!("{x:.6e}"),
    }
}
