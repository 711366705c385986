//! Weighting classes: the weight of units that are not observed goes to those of their class.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::super::adjustment::{Adjustment, Carrier};
use super::super::error::WeightError;
use super::super::groups::{Groups, same};
use super::super::step::{Done, WeightingStep};
use super::super::summary::{DetailValue, StepDetail};
use super::collapse::{ClassSums, CollapseRules, collapse};
use crate::aggregate::{XColumns, XTerm};
use crate::data::Codes;
use crate::numeric::{Sum, SymmetricSolver};

/// Which rate the factor of a class is one over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rate {
    /// Σd over the observed ÷ Σd over all: totals of the class are kept.
    Weighted,
    /// The number of observed ÷ the number of all: for weights that say little about response.
    Unweighted,
}

/// Why units are not observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Eligible units that did not respond.
    Nonresponse,
    /// Units of which it is not known whether they are eligible.
    UnknownEligibility,
}

/// An adjustment in classes, ready to be carried out: w = d Σ_c d/Σ_{c, observed} d for observed
/// units, zero for the others.
///
/// Source: Little and Rubin (2019, §3.3.1); the variance treats response as a second phase of Poisson
/// sampling with equal probabilities within a class (Särndal, Swensson and Wretman 1992, §15.6),
/// docs/methods/nonresponse.md.
#[derive(Debug, Clone)]
pub struct ClassAdjustment {
    reason: Reason,
    description: String,
    /// The classes, joined where they had to be.
    classes: Groups,
    /// Whether the weight of each row enters the adjustment.
    concerned: Arc<Vec<bool>>,
    /// Whether each row is observed.
    observed: Arc<Vec<bool>>,
    /// Whether each row keeps its weight afterwards; ineligible units lose theirs.
    kept: Option<Arc<Vec<bool>>>,
    rate: Rate,
    joined: Vec<StepDetail>,
}

impl ClassAdjustment {
    /// Prepares an adjustment on given weights, joining classes that break the rules.
    ///
    /// `concerned` are the rows whose weight is spread (the eligible sample), `observed` those among
    /// them that take it, `kept` those that have a weight afterwards (all observed if `None`). The
    /// classes found here are kept when the step is repeated on replicates. One entry per row.
    ///
    /// # Errors
    /// When lengths disagree, a concerned row has no class, or no joining of classes keeps the rules.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        reason: Reason,
        weights: &[f64],
        groups: &Groups,
        group_by: &str,
        concerned: Arc<Vec<bool>>,
        observed: Arc<Vec<bool>>,
        kept: Option<Arc<Vec<bool>>>,
        rate: Rate,
        rules: &CollapseRules,
    ) -> Result<ClassAdjustment, WeightError> {
        same("rows of the classes", groups.codes.len(), weights.len())?;
        same("rows of the adjustment", concerned.len(), weights.len())?;
        same("rows of the response", observed.len(), weights.len())?;
        let no_class =
            |&r: &usize| concerned[r] && weights[r] != 0.0 && groups.codes.get(r) == Codes::NONE;
        let missing: Vec<usize> = (0..weights.len()).filter(no_class).collect();
        if let Some(first) = missing.first() {
            let margin = group_by.to_string();
            return Err(WeightError::Missing { margin, count: missing.len(), row: first + 1 });
        }
        let sums = sums(weights, groups, &concerned, &observed, rate);
        let Some(into) = collapse(groups, &sums, rules) else {
            let all = sums.iter().fold((0, 0), |all, s| (all.0 + s.observed, all.1 + s.n));
            return Err(WeightError::Classes { observed: all.0, n: all.1 });
        };
        let classes = groups.joined(&into);
        let joined = joined(groups, &classes, &into, &sums);
        let by = if groups.len() > 1 { format!(" within {group_by}") } else { String::new() };
        let all_known = || (0..weights.len()).all(|r| observed[r] || weights[r] == 0.0);
        let what = match reason {
            Reason::Nonresponse => "adjusted for nonresponse",
            Reason::UnknownEligibility if all_known() => "ineligible units left out",
            Reason::UnknownEligibility => "adjusted for unknown eligibility",
        };
        Ok(ClassAdjustment {
            reason,
            description: format!("{what}{by}"),
            classes,
            concerned,
            observed,
            kept,
            rate,
            joined,
        })
    }

    /// The sums of the classes, and the factor of each.
    fn factors(&self, before: &[f64]) -> Result<(Vec<ClassSums>, Vec<f64>), WeightError> {
        let sums = sums(before, &self.classes, &self.concerned, &self.observed, self.rate);
        if let Some(c) = sums.iter().position(|s| s.all != 0.0 && s.seen <= 0.0) {
            return Err(WeightError::NoneObserved { class: self.classes.names[c].clone() });
        }
        let factors = sums.iter().map(|s| if s.all == 0.0 { 1.0 } else { s.factor() }).collect();
        Ok((sums, factors))
    }

    /// The weight of a row after the spread, before ineligible units lose theirs.
    fn spread(&self, row: usize, before: f64, factors: &[f64]) -> f64 {
        if !self.concerned[row] || before == 0.0 {
            return before;
        }
        if self.observed[row] {
            before * factors[self.classes.codes.get(row) as usize]
        } else {
            0.0
        }
    }

    fn after(&self, row: usize, spread: f64) -> f64 {
        if self.kept.as_ref().is_some_and(|kept| !kept[row]) { 0.0 } else { spread }
    }

    fn adjustment(
        &self,
        before: &[f64],
        after: &[f64],
        sums: &[ClassSums],
        factors: &[f64],
    ) -> Result<Adjustment, WeightError> {
        let inside = |row: usize| self.concerned[row] && before[row] != 0.0;
        // The equations Σ c x = 0 that the factors solve: the observed, carried up, less all.
        let carrier = (0..before.len())
            .map(|row| {
                if !inside(row) {
                    return 0.0;
                }
                let unit = if self.rate == Rate::Weighted { before[row] } else { 1.0 };
                let factor = factors[self.classes.codes.get(row) as usize];
                if self.observed[row] { unit * (factor - 1.0) } else { -unit }
            })
            .collect();
        let q = (0..before.len()).map(|r| if inside(r) { after[r] } else { 0.0 }).collect();
        let sizes: Vec<f64> = sums.iter().map(|s| s.all).collect();
        let term = XTerm {
            codes: Some(self.classes.codes.clone()),
            values: None,
            width: self.classes.len(),
        };
        Ok(Adjustment::new(
            XColumns { terms: vec![term] },
            Arc::new(q),
            Carrier::Rows(Arc::new(carrier)),
            SymmetricSolver::new(&DMatrix::from_diagonal(&sizes.into()))?,
        ))
    }

    fn table(&self, sums: &[ClassSums], factors: &[f64], spread: &[f64]) -> StepDetail {
        // Rows and weight of each class that leave as ineligible.
        let mut left: Option<Vec<(u64, f64)>> =
            self.kept.as_ref().map(|_| vec![(0, 0.0); sums.len()]);
        if let (Some(left), Some(kept)) = (&mut left, &self.kept) {
            for row in (0..spread.len()).filter(|&r| spread[r] != 0.0 && !kept[r]) {
                if let Some(class) = left.get_mut(self.classes.codes.get(row) as usize) {
                    class.0 += 1;
                    class.1 += spread[row];
                }
            }
        }
        let row = |c: usize| {
            let s = &sums[c];
            let mut cells = vec![
                DetailValue::Text(self.classes.names[c].clone()),
                DetailValue::Count(s.n),
                DetailValue::Count(s.observed),
                DetailValue::Number(if s.all > 0.0 { s.seen / s.all } else { f64::NAN }),
                DetailValue::Number(factors[c]),
            ];
            if let Some((n, weight)) = left.as_ref().map(|l| l[c]) {
                cells.extend([DetailValue::Count(n), DetailValue::Number(weight)]);
            }
            cells
        };
        let observed = match self.reason {
            Reason::Nonresponse => "responded",
            Reason::UnknownEligibility => "known",
        };
        let mut columns = ["class", "n", observed, "rate", "factor"].map(String::from).to_vec();
        if left.is_some() {
            columns.extend(["ineligible", "their weight"].map(String::from));
        }
        StepDetail {
            title: "Adjustment classes".to_string(),
            columns,
            rows: (0..sums.len()).map(row).collect(),
        }
    }
}

impl ClassAdjustment {
    /// What each class has, in order: its code by row and its rate under given weights.
    pub(super) fn rates(&self, before: &[f64]) -> Result<(&Codes, Vec<f64>), WeightError> {
        let (sums, _) = self.factors(before)?;
        let rate = |s: &ClassSums| if s.all > 0.0 { s.seen / s.all } else { 1.0 };
        Ok((&self.classes.codes, sums.iter().map(rate).collect()))
    }
}

impl WeightingStep for ClassAdjustment {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        let (sums, factors) = self.factors(before)?;
        let spread: Vec<f64> =
            before.iter().enumerate().map(|(row, &w)| self.spread(row, w, &factors)).collect();
        let after: Vec<f64> =
            spread.iter().enumerate().map(|(row, &w)| self.after(row, w)).collect();
        let adjustment = self.adjustment(before, &after, &sums, &factors)?;
        let (n, seen) = sums.iter().fold((0, 0), |a, s| (a.0 + s.n, a.1 + s.observed));
        let largest = factors.iter().fold(1.0_f64, |a, &f| a.max(f));
        let (kind, said) = match self.reason {
            Reason::Nonresponse => ("nonresponse", "responded"),
            Reason::UnknownEligibility => ("eligibility", "have a known eligibility"),
        };
        let dropped = spread.iter().zip(&after).filter(|(s, a)| **s != 0.0 && **a == 0.0).count();
        let mut outcome = format!(
            "{seen} of {n} {said}; {} class{}, largest factor {largest:.3}",
            factors.len(),
            if factors.len() == 1 { "" } else { "es" }
        );
        if dropped > 0 {
            outcome.push_str(&format!("; {dropped} ineligible kept with weight 0"));
        }
        let mut details = vec![self.table(&sums, &factors, &spread)];
        details.extend(self.joined.iter().cloned());
        Ok(Done {
            weights: Arc::new(after),
            adjustment: Some(adjustment),
            kind: kind.to_string(),
            description: self.description.clone(),
            outcome,
            status: None,
            margins: Vec::new(),
            details,
            variance: "response as a second phase with one probability in each class".to_string(),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        let (_, factors) = self.factors(before)?;
        let weight = |(row, &w): (usize, &f64)| self.after(row, self.spread(row, w, &factors));
        Ok(before.iter().enumerate().map(weight).collect())
    }

    fn categories(&self) -> Option<Vec<XTerm>> {
        // An unweighted rate counts rows.
        if self.rate == Rate::Unweighted {
            return None;
        }
        let status = |row: usize| {
            let kept = self.kept.as_ref().is_none_or(|kept| kept[row]);
            u32::from(self.concerned[row]) + 2 * u32::from(self.observed[row]) + 4 * u32::from(kept)
        };
        let status = Codes::collect((0..self.concerned.len()).map(status), 8);
        let status = XTerm { codes: Some(Arc::new(status)), values: None, width: 8 };
        Some(vec![self.classes.term(), status])
    }

    fn on_rows(&self, rows: &[u32]) -> Option<Arc<dyn WeightingStep>> {
        let of = |list: &Arc<Vec<bool>>| -> Arc<Vec<bool>> {
            Arc::new(rows.iter().map(|&row| list[row as usize]).collect())
        };
        Some(Arc::new(ClassAdjustment {
            classes: self.classes.on_rows(rows),
            concerned: of(&self.concerned),
            observed: of(&self.observed),
            kept: self.kept.as_ref().map(of),
            ..self.clone()
        }))
    }
}

fn sums(
    weights: &[f64],
    groups: &Groups,
    concerned: &[bool],
    observed: &[bool],
    rate: Rate,
) -> Vec<ClassSums> {
    let mut exact = vec![(Sum::default(), Sum::default()); groups.len()];
    let mut sums = vec![ClassSums::default(); groups.len()];
    for row in (0..weights.len()).filter(|&r| concerned[r] && weights[r] != 0.0) {
        let Some(s) = sums.get_mut(groups.codes.get(row) as usize) else { continue };
        let (all, seen) = &mut exact[groups.codes.get(row) as usize];
        let unit = if rate == Rate::Weighted { weights[row] } else { 1.0 };
        s.n += 1;
        all.add(unit);
        if observed[row] {
            s.observed += 1;
            seen.add(unit);
        }
    }
    for (s, (all, seen)) in sums.iter_mut().zip(exact) {
        (s.all, s.seen) = (all.value(), seen.value());
    }
    sums
}

/// Which classes were joined, and what they had.
fn joined(groups: &Groups, classes: &Groups, into: &[u32], sums: &[ClassSums]) -> Vec<StepDetail> {
    let mut members = vec![0; classes.len()];
    into.iter().for_each(|&c| members[c as usize] += 1);
    let rows: Vec<Vec<DetailValue>> = (0..groups.len())
        .filter(|&g| members[into[g] as usize] > 1)
        .map(|g| {
            vec![
                DetailValue::Text(groups.names[g].clone()),
                DetailValue::Count(sums[g].n),
                DetailValue::Count(sums[g].observed),
                DetailValue::Text(classes.names[into[g] as usize].clone()),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = ["class", "n", "observed", "joined in"].map(String::from).to_vec();
    vec![StepDetail { title: StepDetail::JOINED.to_string(), columns, rows }]
}
