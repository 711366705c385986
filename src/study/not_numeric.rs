//! Text where numbers are needed: what is found, where, and the way out.

use crate::data::Column;
use crate::data::number::plain;

/// What a column of text in the place of numbers holds, and the way out.
///
/// `role` says what the numbers are for, such as `for a mean` or `as the weight`.
pub(super) fn not_numeric(column: &Column, role: &str) -> (String, String) {
    let factor = column.as_factor();
    let odd: Vec<bool> =
        factor.levels.iter().map(|l| plain(l.value.as_bytes()).is_none()).collect();
    let is_odd = |&row: &usize| odd.get(factor.codes.get(row) as usize) == Some(&true);
    let rows = (0..factor.codes.len()).filter(is_odd);
    let Some(first) = rows.clone().next() else {
        let message =
            format!("`{}` is used {role} and has to be numeric, but holds text", column.name);
        return (message, "recode it to numbers with `[[derive]]`".to_string());
    };
    let value = shortened(&factor.levels[factor.codes.get(first) as usize].value);
    let more = match rows.count() - 1 {
        0 => String::new(),
        1 => ", and 1 more row holds text".to_string(),
        more => format!(", and {more} more rows hold text"),
    };
    let message = format!(
        "`{}` is used {role} and has to be numeric, but row {} holds {value:?}{more}",
        column.name,
        first + 1
    );
    let help = if odd.iter().all(|o| *o) {
        "recode it to numbers with `[[derive]]`".to_string()
    } else {
        format!(
            "mend the data; if {value:?} means that the value is missing, add it to \
             `missing-text` under `[data]`"
        )
    };
    (message, help)
}

/// A text with what is beyond its first forty characters left out.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[Option<&str>]) -> (String, String) {
        not_numeric(&Column::text("y", texts), "for a mean")
    }

    #[test]
    fn the_row_and_the_value_are_named() {
        let (message, help) = said(&[Some("1"), None, Some("n/a"), Some("2"), Some("inf")]);
        assert_eq!(
            message,
            "`y` is used for a mean and has to be numeric, but row 3 holds \"n/a\", and 1 more \
             row holds text"
        );
        assert!(help.contains("`missing-text`") && help.contains("\"n/a\""), "{help}");
    }

    #[test]
    fn long_texts_are_cut() {
        let (message, help) = said(&[Some("1"), Some(&"é".repeat(5000))]);
        assert!(message.contains("é…\"") && message.len() + help.len() < 500, "{message}");
    }

    #[test]
    fn categories_are_told_from_slips() {
        let (message, help) = said(&[Some("a"), Some("b")]);
        assert!(message.contains("row 1 holds \"a\""), "{message}");
        assert!(help.starts_with("recode"), "{help}");
        assert!(said(&[None]).0.ends_with("but holds text"));
    }
}
