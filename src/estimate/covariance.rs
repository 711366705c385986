//! Covariances of many estimates within a stratum, without a matrix of units by estimates.

use nalgebra::DMatrix;

use super::variance::Work;
use crate::design::Stratum;

/// Units looked at together where most of them have a value.
const UNIT_BLOCK: usize = 512;

/// Adds Σ_u d_a d_b of a stratum to the covariances, d being the deviation of a unit from the centre
/// times the root of the scale.
///
/// An estimate with a value in at least a quarter of the units has all its deviations written out,
/// a block of units at a time. The others are held as they are, Σ z_a z_b less the part of their
/// centres: three quarters of their values being zero, nothing cancels.
pub(super) fn covariances(
    stratum: &Stratum,
    work: &Work,
    plan: &[Option<(f64, f64, f64)>],
    full: &mut DMatrix<f64>,
) {
    let n = stratum.n();
    // For each estimate its place among those written out, or among the others.
    let (mut wide, mut narrow) = (Vec::new(), Vec::new());
    let mut at = vec![None; plan.len()];
    for (j, plan) in plan.iter().enumerate() {
        let Some((mean, scale, absent)) = *plan else { continue };
        let is_wide = 4 * work.units_with[work.touched[j] as usize] as usize >= n;
        let list = if is_wide { &mut wide } else { &mut narrow };
        at[j] = Some((is_wide, list.len()));
        let root = scale.sqrt();
        // Of a value z there is left (z − shift) root, of no value absent root.
        list.push((work.touched[j] as usize, mean, root, absent * root));
    }
    let (w, s) = (wide.len(), narrow.len());
    let mut both = DMatrix::<f64>::zeros(w, w);
    let mut mixed = DMatrix::<f64>::zeros(w, s);
    let mut wide_sum = vec![0.0; w];
    let mut narrow_sum = vec![0.0; s];
    let mut rest = work.entries.as_slice();
    let mut own: Vec<(usize, f64)> = Vec::new();
    for from in (stratum.first..stratum.end).step_by(UNIT_BLOCK) {
        let end = stratum.end.min(from + UNIT_BLOCK as u32);
        let mut block = DMatrix::<f64>::zeros(w, (end - from) as usize);
        for mut column in block.column_iter_mut() {
            column.iter_mut().zip(&wide).for_each(|(d, estimate)| *d = estimate.3);
        }
        let (now, later) = rest.split_at(rest.partition_point(|e| e.0 < end));
        rest = later;
        for list in now.chunk_by(|a, b| a.0 == b.0) {
            let u = (list[0].0 - from) as usize;
            own.clear();
            for &(_, k, z) in list {
                match at[work.place[k as usize] as usize] {
                    Some((true, i)) => block[(i, u)] = (z - wide[i].1) * wide[i].2,
                    Some((false, i)) => {
                        // With values measured from their centre nothing is left of no value.
                        let shift = if narrow[i].3 == 0.0 { narrow[i].1 } else { 0.0 };
                        own.push((i, (z - shift) * narrow[i].2));
                    }
                    None => {}
                }
            }
            for &(i, z) in &own {
                narrow_sum[i] += z;
                let column = block.column(u);
                mixed.column_mut(i).iter_mut().zip(&column).for_each(|(m, d)| *m += d * z);
                for &(j, other) in &own {
                    full[(narrow[i].0, narrow[j].0)] += z * other;
                }
            }
        }
        for column in block.column_iter() {
            wide_sum.iter_mut().zip(&column).for_each(|(sum, d)| *sum += d);
        }
        both.gemm(1.0, &block, &block.transpose(), 1.0);
    }
    let units = n as f64;
    for (i, a) in wide.iter().enumerate() {
        for (j, b) in wide.iter().enumerate() {
            full[(a.0, b.0)] += both[(i, j)];
        }
        for (j, b) in narrow.iter().enumerate() {
            let v = mixed[(i, j)] + b.3 * wide_sum[i];
            full[(a.0, b.0)] += v;
            full[(b.0, a.0)] += v;
        }
    }
    for (i, a) in narrow.iter().enumerate() {
        for (j, b) in narrow.iter().enumerate() {
            let centres = a.3 * narrow_sum[j] + b.3 * narrow_sum[i] + units * a.3 * b.3;
            full[(a.0, b.0)] += centres;
        }
    }
}
