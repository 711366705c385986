//! Direct standardisation: every domain re-weighted to one distribution of another variable.

use nalgebra::DMatrix;

use super::analysis::{Analysis, Raw};
use super::domains::Domains;
use super::quantity::Quantity;
use super::result::{Covariance, Estimate, EstimateTable, Statistic};
use super::table::{Measured, TableSpec};
use crate::data::{Codes, Factor};

/// The standard population.
#[derive(Debug, Clone)]
pub struct Standard {
    /// Title of the variable whose distribution is held fixed.
    pub title: String,
    /// The variable.
    pub factor: Factor,
    /// Share or count of each of its levels, in their order; scaled to sum 1. A level beyond the
    /// end of the list has share zero.
    pub shares: Vec<f64>,
}

impl Analysis {
    /// Estimates a table with every domain standardised directly: θ_d = Σ_a π_a θ_da over the
    /// levels a of the standard variable, π its shares scaled to 1 (Klein and Schoenborn 2001).
    ///
    /// The variance is that of the linear combination, V(θ_d) = Σ_a Σ_b π_a π_b C(θ_da, θ_db): the
    /// standard is known, the domain means are estimated. Degrees of freedom are those of the
    /// domain. A domain without a row in some level with a positive share has no estimate: shares
    /// are not spread over the levels it has.
    ///
    /// Rows without a level of the standard variable, or in a level whose share is zero, take no
    /// part: n, PSUs and degrees of freedom do not count them, and a note says how many lack one.
    ///
    /// `factors` are the by-variables of the table and `inside` its subpopulation (one entry per
    /// row); `standard` has one share per level.
    pub fn standardized_table(
        &self,
        spec: &TableSpec<'_>,
        factors: &[&Factor],
        inside: &[bool],
        standard: &Standard,
    ) -> EstimateTable {
        let mut crossed: Vec<&Factor> = factors.to_vec();
        crossed.push(&standard.factor);
        let fine = Domains::cross(inside.len(), &crossed, Some(inside));
        let parts = self.estimate(&spec.quantities, &fine.codes, true);
        let beside = self.beside.as_ref().map(|replicates| {
            self.estimate_by(&spec.quantities, &fine.codes, true, Some(replicates))
        });
        let levels = standard.factor.levels.len();
        let total: f64 = standard.shares.iter().sum();
        let share = |level: usize| standard.shares.get(level).map_or(0.0, |s| s / total);
        let shares: Vec<f64> = (0..levels).map(share).collect();
        let level = |row: usize| standard.factor.codes.get(row);
        let used: Vec<bool> = (0..inside.len())
            .map(|row| {
                inside[row] && level(row) != Codes::NONE && shares[level(row) as usize] > 0.0
            })
            .collect();
        let unclassified = (0..inside.len())
            .filter(|&row| spec.domains.codes.codes.get(row) != Codes::NONE)
            .filter(|&row| level(row) == Codes::NONE)
            .count();
        let counted = Domains::cross(inside.len(), factors, Some(&used));
        let whole = self.estimate(&spec.quantities, &counted.codes, false);
        let df = self.domain_df(spec.df, &spec.quantities, &counted.codes, &whole);
        let v = parts.covariance.as_ref();
        let mut table = EstimateTable { rows: Vec::new(), ..self.table(spec) };
        // For each kept row the parts it is made of.
        let mut all_terms: Vec<Vec<(usize, f64)>> = Vec::new();
        let mut position = 0;
        let mut number = 0;
        for (q, quantity) in spec.quantities.iter().enumerate() {
            for outcome in 0..quantity.outcomes() {
                let kept = spec.outcomes[number].is_some();
                number += 1;
                if !kept {
                    continue;
                }
                for domain in 0..spec.domains.codes.count {
                    let row = find(&parts, q, outcome);
                    let terms: Vec<(usize, f64)> = (0..levels)
                        .filter(|&a| shares[a] > 0.0)
                        .map(|a| (row + domain * levels + a, shares[a]))
                        .collect();
                    let at = find(&whole, q, outcome) + domain;
                    let mut made = self.standardized_row(
                        spec, &parts, &whole, &df, &terms, at, position, quantity,
                    );
                    if let Some(v) = beside.as_ref().and_then(|b| b.covariance.as_ref()) {
                        made.set_replicate_se(combine(v, &terms, &terms));
                    }
                    table.rows.push(made);
                    all_terms.push(terms);
                }
                position += 1;
            }
        }
        if spec.covariance
            && let Some(v) = v
        {
            table.covariance = Some(Covariance {
                size: all_terms.len(),
                values: all_terms
                    .iter()
                    .flat_map(|x| all_terms.iter().map(move |y| combine(v, x, y)))
                    .collect(),
            });
        }
        table.notes.push(format!(
            "directly standardised by {}; the standard is taken as known",
            standard.title
        ));
        if unclassified > 0 {
            table.notes.push(format!(
                "{unclassified} rows have no value in {} and are left out",
                standard.title
            ));
        }
        table
    }

    #[allow(clippy::too_many_arguments)]
    fn standardized_row(
        &self,
        spec: &TableSpec<'_>,
        parts: &Raw,
        whole: &Raw,
        df: &[f64],
        terms: &[(usize, f64)],
        at: usize,
        position: usize,
        quantity: &Quantity<'_>,
    ) -> Estimate {
        let value: f64 = terms.iter().map(|&(i, share)| share * parts.values[i]).sum();
        let variance = parts.covariance.as_ref().map_or(f64::NAN, |v| combine(v, terms, terms));
        let totals = whole.totals[whole.at(at)];
        let is_proportion = spec.statistic == Statistic::Proportion;
        let n_eff = (is_proportion && variance > 0.0).then(|| value * (1.0 - value) / variance);
        let measured = Measured {
            estimate: Some(value).filter(|x| x.is_finite()),
            variance,
            n: totals.n,
            n_missing: totals.missing,
            missing_weight: totals.missing_weight,
            psus: whole.psus[whole.at(at)].0,
            weight_sum: whole.weight_sum[whole.at(at)],
            // There is no simple random sample to compare a standardised estimate with.
            deff: None,
            n_eff,
            n_eff_kish: super::deff::effective_n_kish(whole, at),
            df: df[whole.at(at)],
        };
        debug_assert!(quantity.outcomes() > 0);
        let levels = spec.domains.cells[whole.index[at].2].clone();
        let method = self.interval_method(spec);
        measured.into_row(position, levels, spec.statistic, method, spec.level, spec.standard)
    }
}

/// The first row of a quantity's outcome.
fn find(raw: &Raw, quantity: usize, outcome: usize) -> usize {
    raw.index.iter().position(|&(q, o, _)| q == quantity && o == outcome).unwrap_or(0)
}

/// x'V y for sparse x and y.
fn combine(v: &DMatrix<f64>, x: &[(usize, f64)], y: &[(usize, f64)]) -> f64 {
    x.iter().flat_map(|&(i, a)| y.iter().map(move |&(j, b)| a * b * v[(i, j)])).sum()
}
