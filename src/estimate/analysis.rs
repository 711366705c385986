//! Estimates and their variances for one set of weights.

use std::ops::Range;
use std::sync::OnceLock;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::compat::CompatValues;
use super::influence::Influence;
use super::quantity::Quantity;
use super::residual::Residualizer;
use super::variance::{OfLayer, Policy, Variances, tree_variance};
use crate::aggregate::{
    CellRequest, CellSums, DomainCodes, LANES, Measure, MeasureTotals, ReplicateRequest, cell_sums,
    replicate_sums, row_slots,
};
use crate::design::{Stratum, SurveyDesign};
use crate::replicate::{Factors, ReplicateWeights, Replicates};
use crate::weight::Ledger;

/// A design with its weights: what estimates are made from.
#[derive(Debug)]
pub struct Analysis {
    /// The design.
    pub design: SurveyDesign,
    /// The weights and their history.
    pub ledger: Ledger,
    /// Replicates, when the variance comes from them.
    pub replicates: Option<Replicates>,
    /// Replicates whose standard errors are shown beside linearised ones.
    pub beside: Option<Replicates>,
    residualizer: OnceLock<Option<Residualizer>>,
    /// The same without the steps that have no part in the variance of a first phase.
    first_phase: OnceLock<Option<Residualizer>>,
}

/// A standard error this small beside its estimate is rounding.
const ROUNDING: f64 = 1e-13;

/// Estimates of several quantities in every domain, in the order quantity, outcome, domain.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The estimates; NaN where there is nothing to estimate from.
    pub values: Vec<f64>,
    /// Their variances; NaN where there is no estimate, zero where a calibration fixes the estimate.
    /// Zero, too, where a single PSU leaves nothing to
    /// compare: look at `psus` before trusting it.
    pub variances: Vec<f64>,
    /// Their covariances, if wanted: symmetric, in the order of the estimates.
    pub covariance: Option<DMatrix<f64>>,
    /// For each estimate its quantity, its outcome within the quantity, and its domain.
    pub index: Vec<(usize, usize, usize)>,
    /// Number of domains.
    pub domains: usize,
    /// Counts and moments by quantity and domain: `domains` per quantity.
    pub totals: Vec<MeasureTotals>,
    /// Population variance of the linearised variable of each estimate: of y for a mean or a
    /// total, of (y − R x)/x̄ for a ratio, p(1 − p) for a level.
    pub sigma2: Vec<f64>,
    /// Σ w by quantity and domain.
    pub weight_sum: Vec<f64>,
    /// First-stage units with a weighted row that has a value, and their strata, by quantity and
    /// domain. Their difference is the degrees of freedom of the domain.
    pub psus: Vec<(u64, u64)>,
    /// Replicates whose estimate could not be had.
    pub lost_replicates: usize,
    /// Estimates whose variance came out negative; it is then NaN.
    pub negative: usize,
    /// For random replicates the coefficient of variation of a squared deviation, by estimate.
    pub chance: Vec<f64>,
}

impl Raw {
    /// Position of an estimate's quantity and domain in the per-measure lists.
    pub fn at(&self, row: usize) -> usize {
        let (quantity, _, domain) = self.index[row];
        quantity * self.domains + domain
    }

    /// What the weighting fixes, such as a total that was calibrated to, has a variance of zero.
    /// The residuals it is computed from are zero but for rounding.
    fn clear_rounding(&mut self) {
        for (variance, value) in self.variances.iter_mut().zip(&self.values) {
            if *variance <= (ROUNDING * value).powi(2) {
                *variance = 0.0;
            }
        }
    }

    /// What cannot be estimated has no variance either: it must not look like zero.
    fn blank_missing(&mut self) {
        for row in (0..self.values.len()).filter(|&row| !self.values[row].is_finite()) {
            self.variances[row] = f64::NAN;
            if let Some(v) = &mut self.covariance {
                v.row_mut(row).fill(f64::NAN);
                v.column_mut(row).fill(f64::NAN);
            }
        }
    }
}

impl Analysis {
    /// Estimates with linearised variances.
    pub fn new(design: SurveyDesign, ledger: Ledger) -> Analysis {
        Analysis {
            design,
            ledger,
            replicates: None,
            beside: None,
            residualizer: OnceLock::new(),
            first_phase: OnceLock::new(),
        }
    }

    /// Estimates with replicate variances.
    pub fn with_replicates(
        design: SurveyDesign,
        ledger: Ledger,
        replicates: Replicates,
    ) -> Analysis {
        Analysis { replicates: Some(replicates), ..Analysis::new(design, ledger) }
    }

    /// Estimates with linearised variances, and the standard errors of replicates beside them.
    pub fn with_both(design: SurveyDesign, ledger: Ledger, replicates: Replicates) -> Analysis {
        Analysis { beside: Some(replicates), ..Analysis::new(design, ledger) }
    }

    /// The replicates, whether their variance is the main one or stands beside.
    pub fn any_replicates(&self) -> Option<&Replicates> {
        self.replicates.as_ref().or(self.beside.as_ref())
    }

    /// Estimates every quantity in every domain, with variances and, if wanted, covariances.
    ///
    /// ```
    /// use rakewell::aggregate::DomainCodes;
    /// use rakewell::data::{Codes, Column, Numbers};
    /// use rakewell::design::{DesignInput, SurveyDesign, Variable};
    /// use rakewell::estimate::{Analysis, Quantity};
    /// use rakewell::weight::Ledger;
    ///
    /// // A simple random sample of 4 from 40.
    /// let size = Column::numbers("size", vec![40.0; 4]);
    /// let design = SurveyDesign::build(&DesignInput {
    ///     rows: 4,
    ///     fpc: vec![Variable::of(&size)],
    ///     ..DesignInput::default()
    /// })?;
    /// let ledger = Ledger::new(design.weights.clone(), "N/n");
    /// let y = Numbers::pack(vec![1.0, 3.0, 4.0, 8.0]);
    /// let everyone = DomainCodes { codes: Codes::pack(&[0; 4], 1), count: 1 };
    /// let raw = Analysis::new(design, ledger).estimate(&[Quantity::Mean(&y)], &everyone, false);
    /// assert_eq!(raw.values[0], 4.0);
    /// // (1 − n/N) s²/n with s² = 26/3
    /// assert!((raw.variances[0] - 0.9 * (26.0 / 3.0) / 4.0).abs() < 1e-12);
    /// # Ok::<(), rakewell::design::DesignError>(())
    /// ```
    ///
    /// # Shapes
    /// Columns of `quantities` and `domains` have one entry per row of the design. The result has
    /// quantity × outcome × domain entries in that order; memory for covariances is their square.
    ///
    /// # Panics
    /// If columns, domains or the weights of the ledger have not one entry per row of the design.
    ///
    /// # Missing values
    /// A row without a value takes no part in that quantity and stays in the design. An estimate
    /// that can't be had is NaN, and so are its variance and covariances.
    ///
    /// # Source
    /// Linearised variances follow Woodruff (1971) and Binder (1983): the variance of the design
    /// total of the influence values, over all PSUs of the design (those without a row in the
    /// domain have total zero), after calibration of their residuals (docs/methods/variance.md and
    /// calibration-variance.md). With replicates: docs/methods/replicates.md.
    pub fn estimate(
        &self,
        quantities: &[Quantity<'_>],
        domains: &DomainCodes,
        covariance: bool,
    ) -> Raw {
        self.estimate_by(quantities, domains, covariance, self.replicates.as_ref())
    }

    /// The same by some replicates, or by linearisation without.
    pub(super) fn estimate_by(
        &self,
        quantities: &[Quantity<'_>],
        domains: &DomainCodes,
        covariance: bool,
        replicates: Option<&Replicates>,
    ) -> Raw {
        let measures: Vec<Measure<'_>> = quantities.iter().map(Quantity::measure).collect();
        let follows_r = self.ledger.follows_r();
        let linear = replicates.is_none() && !follows_r;
        let residualizer = if linear { self.residualizer() } else { None };
        // A step that was fitted to the first phase is no part of that phase's variance.
        let has_phases = linear && self.ledger.steps().iter().any(|s| s.to_first_phase);
        let of_first = if has_phases { self.first_phase() } else { None };
        let mut cross = residualizer.map(Residualizer::cross).unwrap_or_default();
        let own = cross.len();
        cross.extend(of_first.map(Residualizer::cross).unwrap_or_default());
        let request = CellRequest {
            tree: &self.design.tree,
            weights: self.ledger.weights(),
            domains,
            measures: &measures,
            cross,
        };
        let sums = cell_sums(&request);
        let mut raw = self.points(quantities, &measures, &sums);
        raw.psus = self.count_psus(&request, &sums);
        if let Some(replicates) = replicates {
            let thetas =
                self.replicate_estimates(&raw, quantities, &measures, domains, replicates, &sums);
            if covariance {
                let (v, lost) = replicates.variance(&raw.values, &thetas);
                raw.variances = v.diagonal().iter().copied().collect();
                (raw.covariance, raw.lost_replicates) = (Some(v), lost);
            } else {
                (raw.variances, raw.lost_replicates) = replicates.variances(&raw.values, &thetas);
            }
            if replicates.is_random() {
                raw.chance = replicates.chance(&raw.values, &thetas);
            }
            raw.blank_missing();
            return raw;
        }
        let influence = |residualizer, cross: Range<usize>| {
            Influence::new(&raw, quantities, &measures, &sums, residualizer, &sums.cross[cross])
        };
        let values = influence(residualizer, 0..own);
        let policy = Policy { lonely: self.design.lonely, in_domain: self.design.lonely_in_domain };
        let tree = &self.design.tree;
        let mut variances = if follows_r {
            let slots_of = |row, slots: &mut _| row_slots(&measures, row, slots);
            let values = CompatValues::new(tree, &self.ledger, domains, &values, slots_of);
            let mut variances = tree_variance(tree, policy, &values, covariance);
            for layer in self.design.layers.iter() {
                let of = OfLayer { layer, values: &values };
                variances.add(layer.sign, &tree_variance(&layer.tree, policy, &of, covariance));
            }
            variances
        } else {
            let first = has_phases.then(|| influence(of_first, own..sums.cross.len()));
            let first = first.as_ref().unwrap_or(&values);
            let mut variances = first.variance(tree, policy, covariance);
            for layer in self.design.layers.iter() {
                let of = if layer.is_second_phase { &values } else { first };
                variances.add(layer.sign, &of.layer_variance(layer, policy, covariance));
            }
            variances
        };
        let of_targets =
            residualizer.and_then(|r| r.target_variance(&values.coefficients, covariance));
        if let Some((own, pairs)) = of_targets {
            variances.add(1.0, &Variances { diagonal: own, full: pairs });
        }
        self.blank_negative(&mut variances, &mut raw.negative);
        raw.variances = variances.diagonal;
        raw.covariance = variances.full;
        if residualizer.is_some() {
            raw.clear_rounding();
        }
        raw.blank_missing();
        raw
    }

    /// The estimates of every replicate, in the order of [`Analysis::estimate`]; NaN where one
    /// cannot be had. `None` without replicates.
    pub fn replicate_values(
        &self,
        quantities: &[Quantity<'_>],
        domains: &DomainCodes,
    ) -> Option<Vec<Vec<f64>>> {
        let replicates = self.replicates.as_ref()?;
        let measures: Vec<Measure<'_>> = quantities.iter().map(Quantity::measure).collect();
        let sums = cell_sums(&CellRequest {
            tree: &self.design.tree,
            weights: self.ledger.weights(),
            domains,
            measures: &measures,
            cross: Vec::new(),
        });
        let raw = self.points(quantities, &measures, &sums);
        Some(self.replicate_estimates(&raw, quantities, &measures, domains, replicates, &sums))
    }

    fn residualizer(&self) -> Option<&Residualizer> {
        self.residualizer
            .get_or_init(|| Residualizer::new(&self.design.tree, &self.ledger, false))
            .as_ref()
    }

    fn first_phase(&self) -> Option<&Residualizer> {
        self.first_phase
            .get_or_init(|| Residualizer::new(&self.design.tree, &self.ledger, true))
            .as_ref()
    }

    /// An estimator of a variance that can be negative says nothing where it is.
    fn blank_negative(&self, variances: &mut Variances, count: &mut usize) {
        let form = |h: &Stratum| h.form.as_ref().is_some_and(|form| form.can_be_negative());
        let first = self.design.tree.stages.first();
        if self.design.layers.is_empty() && !first.is_some_and(|s| s.strata.iter().any(form)) {
            return;
        }
        for (k, v) in variances.diagonal.iter_mut().enumerate().filter(|(_, v)| **v < 0.0) {
            *v = f64::NAN;
            *count += 1;
            if let Some(full) = &mut variances.full {
                full.row_mut(k).fill(f64::NAN);
                full.column_mut(k).fill(f64::NAN);
            }
        }
    }

    fn points(
        &self,
        quantities: &[Quantity<'_>],
        measures: &[Measure<'_>],
        sums: &CellSums,
    ) -> Raw {
        let mut raw = Raw {
            values: Vec::new(),
            variances: Vec::new(),
            covariance: None,
            index: Vec::new(),
            domains: sums.domains,
            totals: sums.measures.clone(),
            sigma2: Vec::new(),
            weight_sum: Vec::new(),
            psus: Vec::new(),
            lost_replicates: 0,
            negative: 0,
            chance: Vec::new(),
        };
        let offsets = offsets(measures);
        for (q, quantity) in quantities.iter().enumerate() {
            let slots = |domain: usize| &sums.total(domain)[offsets[q]..];
            raw.weight_sum.extend((0..sums.domains).map(|d| slots(d)[0]));
            for outcome in 0..quantity.outcomes() {
                for domain in 0..sums.domains {
                    let is_empty = sums.measure(q, domain).n == 0;
                    let value =
                        if is_empty { f64::NAN } else { quantity.value(outcome, slots(domain)) };
                    raw.values.push(value);
                    let (moments, centre) = (sums.measure(q, domain), sums.centre[q]);
                    raw.sigma2.push(quantity.sigma2(outcome, slots(domain), moments, centre));
                    raw.index.push((q, outcome, domain));
                }
            }
        }
        raw
    }

    /// First-stage units with a weighted row in a domain, and the strata they are in.
    fn count_psus(&self, request: &CellRequest<'_>, sums: &CellSums) -> Vec<(u64, u64)> {
        // Negative weights could add up to nothing in a unit that has some.
        let absolute = request.weights.iter().any(|w| *w < 0.0).then(|| {
            let weights: Vec<f64> = request.weights.iter().map(|w| w.abs()).collect();
            cell_sums(&CellRequest { weights: &weights, cross: Vec::new(), ..request.clone() })
        });
        let sums = absolute.as_ref().unwrap_or(sums);
        let tree = &self.design.tree;
        let (first, strata) = (tree.first_stage_of_unit(), tree.stratum_of_first_stage());
        let places = (0..tree.units()).map(|unit| {
            let psu = first[unit];
            (unit, psu, strata[psu as usize])
        });
        let mut counts = count_units(request, sums, places);
        for layer in self.design.layers.iter().filter(|layer| layer.counts) {
            let strata = layer.tree.stratum_of_first_stage();
            let places = (0..strata.len()).flat_map(|unit| {
                let place = (unit as u32, strata[unit]);
                layer.members(unit).iter().map(move |&d| (d as usize, place.0, place.1))
            });
            // The grouping with the fewest degrees of freedom decides.
            for (own, other) in counts.iter_mut().zip(count_units(request, sums, places)) {
                if other.0 - other.1 < own.0 - own.1 {
                    *own = other;
                }
            }
        }
        counts
    }

    /// The estimates of every replicate.
    fn replicate_estimates(
        &self,
        raw: &Raw,
        quantities: &[Quantity<'_>],
        measures: &[Measure<'_>],
        domains: &DomainCodes,
        replicates: &Replicates,
        sums: &CellSums,
    ) -> Vec<Vec<f64>> {
        let totals: Vec<Vec<f64>> = match (&replicates.weights, &replicates.after) {
            (ReplicateWeights::Columns { columns, combined }, _) => {
                replicate_sums(&ReplicateRequest {
                    weights: self.ledger.weights(),
                    columns: columns.iter().map(AsRef::as_ref).collect(),
                    combined: *combined,
                    domains,
                    measures,
                })
            }
            (ReplicateWeights::Factors(factors), Some(after)) => {
                after.domain_sums(&self.design.tree, factors, domains, measures)
            }
            (ReplicateWeights::Factors(factors), None) => factor_sums(sums, factors),
        };
        let offsets = offsets(measures);
        totals
            .iter()
            .map(|slots| {
                raw.index
                    .iter()
                    .map(|&(q, outcome, domain)| {
                        let at = domain * sums.width + offsets[q];
                        quantities[q].value(outcome, &slots[at..])
                    })
                    .collect()
            })
            .collect()
    }
}

pub(super) fn offsets(measures: &[Measure<'_>]) -> Vec<usize> {
    measures
        .iter()
        .scan(0, |next, m| {
            let at = *next;
            *next += m.width();
            Some(at)
        })
        .collect()
}

/// Units with a weighted row in a domain, and the strata they are in, from the deepest units with the
/// unit and the stratum of each; those of a unit, and the units of a stratum, one after the other.
fn count_units(
    request: &CellRequest<'_>,
    sums: &CellSums,
    places: impl Iterator<Item = (usize, u32, u32)>,
) -> Vec<(u64, u64)> {
    let offsets = offsets(request.measures);
    let mut counts = vec![(0, 0); offsets.len() * sums.domains];
    let mut last = vec![(u32::MAX, u32::MAX); counts.len()];
    for (deepest, unit, stratum) in places {
        for (domain, cell) in sums.unit(deepest) {
            for (m, &offset) in offsets.iter().enumerate() {
                let at = m * sums.domains + domain;
                if cell[offset] == 0.0 || last[at].0 == unit {
                    continue;
                }
                counts[at].0 += 1;
                if last[at].1 != stratum {
                    counts[at].1 += 1;
                }
                last[at] = (unit, stratum);
            }
        }
    }
    counts
}

/// Slot totals of every replicate from the cells and a factor per unit.
fn factor_sums(sums: &CellSums, factors: &Factors) -> Vec<Vec<f64>> {
    let size = sums.domains * sums.width;
    let blocks: Vec<Vec<[f64; LANES]>> = (0..factors.count().div_ceil(LANES))
        .into_par_iter()
        .map(|block| {
            let mut totals = vec![[0.0; LANES]; size];
            for (unit, factors) in factors.block(block).iter().enumerate() {
                for (domain, cell) in sums.unit(unit) {
                    let at = domain * sums.width;
                    for (totals, s) in totals[at..at + sums.width].iter_mut().zip(cell) {
                        totals.iter_mut().zip(factors).for_each(|(t, f)| *t += f * s);
                    }
                }
            }
            totals
        })
        .collect();
    let lane = |r: usize| blocks[r / LANES].iter().map(|t| t[r % LANES]).collect();
    (0..factors.count()).map(lane).collect()
}
