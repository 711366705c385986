//! Widths of text and where to break it.

/// Breaks a text into lines no wider than `width`, at spaces and after slashes and hyphens; a
/// word that is wider by itself is broken between characters.
///
/// `measure` gives the width of a text in the unit of `width`. The result has at least one line.
pub(super) fn wrap(text: &str, width: f64, measure: impl Fn(&str) -> f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace().flat_map(pieces) {
        let (glue, word) = word;
        let joined = if glue && !line.is_empty() {
            format!("{line} {word}")
        } else {
            format!("{line}{word}")
        };
        if measure(&joined) <= width {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if measure(&line) > width && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::replace(&mut line, c.to_string()));
            }
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A text on one line, without the control characters that could steer a terminal.
pub(super) fn plain(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The first `most` lines of a wrapped text, and whether something was cut; the last line then
/// ends in "…".
pub(super) fn clamp(mut lines: Vec<String>, most: usize) -> (Vec<String>, bool) {
    if lines.len() <= most {
        return (lines, false);
    }
    lines.truncate(most);
    if let Some(last) = lines.last_mut() {
        let kept = last.chars().count().saturating_sub(1);
        *last = last.chars().take(kept).collect::<String>().trim_end().to_string();
        last.push('…');
    }
    (lines, true)
}

/// The width of a text in a proportional sans-serif font, in units of the font size.
///
/// An upper estimate (modelled on the wide DejaVu Sans), so that what is planned to fit also
/// fits in the narrower fonts most systems have.
pub(super) fn em_width(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '\'' | '|' | '.' | ',' | ':' | ';' | '!' | 'I' => 0.33,
            'f' | 't' | 'r' | ' ' | '(' | ')' | '[' | ']' | '/' | '-' => 0.40,
            'm' | 'w' | 'M' | 'W' | '@' | '%' | '—' | '…' => 0.96,
            'A'..='Z' | '+' | '=' | '<' | '>' | '−' => 0.74,
            c if (c as u32) >= 0x2E80 => 1.0,
            _ => 0.62,
        })
        .sum()
}

/// The pieces of a word between which a line may break, each with whether a space stands before.
fn pieces(word: &str) -> Vec<(bool, String)> {
    let mut out: Vec<(bool, String)> = Vec::new();
    let mut piece = String::new();
    for c in word.chars() {
        piece.push(c);
        if matches!(c, '/' | '-' | '–') && piece.chars().count() > 3 {
            out.push((out.is_empty(), std::mem::take(&mut piece)));
        }
    }
    if !piece.is_empty() {
        out.push((out.is_empty(), piece));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> f64 {
        text.chars().count() as f64
    }

    #[test]
    fn wraps_at_spaces_and_after_hyphens() {
        assert_eq!(
            wrap("White and Black Caribbean", 9.0, chars),
            ["White and", "Black", "Caribbean"]
        );
        assert_eq!(wrap("British/Irish", 8.0, chars), ["British/", "Irish"]);
        assert_eq!(wrap("", 8.0, chars), [""]);
        assert_eq!(wrap("abcdefgh", 3.0, chars), ["abc", "def", "gh"]);
        assert_eq!(wrap("a b", 0.0, chars), ["a", "b"]);
    }

    #[test]
    fn nothing_but_spaces_is_lost() {
        let text = "White: English, Welsh, Scottish, Northern Irish or British/other-European";
        for width in 1..40 {
            let lines = wrap(text, f64::from(width), chars);
            let bare = |s: &str| s.replace(' ', "");
            assert_eq!(bare(&lines.concat()), bare(text), "width {width}");
            assert!(lines.iter().all(|l| chars(l) <= f64::from(width)), "width {width}");
        }
    }

    #[test]
    fn clamps_with_an_ellipsis() {
        let lines = vec!["one".to_string(), "two".to_string(), "three".to_string()];
        assert_eq!(clamp(lines.clone(), 2), (vec!["one".to_string(), "tw…".to_string()], true));
        assert_eq!(clamp(lines.clone(), 3), (lines, false));
    }
}
