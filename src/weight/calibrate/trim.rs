//! Factors cut off after a calibration, as the option `trim` of R `calibrate` does.

use super::cells::Cells;
use super::distance::Bounds;

/// Cuts factors off at bounds; what that takes from the sum of the weights is given to the rows that
/// were not cut, as one number added to their factors: Σ_cut d (g − g_cut) ÷ Σ_other d. Once: the
/// factors raised by it may end above the bounds. Returns how many rows were cut.
pub(super) fn trim(cells: &Cells, g: &mut [f64], bounds: Bounds) -> u64 {
    let (mut removed, mut others, mut rows) = (0.0, 0.0, 0);
    let is_cut: Vec<bool> = g
        .iter_mut()
        .enumerate()
        .map(|(cell, g)| {
            let cut = g.clamp(bounds.lower, bounds.upper);
            let is_cut = cut != *g;
            if is_cut {
                removed += cells.weight[cell] * (*g - cut);
                rows += u64::from(cells.rows[cell]);
            } else {
                others += cells.weight[cell];
            }
            *g = cut;
            is_cut
        })
        .collect();
    if rows > 0 && others != 0.0 {
        let more = removed / others;
        g.iter_mut().zip(&is_cut).filter(|(_, cut)| !**cut).for_each(|(g, _)| *g += more);
    }
    rows
}
