//! The sample as a tree of units: strata hold units, units hold the strata of the next stage.

/// One stratum at one stage, within one unit of the stage before.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// First unit of the stage in this stratum.
    pub first: u32,
    /// One past its last unit.
    pub end: u32,
    /// Units in the population; infinite when sampling is with replacement.
    pub population: f64,
    /// Product of n/N over the stages above: the share with which this stratum counts.
    pub share: f64,
    /// A row of the data in this stratum, to name it.
    pub row: u32,
}

impl Stratum {
    /// Units sampled.
    pub fn n(&self) -> usize {
        (self.end - self.first) as usize
    }

    /// 1 − n/N.
    pub fn fpc(&self) -> f64 {
        if self.population.is_infinite() { 1.0 } else { 1.0 - self.n() as f64 / self.population }
    }

    /// True when every unit of the population is in the sample (to rounding), so that this
    /// stage adds no variance.
    pub fn is_census(&self) -> bool {
        self.fpc() < 1e-7
    }

    /// True when the variance can't be estimated from it: one unit, not a census.
    pub fn is_lonely(&self) -> bool {
        self.n() == 1 && !self.is_census()
    }
}

/// One stage of selection.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stage {
    /// The strata, in order of their units.
    pub strata: Vec<Stratum>,
    /// For each unit its first unit at the deepest stage; one more entry at the end.
    pub deepest: Vec<u32>,
}

impl Stage {
    /// Units at this stage.
    pub fn units(&self) -> usize {
        self.deepest.len().saturating_sub(1)
    }
}

/// Stages of units, numbered so that the units of a stratum, and the units within a unit, are
/// consecutive.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnitTree {
    /// The stages that add to the variance, first stage first.
    pub stages: Vec<Stage>,
    /// For each row its unit at the deepest of these stages.
    pub unit_of_row: Vec<u32>,
    /// The rows in order of their units; `None` when they are in that order already.
    pub order: Option<Vec<u32>>,
}

impl UnitTree {
    /// Units at the deepest stage.
    pub fn units(&self) -> usize {
        self.stages.last().map_or(0, Stage::units)
    }

    /// For each deepest unit its first-stage unit.
    pub fn first_stage_of_unit(&self) -> Vec<u32> {
        let Some(first) = self.stages.first() else { return Vec::new() };
        let mut of = vec![0; self.units()];
        for (unit, pair) in (0..).zip(first.deepest.windows(2)) {
            of[pair[0] as usize..pair[1] as usize].fill(unit);
        }
        of
    }

    /// For each first-stage unit its stratum.
    pub fn stratum_of_first_stage(&self) -> Vec<u32> {
        let Some(first) = self.stages.first() else { return Vec::new() };
        let mut of = vec![0; first.units()];
        for (h, stratum) in (0..).zip(&first.strata) {
            of[stratum.first as usize..stratum.end as usize].fill(h);
        }
        of
    }
}
