//! p-values adjusted for the number of comparisons.

/// How p-values are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Adjustment {
    /// p × m: the chance of any false finding among m is held below the level (Bonferroni).
    Bonferroni,
    /// The same guarantee, stepping down from the smallest p-value; never less powerful (Holm 1979,
    /// *Scandinavian Journal of Statistics* 6, 65–70).
    Holm,
    /// The expected share of false findings among the findings is held below the level (Benjamini
    /// and Hochberg 1995, *JRSS B* 57, 289–300); assumes independence or positive dependence.
    BenjaminiHochberg,
}

impl Adjustment {
    /// The name in words, for notes and table heads.
    pub fn name(self) -> &'static str {
        match self {
            Adjustment::Bonferroni => "Bonferroni",
            Adjustment::Holm => "Holm",
            Adjustment::BenjaminiHochberg => "Benjamini–Hochberg",
        }
    }
}

/// Adjusted p-values, in the order given.
///
/// With m p-values p₍₁₎ ≤ … ≤ p₍ₘ₎: Bonferroni min(1, m p); Holm max over j ≤ i of
/// min(1, (m − j + 1) p₍ⱼ₎); Benjamini–Hochberg min over j ≥ i of min(1, m p₍ⱼ₎/j).
///
/// *Missing values*: a missing or NaN p-value stays missing and does not count in m.
pub fn adjust(p_values: &[Option<f64>], method: Adjustment) -> Vec<Option<f64>> {
    let mut present: Vec<(usize, f64)> = p_values
        .iter()
        .enumerate()
        .filter_map(|(i, p)| p.filter(|p| !p.is_nan()).map(|p| (i, p)))
        .collect();
    present.sort_by(|a, b| a.1.total_cmp(&b.1));
    let m = present.len() as f64;
    let mut adjusted = vec![None; p_values.len()];
    match method {
        Adjustment::Bonferroni => {
            for &(i, p) in &present {
                adjusted[i] = Some((m * p).min(1.0));
            }
        }
        Adjustment::Holm => {
            let mut highest = 0.0_f64;
            for (rank, &(i, p)) in present.iter().enumerate() {
                highest = highest.max(((m - rank as f64) * p).min(1.0));
                adjusted[i] = Some(highest);
            }
        }
        Adjustment::BenjaminiHochberg => {
            let mut lowest = 1.0_f64;
            for (rank, &(i, p)) in present.iter().enumerate().rev() {
                lowest = lowest.min(m / (rank as f64 + 1.0) * p);
                adjusted[i] = Some(lowest);
            }
        }
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(p: &[Option<f64>], method: Adjustment, wanted: &[Option<f64>]) {
        let found = adjust(p, method);
        assert_eq!(found.len(), wanted.len());
        for (f, w) in found.iter().zip(wanted) {
            match (f, w) {
                (Some(f), Some(w)) => assert!((f - w).abs() <= 1e-15, "{method:?}: {f} {w}"),
                (f, w) => assert_eq!(f, w, "{method:?}"),
            }
        }
    }

    /// R 4.2.2 `p.adjust` on unordered values with a tie and a missing one.
    #[test]
    fn agrees_with_r() {
        let p = [0.01, 0.02, 0.03, 0.04, 0.05, f64::NAN, 0.5, 0.02].map(Some);
        let mut missing = p;
        missing[5] = None;
        let some = |v: [f64; 8]| v.map(|x| if x.is_nan() { None } else { Some(x) });
        let nan = f64::NAN;
        for p in [p, missing] {
            check(
                &p,
                Adjustment::Bonferroni,
                &some([0.07, 0.14, 0.21, 0.28, 0.35, nan, 1.0, 0.14]),
            );
            check(&p, Adjustment::Holm, &some([0.07, 0.12, 0.12, 0.12, 0.12, nan, 0.5, 0.12]));
            check(
                &p,
                Adjustment::BenjaminiHochberg,
                &some([
                    0.04666666666666667,
                    0.04666666666666667,
                    0.0525,
                    0.056,
                    0.05833333333333334,
                    nan,
                    0.5,
                    0.04666666666666667,
                ]),
            );
        }
    }

    /// The fifteen p-values of Benjamini and Hochberg (1995, section 3.2): four rejections at 5 %,
    /// against three by Holm and Bonferroni.
    #[test]
    fn published_example() {
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0,
        ]
        .map(Some);
        let rejected =
            |method| adjust(&p, method).iter().filter(|p| p.is_some_and(|p| p <= 0.05)).count();
        assert_eq!(rejected(Adjustment::BenjaminiHochberg), 4);
        assert_eq!(rejected(Adjustment::Holm), 3);
        assert_eq!(rejected(Adjustment::Bonferroni), 3);
        let holm = adjust(&p, Adjustment::Holm);
        assert!((holm[4].unwrap() - 0.2211).abs() < 1e-15);
        assert!((holm[8].unwrap() - 0.3213).abs() < 1e-15);
        let bh = adjust(&p, Adjustment::BenjaminiHochberg);
        assert!((bh[5].unwrap() - 0.06385714285714286).abs() < 1e-15);
        assert!((bh[12].unwrap() - 0.7532307692307693).abs() < 1e-15);
    }

    #[test]
    fn none_and_one() {
        for method in [Adjustment::Bonferroni, Adjustment::Holm, Adjustment::BenjaminiHochberg] {
            assert!(adjust(&[], method).is_empty());
            assert_eq!(adjust(&[None, Some(0.04), None], method), [None, Some(0.04), None]);
        }
    }
}
