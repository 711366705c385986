//! Selection cells: the units that are drawn together, and how.

use super::allocate::{allocate, neyman};
use super::columns::{Crossing, cross, holds, numbers};
use super::fault::Fault;
use super::order::SortKeys;
use super::units::Unit;
use crate::data::{Codes, Table};
use crate::draw::error::DrawError;
use crate::draw::method::Method;
use crate::draw::size::proportional;
use crate::sampling::spec::{Allocation, Method as Given};
use crate::sampling::{Quantity, Stage as DesignStage, Take};
use crate::toml_file::KeyPath;

/// How the units of a cell are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::draw) enum How {
    /// All of them.
    All,
    /// `low` of them, or one more with probability `up`, all with the same chance; for Bernoulli
    /// sampling each with probability `up`.
    Equal { method: Method, low: u32, up: f64 },
    /// With their probabilities.
    Unequal(Method),
    /// Balanced, with their probabilities.
    Cube,
    /// Those that another sample has drawn.
    Follow,
}

/// Units that are drawn together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::draw) struct Cell {
    pub first: u32,
    pub units: u32,
    pub how: How,
    /// What the random stream is keyed with.
    pub key: u64,
}

/// A cell with its units, in the order of selection.
pub(super) struct Allotted {
    pub units: Vec<Unit>,
    pub how: How,
    /// By unit.
    pub pi: Vec<f64>,
    pub key: u64,
}

/// What of a stage is the same for all its cells: formulas over all rows of the frame.
pub(super) struct Rules<'d> {
    stage: &'d DesignStage,
    path: KeyPath,
    first: bool,
    crossing: Option<Crossing>,
    parts: Vec<Option<Vec<bool>>>,
    sort: Option<SortKeys>,
    /// By named stratum and, last, the stage: amounts and sizes that are formulas.
    amounts: Vec<Option<Vec<f64>>>,
    sizes: Vec<Option<Vec<f64>>>,
    /// For Neyman's allocation, the variable whose spread within strata decides.
    spread: Option<Vec<f64>>,
    /// Balancing variables.
    pub balance: Vec<Vec<f64>>,
    /// Permanent random numbers.
    pub permanent: Option<Vec<f64>>,
}

/// The method of the library for one of the design file.
fn method(given: Given) -> Method {
    match given {
        Given::Systematic => Method::Systematic,
        Given::Bernoulli => Method::Bernoulli,
        Given::PpsSystematic => Method::PpsSystematic,
        Given::PpsRandomSystematic => Method::PpsSystematicRandom,
        Given::Sampford => Method::Sampford,
        Given::Brewer => Method::Brewer,
        Given::Pareto => Method::Pareto,
        Given::Poisson => Method::Poisson,
        Given::ConditionalPoisson => Method::ConditionalPoisson,
        Given::Tille => Method::Tille,
        Given::Midzuno => Method::Midzuno,
        _ => Method::Simple,
    }
}

/// A cell before its units are drawn from: those who share an amount, and a crossing of strata.
struct Group {
    owner: usize,
    stratum: u32,
    units: Vec<Unit>,
}

impl<'d> Rules<'d> {
    pub fn new(
        stage: &'d DesignStage,
        path: &KeyPath,
        first: bool,
        table: &Table,
    ) -> Result<Rules<'d>, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut columns = |key: &str, names: &[String]| {
            let mut found = Vec::new();
            for name in names {
                match super::columns::column(table, &path.key(key), name) {
                    Ok(column) => found.push(column),
                    Err(fault) => faults.push(fault),
                }
            }
            found
        };
        let strata = columns("strata", &stage.strata);
        let sort = columns("sort", &stage.sort);
        let balance = columns("balance", &stage.balance);
        let permanent = columns("random-number", stage.random_number.as_slice());
        for column in balance.iter().chain(&permanent).filter(|c| c.as_numbers().is_none()) {
            let message = format!("`{}` is text, not a number", column.name);
            faults.push(Fault::new(path, message, "name a column of numbers"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let values = |c: &&crate::data::Column| c.as_numbers().map(|n| n.to_vec());
        let owners = stage.cells.len();
        let at = |i: usize, key: &str| {
            if i < owners { path.key("stratum").index(i).key(key) } else { path.key(key) }
        };
        let (mut amounts, mut sizes) = (Vec::new(), Vec::new());
        for i in 0..=owners {
            let (take, size) = match stage.cells.get(i) {
                Some(cell) => (Some(&cell.take), cell.size.as_ref()),
                None => (stage.take.as_ref(), stage.size.as_ref()),
            };
            amounts.push(match take {
                Some(Take::Number(Quantity::Formula(f))) => {
                    Some(numbers(table, &at(i, "take"), f)?)
                }
                Some(Take::Rate(Quantity::Formula(f))) => Some(numbers(table, &at(i, "rate"), f)?),
                Some(Take::Most(Quantity::Formula(f))) => Some(numbers(table, &at(i, "most"), f)?),
                _ => None,
            });
            sizes.push(match size {
                Some(f) => Some(numbers(table, &at(i, "size"), f)?),
                None => None,
            });
        }
        let spread = match &stage.spread {
            Some(formula) if stage.allocation == Allocation::Neyman => {
                let values = numbers(table, &path.key("spread"), formula)?;
                if let Some(row) = values.iter().position(|v| !v.is_finite()) {
                    let message = format!(
                        "`{}` has no value in row {} of the frame",
                        formula.text(),
                        row + 1
                    );
                    let help = "give it one: `if(is_missing(…), …, …)`";
                    return Err(vec![Fault::new(&path.key("spread"), message, help)]);
                }
                Some(values)
            }
            _ => None,
        };
        let parts = stage
            .cells
            .iter()
            .enumerate()
            .map(|(i, cell)| holds(table, &at(i, "where"), cell.part.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Rules {
            stage,
            path: path.clone(),
            first,
            crossing: (!strata.is_empty()).then(|| cross(table, &strata)),
            parts,
            spread,
            sort: (!sort.is_empty()).then(|| SortKeys::of(&sort)),
            amounts,
            sizes,
            balance: balance.iter().filter_map(values).collect(),
            permanent: permanent.iter().filter_map(values).next(),
        })
    }

    /// The values that must be the same for all rows of a unit, by what they are.
    pub fn constant_within_units(&self) -> Vec<(&'static str, &[f64])> {
        self.sizes.iter().flatten().map(|s| ("size", s.as_slice())).collect()
    }

    /// The crossing of strata of a row.
    pub fn stratum(&self, row: u32) -> Option<u32> {
        self.crossing.as_ref().map(|c| c.codes[row as usize])
    }

    /// The label of the stratum of a unit: the named one, the crossing, or both.
    pub fn label(&self, row: u32) -> String {
        let owner = self.owner(row).and_then(|o| self.stage.cells.get(o));
        let crossed = self.stratum(row).and_then(|c| {
            self.crossing.as_ref().and_then(|all| all.labels.get(c as usize)).cloned()
        });
        let parts: Vec<String> = owner.map(|o| o.name.clone()).into_iter().chain(crossed).collect();
        parts.join(" × ")
    }

    /// The named stratum whose amount a row takes, or that of the stage; `None` when it has none.
    fn owner(&self, row: u32) -> Option<usize> {
        let inside = |part: &Option<Vec<bool>>| part.as_ref().is_none_or(|p| p[row as usize]);
        match self.parts.iter().position(inside) {
            Some(named) => Some(named),
            None => self.stage.take.is_some().then_some(self.parts.len()),
        }
    }

    /// Puts units into cells and gives each its probability; units that no stratum draws are left
    /// out. Cells come out with units in the order of selection; `parent` is for messages.
    pub fn cells(&self, units: Vec<Unit>, key: u64, parent: &str) -> Result<Vec<Allotted>, Fault> {
        let mut groups: Vec<Group> = Vec::new();
        let mut place = std::collections::HashMap::new();
        let plain = self.parts.is_empty() && self.crossing.is_none();
        if plain {
            groups.push(Group { owner: 0, stratum: 0, units });
        } else {
            for unit in units {
                let Some(owner) = self.owner(unit.row) else { continue };
                let stratum = self.stratum(unit.row).unwrap_or(0);
                if stratum == Codes::NONE {
                    let message = format!(
                        "row {} of the frame has no value in {}",
                        unit.row + 1,
                        self.stage.strata.join(" or ")
                    );
                    let help = "give it a stratum, or leave it out with `where`";
                    return Err(Fault::new(&self.path.key("strata"), message, help));
                }
                let next = groups.len();
                let at = *place.entry((owner, stratum)).or_insert(next);
                if at == next {
                    groups.push(Group { owner, stratum, units: Vec::new() });
                }
                groups[at].units.push(unit);
            }
            groups.sort_by_key(|g| (g.owner, g.stratum));
        }
        let mut made = Vec::new();
        let mut from = 0;
        while from < groups.len() {
            let owner = groups[from].owner;
            let to = from + groups[from..].iter().take_while(|g| g.owner == owner).count();
            self.shares(&mut groups[from..to], key, parent, &mut made)?;
            from = to;
        }
        Ok(made)
    }

    /// The take, method and size of an owner of an amount.
    fn amount(&self, owner: usize) -> (Option<&Take>, Given) {
        match self.stage.cells.get(owner) {
            Some(cell) => (Some(&cell.take), cell.method),
            None => (self.stage.take.as_ref(), self.stage.method),
        }
    }

    fn at(&self, owner: usize, key: &str) -> KeyPath {
        if owner < self.parts.len() {
            let own = self.path.key("stratum").index(owner);
            let said = self.amount(owner).0 != self.stage.take.as_ref();
            return if said { own.key(key) } else { self.path.key(key) };
        }
        self.path.key(key)
    }

    fn named(&self, group: &Group, parent: &str) -> String {
        let label = group.units.first().map_or(String::new(), |u| self.label(u.row));
        match (label.is_empty(), parent.is_empty()) {
            (true, true) => "the frame".to_string(),
            (true, false) => parent.to_string(),
            (false, true) => format!("stratum `{label}`"),
            (false, false) => format!("stratum `{label}` of {parent}"),
        }
    }

    /// The cells that share one amount.
    fn shares(
        &self,
        groups: &mut [Group],
        key: u64,
        parent: &str,
        made: &mut Vec<Allotted>,
    ) -> Result<(), Fault> {
        let owner = groups[0].owner;
        let (Some(take), given) = self.amount(owner) else { return Ok(()) };
        let value = |q: &Quantity, row: u32| match q {
            Quantity::Number(x) => *x,
            Quantity::Formula(_) => {
                self.amounts[owner].as_ref().map_or(f64::NAN, |a| a[row as usize])
            }
        };
        let sizes = self.sizes[owner].as_deref();
        let mut numbers = vec![None; groups.len()];
        if let Take::Number(q) = take {
            let n = value(q, groups[0].units[0].row);
            let path = self.at(owner, "take");
            let whole = n.round();
            if !(0.0..4e9).contains(&whole) {
                let message = format!(
                    "{} units are to be drawn from {}",
                    shown(n),
                    self.named(&groups[0], parent)
                );
                return Err(Fault::new(&path, message, "give a whole number"));
            }
            let n = whole as usize;
            let counts: Vec<usize> = groups.iter().map(|g| g.units.len()).collect();
            let available: usize = counts.iter().sum();
            if self.first && n > available {
                let what = if groups.len() > 1 && owner == self.parts.len() {
                    "the frame".to_string()
                } else if groups.len() > 1 {
                    format!("stratum `{}`", self.stage.cells[owner].name)
                } else {
                    self.named(&groups[0], parent)
                };
                let message = format!(
                    "{n} {} are to be drawn from {what}, which has {available}",
                    plural(&self.stage.unit, n)
                );
                return Err(Fault::new(
                    &path,
                    message,
                    "ask for fewer, or take all with `all = true`",
                ));
            }
            let of = |g: &Group, values: &[f64]| -> Vec<f64> {
                g.units.iter().map(|u| values[u.row as usize]).collect()
            };
            let measure: Vec<f64> = groups
                .iter()
                .map(|g| match (sizes, &self.spread) {
                    (sizes, Some(y)) => neyman(&of(g, y), sizes.map(|s| of(g, s)).as_deref()),
                    (Some(s), None) => of(g, s).iter().sum(),
                    (None, None) => g.units.len() as f64,
                })
                .collect();
            let shares = allocate(n, &counts, &measure, self.stage.allocation);
            numbers = shares.into_iter().map(Some).collect();
        }
        for (group, number) in groups.iter_mut().zip(numbers) {
            let mut units = std::mem::take(&mut group.units);
            if let Some(sort) = &self.sort {
                sort.sort(&mut units, |u| u.row as usize, self.stage.serpentine);
            }
            group.units = units;
            let (how, pi) = self.probabilities(group, take, given, number, &value, parent)?;
            let label = self.label(group.units[0].row);
            let cell_key = super::columns::mix(key, super::columns::hash(label.as_bytes()));
            made.push(Allotted { units: std::mem::take(&mut group.units), how, pi, key: cell_key });
        }
        Ok(())
    }

    /// How one cell is drawn, and the probabilities of its units.
    fn probabilities(
        &self,
        group: &Group,
        take: &Take,
        given: Given,
        number: Option<usize>,
        value: &dyn Fn(&Quantity, u32) -> f64,
        parent: &str,
    ) -> Result<(How, Vec<f64>), Fault> {
        let units = group.units.len();
        let owner = group.owner;
        let equal = |n: f64, method: Method| {
            let n = n.min(units as f64);
            let low = (n + 1e-9).floor();
            let up = (n - low).max(0.0);
            let how = if low as usize >= units {
                How::All
            } else {
                How::Equal { method, low: low as u32, up }
            };
            (how, vec![n / units as f64; units])
        };
        let plain = match method(given) {
            m if m.equal() => m,
            Method::Poisson => Method::Bernoulli,
            Method::PpsSystematic => Method::Systematic,
            _ => Method::Simple,
        };
        let row = group.units[0].row;
        let mut rate = None;
        let n = match (take, number) {
            (Take::All, _) => return Ok((How::All, vec![1.0; units])),
            (_, Some(n)) => n as f64,
            (Take::Most(q), _) => {
                let most = value(q, row);
                if most.is_nan() || most < 0.0 {
                    let message = format!(
                        "the most that {} may give is {}",
                        self.named(group, parent),
                        shown(most)
                    );
                    return Err(Fault::new(&self.at(owner, "most"), message, "give a number"));
                }
                most.round().min(units as f64)
            }
            (Take::Rate(q), _) => {
                let rates: Vec<f64> = group.units.iter().map(|u| value(q, u.row)).collect();
                if let Some(i) = rates.iter().position(|r| !(0.0..=1.0).contains(r)) {
                    let message = format!(
                        "the rate in {} is {} (row {} of the frame): a rate lies between 0 and 1",
                        self.named(group, parent),
                        shown(rates[i]),
                        group.units[i].row + 1
                    );
                    let help = "bound a formula with `min(1, …)`; a missing value needs `if(is_missing(…), …)`";
                    return Err(Fault::new(&self.at(owner, "rate"), message, help));
                }
                if rates.iter().any(|r| *r != rates[0]) {
                    // Rates that differ within a cell are probabilities of their own.
                    let m = match method(given) {
                        Method::Bernoulli | Method::Poisson => Method::Poisson,
                        Method::Systematic | Method::PpsSystematic => Method::PpsSystematic,
                        _ => Method::PpsSystematicRandom,
                    };
                    return Ok((How::Unequal(m), rates));
                }
                rate = Some(rates[0]);
                rates[0] * units as f64
            }
            _ => 0.0,
        };
        let Some(sizes) = self.sizes[owner].as_deref() else {
            if given == Given::Cube {
                let n = n.round().min(units as f64);
                return Ok((How::Cube, vec![n / units as f64; units]));
            }
            if plain == Method::Bernoulli {
                let p = rate.unwrap_or(n / units as f64).min(1.0);
                return Ok((How::Equal { method: plain, low: 0, up: p }, vec![p; units]));
            }
            return Ok(equal(n, plain));
        };
        let own: Vec<f64> = group.units.iter().map(|u| sizes[u.row as usize]).collect();
        let n = n.round().max(f64::from(u8::from(n > 0.0))) as usize;
        match proportional(&own, n) {
            Ok(found) if found.zero == 0 => Ok((
                if given == Given::Cube { How::Cube } else { How::Unequal(method(given)) },
                found.probabilities,
            )),
            Ok(_) => Err(self.bad_size(group, &own, owner, parent)),
            Err(DrawError::Size { .. }) => Err(self.bad_size(group, &own, owner, parent)),
            Err(e) => {
                let message = format!("{}: {e}", self.named(group, parent));
                Err(Fault::new(&self.at(owner, "take"), message, "ask for fewer"))
            }
        }
    }

    fn bad_size(&self, group: &Group, sizes: &[f64], owner: usize, parent: &str) -> Fault {
        let bad = |x: &f64| !(x.is_finite() && *x > 0.0);
        let count = sizes.iter().filter(|x| bad(x)).count();
        let at = sizes.iter().position(bad).unwrap_or(0);
        let message = format!(
            "{count} of {} {} in {} {} no size above zero: the one in row {} of the frame has {}",
            sizes.len(),
            plural(&self.stage.unit, sizes.len()),
            self.named(group, parent),
            if count == 1 { "has" } else { "have" },
            group.units[at].row + 1,
            shown(sizes[at])
        );
        let help = "leave them out with `where = \"… > 0\"` (they are then a coverage gap), join them \
                    with a neighbour, or mend the frame";
        let own = self.stage.cells.get(owner).is_some_and(|c| c.size != self.stage.size);
        let path = if own {
            self.path.key("stratum").index(owner).key("size")
        } else {
            self.path.key("size")
        };
        Fault::new(&path, message, help)
    }
}

fn shown(x: f64) -> String {
    if x.is_nan() { "missing".to_string() } else { x.to_string() }
}

/// The plural of what a unit is called, as English mostly makes it.
pub(super) fn plural(unit: &str, n: usize) -> String {
    match unit {
        _ if n == 1 => unit.to_string(),
        "person" => "people".to_string(),
        _ if unit.ends_with('s') => format!("{unit}es"),
        _ if unit.ends_with('y') => format!("{}ies", &unit[..unit.len() - 1]),
        _ => format!("{unit}s"),
    }
}
