//! Comparisons: numbers with numbers, texts with levels and labels, and what is between.

use super::Kind;
use super::error::Cause;
use super::parser::{Comparison, Node, What};
use super::plan::{NumberPlan, Plan, Planner, TextPlan, TruthPlan};
use crate::data::codes::Level;
use crate::data::column::Column;
use crate::data::number::{value_of, written};
use crate::diagnostic::nearest;

/// A value written in the expression.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Literal<'a> {
    Number(f64),
    Text(&'a str),
    Truth(bool),
}

/// What a literal is equal to among the values of a part.
enum Matches {
    Numbers(Vec<f64>),
    Levels(Vec<bool>),
}

/// `a == b` and the like.
pub(super) fn comparison<'t>(
    planner: &mut Planner<'t>,
    how: Comparison,
    a: &Node,
    b: &Node,
) -> Option<TruthPlan<'t>> {
    let (left, right) = (planner.plan(a), planner.plan(b));
    let (left, right) = (left?, right?);
    for (plan, node) in [(&left, a), (&right, b)] {
        if matches!(plan, Plan::Missing) {
            planner.report(&node.span, Cause::ComparedWithMissing);
            return None;
        }
    }
    let equality = matches!(how, Comparison::Equal | Comparison::NotEqual);
    let negate = |plan: TruthPlan<'t>| match how {
        Comparison::NotEqual => TruthPlan::Not(Box::new(plan)),
        _ => plan,
    };
    match (left, right) {
        (Plan::Text(left), Plan::Text(right)) => {
            if !equality {
                planner
                    .report(&(a.span.start..b.span.end), Cause::Comparison("the order of texts"));
                return None;
            }
            // A literal is looked up among levels, values and labels; columns by value.
            if let Some(literal) = literal(b) {
                let hits = levels_like(planner, &left, a, literal, b);
                return Some(negate(TruthPlan::Level(left, hits)));
            }
            if let Some(literal) = literal(a) {
                let hits = levels_like(planner, &right, b, literal, a);
                return Some(negate(TruthPlan::Level(right, hits)));
            }
            let places: std::collections::HashMap<&str, u32> =
                left.levels.iter().zip(0..).map(|(l, i)| (l.value.as_str(), i)).collect();
            // A text the other side does not have is no text of it, but not missing either.
            let other = left.levels.len() as u32;
            let translation = right
                .levels
                .iter()
                .map(|l| places.get(l.value.as_str()).copied().unwrap_or(other))
                .collect();
            Some(negate(TruthPlan::SameText(left, right, translation)))
        }
        (Plan::Text(text), other) => mixed(planner, how, text, a, other, b),
        (other, Plan::Text(text)) => mixed(planner, mirrored(how), text, b, other, a),
        (left, right) => Some(TruthPlan::Compare(how, as_number(left), as_number(right))),
    }
}

/// `item in [list]`.
pub(super) fn membership<'t>(
    planner: &mut Planner<'t>,
    item: &Node,
    list: &[Node],
) -> Option<TruthPlan<'t>> {
    let plan = planner.plan(item)?;
    let mut values = Vec::new();
    let mut hits = match &plan {
        Plan::Text(text) => vec![false; text.levels.len()],
        _ => Vec::new(),
    };
    let mut wrong = false;
    for node in list {
        let Some(literal) = literal(node) else {
            let cause = match node.what {
                What::Missing => Cause::ComparedWithMissing,
                _ => Cause::ListItem,
            };
            planner.report(&node.span, cause);
            wrong = true;
            continue;
        };
        match matches_of(planner, &plan, item, literal, node) {
            Some(Matches::Numbers(found)) => values.extend(found),
            Some(Matches::Levels(found)) => {
                hits.iter_mut().zip(found).for_each(|(hit, found)| *hit |= found);
            }
            None => wrong = true,
        }
    }
    if wrong {
        return None;
    }
    match plan {
        Plan::Text(text) => Some(TruthPlan::Level(text, hits)),
        Plan::Missing => {
            planner.report(&item.span, Cause::ComparedWithMissing);
            None
        }
        other => Some(TruthPlan::OneOf(as_number(other), values)),
    }
}

/// A text with a number or a truth value.
fn mixed<'t>(
    planner: &mut Planner<'t>,
    how: Comparison,
    text: TextPlan<'t>,
    node: &Node,
    other: Plan<'t>,
    other_node: &Node,
) -> Option<TruthPlan<'t>> {
    let equality = matches!(how, Comparison::Equal | Comparison::NotEqual);
    if let What::Text(written) = &node.what {
        // A label of a number, or a number in quotation marks.
        let matches = matches_of(planner, &other, other_node, Literal::Text(written), node)?;
        let Matches::Numbers(values) = matches else { return None };
        let number = as_number(other);
        return match (equality, values.as_slice()) {
            (true, _) if how == Comparison::NotEqual => {
                Some(TruthPlan::Not(Box::new(TruthPlan::OneOf(number, values))))
            }
            (true, _) => Some(TruthPlan::OneOf(number, values)),
            (false, &[x]) => {
                Some(TruthPlan::Compare(mirrored(how), number, NumberPlan::Literal(x)))
            }
            (false, _) => {
                let span = node.span.start.min(other_node.span.start)
                    ..node.span.end.max(other_node.span.end);
                planner.report(&span, Cause::Comparison("the order of texts"));
                None
            }
        };
    }
    let span = node.span.start.min(other_node.span.start)..node.span.end.max(other_node.span.end);
    let Some(literal) = literal(other_node) else {
        planner.report(&span, Cause::Comparison("texts and numbers"));
        return None;
    };
    if equality {
        let hits = levels_like(planner, &text, node, literal, other_node);
        let plan = TruthPlan::Level(text, hits);
        return Some(if how == Comparison::Equal { plan } else { TruthPlan::Not(Box::new(plan)) });
    }
    // Text can be put in order with a number where all of it is numbers.
    let numbers: Option<Vec<f64>> = text.levels.iter().map(|l| value_of(&l.value)).collect();
    match (literal, numbers) {
        (Literal::Number(x), Some(numbers)) => {
            let hits = numbers.iter().map(|&level| how.holds(level, x)).collect();
            Some(TruthPlan::Level(text, hits))
        }
        _ => {
            planner.report(&span, Cause::Comparison("the order of texts"));
            None
        }
    }
}

/// What a literal is equal to in a part of any kind.
fn matches_of(
    planner: &mut Planner<'_>,
    plan: &Plan<'_>,
    node: &Node,
    literal: Literal<'_>,
    literal_node: &Node,
) -> Option<Matches> {
    let text = match (plan, literal) {
        (Plan::Text(text), _) => {
            return Some(Matches::Levels(levels_like(planner, text, node, literal, literal_node)));
        }
        (_, Literal::Number(x)) => return Some(Matches::Numbers(vec![x])),
        (_, Literal::Truth(x)) => return Some(Matches::Numbers(vec![f64::from(u8::from(x))])),
        (_, Literal::Text(text)) => text,
    };
    let column = column_of(planner, node);
    let labels = column.map_or(&[][..], |c| &c.value_labels);
    let labelled: Vec<f64> =
        labels.iter().filter(|(_, label)| label == text).map(|(x, _)| *x).collect();
    if !labelled.is_empty() {
        return Some(Matches::Numbers(labelled));
    }
    // A date is compared as `interviewed >= "2024-05-31"`.
    let date = column.and_then(|c| c.calendar).and_then(|calendar| calendar.read(text));
    if let Some(x) = date.or_else(|| value_of(text)) {
        return Some(Matches::Numbers(vec![x]));
    }
    let missing =
        column.is_some_and(|c| c.missing.iter().any(|m| m.label.as_deref() == Some(text)));
    match column {
        Some(column) if missing || !labels.is_empty() => {
            let cause = Cause::UnknownLevel {
                column: column.name.clone(),
                value: text.to_owned(),
                nearest: nearest(text, labels.iter().map(|(_, l)| l.as_str())).map(Into::into),
                missing,
            };
            planner.report(&literal_node.span, cause);
            Some(Matches::Numbers(Vec::new()))
        }
        Some(Column { calendar: Some(calendar), .. }) => {
            let cause = Cause::Moment { calendar: *calendar, text: text.to_owned() };
            planner.report(&literal_node.span, cause);
            None
        }
        _ => planner.mismatch(
            literal_node,
            plan.kind().unwrap_or(Kind::Number),
            Kind::Text,
            column.map(|c| format!("`{}` holds numbers without labels", c.name)),
        ),
    }
}

/// Which levels a literal is equal to: their value, else their label; a number where the value
/// is that number; a truth value where the value is that word.
fn levels_like(
    planner: &mut Planner<'_>,
    text: &TextPlan<'_>,
    node: &Node,
    literal: Literal<'_>,
    literal_node: &Node,
) -> Vec<bool> {
    let by = |test: &dyn Fn(&Level) -> bool| text.levels.iter().map(test).collect::<Vec<bool>>();
    let hits = match literal {
        Literal::Number(x) => by(&|l| value_of(&l.value) == Some(x)),
        Literal::Truth(x) => {
            by(&|l| l.value.eq_ignore_ascii_case(if x { "true" } else { "false" }))
        }
        Literal::Text(t) => {
            let hits = by(&|l| l.value == t);
            if hits.contains(&true) { hits } else { by(&|l| l.label.as_deref() == Some(t)) }
        }
    };
    if hits.contains(&true) {
        return hits;
    }
    if let Some(column) = column_of(planner, node) {
        let value = match literal {
            Literal::Number(x) => written(x),
            Literal::Text(t) => t.to_owned(),
            Literal::Truth(x) => x.to_string(),
        };
        let known = text
            .levels
            .iter()
            .flat_map(|l| l.label.as_deref().into_iter().chain([l.value.as_str()]));
        let cause = Cause::UnknownLevel {
            column: column.name.clone(),
            nearest: nearest(&value, known).map(Into::into),
            missing: column
                .missing
                .iter()
                .any(|m| m.code == value || m.label.as_deref() == Some(value.as_str())),
            value,
        };
        planner.report(&literal_node.span, cause);
    }
    hits
}

fn column_of<'t>(planner: &Planner<'t>, node: &Node) -> Option<&'t Column> {
    match &node.what {
        What::Column(name) => planner.table.column(name),
        _ => None,
    }
}

fn literal(node: &Node) -> Option<Literal<'_>> {
    match &node.what {
        What::Number(x) => Some(Literal::Number(*x)),
        What::Text(text) => Some(Literal::Text(text)),
        What::Truth(x) => Some(Literal::Truth(*x)),
        What::Negate(inner) => match inner.what {
            What::Number(x) => Some(Literal::Number(-x)),
            _ => None,
        },
        _ => None,
    }
}

fn as_number(plan: Plan<'_>) -> NumberPlan<'_> {
    match plan {
        Plan::Number(plan) => plan,
        Plan::Truth(plan) => NumberPlan::Truth(Box::new(plan)),
        Plan::Missing | Plan::Text(_) => NumberPlan::Literal(f64::NAN),
    }
}

/// The comparison with its sides exchanged.
fn mirrored(how: Comparison) -> Comparison {
    match how {
        Comparison::Less => Comparison::Greater,
        Comparison::LessEqual => Comparison::GreaterEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterEqual => Comparison::LessEqual,
        same => same,
    }
}

impl Comparison {
    /// True when it holds between two numbers that are not missing.
    #[inline]
    pub fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Comparison::Equal => a == b,
            Comparison::NotEqual => a != b,
            Comparison::Less => a < b,
            Comparison::LessEqual => a <= b,
            Comparison::Greater => a > b,
            Comparison::GreaterEqual => a >= b,
        }
    }
}
