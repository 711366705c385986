//! Tables that say what they are about with exactly one of several keys.

use super::Rules;
use crate::study::places::KeyPath;

/// What is said where a table has none of the keys, or more than one.
pub(super) struct Choice {
    /// The table in a sentence: "the test".
    pub table: &'static str,
    /// With none of them: message, and words at the place.
    pub none: (&'static str, &'static str),
    /// The way out then.
    pub add: &'static str,
    /// With more than one: words at the second.
    pub second: &'static str,
    /// The way out then.
    pub keep: &'static str,
}

/// The one key that is given; `None` after saying what is wrong.
pub(super) fn only_one<'k>(
    rules: &mut Rules<'_>,
    path: &KeyPath,
    keys: &[(&'k str, bool)],
    choice: &Choice,
) -> Option<&'k str> {
    let mut given = keys.iter().filter(|(_, given)| *given).map(|(key, _)| *key);
    let Some(first) = given.next() else {
        rules.error(path, choice.none.0, choice.none.1, choice.add);
        return None;
    };
    let mut only = Some(first);
    for other in given {
        only = None;
        let message = format!("{} has both `{first}` and `{other}`", choice.table);
        rules.error_at_key(&path.key(other), message, choice.second, choice.keep);
    }
    only
}
