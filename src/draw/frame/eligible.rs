//! Who is eligible, and at which rate households are kept.

use crate::data::Table;
use crate::sampling::spec::Eligible;
use crate::sampling::{Design, Screening};
use crate::toml_file::KeyPath;

use super::columns::holds;
use super::fault::Fault;

/// Groups of every row, as bits in the order of the design's groups.
pub(super) struct Groups {
    masks: Vec<u64>,
}

/// The groups of every row as bits, in the order of the design's groups, where the frame can tell.
pub fn groups_of(design: &Design, table: &Table, wanted: &[usize]) -> Option<Vec<u64>> {
    Groups::of(design, table, wanted).ok().flatten().map(|g| g.masks)
}

impl Groups {
    /// The groups that screenings ask for; `None` when the frame cannot tell, because a group has no
    /// condition `is` on rows.
    ///
    /// # Errors
    /// Conditions that do not fit the frame, more than 64 groups.
    pub fn of(
        design: &Design,
        table: &Table,
        wanted: &[usize],
    ) -> Result<Option<Groups>, Vec<Fault>> {
        let list = KeyPath::root().key("group");
        if wanted.iter().any(|&g| design.groups.get(g).is_none_or(|g| g.is.is_none())) {
            return Ok(None);
        }
        if let Some(&far) = wanted.iter().find(|g| **g >= 64) {
            let help = "leave out groups that the design does not use";
            return Err(vec![Fault::new(&list.index(far), "there are more than 64 groups", help)]);
        }
        let mut masks = vec![0_u64; table.rows()];
        for &g in wanted {
            let path = list.index(g).key("is");
            let inside = holds(table, &path, design.groups[g].is.as_ref())?.unwrap_or_default();
            masks.iter_mut().zip(inside).filter(|x| x.1).for_each(|(m, _)| *m |= 1 << g);
        }
        Ok(Some(Groups { masks }))
    }

    /// The first of some groups that nobody on the frame belongs to.
    pub fn nobody(&self, wanted: &[usize]) -> Option<usize> {
        let found = self.masks.iter().fold(0, |all, mask| all | mask);
        wanted.iter().copied().find(|g| found >> g & 1 == 0)
    }

    /// The groups of a row.
    pub fn row(&self, row: usize) -> u64 {
        self.masks.get(row).copied().unwrap_or(0)
    }

    /// The rate at which a unit with these rows is kept; 0 when it is not eligible.
    pub fn kept(&self, screening: &Screening, rows: &[u32]) -> f64 {
        let eligible: u64 = screening.groups.iter().fold(0, |m, g| m | 1 << g);
        let masks = || rows.iter().map(|&r| self.row(r as usize));
        let is_eligible = match screening.eligible {
            Eligible::AllMembers => masks().all(|m| m & eligible != 0),
            // The first row of a household is its head.
            Eligible::Head => masks().next().is_some_and(|m| m & eligible != 0),
            _ => masks().any(|m| m & eligible != 0),
        };
        if !is_eligible {
            return 0.0;
        }
        let all = masks().fold(0, |a, b| a | b) & eligible;
        let groups: Vec<usize> = (0..64).filter(|g| all >> g & 1 == 1).collect();
        screening.kept(&groups).unwrap_or(0.0)
    }
}
