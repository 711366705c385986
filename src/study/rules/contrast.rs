//! Rules for functions of estimates.

use crate::compare::ContrastScale;
use crate::study::places::KeyPath;
use crate::study::spec::{Expressions, Study};

use super::Rules;

pub(super) fn check(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    for (i, contrast) in study.contrast.iter().enumerate() {
        let here = path.index(i);
        rules.slug(&here.key("name"), contrast.name.as_deref());
        let at = here.key("expression");
        match &contrast.expression {
            Expressions::One(text) => rules.filled(&at, Some(text)),
            Expressions::Many(list) if list.0.is_empty() => rules.error(
                &at,
                "there is no expression",
                "an empty table",
                "write `{ \"label\" = \"rate{A} / rate{B}\" }`",
            ),
            Expressions::Many(list) => {
                for (label, text) in &list.0 {
                    rules.filled(&at.key(label), Some(text));
                }
            }
        }
        rules.confidence(&here.key("confidence"), contrast.confidence);
        if contrast.scale == Some(ContrastScale::Log) && contrast.null.is_some_and(|x| x <= 0.0) {
            rules.error(
                &here.key("null"),
                "on the logarithmic scale nothing is tested against 0 or less",
                "not above 0",
                "a ratio without a difference is 1",
            );
        }
        if contrast.null.is_none() {
            rules.no_meaning(&here, &["adjust"], "is for tests", "add `null = …`, or take it out");
        }
    }
    let names = study.contrast.iter().enumerate();
    let names = names.filter_map(|(i, c)| Some((path.index(i).key("name"), c.name.as_deref()?)));
    let root = KeyPath::root().key("compare");
    let compared = study.compare.iter().enumerate();
    let compared =
        compared.filter_map(|(i, c)| Some((root.index(i).key("name"), c.name.as_deref()?)));
    rules.unique("a comparison named", compared.chain(names));
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    #[test]
    fn functions_say_something() {
        let contrast =
            |keys: &str, expected: &[&str]| expect(&format!("[[contrast]]\n{keys}\n"), expected);
        contrast("expression = \"a / b\"", &[]);
        contrast("expression = { one = \"a\", two = \"b\" }\nnull = 0", &[]);
        contrast("expression = \"\"", &["is empty"]);
        contrast("expression = {}", &["there is no expression"]);
        contrast("expression = \"a\"\nconfidence = 95", &["write 0.95 for 95 %"]);
        contrast("expression = \"a\"\nscale = \"log\"\nnull = 0", &["nothing is tested"]);
        contrast("expression = \"a\"\nadjust = \"holm\"", &["is for tests"]);
    }
}
