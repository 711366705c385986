//! The design as a value to work with: figures as numbers, formulas parsed, names as indices.

use crate::data::expr::Expression;

use super::spec::{self, Allocation, CombineMethod, Eligible, Keep, Kind, Method};

/// A design whose file keeps all rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// Title.
    pub title: String,
    /// Whom the samples are to speak for.
    pub population: Population,
    /// Groups of people.
    pub groups: Vec<Group>,
    /// Lists that samples are drawn from.
    pub frames: Vec<Frame>,
    /// The samples, in the order of the file.
    pub samples: Vec<Sample>,
    /// How the samples are put together; `None` when the file does not say.
    pub combine: Option<CombineMethod>,
    /// The file as written, with marks, sources and what planning needs.
    pub spec: spec::Design,
}

/// Whom the samples are to speak for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Population {
    /// Target people in a row of an area frame.
    pub count: Option<Expression>,
    /// Households in a row of an area frame.
    pub households: Option<Expression>,
    /// Which rows of a person frame belong to it.
    pub is: Option<Expression>,
    /// Its size.
    pub size: Option<f64>,
    /// Target people per household.
    pub per_household: Option<f64>,
}

/// A group of people.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name in the file.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The classification it belongs to.
    pub class: Option<String>,
    /// Its target people in a row of an area frame.
    pub count: Option<Expression>,
    /// Its share of other groups: (index of the group, share); `None` for everybody else.
    pub shares: Vec<(Option<usize>, f64)>,
    /// Which rows of a person frame belong to it.
    pub is: Option<Expression>,
    /// Its target people in a household that has any.
    pub per_household: Option<f64>,
    /// Its size.
    pub size: Option<f64>,
}

/// A list that samples are drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its name in the file.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What it lists.
    pub lists: Option<String>,
    /// The file that holds it, relative to the design file.
    pub file: Option<std::path::PathBuf>,
    /// The share of each group that is on it, in the order of [`Design::groups`].
    pub covers: Vec<f64>,
}

impl Frame {
    /// The share of people of some groups that is on it: that of the least covered of them, 1 for people
    /// of none.
    pub fn covered(&self, groups: impl IntoIterator<Item = usize>) -> f64 {
        groups.into_iter().filter_map(|g| self.covers.get(g)).copied().fold(1.0, f64::min)
    }
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its name in the file, and in the data.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What it is for.
    pub kind: Option<Kind>,
    /// The frame: an index of [`Design::frames`]; `None` when the design names no frames.
    pub frame: Option<usize>,
    /// The part of the frame that it is drawn from.
    pub part: Option<Expression>,
    /// The sample whose first-stage units are used again.
    pub psus_of: Option<usize>,
    /// The sample whose members these are: they are not drawn again.
    pub part_of: Option<usize>,
    /// Samples whose units cannot be drawn again.
    pub without: Vec<usize>,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// What is drawn.
    pub unit: String,
    /// The column that tells the units apart.
    pub id: Option<String>,
    /// How they are drawn.
    pub method: Method,
    /// Columns whose crossing makes the explicit strata.
    pub strata: Vec<String>,
    /// Columns that give the order.
    pub sort: Vec<String>,
    /// True when the order turns at every change of the column before.
    pub serpentine: bool,
    /// The measure of size.
    pub size: Option<Expression>,
    /// Which units can be drawn.
    pub part: Option<Expression>,
    /// How many, outside the strata that say it themselves. `None` when every stratum does, or
    /// when the units are those of another sample.
    pub take: Option<Take>,
    /// How a number is shared out among `strata`.
    pub allocation: Allocation,
    /// For Neyman's allocation, the variable whose spread within strata decides.
    pub spread: Option<Expression>,
    /// Strata with a size or method of their own, in the order in which they are tried.
    pub cells: Vec<Cell>,
    /// Variables to balance on.
    pub balance: Vec<String>,
    /// A column of permanent random numbers.
    pub random_number: Option<String>,
    /// The number of these units in a unit of the stage before.
    pub count: Option<Quantity>,
    /// The share of drawn units that are in scope.
    pub in_scope: f64,
    /// Asking who is eligible.
    pub screening: Option<Screening>,
    /// The share of eligible units that take part, by group in the order of
    /// [`Design::groups`], and for people of no group.
    pub response: Response,
    /// What one drawn unit costs.
    pub cost: f64,
    /// What one unit that takes part costs besides.
    pub cost_responding: f64,
}

/// Shares that take part.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// Of people of no group that has a share of its own.
    pub all: f64,
    /// By group.
    pub by_group: Vec<f64>,
}

/// How many units are drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Take {
    /// All.
    All,
    /// A number: at the first stage in all, at later ones from each unit of the stage before.
    Number(Quantity),
    /// A fraction.
    Rate(Quantity),
    /// All up to a number.
    Most(Quantity),
}

/// A number, or a formula over the columns of the frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// The number.
    Number(f64),
    /// The formula.
    Formula(Expression),
}

impl Quantity {
    /// The number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Quantity::Number(number) => Some(*number),
            Quantity::Formula(_) => None,
        }
    }
}

/// A stratum with a size or method of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Its name in the file.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Which units are in it, if no earlier one has them; all that are left without a condition.
    pub part: Option<Expression>,
    /// The units of the frame in it, where the file says so.
    pub units: Option<f64>,
    /// How many are drawn.
    pub take: Take,
    /// How.
    pub method: Method,
    /// The measure of size.
    pub size: Option<Expression>,
    /// The share of its eligible units that take part, in place of that of the stage.
    pub response: Option<f64>,
}

/// Asking at the door who is eligible.
#[derive(Debug, Clone, PartialEq)]
pub struct Screening {
    /// The eligible groups, as indices of [`Design::groups`].
    pub groups: Vec<usize>,
    /// Who must belong to one of them.
    pub eligible: Eligible,
    /// The share of households in scope whose eligibility is found out.
    pub response: f64,
    /// The share taken to be eligible where it is not found out; that among the others if `None`.
    pub unresolved_eligible: Option<f64>,
    /// The share of eligible households that are recognised.
    pub sensitivity: f64,
    /// The share kept, of each group in `groups`.
    pub keep: Vec<f64>,
    /// How a household with several groups is kept.
    pub keep_rule: Keep,
    /// Neighbouring addresses that each visited address is asked about.
    pub neighbours: Option<f64>,
    /// What screening one household costs.
    pub cost: f64,
}

impl Screening {
    /// The rate at which a household is kept whose members are of the groups (indices of
    /// [`Design::groups`]); `None` when none of them is eligible.
    pub fn kept(&self, groups: &[usize]) -> Option<f64> {
        let rates = self
            .groups
            .iter()
            .zip(&self.keep)
            .filter(|(group, _)| groups.contains(group))
            .map(|(_, rate)| *rate);
        match self.keep_rule {
            Keep::Largest => rates.max_by(f64::total_cmp),
            Keep::Independent => rates
                .fold(None, |lost, rate| Some(lost.unwrap_or(1.0) * (1.0 - rate)))
                .map(|l| 1.0 - l),
        }
    }
}

impl Design {
    /// The index of a group.
    pub fn group(&self, name: &str) -> Option<usize> {
        self.groups.iter().position(|g| g.name == name)
    }

    /// The index of a sample.
    pub fn sample(&self, name: &str) -> Option<usize> {
        self.samples.iter().position(|s| s.name == name)
    }
}
