//! Base weights of a stage of selection: the inverse of its probabilities, capped if wanted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::WeightError;
use super::groups::same;
use super::step::{Done, WeightingStep};
use super::summary::{DetailValue, StepDetail};

/// Different factors that are listed; more are shown as classes by their quartiles.
const LISTED: usize = 24;

/// A stage of selection, ready to be carried out: w = d min(f, cap), with f the inverse of the
/// probability with which a unit was selected at this stage (N/n within a household: eligible persons ÷
/// persons selected).
///
/// A cap trades bias for variance: it gives up part of the weight of people in large households (Valliant,
/// Dever and Kreuter 2018, §13.3 and 14.4); how much is shown.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The inverse probability f of each row. Rows with weight zero may have none (NaN).
    pub factors: Arc<Vec<f64>>,
    /// The largest factor.
    pub cap: Option<f64>,
    /// Where the factors come from, in words, such as "adults / 1".
    pub from: String,
}

impl Selection {
    /// The factor of a row, after the cap.
    fn factor(&self, row: usize) -> f64 {
        self.cap.map_or(self.factors[row], |cap| self.factors[row].min(cap))
    }

    fn check(&self, before: &[f64]) -> Result<(), WeightError> {
        same("factors of the selection", self.factors.len(), before.len())?;
        let used = |&row: &usize| before[row] != 0.0;
        let missing: Vec<usize> =
            (0..before.len()).filter(used).filter(|&r| self.factors[r].is_nan()).collect();
        if let Some(first) = missing.first() {
            let (margin, count) = (self.from.clone(), missing.len());
            return Err(WeightError::Missing { margin, count, row: first + 1 });
        }
        let bad = |&r: &usize| !(self.factors[r] >= 1.0 - 1e-9 && self.factors[r].is_finite());
        match (0..before.len()).filter(used).find(bad) {
            None => Ok(()),
            Some(row) => Err(WeightError::Selection { row: row + 1, factor: self.factors[row] }),
        }
    }

    fn after(&self, before: &[f64]) -> Vec<f64> {
        let one = |(row, &w): (usize, &f64)| if w == 0.0 { 0.0 } else { w * self.factor(row) };
        before.iter().enumerate().map(one).collect()
    }

    /// Rows by their factor; of many different ones in four classes.
    fn table(&self, before: &[f64]) -> StepDetail {
        // Positive numbers are in the order of their bits.
        let mut by: BTreeMap<u64, (u64, f64, f64)> = BTreeMap::new();
        for row in (0..before.len()).filter(|&r| before[r] != 0.0) {
            let entry = by.entry(self.factors[row].to_bits()).or_insert((0, 0.0, 0.0));
            entry.0 += 1;
            entry.1 += before[row] * self.factors[row];
            entry.2 += before[row] * self.factor(row);
        }
        let all: Vec<(f64, (u64, f64, f64))> =
            by.into_iter().map(|(bits, sums)| (f64::from_bits(bits), sums)).collect();
        let size = if all.len() <= LISTED { 1 } else { all.len().div_ceil(4) };
        let rows = all
            .chunks(size.max(1))
            .map(|part| {
                let add = |a: (u64, f64, f64), (_, b): &(f64, (u64, f64, f64))| {
                    (a.0 + b.0, a.1 + b.1, a.2 + b.2)
                };
                let (n, whole, kept) = part.iter().fold((0, 0.0, 0.0), add);
                let (low, high) = (part[0].0, part[part.len() - 1].0);
                let short = |x: f64| {
                    let text = format!("{x:.3}");
                    text.trim_end_matches('0').trim_end_matches('.').to_string()
                };
                let text = if low == high {
                    short(low)
                } else {
                    format!("{} to {}", short(low), short(high))
                };
                vec![
                    DetailValue::Text(text),
                    DetailValue::Count(n),
                    DetailValue::Number(self.cap.map_or(high, |cap| high.min(cap))),
                    DetailValue::Number(whole),
                    DetailValue::Number(kept),
                ]
            })
            .collect();
        let columns = ["factor", "n", "largest used", "weight uncapped", "weight"];
        StepDetail {
            title: "Factors of the selection".to_string(),
            columns: columns.map(String::from).to_vec(),
            rows,
        }
    }
}

impl WeightingStep for Selection {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        self.check(before)?;
        let after = self.after(before);
        let mut outcome = String::new();
        if let Some(cap) = self.cap {
            let capped =
                (0..before.len()).filter(|&r| before[r] != 0.0 && self.factors[r] > cap).count();
            let whole: f64 = (0..before.len())
                .filter(|&r| before[r] != 0.0)
                .map(|r| before[r] * self.factors[r])
                .sum();
            let lost = 1.0 - after.iter().sum::<f64>() / whole;
            outcome = format!(
                "{capped} factors capped at {cap}, which gives up {:.2} % of the sum of weights",
                100.0 * lost
            );
        }
        Ok(Done {
            details: vec![self.table(before)],
            weights: Arc::new(after),
            adjustment: None,
            kind: "selection".to_string(),
            description: format!(
                "multiplied by {}{}",
                self.from,
                self.cap.map_or_else(String::new, |cap| format!(", at most {cap}"))
            ),
            outcome,
            status: None,
            margins: Vec::new(),
            variance: "part of the sample design: the factors are known".to_string(),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        Ok(self.after(before))
    }
}
