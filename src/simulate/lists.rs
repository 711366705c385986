//! Who of a population is on lists that do not have everybody.

use rand::Rng;

use crate::data::{Column, Table};
use crate::draw::frame::groups_of;
use crate::numeric::random::{stream, unit};
use crate::sampling::{Design, Sample};

/// By sample, the rows of the population that are on its list; `None` where all are, as far as the design
/// says (`covers`), and where the sample itself says who is on it (`where`).
///
/// Whoever is on a list is on it in every replicate, and for every sample that is drawn from it. A row is
/// as well covered as the least covered of its groups, as in a plan; units that the list names, such as the
/// households of a list of addresses, are on it as a whole.
pub(super) fn on_lists(design: &Design, table: &Table, seed: u64) -> Vec<Option<Vec<bool>>> {
    design.samples.iter().map(|sample| on_list(design, sample, table, seed)).collect()
}

fn on_list(design: &Design, sample: &Sample, table: &Table, seed: u64) -> Option<Vec<bool>> {
    let frame = design.frames.get(sample.frame?)?;
    let partly: Vec<usize> = (0..design.groups.len())
        .filter(|&g| frame.covers.get(g).is_some_and(|share| *share < 1.0))
        .collect();
    if partly.is_empty() || sample.part.is_some() {
        return None;
    }
    let masks = groups_of(design, table, &partly)?;
    // Rows of a unit that the list names have one random number.
    let lists = frame.lists.as_deref().unwrap_or_default();
    let is_named = |unit: &str| lists == unit || lists.strip_suffix('s') == Some(unit);
    let id = sample.stages.iter().find(|stage| is_named(&stage.unit)).and_then(|s| s.id.as_ref());
    let units = id.and_then(|id| table.column(id)).map(Column::as_factor);
    let mut rng = stream(seed, &format!("simulate/list/{}", frame.name), 0);
    let count = units.as_ref().map_or(table.rows(), |factor| factor.levels.len());
    let numbers: Vec<f64> = (0..count).map(|_| unit(rng.next_u64())).collect();
    let of_row = |row: usize| match &units {
        None => numbers[row],
        // A row of no unit cannot be drawn in any case.
        Some(factor) => numbers.get(factor.codes.get(row) as usize).copied().unwrap_or(1.0),
    };
    let on = |(row, mask): (usize, &u64)| {
        let groups = partly.iter().copied().filter(|g| mask >> g & 1 == 1);
        of_row(row) < frame.covered(groups)
    };
    Some(masks.iter().enumerate().map(on).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_group_is_on_the_list_for_all_samples_alike() {
        let sample = |name: &str| {
            format!(
                "[[sample]]\nname = \"{name}\"\nframe = \"register\"\n[[sample.stage]]\nunit = \"person\"\n\
                 take = {{ value = 5, assumed = \"x\" }}\n"
            )
        };
        let text = format!(
            "title = \"t\"\n[[group]]\nname = \"migrant\"\ncount = \"migrant\"\nis = \"g == 1\"\n[[group]]\nname = \"roma\"\ncount = \"roma\"\nis = \"g == 1\"\n\
             [[frame]]\nname = \"register\"\nlists = \"persons\"\ncovers = {{ migrant = {{ value = 0.9, assumed = \"x\" }}, roma = {{ value = 0.6, assumed = \"x\" }} }}\n{}{}",
            sample("first"),
            sample("second")
        );
        let design = crate::sampling::from_text("design.toml", &text, &[]).unwrap().design;
        let mut table = Table::default();
        table.push(Column::numbers("g", (0..4000).map(|i| f64::from(i % 2)).collect())).unwrap();
        let lists = on_lists(&design, &table, 1);
        assert_eq!(lists[0], lists[1]);
        let on = lists[0].as_ref().unwrap();
        assert!(on.iter().step_by(2).all(|on| *on), "others are all on it");
        let members = on.iter().skip(1).step_by(2).filter(|on| **on).count();
        // 1,200 ± 3.3 standard deviations of 2,000 draws of 0.6.
        assert!(members.abs_diff(1200) < 73, "{members}");
    }
}
