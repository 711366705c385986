//! Who of a drawn sample takes part.

use rand::Rng;

use crate::data::Table;
use crate::draw::frame::{Drawn, Layout, groups_of};
use crate::numeric::random::{stream, unit};
use crate::sampling::{Design, Sample, Stage};

/// The shares of the units of a stage that take part, by the first row of the unit.
pub(super) struct Shares {
    /// `None` when all do.
    stages: Vec<Option<Vec<f64>>>,
}

impl Shares {
    /// The shares of a sample: in scope, eligibility found out and recognised, taking part. By group
    /// where the design says so and the frame tells who belongs to it; a unit has the share of the
    /// first of its groups that has one of its own. A stratum with a share of its own has it in place
    /// of that of the stage, and the groups in it as much more or less.
    pub fn of(design: &Design, sample: &Sample, layout: &Layout, table: &Table) -> Shares {
        let stages = sample
            .stages
            .iter()
            .take(layout.stages.len())
            .map(|stage| {
                let door = stage.screening.as_ref().map_or(1.0, |s| s.response * s.sensitivity);
                let all = stage.in_scope * door;
                let own: Vec<usize> = (0..design.groups.len())
                    .filter(|&g| {
                        stage.response.by_group.get(g).is_some_and(|r| *r != stage.response.all)
                    })
                    .collect();
                let groups = if own.is_empty() { None } else { groups_of(design, table, &own) };
                let mut shares = match groups {
                    None => vec![all * stage.response.all],
                    Some(masks) => masks
                        .iter()
                        .map(|mask| {
                            let of = own.iter().find(|g| mask >> **g & 1 == 1);
                            let rate =
                                of.map_or(stage.response.all, |g| stage.response.by_group[*g]);
                            all * rate
                        })
                        .collect(),
                };
                in_strata(stage, table, &mut shares);
                shares.iter().any(|share| *share < 1.0).then_some(shares)
            })
            .collect();
        Shares { stages }
    }

    /// Which rows of a drawn sample take part: those all of whose units do.
    pub fn taking_part(
        &self,
        layout: &Layout,
        drawn: &Drawn,
        seed: u64,
        replicate: u64,
    ) -> Vec<bool> {
        let mut part = vec![true; drawn.rows.len()];
        for (s, shares) in self.stages.iter().enumerate() {
            let Some(shares) = shares else { continue };
            let purpose = format!("simulate/{replicate}/response/{}/stage-{}", layout.name, s + 1);
            let mut rng = stream(seed, &purpose, 0);
            let mut last = None;
            let mut takes_part = true;
            for (i, &u) in drawn.unit_of[s].iter().enumerate() {
                // Rows of a unit stand together.
                if last != Some(u) {
                    let row = drawn.rows[i] as usize;
                    let share = shares.get(row).or(shares.first()).copied().unwrap_or(1.0);
                    takes_part = unit(rng.next_u64()) < share;
                    last = Some(u);
                }
                part[i] &= takes_part;
            }
        }
        part
    }
}

/// Shares of strata in place of that of the stage; a row belongs to the first stratum whose condition
/// holds.
fn in_strata(stage: &Stage, table: &Table, shares: &mut Vec<f64>) {
    if stage.cells.iter().all(|cell| cell.response.is_none()) {
        return;
    }
    if let [one] = shares[..] {
        shares.resize(table.rows(), one);
    }
    let mut free = vec![true; table.rows()];
    for cell in &stage.cells {
        // A condition that does not fit the frame was refused when the sample was laid out.
        let inside = cell.part.as_ref().and_then(|part| part.condition(table).ok());
        for (row, share) in shares.iter_mut().enumerate() {
            if !free[row] || inside.as_ref().is_some_and(|inside| inside[row] != Some(true)) {
                continue;
            }
            free[row] = false;
            if let Some(own) = cell.response {
                *share *= own / stage.response.all.max(f64::MIN_POSITIVE);
            }
        }
    }
    shares.iter_mut().for_each(|share| *share = share.min(1.0));
}
