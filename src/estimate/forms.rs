//! Variances of many estimates under one quadratic form.

use crate::design::{Form, dot};

/// Estimates whose right sides are held at one time.
const BLOCK: usize = 32;

/// Gives `take(i, j, V)` the variances (i = j) of `size` estimates and, if wanted, their covariances,
/// each pair once. `column` writes the unit totals of an estimate. Of the vectors over units only a
/// few are held at a time.
pub(super) fn form_variances(
    form: &Form,
    size: usize,
    full: bool,
    column: impl Fn(usize, &mut Vec<f64>),
    mut take: impl FnMut(usize, usize, f64),
) {
    let (mut z, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
    if !full {
        for k in 0..size {
            column(k, &mut z);
            form.split(&z, &mut left, &mut right);
            take(k, k, dot(&left, &right));
        }
        return;
    }
    for from in (0..size).step_by(BLOCK) {
        let block: Vec<Vec<f64>> = (from..size.min(from + BLOCK))
            .map(|k| {
                column(k, &mut z);
                form.split(&z, &mut left, &mut right);
                right.clone()
            })
            .collect();
        for i in from..size {
            column(i, &mut z);
            form.split(&z, &mut left, &mut right);
            for (j, other) in (from..=i).zip(&block) {
                take(i, j, dot(&left, other));
            }
        }
    }
}
