//! All samples of a design on one frame: drawn, and put together with their probabilities.

use super::apart::Apart;
use super::carry_out::{Drawn, Purpose};
use super::eligible::Groups;
use super::fault::Fault;
use super::first_stage::FirstStage;
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
    /// By row, the probability of being drawn into any sample, where that is what weights rest on.
    any: Option<Vec<f64>>,
    first: FirstStage,
}

impl Rows {
    /// A column of 1 and 0, by sample and place in its rows.
    pub fn flag(&self, name: &str, holds: impl Fn(usize, usize) -> bool) -> Column {
        let of = |(s, i): (&u32, &u32)| i8::from(holds(*s as usize, *i as usize));
        let values = self.sample.iter().zip(&self.place).map(of).collect();
        Column::from_values(name, Values::Numbers(Numbers::I8(values)))
    }
}

/// One row of the samples put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Rows of the frame.
    pub rows: Vec<u32>,
    /// The sample each is from, and its place among the rows of that.
    pub sample: Vec<u32>,
    pub(super) place: Vec<u32>,
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
        OnFrame::of_lists(design, table, &[])
    }

    /// The same for samples drawn from lists: by sample, which rows of the table are on its list; all
    /// of them where there is `None`, or no entry.
    ///
    /// # Errors
    /// As [`OnFrame::new`].
    pub fn of_lists(
        design: &Design,
        table: &Table,
        lists: &[Option<Vec<bool>>],
    ) -> Result<OnFrame, Vec<Fault>> {
        let list = KeyPath::root().key("sample");
        let mut layouts: Vec<Layout> = Vec::new();
        for (i, sample) in design.samples.iter().enumerate() {
            let mut layout =
                Layout::new(design, i, table, lists.get(i).and_then(Option::as_deref))?;
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
            keep_apart(design, i, &mut layout, &layouts, &list.index(i))?;
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
        let factor =
            if combine == CombineMethod::Composite { Some(factors(design, table)?) } else { None };
        let follows: Vec<Option<usize>> = design.samples.iter().map(|s| s.psus_of).collect();
        let first = FirstStage::of(&layouts, &follows, table);
        let any = (combine == CombineMethod::TotalProbability)
            .then(|| any_sample(design, &layouts, &probabilities, &follows));
        Ok(OnFrame { layouts, probabilities, combine, factor, follows, any, first })
    }

    /// Draws all samples, in the order of the file.
    ///
    /// # Errors
    /// What a method refuses, with the number of the sample.
    pub fn draw(&self, purpose: Purpose, table: &Table) -> Result<Vec<Drawn>, (usize, DrawError)> {
        let mut drawn: Vec<Drawn> = Vec::new();
        for (i, layout) in self.layouts.iter().enumerate() {
            let names = self.follows[i].map(|f| self.layouts[f].first_stage(&drawn[f], table));
            let mut barred: Vec<Option<Vec<bool>>> = vec![None; layout.stages.len()];
            for apart in &layout.apart {
                let theirs = apart.drawn(&drawn, &self.layouts);
                match &mut barred[apart.stage] {
                    Some(all) => all.iter_mut().zip(theirs).for_each(|(all, one)| *all |= one),
                    none => *none = Some(theirs),
                }
            }
            let names = names.as_deref();
            drawn.push(layout.draw(purpose, names, &barred, table).map_err(|e| (i, e))?);
        }
        Ok(drawn)
    }

    /// The rows of all samples with their probabilities and the weight of the samples put together.
    ///
    /// `keep` says which rows take part, by sample and place in its rows.
    pub fn rows(&self, drawn: &[Drawn], keep: impl Fn(usize, usize) -> bool) -> Rows {
        let mut all = Rows {
            rows: Vec::new(),
            sample: Vec::new(),
            place: Vec::new(),
            probability: Vec::new(),
            weight: Vec::new(),
            again: 0,
        };
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
                all.place.push(i as u32);
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
            CombineMethod::TotalProbability => 1.0 / self.any.as_ref().map_or(own, |any| any[row]),

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

    /// The unit that is drawn and the first one that is still to be drawn in it, where the frame does not
    /// have the units of all stages of a sample.
    pub fn open(&self) -> Option<(&str, &str)> {
        self.layouts.iter().find_map(|layout| {
            let next = layout.beyond.first()?;
            let drawn = layout.stages.last().map_or("unit", |stage| stage.unit.as_str());
            Some((drawn, next.as_str()))
        })
    }

    /// True when PSUs that were drawn may have no row: areas, or units that are screened.
    pub fn may_leave_none(&self) -> bool {
        let screened = |l: &Layout| l.stages.first().is_some_and(|s| s.kept.is_some());
        !self.first.rows_are_units || self.layouts.iter().any(screened)
    }

    /// The names of all columns that say how rows were drawn.
    pub fn column_names(&self) -> Vec<String> {
        let first = ["sample", "stratum", "psu", "psus_drawn"];
        let mut names: Vec<String> = first.map(str::to_string).into();
        for layout in &self.layouts {
            for stage in &layout.stages {
                names.push(format!("p_{}", tidy(&stage.unit)));
                if stage.kept.is_some() {
                    names.push(format!("keep_{}", tidy(&stage.unit)));
                }
            }
        }
        names.push("probability".to_string());
        if self.layouts.len() > 1 {
            names.extend(self.layouts.iter().map(|l| format!("probability_{}", tidy(&l.name))));
        }
        names.push("weight".to_string());
        names.sort();
        names.dedup();
        names
    }

    /// The columns that say how each row was drawn, of those that `wanted` names: sample, stratum, PSU, the
    /// number of PSUs drawn in the stratum, the probability at every stage and in every sample, and the weight.
    ///
    /// `stratum` and `psu` are those of the first stage; the PSUs of a sample that takes those of
    /// another are the same ones, in the same strata.
    pub fn columns(
        &self,
        drawn: &[Drawn],
        all: &Rows,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Vec<Column> {
        let rows = all.rows.len();
        let own = |i: usize, stage: usize| {
            let s = all.sample[i] as usize;
            let of = self.layouts[s].stages.get(stage)?;
            Some((s, of, drawn[s].unit_of[stage][all.place[i] as usize]))
        };
        let mut columns = Vec::new();
        if wanted("sample") {
            let levels = self.layouts.iter().map(|l| Level::new(l.name.clone())).collect();
            columns.push(text("sample", all.sample.iter().copied(), levels));
        }
        let code = |i: usize| own(i, 0).map_or((0, 0), |(s, _, u)| self.first.codes[s][u as usize]);
        if wanted("stratum") {
            let codes = (0..rows).map(|i| code(i).0);
            columns.push(text("stratum", codes, self.first.strata.clone()));
        }
        if wanted("psu") {
            columns.push(if self.first.rows_are_units {
                Column::numbers("psu", all.rows.iter().map(|r| f64::from(*r) + 1.0).collect())
            } else {
                text("psu", (0..rows).map(|i| code(i).1), self.first.psus.clone())
            });
        }
        if wanted("psus_drawn") {
            let drawn = self.first.psus_drawn(&self.layouts, drawn);
            let values = (0..rows).map(|i| drawn[code(i).0 as usize]).collect();
            let label = "PSUs drawn in the stratum, with and without anybody found";
            columns.push(labelled("psus_drawn", label, values));
        }
        let depth = self.layouts.iter().map(|l| l.stages.len()).max().unwrap_or(0);
        for stage in 0..depth {
            let of_stage = || self.layouts.iter().filter_map(|l| l.stages.get(stage));
            let unit = of_stage().next().map_or("", |s| s.unit.as_str());
            let name = format!("p_{}", tidy(unit));
            if wanted(&name) {
                let pi = (0..rows)
                    .map(|i| own(i, stage).map_or(f64::NAN, |(_, of, u)| of.pi[u as usize]));
                let label = format!("probability of the {unit} at stage {}", stage + 1);
                columns.push(labelled(&name, &label, pi.collect()));
            }
            let name = format!("keep_{}", tidy(unit));
            if wanted(&name) && of_stage().any(|s| s.kept.is_some()) {
                let kept = (0..rows).map(|i| {
                    own(i, stage).map_or(f64::NAN, |(_, of, u)| {
                        of.kept.as_ref().map_or(1.0, |k| k[u as usize])
                    })
                });
                let label =
                    format!("rate at which an eligible {unit} like this is kept after screening");
                columns.push(labelled(&name, &label, kept.collect()));
            }
        }
        if wanted("probability") {
            let label = "probability over all stages in its own sample";
            columns.push(labelled("probability", label, all.probability.clone()));
        }
        for (layout, of) in self.layouts.iter().zip(&self.probabilities) {
            let name = format!("probability_{}", tidy(&layout.name));
            if wanted(&name) {
                let values = all.rows.iter().map(|r| of[*r as usize]).collect();
                let label = format!("probability of being drawn into sample `{}`", layout.name);
                columns.push(labelled(&name, &label, values));
            }
        }
        if wanted("weight") {
            let label = match self.open() {
                Some((unit, _)) => {
                    format!("weight of the {unit} drawn: later stages are still to be drawn")
                }
                None => "design weight of the samples put together".to_string(),
            };
            columns.push(labelled("weight", &label, all.weight.clone()));
        }
        columns
    }
}

/// Tells a sample which units earlier samples keep from it.
fn keep_apart(
    design: &Design,
    index: usize,
    layout: &mut Layout,
    before: &[Layout],
    path: &KeyPath,
) -> Result<(), Vec<Fault>> {
    let sample = &design.samples[index];
    let at = path.key("without");
    let name = |s: usize| design.samples[s].name.as_str();
    for (k, &other) in sample.without.iter().enumerate() {
        let Some(theirs) = before.get(other) else {
            let message = format!(
                "the sample `{}` is drawn after `{}`, and cannot keep its units out",
                name(other),
                sample.name
            );
            return Err(vec![Fault::new(&at, message, "move that sample before this one")]);
        };
        for &earlier in &sample.without[..k] {
            let (first, second) = (earlier.min(other), earlier.max(other));
            if !design.samples[second].without.contains(&first) {
                let message = format!(
                    "`{}` keeps the units of `{}` and of `{}` out, which may draw the same ones",
                    sample.name,
                    name(first),
                    name(second)
                );
                let help =
                    format!("add `without = \"{}\"` to `{}` as well", name(first), name(second));
                return Err(vec![Fault::new(&at, message, &help)]);
            }
        }
        let follows =
            sample.psus_of.is_some_and(|f| f == other || design.samples[other].psus_of == Some(f));
        let apart = Apart::of((&*layout, theirs), other, follows, &at).map_err(|f| vec![f])?;
        layout.apart.push(apart);
    }
    layout.set_apart(before, sample, path)
}

/// By row, the probability of being drawn into any of the samples. Samples of which one keeps the units of
/// the other out have none in common: their probabilities add. Any others are independent, 1 − ∏(1 − π);
/// where they share first-stage units only within these: π₁ {1 − ∏(1 − π/π₁)}.
fn any_sample(
    design: &Design,
    layouts: &[Layout],
    of: &[Vec<f64>],
    follows: &[Option<usize>],
) -> Vec<f64> {
    let Some(rows) = of.first().map(Vec::len) else {
        // One sample alone.
        return layouts.first().map(Layout::probabilities).unwrap_or_default();
    };
    // Samples that exclude one another, each with its root, the sample whose first-stage units it has.
    let root = |s: usize| follows[s].unwrap_or(s);
    let mut sets: Vec<(usize, Vec<usize>)> = Vec::new();
    for s in 0..layouts.len() {
        let without = &design.samples[s].without;
        let apart = |set: &&mut (usize, Vec<usize>)| set.1.iter().all(|o| without.contains(o));
        match sets.iter_mut().filter(|set| !set.1.is_empty()).find(apart) {
            Some(set) => set.1.push(s),
            None => sets.push((root(s), vec![s])),
        }
    }
    let mut out = vec![1.0; rows];
    for first in 0..layouts.len() {
        let own: Vec<&Vec<usize>> =
            sets.iter().filter(|(root, _)| *root == first).map(|(_, set)| set).collect();
        let shared = (own.len() > 1).then(|| layouts[first].first_probabilities());
        for (row, out) in out.iter_mut().enumerate() {
            let sum = |set: &[usize]| set.iter().map(|s| of[*s][row]).sum::<f64>();
            *out *= match shared.as_ref().map(|f| f[row]) {
                Some(p) if p > 0.0 => {
                    let none = own.iter().map(|set| 1.0 - sum(set) / p).product::<f64>();
                    1.0 - p * (1.0 - none)
                }
                _ => own.iter().map(|set| 1.0 - sum(set)).product(),
            };
        }
    }
    out.iter_mut().for_each(|p| *p = 1.0 - *p);
    out
}

/// By row, the share of the first sample: that of the first group that has one.
fn factors(design: &Design, table: &Table) -> Result<Vec<f64>, Vec<Fault>> {
    let path = KeyPath::root().key("combine");
    if design.samples.len() != 2 {
        let message = format!(
            "composite weights are for two samples; the design has {}",
            design.samples.len()
        );
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

fn text(name: &str, codes: impl Iterator<Item = u32>, levels: Vec<Level>) -> Column {
    let codes = Codes::collect(codes, levels.len());
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
