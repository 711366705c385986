//! Influence values of estimates by unit.

use std::ops::Range;

use nalgebra::DMatrix;

use super::analysis::{Analysis, Raw, offsets};
use super::dense::{DenseValues, dense_variance};
use super::explained::residual_variance;
use super::quantity::{Form, Quantity};
use super::residual::Residualizer;
use super::result::Covariance;
use super::variance::{Entries, OfLayer, Policy, UnitValues, Variances, tree_variance};
use crate::aggregate::{CellRequest, CellSums, DomainCodes, Measure, cell_sums, row_slots};
use crate::data::{Codes, Numbers};
use crate::design::{Layer, UnitTree};

/// Influence values by unit, less what calibration explains.
pub(super) struct Influence<'a> {
    sums: &'a CellSums,
    size: usize,
    /// The estimates that can be had, domain by domain.
    linear: Vec<Linear>,
    /// Where those of each domain start, and the end.
    of_domain: Vec<usize>,
    residualizer: Option<&'a Residualizer>,
    pub coefficients: Vec<DMatrix<f64>>,
}

/// An estimate as it moves with the slots of its domain.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    /// Which estimate.
    pub k: u32,
    /// The slot Σw of its quantity.
    weight_slot: usize,
    /// Its linear form, slots counted within the cell.
    pub form: Form,
}

impl Linear {
    #[inline]
    fn value(&self, cell: &[f64]) -> f64 {
        let [(i, a), (j, b)] = self.form;
        a * cell[i] + b * cell[j]
    }
}

impl<'a> Influence<'a> {
    pub fn new(
        raw: &Raw,
        quantities: &[Quantity<'_>],
        measures: &[Measure<'_>],
        sums: &'a CellSums,
        residualizer: Option<&'a Residualizer>,
        cross: &[Vec<f64>],
    ) -> Influence<'a> {
        let offsets = offsets(measures);
        let forms: Vec<Form> = raw
            .index
            .iter()
            .map(|&(q, outcome, domain)| {
                let form = quantities[q].form(outcome, &sums.total(domain)[offsets[q]..]);
                form.map(|(slot, c)| (offsets[q] + slot, c))
            })
            .collect();
        let mut by_domain: Vec<Vec<Linear>> = vec![Vec::new(); sums.domains];
        for (k, &(q, _, domain)) in raw.index.iter().enumerate() {
            if raw.values[k].is_finite() {
                let (weight_slot, form) = (offsets[q], forms[k]);
                by_domain[domain].push(Linear { k: k as u32, weight_slot, form });
            }
        }
        let mut of_domain = vec![0];
        of_domain.extend(by_domain.iter().scan(0, |end, own| {
            *end += own.len();
            Some(*end)
        }));
        let coefficients = residualizer.map_or_else(Vec::new, |r| {
            let cross: Vec<DMatrix<f64>> = cross
                .iter()
                .map(|block| {
                    let stride = sums.domains * sums.width;
                    let columns = block.len() / stride.max(1);
                    DMatrix::from_fn(columns, forms.len(), |x, k| {
                        if !raw.values[k].is_finite() {
                            return 0.0;
                        }
                        let at = x * stride + raw.index[k].2 * sums.width;
                        forms[k].iter().map(|&(slot, c)| c * block[at + slot]).sum()
                    })
                })
                .collect();
            r.coefficients(&cross)
        });
        let linear = by_domain.concat();
        Influence { sums, size: forms.len(), linear, of_domain, residualizer, coefficients }
    }
}

impl Influence<'_> {
    /// Variances over the tree.
    pub fn variance(&self, tree: &UnitTree, policy: Policy, full: bool) -> Variances {
        let Some(residualizer) = self.residualizer else {
            return tree_variance(tree, policy, self, full);
        };
        if let Some(explained) = residualizer.explained(tree) {
            let of = (Policy { in_domain: false, ..policy }, self);
            let b = &self.coefficients;
            if let Some(v) = residual_variance(tree, residualizer, explained, b, of, full) {
                return v;
            }
        }
        dense_variance(tree, policy, self, full)
    }

    /// Variances over a layer.
    pub fn layer_variance(&self, layer: &Layer, policy: Policy, full: bool) -> Variances {
        let of = OfLayer { layer, values: self };
        match self.residualizer {
            Some(_) => dense_variance(&layer.tree, policy, &of, full),
            None => tree_variance(&layer.tree, policy, &of, full),
        }
    }

    /// The estimates in a domain.
    #[inline]
    pub fn in_domain(&self, domain: usize) -> &[Linear] {
        &self.linear[self.of_domain[domain]..self.of_domain[domain + 1]]
    }
}

impl Analysis {
    /// The influence value of every row on some estimates: the linear part of the estimate is Σ w u
    /// (docs/methods/variance.md). `rows` are places in the order quantity, outcome, domain; an
    /// estimate that cannot be had has the value 0 everywhere.
    pub fn influence_values(
        &self,
        quantities: &[Quantity<'_>],
        domains: &DomainCodes,
        rows: &[usize],
    ) -> Vec<Vec<f64>> {
        let measures: Vec<Measure<'_>> = quantities.iter().map(Quantity::measure).collect();
        let w = self.ledger.weights();
        let request = CellRequest {
            tree: &self.design.tree,
            weights: w,
            domains,
            measures: &measures,
            cross: Vec::new(),
        };
        let sums = cell_sums(&request);
        let at = offsets(&measures);
        // For each place its quantity, its outcome and its domain.
        let mut places = Vec::new();
        for (q, quantity) in quantities.iter().enumerate() {
            for outcome in 0..quantity.outcomes() {
                places.extend((0..domains.count).map(|domain| (q, outcome, domain)));
            }
        }
        let wanted: Vec<Option<(usize, Form)>> = rows
            .iter()
            .map(|&row| {
                let &(q, outcome, domain) = places.get(row)?;
                if sums.measure(q, domain).n == 0 {
                    return None;
                }
                let form = quantities[q].form(outcome, &sums.total(domain)[at[q]..]);
                let form = form.map(|(slot, c)| (at[q] + slot, c));
                form.iter().all(|(_, c)| c.is_finite()).then_some((domain, form))
            })
            .collect();
        let mut out = vec![vec![0.0; w.len()]; rows.len()];
        let mut slots = Vec::new();
        for row in (0..w.len()).filter(|&row| w[row] != 0.0) {
            let domain = domains.codes.get(row);
            if domain == Codes::NONE {
                continue;
            }
            slots.clear();
            row_slots(&measures, row, &mut slots);
            for (values, wanted) in out.iter_mut().zip(&wanted) {
                let Some((own, form)) = wanted else { continue };
                if *own != domain as usize {
                    continue;
                }
                let part = |&(slot, c): &(usize, f64)| {
                    slots.iter().filter(|s| s.0 == slot).map(|s| c * s.1).sum::<f64>()
                };
                values[row] = form.iter().map(part).sum();
            }
        }
        out
    }

    /// The covariances of estimates of any kind from their influence values: those of Σ w u. With
    /// replicates u stays as it is, and w is that of the replicate.
    pub fn covariance_of(&self, influence: Vec<Vec<f64>>) -> Covariance {
        let size = influence.len();
        let columns: Vec<Numbers> = influence.into_iter().map(Numbers::F64).collect();
        let totals: Vec<Quantity<'_>> = columns.iter().map(Quantity::Total).collect();
        let everyone =
            DomainCodes { codes: Codes::pack(&vec![0; self.ledger.weights().len()], 1), count: 1 };
        let raw = self.estimate(&totals, &everyone, true);
        let v = raw.covariance.unwrap_or_else(|| DMatrix::from_element(size, size, f64::NAN));
        Covariance { size, values: v.transpose().iter().copied().collect() }
    }
}

/// Without calibration: a unit has values in the domains of its rows only.
impl UnitValues for Influence<'_> {
    fn size(&self) -> usize {
        self.size
    }

    fn unit(&self, unit: usize, out: &mut Entries) {
        for (domain, cell) in self.sums.unit(unit) {
            for own in self.in_domain(domain) {
                let z = own.value(cell);
                // A unit whose rows in the domain all lack the outcome is not in it.
                if z != 0.0 || cell[own.weight_slot] != 0.0 {
                    out.push((own.k, z));
                }
            }
        }
    }
}

/// After calibration: what it explains is taken off, so that a unit has a value in every domain.
impl DenseValues for Influence<'_> {
    fn size(&self) -> usize {
        self.size
    }

    fn write(&self, unit: usize, estimates: Range<usize>, out: &mut [f64]) {
        out.fill(0.0);
        for (domain, cell) in self.sums.unit(unit) {
            for own in self.in_domain(domain) {
                if estimates.contains(&(own.k as usize)) {
                    out[own.k as usize - estimates.start] = own.value(cell);
                }
            }
        }
        if let Some(residualizer) = self.residualizer {
            residualizer.subtract(unit, &self.coefficients, estimates, out);
        }
    }
}
