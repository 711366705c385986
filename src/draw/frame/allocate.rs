//! A number of units shared out among strata.

use crate::numeric::Sum;
use crate::sampling::spec::Allocation;

/// Whole numbers that add to n, none above what its stratum has, near n · share ÷ Σ share: largest
/// remainders (Hamilton), after one unit for each stratum where n suffices, so that every unit has a
/// chance. For Neyman's rule the measure is that of [`neyman`].
pub(super) fn allocate(n: usize, units: &[usize], measure: &[f64], rule: Allocation) -> Vec<usize> {
    if let [all] = units {
        return vec![n.min(*all)];
    }
    let share = |m: f64| match rule {
        Allocation::Equal => 1.0,
        Allocation::SquareRoot => m.sqrt(),
        _ => m,
    };
    let shares: Vec<f64> = measure.iter().map(|&m| share(m)).collect();
    let total = shares.iter().copied().collect::<Sum>().value();
    let n = n.min(units.iter().sum());
    let least = usize::from(n >= units.len());
    let mut taken = vec![0; units.len()];
    let mut full = vec![false; units.len()];
    let mut remainders = vec![0.0; units.len()];
    // Strata that have less than their share give it up to the others; each round fills one more.
    for _ in 0..=units.len() {
        let fixed: usize = taken.iter().zip(&full).filter(|x| *x.1).map(|x| x.0).sum();
        let open: f64 = shares.iter().zip(&full).filter(|x| !*x.1).map(|x| x.0).sum();
        let open = if open > 0.0 { open } else { total.max(1.0) };
        let mut again = false;
        for i in (0..units.len()).filter(|i| !full[*i]).collect::<Vec<_>>() {
            let wanted = (n - fixed) as f64 * shares[i] / open;
            taken[i] = (wanted.floor() as usize).max(least);
            remainders[i] = wanted - taken[i] as f64;
            if taken[i] >= units[i] {
                taken[i] = units[i];
                full[i] = true;
                again = true;
            }
        }
        if !again {
            break;
        }
    }
    // What is still to be given, or was given too much of, goes by the remainders.
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by(|&a, &b| remainders[b].total_cmp(&remainders[a]).then(a.cmp(&b)));
    let mut sum: usize = taken.iter().sum();
    while sum < n {
        let before = sum;
        for &i in &order {
            if sum < n && taken[i] < units[i] {
                taken[i] += 1;
                sum += 1;
            }
        }
        if sum == before {
            break;
        }
    }
    while sum > n {
        let Some(most) = (0..units.len()).filter(|&i| taken[i] > least).max_by_key(|&i| taken[i])
        else {
            break;
        };
        taken[most] -= 1;
        sum -= 1;
    }
    taken
}

/// What a stratum's share is proportional to in Neyman's allocation (1934): N_h S_h, S_h the standard
/// deviation of the variable in the stratum; with sizes x, for draws with probabilities proportional to
/// them, {Σ_i x_i X (y_i/x_i − Y/X)²}^½ (the variance of Hansen and Hurwitz 1943), which is N S where all sizes are equal but
/// for the factor √((N − 1)/N).
pub(super) fn neyman(y: &[f64], size: Option<&[f64]>) -> f64 {
    let count = y.len() as f64;
    let total = y.iter().copied().collect::<Sum>().value();
    match size {
        None if y.len() < 2 => 0.0,
        None => {
            let mean = total / count;
            let squares: Sum = y.iter().map(|y| (y - mean) * (y - mean)).collect();
            count * (squares.value() / (count - 1.0)).sqrt()
        }
        Some(x) => {
            let all = x.iter().copied().collect::<Sum>().value();
            let ratio = total / all;
            let squares: Sum = y
                .iter()
                .zip(x)
                .filter(|(_, x)| **x > 0.0)
                .map(|(y, x)| x * (y / x - ratio) * (y / x - ratio))
                .collect();
            (all * squares.value()).sqrt()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole_and_bounded() {
        let proportional = |n, units: &[usize]| {
            let measure: Vec<f64> = units.iter().map(|u| *u as f64).collect();
            allocate(n, units, &measure, Allocation::Proportional)
        };
        assert_eq!(proportional(10, &[50, 30, 20]), [5, 3, 2]);
        // 3.33 each: the first gets the odd one.
        assert_eq!(proportional(10, &[30, 30, 30]), [4, 3, 3]);
        // Everybody gets at least one.
        assert_eq!(proportional(10, &[1000, 10, 1]), [8, 1, 1]);
        assert_eq!(proportional(2, &[1000, 10, 1]), [2, 0, 0]);
        assert_eq!(proportional(9, &[2, 2, 2]), [2, 2, 2]);
        let equal = allocate(12, &[2, 50, 50], &[1.0; 3], Allocation::Equal);
        assert_eq!(equal, [2, 5, 5]);
    }

    /// No other allocation of the same number has a smaller variance Σ N² S² (1/n − 1/N).
    #[test]
    fn neyman_has_the_least_variance() {
        let strata: [&[f64]; 3] = [
            &[1.0, 9.0, 4.0, 6.0, 2.0, 8.0, 5.0, 5.0],
            &[10.0, 30.0, 22.0, 18.0, 40.0, 0.0, 25.0, 15.0, 12.0, 28.0],
            &[3.0, 13.0, 5.0, 9.0, 1.0, 11.0],
        ];
        let measure: Vec<f64> = strata.iter().map(|y| neyman(y, None)).collect();
        let units: Vec<usize> = strata.iter().map(|y| y.len()).collect();
        let n = allocate(10, &units, &measure, Allocation::Neyman);
        assert_eq!(n, [1, 7, 2]);
        let variance = |n: &[usize]| -> f64 {
            let of = |h: usize| measure[h].powi(2) * (1.0 / n[h] as f64 - 1.0 / units[h] as f64);
            (0..3).map(of).sum()
        };
        for a in 1..=8 {
            for b in 1..=10_usize {
                if let Some(c) = 10_usize.checked_sub(a + b).filter(|c| (1..=6).contains(c)) {
                    assert!(variance(&[a, b, c]) >= variance(&n) - 1e-9, "{a} {b} {c}");
                }
            }
        }
        // Equal sizes: N S √((N − 1)/N).
        let y = strata[1];
        let expected = neyman(y, None) * (9.0_f64 / 10.0).sqrt();
        assert!((neyman(y, Some(&[2.5; 10])) - expected).abs() < 1e-12);
        // Sizes that the variable is proportional to leave nothing to spread.
        assert!(neyman(y, Some(y)) < 1e-9);
        assert_eq!(neyman(&[4.0], None), 0.0);
    }
}
