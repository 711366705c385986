//! What the enumerations of a result are called on the page.

use crate::compare::Measure;
use crate::estimate::{Decision, DfRule, IntervalMethod, Outcome, QualityStandard, Statistic};

/// The statistic, as a heading begins.
pub(super) fn statistic(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Total => "Total",
        Statistic::Mean => "Mean",
        Statistic::Proportion => "Proportion",
        Statistic::Ratio => "Ratio",
        Statistic::Quantile => "Quantile",
    }
}

/// The measure of a comparison.
pub(super) fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::Difference => "Difference",
        Measure::Ratio => "Ratio",
    }
}

/// How an interval is made.
pub(super) fn interval(method: IntervalMethod) -> &'static str {
    match method {
        IntervalMethod::T => "estimate ± t × SE",
        IntervalMethod::Logit => "logit-transformed",
        IntervalMethod::KornGraubard => "Korn–Graubard",
        IntervalMethod::Beta => "beta (Clopper–Pearson on the effective sample size)",
        IntervalMethod::Wilson => "Wilson",
        IntervalMethod::Arcsine => "arcsine-transformed",
        IntervalMethod::Likelihood => "profile likelihood",
        IntervalMethod::Woodruff => "Woodruff",
    }
}

/// Where degrees of freedom come from.
pub(super) fn df_rule(rule: DfRule) -> &'static str {
    match rule {
        DfRule::DomainPsusMinusStrata => {
            "PSUs with positive weight in the group minus their strata"
        }
        DfRule::DesignPsusMinusStrata => {
            "PSUs with positive weight in the whole sample minus their strata"
        }
        DfRule::ReplicateRank => "rank of the replicate weights minus one",
        DfRule::ReplicateCount => {
            "PSUs with positive weight in the group minus their strata, at most replicates minus one"
        }
        DfRule::Given => "given in the study file",
        DfRule::Infinite => "the normal distribution is used",
    }
}

/// The full name of a quality standard.
pub(super) fn standard(standard: QualityStandard) -> &'static str {
    match standard {
        QualityStandard::Nchs => {
            "NCHS Data Presentation Standards (Vital and Health Statistics 2(175), 2017, for \
             proportions; 2(200), 2023, for rates and counts)"
        }
    }
}

/// The short word for a decision, as in a table's flag column; empty for "show it".
pub(super) fn flag(decision: Decision) -> &'static str {
    match decision {
        Decision::Show => "",
        Decision::Footnote => "footnote",
        Decision::Review => "review",
        Decision::Suppress => "suppress",
    }
}

/// What a decision asks of whoever publishes the estimate.
pub(super) fn flag_meaning(decision: Decision) -> &'static str {
    match decision {
        Decision::Show => "The estimate meets the standard.",
        Decision::Footnote => "The estimate may be shown with a footnote that names the reason.",
        Decision::Review => {
            "A statistician should look at the estimate before it is published: its uncertainty \
             is itself poorly known, or the estimate lies at the end of its range."
        }
        Decision::Suppress => {
            "The estimate is too imprecise for the standard and should not be published."
        }
    }
}

/// An outcome as a label among others: its level, its quantile, else its title.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match (&outcome.level, outcome.probability) {
        (Some(level), _) => level.clone(),
        (None, Some(p)) => quantile(p),
        (None, None) => outcome.title.clone(),
    }
}

/// An outcome standing alone: its title, with its level or quantile.
pub(super) fn outcome_full(it: &Outcome) -> String {
    if it.level.is_none() && it.probability.is_none() {
        it.title.clone()
    } else {
        format!("{}: {}", it.title, outcome(it))
    }
}

/// A confidence level as "95%" or "99.9%".
pub(super) fn level(level: f64) -> String {
    let percent = format!("{:.3}", level * 100.0);
    format!("{}%", percent.trim_end_matches('0').trim_end_matches('.'))
}

/// "1 group", "2 groups".
pub(super) fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", super::number::count(n as u64), if n == 1 { one } else { many })
}

fn quantile(p: f64) -> String {
    let percent = p * 100.0;
    if p == 0.5 {
        "Median".to_string()
    } else if p == 0.25 {
        "Lower quartile".to_string()
    } else if p == 0.75 {
        "Upper quartile".to_string()
    } else if (percent - percent.round()).abs() < 1e-9 {
        let n = percent.round() as i64;
        let ending = match (n % 10, n % 100) {
            (1, r) if r != 11 => "st",
            (2, r) if r != 12 => "nd",
            (3, r) if r != 13 => "rd",
            _ => "th",
        };
        format!("{n}{ending} percentile")
    } else {
        format!("{} quantile", p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_levels_have_their_names() {
        assert_eq!(quantile(0.5), "Median");
        assert_eq!(quantile(0.01), "1st percentile");
        assert_eq!(quantile(0.11), "11th percentile");
        assert_eq!(quantile(0.92), "92nd percentile");
        assert_eq!(quantile(0.995), "0.995 quantile");
        assert_eq!(level(0.95), "95%");
        assert_eq!(level(0.999), "99.9%");
        assert_eq!(plural(1, "group", "groups"), "1 group");
        assert_eq!(plural(1200, "group", "groups"), "1,200 groups");
    }
}
