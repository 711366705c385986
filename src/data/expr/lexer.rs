//! An expression's text into tokens.

use std::ops::Range;

use super::error::{Cause, ExprError};

/// A word or sign.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    /// A column or a function.
    Name(String),
    /// A name in backticks, or one that ends in braces: a column in any case.
    Quoted(String),
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Not,
    In,
    True,
    False,
    Missing,
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    End,
}

/// A token and the bytes it stands in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spanned {
    pub token: Token,
    pub span: Range<usize>,
}

/// The tokens of a text, with `End` as the last.
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, ExprError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) = next(&text[at..], first)
            .map_err(|(cause, length)| ExprError::new(&(at..at + length), cause))?;
        tokens.push(Spanned { token, span: at..at + length });
        at += length;
    }
    tokens.push(Spanned { token: Token::End, span: text.len()..text.len() });
    Ok(tokens)
}

/// The token at the start of `rest`, and its length in bytes.
fn next(rest: &str, first: char) -> Result<(Token, usize), (Cause, usize)> {
    let two = |sign: &str| rest.starts_with(sign);
    let token = match first {
        '\'' | '"' => {
            return enclosed(rest, first)
                .map(|(t, n)| (Token::Text(t), n))
                .ok_or((Cause::UnclosedText, rest.len()));
        }
        '`' => {
            return enclosed(rest, first)
                .map(|(t, n)| (Token::Quoted(t), n))
                .ok_or((Cause::UnclosedName, rest.len()));
        }
        _ if two("==") => return Ok((Token::Equal, 2)),
        _ if two("!=") || two("<>") => return Ok((Token::NotEqual, 2)),
        _ if two("<=") => return Ok((Token::LessEqual, 2)),
        _ if two(">=") => return Ok((Token::GreaterEqual, 2)),
        _ if two("&&") => return Ok((Token::And, 2)),
        _ if two("||") => return Ok((Token::Or, 2)),
        '+' => Token::Plus,
        '-' => Token::Minus,
        '*' => Token::Star,
        '/' => Token::Slash,
        '%' => Token::Percent,
        '^' => Token::Caret,
        '=' => Token::Equal,
        '<' => Token::Less,
        '>' => Token::Greater,
        '!' => Token::Not,
        '(' => Token::Open,
        ')' => Token::Close,
        '[' => Token::OpenList,
        ']' => Token::CloseList,
        ',' => Token::Comma,
        _ if first.is_ascii_digit() || (first == '.' && digit_at(rest, 1)) => return number(rest),
        _ if first.is_alphabetic() || first == '_' => {
            let length = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
            return match rest[length..].strip_prefix('{') {
                None => Ok((word(&rest[..length]), length)),
                Some(inside) => match inside.find('}') {
                    None => Err((Cause::UnclosedName, rest.len())),
                    Some(at) => {
                        let length = length + at + 2;
                        Ok((Token::Quoted(rest[..length].to_owned()), length))
                    }
                },
            };
        }
        other => return Err((Cause::Character(other), other.len_utf8())),
    };
    Ok((token, first.len_utf8()))
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.')
}

fn digit_at(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

/// What stands between two marks, with doubled marks taken as one; and its length with them.
fn enclosed(rest: &str, mark: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c != mark {
            text.push(c);
        } else if characters.next_if(|&(_, c)| c == mark).is_some() {
            text.push(mark);
        } else {
            return Some((text, at + mark.len_utf8()));
        }
    }
    None
}

fn number(rest: &str) -> Result<(Token, usize), (Cause, usize)> {
    let bytes = rest.as_bytes();
    let digits =
        |from: usize| from + bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') {
        length = digits(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        if digit_at(rest, length + 1 + sign) {
            length = digits(length + 1 + sign);
        }
    }
    let end = length + rest[length..].find(|c| !in_name(c)).unwrap_or(rest.len() - length);
    match rest[..end].parse::<f64>() {
        Ok(x) if end == length && x.is_finite() => Ok((Token::Number(x), length)),
        _ => Err((Cause::Number(rest[..end].to_owned()), end)),
    }
}

/// A keyword, in small or capital letters, or a name.
fn word(text: &str) -> Token {
    match text {
        "and" | "AND" => Token::And,
        "or" | "OR" => Token::Or,
        "not" | "NOT" => Token::Not,
        "in" | "IN" => Token::In,
        "true" | "TRUE" => Token::True,
        "false" | "FALSE" => Token::False,
        "missing" | "MISSING" => Token::Missing,
        _ => Token::Name(text.to_owned()),
    }
}
