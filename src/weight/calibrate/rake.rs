//! Iterative proportional fitting on cells (Deming and Stephan 1940).

use super::cells::Cells;

/// How the fitting ended.
#[derive(Debug, Clone)]
pub(super) struct Raked {
    /// Factor of each cell.
    pub g: Vec<f64>,
    /// Sweeps over all margins.
    pub sweeps: usize,
}

/// Scales the weights to one margin after the other until all are met.
///
/// `margins` gives for each margin its first column and its number of columns.
pub(super) fn rake(
    cells: &Cells,
    margins: &[(usize, usize)],
    targets: &[f64],
    tolerance: f64,
    most: usize,
) -> Raked {
    // The level of each cell in each margin, margin by margin.
    let level: Vec<Vec<u32>> = margins
        .iter()
        .enumerate()
        .map(|(m, &(first, _))| {
            let of_cell = |cell| cells.x(cell).nth(m).map_or(0, |(c, _)| (c - first) as u32);
            (0..cells.len()).map(of_cell).collect()
        })
        .collect();
    let mut w = cells.weight.clone();
    let mut factors: Vec<Vec<f64>> = margins.iter().map(|&(_, width)| vec![0.0; width]).collect();
    let mut misfit = f64::INFINITY;
    let mut sweeps = 0;
    while sweeps < most && misfit > tolerance {
        sweeps += 1;
        misfit = 0.0;
        for m in 0..margins.len() {
            let (first, width) = margins[m];
            let mut totals = vec![0.0; width];
            // The factors of the margin before are applied on the way: one pass, not two.
            match m.checked_sub(1) {
                None => add_up(&w, &level[m], &mut totals),
                Some(p) => scale_and_add_up(&mut w, &level[p], &factors[p], &level[m], &mut totals),
            }
            for (total, target) in totals.iter_mut().zip(&targets[first..first + width]) {
                let off = if *target > 0.0 { (*total - target).abs() / target } else { *total };
                misfit = misfit.max(off);
                *total = if *total > 0.0 { target / *total } else { 1.0 };
            }
            factors[m] = totals;
        }
        if let (Some(level), Some(factors)) = (level.last(), factors.last()) {
            w.iter_mut().zip(level).for_each(|(w, &l)| *w *= factors[l as usize]);
        }
    }
    let g = w.iter().zip(&cells.weight).map(|(w, d)| w / d).collect();
    Raked { g, sweeps }
}

fn add_up(w: &[f64], level: &[u32], totals: &mut [f64]) {
    for (w, &l) in w.iter().zip(level) {
        totals[l as usize] += w;
    }
}

/// Scales the weights to one margin and adds them up by the next.
fn scale_and_add_up(
    w: &mut [f64],
    scaled: &[u32],
    factors: &[f64],
    level: &[u32],
    totals: &mut [f64],
) {
    for ((w, &s), &l) in w.iter_mut().zip(scaled).zip(level) {
        *w *= factors[s as usize];
        totals[l as usize] += *w;
    }
}
