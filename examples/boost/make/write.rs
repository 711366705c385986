//! The three files.

use std::fmt::Write as _;

use super::figures::{
    ADULT_SHARE, AGE_NAMES, GROUP_NAMES, GROUPS, JOINED_WHITE, REGION_NAMES, RESIDENCE,
    RESIDENCE_NAMES, RESIDENTS, SCALE, SEXES, group, item,
};
use super::population::{Person, Population, age_sex_totals};
use super::random::{Purpose, Stream};
use super::sample::{Drawn, Origin};

/// The answers of everyone interviewed.
pub fn responses(population: &Population, sample: &[Drawn], seed: u64) -> String {
    let mut stream = Stream::new(seed, Purpose::Items);
    let mut out = String::from(
        "id,sample,stratum,psu,household,region,sex,age,ethnic,ethnic_grid,ukborn,years_uk,\
         discrim,lonely,lifesat,jobsat,design_weight\n",
    );
    for (i, drawn) in sample.iter().filter(|d| d.responded).enumerate() {
        let p = &population.people[drawn.person];
        let a = p.answers;
        let grid = i32::from(p.group) + 1;
        let ethnic = answer(grid, item::ETHNIC, &mut stream);
        let discrim = answer(i32::from(a.discriminated), item::DISCRIMINATED, &mut stream);
        let lonely = answer(i32::from(a.lonely), item::LONELY, &mut stream);
        let life = answer(i32::from(a.life_satisfaction), item::LIFE_SATISFACTION, &mut stream);
        let job = match a.job_satisfaction {
            Some(score) => answer(i32::from(score), item::JOB_SATISFACTION, &mut stream),
            None => -8,
        };
        let (born, years) = if p.residence == 0 { (1, -8) } else { (2, i32::from(p.years)) };
        let origin = if drawn.origin == Origin::General { 1 } else { 2 };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{},{origin},{},{},{},{},{},{},{ethnic},{grid},{born},{years},{discrim},{lonely},\
             {life},{job},{:.3}",
            i + 1,
            drawn.stratum,
            drawn.psu,
            drawn.household,
            drawn.region + 1,
            p.sex + 1,
            p.age,
            drawn.design_weight,
        );
    }
    out
}

/// An answer, or −9 (missing) or −1 (don't know) with the given probabilities.
fn answer(value: i32, (missing, unknown): (f64, f64), stream: &mut Stream) -> i32 {
    let point = stream.unit();
    if point < missing {
        -9
    } else if point < missing + unknown {
        -1
    } else {
        value
    }
}

/// Census totals scaled to adults.
pub fn margins() -> String {
    let mut out = String::from("variable,level,total\n");
    let mut row = |variable: &str, level: &str, total: f64| {
        let level = if level.contains(',') { format!("\"{level}\"") } else { level.to_string() };
        let _ = writeln!(out, "{variable},{level},{:.0}", total);
    };
    let by_group: [f64; GROUPS] =
        std::array::from_fn(|g| RESIDENTS.iter().map(|r| f64::from(r[g])).sum());
    let joined = [group::TRAVELLER, group::ROMA, group::OTHER_WHITE];
    for g in 0..GROUPS {
        if g == group::OTHER_WHITE {
            let total: f64 = joined.iter().map(|&j| by_group[j]).sum();
            row("ethnic_margin", JOINED_WHITE, total * ADULT_SHARE);
        } else if !joined.contains(&g) {
            row("ethnic_margin", GROUP_NAMES[g], by_group[g] * ADULT_SHARE);
        }
    }
    for (name, &total) in RESIDENCE_NAMES.iter().zip(&RESIDENCE) {
        row("residence", name, f64::from(total) * ADULT_SHARE);
    }
    for (name, residents) in REGION_NAMES.iter().zip(&RESIDENTS) {
        let total: f64 = residents.iter().map(|&n| f64::from(n)).sum();
        row("region", name, total * ADULT_SHARE);
    }
    for (cell, total) in age_sex_totals().into_iter().enumerate() {
        let level = format!("{} × {}", AGE_NAMES[cell / 2], SEXES[cell % 2].0);
        row("age_band × sex", &level, total);
    }
    out
}

/// Migration groups of the table of true values.
pub const MIGRATION_NAMES: [&str; 3] = ["UK-born", "10 years or more", "Under 10 years"];

/// Sums over a group of people.
#[derive(Default, Clone, Copy)]
struct Sums {
    adults: u32,
    discriminated: u32,
    lonely: u32,
    life: u32,
    workers: u32,
    job: u32,
}

impl Sums {
    fn add(&mut self, p: &Person) {
        self.adults += 1;
        self.discriminated += u32::from(p.answers.discriminated);
        self.lonely += u32::from(p.answers.lonely == 1);
        self.life += u32::from(p.answers.life_satisfaction);
        if let Some(score) = p.answers.job_satisfaction {
            self.workers += 1;
            self.job += u32::from(score);
        }
    }
}

/// The true values of the synthetic population, by ethnic group × migration. Shares and means of
/// empty groups are left empty.
pub fn truth(population: &Population) -> String {
    let mut sums = vec![[Sums::default(); 4]; GROUPS + 1];
    for p in &population.people {
        for g in [0, usize::from(p.group) + 1] {
            sums[g][0].add(p);
            sums[g][1 + p.migration()].add(p);
        }
    }
    let mut out = String::from("ethnic,migration,adults,discrim,lonely_often,lifesat,jobsat\n");
    for (g, cells) in sums.iter().enumerate() {
        for (m, s) in cells.iter().enumerate() {
            let ethnic = if g == 0 { "All" } else { GROUP_NAMES[g - 1] };
            let migration = if m == 0 { "All" } else { MIGRATION_NAMES[m - 1] };
            let _ = writeln!(
                out,
                "{ethnic},{migration},{:.0},{},{},{},{}",
                f64::from(s.adults) * SCALE,
                share(s.discriminated, s.adults),
                share(s.lonely, s.adults),
                share(s.life, s.adults),
                share(s.job, s.workers),
            );
        }
    }
    out
}

fn share(part: u32, of: u32) -> String {
    if of == 0 { String::new() } else { format!("{:.6}", f64::from(part) / f64::from(of)) }
}
