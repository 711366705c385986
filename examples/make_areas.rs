//! Makes a frame of areas, for trying `rakewell plan` and the ready designs on: one row per postal
//! sector of an invented country, with the columns that the designs name. Nothing in it is real.
//!
//! ```sh
//! cargo run --example make_areas -- areas.csv 2000
//! rakewell plan understanding-society-2009 --frame areas.csv
//! ```
//!
//! Groups are concentrated: the share of each in a sector is a power of a random number, so that
//! a few sectors hold most of the group. Two in fifty sectors are of "Northern Ireland".

use std::error::Error;
use std::fmt::Write as _;
use std::fs;

use rakewell::numeric::random::{stream, unit};
use rand::Rng;

/// Groups: the column, and the share of the country's people.
const GROUPS: [(&str, f64); 8] = [
    ("indian", 0.028),
    ("pakistani", 0.022),
    ("bangladeshi", 0.009),
    ("black_caribbean", 0.012),
    ("black_african", 0.02),
    ("chinese", 0.007),
    ("irish", 0.01),
    ("other_minority", 0.05),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "areas.csv".to_string());
    let areas: usize = arguments.next().map_or(Ok(2000), |n| n.parse())?;
    let mut random = stream(2009, "areas", 0);
    let mut draw = || unit(random.next_u64());

    let mut out = String::from(
        "sector,nation,region,sector_stratum,ethnic_mix,local_authority,addresses,households,people",
    );
    for (group, _) in GROUPS {
        write!(out, ",{group}")?;
    }
    out.push_str(",children,minority,minority_share,boost_stratum,boost_rate,iemb_area\n");
    for area in 0..areas {
        let nation = if area % 25 == 24 { "Northern Ireland" } else { "Great Britain" };
        let households = (1200.0 + 2400.0 * draw()).round();
        let addresses = (households / 0.9).round();
        let people = (households * 1.9).round();
        // How far the area is one where minorities live; few areas are.
        let city = draw().powi(4);
        let mut counts = Vec::new();
        for (_, share) in GROUPS {
            let own = draw().powi(6);
            let local = share * (0.15 + 14.0 * city * own / (1.0 / 7.0));
            counts.push((people * local.min(0.4)).round());
        }
        let all: f64 = counts.iter().sum();
        // No more than nine in ten.
        let scale = if all > 0.9 * people { 0.9 * people / all } else { 1.0 };
        counts.iter_mut().for_each(|c| *c = (*c * scale).floor());
        let minority: f64 = counts.iter().sum();
        let five: f64 = counts[..5].iter().sum();
        let boost = match five / people {
            share if nation == "Northern Ireland" || share < 0.05 => 0,
            share if share >= 0.3 => 1,
            share if share >= 0.18 => 2,
            share if share >= 0.1 => 3,
            _ => 4,
        };
        // More addresses where the scarcest groups live.
        let rate = (0.01 + 0.4 * counts[2] / people + 0.15 * counts[3] / people).min(1.0);
        let region = 1 + area % 12;
        write!(
            out,
            "{},{nation},{region},{},{}",
            area + 1,
            10 * region + area / 12 % 9,
            1 + area % 3
        )?;
        write!(out, ",{},{addresses},{households},{people}", 1 + area % 22)?;
        for count in &counts {
            write!(out, ",{count}")?;
        }
        let children = (people * (0.15 + 0.1 * draw())).round();
        let share = minority / people;
        write!(
            out,
            ",{children},{minority},{share:.4},{boost},{rate:.4},{}",
            u8::from(share >= 0.12)
        )?;
        out.push('\n');
    }
    fs::write(&path, out)?;
    println!("{areas} areas in {path}");
    Ok(())
}
