//! Axes: a range, its ticks at round numbers, and where a value falls.

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences take equal room.
    Linear,
    /// Equal ratios take equal room.
    Log,
}

/// An axis that covers a range, with ticks at round numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    decimals: usize,
}

impl Axis {
    /// A linear axis over `low..=high`, widened to the ticks at either end, with about `target`
    /// steps of 1, 2, 2.5 or 5 × a power of ten.
    ///
    /// A range from something above zero starts at zero when zero is near (low ≤ 0.6 × high).
    /// What is not finite is replaced by 0 and 1.
    pub fn linear(low: f64, high: f64, target: usize) -> Axis {
        let (mut low, mut high) = ordered(low, high, 0.0, 1.0);
        if low >= 0.0 && low <= 0.6 * high {
            low = 0.0;
        }
        if high - low <= 1e-9 * high.abs().max(low.abs()) {
            let room = if high == 0.0 { 1.0 } else { high.abs() * 0.1 };
            low -= room;
            high += room;
        }
        let (ticks, decimals) = round_ticks(low, high, target);
        let ends = ticks.first().zip(ticks.last());
        let (low, high) = ends.map_or((low, high), |(first, last)| (*first, *last));
        Axis { scale: Scale::Linear, low, high, ticks, decimals }
    }

    /// A logarithmic axis over `low..=high` (both positive) with a little room at either end.
    ///
    /// Ticks are the coarsest of: powers of 10, powers of 10 and their halves and fifths, powers
    /// of 2, that puts four to nine within the range; else linear steps.
    /// What is not finite and positive is replaced by 0.5 and 2.
    pub fn log(low: f64, high: f64) -> Axis {
        let usable = |x: f64, other: f64| if x.is_finite() && x > 0.0 { x } else { other };
        let (low, high) = ordered(usable(low, 0.5), usable(high, 2.0), 0.5, 2.0);
        let room = (high / low).powf(0.04).max(1.02);
        let (low, high) = ((low / room).max(f64::MIN_POSITIVE), (high * room).min(f64::MAX));
        let within = |x: &f64| *x >= low && *x <= high;
        let decades = |every: i32| {
            (low.log10().floor() as i32..=high.log10().ceil() as i32)
                .filter(move |exponent| exponent % every == 0)
                .map(ten_to)
        };
        let ticks = [100, 50, 20, 10, 5, 3, 2, 1]
            .map(|every| decades(every).filter(within).collect::<Vec<f64>>())
            .into_iter()
            .chain([
                decades(1).flat_map(|d| [d, 2.0 * d, 5.0 * d]).filter(within).collect(),
                (-20..=20).map(|i| 2f64.powi(i)).filter(within).collect(),
            ])
            .find(|ticks| (4..=9).contains(&ticks.len()));
        let ticks = ticks.unwrap_or_else(|| {
            let steps = if high / low > 3.0 { 8 } else { 6 };
            let (ticks, _) = round_ticks(low.max(high * 1e-3), high, steps);
            ticks.into_iter().filter(within).collect()
        });
        let decimals = ticks.iter().map(|t| needed_decimals(*t)).max().unwrap_or(0);
        Axis { scale: Scale::Log, low, high, ticks, decimals }
    }

    /// Cuts the axis to natural limits such as 0 and 100.
    #[must_use]
    pub fn within(mut self, (least, most): (f64, f64)) -> Axis {
        self.low = self.low.max(least);
        self.high = self.high.min(most).max(self.low + f64::EPSILON);
        let (low, high) = (self.low, self.high);
        self.ticks.retain(|t| *t >= low && *t <= high);
        self
    }

    /// The ends of the axis.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The ticks, each with its label.
    pub fn ticks(&self) -> impl Iterator<Item = (f64, String)> + '_ {
        self.ticks.iter().map(|&t| {
            let decimals = match self.scale {
                Scale::Linear => self.decimals,
                Scale::Log => needed_decimals(t),
            };
            (t, crate::report::number::fixed(t, decimals))
        })
    }

    /// Where a value falls: 0 at the low end, 1 at the high end, clipped to them.
    pub fn position(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => {
                let value = value.max(f64::MIN_POSITIVE);
                (value / self.low).ln() / (self.high / self.low).ln()
            }
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Multiples of a round step from at or below `low` to at or above `high`, and the decimals
/// that show them.
fn round_ticks(low: f64, high: f64, target: usize) -> (Vec<f64>, usize) {
    let (step, decimals) = nice_step((high - low) / target.max(1) as f64);
    // The small allowance keeps a limit that is a tick, but for rounding, where it is.
    let first = (low / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil();
    let steps = (last - first).clamp(1.0, 60.0) as usize;
    ((0..=steps).map(|i| (first + i as f64) * step).collect(), decimals)
}

/// A step of 1, 2, 2.5 or 5 × a power of ten, the nearest above `rough`, and its decimals.
fn nice_step(rough: f64) -> (f64, usize) {
    let exponent = rough.log10().floor().clamp(-300.0, 300.0) as i32;
    let (digits, exponent) = match [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .find(|d| d * ten_to(exponent) >= rough * 0.999_999)
    {
        Some(digits) => (digits, exponent),
        None => (1.0, exponent + 1),
    };
    let decimals =
        usize::try_from(-exponent).unwrap_or(0) + usize::from(digits == 2.5 && exponent < 1);
    (digits * ten_to(exponent), decimals)
}

/// Decimals that show a tick exactly, at most 6.
fn needed_decimals(x: f64) -> usize {
    (0..6).find(|&d| (x * ten_to(d) - (x * ten_to(d)).round()).abs() < 1e-6).unwrap_or(6) as usize
}

fn ten_to(exponent: i32) -> f64 {
    10f64.powi(exponent)
}

fn ordered(low: f64, high: f64, least: f64, most: f64) -> (f64, f64) {
    let low = if low.is_finite() { low } else { least };
    let high = if high.is_finite() { high } else { most };
    if low <= high { (low, high) } else { (high, low) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks().map(|(_, label)| label).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_cover_the_range() {
        assert_eq!(labels(&Axis::linear(3.2, 28.9, 6)), ["0", "5", "10", "15", "20", "25", "30"]);
        assert_eq!(
            labels(&Axis::linear(7.31, 7.59, 6)),
            ["7.30", "7.35", "7.40", "7.45", "7.50", "7.55", "7.60"]
        );
        assert_eq!(labels(&Axis::linear(-4.0, 6.0, 5)), ["−4", "−2", "0", "2", "4", "6"]);
        assert_eq!(
            labels(&Axis::linear(0.0, 1e6, 4)),
            ["0", "250,000", "500,000", "750,000", "1,000,000"]
        );
        assert_eq!(labels(&Axis::linear(0.0, 0.25, 3)), ["0.0", "0.1", "0.2", "0.3"]);
    }

    #[test]
    fn any_range_gives_a_usable_axis() {
        let ends = [0.0, 1.0, -1.0, 1e-12, 1e12, -1e300, 1e300, f64::NAN, f64::INFINITY, 5.0];
        for low in ends {
            for high in ends {
                for axis in [Axis::linear(low, high, 6), Axis::log(low, high)] {
                    let (a, b) = axis.ends();
                    assert!(a < b, "{low} {high}: {axis:?}");
                    assert!(axis.ticks.len() < 70, "{low} {high}");
                    assert!(axis.ticks.iter().all(|t| t.is_finite() && *t >= a && *t <= b));
                    assert!((0.0..=1.0).contains(&axis.position(low)));
                }
            }
        }
    }

    #[test]
    fn a_range_lies_within_its_axis() {
        for (low, high) in [(0.1, 0.3), (12.0, 13.0), (-5.5, -0.1), (99.0, 101.0), (3.0, 3.0)] {
            for target in 2..12 {
                let axis = Axis::linear(low, high, target);
                let (a, b) = axis.ends();
                assert!(a <= low && b >= high, "{low} {high} {target}: {axis:?}");
                assert!(axis.ticks.len() <= target + 3, "{low} {high} {target}: {axis:?}");
            }
        }
    }

    #[test]
    fn log_ticks_fit_the_range() {
        assert_eq!(labels(&Axis::log(0.5, 4.0)), ["0.5", "1", "2", "4"]);
        assert_eq!(labels(&Axis::log(0.01, 100.0)), ["0.01", "0.1", "1", "10", "100"]);
        assert_eq!(labels(&Axis::log(0.8, 1.3)), ["0.8", "0.9", "1", "1.1", "1.2", "1.3"]);
        let wide = Axis::log(0.2, 12.0);
        assert_eq!(labels(&wide), ["0.2", "0.5", "1", "2", "5", "10"]);
    }

    #[test]
    fn log_positions_follow_ratios() {
        let axis = Axis::log(0.25, 4.0);
        assert!((axis.position(1.0) - 0.5).abs() < 1e-12);
        let step = axis.position(2.0) - axis.position(1.0);
        assert!((axis.position(4.0) - axis.position(2.0) - step).abs() < 1e-12);
        assert_eq!(axis.position(0.0), 0.0);
        assert_eq!(axis.position(f64::NAN), 0.0);
    }

    #[test]
    fn natural_limits_cut() {
        let axis = Axis::linear(80.0, 107.0, 5).within((0.0, 100.0));
        assert_eq!(axis.ends().1, 100.0);
        assert_eq!(labels(&axis).last().map(String::as_str), Some("100"));
    }
}
