//! A design carried out on a frame, and simulated: realised frequencies are the probabilities that are
//! written, weights add to the population, mistakes name the stratum or unit.

use rakewell::data::{Column, Table};
use rakewell::draw::frame::{OnFrame, Purpose};
use rakewell::sampling::{self, Loaded};
use rakewell::simulate::{Options, simulate};
use rakewell::{populate, study};

/// Areas with households of two people, a group in some of them.
fn frame() -> Table {
    let (mut area, mut household, mut group, mut size, mut region) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut h = 0;
    for a in 0..12_u32 {
        let households = 3 + a % 4;
        for k in 0..households {
            h += 1;
            for p in 0..2 {
                area.push(Some(format!("A{a:02}")));
                household.push(f64::from(h));
                group.push(Some(if (a + k) % 3 == 0 && p == 0 { "small" } else { "large" }));
                size.push(f64::from(households));
                region.push(Some(if a < 5 { "North" } else { "South" }));
            }
        }
    }
    Table::new(vec![
        Column::text("area", &area),
        Column::numbers("household", household),
        Column::text("group", &group),
        Column::numbers("size", size),
        Column::text("region", &region),
    ])
    .unwrap()
}

const DESIGN: &str = r#"
title = "A general sample and a boost"
[[group]]
name = "small"
is = "group == 'small'"
[[group]]
name = "large"
is = "group == 'large'"
[[frame]]
name = "people"
lists = "person"
[[sample]]
name = "general"
kind = "general"
[[sample.stage]]
unit = "sector"
id = "area"
size = "size"
strata = "region"
take = 5
[[sample.stage]]
unit = "household"
id = "household"
take = 2
[[sample.stage]]
unit = "person"
most = 1
[[sample]]
name = "boost"
kind = "boost"
where = "size >= 4"
excluded = "small areas"
[[sample.stage]]
unit = "sector"
id = "area"
rate = 0.5
method = "systematic"
[[sample.stage]]
unit = "household"
id = "household"
rate = "min(1, 3 / size)"
[sample.stage.screening]
groups = "small"
keep = { small = 0.7 }
[[sample.stage]]
unit = "person"
all = true
"#;

fn design(text: &str) -> Loaded {
    sampling::from_text("design.toml", text, &[]).unwrap_or_else(|e| panic!("{e}"))
}

fn refused(text: &str) -> String {
    let loaded = design(text);
    let faults = match OnFrame::new(&loaded.design, &frame()) {
        Err(faults) => faults,
        Ok(_) => panic!("taken without a mistake:\n{text}"),
    };
    let found = faults[0].diagnostic(&loaded.places);
    assert!(found.place.is_some() && found.help.is_some(), "{found}");
    found.to_string()
}

/// Over many draws every row comes as often as its probability says, in each sample; and the weight
/// of the two samples together is unbiased for every row.
fn frequencies(text: &str, draws: u32) {
    let table = frame();
    for combine in ["total-probability", "sum-of-probabilities", "multiplicity", "composite"] {
        let loaded = design(&format!("{text}[combine]\nmethod = \"{combine}\"\n"));
        let on_frame = OnFrame::new(&loaded.design, &table).unwrap_or_else(|f| panic!("{f:?}"));
        let rows = table.rows();
        let mut counts = vec![vec![0_u32; rows]; 2];
        let (mut weights, mut squares) = (vec![0.0; rows], vec![0.0; rows]);
        for r in 0..draws {
            let purpose = Purpose { seed: 11, replicate: Some(u64::from(r)) };
            let drawn = on_frame.draw(purpose, &table).unwrap();
            for (counts, drawn) in counts.iter_mut().zip(&drawn) {
                drawn.rows.iter().for_each(|row| counts[*row as usize] += 1);
            }
            let all = on_frame.rows(&drawn, |_, _| true);
            let mut of_row = vec![0.0; rows];
            for (row, w) in all.rows.iter().zip(&all.weight) {
                of_row[*row as usize] += w;
            }
            for (row, w) in of_row.iter().enumerate() {
                weights[row] += w;
                squares[row] += w * w;
            }
        }
        let n = f64::from(draws);
        for (sample, counts) in counts.iter().enumerate() {
            for (row, count) in counts.iter().enumerate() {
                let p = on_frame.probabilities[sample][row];
                let se = (p * (1.0 - p) / n).sqrt();
                let off = (f64::from(*count) / n - p).abs();
                assert!(
                    off <= 4.7 * se + 1e-12,
                    "{combine}, sample {sample}, row {row}: {off} of {se}"
                );
            }
        }
        for row in 0..rows {
            // Everybody can be drawn into the general sample.
            let mean = weights[row] / n;
            let se = ((squares[row] / n - mean * mean) / n).sqrt();
            assert!((mean - 1.0).abs() < 4.7 * se, "{combine}, row {row}: {mean} ± {se}");
        }
    }
}

#[test]
fn frequencies_of_rows_are_their_probabilities() {
    frequencies(DESIGN, 20_000);
}

/// The general sample, and a boost of these sectors and households.
fn with_boost(sample: &str, sectors: &str, households: &str) -> String {
    let general = DESIGN.split("[[sample]]\nname = \"boost\"").next().unwrap();
    format!(
        "{general}[[sample]]\nname = \"boost\"\nkind = \"boost\"\n{sample}[[sample.stage]]\nunit = \"sector\"\n\
         {sectors}[[sample.stage]]\nunit = \"household\"\nid = \"household\"\n{households}\
         [[sample.stage]]\nunit = \"person\"\nall = true\n"
    )
}

const SCREENING: &str = "[sample.stage.screening]\ngroups = \"small\"\nkeep = { small = 0.7 }\n";

/// Households of the general sample are kept out of the boost: in the same sectors and in sectors of
/// its own, drawn at random and systematically, a number of them and all.
#[test]
fn units_of_an_earlier_sample_are_kept_out() {
    let same = "psus-of = \"general\"\nwithout = \"general\"\n";
    for (sample, sectors, households) in [
        (same, "", "take = 1\n"),
        (same, "", "take = 1\nmethod = \"systematic\"\n"),
        (same, "", "rate = 0.3\nmethod = \"bernoulli\"\n"),
        (same, "", "all = true\n"),
        ("without = \"general\"\n", "id = \"area\"\nrate = 0.5\n", "take = 1\n"),
    ] {
        frequencies(&with_boost(sample, sectors, &format!("{households}{SCREENING}")), 8_000);
    }
    let table = frame();
    let loaded = design(&with_boost(same, "", "all = true\n"));
    let on_frame = OnFrame::new(&loaded.design, &table).unwrap();
    let household = table.column("household").unwrap().as_factor();
    for seed in 0..30 {
        let drawn = on_frame.draw(Purpose { seed, replicate: None }, &table).unwrap();
        let of = |d: usize| -> std::collections::BTreeSet<u32> {
            drawn[d].rows.iter().map(|r| household.codes.get(*r as usize)).collect()
        };
        assert!(of(0).is_disjoint(&of(1)) && !of(1).is_empty(), "seed {seed}");
    }
}

/// Neighbours of the general sample's households, and of households visited for the purpose.
#[test]
fn focused_enumeration_finds_neighbours() {
    let core = "psus-of = \"general\"\nwithout = \"general\"\n";
    let own = "id = \"area\"\nrate = 0.5\n";
    let asked = |count: u32| {
        format!("{SCREENING}neighbours = {count}\n").replace("keep = { small = 0.7 }\n", "")
    };
    for systematic in [false, true] {
        let of = |text: String| {
            // The households of the general sample drawn in one way and the other.
            if systematic {
                text.replace("take = 2\n", "take = 2\nmethod = \"systematic\"\n")
            } else {
                text
            }
        };
        frequencies(&of(with_boost(core, "", &format!("take = 2\n{}", asked(2)))), 8_000);
        frequencies(&of(with_boost("", own, &format!("take = 2\n{}", asked(3)))), 8_000);
    }
    let rate = format!("rate = 0.3\nmethod = \"bernoulli\"\n{}", asked(2));
    frequencies(&with_boost("", own, &rate), 8_000);
    // Households are visited in sectors of their own, and neighbours are not among them.
    let text = refused(&with_boost("", own, &format!("all = true\n{}", asked(2))));
    assert!(text.contains("asked about its neighbours: all are drawn"), "{text}");
}

#[test]
fn what_cannot_be_kept_out_is_named() {
    let own = "id = \"area\"\nrate = 0.5\n";
    let sized = "take = 1\nsize = \"size\"\nmethod = \"sampford\"\n";
    let text = refused(&with_boost("without = \"general\"\n", own, sized));
    assert!(
        text.contains("the households of sample `boost`") && text.contains("of their own"),
        "{text}"
    );
    let boost = with_boost("without = \"general\"\n", "id = \"area\"\nrate = 0.5\n", "take = 1\n");
    let text = refused(
        &boost
            .replacen("id = \"household\"\ntake = 2\n", "take = 2\n", 1)
            .replacen("id = \"area\"\nsize", "id = \"region\"\nsize", 1)
            .replace("size = \"size\"\nstrata = \"region\"\ntake = 5", "take = 2"),
    );
    assert!(text.contains("cannot be told among those of"), "{text}");
    let third = "[[sample]]\nname = \"late\"\nwithout = [\"general\", \"boost\"]\n[[sample.stage]]\n\
                 unit = \"household\"\nid = \"household\"\ntake = 3\n";
    let text = refused(&format!("{}{third}", with_boost("", own, "take = 1\n")));
    assert!(text.contains("which may draw the same ones"), "{text}");
}

/// A stratum's sample is proportional to its size times the spread of a column of the frame.
#[test]
fn neyman_allocation_from_the_frame() {
    let table = frame();
    let text = |rest: &str| {
        format!(
            "title = \"N\"\n[[sample]]\nname = \"s\"\n[[sample.stage]]\nunit = \"sector\"\nid = \"area\"\n\
             strata = \"region\"\ntake = 8\nallocation = \"neyman\"\n{rest}"
        )
    };
    let drawn = |spread: &str| {
        let loaded = design(&text(&format!("spread = \"{spread}\"\n")));
        let on_frame = OnFrame::new(&loaded.design, &table).unwrap_or_else(|f| panic!("{f:?}"));
        let drawn = on_frame.draw(Purpose { seed: 1, replicate: None }, &table).unwrap();
        let region = table.column("region").unwrap().as_factor();
        let north = region.position("North").unwrap() as u32;
        let of = |r: &u32| region.codes.get(*r as usize) == north;
        let mut areas: Vec<u32> = drawn[0].units[0].clone();
        areas.dedup();
        let rows: Vec<u32> = drawn[0].rows.iter().copied().filter(of).collect();
        let area = table.column("area").unwrap().as_factor();
        let mut codes: Vec<u32> = rows.iter().map(|r| area.codes.get(*r as usize)).collect();
        codes.dedup();
        (codes.len(), areas.len())
    };
    // Sizes 3, 4, 5, 6, 3 in the north and 4, 5, 6, 3, 4, 5, 6 in the south: N S is 5 × 1.304 and 7 × 1.113.
    assert_eq!(drawn("size"), (4, 8));
    // Four times the spread in the north: it is taken in full.
    assert_eq!(drawn("if(region == 'North', 4 * size, size)"), (5, 8));
    let found = sampling::from_text("d.toml", &text(""), &[]).expect_err("no spread").to_string();
    assert!(found.contains("Neyman's allocation rests on"), "{found}");
}

/// The share of a stratum stands in place of that of the stage.
#[test]
fn strata_have_response_rates_of_their_own() {
    let table = frame();
    let design = design(
        "title = \"R\"\n[[sample]]\nname = \"s\"\n[[sample.stage]]\nunit = \"person\"\nall = true\nresponse = 0.8\n\
         [[sample.stage.stratum]]\nname = \"north\"\nwhere = \"region == 'North'\"\nresponse = 0.4\n\
         [[sample.stage.stratum]]\nname = \"south\"\n",
    );
    let study = "title = \"S\"\n[data]\nfile = \"s.csv\"\n[design]\nweight = \"weight\"\n\
                 [[estimate]]\nname = \"t\"\ntotal = \"size\"\nby = \"region\"\n";
    let study = study::from_text("s.toml", study).unwrap_or_else(|e| panic!("{e}"));
    let options = Options { replicates: 2000, seed: 4, general: None };
    let path = std::path::Path::new("s.toml");
    let found =
        simulate(&design, study, path, &table, &options, &|_| ()).unwrap_or_else(|e| panic!("{e}"));
    let region = table.column("region").unwrap().as_factor();
    for cell in &found.cells {
        let own = region.position(&cell.domain).unwrap() as u32;
        let people = (0..table.rows()).filter(|r| region.codes.get(*r) == own).count() as f64;
        let share = if cell.domain == "North" { 0.4 } else { 0.8 };
        let se = (people * share * (1.0 - share) / 2000.0).sqrt();
        assert!(
            (cell.design.n - people * share).abs() < 5.0 * se,
            "{}: {}",
            cell.domain,
            cell.design.n
        );
    }
}

#[test]
fn streams_depend_on_the_seed_alone() {
    let table = frame();
    let loaded = design(DESIGN);
    let on_frame = OnFrame::new(&loaded.design, &table).unwrap();
    let draw = |seed: u64| on_frame.draw(Purpose { seed, replicate: None }, &table).unwrap();
    assert_eq!(draw(5), draw(5));
    assert_ne!(draw(5), draw(6));
    // Another sample in the file does not change the first one.
    let general = DESIGN.split("[[sample]]\nname = \"boost\"").next().unwrap();
    let alone = OnFrame::new(&design(general).design, &table).unwrap();
    let drawn = alone.draw(Purpose { seed: 5, replicate: None }, &table).unwrap();
    assert_eq!(drawn[0], draw(5)[0]);
}

#[test]
fn a_sample_can_take_the_areas_of_another() {
    let text = DESIGN.replace(
        "where = \"size >= 4\"\nexcluded = \"small areas\"\n[[sample.stage]]\nunit = \"sector\"\nid = \"area\"\n\
         rate = 0.5\nmethod = \"systematic\"\n",
        "psus-of = \"general\"\n[[sample.stage]]\nunit = \"sector\"\n",
    );
    let table = frame();
    let loaded = design(&text);
    let on_frame = OnFrame::new(&loaded.design, &table).unwrap_or_else(|f| panic!("{f:?}"));
    let area = table.column("area").unwrap().as_factor();
    for seed in 0..50 {
        let drawn = on_frame.draw(Purpose { seed, replicate: None }, &table).unwrap();
        let areas = |d: usize| -> std::collections::BTreeSet<u32> {
            drawn[d].rows.iter().map(|r| area.codes.get(*r as usize)).collect()
        };
        assert!(areas(1).is_subset(&areas(0)), "seed {seed}");
        assert_eq!(drawn[1].units[0].len(), 5);
    }
}

#[test]
fn mistakes_name_the_stratum_or_unit() {
    let many = refused(&DESIGN.replace("take = 5", "take = 13"));
    assert!(many.contains("13 sectors are to be drawn from the frame, which has 12"), "{many}");
    let stratum = "[[sample.stage.stratum]]\nname = \"north\"\nwhere = \"region == 'North'\"\ntake = 9\n\
                   [[sample.stage.stratum]]\nname = \"rest\"\ntake = 2\n[[sample.stage]]\nunit = \"household\"";
    let text = DESIGN.replacen(
        "strata = \"region\"\ntake = 5\n[[sample.stage]]\nunit = \"household\"",
        stratum,
        1,
    );
    let many = refused(&text);
    assert!(many.contains("9 sectors are to be drawn from stratum `north`, which has 5"), "{many}");
    let zero = refused(&DESIGN.replace("size = \"size\"", "size = \"size - 3\""));
    assert!(zero.contains("in stratum `North`") && zero.contains("no size above zero"), "{zero}");
    let rate = refused(&DESIGN.replace("min(1, 3 / size)", "5 / size"));
    assert!(rate.contains("a rate lies between 0 and 1") && rate.contains("sector `A"), "{rate}");
    let nobody = refused(&DESIGN.replace("group == 'small'", "group == 'tiny'"));
    assert!(nobody.contains("nobody on the frame belongs to the group `small`"), "{nobody}");
    let elsewhere = DESIGN.replace("where = \"size >= 4\"", "where = \"group == 'large'\"");
    let nobody = refused(&elsewhere);
    assert!(nobody.contains("no household of sample `boost` is eligible"), "{nobody}");
    let name = refused(
        &DESIGN.replace("id = \"household\"\ntake", "id = \"household\"\nsort = \"sise\"\ntake"),
    );
    assert!(name.contains("no column `sise`") && name.contains("did you mean `size`?"), "{name}");
}

const POPULATION: &str = r#"
title = "Made up"
seed = 3
household-sizes = [0.4, 0.4, 0.2]
[areas]
number = 60
households = [30, 60]
[[attribute]]
name = "group"
of = "household"
clustering = 0.2
shares = { large = 0.8, small = 0.2 }
[[attribute]]
name = "sex"
shares = { f = 0.5, m = 0.5 }
[[outcome]]
name = "y"
kind = "number"
mean = 10
sd = 3
area = 0.1
by = [{ attribute = "group", add = { small = 2 } }]
[[outcome]]
name = "yes"
kind = "yes-no"
mean = 0.3
area = 0.05
household = 0.2
[[share]]
name = "share_small"
where = "group == 'small'"
[[margin]]
by = ["group", "sex"]
"#;

#[test]
fn a_population_is_as_it_was_asked_for() {
    let text = POPULATION.replace("number = 60", "number = 600");
    let loaded = populate::from_text("p.toml", &text, &[]).unwrap_or_else(|e| panic!("{e}"));
    let made = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| populate::build(&loaded.population, 3, std::path::Path::new("")).unwrap())
    };
    let (table, again) = (made(1), made(2));
    assert_eq!(table.columns(), again.columns());
    let numbers = |name: &str| table.column(name).unwrap().as_numbers().unwrap().to_vec();
    let group = table.column("group").unwrap().as_factor();
    let small: Vec<bool> = (0..table.rows())
        .map(|r| group.levels[group.codes.get(r) as usize].value == "small")
        .collect();
    let share = small.iter().filter(|s| **s).count() as f64 / table.rows() as f64;
    // 600 areas with a correlation of 0.2: standard error √(0.16 · 0.2 ÷ 600).
    assert!((share - 0.2).abs() < 4.0 * (0.16 * 0.2 / 600.0_f64).sqrt(), "{share}");
    let mean_of = |values: &[f64], wanted: bool| {
        let own: Vec<f64> =
            values.iter().zip(&small).filter(|(_, s)| **s == wanted).map(|(v, _)| *v).collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    let y = numbers("y");
    // Areas: 3 √(0.1 ÷ 600) = 0.04.
    assert!((mean_of(&y, false) - 10.0).abs() < 0.16 && (mean_of(&y, true) - 12.0).abs() < 0.3);
    let yes = numbers("yes");
    assert!((yes.iter().sum::<f64>() / yes.len() as f64 - 0.3).abs() < 0.03);
    // The correlation within areas, by analysis of variance of the residuals of the large group.
    let area = table.column("area").unwrap().as_factor();
    let mut sums = vec![(0.0, 0.0, 0.0_f64); 600];
    for r in (0..table.rows()).filter(|r| !small[*r]) {
        let s = &mut sums[area.codes.get(r) as usize];
        (s.0, s.1, s.2) = (s.0 + 1.0, s.1 + y[r], s.2 + y[r] * y[r]);
    }
    let used: Vec<_> = sums.iter().filter(|s| s.0 > 1.0).collect();
    let (n, k) = (used.iter().map(|s| s.0).sum::<f64>(), used.len() as f64);
    let mean = used.iter().map(|s| s.1).sum::<f64>() / n;
    let within = used.iter().map(|s| s.2 - s.1 * s.1 / s.0).sum::<f64>() / (n - k);
    let between = used.iter().map(|s| s.0 * (s.1 / s.0 - mean).powi(2)).sum::<f64>() / (k - 1.0);
    let size = (n - used.iter().map(|s| s.0 * s.0).sum::<f64>() / n) / (k - 1.0);
    let rho = (between - within) / (between + (size - 1.0) * within);
    assert!((rho - 0.1).abs() < 0.02, "{rho}");
    assert!((within + (between - within) / size - 9.0).abs() < 0.4);
    let margins = populate::margins(&loaded.population, &table).unwrap();
    let total: f64 = margins
        .lines()
        .skip(1)
        .map(|l| l.rsplit(',').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert_eq!(total, table.rows() as f64);
}

/// Simple random sampling has closed forms: the true standard error of a mean is
/// √((1 − n/N) S²/n), and intervals cover as they say.
#[test]
fn simulation_of_simple_random_sampling() {
    let loaded = populate::from_text("p.toml", POPULATION, &[]).unwrap();
    let people = populate::build(&loaded.population, 3, std::path::Path::new("")).unwrap();
    let text = "title = \"SRS\"\n[[sample]]\nname = \"only\"\n[[sample.stage]]\nunit = \"person\"\ntake = 400\n";
    let design = design(text);
    let study = "title = \"S\"\n[data]\nfile = \"s.csv\"\n[design]\nweight = \"weight\"\n\
                 [[estimate]]\nname = \"y\"\nmean = \"y\"\n[[estimate]]\nname = \"g\"\nmean = \"y\"\nby = \"group\"\n\
                 [[estimate]]\nname = \"t\"\ntotal = \"y\"\n";
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let study = study::from_text("s.toml", study).unwrap_or_else(|e| panic!("{e}"));
        let options = Options { replicates: 1500, seed: 9, general: None };
        pool.install(|| {
            simulate(&design, study, std::path::Path::new("s.toml"), &people, &options, &|_| ())
                .unwrap_or_else(|e| panic!("{e}"))
        })
    };
    let found = run(2);
    assert_eq!(found, run(1));
    assert_eq!((found.failed, found.cells.len()), (0, 4));
    let y = people.column("y").unwrap().as_numbers().unwrap().to_vec();
    let (size, mean) = (y.len() as f64, y.iter().sum::<f64>() / y.len() as f64);
    let variance = y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (size - 1.0);
    let cell = &found.cells[0];
    assert!((cell.truth - mean).abs() < 1e-9);
    let wanted = ((1.0 - 400.0 / size) * variance / 400.0).sqrt();
    let m = &cell.design;
    let (true_se, se) = (m.true_se.unwrap(), m.estimated_se.unwrap());
    // The standard deviation of 1,500 draws is known to 1.8 %.
    assert!((true_se / wanted - 1.0).abs() < 0.075, "{true_se} {wanted}");
    // Without an fpc in the study the variance is that of drawing with replacement.
    assert!((se / (variance / 400.0).sqrt() - 1.0).abs() < 0.02, "{se}");
    assert!(m.bias.unwrap().abs() < 4.0 * m.bias_error.unwrap());
    for cell in &found.cells {
        let c = cell.design.coverage.unwrap();
        assert!((0.93..0.985).contains(&c), "{} {}: {c}", cell.table, cell.domain);
    }
    let page = rakewell::simulate::html(&found);
    assert!(page.contains("Coverage of intervals by group size") && page.contains("</html>"));
    assert_eq!(rakewell::simulate::csv(&found).lines().count(), 5);
}
