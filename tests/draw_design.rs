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
#[test]
fn frequencies_of_rows_are_their_probabilities() {
    let table = frame();
    for combine in ["total-probability", "sum-of-probabilities", "multiplicity", "composite"] {
        let loaded = design(&format!("{DESIGN}[combine]\nmethod = \"{combine}\"\n"));
        let on_frame = OnFrame::new(&loaded.design, &table).unwrap();
        let draws = 20_000_u32;
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
