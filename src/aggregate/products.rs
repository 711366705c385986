//! Cross-products of calibration columns with the slots of the rows' domains.
//!
//! A row has one column in each term, so that its slots would be added once per term. Where terms are
//! factors with few levels it is added once to the crossing of several of them, and the crossing is
//! summed to its margins when the lane is done. A factor that every domain has one level of (ethnic
//! groups are margins and domains) needs no row at all: its sums are those of the domain.

use rayon::prelude::*;

use super::columns::{XColumns, XTerm};
use super::lanes::{BLOCK, RowBlock};
use super::request::DomainCodes;
use crate::data::Codes;

/// Entries of a crossing that stay near the processor.
const MOST: usize = 1 << 14;

/// How the columns of one step are summed.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    x: &'a XColumns,
    weights: &'a [f64],
    /// By term the level of each domain, where domains have one: its width stands for no level.
    fixed: Vec<Option<Vec<u32>>>,
    /// Terms that are crossed; those with values by themselves.
    crossed: Vec<Vec<usize>>,
    /// Entries of a column: domains × slots.
    stride: usize,
    width: usize,
}

impl<'a> Plan<'a> {
    /// For domains with so many slots, in lanes of so many rows.
    pub fn new(
        (x, weights): (&'a XColumns, &'a [f64]),
        domains: &DomainCodes,
        width: usize,
        rows: usize,
    ) -> Plan<'a> {
        let stride = domains.count * width;
        let most = MOST.min(rows);
        let fixed: Vec<Option<Vec<u32>>> =
            x.terms.iter().map(|term| levels_of_domains(term, domains)).collect();
        let mut crossed: Vec<Vec<usize>> = Vec::new();
        let mut sizes: Vec<usize> = Vec::new();
        for (t, term) in x.terms.iter().enumerate().filter(|(t, _)| fixed[*t].is_none()) {
            let own = levels(term);
            let fits = |size: &usize| *size > 0 && size.saturating_mul(own * stride) <= most;
            match sizes.iter().position(fits).filter(|_| term.values.is_none()) {
                Some(place) => {
                    crossed[place].push(t);
                    sizes[place] *= own;
                }
                None => {
                    crossed.push(vec![t]);
                    sizes.push(if term.values.is_none() { own } else { 0 });
                }
            }
        }
        // The domains themselves, where no crossing has their sums.
        if fixed.iter().any(Option::is_some) && sizes.iter().all(|size| *size == 0) {
            crossed.push(Vec::new());
        }
        Plan { x, weights, fixed, crossed, stride, width }
    }

    /// Nothing summed yet.
    pub fn start(&self) -> Products<'_> {
        let crossing = |terms: &Vec<usize>| {
            let terms: Vec<&XTerm> = terms.iter().map(|&t| &self.x.terms[t]).collect();
            let cells: usize = terms.iter().map(|term| levels(term)).product();
            let sums = vec![0.0; cells * self.stride];
            Crossing { terms, sums, at: Vec::new(), values: Vec::new() }
        };
        let crossings = self.crossed.iter().map(crossing).collect();
        Products { plan: self, crossings, v: Vec::new() }
    }
}

/// Σ v x s by column x, domain and slot, for the columns of one step.
#[derive(Debug)]
pub(super) struct Products<'a> {
    plan: &'a Plan<'a>,
    crossings: Vec<Crossing<'a>>,
    /// Weights of the rows of the block.
    v: Vec<f64>,
}

#[derive(Debug)]
struct Crossing<'a> {
    terms: Vec<&'a XTerm>,
    /// Sums by crossing of levels (each term with one more, for rows without a code), domain and slot.
    sums: Vec<f64>,
    /// The cell of each row.
    at: Vec<u32>,
    /// The value of each row, where the term has values.
    values: Vec<f64>,
}

impl Products<'_> {
    /// Looks up the columns of the rows of a block.
    pub fn load(&mut self, block: &RowBlock<'_>) {
        block.floats(self.plan.weights, &mut self.v);
        for crossing in &mut self.crossings {
            crossing.at.clear();
            crossing.at.resize(block.len(), 0);
            for term in &crossing.terms {
                let Some(codes) = &term.codes else { continue };
                block.cross(codes, term.width as u32, &mut crossing.at);
            }
            if let [XTerm { values: Some(numbers), .. }] = crossing.terms.as_slice() {
                block.numbers(numbers, &mut crossing.values);
            }
        }
    }

    /// Adds a row: `add` is given the sums of its domain, slot by slot, and the number to multiply by.
    #[inline]
    pub fn add(&mut self, row: usize, domain: usize, add: impl Fn(&mut [f64], f64)) {
        let v = self.v[row];
        if v == 0.0 {
            return;
        }
        let Plan { width, stride, .. } = *self.plan;
        for crossing in &mut self.crossings {
            let at = crossing.at[row] as usize * stride + domain * width;
            let scaled = crossing.values.get(row).map_or(v, |value| v * value);
            add(&mut crossing.sums[at..at + width], scaled);
        }
    }

    /// The sums by column: `stride` for each.
    pub fn finish(self) -> Vec<f64> {
        let Plan { x, fixed, crossed, stride, width, .. } = self.plan;
        let mut of_term: Vec<Vec<f64>> =
            x.terms.iter().map(|term| vec![0.0; term.width * stride]).collect();
        if *stride == 0 {
            return Vec::new();
        }
        let mut of_domains = None;
        for (crossing, terms) in self.crossings.iter().zip(crossed) {
            let mut inner: usize = crossing.terms.iter().map(|term| levels(term)).product();
            if crossing.values.is_empty() && of_domains.is_none() {
                let mut all = vec![0.0; *stride];
                crossing.sums.chunks(*stride).for_each(|cell| add_to(&mut all, cell));
                of_domains = Some(all);
            }
            for (term, &t) in crossing.terms.iter().zip(terms) {
                // Cells with a level of this term are `inner` apart, in runs of `inner` each.
                let count = levels(term);
                inner /= count;
                for (run, cells) in crossing.sums.chunks(inner * stride).enumerate() {
                    let level = run % count;
                    if level < term.width {
                        let own = &mut of_term[t][level * stride..][..*stride];
                        cells.chunks(*stride).for_each(|cell| add_to(own, cell));
                    }
                }
            }
        }
        for ((of_term, term), fixed) in of_term.iter_mut().zip(&x.terms).zip(fixed) {
            let (Some(fixed), Some(all)) = (fixed, &of_domains) else { continue };
            for (domain, &level) in fixed.iter().enumerate() {
                if (level as usize) < term.width {
                    let slots = domain * width..(domain + 1) * width;
                    of_term[level as usize * stride..][slots.clone()].copy_from_slice(&all[slots]);
                }
            }
        }
        of_term.concat()
    }
}

fn add_to(sums: &mut [f64], more: &[f64]) {
    sums.iter_mut().zip(more).for_each(|(sum, s)| *sum += s);
}

/// Levels of a term with one for rows without a code; a term of one column has no other.
fn levels(term: &XTerm) -> usize {
    if term.codes.is_some() { term.width + 1 } else { 1 }
}

/// The level of a factor in every domain, where each has one: `width` for none (or for no row).
fn levels_of_domains(term: &XTerm, domains: &DomainCodes) -> Option<Vec<u32>> {
    let (Some(codes), None) = (&term.codes, &term.values) else { return None };
    const UNKNOWN: u32 = Codes::NONE;
    let (rows, last) = (codes.len(), term.width as u32);
    let of_rows = |start: usize| {
        let places = start..(start + BLOCK).min(rows);
        let (mut own, mut of) = (vec![0; places.len()], vec![0; places.len()]);
        codes.fill(places.clone(), &mut own);
        domains.codes.fill(places, &mut of);
        let mut found = vec![UNKNOWN; domains.count];
        for (&level, &domain) in own.iter().zip(&of).filter(|(_, d)| **d != Codes::NONE) {
            let slot = &mut found[domain as usize];
            let level = level.min(last);
            if *slot == UNKNOWN {
                *slot = level;
            } else if *slot != level {
                return None;
            }
        }
        Some(found)
    };
    let both = |mut a: Vec<u32>, b: Vec<u32>| {
        for (a, b) in a.iter_mut().zip(b).filter(|(_, b)| *b != UNKNOWN) {
            if *a == UNKNOWN {
                *a = b;
            } else if *a != b {
                return None;
            }
        }
        Some(a)
    };
    // The first rows tell nearly always where there are several.
    let first = of_rows(0)?;
    let blocks: Vec<usize> = (BLOCK..rows).step_by(BLOCK).collect();
    let mut found = blocks
        .into_par_iter()
        .map(of_rows)
        .try_fold(|| vec![UNKNOWN; domains.count], |all, own| both(all, own?))
        .try_reduce(|| vec![UNKNOWN; domains.count], both)
        .and_then(|rest| both(first, rest))?;
    found.iter_mut().for_each(|level| *level = (*level).min(last));
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{CellRequest, DomainCodes, Measure, cell_sums, row_slots};
    use super::*;
    use crate::data::{Codes, Column, Numbers};
    use crate::design::{DesignInput, SurveyDesign, Variable};

    fn factor(width: usize, rows: usize, step: usize, missing: usize) -> XTerm {
        let code = |row: usize| match row % missing {
            0 => Codes::NONE,
            _ => (row * step % width) as u32,
        };
        let codes: Vec<u32> = (0..rows).map(code).collect();
        XTerm { codes: Some(Arc::new(Codes::pack(&codes, width))), values: None, width }
    }

    /// Against the sum over rows, columns and slots as it is written down.
    fn agrees(mut terms: Vec<XTerm>, rows: usize, domains: usize) {
        let psu = Column::numbers("psu", (0..rows).map(|r| (r / 7) as f64).collect());
        let clusters = vec![Variable::of(&psu)];
        let input = DesignInput { rows, clusters, ..DesignInput::default() };
        let design = SurveyDesign::build(&input).unwrap();
        let codes: Vec<u32> = (0..rows).map(|r| (r * 5 % (domains + 1)) as u32).collect();
        let codes: Vec<u32> =
            codes.iter().map(|&c| if c as usize == domains { Codes::NONE } else { c }).collect();
        // A factor of which every domain has one level, or none.
        let level = |&domain: &u32| match domain {
            Codes::NONE => 1,
            d if d % 4 == 3 => Codes::NONE,
            d => d % 3,
        };
        let levels: Vec<u32> = codes.iter().map(level).collect();
        let levels = Some(Arc::new(Codes::pack(&levels, 3)));
        let place = terms.len() / 2;
        terms.insert(place, XTerm { codes: levels, values: None, width: 3 });
        let x = &XColumns { terms };
        let domains = DomainCodes { codes: Codes::pack(&codes, domains), count: domains };
        assert!(levels_of_domains(&x.terms[place], &domains).is_some());
        let y = |r: usize| if r % 11 == 3 { f64::NAN } else { (r % 13) as f64 - 4.5 };
        let y = Numbers::F64((0..rows).map(y).collect());
        let x1 = Numbers::F64((0..rows).map(|r| (r % 7) as f64).collect());
        let level = Codes::pack(&(0..rows).map(|r| (r % 3) as u32).collect::<Vec<_>>(), 3);
        let weights: Vec<f64> = (0..rows).map(|r| (r % 4) as f64).collect();
        let v: Vec<f64> =
            (0..rows).map(|r| if r % 9 == 0 { 0.0 } else { (r % 5) as f64 }).collect();
        for measures in [
            vec![Measure::Number(&y)],
            vec![Measure::Number(&y), Measure::Levels(&level, 3)],
            vec![Measure::Number(&y), Measure::Pair(&x1, &y)],
        ] {
            let sums = cell_sums(&CellRequest {
                tree: &design.tree,
                weights: &weights,
                domains: &domains,
                measures: &measures,
                cross: vec![(x, &v)],
            });
            let mut expected = vec![0.0; x.width() * domains.count * sums.width];
            for row in (0..rows).filter(|&r| weights[r] != 0.0 && v[r] != 0.0) {
                let domain = domains.codes.get(row);
                if domain == Codes::NONE {
                    continue;
                }
                let mut slots = Vec::new();
                row_slots(&measures, row, &mut slots);
                for (column, value) in x.row(row) {
                    let at = (column * domains.count + domain as usize) * sums.width;
                    slots.iter().for_each(|(slot, s)| expected[at + slot] += v[row] * value * s);
                }
            }
            assert_eq!(sums.cross[0].len(), expected.len());
            for (own, expected) in sums.cross[0].iter().zip(&expected) {
                assert!(
                    (own - expected).abs() <= 1e-9 * expected.abs().max(1.0),
                    "{own} {expected}"
                );
            }
        }
    }

    #[test]
    fn crossings_of_terms_are_summed_to_their_margins() {
        let rows = 3_000;
        let ones = XTerm { codes: None, values: None, width: 1 };
        let number = |codes: Option<Arc<Codes>>, width: usize| {
            let values = (0..rows).map(|r| (r % 17) as f64 / 4.0).collect();
            XTerm { codes, values: Some(Arc::new(Numbers::F64(values))), width }
        };
        let within = factor(4, rows, 3, 8);
        let terms = vec![
            ones,
            factor(3, rows, 1, 1000),
            factor(5, rows, 2, 6),
            number(None, 1),
            factor(2, rows, 1, 4),
            number(within.codes.clone(), 4),
            factor(70, rows, 1, 50),
            factor(60, rows, 7, 50),
        ];
        // Few domains: the first three terms are crossed; many: hardly any.
        agrees(terms.clone(), rows, 2);
        agrees(terms, rows, 150);
        agrees(vec![number(None, 1)], rows, 20);
        agrees(Vec::new(), rows, 20);
    }
}
