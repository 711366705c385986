//! The population: sectors with a group mix of their own, households, adults.
//!
//! Counts by region and ethnic group are those of the census (scaled to adults and to
//! [`SCALE`](super::figures::SCALE), rounded); counts by length of residence and by age and sex
//! agree with their census margins to rounding, and are crossed with ethnic group by iterative
//! proportional fitting from the published and assumed starting tables.

use super::figures::{
    ADULT_SHARE, AGE_PER_CENT, AGE_RANGES, AGES, COUNTRIES, DENSITY, FAMILY_SIZES, GROUPS, JOINS,
    OLDER, OWN_SECTORS, RECENT, RESIDENCE, RESIDENCES, RESIDENTS, SCALE, SECTOR_ADULTS, SEXES,
    UK_BORN, group,
};
use super::outcomes::{self, Answers};
use super::random::{Purpose, Stream};

/// Cells of age × sex: `2 × band + sex`, men first.
pub const AGE_SEX: usize = 2 * AGES;

/// An adult.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// Position in [`GROUP_NAMES`](super::figures::GROUP_NAMES).
    pub group: u8,
    /// Position in [`RESIDENCE_NAMES`](super::figures::RESIDENCE_NAMES).
    pub residence: u8,
    /// Age in years.
    pub age: u8,
    /// Band of `age`.
    pub band: u8,
    /// 0 man, 1 woman.
    pub sex: u8,
    /// Completed years in the UK; 0 for those born there.
    pub years: u8,
    /// What this person would answer.
    pub answers: Answers,
}

impl Person {
    /// 0 born in the UK, 1 ten years or more, 2 under ten years.
    pub fn migration(&self) -> usize {
        usize::from(self.residence.min(2))
    }
}

/// Adults who live together, as a run of [`Population::people`].
#[derive(Debug, Clone, Copy)]
pub struct Household {
    /// The first adult.
    pub first: u32,
    /// How many.
    pub adults: u32,
}

/// A sector, as a run of [`Population::households`].
#[derive(Debug, Clone, Copy)]
pub struct Sector {
    /// Position in [`REGION_NAMES`](super::figures::REGION_NAMES).
    pub region: usize,
    /// The first household.
    pub first: u32,
    /// How many.
    pub households: u32,
    /// What the frame says of the share of eligible households: old, hence inexact.
    pub frame_density: f64,
}

/// The population.
pub struct Population {
    /// Sectors, region by region.
    pub sectors: Vec<Sector>,
    /// Households, sector by sector.
    pub households: Vec<Household>,
    /// Adults, household by household.
    pub people: Vec<Person>,
}

impl Population {
    /// The adults of a household.
    pub fn members(&self, home: &Household) -> &[Person] {
        &self.people[home.first as usize..(home.first + home.adults) as usize]
    }
}

/// True when the boost looks for this group.
pub fn eligible(group: usize) -> bool {
    group > group::OTHER_WHITE
}

/// Adults by age × sex cell, England and Wales, scaled to the number of adults.
pub fn age_sex_totals() -> [f64; AGE_SEX] {
    let residents: f64 = COUNTRIES.iter().sum();
    let women_and_men = SEXES[0].1 + SEXES[1].1;
    let mut totals = [0.0; AGE_SEX];
    for band in 0..AGES {
        let share: f64 = COUNTRIES.iter().zip(&AGE_PER_CENT).map(|(n, p)| n * p[band]).sum::<f64>();
        for sex in 0..2 {
            totals[2 * band + sex] = share * SEXES[sex].1 / women_and_men;
        }
    }
    let all: f64 = totals.iter().sum();
    totals.map(|t| t * residents * ADULT_SHARE / all)
}

/// Builds the population of a seed.
pub fn build(seed: u64) -> Population {
    let adults =
        RESIDENTS.map(|row| row.map(|n| (f64::from(n) * ADULT_SHARE / SCALE).round() as usize));
    let by_group: [usize; GROUPS] = std::array::from_fn(|g| adults.iter().map(|row| row[g]).sum());
    let mut residence = decks(&by_group, &RESIDENCE.map(f64::from), &residence_start());
    let mut age_sex = decks(&by_group, &age_sex_totals(), &age_sex_start());

    let mut sector_stream = Stream::new(seed, Purpose::Sectors);
    let mut family_stream = Stream::new(seed, Purpose::Families);
    let mut people_stream = Stream::new(seed, Purpose::People);
    let mut answer_stream = Stream::new(seed, Purpose::Outcomes);
    for deck in residence.iter_mut().chain(&mut age_sex) {
        people_stream.shuffle(deck);
    }

    let mut out = Population { sectors: vec![], households: vec![], people: vec![] };
    for (region, counts) in adults.iter().enumerate() {
        let total: usize = counts.iter().sum();
        let sectors = (total as f64 / SECTOR_ADULTS).round() as usize;
        let attraction = attractions(sectors, &mut sector_stream);
        let families = settle(counts, &attraction, &mut family_stream);
        for sector in families {
            let first = out.households.len();
            let effect = outcomes::sector_effect(&mut answer_stream);
            for home in households(&sector, &mut family_stream) {
                let start = out.people.len();
                for &g in &home {
                    let cell = usize::from(age_sex[g].pop().unwrap_or_default());
                    let stay = residence[g].pop().unwrap_or_default();
                    let mut person = person(g, stay, cell, &mut people_stream);
                    person.answers = outcomes::answers(&person, effect, &mut answer_stream);
                    out.people.push(person);
                }
                let adults = home.len() as u32;
                out.households.push(Household { first: start as u32, adults });
            }
            let homes = &out.households[first..];
            let wanted = homes
                .iter()
                .filter(|h| out.members(h).iter().any(|p| eligible(usize::from(p.group))))
                .count();
            let truth = wanted as f64 / homes.len().max(1) as f64;
            let old = libm::exp(0.15 * sector_stream.normal());
            out.sectors.push(Sector {
                region,
                first: first as u32,
                households: homes.len() as u32,
                frame_density: (truth * old).min(1.0),
            });
        }
    }
    out
}

/// One person of a group, length of residence and age × sex cell.
fn person(g: usize, residence: u8, cell: usize, stream: &mut Stream) -> Person {
    let band = cell / 2;
    let (youngest, oldest) = AGE_RANGES[band];
    let age = youngest + stream.below(usize::from(oldest - youngest) + 1) as u8;
    let years = match residence {
        0 => 0,
        1 => 10 + stream.below(usize::from(age.min(60)) - 9) as u8,
        2 => 5 + stream.below(5) as u8,
        3 => 2 + stream.below(3) as u8,
        _ => stream.below(2) as u8,
    };
    Person {
        group: g as u8,
        residence,
        age,
        band: band as u8,
        sex: (cell % 2) as u8,
        years,
        answers: Answers::default(),
    }
}

/// How attractive each sector is to each group.
fn attractions(sectors: usize, stream: &mut Stream) -> Vec<[f64; GROUPS]> {
    (0..sectors)
        .map(|_| {
            let density = stream.normal().clamp(-2.5, 2.2);
            std::array::from_fn(|g| {
                let own = if g == group::WHITE_BRITISH { 0.1 } else { OWN_SECTORS };
                libm::exp(DENSITY[g] * density + own * stream.normal())
            })
        })
        .collect()
}

/// A family: its group, its adults, and whether it lives in another family's household.
struct Family {
    group: usize,
    adults: usize,
    joins: bool,
}

/// Chops the adults of every group into families and settles them in sectors.
fn settle(
    counts: &[usize; GROUPS],
    attraction: &[[f64; GROUPS]],
    stream: &mut Stream,
) -> Vec<Vec<Family>> {
    let mut sectors: Vec<Vec<Family>> = attraction.iter().map(|_| Vec::new()).collect();
    for (g, &count) in counts.iter().enumerate() {
        let mut sum = 0.0;
        let cumulative: Vec<f64> = attraction
            .iter()
            .map(|a| {
                sum += a[g];
                sum
            })
            .collect();
        let mut sizes = FAMILY_SIZES[usize::from(eligible(g))];
        for i in 1..sizes.len() {
            sizes[i] += sizes[i - 1];
        }
        let mut left = count;
        while left > 0 {
            let joins = stream.chance(JOINS[g]);
            let adults = if joins { 1 } else { (stream.by_cumulative(&sizes) + 1).min(left) };
            left -= adults;
            sectors[stream.by_cumulative(&cumulative)].push(Family { group: g, adults, joins });
        }
    }
    sectors
}

/// The households of a sector, each as the groups of its adults.
fn households(families: &[Family], stream: &mut Stream) -> Vec<Vec<usize>> {
    let mut homes: Vec<Vec<usize>> =
        families.iter().filter(|f| !f.joins).map(|f| vec![f.group; f.adults]).collect();
    for family in families.iter().filter(|f| f.joins) {
        let host = stream.below(homes.len().max(1));
        match homes.get_mut(host) {
            Some(home) => home.push(family.group),
            None => homes.push(vec![family.group]),
        }
    }
    homes
}

/// Where the crossing of ethnic group and length of residence starts.
fn residence_start() -> Vec<[f64; RESIDENCES]> {
    let abroad: f64 = RESIDENCE[1..].iter().map(|&n| f64::from(n)).sum();
    (0..GROUPS)
        .map(|g| {
            std::array::from_fn(|l| match l {
                0 => UK_BORN[g],
                1 => (1.0 - UK_BORN[g]) * f64::from(RESIDENCE[1]) / abroad,
                _ => (1.0 - UK_BORN[g]) * RECENT[g] * f64::from(RESIDENCE[l]) / abroad,
            })
        })
        .collect()
}

/// Where the crossing of ethnic group and age × sex starts.
fn age_sex_start() -> Vec<[f64; AGE_SEX]> {
    let totals = age_sex_totals();
    (0..GROUPS)
        .map(|g| {
            std::array::from_fn(|cell| {
                let (from, to) = AGE_RANGES[cell / 2];
                let middle = 0.5 * (f64::from(from) + f64::from(to));
                totals[cell] * libm::exp(OLDER[g] * (middle - 47.0) / 20.0)
            })
        })
        .collect()
}

/// Decks of cells, one per group, that hold every cell as often as the fitted table says: the
/// rows exactly, the columns to rounding.
fn decks<const C: usize>(
    rows: &[usize; GROUPS],
    columns: &[f64; C],
    start: &[[f64; C]],
) -> Vec<Vec<u8>> {
    let all: f64 = rows.iter().map(|&n| n as f64).sum();
    let column_sum: f64 = columns.iter().sum();
    let mut table = start.to_vec();
    // Two hundred sweeps are far more than these tables need to fit to 1e-12.
    for _ in 0..200 {
        for (row, &n) in table.iter_mut().zip(rows) {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|x| *x *= n as f64 / sum);
        }
        for c in 0..C {
            let sum: f64 = table.iter().map(|row| row[c]).sum();
            let factor = columns[c] / column_sum * all / sum;
            table.iter_mut().for_each(|row| row[c] *= factor);
        }
    }
    table.iter().zip(rows).map(|(row, &n)| deck(row, n)).collect()
}

/// `n` cells in proportion to `shares`, rounded by largest remainders.
fn deck(shares: &[f64], n: usize) -> Vec<u8> {
    let sum: f64 = shares.iter().sum();
    let exact: Vec<f64> = shares.iter().map(|s| s / sum * n as f64).collect();
    let mut counts: Vec<usize> = exact.iter().map(|x| x.floor() as usize).collect();
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    let short = n - counts.iter().sum::<usize>();
    for &cell in order.iter().take(short) {
        counts[cell] += 1;
    }
    counts.iter().enumerate().flat_map(|(cell, &k)| std::iter::repeat_n(cell as u8, k)).collect()
}
