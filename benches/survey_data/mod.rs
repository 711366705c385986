//! A synthetic boost survey of any size, for measuring speed.
//!
//! A general sample of about three quarters of the PSUs and an ethnic minority boost in the rest,
//! with strata, PSUs, base weights, the factors of five raking margins, four outcomes, and census
//! totals some way off from the base-weighted counts. The same rows and seed give the same data on
//! every machine. It is made for its shape; nothing in it stands for real people.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The population the weights add up to, roughly, and the margins exactly.
pub const POPULATION: f64 = 60e6;

/// Factors with a margin, and their numbers of levels.
pub const MARGINS: [(&str, usize); 5] =
    [("region", 12), ("agesex", 16), ("eth", 18), ("mig", 3), ("educ", 5)];

/// Shares of the ethnic groups in the population; the first four are White groups.
const GROUP_SHARES: [f64; 18] = [
    0.744, 0.009, 0.001, 0.064, 0.009, 0.004, 0.008, 0.008, 0.031, 0.027, 0.011, 0.007, 0.016,
    0.025, 0.010, 0.005, 0.006, 0.015,
];

/// The first group the boost looks for, and how much it oversamples them.
const FIRST_MINORITY: i32 = 4;
const OVERSAMPLING: f64 = 9.0;

/// The survey, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Stratum, from 0.
    pub stratum: Vec<i32>,
    /// PSU, from 0; each lies in one stratum.
    pub psu: Vec<i32>,
    /// Base weight.
    pub base_w: Vec<f64>,
    /// Region, 0 to 11; strata lie within regions.
    pub region: Vec<i32>,
    /// Age × sex, 0 to 15.
    pub agesex: Vec<i32>,
    /// Ethnic group, 0 to 17.
    pub eth: Vec<i32>,
    /// Migration, 0 to 2.
    pub mig: Vec<i32>,
    /// Education, 0 to 4.
    pub educ: Vec<i32>,
    /// Tenure, 0 to 3.
    pub tenure: Vec<i32>,
    /// Discriminated against, 0 or 1.
    pub discrim: Vec<i32>,
    /// Lonely, 0 or 1.
    pub lonely: Vec<i32>,
    /// Satisfaction, 1 to 7.
    pub satis: Vec<i32>,
    /// Income.
    pub income: Vec<f64>,
    /// The totals of each factor of [`MARGINS`], by level; all add up to [`POPULATION`].
    pub margins: Vec<Vec<f64>>,
}

impl Survey {
    /// Makes a survey of about `rows` rows (a whole number of PSUs) from a seed.
    pub fn new(rows: usize, seed: u64) -> Survey {
        let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
        let psu_size = if rows <= 200_000 { 18 } else { 60 };
        let psus = (rows / psu_size).max(1);
        // Whole numbers of PSUs per stratum, and at least two.
        let strata = (psus / 25).max(40).min((psus / 2).max(1));
        let n = psus * psu_size;
        let group_shares = cumulative(&GROUP_SHARES, 1.0);
        let boost_shares = cumulative(&GROUP_SHARES, OVERSAMPLING);
        let stratum_size: Vec<f64> =
            (0..strata).map(|_| libm::exp(0.35 * random.normal())).collect();

        let mut s = Survey::with_capacity(n);
        for psu in 0..psus {
            let stratum = psu * strata / psus;
            let region = (stratum * 12 / strata) as i32;
            let boost = random.unit() < 0.25;
            let effect = 0.35 * random.normal();
            for _ in 0..psu_size {
                let shares = if boost { &boost_shares } else { &group_shares };
                let eth = random.pick(shares);
                let minority = eth >= FIRST_MINORITY;
                let born_here = match eth {
                    0 => 0.97,
                    1..FIRST_MINORITY => 0.3,
                    _ => 0.5,
                };
                let mig = random.pick(&[born_here, born_here + 0.4 * (1.0 - born_here), 1.0]);
                let agesex = random.below(16);
                let educated = if mig == 1 { 0.37 } else { 0.35 };
                let educ = (0..4).filter(|_| random.unit() < educated).count() as i32;
                let tenure = random.below(4);
                let (m, recent) = (f64::from(minority), f64::from(mig == 1));
                let discrim = random.answer(-2.2 + 0.8 * m + 0.5 * recent + effect);
                let age = f64::from(agesex % 8);
                let lonely = random.answer(-1.2 + 0.3 * m + 0.3 * recent - 0.05 * age + effect);
                let satis = (5.0 - 0.4 * m + effect + 1.3 * random.normal()).round();
                let income =
                    libm::exp(7.3 - 0.1 * m + 0.15 * f64::from(educ) + 0.6 * random.normal());
                let down = if boost && minority { 1.0 / OVERSAMPLING } else { 1.0 };

                s.stratum.push(stratum as i32);
                s.psu.push(psu as i32);
                s.base_w.push(down * stratum_size[stratum] * POPULATION / n as f64);
                s.region.push(region);
                s.agesex.push(agesex);
                s.eth.push(eth);
                s.mig.push(mig);
                s.educ.push(educ);
                s.tenure.push(tenure);
                s.discrim.push(discrim);
                s.lonely.push(lonely);
                s.satis.push(satis.clamp(1.0, 7.0) as i32);
                s.income.push((income * 100.0).round() / 100.0);
            }
        }
        s.margins = MARGINS
            .iter()
            .map(|&(name, levels)| margin(&s.base_w, s.factor(name), levels, &mut random))
            .collect();
        s
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.base_w.len()
    }

    /// The codes of a factor of [`MARGINS`]; empty for any other name.
    pub fn factor(&self, name: &str) -> &[i32] {
        match name {
            "region" => &self.region,
            "agesex" => &self.agesex,
            "eth" => &self.eth,
            "mig" => &self.mig,
            "educ" => &self.educ,
            _ => &[],
        }
    }

    /// All integer columns with their names, in file order.
    pub fn integers(&self) -> [(&'static str, &[i32]); 11] {
        [
            ("stratum", &self.stratum),
            ("psu", &self.psu),
            ("region", &self.region),
            ("agesex", &self.agesex),
            ("eth", &self.eth),
            ("mig", &self.mig),
            ("educ", &self.educ),
            ("tenure", &self.tenure),
            ("discrim", &self.discrim),
            ("lonely", &self.lonely),
            ("satis", &self.satis),
        ]
    }

    fn with_capacity(n: usize) -> Survey {
        let integers = || Vec::with_capacity(n);
        Survey {
            stratum: integers(),
            psu: integers(),
            base_w: Vec::with_capacity(n),
            region: integers(),
            agesex: integers(),
            eth: integers(),
            mig: integers(),
            educ: integers(),
            tenure: integers(),
            discrim: integers(),
            lonely: integers(),
            satis: integers(),
            income: Vec::with_capacity(n),
            margins: Vec::new(),
        }
    }
}

/// Base-weighted counts, moved by about 12 % level by level and scaled to the population.
fn margin(weights: &[f64], codes: &[i32], levels: usize, random: &mut Random) -> Vec<f64> {
    let mut totals = vec![0.0; levels];
    for (&code, &w) in codes.iter().zip(weights) {
        totals[code as usize] += w;
    }
    totals.iter_mut().for_each(|t| *t *= libm::exp(0.12 * random.normal()));
    let sum: f64 = totals.iter().sum();
    totals.iter().map(|t| t * POPULATION / sum).collect()
}

/// Cumulative shares, those of the minority groups multiplied by `factor`, ending in 1.
fn cumulative(shares: &[f64], factor: f64) -> Vec<f64> {
    let shares: Vec<f64> = (0..)
        .zip(shares)
        .map(|(g, s): (i32, &f64)| if g >= FIRST_MINORITY { s * factor } else { *s })
        .collect();
    let sum: f64 = shares.iter().sum();
    let mut passed = 0.0;
    shares
        .iter()
        .map(|s| {
            passed += s / sum;
            passed
        })
        .collect()
}

struct Random(ChaCha8Rng);

impl Random {
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(2.0 * std::f64::consts::PI * self.unit())
    }

    fn below(&mut self, n: u32) -> i32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as i32
    }

    /// Index with cumulative shares.
    fn pick(&mut self, cumulative: &[f64]) -> i32 {
        let point = self.unit();
        let last = cumulative.len().saturating_sub(1);
        cumulative.iter().take(last).filter(|&&c| c <= point).count() as i32
    }

    fn answer(&mut self, log_odds: f64) -> i32 {
        i32::from(self.unit() < 1.0 / (1.0 + libm::exp(-log_odds)))
    }
}
