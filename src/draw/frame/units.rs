//! The units of a stage within one unit of the stage before.

use crate::data::Codes;

use super::columns::Ids;

/// A unit in the making.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    /// Its first row.
    pub row: u32,
    /// Where its rows begin in the list that they are gathered into, and how many there are.
    pub start: u32,
    pub rows: u32,
    /// What the random streams of its own units are keyed with.
    pub key: u64,
}

/// Gathers rows into units, which keep the order of their first rows.
pub(super) struct Gatherer<'a> {
    ids: Option<&'a Ids>,
    /// By identifier, the unit of the present parent.
    place: Vec<u32>,
}

impl<'a> Gatherer<'a> {
    /// With identifiers; without, every row is a unit.
    pub fn new(ids: Option<&'a Ids>) -> Gatherer<'a> {
        Gatherer { ids, place: vec![u32::MAX; ids.map_or(0, |i| i.names.len())] }
    }

    /// The units among `rows`, and the rows with those of a unit together. Rows without an identifier
    /// are in neither, and the first of them is told.
    pub fn gather(&mut self, rows: &[u32]) -> (Vec<Unit>, Vec<u32>, Option<u32>) {
        let Some(ids) = self.ids else {
            let unit = |(i, &row): (usize, &u32)| Unit {
                row,
                start: i as u32,
                rows: 1,
                key: u64::from(row),
            };
            return (rows.iter().enumerate().map(unit).collect(), rows.to_vec(), None);
        };
        let mut units: Vec<Unit> = Vec::new();
        let mut lost = None;
        for &row in rows {
            let code = ids.codes[row as usize];
            if code == Codes::NONE {
                lost = lost.or(Some(row));
                continue;
            }
            let place = &mut self.place[code as usize];
            if *place == u32::MAX {
                *place = units.len() as u32;
                let key = ids.hashes[code as usize];
                units.push(Unit { row, start: 0, rows: 0, key });
            }
            units[*place as usize].rows += 1;
        }
        let mut next = 0;
        for unit in &mut units {
            unit.start = next;
            next += unit.rows;
            unit.rows = 0;
        }
        let mut gathered = vec![0; next as usize];
        for &row in rows {
            let code = ids.codes[row as usize];
            if code != Codes::NONE {
                let unit = &mut units[self.place[code as usize] as usize];
                gathered[(unit.start + unit.rows) as usize] = row;
                unit.rows += 1;
            }
        }
        for unit in &units {
            let code = ids.codes[unit.row as usize];
            self.place[code as usize] = u32::MAX;
        }
        (units, gathered, lost)
    }
}
