//! Sharing a number of units out among strata.

use crate::numeric::sum;

/// A stratum, as far as allocation needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StratumSize {
    /// Its size: units, or a measure of size X_h.
    pub size: f64,
    /// The standard deviation S_h within it; 1 where it is not known.
    pub sd: f64,
    /// What one unit of it costs, c_h; 1 where all cost the same.
    pub cost: f64,
    /// The most that can be drawn.
    pub most: f64,
}

/// How a number is shared out.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// n_h ∝ X_h.
    Proportional,
    /// n_h equal.
    Equal,
    /// n_h ∝ X_h^q with 0 ≤ q ≤ 1: the power allocation of Bankier (1988, eq. 2.1) for equal
    /// coefficients of variation within strata. q = 1 is proportional, q = 0 equal.
    Power(f64),
    /// n_h ∝ X_h S_h ÷ √c_h (Neyman 1934; with prices Cochran 1977, eq. 5.23).
    Neyman,
}

/// The numbers n_h with Σ n_h = `total`, as far as the strata have so many.
///
/// Where a share would exceed `most`, the stratum is taken in full and the rest shared out anew
/// among the others (Cochran 1977, section 5.8). Numbers are not rounded; [`rounded`] does that.
/// A stratum of size 0 gets nothing.
pub fn allocate(rule: Rule, strata: &[StratumSize], total: f64) -> Vec<f64> {
    let wish = |s: &StratumSize| {
        if s.size <= 0.0 || s.most <= 0.0 {
            return 0.0;
        }
        match rule {
            Rule::Proportional => s.size,
            Rule::Equal => 1.0,
            Rule::Power(q) => s.size.powf(q),
            Rule::Neyman => s.size * s.sd / s.cost.max(f64::MIN_POSITIVE).sqrt(),
        }
    };
    let wishes: Vec<f64> = strata.iter().map(wish).collect();
    let mut given = vec![0.0; strata.len()];
    let mut full = vec![false; strata.len()];
    // Each round fills at least one stratum or is the last.
    for _ in 0..=strata.len() {
        let taken: Vec<f64> =
            strata.iter().zip(&full).filter(|(_, f)| **f).map(|(s, _)| s.most).collect();
        let rest = total - sum(&taken);
        let open: Vec<f64> =
            wishes.iter().zip(&full).filter(|(_, f)| !**f).map(|(w, _)| *w).collect();
        let all = sum(&open);
        let mut filled = false;
        for h in 0..strata.len() {
            if full[h] {
                given[h] = strata[h].most;
                continue;
            }
            given[h] = if all > 0.0 { (rest.max(0.0)) * wishes[h] / all } else { 0.0 };
            if given[h] > strata[h].most && wishes[h] > 0.0 {
                full[h] = true;
                filled = true;
            }
        }
        if !filled {
            break;
        }
    }
    given
}

/// Whole numbers with the same total as near as can be: each is rounded down, and the largest
/// remainders get one more (Hamilton's method); ties go to the first.
pub fn rounded(numbers: &[f64]) -> Vec<u64> {
    let total = sum(numbers).round().max(0.0) as u64;
    let mut whole: Vec<u64> = numbers.iter().map(|n| n.max(0.0).floor() as u64).collect();
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| {
        let part = |i: usize| numbers[i].max(0.0).fract();
        part(b).total_cmp(&part(a)).then(a.cmp(&b))
    });
    let given: u64 = whole.iter().sum();
    for &i in order.iter().take(usize::try_from(total.saturating_sub(given)).unwrap_or(0)) {
        whole[i] += 1;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strata(sizes: &[f64], sds: &[f64], costs: &[f64]) -> Vec<StratumSize> {
        sizes
            .iter()
            .zip(sds)
            .zip(costs)
            .map(|((&size, &sd), &cost)| StratumSize { size, sd, cost, most: size })
            .collect()
    }

    #[test]
    fn neyman_minimises_the_variance_at_a_price() {
        let s = strata(&[400.0, 300.0, 100.0], &[4.0, 2.0, 9.0], &[1.0, 4.0, 2.0]);
        let n = allocate(Rule::Neyman, &s, 90.0);
        let variance = |n: &[f64]| -> f64 {
            s.iter().zip(n).map(|(s, n)| s.size.powi(2) * s.sd.powi(2) / n).sum()
        };
        let price = |n: &[f64]| -> f64 { s.iter().zip(n).map(|(s, n)| s.cost * n).sum() };
        // Moving money from any stratum to any other makes the variance larger.
        let best = variance(&n);
        for from in 0..3 {
            for to in 0..3 {
                let mut moved = n.clone();
                moved[from] -= 0.01 / s[from].cost;
                moved[to] += 0.01 / s[to].cost;
                assert!((price(&moved) - price(&n)).abs() < 1e-9);
                assert!(variance(&moved) >= best - 1e-9, "{from} to {to}");
            }
        }
        assert!((n.iter().sum::<f64>() - 90.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_full_is_shared_out_anew() {
        let s = strata(&[10.0, 100.0, 1000.0], &[50.0, 1.0, 1.0], &[1.0; 3]);
        let n = allocate(Rule::Neyman, &s, 120.0);
        assert_eq!(n[0], 10.0);
        assert!((n[1] - 10.0).abs() < 1e-9 && (n[2] - 100.0).abs() < 1e-9, "{n:?}");
        let n = allocate(Rule::Equal, &s, 330.0);
        assert_eq!(&n[..2], &[10.0, 100.0]);
        assert!((n[2] - 220.0).abs() < 1e-9);
        // More than there is: everything.
        assert_eq!(allocate(Rule::Proportional, &s, 5000.0), vec![10.0, 100.0, 1000.0]);
        assert_eq!(allocate(Rule::Proportional, &[], 10.0), Vec::<f64>::new());
    }

    #[test]
    fn power_lies_between_equal_and_proportional() {
        let s = strata(&[100.0, 400.0], &[1.0; 2], &[1.0; 2]);
        let n = allocate(Rule::Power(0.5), &s, 30.0);
        assert!((n[0] - 10.0).abs() < 1e-12 && (n[1] - 20.0).abs() < 1e-12);
        assert_eq!(allocate(Rule::Power(0.0), &s, 30.0), allocate(Rule::Equal, &s, 30.0));
        assert_eq!(allocate(Rule::Power(1.0), &s, 30.0), allocate(Rule::Proportional, &s, 30.0));
    }

    #[test]
    fn rounding_keeps_the_total() {
        assert_eq!(rounded(&[1.5, 2.5, 3.0]), vec![2, 2, 3]);
        assert_eq!(rounded(&[0.4, 0.4, 0.2]), vec![1, 0, 0]);
        assert_eq!(rounded(&[]), Vec::<u64>::new());
    }
}
