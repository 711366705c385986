//! What the targets cost at the margin.

use super::choose::{Asked, Of};
use super::laid::{Laid, measure_of};
use super::optimum::Goal;
use super::precision::Expected;
use super::result::{Measure, Price};
use super::words::{figure, money};

/// The price of a target: for 1 % of its value, and in words.
struct Worded {
    per_percent: f64,
    words: String,
}

impl Laid {
    /// What the targets cost at the margin, with `prices` the multipliers −∂ cost/∂ limit and `found` what the
    /// domains have where they hold.
    pub(super) fn prices(&self, asked: &[Asked], prices: &[f64], found: &[Expected]) -> Vec<Price> {
        asked
            .iter()
            .zip(prices)
            .map(|(asked, price)| {
                let limit = match asked.goal {
                    Goal::Variance { limit, .. } => limit,
                    Goal::Number { count, .. } => count,
                };
                // Cost per 1 % of the limit.
                let per_limit = price * limit * 0.01;
                let Worded { per_percent, words } = match asked.of {
                    Of::Target(i) => self.target_price(i, &asked.label, per_limit),
                    Of::Comparison(i) => {
                        self.difference_price(i, &asked.label, *price, limit, found)
                    }
                };
                let label = asked.label.clone();
                if per_percent < 0.5e-2 {
                    let words = format!("{label}: costs nothing, other targets imply it");
                    return Price { label, words, per_percent: 0.0 };
                }
                Price { label, words, per_percent }
            })
            .collect()
    }

    fn money(&self, amount: f64) -> String {
        money(self.design.spec.plan.currency.as_deref(), amount)
    }

    /// The limit of a variance moves with the square of a half-width or cv.
    fn target_price(&self, index: usize, label: &str, per_limit: f64) -> Worded {
        let (measure, wanted) = measure_of(&self.design.spec.plan.target[index]);
        let ten = || self.money(per_limit * 100.0 * 10.0 / wanted);
        let of = figure(wanted);
        match measure {
            Measure::HalfWidth => {
                // One tenth of a point: 0.1/(100 h) of the half-width.
                let tenth = self.money(2.0 * per_limit * 0.1 / wanted);
                let words = format!(
                    "0.1 points less of half-width (now {}) for {label} cost about {tenth}",
                    figure(wanted * 100.0)
                );
                Worded { per_percent: 2.0 * per_limit, words }
            }
            Measure::Cv => {
                let words = format!(
                    "a coefficient of variation of {label} lower by 1 % of itself ({:.2} %) costs about {}",
                    wanted * 100.0,
                    self.money(2.0 * per_limit)
                );
                Worded { per_percent: 2.0 * per_limit, words }
            }
            Measure::NEffective => {
                let words = format!(
                    "10 more effective interviews (of {of}) for {label} cost about {}",
                    ten()
                );
                Worded { per_percent: per_limit, words }
            }
            Measure::N => {
                let words =
                    format!("10 more interviews (of {of}) with {label} cost about {}", ten());
                Worded { per_percent: per_limit, words }
            }
        }
    }

    /// The price of finding a difference δ that is smaller by 1 % of itself. The limit (δ/z)² falls by 2 %; and with
    /// the second proportion as it is, the variance p₁q₁ of the first, p₁ = p + δ, moves too:
    /// ∂ cost/∂ δ = λ {(1 − 2p₁) V₁ − 2δ/z²}.
    fn difference_price(
        &self,
        index: usize,
        label: &str,
        price: f64,
        limit: f64,
        found: &[Expected],
    ) -> Worded {
        let (one, other) = self.domains.comparisons[index];
        let difference = self.design.spec.plan.compare[index].difference.value();
        let first = self.domains.proportions[other] + difference;
        let variance = 1.0 / found[one].n_effective;
        let moved = difference * (1.0 - 2.0 * first) * variance;
        let per_percent = price * 0.01 * (2.0 * limit - moved);
        let fixed = price * 0.01 * 2.0 * limit;
        let mut words = format!(
            "a difference smaller by 1 % of itself ({:.2} points), for {label}, costs about {}",
            100.0 * difference,
            self.money(per_percent)
        );
        if (per_percent - fixed).abs() > 0.01 * fixed {
            let both = self.money(fixed);
            words.push_str(&format!(" ({both} if both proportions stayed as they are)"));
        }
        Worded { per_percent, words }
    }
}
