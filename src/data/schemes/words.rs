//! When two labels of ethnic groups mean the same.

use std::collections::BTreeSet;

/// A label taken apart: the broad heading, and the set of words that tell the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    /// `asian` for "Asian or Asian British: …"; none when there is no heading.
    head: Option<&'static str>,
    /// The words after it, lower case, without those that say nothing; with [`TOGETHER`] where a group is
    /// joined with others ("Chinese or other").
    words: BTreeSet<String>,
}

/// Words that come and go without a change of meaning.
const EMPTY: [&str; 18] = [
    "a",
    "and",
    "any",
    "background",
    "backgrounds",
    "categories",
    "category",
    "ethnic",
    "ethnicity",
    "group",
    "groups",
    "in",
    "major",
    "minor",
    "of",
    "or",
    "the",
    "total",
];

/// In place of "and other": a group and the rest are together what neither is alone.
const TOGETHER: &str = "+";

impl Phrase {
    pub(super) fn of(text: &str) -> Phrase {
        let lower = text.to_lowercase();
        match parted(&lower) {
            None => Phrase { head: None, words: words(&lower) },
            Some((before, after)) => {
                let headed = words(before);
                if headed.is_empty() {
                    // "Ethnic group: White": the heading says nothing, what follows may have one.
                    return Phrase::of(after);
                }
                if words(after).is_empty() {
                    // "Asian: Total"
                    return Phrase { head: None, words: headed };
                }
                match head(&headed) {
                    Some(head) => Phrase { head: Some(head), words: words(after) },
                    None => Phrase { head: None, words: words(&lower) },
                }
            }
        }
    }

    /// True when this spelling of a group means the same as a label that was found. A heading on
    /// one side only must be one that the group may stand under.
    pub(super) fn fits(&self, found: &Phrase, heads: &BTreeSet<String>) -> bool {
        self.words == found.words
            && match (self.head, found.head) {
                (own, head) if own == head => true,
                (None, Some(head)) => heads.contains(head),
                _ => false,
            }
    }
}

/// The parts before and after the first colon, or the first dash between spaces.
fn parted(text: &str) -> Option<(&str, &str)> {
    if let Some(parts) = text.split_once(':') {
        return Some(parts);
    }
    let dash = |c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    text.char_indices().filter(|(_, c)| dash(*c)).find_map(|(at, c)| {
        let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
        let apart = before.ends_with(char::is_whitespace) && after.starts_with(char::is_whitespace);
        // A long dash divides without spaces, too; a hyphen may be part of a word.
        (apart || matches!(c, '\u{2013}'..='\u{2015}')).then_some((before, after))
    })
}

fn words(text: &str) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !EMPTY.contains(word))
        .map(str::to_string)
        .collect();
    if with_others(text) {
        words.insert(TOGETHER.to_string());
    }
    words
}

/// True for a group that is joined with others: "Chinese or other ethnic group", "Mixed/Other", and not
/// for "Other Asian or Asian British".
fn with_others(text: &str) -> bool {
    let apart = text.replace('&', " and ").replace('/', " / ");
    let items: Vec<&str> = apart
        .split(|c: char| !c.is_alphanumeric() && c != '/')
        .filter(|item| !item.is_empty())
        .collect();
    let joins = |item: &str| matches!(item, "and" | "or" | "/");
    let says_nothing = |item: &&str| EMPTY.contains(item) && !joins(item);
    let said: Vec<&str> = items.into_iter().filter(|item| !says_nothing(item)).collect();
    matches!(said.as_slice(), [_, .., join, "other"] if joins(join))
        || matches!(said.as_slice(), ["other", join, _, ..] if joins(join))
}

/// The broad heading that words stand for.
fn head(words: &BTreeSet<String>) -> Option<&'static str> {
    [
        ("mixed", "mixed"),
        ("multiple", "mixed"),
        ("white", "white"),
        ("asian", "asian"),
        ("black", "black"),
        ("african", "black"),
        ("caribbean", "black"),
        ("chinese", "chinese"),
        ("other", "other"),
    ]
    .into_iter()
    .find(|(word, _)| words.contains(*word))
    .map(|(_, head)| head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_taken_apart() {
        let phrase = |text| {
            let p = Phrase::of(text);
            (p.head, p.words.into_iter().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(phrase("Indian"), (None, "indian".into()));
        assert_eq!(phrase("Asian/Asian British: Indian"), (Some("asian"), "indian".into()));
        assert_eq!(
            phrase("Asian – Any other Asian background"),
            (Some("asian"), "asian other".into())
        );
        assert_eq!(phrase("Asian—Indian"), (Some("asian"), "indian".into()));
        assert_eq!(phrase("White-British"), (None, "british white".into()));
        assert_eq!(phrase("Ethnic group: White: Irish"), (Some("white"), "irish".into()));
        assert_eq!(phrase("Region: Wales"), (None, "region wales".into()));
        assert_eq!(phrase(""), (None, String::new()));
        assert_eq!(phrase("Asian: Total"), (None, "asian".into()));
        assert_eq!(phrase("ethnicity_minor_black_african"), (None, "african black".into()));
        // A group and the rest together are not the rest of the group.
        assert_eq!(phrase("Chinese or any other ethnic group"), (None, "+ chinese other".into()));
        assert_eq!(phrase("Mixed/Other"), (None, "+ mixed other".into()));
        assert_eq!(phrase("Other & Mixed"), (None, "+ mixed other".into()));
        assert_eq!(phrase("Other Asian or Asian British"), (None, "asian british other".into()));
        assert_eq!(phrase("White and Black Caribbean"), (None, "black caribbean white".into()));
    }
}
