//! All samples of a design on one frame: drawn, and put together with their probabilities.

use super::carry_out::{Drawn, Purpose};
use super::eligible::Groups;
use super::fault::Fault;
use super::layout::Layout;
use crate::data::{Codes, Column, Factor, Level, Numbers, Table, Values};
use crate::draw::error::DrawError;
use crate::sampling::Design;
use crate::sampling::spec::CombineMethod;
use crate::toml_file::KeyPath;

/// A design laid out on a frame, ready to be drawn any number of times.
#[derive(Debug, Clone)]
pub struct OnFrame {
    /// Its samples.
    pub layouts: Vec<Layout>,
    /// By sample, the probability of each row of the frame, where there are several.
    pub probabilities: Vec<Vec<f64>>,
    /// How they are put together.
    pub combine: CombineMethod,
    /// For composite weights: by row, the share of the first sample.
    factor: Option<Vec<f64>>,
    follows: Vec<Option<usize>>,
}

/// One row of the samples put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Rows of the frame.
    pub rows: Vec<u32>,
    /// The sample each is from.
    pub sample: Vec<u32>,
    /// Its probability in that sample.
    pub probability: Vec<f64>,
    /// The weight of the samples put together.
    pub weight: Vec<f64>,
    /// Rows that were drawn before into an earlier sample, and have weight zero.
    pub again: usize,
}

impl OnFrame {
    /// Lays all samples of a design out on a frame.
    ///
    /// # Errors
    /// All mistakes of the first sample that has some.
    pub fn new(design: &Design, table: &Table) -> Result<OnFrame, Vec<Fault>> {
        let list = KeyPath::root().key("sample");
        let mut layouts: Vec<Layout> = Vec::new();
        for (i, sample) in design.samples.iter().enumerate() {
            let mut layout = Layout::new(design, i, table)?;
            if let Some(f) = sample.psus_of {
                let path = list.index(i).key("psus-of");
                match layouts.get(f) {
                    Some(other) => layout.follow(other, table, &path).map_err(|e| vec![e])?,
                    None => {
                        let message = "a sample takes the units of one that stands before it";
                        return Err(vec![Fault::new(&path, message, "change their order")]);
                    }
                }
            }
            layouts.push(layout);
        }
        let several = layouts.len() > 1;
        let combine = match design.combine {
            Some(CombineMethod::Separate) | None if !several => CombineMethod::Separate,
            Some(method) => method,
            // Right whatever the samples: 1/Σπ for each selection.
            None => CombineMethod::SumOfProbabilities,
        };
        let probabilities =
            if several { layouts.iter().map(Layout::probabilities).collect() } else { Vec::new() };
        let factor = if combine == CombineMethod::Composite { Some(factors(design, table)?) } else { None };
        let follows = design.samples.iter().map(|s| s.psus_of).collect();
        Ok(OnFrame { layouts, probabilities, combine, factor, follows })
    }

    /// Draws all samples, in the order of the file.
    ///
    /// # Errors
    /// What a method refuses, with the number of the sample.
    pub fn draw(&self, purpose: Purpose, table: &Table) -> Result<Vec<Drawn>, (usize, DrawError)> {
        let mut drawn: Vec<Drawn> = Vec::new();
        for (i, layout) in self.layouts.iter().enumerate() {
            let names = self.follows[i].map(|f| self.layouts[f].first_stage(&drawn[f], table));
            drawn.push(layout.draw(purpose, names.as_deref(), table).map_err(|e| (i, e))?);
        }
        Ok(drawn)
    }

    /// The rows of all samples with their probabilities and the weight of the samples put together.
    ///
    /// `keep` says which rows take part, by sample and place in its rows.
    pub fn rows(&self, drawn: &[Drawn], keep: impl Fn(usize, usize) -> bool) -> Rows {
        let mut all =
            Rows { rows: Vec::new(), sample: Vec::new(), probability: Vec::new(), weight: Vec::new(), again: 0 };
        let mut seen = std::collections::HashSet::new();
        for (s, (layout, drawn)) in self.layouts.iter().zip(drawn).enumerate() {
            for (i, &row) in drawn.rows.iter().enumerate().filter(|(i, _)| keep(s, *i)) {
                let probability = layout
                    .stages
                    .iter()
                    .zip(&drawn.unit_of)
                    .map(|(stage, units)| stage.chance(units[i]))
                    .product();
                let once = self.combine == CombineMethod::TotalProbability;
                let weight = if once && !seen.insert(row) {
                    all.again += 1;
                    0.0
                } else {
                    self.weight(s, row as usize, probability)
                };
                all.rows.push(row);
                all.sample.push(s as u32);
                all.probability.push(probability);
                all.weight.push(weight);
            }
        }
        all
    }

    /// The weight of a row drawn into a sample.
    fn weight(&self, sample: usize, row: usize, own: f64) -> f64 {
        let of = || self.probabilities.iter().map(|p| p[row]);
        match self.combine {
            CombineMethod::TotalProbability => 1.0 / (1.0 - of().map(|p| 1.0 - p).product::<f64>()),
            CombineMethod::SumOfProbabilities => 1.0 / of().sum::<f64>(),
            CombineMethod::Multiplicity => 1.0 / (own * of().filter(|p| *p > 0.0).count() as f64),
            CombineMethod::Composite => {
                let both = of().filter(|p| *p > 0.0).count() > 1;
                let share = self.factor.as_ref().map_or(0.5, |f| f[row]);
                let part = match (both, sample) {
                    (false, _) => 1.0,
                    (true, 0) => share,
                    (true, _) => 1.0 - share,
                };
                part / own
            }
            _ => 1.0 / own,
        }
    }

    /// The columns that say how each row was drawn: sample, stratum, the units above it, the
    /// probability at every stage and in every sample, and the weight.
    ///
    /// `stratum` and `psu` are those of the first stage; the PSUs of a sample that takes those of
    /// another are the same ones, in the same strata.
    pub fn columns(&self, drawn: &[Drawn], all: &Rows, table: &Table) -> Vec<Column> {
        let mut places = vec![0_usize; all.rows.len()];
        let mut next = vec![0; drawn.len()];
        // Rows of a sample come in its order.
        for (place, (&s, &row)) in places.iter_mut().zip(all.sample.iter().zip(&all.rows)) {
            let s = s as usize;
            while drawn[s].rows.get(next[s]).is_some_and(|r| *r != row) {
                next[s] += 1;
            }
            *place = next[s];
            next[s] += 1;
        }
        let several = self.layouts.len() > 1;
        let rows = all.rows.len();
        let at = |i: usize| (all.sample[i] as usize, places[i]);
        let mut columns = Vec::new();
        let names: Vec<&str> = self.layouts.iter().map(|l| l.name.as_str()).collect();
        columns.push(text("sample", (0..rows).map(|i| names[at(i).0].to_string())));
        let stratum = |i: usize| {
            let (s, place) = at(i);
            let unit = drawn[s].unit_of[0][place];
            // Strata of a sample that follows another are that one's.
            let own = self.follows[s].unwrap_or(s);
            let label = if own == s {
                self.layouts[s].stages[0].stratum_of(unit).to_string()
            } else {
                self.stratum_by_name(own, s, unit, table)
            };
            match (several, label.is_empty()) {
                (false, false) => label,
                (false, true) => "all".to_string(),
                (true, true) => names[own].to_string(),
                (true, false) => format!("{}: {label}", names[own]),
            }
        };
        columns.push(text("stratum", (0..rows).map(stratum)));
        let psu = |i: usize| {
            let (s, place) = at(i);
            let stage = &self.layouts[s].stages[0];
            let name = stage.name(drawn[s].unit_of[0][place], table, &self.layouts[s].order);
            let name = name.rsplit_once(" `").map_or(name.as_str(), |n| n.1.trim_end_matches('`')).to_string();
            name.rsplit_once("in row ").map_or(name.clone(), |n| n.1.to_string())
        };
        columns.push(text("psu", (0..rows).map(psu)));
        let depth = self.layouts.iter().map(|l| l.stages.len()).max().unwrap_or(0);
        for stage in 0..depth {
            let unit = self.layouts.iter().find_map(|l| l.stages.get(stage)).map_or("", |s| s.unit.as_str());
            let own = |i: usize| {
                let (s, place) = at(i);
                let of = self.layouts[s].stages.get(stage)?;
                Some((of, drawn[s].unit_of[stage][place]))
            };
            let pi = (0..rows).map(|i| own(i).map_or(f64::NAN, |(of, u)| of.pi[u as usize]));
            columns.push(labelled(
                &format!("p_{}", tidy(unit)),
                &format!("probability of the {unit} at stage {}", stage + 1),
                pi.collect(),
            ));
            if self.layouts.iter().any(|l| l.stages.get(stage).is_some_and(|s| s.kept.is_some())) {
                let kept = (0..rows).map(|i| {
                    own(i).map_or(f64::NAN, |(of, u)| of.kept.as_ref().map_or(1.0, |k| k[u as usize]))
                });
                columns.push(labelled(
                    &format!("keep_{}", tidy(unit)),
                    &format!("rate at which an eligible {unit} like this is kept after screening"),
                    kept.collect(),
                ));
            }
        }
        let label = "probability over all stages in its own sample";
        columns.push(labelled("probability", label, all.probability.clone()));
        if several {
            for (layout, of) in self.layouts.iter().zip(&self.probabilities) {
                let values = all.rows.iter().map(|r| of[*r as usize]).collect();
                let label = format!("probability of being drawn into sample `{}`", layout.name);
                columns.push(labelled(&format!("probability_{}", tidy(&layout.name)), &label, values));
            }
        }
        columns.push(labelled("weight", "design weight of the samples put together", all.weight.clone()));
        columns
    }

    fn stratum_by_name(&self, other: usize, mine: usize, unit: u32, table: &Table) -> String {
        let (a, b) = (&self.layouts[mine], &self.layouts[other]);
        let name = a.stages[0].name(unit, table, &a.order);
        let found = (0..b.stages[0].units() as u32).find(|u| b.stages[0].name(*u, table, &b.order) == name);
        found.map_or(String::new(), |u| b.stages[0].stratum_of(u).to_string())
    }
}

/// By row, the share of the first sample: that of the first group that has one.
fn factors(design: &Design, table: &Table) -> Result<Vec<f64>, Vec<Fault>> {
    let path = KeyPath::root().key("combine");
    if design.samples.len() != 2 {
        let message = format!("composite weights are for two samples; the design has {}", design.samples.len());
        let help = "use `method = \"sum-of-probabilities\"`";
        return Err(vec![Fault::new(&path.key("method"), message, help)]);
    }
    let given = design.spec.combine.as_ref().map(|c| &c.factor.0);
    let others = given
        .and_then(|f| f.iter().find(|(name, _)| name == "others"))
        .map_or(0.5, |(_, figure)| figure.value());
    let named: Vec<(usize, f64)> = given
        .into_iter()
        .flatten()
        .filter_map(|(name, figure)| Some((design.group(name)?, figure.value())))
        .collect();
    let wanted: Vec<usize> = named.iter().map(|n| n.0).collect();
    let Some(groups) = Groups::of(design, table, &wanted)? else {
        let message = "the groups of `factor` have no condition `is` that tells their rows";
        return Err(vec![Fault::new(&path.key("factor"), message, "add `is` to these groups")]);
    };
    Ok((0..table.rows())
        .map(|r| {
            let mask = groups.row(r);
            named.iter().find(|(g, _)| mask >> g & 1 == 1).map_or(others, |n| n.1)
        })
        .collect())
}

fn text(name: &str, values: impl Iterator<Item = String>) -> Column {
    let mut place = std::collections::HashMap::new();
    let mut levels: Vec<String> = Vec::new();
    let codes: Vec<u32> = values
        .map(|v| {
            *place.entry(v).or_insert_with_key(|v: &String| {
                levels.push(v.clone());
                levels.len() as u32 - 1
            })
        })
        .collect();
    let codes = Codes::pack(&codes, levels.len());
    let levels = levels.into_iter().map(Level::new).collect();
    Column::from_values(name, Values::Text(Factor { codes, levels }))
}

fn labelled(name: &str, label: &str, values: Vec<f64>) -> Column {
    let mut column = Column::from_values(name, Values::Numbers(Numbers::F64(values)));
    column.label = Some(label.to_string());
    column
}

/// A name as part of a column's name.
fn tidy(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
}
