//! Grouping rows by several keys in turn.

use crate::data::Codes;

/// Groups of rows, refined key by key; numbered in the order of the keys.
pub(super) struct Groups {
    /// The group of every row.
    pub of_row: Vec<u32>,
    /// How many groups there are.
    pub count: usize,
}

impl Groups {
    /// All rows in one group.
    pub fn one(rows: usize) -> Groups {
        Groups { of_row: vec![0; rows], count: 1 }
    }

    /// Splits every group by a further key; returns for each new group the one it came from.
    pub fn refine(&mut self, codes: &Codes, levels: usize) -> Vec<u32> {
        let wide = levels as u64;
        let key = |row: usize, group: u32| u64::from(group) * wide + u64::from(codes.get(row));
        let cells = (self.count as u64).saturating_mul(wide);
        let mut parents = Vec::new();
        if cells <= (4 * self.of_row.len() as u64).max(1 << 16) {
            let mut rank = vec![u32::MAX; cells as usize];
            for (row, &g) in self.of_row.iter().enumerate() {
                rank[key(row, g) as usize] = 0;
            }
            for (cell, r) in rank.iter_mut().enumerate().filter(|(_, r)| **r == 0) {
                *r = parents.len() as u32;
                parents.push((cell as u64 / wide) as u32);
            }
            for (row, g) in self.of_row.iter_mut().enumerate() {
                *g = rank[key(row, *g) as usize];
            }
        } else {
            let mut keys: Vec<u64> =
                self.of_row.iter().enumerate().map(|(row, &g)| key(row, g)).collect();
            let sorted = keys.is_sorted();
            if !sorted {
                keys.sort_unstable();
            }
            keys.dedup();
            parents = keys.iter().map(|k| (k / wide) as u32).collect();
            let mut last = 0;
            for (row, g) in self.of_row.iter_mut().enumerate() {
                let k = key(row, *g);
                if keys[last] != k {
                    let from = if sorted { last } else { 0 };
                    last = from + keys[from..].partition_point(|x| *x < k);
                }
                *g = last as u32;
            }
        }
        self.count = parents.len();
        parents
    }

    /// Splits every group into its rows.
    pub fn split_rows(&mut self) -> Vec<u32> {
        let starts = offsets(&self.of_row, self.count);
        let mut next = starts.clone();
        let mut parents = vec![0; self.of_row.len()];
        for g in &mut self.of_row {
            let unit = next[*g as usize];
            next[*g as usize] += 1;
            parents[unit as usize] = *g;
            *g = unit;
        }
        self.count = parents.len();
        parents
    }
}

/// For each group the number of rows in groups before it; one more entry at the end.
pub(super) fn offsets(of_row: &[u32], groups: usize) -> Vec<u32> {
    let mut starts = vec![0_u32; groups + 1];
    for &g in of_row {
        starts[g as usize + 1] += 1;
    }
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    starts
}
