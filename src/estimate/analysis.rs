//! Estimates and their variances for one set of weights.

use std::ops::Range;
use std::sync::OnceLock;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::compat::CompatValues;
use super::dense::{DenseValues, dense_variance};
use super::quantity::{Form, Quantity};
use super::residual::Residualizer;
use super::variance::{Entries, Policy, UnitValues, Variances, tree_variance};
use crate::aggregate::{
    CellRequest, CellSums, DomainCodes, LANES, Measure, MeasureTotals, ReplicateRequest, cell_sums,
    replicate_sums, row_slots,
};
use crate::design::SurveyDesign;
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
        Analysis { design, ledger, replicates: None, beside: None, residualizer: OnceLock::new() }
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
        let request = CellRequest {
            tree: &self.design.tree,
            weights: self.ledger.weights(),
            domains,
            measures: &measures,
            cross: residualizer.map(Residualizer::cross).unwrap_or_default(),
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
        let values = Influence::new(&raw, quantities, &measures, &sums, residualizer);
        let policy = Policy { lonely: self.design.lonely, in_domain: self.design.lonely_in_domain };
        let tree = &self.design.tree;
        let Variances { mut diagonal, mut full } = if follows_r {
            let values = CompatValues::new(
                tree,
                &self.ledger,
                domains,
                &values.of_domain,
                &values.forms,
                |row, slots| row_slots(&measures, row, slots),
            );
            tree_variance(tree, policy, &values, covariance)
        } else if residualizer.is_some() {
            dense_variance(tree, policy, &values, covariance)
        } else {
            tree_variance(tree, policy, &values, covariance)
        };
        let of_targets =
            residualizer.and_then(|r| r.target_variance(&values.coefficients, covariance));
        if let Some((own, pairs)) = of_targets {
            diagonal.iter_mut().zip(own).for_each(|(v, extra)| *v += extra);
            if let (Some(full), Some(pairs)) = (&mut full, pairs) {
                *full += pairs;
            }
        }
        raw.variances = diagonal;
        raw.covariance = full;
        if residualizer.is_some() {
            raw.clear_rounding();
        }
        raw.blank_missing();
        raw
    }

    fn residualizer(&self) -> Option<&Residualizer> {
        self.residualizer
            .get_or_init(|| {
                let calibrated = self.ledger.adjustments().next().is_some();
                calibrated.then(|| Residualizer::new(&self.design.tree, &self.ledger))
            })
            .as_ref()
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
        let offsets = offsets(request.measures);
        let mut counts = vec![(0, 0); offsets.len() * sums.domains];
        let mut last = vec![(u32::MAX, u32::MAX); counts.len()];
        for unit in 0..tree.units() {
            let psu = first[unit];
            for (domain, cell) in sums.unit(unit) {
                for (m, &offset) in offsets.iter().enumerate() {
                    let at = m * sums.domains + domain;
                    if cell[offset] == 0.0 || last[at].0 == psu {
                        continue;
                    }
                    let stratum = strata[psu as usize];
                    counts[at].0 += 1;
                    if last[at].1 != stratum {
                        counts[at].1 += 1;
                    }
                    last[at] = (psu, stratum);
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

fn offsets(measures: &[Measure<'_>]) -> Vec<usize> {
    measures
        .iter()
        .scan(0, |next, m| {
            let at = *next;
            *next += m.width();
            Some(at)
        })
        .collect()
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

/// Influence values by unit, less what calibration explains.
struct Influence<'a> {
    sums: &'a CellSums,
    /// For each domain the estimates in it.
    of_domain: Vec<Vec<u32>>,
    /// The linear form of each estimate, slots counted within the cell.
    forms: Vec<Form>,
    /// The slot Σw of each estimate's quantity.
    weight_slot: Vec<usize>,
    residualizer: Option<&'a Residualizer>,
    coefficients: Vec<DMatrix<f64>>,
}

impl<'a> Influence<'a> {
    fn new(
        raw: &Raw,
        quantities: &[Quantity<'_>],
        measures: &[Measure<'_>],
        sums: &'a CellSums,
        residualizer: Option<&'a Residualizer>,
    ) -> Influence<'a> {
        let offsets = offsets(measures);
        let mut of_domain = vec![Vec::new(); sums.domains];
        let forms: Vec<Form> = (0..)
            .zip(&raw.index)
            .map(|(k, &(q, outcome, domain))| {
                let form = quantities[q].form(outcome, &sums.total(domain)[offsets[q]..]);
                if raw.values[k as usize].is_finite() {
                    of_domain[domain].push(k);
                }
                form.map(|(slot, c)| (offsets[q] + slot, c))
            })
            .collect();
        let coefficients = residualizer.map_or_else(Vec::new, |r| {
            let cross: Vec<DMatrix<f64>> = sums
                .cross
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
        let weight_slot = raw.index.iter().map(|&(q, ..)| offsets[q]).collect();
        Influence { sums, of_domain, forms, weight_slot, residualizer, coefficients }
    }
}

impl Influence<'_> {
    #[inline]
    fn value(&self, k: u32, cell: &[f64]) -> f64 {
        self.forms[k as usize].iter().map(|&(slot, c)| c * cell[slot]).sum()
    }
}

/// Without calibration: a unit has values in the domains of its rows only.
impl UnitValues for Influence<'_> {
    fn size(&self) -> usize {
        self.forms.len()
    }

    fn unit(&self, unit: usize, out: &mut Entries) {
        for (domain, cell) in self.sums.unit(unit) {
            // A unit whose rows in the domain all lack the outcome is not in it.
            let with = self.of_domain[domain].iter().map(|&k| (k, self.value(k, cell)));
            out.extend(
                with.filter(|&(k, z)| z != 0.0 || cell[self.weight_slot[k as usize]] != 0.0),
            );
        }
    }
}

/// After calibration: what it explains is taken off, so that a unit has a value in every domain.
impl DenseValues for Influence<'_> {
    fn size(&self) -> usize {
        self.forms.len()
    }

    fn write(&self, unit: usize, estimates: Range<usize>, out: &mut [f64]) {
        out.fill(0.0);
        for (domain, cell) in self.sums.unit(unit) {
            for &k in &self.of_domain[domain] {
                if estimates.contains(&(k as usize)) {
                    out[k as usize - estimates.start] = self.value(k, cell);
                }
            }
        }
        if let Some(residualizer) = self.residualizer {
            residualizer.subtract(unit, &self.coefficients, estimates, out);
        }
    }
}
