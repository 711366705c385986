//! Distance functions, by the inverse of their derivative: g = F(u).

use serde::{Deserialize, Serialize};

/// Smallest and largest factor g.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Smallest g; below 1.
    pub lower: f64,
    /// Largest g; above 1.
    pub upper: f64,
}

/// A distance between calibrated and initial weights (Deville and Särndal 1992, table 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Distance {
    /// Case 1: F(u) = 1 + u, cut off at the bounds if there are some (case 7).
    Linear(Option<Bounds>),
    /// Case 2: F(u) = exp(u), cut off at the bounds if there are some.
    Raking(Option<Bounds>),
    /// Case 6: F(u) rises from the lower to the upper bound as a logistic curve.
    Logit(Bounds),
    /// The distance ½ ∫ sinh(t − 1/t) dt of ReGenesees and R `survey`: F(u) = (a + √(a² + 4))/2 with
    /// a = asinh(2u). Grows like log u, never negative; cut off at the bounds if there are some.
    Sinh(Option<Bounds>),
}

impl Distance {
    /// g = F(u) and its derivative.
    pub fn factor(&self, u: f64) -> (f64, f64) {
        match *self {
            Distance::Linear(bounds) => clip(1.0 + u, 1.0, bounds),
            Distance::Raking(bounds) => {
                let g = u.exp();
                clip(g, g, bounds)
            }
            Distance::Logit(Bounds { lower, upper }) => {
                let a = (upper - lower) / ((1.0 - lower) * (upper - 1.0));
                // Divided through by the larger exponential so that nothing overflows.
                let (down, up) = if u > 0.0 { ((-a * u).exp(), 1.0) } else { (1.0, (a * u).exp()) };
                let bottom = (upper - 1.0) * down + (1.0 - lower) * up;
                let g = (lower * (upper - 1.0) * down + upper * (1.0 - lower) * up) / bottom;
                let slope = a * (g - lower) * (upper - g) / (upper - lower);
                (g.clamp(lower, upper), slope)
            }
            Distance::Sinh(bounds) => {
                let a = (2.0 * u).asinh();
                let root = (a * a + 4.0).sqrt();
                // For a far below zero the sum cancels; (a + r)/2 = 2/(r − a).
                let g = if a < 0.0 { 2.0 / (root - a) } else { (a + root) / 2.0 };
                let slope = g / root * 2.0 / (1.0 + 4.0 * u * u).sqrt();
                clip(g, slope, bounds)
            }
        }
    }

    /// The same distance with the bounds of one weight.
    pub(super) fn within(&self, bounds: Bounds) -> Distance {
        match self {
            Distance::Linear(_) => Distance::Linear(Some(bounds)),
            Distance::Raking(_) => Distance::Raking(Some(bounds)),
            Distance::Logit(_) => Distance::Logit(bounds),
            Distance::Sinh(_) => Distance::Sinh(Some(bounds)),
        }
    }

    /// The bounds of g, if any.
    pub fn bounds(&self) -> Option<Bounds> {
        match *self {
            Distance::Linear(bounds) | Distance::Raking(bounds) | Distance::Sinh(bounds) => bounds,
            Distance::Logit(bounds) => Some(bounds),
        }
    }

    /// The name used in study files.
    pub fn name(&self) -> &'static str {
        match self {
            Distance::Linear(_) => "linear",
            Distance::Raking(_) => "raking",
            Distance::Logit(_) => "logit",
            Distance::Sinh(_) => "sinh",
        }
    }
}

fn clip(g: f64, slope: f64, bounds: Option<Bounds>) -> (f64, f64) {
    match bounds {
        Some(b) if g <= b.lower => (b.lower, 0.0),
        Some(b) if g >= b.upper => (b.upper, 0.0),
        _ => (g, slope),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_distance_starts_at_one_with_slope_one() {
        let bounds = Bounds { lower: 0.3, upper: 3.0 };
        for distance in [
            Distance::Linear(None),
            Distance::Linear(Some(bounds)),
            Distance::Raking(None),
            Distance::Logit(bounds),
            Distance::Sinh(None),
        ] {
            let (g, slope) = distance.factor(0.0);
            assert!((g - 1.0).abs() < 1e-15, "{distance:?}");
            assert!((slope - 1.0).abs() < 1e-14, "{distance:?}");
        }
    }

    #[test]
    fn slopes_are_derivatives_and_the_logit_keeps_its_bounds() {
        let bounds = Bounds { lower: 0.3, upper: 3.0 };
        for distance in [
            Distance::Linear(None),
            Distance::Raking(None),
            Distance::Logit(bounds),
            Distance::Sinh(None),
        ] {
            for u in [-2.0, -0.3, 0.4, 1.7] {
                let h = 1e-6;
                let numeric = (distance.factor(u + h).0 - distance.factor(u - h).0) / (2.0 * h);
                assert!((numeric - distance.factor(u).1).abs() < 1e-8, "{distance:?} {u}");
            }
        }
        let logit = Distance::Logit(bounds);
        let (low, high) = (logit.factor(-1e6).0, logit.factor(1e6).0);
        assert!(high <= 3.0 && (high - 3.0).abs() < 1e-14);
        assert!(low >= 0.3 && (low - 0.3).abs() < 1e-15);
    }
}
