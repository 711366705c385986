//! A population of people in areas, and samples of areas with boosts of small groups.

use std::sync::Arc;

use rakewell::data::Codes;
use rakewell::numeric::distributions::normal_quantile;
use rakewell::numeric::random::{below, open_unit, stream};
use rakewell::weight::Margin;
use rand::Rng;

pub const SEED: u64 = 20_260_301;
/// Areas of each kind, and people in each.
pub const KINDS: [usize; 3] = [2_800, 900, 300];
const PEOPLE: usize = 100;
/// Shares of the minorities by kind of area.
const SHARES: [[f64; 3]; 3] = [[0.06, 0.02, 0.004], [0.20, 0.06, 0.015], [0.40, 0.16, 0.05]];
/// Rates at which people of each group are taken within a sampled area.
const RATES: [f64; 4] = [0.05, 0.25, 0.7, 1.0];

/// What is estimated of: everyone, and the groups.
pub const DOMAINS: [&str; 5] = ["everyone", "83 %", "12 %", "4 %", "1 %"];
/// About, in everyone.
pub const PREVALENCES: [f64; 4] = [0.01, 0.05, 0.2, 0.5];
/// How many outcomes are estimated of how many domains.
pub const CELLS: usize = PREVALENCES.len() * DOMAINS.len();

/// A sample design: its name, and the PSUs that are drawn of each kind of area.
pub type Design = (&'static str, [usize; 3]);

pub const DESIGNS: [Design; 3] =
    [("12 PSUs", [4, 4, 4]), ("30 PSUs", [10, 10, 10]), ("90 PSUs", [50, 25, 15])];

#[derive(Clone)]
struct Person {
    sex_age: u32,
    group: u32,
    y: [f64; 4],
}

pub struct Population {
    areas: Vec<Vec<Person>>,
    /// Of every outcome and domain, outcome by outcome.
    pub truth: Vec<f64>,
    /// Sizes of sex × age, of the kinds of area, and of the groups.
    totals: [Vec<f64>; 3],
}

fn kind(area: usize) -> usize {
    usize::from(area >= KINDS[0]) + usize::from(area >= KINDS[0] + KINDS[1])
}

impl Population {
    /// The same on every machine: a random effect of the area, of the group and of age on the logit scale.
    pub fn new() -> Population {
        let mut rng = stream(SEED, "population", 0);
        let mut uniform = || open_unit(rng.next_u64());
        let mut sums = [[0.0; 5]; DOMAINS.len()];
        let mut totals = [vec![0.0; 6], vec![0.0; 3], vec![0.0; 4]];
        let mut areas = Vec::new();
        for area in 0..KINDS.iter().sum() {
            let shares = SHARES[kind(area)];
            let effect = 0.35 * normal_quantile(uniform());
            let mut people = Vec::with_capacity(PEOPLE);
            for _ in 0..PEOPLE {
                let u = uniform();
                let (mut group, mut edge) = (0, 0.0);
                for (g, share) in shares.iter().enumerate() {
                    if (edge..edge + share).contains(&u) {
                        group = g + 1;
                    }
                    edge += share;
                }
                let sex_age = (uniform() * 6.0) as u32;
                let y = PREVALENCES.map(|p| {
                    let of_age = 0.3 * (f64::from(sex_age % 3) - 1.0);
                    let logit = (p / (1.0 - p)).ln() + effect + 0.15 * group as f64 + of_age;
                    f64::from(u8::from(uniform() < 1.0 / (1.0 + (-logit).exp())))
                });
                for domain in [0, group + 1] {
                    sums[domain][4] += 1.0;
                    sums[domain].iter_mut().zip(y).for_each(|(s, y)| *s += y);
                }
                totals[0][sex_age as usize] += 1.0;
                totals[1][kind(area)] += 1.0;
                totals[2][group] += 1.0;
                people.push(Person { sex_age, group: group as u32, y });
            }
            areas.push(people);
        }
        let truth = (0..CELLS).map(|c| sums[c % 5][c / 5] / sums[c % 5][4]).collect();
        Population { areas, truth, totals }
    }

    /// One sample: areas at random without replacement within their kind, and each of their people with the
    /// rate of the group. An area in which nobody was taken stays in the sample with a row of weight zero.
    pub fn draw(&self, (name, sizes): Design, number: u64) -> Drawn {
        let mut rng = stream(SEED, name, number);
        let mut drawn = Drawn::default();
        let mut first = 0;
        for (k, &n) in sizes.iter().enumerate() {
            let mut list: Vec<usize> = (first..first + KINDS[k]).collect();
            first += KINDS[k];
            for i in 0..n {
                let j = i + below((list.len() - i) as u64, || rng.next_u64()) as usize;
                list.swap(i, j);
                let area = list[i];
                let before = drawn.group.len();
                for person in &self.areas[area] {
                    let rate = RATES[person.group as usize];
                    if open_unit(rng.next_u64()) < rate {
                        drawn.push(k, area, KINDS[k] as f64 / n as f64 / rate, person);
                    }
                }
                if drawn.group.len() == before {
                    drawn.push(k, area, 0.0, &self.areas[area][0]);
                }
            }
        }
        drawn
    }

    /// The margins that a sample is raked to: sex × age, kind of area, group.
    pub fn margins(&self, drawn: &Drawn) -> Vec<Margin> {
        ["sex × age", "kind of area", "group"]
            .iter()
            .zip([&drawn.sex_age, &drawn.kind, &drawn.group])
            .zip(&self.totals)
            .map(|((name, codes), targets)| Margin {
                name: (*name).to_string(),
                codes: Arc::new(Codes::pack(codes, targets.len())),
                levels: (0..targets.len()).map(|l| l.to_string()).collect(),
                targets: targets.clone(),
            })
            .collect()
    }
}

/// A sample: one entry per row.
#[derive(Default)]
pub struct Drawn {
    pub area: Vec<f64>,
    pub weight: Vec<f64>,
    pub sex_age: Vec<u32>,
    pub kind: Vec<u32>,
    pub group: Vec<u32>,
    pub y: [Vec<f64>; 4],
}

impl Drawn {
    fn push(&mut self, kind: usize, area: usize, weight: f64, person: &Person) {
        self.area.push(area as f64);
        self.weight.push(weight);
        self.sex_age.push(person.sex_age);
        self.kind.push(kind as u32);
        self.group.push(person.group);
        self.y.iter_mut().zip(person.y).for_each(|(list, y)| list.push(y));
    }
}
