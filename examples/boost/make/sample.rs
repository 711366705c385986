//! The two samples, and the weight from the total inclusion probability.
//!
//! *General population sample.* Region × three bands of ethnic density are the strata. In stratum
//! h, n_h sectors are drawn with probability proportional to their addresses M, systematically
//! from the list sorted by density, and m addresses in each: an address has
//! p_G = (n_h M / M_h)(m / M).
//!
//! *Boost.* The sectors with the most eligible households according to the frame, in four strata;
//! n_b of N_b sectors with equal probability, systematically from the list sorted by region; m_b
//! addresses in each, all screened; an eligible household is kept with the probability d of its
//! member most sought after: p_B = (n_b / N_b)(m_b / M) d. Only eligible adults are interviewed.
//!
//! *Within households* at most three adults are drawn, one random order serving both samples:
//! w = min(1, 3 / adults).
//!
//! The samples are independent, so an adult's total inclusion probability is
//! π = w (1 − (1 − p_G)(1 − e p_B)), e = 1 for eligible adults. The design weight is SCALE / π. A
//! household in both samples is interviewed once, for the general one.

use std::collections::HashSet;

use super::figures::{
    ADULT_RESPONSE, ADULTS_AT_MOST, BOOST_COVERAGE, BOOST_STRATA, DENSITY_BANDS, GENERAL_ADDRESSES,
    GENERAL_SECTORS, HOUSEHOLD_RESPONSE, KEEP, REGIONS, SCALE,
};
use super::population::{Household, Person, Population, eligible};
use super::random::{Purpose, Stream};

/// The sample an interview belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// General population sample.
    General,
    /// Ethnic minority boost.
    Boost,
}

/// One adult drawn.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Which sample.
    pub origin: Origin,
    /// Stratum: general ones from 1, boost ones from 101.
    pub stratum: usize,
    /// PSU: a sector within a sample; general ones from 1001, boost ones from 5001.
    pub psu: usize,
    /// Number of the household in the sample.
    pub household: usize,
    /// Position in [`Population::people`].
    pub person: usize,
    /// Position of the region.
    pub region: usize,
    /// SCALE ÷ total inclusion probability.
    pub design_weight: f64,
    /// True when the adult was interviewed.
    pub responded: bool,
}

/// Inclusion probabilities of the addresses of every sector, before screening.
pub struct Frame {
    general: Vec<Stratum>,
    boost: Vec<Stratum>,
    /// (p_G, p_B without d) of an address, by sector.
    address: Vec<(f64, f64)>,
}

struct Stratum {
    id: usize,
    /// Sectors in the order of selection.
    sectors: Vec<usize>,
    take: usize,
    addresses: usize,
}

/// Lays out the strata and the inclusion probabilities of both samples.
pub fn frame(population: &Population) -> Frame {
    let general = general_strata(population);
    let boost = boost_strata(population);
    let mut address = vec![(0.0, 0.0); population.sectors.len()];
    for stratum in &general {
        let all: f64 = stratum.sectors.iter().map(|&s| size(population, s)).sum();
        for &s in &stratum.sectors {
            let m = size(population, s);
            let sector = stratum.take as f64 * m / all;
            address[s].0 = sector * (stratum.addresses as f64).min(m) / m;
        }
    }
    for stratum in &boost {
        for &s in &stratum.sectors {
            let m = size(population, s);
            let sector = stratum.take as f64 / stratum.sectors.len() as f64;
            address[s].1 = sector * (stratum.addresses as f64).min(m) / m;
        }
    }
    Frame { general, boost, address }
}

/// Draws both samples and interviews them.
pub fn draw(population: &Population, seed: u64) -> Vec<Drawn> {
    draw_from(population, &frame(population), seed)
}

/// The same from a frame laid out before.
pub fn draw_from(population: &Population, frame: &Frame, seed: u64) -> Vec<Drawn> {
    let mut out = Vec::new();
    let mut visited = HashSet::new();
    let mut household = 0;
    for (origin, strata, purpose) in [
        (Origin::General, &frame.general, Purpose::General),
        (Origin::Boost, &frame.boost, Purpose::Boost),
    ] {
        let mut stream = Stream::new(seed, purpose);
        let mut psu = if origin == Origin::General { 1000 } else { 5000 };
        for stratum in strata {
            for s in sectors(population, stratum, origin, &mut stream) {
                psu += 1;
                let sector = &population.sectors[s];
                let mut homes: Vec<u32> =
                    (sector.first..sector.first + sector.households).collect();
                stream.draw_to_front(&mut homes, stratum.addresses);
                homes.truncate(stratum.addresses);
                homes.sort_unstable();
                for h in homes {
                    let home = population.households[h as usize];
                    let kept = match origin {
                        Origin::General => true,
                        Origin::Boost => stream.chance(keep(population, &home)),
                    };
                    let mut order: Vec<usize> = (0..home.adults as usize).collect();
                    stream.draw_to_front(&mut order, ADULTS_AT_MOST);
                    order.truncate(ADULTS_AT_MOST);
                    order.sort_unstable();
                    let answers = stream.chance(HOUSEHOLD_RESPONSE[sector.region]);
                    if !kept || !visited.insert(h) {
                        continue;
                    }
                    household += 1;
                    for adult in order {
                        let person = home.first as usize + adult;
                        if origin == Origin::Boost && !sought(&population.people[person]) {
                            continue;
                        }
                        let inclusion = inclusion(
                            population,
                            frame.address[s],
                            &home,
                            &population.people[person],
                        );
                        out.push(Drawn {
                            origin,
                            stratum: stratum.id,
                            psu,
                            household,
                            person,
                            region: sector.region,
                            design_weight: SCALE / inclusion,
                            responded: answers && stream.chance(ADULT_RESPONSE),
                        });
                    }
                }
            }
        }
    }
    out
}

/// Total inclusion probability of an adult.
fn inclusion(
    population: &Population,
    (general, boost): (f64, f64),
    home: &Household,
    person: &Person,
) -> f64 {
    let boost = if sought(person) { boost * keep(population, home) } else { 0.0 };
    let within = (ADULTS_AT_MOST as f64 / f64::from(home.adults)).min(1.0);
    within * (1.0 - (1.0 - general) * (1.0 - boost))
}

/// The probability that a screened household is kept.
fn keep(population: &Population, home: &Household) -> f64 {
    population.members(home).iter().map(|p| KEEP[usize::from(p.group)]).fold(0.0, f64::max)
}

fn sought(person: &Person) -> bool {
    eligible(usize::from(person.group))
}

fn size(population: &Population, sector: usize) -> f64 {
    f64::from(population.sectors[sector].households)
}

/// The sectors drawn in a stratum: with probability proportional to size, or equal.
fn sectors(
    population: &Population,
    stratum: &Stratum,
    origin: Origin,
    stream: &mut Stream,
) -> Vec<usize> {
    let weight = |s: usize| match origin {
        Origin::General => size(population, s),
        Origin::Boost => 1.0,
    };
    let total: f64 = stratum.sectors.iter().map(|&s| weight(s)).sum();
    let step = total / stratum.take as f64;
    let start = stream.unit() * step;
    let mut passed = 0.0;
    let mut out = Vec::new();
    for &s in &stratum.sectors {
        passed += weight(s);
        if out.len() < stratum.take && passed > start + out.len() as f64 * step {
            out.push(s);
        }
    }
    out
}

/// Region × bands of density, with sectors in proportion to addresses and at least two.
fn general_strata(population: &Population) -> Vec<Stratum> {
    let all: f64 = population.sectors.iter().map(|s| f64::from(s.households)).sum();
    let mut strata = Vec::new();
    for region in 0..REGIONS {
        let mut sectors: Vec<usize> = (0..population.sectors.len())
            .filter(|&s| population.sectors[s].region == region)
            .collect();
        let density = |s: usize| population.sectors[s].frame_density;
        sectors.sort_by(|&a, &b| density(a).total_cmp(&density(b)).then(a.cmp(&b)));
        let bands = sectors.chunks(sectors.len().div_ceil(DENSITY_BANDS));
        for (band, list) in bands.enumerate() {
            let addresses: f64 = list.iter().map(|&s| size(population, s)).sum();
            let take = (GENERAL_SECTORS as f64 * addresses / all).round() as usize;
            strata.push(Stratum {
                id: 1 + region * DENSITY_BANDS + band,
                sectors: list.to_vec(),
                take: take.max(2),
                addresses: GENERAL_ADDRESSES,
            });
        }
    }
    strata
}

/// The covered sectors in four strata of falling expected yield.
fn boost_strata(population: &Population) -> Vec<Stratum> {
    let expected = |s: usize| population.sectors[s].frame_density * size(population, s);
    let mut sectors: Vec<usize> = (0..population.sectors.len()).collect();
    sectors.sort_by(|&a, &b| expected(b).total_cmp(&expected(a)).then(a.cmp(&b)));
    sectors.truncate((BOOST_COVERAGE * sectors.len() as f64).round() as usize);
    let covered = sectors.len() as f64;
    let mut rest = sectors.as_slice();
    let mut strata = Vec::new();
    for (i, plan) in BOOST_STRATA.iter().enumerate() {
        let last = i + 1 == BOOST_STRATA.len();
        let count = if last { rest.len() } else { (plan.share * covered).round() as usize };
        let (own, others) = rest.split_at(count.min(rest.len()));
        rest = others;
        let mut own = own.to_vec();
        // Sectors are numbered region by region, so this sorts by region.
        own.sort_unstable();
        strata.push(Stratum {
            id: 101 + i,
            sectors: own,
            take: plan.sectors,
            addresses: plan.addresses,
        });
    }
    strata
}
