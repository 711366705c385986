//! Joining adjustment classes that are too small or would blow weights up.

use super::super::groups::Groups;

/// What every class must have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CollapseRules {
    /// Smallest number of observed units in a class.
    pub min_count: u64,
    /// Largest factor.
    pub max_factor: f64,
}

impl Default for CollapseRules {
    /// At least one observed unit, any factor.
    fn default() -> CollapseRules {
        CollapseRules { min_count: 1, max_factor: f64::INFINITY }
    }
}

/// Sums of one class.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClassSums {
    /// Units selected and units observed.
    pub n: u64,
    pub observed: u64,
    /// Their sums in the rate: of weights, or of ones.
    pub all: f64,
    pub seen: f64,
}

impl ClassSums {
    pub fn factor(&self) -> f64 {
        if self.seen > 0.0 { self.all / self.seen } else { f64::INFINITY }
    }

    fn with(&self, other: &ClassSums) -> ClassSums {
        ClassSums {
            n: self.n + other.n,
            observed: self.observed + other.observed,
            all: self.all + other.all,
            seen: self.seen + other.seen,
        }
    }

    fn passes(&self, rules: &CollapseRules) -> bool {
        self.all == 0.0
            || (self.observed >= rules.min_count
                && self.seen > 0.0
                && self.factor() <= rules.max_factor)
    }
}

/// The joined class of each group, numbered from 0 in the order of the groups, so that every class
/// keeps the rules; `None` when even one class of all does not.
///
/// The class that is furthest from keeping the rules (the one with the fewest observed units, then
/// with the largest factor) is joined with the class that shares most of the first variables with
/// it, and among those with the one whose rate is nearest. So the last variable is given up
/// first, and classes that respond alike are joined.
pub(super) fn collapse(
    groups: &Groups,
    sums: &[ClassSums],
    rules: &CollapseRules,
) -> Option<Vec<u32>> {
    // Each class as the list of its groups; the first one stands for it.
    let mut classes: Vec<(Vec<usize>, ClassSums)> =
        sums.iter().enumerate().map(|(g, s)| (vec![g], *s)).collect();
    loop {
        let worst = (0..classes.len()).filter(|&c| !classes[c].1.passes(rules)).min_by(|&a, &b| {
            let (a, b) = (&classes[a].1, &classes[b].1);
            a.observed.cmp(&b.observed).then(b.factor().total_cmp(&a.factor()))
        });
        let Some(worst) = worst else { break };
        let shared = |c: usize| {
            let levels = |c: usize| &groups.levels[classes[c].0[0]];
            levels(c).iter().zip(levels(worst)).take_while(|(a, b)| a == b).count()
        };
        let rate = |c: usize| classes[c].1.seen / classes[c].1.all;
        let distance = |c: usize| (rate(c) - rate(worst)).abs();
        let partner = (0..classes.len())
            .filter(|&c| c != worst && classes[c].1.all > 0.0)
            .min_by(|&a, &b| shared(b).cmp(&shared(a)).then(distance(a).total_cmp(&distance(b))))?;
        let (keep, lose) = (worst.min(partner), worst.max(partner));
        let (members, lost) = classes.remove(lose);
        let total = classes[keep].1.with(&lost);
        classes[keep].0.extend(members);
        classes[keep].0.sort_unstable();
        classes[keep].1 = total;
    }
    classes.sort_by_key(|(members, _)| members[0]);
    let mut into = vec![0; sums.len()];
    for (class, (members, _)) in (0..).zip(&classes) {
        members.iter().for_each(|&g| into[g] = class);
    }
    Some(into)
}
