//! Rules for the step that combines samples.

use crate::study::places::KeyPath;
use crate::study::spec::{CombineBy, GivenShares, Samples, ShareRule};

use super::Rules;

pub(super) fn check(samples: Option<&Samples>, rules: &mut Rules<'_>, path: &KeyPath) {
    let Some(given) = samples else {
        if rules.sound(path) {
            let help = "add `[weighting.samples]` with `variable`, `probabilities` and `method`";
            let message = "the samples that are combined are not said";
            rules.error(path, message, "no `samples`", help);
        }
        return;
    };
    let at = path.key("samples");
    if !rules.sound(&at) {
        return;
    }
    rules.filled(&at.key("variable"), Some(&given.variable));
    frames(given, rules, &at);
    let shares = matches!(given.method, CombineBy::Composite | CombineBy::PseudoLikelihood);
    let help = "take it out, or write `method = \"composite\"`";
    if !shares {
        rules.no_meaning(&at, &["shares", "outcome"], "is for composites", help);
    }
    if given.method != CombineBy::Composite {
        rules.no_meaning(&at, &["by"], "is for composites", help);
    }
    rules.names(&at.key("by"), given.by.as_ref());
    let smallest = matches!(given.shares, Some(GivenShares::Rule(ShareRule::MinimumVariance)));
    if smallest && given.outcome.is_none() {
        let help =
            "add `outcome = \"…\"`, a numeric variable; one set of shares serves all estimates";
        rules.error(
            &at.key("shares"),
            "shares of smallest variance need an outcome",
            "whose variance?",
            help,
        );
    }
    if !smallest {
        let help = "write `shares = \"minimum-variance\"`, or take it out";
        rules.no_meaning(&at, &["outcome"], "is for shares of smallest variance", help);
    }
    if let Some(GivenShares::Numbers(shares)) = &given.shares {
        for (name, share) in &shares.0 {
            if share.is_nan() || *share < 0.0 {
                let message = format!("the share of `{name}` is {share}");
                let help = "a share is zero or more; shares are divided by their sum";
                rules.error(&at.key("shares").key(name.as_str()), message, "not a share", help);
            }
        }
        same_samples(given, &shares.0, "shares", rules, &at);
    }
    if given.method == CombineBy::PseudoLikelihood {
        if given.frame_sizes.0.is_empty() {
            let help = "add `frame-sizes = { general = 45e6, boost = 3e6 }`, or write \
                        `method = \"composite\"`";
            let message = "pseudo-maximum likelihood rests on the sizes of the frames";
            rules.error(&at.key("method"), message, "no `frame-sizes`", help);
        } else {
            same_samples(given, &given.frame_sizes.0, "frame-sizes", rules, &at);
        }
        let count = given.probabilities.0.len().max(given.frames.0.len());
        if count > 2 {
            let message = format!("pseudo-maximum likelihood combines two samples, not {count}");
            let help = "write `method = \"composite\"` or `\"sum-of-probabilities\"`";
            rules.error(&at.key("method"), message, "too many samples", help);
        }
    } else {
        let help = "take it out, or write `method = \"pseudo-likelihood\"`";
        rules.no_meaning(&at, &["frame-sizes"], "is for pseudo-maximum likelihood", help);
    }
}

/// Either probabilities or frames, of two samples or more.
fn frames(given: &Samples, rules: &mut Rules<'_>, at: &KeyPath) {
    let (known, covered) = (given.probabilities.0.len(), given.frames.0.len());
    let needs = matches!(given.method, CombineBy::TotalProbability | CombineBy::SumOfProbabilities);
    if known > 0 && covered > 0 {
        let help = "keep `probabilities`: where they are above 0 the sample could have drawn a row";
        rules.error(&at.key("frames"), "there are probabilities already", "both", help);
    } else if needs && covered > 0 {
        let help = "give `probabilities`, or write `method = \"composite\"`";
        rules.error(&at.key("frames"), "this method needs probabilities", "not enough", help);
    } else if known + covered == 0 {
        let help = "add `probabilities = { general = \"p_general\", boost = \"p_boost\" }`: one \
                    column for each sample, 0 where it could not have drawn the row";
        rules.error(
            at,
            "which samples could have drawn a row is not said",
            "no `probabilities`",
            help,
        );
    } else if known + covered == 1 {
        let key = if known == 1 { "probabilities" } else { "frames" };
        let help = "name every sample, also those that draw from everybody";
        rules.error(&at.key(key), "a combination needs two samples or more", "one sample", help);
    }
}

/// The keys of a table are the samples.
fn same_samples(
    given: &Samples,
    table: &[(String, f64)],
    key: &str,
    rules: &mut Rules<'_>,
    at: &KeyPath,
) {
    let all = if given.frames.0.is_empty() { &given.probabilities.0 } else { &given.frames.0 };
    for (name, _) in table {
        if !all.iter().any(|(n, _)| n == name) {
            let names: Vec<String> = all.iter().map(|(n, _)| format!("`{n}`")).collect();
            let help = format!("the samples are {}", names.join(", "));
            let path = at.key(key).key(name.as_str());
            rules.error_at_key(&path, format!("`{name}` is no sample"), "not a sample", &help);
        }
    }
    for (name, _) in all {
        if !table.iter().any(|(n, _)| n == name) {
            let message = format!("`{key}` says nothing of the sample `{name}`");
            rules.error(&at.key(key), message, "one is missing", "give a number for each sample");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn step(keys: &str, expected: &[&str]) {
        expect(&format!("[[weighting]]\nstep = \"combine\"\n{keys}\n"), expected);
    }

    const TWO: &str = "[weighting.samples]\nvariable = \"origin\"\n\
                       probabilities = { g = \"p\", b = \"q\" }\n";

    #[test]
    fn methods_have_what_they_need() {
        step("", &["are not said"]);
        step(&format!("{TWO}method = \"total-probability\""), &[]);
        step(
            &format!("{TWO}method = \"total-probability\"\nshares = \"effective-size\""),
            &["for composites"],
        );
        step(&format!("{TWO}method = \"composite\"\nby = \"e\""), &[]);
        step(&format!("{TWO}method = \"composite\"\nshares = {{ g = 1, b = 3 }}"), &[]);
        for (shares, expected) in [
            ("g = 1, b = -3", "the share of `b`"),
            ("g = 1", "nothing of the sample `b`"),
            ("g = 1, b = 1, c = 2", "`c` is no sample"),
        ] {
            let keys = format!("{TWO}method = \"composite\"\nshares = {{ {shares} }}");
            step(&keys, &[expected]);
        }
        step(
            &format!("{TWO}method = \"composite\"\nshares = \"minimum-variance\""),
            &["need an outcome"],
        );
        step(&format!("{TWO}method = \"pseudo-likelihood\""), &["rests on the sizes"]);
        step(
            &format!("{TWO}method = \"pseudo-likelihood\"\nframe-sizes = {{ g = 100, b = 20 }}"),
            &[],
        );
    }

    #[test]
    fn probabilities_or_frames() {
        let other = |keys: &str, expected: &[&str]| {
            step(&format!("[weighting.samples]\nvariable = \"origin\"\n{keys}"), expected);
        };
        other("method = \"total-probability\"", &["is not said"]);
        other(
            "method = \"total-probability\"\nprobabilities = { g = \"p\" }",
            &["two samples or more"],
        );
        other(
            "method = \"total-probability\"\nframes = { g = \"*\", b = \"m == 1\" }",
            &["needs probabilities"],
        );
        other("method = \"multiplicity\"\nframes = { g = \"*\", b = \"m == 1\" }", &[]);
    }
}
