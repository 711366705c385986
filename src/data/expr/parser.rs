//! Tokens into a tree.
//!
//! From loosest to tightest: `or`, `and`, `not`, comparisons and `in`, `+ -`, `* / %`, unary
//! minus, `^` (from the right).

use std::ops::Range;

use super::error::{Cause, ExprError};
use super::lexer::{Spanned, Token, tokens};
use crate::diagnostic::nearest;

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub what: What,
    pub span: Range<usize>,
    /// Levels below this one.
    depth: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Number(f64),
    Text(String),
    Truth(bool),
    Missing,
    Column(String),
    Negate(Box<Node>),
    Not(Box<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
    In { item: Box<Node>, list: Vec<Node>, negated: bool },
    Call(Function, Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Sqrt,
    Exp,
    Log,
    Round,
    Floor,
    Ceil,
    Min,
    Max,
    IsMissing,
    If,
}

/// Levels of nesting, and terms of one chain of operators. Bounds the stack of everything that
/// walks the tree.
pub(super) const DEEPEST: usize = 400;
/// Bytes of an expression.
const LONGEST: usize = 1 << 16;

/// The tree of an expression.
pub(super) fn parse(text: &str) -> Result<Node, ExprError> {
    let all = 0..text.len();
    if text.len() > LONGEST {
        return Err(ExprError::new(&all, Cause::TooLong(text.len())));
    }
    if text.trim().is_empty() {
        return Err(ExprError::new(&all, Cause::Empty));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
    let node = parser.expression(0)?;
    let cause = match parser.token() {
        Token::End => return Ok(node),
        Token::Close => Cause::Unopened(')'),
        Token::CloseList => Cause::Unopened(']'),
        _ => parser.expected("an operator or the end"),
    };
    Err(ExprError::new(&parser.span(), cause))
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Spanned>,
    at: usize,
    depth: usize,
}

/// How tightly operators bind.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const ADD: u8 = 5;
const MULTIPLY: u8 = 6;
const NEGATE: u8 = 7;
const POWER: u8 = 8;

impl Parser<'_> {
    /// An expression of operators that bind at least as tightly as `least`.
    fn expression(&mut self, least: u8) -> Result<Node, ExprError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ExprError::new(&self.span(), Cause::TooDeep));
        }
        let mut left = self.operand()?;
        while let Some(binding) = self.binding().filter(|&b| b >= least) {
            left = self.operator(left, binding)?;
            if left.depth > DEEPEST {
                return Err(ExprError::new(&left.span, Cause::TooDeep));
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    /// How tightly the operator here binds; `None` where the expression ends.
    fn binding(&self) -> Option<u8> {
        Some(match self.token() {
            Token::Or => OR,
            Token::And => AND,
            Token::Not if self.follows(&Token::In) => COMPARE,
            Token::In => COMPARE,
            token if comparison(token).is_some() => COMPARE,
            Token::Plus | Token::Minus => ADD,
            Token::Star | Token::Slash | Token::Percent => MULTIPLY,
            Token::Caret => POWER,
            _ => return None,
        })
    }

    fn operator(&mut self, left: Node, binding: u8) -> Result<Node, ExprError> {
        let token = self.take();
        match token {
            Token::And | Token::Or => {
                let right = self.expression(binding + 1)?;
                // Chains stay flat, so that long ones are not deep.
                let (mut parts, span) = (Vec::new(), left.span.start..right.span.end);
                match (left, &token) {
                    (Node { what: What::All(mut p), .. }, Token::And) => parts.append(&mut p),
                    (Node { what: What::Any(mut p), .. }, Token::Or) => parts.append(&mut p),
                    (other, _) => parts.push(other),
                }
                parts.push(right);
                let what = if token == Token::And { What::All(parts) } else { What::Any(parts) };
                Ok(node(what, span))
            }
            Token::Not | Token::In => {
                let negated = token == Token::Not;
                if negated {
                    self.take();
                }
                let (list, end) = self.list()?;
                let span = left.span.start..end;
                self.unchained()?;
                Ok(node(What::In { item: Box::new(left), list, negated }, span))
            }
            _ => {
                if let Some(how) = comparison(&token) {
                    let right = self.expression(COMPARE + 1)?;
                    self.unchained()?;
                    let span = left.span.start..right.span.end;
                    return Ok(node(What::Compare(how, Box::new(left), Box::new(right)), span));
                }
                let how = match token {
                    Token::Plus => Arithmetic::Add,
                    Token::Minus => Arithmetic::Subtract,
                    Token::Star => Arithmetic::Multiply,
                    Token::Slash => Arithmetic::Divide,
                    Token::Percent => Arithmetic::Remainder,
                    _ => Arithmetic::Power,
                };
                // A power takes its exponent from the right, which may have a sign.
                let least = if how == Arithmetic::Power { NEGATE } else { binding + 1 };
                let right = self.expression(least)?;
                let span = left.span.start..right.span.end;
                Ok(node(What::Arithmetic(how, Box::new(left), Box::new(right)), span))
            }
        }
    }

    fn operand(&mut self) -> Result<Node, ExprError> {
        let (span, before) = (self.span(), self.at);
        let what = match self.take() {
            Token::Number(x) => What::Number(x),
            Token::Text(text) => What::Text(text),
            Token::True => What::Truth(true),
            Token::False => What::Truth(false),
            Token::Missing => What::Missing,
            Token::Quoted(name) => What::Column(name),
            Token::Name(name) if *self.token() == Token::Open => return self.call(&name, span),
            Token::Name(name) => What::Column(name),
            Token::Plus => return self.expression(NEGATE),
            Token::Minus => What::Negate(Box::new(self.expression(NEGATE)?)),
            Token::Not => What::Not(Box::new(self.expression(NOT)?)),
            Token::Open => {
                let mut inner = self.expression(0)?;
                inner.span = span.start..self.close(&span, '(')?;
                return Ok(inner);
            }
            Token::Close if !self.opened(before) => {
                return Err(ExprError::new(&span, Cause::Unopened(')')));
            }
            _ => {
                self.at = before;
                let cause = self.expected("a value or a column");
                return Err(ExprError::new(&span, cause));
            }
        };
        let end = self.tokens[self.at - 1].span.end;
        Ok(node(what, span.start..end))
    }

    fn call(&mut self, name: &str, span: Range<usize>) -> Result<Node, ExprError> {
        let Some(&(_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let known = FUNCTIONS.iter().map(|(known, _)| *known);
            let nearest = match name {
                "is.na" | "isna" | "is_na" | "is_null" => Some("is_missing"),
                "ifelse" | "if_else" | "iif" => Some("if"),
                "ceiling" => Some("ceil"),
                "ln" => Some("log"),
                _ => nearest(name, known),
            };
            let nearest = nearest.map(ToOwned::to_owned);
            let cause = Cause::UnknownFunction { name: name.to_owned(), nearest };
            return Err(ExprError::new(&span, cause));
        };
        let opened = self.span();
        self.take();
        let mut arguments = Vec::new();
        if *self.token() != Token::Close {
            arguments.push(self.expression(0)?);
            while *self.token() == Token::Comma {
                self.take();
                arguments.push(self.expression(0)?);
            }
        }
        let span = span.start..self.close(&opened, '(')?;
        let (range, expected) = function.arguments();
        if !range.contains(&arguments.len()) {
            let (function, found) = (function.name(), arguments.len());
            return Err(ExprError::new(&span, Cause::Arguments { function, expected, found }));
        }
        Ok(node(What::Call(function, arguments), span))
    }

    /// A list in brackets (or parentheses), and where it ends.
    fn list(&mut self) -> Result<(Vec<Node>, usize), ExprError> {
        let opened = self.span();
        let (open, close) = match self.token() {
            Token::OpenList => ('[', Token::CloseList),
            Token::Open => ('(', Token::Close),
            _ => {
                let cause = self.expected("a list such as [1, 2]");
                return Err(ExprError::new(&opened, cause));
            }
        };
        self.take();
        let mut items = Vec::new();
        while *self.token() != close {
            items.push(self.expression(ADD)?);
            match self.token() {
                Token::Comma => {
                    self.take();
                }
                token if *token == close => {}
                Token::End => return Err(ExprError::new(&opened, Cause::Unclosed(open))),
                _ => {
                    let cause = self.expected("`,` or the end of the list");
                    return Err(ExprError::new(&self.span(), cause));
                }
            }
        }
        if items.is_empty() {
            let cause = self.expected("at least one value");
            return Err(ExprError::new(&self.span(), cause));
        }
        let end = self.span().end;
        self.take();
        Ok((items, end))
    }

    /// Takes the closing parenthesis; gives where it ends.
    fn close(&mut self, opened: &Range<usize>, open: char) -> Result<usize, ExprError> {
        let span = self.span();
        match self.token() {
            Token::Close => {
                self.take();
                Ok(span.end)
            }
            Token::End => Err(ExprError::new(opened, Cause::Unclosed(open))),
            _ => Err(ExprError::new(&span, self.expected("an operator or `)`"))),
        }
    }

    fn unchained(&self) -> Result<(), ExprError> {
        match self.binding() {
            Some(COMPARE) => Err(ExprError::new(&self.span(), Cause::Chained)),
            _ => Ok(()),
        }
    }

    /// True when a parenthesis is open before a token.
    fn opened(&self, at: usize) -> bool {
        let before = &self.tokens[..at];
        let count = |token: Token| before.iter().filter(|t| t.token == token).count();
        count(Token::Open) > count(Token::Close)
    }

    fn expected(&self, expected: &'static str) -> Cause {
        let found = match self.token() {
            Token::End => "the end".to_owned(),
            _ => format!("`{}`", self.text.get(self.span()).unwrap_or_default()),
        };
        Cause::Expected { expected, found }
    }

    // The last token is `End` and is never passed, so `at` is always within the tokens.
    fn token(&self) -> &Token {
        &self.tokens[self.at].token
    }

    fn follows(&self, token: &Token) -> bool {
        self.tokens.get(self.at + 1).is_some_and(|t| t.token == *token)
    }

    fn span(&self) -> Range<usize> {
        self.tokens[self.at].span.clone()
    }

    fn take(&mut self) -> Token {
        let token = self.token().clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }
}

fn node(what: What, span: Range<usize>) -> Node {
    let deepest = |nodes: &[Node]| nodes.iter().map(|n| n.depth).max().unwrap_or(0);
    let below = match &what {
        What::Number(_) | What::Text(_) | What::Truth(_) | What::Missing | What::Column(_) => 0,
        What::Negate(a) | What::Not(a) => a.depth,
        What::Arithmetic(_, a, b) | What::Compare(_, a, b) => a.depth.max(b.depth),
        What::All(parts) | What::Any(parts) | What::Call(_, parts) => deepest(parts),
        What::In { item, list, .. } => item.depth.max(deepest(list)),
    };
    Node { what, span, depth: below + 1 }
}

fn comparison(token: &Token) -> Option<Comparison> {
    Some(match token {
        Token::Equal => Comparison::Equal,
        Token::NotEqual => Comparison::NotEqual,
        Token::Less => Comparison::Less,
        Token::LessEqual => Comparison::LessEqual,
        Token::Greater => Comparison::Greater,
        Token::GreaterEqual => Comparison::GreaterEqual,
        _ => return None,
    })
}

const FUNCTIONS: [(&str, Function); 11] = [
    ("abs", Function::Abs),
    ("sqrt", Function::Sqrt),
    ("exp", Function::Exp),
    ("log", Function::Log),
    ("round", Function::Round),
    ("floor", Function::Floor),
    ("ceil", Function::Ceil),
    ("min", Function::Min),
    ("max", Function::Max),
    ("is_missing", Function::IsMissing),
    ("if", Function::If),
];

impl Function {
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|(_, f)| *f == self).map_or("", |(name, _)| *name)
    }

    fn arguments(self) -> (std::ops::RangeInclusive<usize>, &'static str) {
        match self {
            Function::Round => (1..=2, "one or two arguments"),
            Function::Min | Function::Max => (2..=usize::MAX, "at least two arguments"),
            Function::If => (3..=3, "three arguments (condition, then, else)"),
            _ => (1..=1, "one argument"),
        }
    }
}
