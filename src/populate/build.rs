//! Making the people.

use std::path::Path;

use rand::Rng;
use rand_chacha::ChaCha12Rng;
use rayon::prelude::*;

use super::check::{MOST, levels};
use super::spec::{Attribute, Households, Kind, Of, Outcome, Population, Shares};
use crate::data::expr::{ExprError, Expression};
use crate::data::io::{DataError, ReadOptions, read};
use crate::data::{Codes, Column, Factor, Level, Numbers, Table, Values};
use crate::numeric::distributions::{normal_cdf, normal_quantile};
use crate::numeric::random::{below, open_unit, stream, unit};

/// Why a population cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PopulateError {
    /// The file of areas cannot be read.
    #[error(transparent)]
    Areas(#[from] DataError),
    /// A column of the file of areas is not there, or not of numbers.
    #[error("the file of areas has no column of numbers `{0}`")]
    Column(String),
    /// A value of an area that cannot be worked with.
    #[error("area {area} has {value} in `{column}`")]
    Value {
        /// The area, from 1.
        area: usize,
        /// The column.
        column: String,
        /// Its value.
        value: f64,
    },
    /// Too many people.
    #[error("that would be more than {MOST:.0} people")]
    TooMany,
    /// A column twice.
    #[error("the file of areas has a column `{0}`, which the population makes, too")]
    Taken(String),
    /// The condition of a `[[share]]` does not fit.
    #[error("the condition `{text}` of `{name}`: {error}")]
    Condition {
        /// The share.
        name: String,
        /// The condition.
        text: String,
        /// What is wrong.
        error: Box<ExprError>,
    },
}

/// The people of a population, one row each: area, household, place in the household, attributes,
/// outcomes, shares of areas. `folder` is where the file of areas is looked for.
///
/// Areas have streams of their own, so that the same seed gives the same people with any number of
/// threads. An attribute of level probabilities p has, with clustering ρ, area shares from a Dirichlet
/// distribution with parameters p(1 − ρ)/ρ, whose intra-area correlation is ρ. An outcome is
/// y = μ + σ z, or y = 1 when Φ(z) < p, with z = √ρ_a A + √ρ_h H + √(1 − ρ_a − ρ_h) E for standard
/// normal area, household and person parts: its mean is exact whatever the clustering (but for
/// rounding and the range of numbers).
///
/// # Errors
/// Areas that cannot be read or used, too many people.
pub fn build(given: &Population, seed: u64, folder: &Path) -> Result<Table, PopulateError> {
    let areas = match &given.areas.file {
        Some(file) => Some(read(&folder.join(file), &ReadOptions::default())?),
        None => None,
    };
    let number = areas.as_ref().map_or(given.areas.number.unwrap_or(0.0) as usize, Table::rows);
    let maker = Maker::new(given, areas.as_ref(), number)?;
    let made: Vec<Made> = (0..number).into_par_iter().map(|a| maker.area(a, seed)).collect();
    let people: usize = made.iter().map(|m| m.household.len()).sum();
    if people as f64 > MOST {
        return Err(PopulateError::TooMany);
    }
    let mut table = Table::default();
    let push = |table: &mut Table, column: Column| {
        let name = column.name.clone();
        table.push(column).map_err(|_| PopulateError::Taken(name))
    };
    let of_area: Vec<u32> =
        made.iter().enumerate().flat_map(|(a, m)| vec![a as u32; m.household.len()]).collect();
    let id = given.areas.id.as_deref().unwrap_or("area");
    match &areas {
        Some(areas) => {
            if areas.column(id).is_none() {
                return Err(PopulateError::Column(id.to_string()));
            }
            for column in areas.columns() {
                push(&mut table, column.pick(&of_area))?;
            }
        }
        None => {
            let width = number.to_string().len();
            let levels = (1..=number).map(|a| Level::new(format!("A{a:0width$}"))).collect();
            push(&mut table, coded(id, None, of_area.iter().copied(), levels))?;
        }
    }
    let mut first = 0;
    let mut households = Vec::with_capacity(people);
    for m in &made {
        households.extend(m.household.iter().map(|h| f64::from(first + h + 1)));
        first += m.households;
    }
    push(&mut table, Column::numbers("household", households))?;
    let person = made.iter().flat_map(|m| m.person.iter().map(|p| f64::from(*p)));
    push(&mut table, Column::numbers("person", person.collect()))?;
    let count = made.iter().flat_map(|m| vec![f64::from(m.households); m.household.len()]);
    push(&mut table, Column::numbers("households_in_area", count.collect()))?;
    for (i, attribute) in given.attribute.iter().enumerate() {
        let names = maker.attributes[i].levels.iter().map(|l| Level::new(l.clone())).collect();
        let codes = made.iter().flat_map(|m| m.attributes[i].iter().copied());
        push(&mut table, coded(&attribute.name, attribute.label.as_deref(), codes, names))?;
    }
    for (i, outcome) in given.outcome.iter().enumerate() {
        let values = made.iter().flat_map(|m| m.outcomes[i].iter().copied()).collect();
        let mut column = Column::from_values(&outcome.name, Values::Numbers(Numbers::pack(values)));
        column.label.clone_from(&outcome.label);
        push(&mut table, column)?;
    }
    for share in &given.share {
        let wrong = |error: ExprError| PopulateError::Condition {
            name: share.name.clone(),
            text: share.part.clone(),
            error: Box::new(error),
        };
        let condition = Expression::parse(&share.part).map_err(wrong)?;
        let holds = condition
            .condition(&table)
            .map_err(|errors| errors.into_iter().next().map_or(PopulateError::TooMany, wrong))?;
        let (mut sum, mut all) = (vec![0_u32; number], vec![0_u32; number]);
        for (a, h) in of_area.iter().zip(&holds) {
            all[*a as usize] += 1;
            sum[*a as usize] += u32::from(*h == Some(true));
        }
        let values = of_area
            .iter()
            .map(|a| f64::from(sum[*a as usize]) / f64::from(all[*a as usize]))
            .collect();
        push(&mut table, Column::numbers(&share.name, values))?;
    }
    Ok(table)
}

fn coded(
    name: &str,
    label: Option<&str>,
    codes: impl Iterator<Item = u32>,
    levels: Vec<Level>,
) -> Column {
    let codes = Codes::collect(codes, levels.len());
    let mut column = Column::from_values(name, Values::Text(Factor { codes, levels }));
    column.label = label.map(str::to_string);
    column
}

/// An attribute with numbers in place of names.
struct Drawn<'s> {
    spec: &'s Attribute,
    levels: Vec<String>,
    /// The attribute that it depends on, and the shares for each of its levels; else one list.
    given: Option<usize>,
    shares: Vec<Vec<f64>>,
    /// With columns: by area.
    of_areas: Option<Vec<Vec<f64>>>,
}

/// An outcome with numbers in place of names.
struct Answer<'s> {
    spec: &'s Outcome,
    /// By effect: the attribute, and by level what replaces the mean and what is added.
    effects: Vec<(usize, Vec<Option<f64>>, Vec<f64>)>,
}

struct Maker<'s> {
    given: &'s Population,
    sizes: Vec<f64>,
    /// By area, if a file says so.
    households: Option<Vec<f64>>,
    attributes: Vec<Drawn<'s>>,
    outcomes: Vec<Answer<'s>>,
}

/// The people of one area.
struct Made {
    households: u32,
    household: Vec<u32>,
    person: Vec<u32>,
    attributes: Vec<Vec<u32>>,
    outcomes: Vec<Vec<f64>>,
}

fn column_of(areas: Option<&Table>, name: &str) -> Result<Vec<f64>, PopulateError> {
    let column = areas.and_then(|a| a.column(name)).and_then(Column::as_numbers);
    let values = column.ok_or_else(|| PopulateError::Column(name.to_string()))?.to_vec();
    match values.iter().position(|v| !(0.0..1e7).contains(v)) {
        Some(area) => {
            let (value, column) = (values[area], name.to_string());
            Err(PopulateError::Value { area: area + 1, column, value })
        }
        None => Ok(values),
    }
}

impl<'s> Maker<'s> {
    fn new(
        given: &'s Population,
        areas: Option<&Table>,
        number: usize,
    ) -> Result<Maker<'s>, PopulateError> {
        let households = match &given.areas.households {
            Households::Column(name) => Some(column_of(areas, name)?),
            _ => None,
        };
        let mut attributes: Vec<Drawn<'s>> = Vec::new();
        for spec in &given.attribute {
            let names = levels(spec);
            let list = |pairs: &[(String, f64)]| -> Vec<f64> {
                let of =
                    |level: &String| pairs.iter().find(|(l, _)| l == level).map_or(0.0, |p| p.1);
                scaled(names.iter().map(of).collect())
            };
            let given_at =
                spec.given.as_ref().and_then(|g| attributes.iter().position(|a| a.spec.name == *g));
            let shares = match given_at {
                Some(g) => attributes[g]
                    .levels
                    .iter()
                    .map(|level| match spec.shares.0.iter().find(|(l, _)| l == level) {
                        Some((_, Shares::Table(table))) => list(&table.0),
                        _ => vec![1.0 / names.len() as f64; names.len()],
                    })
                    .collect(),
                None => {
                    let plain: Vec<(String, f64)> = spec
                        .shares
                        .0
                        .iter()
                        .filter_map(|(l, s)| match s {
                            Shares::Share(x) => Some((l.clone(), *x)),
                            Shares::Table(_) => None,
                        })
                        .collect();
                    vec![list(&plain)]
                }
            };
            let of_areas = if spec.columns.0.is_empty() {
                None
            } else {
                let columns = spec
                    .columns
                    .0
                    .iter()
                    .map(|(_, column)| column_of(areas, column))
                    .collect::<Result<Vec<_>, _>>()?;
                Some((0..number).map(|a| scaled(columns.iter().map(|c| c[a]).collect())).collect())
            };
            attributes.push(Drawn { spec, levels: names, given: given_at, shares, of_areas });
        }
        let outcomes = given
            .outcome
            .iter()
            .map(|spec| {
                let effects = spec.by.iter().filter_map(|effect| {
                    let at = attributes.iter().position(|a| a.spec.name == effect.attribute)?;
                    let of = |pairs: &[(String, f64)], level: &String| {
                        pairs.iter().find(|(l, _)| l == level).map(|p| p.1)
                    };
                    let levels = &attributes[at].levels;
                    let mean = levels.iter().map(|l| of(&effect.mean.0, l)).collect();
                    let add = levels.iter().map(|l| of(&effect.add.0, l).unwrap_or(0.0)).collect();
                    Some((at, mean, add))
                });
                Answer { spec, effects: effects.collect() }
            })
            .collect();
        let sizes = scaled(given.household_sizes.clone());
        Ok(Maker { given, sizes, households, attributes, outcomes })
    }

    fn area(&self, area: usize, seed: u64) -> Made {
        let mut rng = stream(seed, "populate", area as u64);
        let households = match (&self.households, &self.given.areas.households) {
            (Some(of_areas), _) => of_areas[area].round() as u32,
            (None, Households::Between([low, high])) => {
                let (low, high) = (low.round() as u64, high.round() as u64);
                (low + below(high - low + 1, || rng.next_u64())) as u32
            }
            (None, Households::Number(n)) => n.round() as u32,
            (None, Households::Column(_)) => 0,
        };
        // What the area is like.
        let own: Vec<Option<Vec<f64>>> = self
            .attributes
            .iter()
            .map(|a| match (&a.of_areas, a.given) {
                (Some(of_areas), _) => Some(of_areas[area].clone()),
                (None, Some(_)) => None,
                (None, None) => Some(match a.spec.clustering {
                    Some(rho) => dirichlet(&a.shares[0], (1.0 - rho) / rho, &mut rng),
                    None => a.shares[0].clone(),
                }),
            })
            .collect();
        let draw = |i: usize, before: &[u32], rng: &mut ChaCha12Rng| {
            let a = &self.attributes[i];
            let shares = match (&own[i], a.given) {
                (Some(own), _) => own.as_slice(),
                (None, given) => &a.shares[given.map_or(0, |g| before[g] as usize)],
            };
            pick(shares, unit(rng.next_u64()))
        };
        let count = self.attributes.len();
        let mut of_area = vec![0; count];
        for i in (0..count).filter(|i| self.attributes[*i].spec.of == Of::Area) {
            of_area[i] = draw(i, &of_area, &mut rng);
        }
        let area_parts: Vec<f64> = self.outcomes.iter().map(|_| normal(&mut rng)).collect();
        let mut made = Made {
            households,
            household: Vec::new(),
            person: Vec::new(),
            attributes: vec![Vec::new(); count],
            outcomes: vec![Vec::new(); self.outcomes.len()],
        };
        for h in 0..households {
            let people = pick(&self.sizes, unit(rng.next_u64())) + 1;
            let mut of_household = of_area.clone();
            for i in (0..count).filter(|i| self.attributes[*i].spec.of == Of::Household) {
                of_household[i] = draw(i, &of_household, &mut rng);
            }
            let household_parts: Vec<f64> =
                self.outcomes.iter().map(|_| normal(&mut rng)).collect();
            for p in 0..people {
                let mut person = of_household.clone();
                for (i, a) in self.attributes.iter().enumerate() {
                    let another = a.spec.of == Of::Household
                        && a.spec.alike.is_some_and(|alike| p > 0 && unit(rng.next_u64()) >= alike);
                    if another || a.spec.of == Of::Person {
                        person[i] = draw(i, &person, &mut rng);
                    }
                }
                made.household.push(h);
                made.person.push(p + 1);
                for (list, &level) in made.attributes.iter_mut().zip(&person) {
                    list.push(level);
                }
                for (o, answer) in self.outcomes.iter().enumerate() {
                    let z = answer.latent(area_parts[o], household_parts[o], normal(&mut rng));
                    made.outcomes[o].push(answer.of(&person, z));
                }
            }
        }
        made
    }
}

impl Answer<'_> {
    fn latent(&self, area: f64, household: f64, own: f64) -> f64 {
        let (a, h) = (self.spec.area.unwrap_or(0.0), self.spec.household.unwrap_or(0.0));
        a.sqrt() * area + h.sqrt() * household + (1.0 - a - h).max(0.0).sqrt() * own
    }

    fn of(&self, person: &[u32], z: f64) -> f64 {
        let mean = self.effects.iter().fold(self.spec.mean, |mean, (attribute, means, adds)| {
            let level = person[*attribute] as usize;
            means[level].unwrap_or(mean) + adds[level]
        });
        if self.spec.kind == Kind::YesNo {
            return f64::from(u8::from(normal_cdf(z) < mean.clamp(0.0, 1.0)));
        }
        let value = mean + self.spec.sd.unwrap_or(0.0) * z;
        let value = if self.spec.whole { value.round() } else { value };
        match self.spec.range {
            Some([low, high]) => value.clamp(low, high),
            None => value,
        }
    }
}

fn scaled(mut shares: Vec<f64>) -> Vec<f64> {
    let sum: f64 = shares.iter().sum();
    let count = shares.len().max(1) as f64;
    shares.iter_mut().for_each(|s| *s = if sum > 0.0 { *s / sum } else { 1.0 / count });
    shares
}

fn pick(shares: &[f64], mut u: f64) -> u32 {
    let mut last = 0;
    for (i, &s) in shares.iter().enumerate().filter(|(_, s)| **s > 0.0) {
        if u < s {
            return i as u32;
        }
        u -= s;
        last = i as u32;
    }
    last
}

fn normal(rng: &mut ChaCha12Rng) -> f64 {
    normal_quantile(open_unit(rng.next_u64()))
}

/// Shares from a Dirichlet distribution with parameters `mean · size`.
fn dirichlet(mean: &[f64], size: f64, rng: &mut ChaCha12Rng) -> Vec<f64> {
    scaled(mean.iter().map(|m| gamma(m * size, rng)).collect())
}

/// A gamma variate of this shape and scale 1 (Marsaglia and Tsang 2000; for shapes below 1 by the
/// power of a uniform number).
fn gamma(shape: f64, rng: &mut ChaCha12Rng) -> f64 {
    if shape <= 0.0 {
        return 0.0;
    }
    if shape < 1.0 {
        return gamma(shape + 1.0, rng) * open_unit(rng.next_u64()).powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    // Each try is taken with probability above 0.95.
    for _ in 0..1000 {
        let x = normal(rng);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && open_unit(rng.next_u64()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
    shape
}
