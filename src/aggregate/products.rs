//! Cross-products of calibration columns with the slots of the rows' domains.
//!
//! A row has one column in each term, so that its slots would be added once per term. Where terms are
//! factors with few levels it is added once to the crossing of several of them, and the crossing is
//! summed to its margins when the lane is done. A factor that every domain has one level of (ethnic
//! groups are margins and domains) needs no row at all: its sums are those of the domain.

use rayon::prelude::*;

use super::block::{SlotValues, Slots};
use super::columns::{XColumns, XTerm};
use super::lanes::RowBlock;
use super::request::DomainCodes;
use crate::data::Codes;

/// Entries of a crossing that stay near the processor.
const MOST: usize = 1 << 15;

/// Rows that are searched for levels of domains at a time.
const CHUNK: usize = 1 << 13;

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
        let most = MOST.min(2 * rows);
        let fixed: Vec<Option<Vec<u32>>> =
            x.terms.iter().map(|term| levels_of_domains(term, domains)).collect();
        // Two by two, the smallest first, as long as the crossing has few entries.
        let (mut alone, mut open) = (Vec::new(), Vec::new());
        for (t, term) in x.terms.iter().enumerate().filter(|(t, _)| fixed[*t].is_none()) {
            if term.values.is_some() {
                alone.push(vec![t]);
            } else {
                open.push((levels(term), vec![t]));
            }
        }
        loop {
            open.sort_by_key(|(size, _)| *size);
            let [(a, _), (b, _), ..] = open.as_slice() else { break };
            let size = a.saturating_mul(*b);
            if size.saturating_mul(stride) > most {
                break;
            }
            let (_, terms) = open.remove(0);
            open[0].0 = size;
            open[0].1.extend(terms);
        }
        // The domains themselves, where no crossing has their sums.
        if fixed.iter().any(Option::is_some) && open.is_empty() {
            open.push((1, Vec::new()));
        }
        let crossed = alone.into_iter().chain(open.into_iter().map(|(_, terms)| terms)).collect();
        Plan { x, weights, fixed, crossed, stride, width }
    }

    /// Nothing summed yet.
    pub fn start(&self) -> Products<'_> {
        let crossing = |terms: &Vec<usize>| {
            let terms: Vec<&XTerm> = terms.iter().map(|&t| &self.x.terms[t]).collect();
            let cells: usize = terms.iter().map(|term| levels(term)).product();
            let sums = vec![0.0; cells * self.stride];
            Crossing { terms, sums }
        };
        let crossings = self.crossed.iter().map(crossing).collect();
        Products { plan: self, crossings, v: Vec::new(), vx: Vec::new(), at: Vec::new() }
    }
}

/// Σ v x s by column x, domain and slot, for the columns of one step.
#[derive(Debug)]
pub(super) struct Products<'a> {
    plan: &'a Plan<'a>,
    crossings: Vec<Crossing<'a>>,
    /// v of the rows, zero for those that do not count.
    v: Vec<f64>,
    /// v x of the rows, where the term has values.
    vx: Vec<f64>,
    /// The cell of each row in a crossing.
    at: Vec<u32>,
}

#[derive(Debug)]
struct Crossing<'a> {
    terms: Vec<&'a XTerm>,
    /// Sums by crossing of levels (each term with one more, for rows without a code), domain and slot.
    sums: Vec<f64>,
}

impl Products<'_> {
    /// Adds the rows of a block, crossing by crossing.
    pub fn add(&mut self, block: &RowBlock<'_>, slots: &Slots) {
        let Products { plan, crossings, v, vx, at } = self;
        let (width, domains) = (plan.width, plan.stride / plan.width.max(1));
        if plan.stride == 0 {
            return;
        }
        v.clear();
        let rows = block.floats(plan.weights);
        let counting = rows.iter().zip(&slots.counts);
        v.extend(counting.map(|(&v, &counts)| if counts == 0.0 { 0.0 } else { v }));
        for Crossing { terms, sums } in crossings {
            at.clear();
            at.resize(block.len(), 0);
            for term in terms.iter() {
                if let Some(codes) = &term.codes {
                    // The last level stands for none.
                    let last = term.width as u32;
                    let levels = last + 1;
                    let own = at.iter_mut();
                    block.each_code(codes, own, |at, code| *at = *at * levels + code.min(last));
                }
            }
            at.iter_mut().zip(&slots.domains).for_each(|(at, d)| *at = *at * domains as u32 + d);
            let v = match terms.as_slice() {
                [XTerm { values: Some(numbers), .. }] => {
                    block.numbers(numbers, vx);
                    // The columns of rows with a weight of zero may be missing.
                    let rows = vx.iter_mut().zip(&*v);
                    rows.for_each(|(x, v)| *x = if *v == 0.0 { 0.0 } else { v * *x });
                    vx.as_slice()
                }
                _ => &*v,
            };
            match &slots.values {
                SlotValues::All(all) => scatter(sums, at, v, all, width),
                SlotValues::Some { ends, pairs } => {
                    let mut from = 0;
                    for ((&at, &v), &end) in at.iter().zip(v).zip(ends) {
                        let own = &pairs[std::mem::replace(&mut from, end)..end];
                        if v == 0.0 {
                            continue;
                        }
                        let sums = &mut sums[at as usize * width..][..width];
                        own.iter().for_each(|&(slot, s)| sums[slot] += v * s);
                    }
                }
            }
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
            let has_values = crossing.terms.iter().any(|term| term.values.is_some());
            if !has_values && of_domains.is_none() {
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

/// Adds v times the values of `width` slots of each row to a cell. A row with v = 0 adds nothing,
/// whatever its values.
fn scatter(sums: &mut [f64], cells: &[u32], v: &[f64], values: &[f64], width: usize) {
    // One number, two, three, or a ratio.
    match width {
        2 => scatter_of::<2>(sums, cells, v, values),
        3 => scatter_of::<3>(sums, cells, v, values),
        4 => scatter_of::<4>(sums, cells, v, values),
        6 => scatter_of::<6>(sums, cells, v, values),
        _ => {
            for ((&cell, v), values) in cells.iter().zip(v).zip(values.chunks_exact(width)) {
                if *v != 0.0 {
                    let sums = &mut sums[cell as usize * width..][..width];
                    sums.iter_mut().zip(values).for_each(|(sum, s)| *sum += v * s);
                }
            }
        }
    }
}

fn scatter_of<const N: usize>(sums: &mut [f64], cells: &[u32], v: &[f64], values: &[f64]) {
    let sums = sums.as_chunks_mut::<N>().0;
    for ((&cell, v), values) in cells.iter().zip(v).zip(values.as_chunks::<N>().0) {
        if *v != 0.0 {
            let sums = &mut sums[cell as usize];
            (0..N).for_each(|slot| sums[slot] += v * values[slot]);
        }
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
    let (rows, last) = (codes.len(), term.width as u32);
    // Levels below `unknown`, that of rows without one among them.
    let (unknown, none) = (last + 1, domains.count);
    let start = || vec![unknown; none + 1];
    let of_rows = |mut found: Vec<u32>, from: usize| {
        let places = from..(from + CHUNK).min(rows);
        let level = |code: u32| code.min(last);
        let domain = |code: u32| if code == Codes::NONE { none } else { code as usize };
        let is_one = match (&**codes, &domains.codes) {
            (Codes::U8(own), Codes::U8(of)) => {
                // The code for none is above every level and every domain.
                let own = own[places.clone()].iter().map(|&code| level(u32::from(code)));
                let of = of[places].iter().map(|&code| usize::from(code).min(none));
                one_level_each(own.zip(of), &mut found, unknown)
            }
            (own, of) => {
                let pairs = places.map(|row| (level(own.get(row)), domain(of.get(row))));
                one_level_each(pairs, &mut found, unknown)
            }
        };
        is_one.then_some(found)
    };
    let both = |mut a: Vec<u32>, b: Vec<u32>| {
        let pairs = b.into_iter().zip(0..none).filter(|(level, _)| *level != unknown);
        one_level_each(pairs, &mut a, unknown).then_some(a)
    };
    // The first rows tell nearly always where there are several.
    let first = of_rows(start(), 0)?;
    let chunks: Vec<usize> = (CHUNK..rows).step_by(CHUNK).collect();
    let mut found = chunks
        .into_par_iter()
        .try_fold(start, of_rows)
        .try_reduce(start, both)
        .and_then(|rest| both(first, rest))?;
    found.truncate(none);
    found.iter_mut().for_each(|level| *level = (*level).min(last));
    Some(found)
}

/// Notes the level of every domain; the place after the last stands for rows in none. False where a
/// domain has two.
#[inline]
fn one_level_each(
    pairs: impl Iterator<Item = (u32, usize)>,
    found: &mut [u32],
    unknown: u32,
) -> bool {
    let none = found.len() - 1;
    for (level, domain) in pairs {
        let known = found[domain];
        if known != level && domain != none {
            if known != unknown {
                return false;
            }
            found[domain] = level;
        }
    }
    true
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
        // Rows without a weight, or in no domain, may hold anything.
        let is_out =
            |r: usize| r.is_multiple_of(4) || r.is_multiple_of(9) || codes[r] == Codes::NONE;
        let y = |r: usize| match r {
            r if is_out(r) && r % 5 == 0 => f64::INFINITY,
            r if r % 11 == 3 => f64::NAN,
            r => (r % 13) as f64 - 4.5,
        };
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
