//! Rules for data files that are joined, and for what is included.

use crate::study::places::KeyPath;
use crate::study::spec::{Join, Keys, Names};

use super::{Rules, encoding};

pub(super) fn check(all: &[Join], rules: &mut Rules<'_>, path: &KeyPath) {
    for (i, join) in all.iter().enumerate() {
        let here = path.index(i);
        if rules.sound(&here) {
            one(join, rules, &here);
        }
    }
}

fn one(join: &Join, rules: &mut Rules<'_>, path: &KeyPath) {
    rules.file_path(&path.key("file"), Some(&join.file));
    let on = path.key("on");
    match &join.on {
        Keys::One(name) => rules.filled(&on, Some(name)),
        Keys::Many(names) => rules.names(&on, Some(&Names::Many(names.clone()))),
        Keys::Pairs(pairs) => {
            for (before, here) in &pairs.0 {
                rules.filled(&on.key(before), Some(here));
            }
            let here: Vec<&str> = pairs.0.iter().map(|(_, here)| here.as_str()).collect();
            let twice = here.iter().enumerate().find(|(i, name)| here[..*i].contains(name));
            if let Some((i, name)) = twice {
                rules.error(
                    &on.key(&pairs.0[i].0),
                    format!("`on` names `{name}` twice"),
                    "the second time",
                    "every column of the joined file stands for one column before",
                );
            }
            if pairs.0.is_empty() {
                let help =
                    "name the column that says which rows belong together, such as on = \"id\"";
                rules.error(&on, "`on` is empty", "no columns", help);
            }
        }
    }
    encoding(rules, &path.key("encoding"), join.encoding.as_deref());
    rules.names(&path.key("columns"), join.columns.as_ref());
    rules.filled(&path.key("prefix"), join.prefix.as_deref());
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    #[test]
    fn keys_are_named() {
        let join = |keys: &str, expected: &[&str]| {
            expect(
                &format!("[data]\nfile = \"d.csv\"\n[[data.join]]\nfile = \"h.csv\"\n{keys}\n"),
                expected,
            );
        };
        join("on = \"id\"", &[]);
        join(
            "on = { id = \"hid\" }\nkind = \"one-to-one\"\nunmatched = \"error\"\nprefix = \"h_\"",
            &[],
        );
        join("on = [\"a\", \"b\"]\ncolumns = [\"x\"]", &[]);
        join("", &["has no `on`"]);
        join("on = []", &["`on` is an empty list"]);
        join("on = \"\"", &["`on` is empty"]);
        join("on = {}", &["`on` is empty"]);
        join("on = [\"a\", \"a\"]", &["names `a` twice"]);
        join("on = { a = \"x\", b = \"x\" }", &["`on` names `x` twice"]);
        join("on = \"id\"\nkind = \"many\"", &["`kind` cannot be"]);
        join("on = \"id\"\ncolumns = []", &["`columns` is an empty list"]);
        join("on = 3", &["`on` must be"]);
    }
}
