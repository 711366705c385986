//! Words that other systems use for what our files name differently.

/// (what people write, what it is called here). Only a word that is accepted in its place is
/// ever suggested, so one word may stand for several.
const SYNONYMS: [(&str, &str); 46] = [
    ("psu", "clusters"),
    ("psus", "clusters"),
    ("id", "clusters"),
    ("ids", "clusters"),
    ("stratum", "strata"),
    ("pweight", "weight"),
    ("pw", "weight"),
    ("prob", "probabilities"),
    ("probs", "probabilities"),
    ("nest", "nested"),
    ("singleunit", "lonely-psu"),
    ("repweights", "replicates"),
    ("replicate-weights", "replicates"),
    ("fay", "rho"),
    ("subset", "where"),
    ("filter", "where"),
    ("subpop", "where"),
    ("subpopulation", "where"),
    ("domain", "by"),
    ("domains", "by"),
    ("over", "by"),
    ("group", "by"),
    ("groups", "by"),
    ("group-by", "by"),
    ("median", "quantile"),
    ("percentile", "quantile"),
    ("average", "mean"),
    ("count", "total"),
    ("sum", "total"),
    ("prevalence", "proportion"),
    ("share", "proportion"),
    ("ci", "interval"),
    ("ci-method", "interval"),
    ("alpha", "confidence"),
    ("path", "file"),
    ("when", "cases"),
    ("breaks", "at"),
    ("else", "otherwise"),
    ("default", "otherwise"),
    ("type", "step"),
    ("recode", "map"),
    ("output", "folder"),
    ("probs", "at"),
    ("calfun", "distance"),
    ("maxit", "iterations"),
    ("targets", "totals"),
];

/// The same for values.
const VALUES: [(&str, &str); 26] = [
    ("fail", "error"),
    ("adjust", "center"),
    ("centered", "center"),
    ("scaled", "average"),
    ("ipf", "rake"),
    ("raking", "rake"),
    ("greg", "calibrate"),
    ("calibration", "calibrate"),
    ("poststratification", "post-stratify"),
    ("greg", "linear"),
    ("chi-square", "linear"),
    ("exponential", "raking"),
    ("multiplicative", "raking"),
    ("clopper-pearson", "beta"),
    ("exact", "korn-graubard"),
    ("wald", "t"),
    ("normal", "t"),
    ("score", "wilson"),
    ("asin", "arcsine"),
    ("fdr", "benjamini-hochberg"),
    ("bh", "benjamini-hochberg"),
    ("wr", "replace"),
    ("wor", "without-replacement"),
    ("acs", "sdr"),
    ("successive-difference", "sdr"),
    ("diff", "difference"),
];

/// All words that lead to a name, for a test that each name is one.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    SYNONYMS.iter().chain(&VALUES).copied()
}

/// The accepted name that a word from elsewhere stands for.
pub(crate) fn synonym<'a>(word: &str, accepted: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase().replace(['_', ' '], "-");
    SYNONYMS
        .iter()
        .chain(&VALUES)
        .filter(|(from, _)| *from == word)
        .find_map(|(_, to)| accepted.iter().copied().find(|a| a == to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_accepted_is_suggested() {
        assert_eq!(synonym("PSU", &["strata", "clusters"]), Some("clusters"));
        assert_eq!(synonym("psu", &["strata"]), None);
        assert_eq!(synonym("greg", &["linear", "logit"]), Some("linear"));
        assert_eq!(synonym("probs", &["of", "at"]), Some("at"));
    }
}
