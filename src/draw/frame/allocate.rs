//! A number of units shared out among strata.

use crate::numeric::Sum;
use crate::sampling::spec::Allocation;

/// Whole numbers that add to n, none above what its stratum has, near n · share ÷ Σ share: largest
/// remainders (Hamilton), after one unit for each stratum where n suffices, so that every unit has a
/// chance. `None` when the shares cannot be had from a frame (Neyman's need the spread).
pub(super) fn allocate(
    n: usize,
    units: &[usize],
    measure: &[f64],
    rule: Allocation,
) -> Option<Vec<usize>> {
    if let [all] = units {
        return Some(vec![n.min(*all)]);
    }
    let share = |m: f64| match rule {
        Allocation::Equal => Some(1.0),
        Allocation::Proportional => Some(m),
        Allocation::SquareRoot => Some(m.sqrt()),
        _ => None,
    };
    let shares = measure.iter().map(|&m| share(m)).collect::<Option<Vec<f64>>>()?;
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
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole_and_bounded() {
        let proportional = |n, units: &[usize]| {
            let measure: Vec<f64> = units.iter().map(|u| *u as f64).collect();
            allocate(n, units, &measure, Allocation::Proportional).unwrap()
        };
        assert_eq!(proportional(10, &[50, 30, 20]), [5, 3, 2]);
        // 3.33 each: the first gets the odd one.
        assert_eq!(proportional(10, &[30, 30, 30]), [4, 3, 3]);
        // Everybody gets at least one.
        assert_eq!(proportional(10, &[1000, 10, 1]), [8, 1, 1]);
        assert_eq!(proportional(2, &[1000, 10, 1]), [2, 0, 0]);
        assert_eq!(proportional(9, &[2, 2, 2]), [2, 2, 2]);
        let equal = allocate(12, &[2, 50, 50], &[1.0; 3], Allocation::Equal).unwrap();
        assert_eq!(equal, [2, 5, 5]);
        assert_eq!(allocate(3, &[5, 5], &[1.0; 2], Allocation::Neyman), None);
    }
}
