//! The rows of a frame as the tree of a sample's units, with the probability of each.

use std::ops::Range;

use super::apart::{Apart, Around};
use super::cells::{Allotted, Cell, How, Rules, plural};
use super::columns::{Ids, column, holds, mix};
use super::eligible::Groups;
use super::fault::Fault;
use super::units::{Gatherer, Unit};
use crate::data::{Table, Values};
use crate::sampling::spec::Eligible;
use crate::sampling::{Design, Sample};
use crate::toml_file::KeyPath;

/// A sample of a design laid out on a frame.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The sample's name.
    pub name: String,
    /// The stages whose units the frame holds, in order.
    pub stages: Vec<Stage>,
    /// The stages after them, by the names of their units: drawn elsewhere, in the field.
    pub beyond: Vec<String>,
    /// Rows, with those of a unit together.
    pub(super) order: Vec<u32>,
    /// Rows that are drawn with their unit but do not belong to the sample, because each person
    /// counts alone.
    pub(super) outside: Option<Vec<bool>>,
    pub(super) rows: usize,
    /// Units that earlier samples keep from this one.
    pub(super) apart: Vec<Apart>,
}

/// One stage of a [`Layout`].
#[derive(Debug, Clone)]
pub struct Stage {
    /// What the units are.
    pub unit: String,
    /// The column that tells them apart; `None` where every row is one.
    pub id: Option<String>,
    /// The probability of each unit, given the unit of the stage before.
    pub pi: Vec<f64>,
    /// After screening, the rate at which a unit is kept: 0 if it is not eligible.
    pub kept: Option<Vec<f64>>,
    /// The label of each unit's explicit stratum; empty without strata.
    pub strata: Vec<String>,
    /// By unit, its stratum: an index of `strata`.
    pub(super) stratum: Vec<u32>,
    /// The first row of each unit.
    pub(super) row: Vec<u32>,
    /// Where the rows of each unit begin, one more than there are units: for the last stage in the
    /// order of the layout, for others in that of their own time.
    first: Vec<u32>,
    pub(super) cells: Vec<Cell>,
    /// By unit of the stage before (one for the first stage), where its cells begin.
    pub(super) cells_of: Vec<u32>,
    /// Balancing variables and permanent random numbers, by row of the frame.
    pub(super) balance: Vec<Vec<f64>>,
    pub(super) permanent: Option<Vec<f64>>,
    /// The units are neighbours of those that are visited.
    pub(super) around: Option<Around>,
}

impl Stage {
    /// Number of units.
    pub fn units(&self) -> usize {
        self.row.len()
    }

    /// The stratum of a unit, as an index of `strata`.
    pub(super) fn stratum_code(&self, unit: u32) -> u32 {
        self.stratum.get(unit as usize).copied().unwrap_or(0)
    }

    /// Where the rows of a unit of the last stage stand in the order of rows.
    pub(super) fn span(&self, unit: u32) -> Range<usize> {
        self.first[unit as usize] as usize..self.first[unit as usize + 1] as usize
    }

    /// The probability of a unit with what screening leaves of it.
    pub(super) fn chance(&self, unit: u32) -> f64 {
        let kept = self.kept.as_ref().map_or(1.0, |k| k[unit as usize]);
        self.pi[unit as usize] * kept
    }
}

impl Layout {
    /// Lays a sample of the design out on a frame, of whose rows all are on its list where `listed` does not
    /// say which ones are.
    ///
    /// A stage whose `id` is a column of the frame has its units there. A stage without `id` is that
    /// of the frame's rows if the frame says that it `lists` them, or if it comes after the last one
    /// with an `id` whose units have several rows. Later stages are left for the field.
    ///
    /// # Errors
    /// All mistakes of a stage: columns that are not there, formulas that do not fit, sizes that are
    /// zero or missing, a stratum asked for more than it has, rates outside 0 … 1, nobody eligible.
    pub fn new(
        design: &Design,
        index: usize,
        table: &Table,
        listed: Option<&[bool]>,
    ) -> Result<Layout, Vec<Fault>> {
        let sample = &design.samples[index];
        let path = KeyPath::root().key("sample").index(index);
        let stages = path.key("stage");
        let rows = table.rows();
        let mut order: Vec<u32> = (0..rows as u32).collect();
        keep(&mut order, holds(table, &path.key("where"), sample.part.as_ref())?.as_deref());
        keep(&mut order, listed);
        if order.is_empty() {
            let message = format!("no row of the frame can be drawn into sample `{}`", sample.name);
            return Err(vec![Fault::new(
                &path.key("where"),
                message,
                "compare the condition with the frame",
            )]);
        }
        let laid = stages_on(design, sample, table, &stages)?;
        let follows = sample.psus_of;
        let of_other = follows.is_some_and(|f| sample.without.contains(&f));
        let around = |s: usize| Around::of(sample, s, of_other);
        let mut made: Vec<Stage> = Vec::new();
        // The first-stage units of another sample are known by its column.
        let borrowed =
            follows.and_then(|f| design.samples[f].stages.first()).and_then(|s| s.id.clone());
        let mut outside = None;
        let mut keys = vec![super::columns::hash(sample.name.as_bytes())];
        let mut spans = vec![0, order.len() as u32];
        for s in 0..laid {
            let stage = &sample.stages[s];
            let at = stages.index(s);
            let asks =
                stage.screening.as_ref().is_some_and(|screening| screening.neighbours.is_some());
            if asks && around(s).or_else(|| around(s.checked_sub(1)?)).is_none() {
                let message = format!(
                    "no {} is visited and asked about its neighbours: all are drawn",
                    stage.unit
                );
                let help = "say how many are visited, with `take` or `rate` at this stage or the one before";
                return Err(vec![Fault::new(
                    &at.key("screening").key("neighbours"),
                    message,
                    help,
                )]);
            }
            let part = holds(table, &at.key("where"), stage.part.as_ref())?;
            let id = stage.id.clone().or_else(|| borrowed.clone().filter(|_| s == 0));
            let ids = match &id {
                Some(name) => {
                    Some(Ids::of(column(table, &at.key("id"), name).map_err(|f| vec![f])?))
                }
                None => None,
            };
            let rules = Rules::new(stage, &at, s == 0, table)?;
            let mut build = Build {
                made: Made::default(),
                order: Vec::with_capacity(order.len()),
                keys: Vec::new(),
            };
            let mut gatherer = Gatherer::new(ids.as_ref());
            let follow = s == 0 && follows.is_some();
            for parent in 0..keys.len() {
                let span = spans[parent] as usize..spans[parent + 1] as usize;
                build.made.cells_of.push(build.made.cells.len() as u32);
                let mut own: Vec<u32> = order[span].to_vec();
                if let Some(part) = &part {
                    own.retain(|r| part[*r as usize]);
                }
                let (units, gathered, lost) = gatherer.gather(&own);
                if let Some(row) = lost {
                    let message = format!(
                        "row {} of the frame has no value in `{}`, which tells the {} apart",
                        row + 1,
                        id.as_deref().unwrap_or_default(),
                        plural(&stage.unit, 2)
                    );
                    return Err(vec![Fault::new(
                        &at.key("id"),
                        message,
                        "give it one, or leave it out with `where`",
                    )]);
                }
                constant(&rules, &at, &units, &gathered, stage, ids.as_ref())?;
                let parent_name =
                    made.last().map(|m| m.name(parent as u32, table)).unwrap_or_default();
                if follow {
                    build.add(
                        vec![Allotted {
                            units,
                            how: How::Follow,
                            pi: Vec::new(),
                            key: keys[parent],
                        }],
                        &gathered,
                        &rules,
                    );
                } else if !units.is_empty() {
                    let cells =
                        rules.cells(units, keys[parent], &parent_name).map_err(|f| vec![f])?;
                    build.add(cells, &gathered, &rules);
                }
            }
            build.made.cells_of.push(build.made.cells.len() as u32);
            let Build { made: mut now, order: next, keys: next_keys } = build;
            now.first.push(next.len() as u32);
            (order, keys) = (next, next_keys);
            let mut kept = None;
            if let Some(screening) = &stage.screening
                && let Some(groups) = Groups::of(design, table, &screening.groups)?
            {
                if let Some(g) = groups.nobody(&screening.groups) {
                    let message = format!(
                        "nobody on the frame belongs to the group `{}`, which sample `{}` is screened for",
                        design.groups[g].name, sample.name
                    );
                    let help =
                        "compare the condition with the values on the frame, or take the group out";
                    let path = KeyPath::root().key("group").index(g).key("is");
                    return Err(vec![Fault::new(&path, message, help)]);
                }
                let rates: Vec<f64> = (0..keys.len())
                    .map(|u| {
                        groups.kept(
                            screening,
                            &order[now.first[u] as usize..now.first[u + 1] as usize],
                        )
                    })
                    .collect();
                if rates.iter().all(|r| *r == 0.0) {
                    let named: Vec<&str> =
                        screening.groups.iter().map(|&g| design.groups[g].name.as_str()).collect();
                    let message = format!(
                        "no {} of sample `{}` is eligible: nobody on the frame belongs to {}",
                        stage.unit,
                        sample.name,
                        named.join(", ")
                    );
                    let help = "compare `is` of these groups with the values on the frame";
                    return Err(vec![Fault::new(
                        &at.key("screening").key("groups"),
                        message,
                        help,
                    )]);
                }
                if screening.eligible == Eligible::Person {
                    let mask = screening.groups.iter().fold(0, |m, g| m | 1_u64 << g);
                    outside = Some((0..rows).map(|r| groups.row(r) & mask == 0).collect());
                }
                kept = Some(rates);
            }
            spans.clone_from(&now.first);
            made.push(Stage {
                unit: stage.unit.clone(),
                id,
                pi: now.pi,
                kept,
                strata: now.strata,
                stratum: now.stratum,
                row: now.row,
                first: now.first,
                cells: now.cells,
                cells_of: now.cells_of,
                balance: rules.balance,
                permanent: rules.permanent,
                around: around(s),
            });
        }
        let beyond = sample.stages[laid..].iter().map(|s| s.unit.clone()).collect();
        Ok(Layout {
            name: sample.name.clone(),
            stages: made,
            beyond,
            order,
            outside,
            rows,
            apart: Vec::new(),
        })
    }

    /// Gives the first stage the probabilities of the sample whose units it takes.
    ///
    /// # Errors
    /// When a unit is not one of that sample's, so that its probability would be unknown.
    pub fn follow(&mut self, other: &Layout, table: &Table, path: &KeyPath) -> Result<(), Fault> {
        let wrong = |message: String| {
            Fault::new(path, message, "draw both samples from the same part of the frame")
        };
        let (Some(mine), Some(theirs)) = (self.stages.first(), other.stages.first()) else {
            return Err(wrong("there is no first stage whose units could be used again".into()));
        };
        let by_name: std::collections::HashMap<String, f64> = (0..theirs.units() as u32)
            .map(|u| (theirs.name(u, table), theirs.pi[u as usize]))
            .collect();
        let found: Vec<f64> = (0..mine.units() as u32)
            .map(|u| by_name.get(&mine.name(u, table)).copied().unwrap_or(0.0))
            .collect();
        if found.iter().all(|p| *p == 0.0) {
            return Err(wrong(format!("none of its units is a unit of sample `{}`", other.name)));
        }
        self.stages[0].pi = found;
        Ok(())
    }
}

impl Stage {
    /// What a unit is called in messages: "sector `E01`".
    pub(super) fn name(&self, unit: u32, table: &Table) -> String {
        let bare = self.bare_name(unit, table);
        match self.id {
            Some(_) => format!("{} `{bare}`", self.unit),
            None => format!("{} in row {bare}", self.unit),
        }
    }

    /// The identifier of a unit; the number of its row where there is none.
    pub(super) fn bare_name(&self, unit: u32, table: &Table) -> String {
        let row = self.row[unit as usize] as usize;
        match self.id.as_ref().and_then(|id| table.column(id)) {
            Some(column) => match &column.values {
                Values::Numbers(n) => n.get(row).to_string(),
                Values::Text(f) => {
                    let level = f.levels.get(f.codes.get(row) as usize);
                    level.map_or(String::new(), |l| l.value.clone())
                }
            },
            None => (row + 1).to_string(),
        }
    }
}

/// What a stage is built from.
#[derive(Default)]
struct Made {
    pi: Vec<f64>,
    row: Vec<u32>,
    first: Vec<u32>,
    cells: Vec<Cell>,
    cells_of: Vec<u32>,
    strata: Vec<String>,
    stratum: Vec<u32>,
}

struct Build {
    made: Made,
    order: Vec<u32>,
    keys: Vec<u64>,
}

impl Build {
    fn add(&mut self, cells: Vec<Allotted>, gathered: &[u32], rules: &Rules<'_>) {
        for Allotted { units, how, pi, key } in cells {
            let Some(one) = units.first() else { continue };
            let first = self.made.first.len() as u32;
            let label = rules.label(one.row);
            if !label.is_empty() {
                let place = match self.made.strata.iter().rposition(|s| *s == label) {
                    Some(place) => place,
                    None => {
                        self.made.strata.push(label);
                        self.made.strata.len() - 1
                    }
                };
                self.made.stratum.resize(first as usize + units.len(), place as u32);
            }
            self.made.cells.push(Cell { first, units: units.len() as u32, how, key });
            for unit in &units {
                self.made.first.push(self.order.len() as u32);
                self.made.row.push(unit.row);
                let rows = unit.start as usize..(unit.start + unit.rows) as usize;
                self.order.extend(&gathered[rows]);
                self.keys.push(mix(key, unit.key));
            }
            self.made.pi.extend(pi);
        }
    }
}

fn keep(order: &mut Vec<u32>, part: Option<&[bool]>) {
    if let Some(part) = part {
        order.retain(|r| part[*r as usize]);
    }
}

/// Refuses sizes that differ among the rows of a unit.
fn constant(
    rules: &Rules<'_>,
    at: &KeyPath,
    units: &[Unit],
    gathered: &[u32],
    stage: &crate::sampling::Stage,
    ids: Option<&Ids>,
) -> Result<(), Vec<Fault>> {
    let Some(ids) = ids else { return Ok(()) };
    for (what, values) in rules.constant_within_units() {
        for unit in units.iter().filter(|u| u.rows > 1) {
            let own = &gathered[unit.start as usize..(unit.start + unit.rows) as usize];
            let one = values[unit.row as usize];
            let differs = |r: &&u32| values[**r as usize].to_bits() != one.to_bits();
            if let Some(other) = own.iter().find(differs) {
                let name = &ids.names[ids.codes[unit.row as usize] as usize];
                let message = format!(
                    "{} `{name}` has two values of its {what}: {one} in row {} and {} in row {}",
                    stage.unit,
                    unit.row + 1,
                    values[*other as usize],
                    other + 1
                );
                return Err(vec![Fault::new(
                    &at.key(what),
                    message,
                    "a unit has one size: mend the frame",
                )]);
            }
        }
    }
    Ok(())
}

/// How many stages the frame holds the units of.
fn stages_on(
    design: &Design,
    sample: &Sample,
    table: &Table,
    path: &KeyPath,
) -> Result<usize, Vec<Fault>> {
    let lists = sample.frame.and_then(|f| design.frames[f].lists.as_deref());
    let known = |name: &String| table.column(name).is_some();
    let with_id = |s: usize| match (&sample.stages[s].id, sample.psus_of) {
        (Some(id), _) => known(id),
        (None, Some(_)) => s == 0,
        (None, None) => false,
    };
    if let Some(rows_are) = sample.stages.iter().position(|s| Some(s.unit.as_str()) == lists)
        && (0..rows_are).all(with_id)
    {
        return Ok(rows_are + 1);
    }
    let led = (0..sample.stages.len()).take_while(|s| with_id(*s)).count();
    if led == 0 {
        let Some(stage) = sample.stages.first() else {
            let message = format!("sample `{}` has no stages", sample.name);
            return Err(vec![Fault::new(path, message, "add a `[[sample.stage]]`")]);
        };
        // Without identifiers, the rows are the units of the first stage.
        if let Some(id) = &stage.id {
            return Err(vec![column(table, &path.index(0).key("id"), id).err().unwrap_or_else(
                || Fault::new(&path.index(0).key("id"), "the frame has no such column", ""),
            )]);
        }
        return Ok(1);
    }
    if led == sample.stages.len() {
        return Ok(led);
    }
    // The rows are the units of the next stage where the last units with an identifier have several.
    let last = sample.stages[led - 1].id.as_ref().and_then(|id| table.column(id));
    let distinct = last.map_or(0, |c| c.as_factor().levels.len());
    let repeated = led > 1 || distinct < table.rows();
    let unnamed = sample.stages[led].id.is_none() && led + 1 == sample.stages.len();
    Ok(if repeated && unnamed { led + 1 } else { led })
}
