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
    // The column of each cell in each margin, margin by margin.
    let column: Vec<Vec<u32>> = (0..margins.len())
        .map(|m| {
            (0..cells.len()).map(|cell| cells.x(cell).nth(m).map_or(0, |(c, _)| c as u32)).collect()
        })
        .collect();
    let mut w = cells.weight.clone();
    let mut totals = vec![0.0; targets.len()];
    let mut misfit = f64::INFINITY;
    let mut sweeps = 0;
    while sweeps < most && misfit > tolerance {
        sweeps += 1;
        misfit = 0.0;
        for (&(first, width), column) in margins.iter().zip(&column) {
            let totals = &mut totals[first..first + width];
            let targets = &targets[first..first + width];
            totals.fill(0.0);
            for (&c, w) in column.iter().zip(&w) {
                totals[c as usize - first] += w;
            }
            for (total, target) in totals.iter_mut().zip(targets) {
                let off = if *target > 0.0 { (*total - target).abs() / target } else { *total };
                misfit = misfit.max(off);
                *total = if *total > 0.0 { target / *total } else { 1.0 };
            }
            for (&c, w) in column.iter().zip(&mut w) {
                *w *= totals[c as usize - first];
            }
        }
    }
    let g = w.iter().zip(&cells.weight).map(|(w, d)| w / d).collect();
    Raked { g, sweeps }
}
