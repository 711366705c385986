//! A tree checked against a table: every part has a kind, every name a column, and every text
//! compared with a column has become its codes.

use std::ops::Range;

use super::Kind;
use super::compare;
use super::error::{Cause, ExprError};
use super::parser::{Arithmetic, Comparison, Function, Node, What};
use crate::data::codes::{Codes, Factor, Level};
use crate::data::column::{Column, Numbers, Values};
use crate::data::table::Table;
use crate::diagnostic::nearest;

/// A checked expression.
#[derive(Debug)]
pub(super) enum Plan<'t> {
    Number(NumberPlan<'t>),
    Truth(TruthPlan<'t>),
    Text(TextPlan<'t>),
    /// `missing`, of whatever kind is needed.
    Missing,
}

#[derive(Debug)]
pub(super) enum NumberPlan<'t> {
    Literal(f64),
    Column(&'t Numbers),
    Truth(Box<TruthPlan<'t>>),
    Negate(Box<NumberPlan<'t>>),
    Arithmetic(Arithmetic, Box<NumberPlan<'t>>, Box<NumberPlan<'t>>),
    Call(Function, Vec<NumberPlan<'t>>),
    If(Box<TruthPlan<'t>>, Box<NumberPlan<'t>>, Box<NumberPlan<'t>>),
}

#[derive(Debug)]
pub(super) enum TruthPlan<'t> {
    /// `None` is missing.
    Literal(Option<bool>),
    Not(Box<TruthPlan<'t>>),
    All(Vec<TruthPlan<'t>>),
    Any(Vec<TruthPlan<'t>>),
    Compare(Comparison, NumberPlan<'t>, NumberPlan<'t>),
    /// The number is one of these.
    OneOf(NumberPlan<'t>, Vec<f64>),
    /// The level's entry.
    Level(TextPlan<'t>, Vec<bool>),
    /// Equal texts; codes of the second are translated into those of the first.
    SameText(TextPlan<'t>, TextPlan<'t>, Vec<u32>),
    MissingNumber(NumberPlan<'t>),
    MissingTruth(Box<TruthPlan<'t>>),
    MissingText(TextPlan<'t>),
    If(Box<TruthPlan<'t>>, Box<TruthPlan<'t>>, Box<TruthPlan<'t>>),
}

/// Text as codes into levels that are known before any row is looked at.
#[derive(Debug)]
pub(super) struct TextPlan<'t> {
    pub levels: Vec<Level>,
    pub source: TextSource<'t>,
}

#[derive(Debug)]
pub(super) enum TextSource<'t> {
    /// The same level in every row, or none.
    Literal(u32),
    Column(&'t Codes),
    /// Codes of the second and third part are translated into those of the whole.
    If(Box<TruthPlan<'t>>, Box<TextPlan<'t>>, Box<TextPlan<'t>>, Vec<u32>),
}

impl<'t> Plan<'t> {
    /// The kind of value; `None` for `missing`, which is of any kind.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Plan::Number(_) => Some(Kind::Number),
            Plan::Truth(_) => Some(Kind::Truth),
            Plan::Text(_) => Some(Kind::Text),
            Plan::Missing => None,
        }
    }
}

/// Checks trees against a table; mistakes are collected, so that all are found at once.
pub(super) struct Planner<'t> {
    pub table: &'t Table,
    pub findings: Vec<ExprError>,
}

impl<'t> Planner<'t> {
    /// The plan of a part; `None` after a mistake in it.
    pub fn plan(&mut self, node: &Node) -> Option<Plan<'t>> {
        Some(match &node.what {
            What::Number(x) => Plan::Number(NumberPlan::Literal(*x)),
            What::Text(text) => Plan::Text(literal(text)),
            What::Truth(x) => Plan::Truth(TruthPlan::Literal(Some(*x))),
            What::Missing => Plan::Missing,
            What::Column(name) => match &self.column(name, &node.span)?.values {
                Values::Numbers(v) => Plan::Number(NumberPlan::Column(v)),
                Values::Text(Factor { codes, levels }) => Plan::Text(TextPlan {
                    levels: levels.clone(),
                    source: TextSource::Column(codes),
                }),
            },
            What::Negate(inner) => Plan::Number(NumberPlan::Negate(Box::new(self.number(inner)?))),
            What::Not(inner) => Plan::Truth(TruthPlan::Not(Box::new(self.truth(inner)?))),
            What::Arithmetic(how, a, b) => {
                let (a, b) = (self.number(a), self.number(b));
                Plan::Number(NumberPlan::Arithmetic(*how, Box::new(a?), Box::new(b?)))
            }
            What::All(parts) => Plan::Truth(TruthPlan::All(self.truths(parts)?)),
            What::Any(parts) => Plan::Truth(TruthPlan::Any(self.truths(parts)?)),
            What::Compare(how, a, b) => Plan::Truth(compare::comparison(self, *how, a, b)?),
            What::In { item, list, negated } => {
                let found = compare::membership(self, item, list)?;
                Plan::Truth(if *negated { TruthPlan::Not(Box::new(found)) } else { found })
            }
            What::Call(function, arguments) => self.call(*function, arguments)?,
        })
    }

    /// The plan of a part that must be a number; a truth value counts as 1 or 0.
    pub fn number(&mut self, node: &Node) -> Option<NumberPlan<'t>> {
        match self.plan(node)? {
            Plan::Number(plan) => Some(plan),
            Plan::Truth(plan) => Some(NumberPlan::Truth(Box::new(plan))),
            Plan::Missing => Some(NumberPlan::Literal(f64::NAN)),
            Plan::Text(_) => {
                let help = match &node.what {
                    What::Text(_) => "numbers stand without quotation marks",
                    _ => "recode it to numbers first",
                };
                self.mismatch(node, Kind::Number, Kind::Text, Some(help.into()))
            }
        }
    }

    /// The plan of a part that must be a truth value.
    pub fn truth(&mut self, node: &Node) -> Option<TruthPlan<'t>> {
        match self.plan(node)? {
            Plan::Truth(plan) => Some(plan),
            Plan::Missing => Some(TruthPlan::Literal(None)),
            Plan::Number(_) => {
                let help = match &node.what {
                    What::Column(name) => format!("write {} == 1", quoted(name)),
                    _ => "compare it with something".into(),
                };
                self.mismatch(node, Kind::Truth, Kind::Number, Some(help))
            }
            Plan::Text(_) => {
                let help = match &node.what {
                    What::Column(name) => format!("write {} == 'some value'", quoted(name)),
                    _ => "compare it with something".into(),
                };
                self.mismatch(node, Kind::Truth, Kind::Text, Some(help))
            }
        }
    }

    /// A column by name.
    pub fn column(&mut self, name: &str, span: &Range<usize>) -> Option<&'t Column> {
        let table = self.table;
        if let Some(column) = table.column(name) {
            return Some(column);
        }
        let nearest = nearest(name, table.names()).map(ToOwned::to_owned);
        let level = table.columns().iter().any(|c| match &c.values {
            Values::Text(factor) => factor.position(name).is_some(),
            Values::Numbers(_) => c.value_labels.iter().any(|(_, label)| label == name),
        });
        let cause = Cause::UnknownColumn { name: name.to_owned(), nearest, level };
        self.report(span, cause);
        None
    }

    /// Records a mistake.
    pub fn report(&mut self, span: &Range<usize>, cause: Cause) {
        self.findings.push(ExprError::new(span, cause));
    }

    /// Records a value of the wrong kind.
    pub fn mismatch<T>(
        &mut self,
        node: &Node,
        expected: Kind,
        found: Kind,
        help: Option<String>,
    ) -> Option<T> {
        self.report(&node.span, Cause::Type { expected, found, help });
        None
    }

    fn truths(&mut self, nodes: &[Node]) -> Option<Vec<TruthPlan<'t>>> {
        let plans: Vec<_> = nodes.iter().map(|n| self.truth(n)).collect();
        plans.into_iter().collect()
    }

    fn call(&mut self, function: Function, arguments: &[Node]) -> Option<Plan<'t>> {
        match (function, arguments) {
            (Function::IsMissing, [x]) => Some(Plan::Truth(match self.plan(x)? {
                Plan::Number(plan) => TruthPlan::MissingNumber(plan),
                Plan::Truth(plan) => TruthPlan::MissingTruth(Box::new(plan)),
                Plan::Text(plan) => TruthPlan::MissingText(plan),
                Plan::Missing => TruthPlan::Literal(Some(true)),
            })),
            (Function::If, [condition, a, b]) => {
                let condition = self.truth(condition);
                let (plan_a, plan_b) = (self.plan(a), self.plan(b));
                self.choice(condition?, plan_a?, plan_b?, b)
            }
            _ => {
                let plans: Vec<_> = arguments.iter().map(|n| self.number(n)).collect();
                let plans: Option<Vec<_>> = plans.into_iter().collect();
                Some(Plan::Number(NumberPlan::Call(function, plans?)))
            }
        }
    }

    fn choice(
        &mut self,
        condition: TruthPlan<'t>,
        a: Plan<'t>,
        b: Plan<'t>,
        node: &Node,
    ) -> Option<Plan<'t>> {
        let condition = Box::new(condition);
        let number = |plan| match plan {
            Plan::Number(plan) => Box::new(plan),
            Plan::Truth(plan) => Box::new(NumberPlan::Truth(Box::new(plan))),
            _ => Box::new(NumberPlan::Literal(f64::NAN)),
        };
        let truth = |plan| match plan {
            Plan::Truth(plan) => Box::new(plan),
            _ => Box::new(TruthPlan::Literal(None)),
        };
        let none = || TextPlan { levels: Vec::new(), source: TextSource::Literal(Codes::NONE) };
        let text = |plan| match plan {
            Plan::Text(plan) => Box::new(plan),
            _ => Box::new(none()),
        };
        Some(match (a.kind(), b.kind()) {
            (None, None) => Plan::Missing,
            (Some(Kind::Text), Some(Kind::Text) | None) | (None, Some(Kind::Text)) => {
                let (a, b) = (text(a), text(b));
                let mut levels = a.levels.clone();
                let translation = translated(&mut levels, &b.levels);
                let source = TextSource::If(condition, a, b, translation);
                Plan::Text(TextPlan { levels, source })
            }
            (Some(Kind::Text), Some(other)) => {
                return self.mismatch(node, Kind::Text, other, Some(SAME_KIND.into()));
            }
            (Some(other), Some(Kind::Text)) => {
                return self.mismatch(node, other, Kind::Text, Some(SAME_KIND.into()));
            }
            (Some(Kind::Truth) | None, Some(Kind::Truth) | None) => {
                Plan::Truth(TruthPlan::If(condition, truth(a), truth(b)))
            }
            _ => Plan::Number(NumberPlan::If(condition, number(a), number(b))),
        })
    }
}

const SAME_KIND: &str = "both values of if() must be numbers or both must be texts";

/// A name as it must be written in an expression.
pub(super) fn quoted(name: &str) -> String {
    let plain = name
        .chars()
        .enumerate()
        .all(|(i, c)| c.is_alphabetic() || c == '_' || (i > 0 && (c.is_numeric() || c == '.')));
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// Where each of `others` stands among `levels`, by value; those that are not there are added.
fn translated(levels: &mut Vec<Level>, others: &[Level]) -> Vec<u32> {
    let mut places: std::collections::HashMap<String, u32> =
        levels.iter().zip(0..).map(|(l, i)| (l.value.clone(), i)).collect();
    others
        .iter()
        .map(|other| {
            *places.entry(other.value.clone()).or_insert_with(|| {
                levels.push(other.clone());
                u32::try_from(levels.len() - 1).unwrap_or(Codes::NONE)
            })
        })
        .collect()
}

fn literal<'t>(text: &str) -> TextPlan<'t> {
    TextPlan { levels: vec![Level::new(text)], source: TextSource::Literal(0) }
}
