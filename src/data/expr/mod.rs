//! A small expression language for conditions and new variables.
//!
//! ```text
//! ukborn == 1 and age >= 16
//! region in ['London', 'South East'] and not is_missing(income)
//! if(adults > 0, round(income / adults, 2), missing)
//! ```
//!
//! - Values: numbers, `'text'` or `"text"`, `true`, `false`, `missing`, columns. A column whose
//!   name is not letters, digits, `_` and `.` stands in backticks; a name may end in braces, as in
//!   `rate{White British}`.
//! - Operators, loosest first: `or`, `and`, `not`, comparisons (`==` or `=`, `!=`, `<`, `<=`,
//!   `>`, `>=`, `in [..]`, `not in [..]`), `+ -`, `* / %`, unary `-`, `^`.
//! - Functions: `abs sqrt exp log round(x, digits) floor ceil min max is_missing if(c, a, b)`.
//! - Missing values: a comparison or a calculation with a missing value is missing; *missing and
//!   false* is false, *missing or true* is true, `if` of a missing condition is missing. What is
//!   not a finite number (1/0, log(0)) is missing.
//! - A text is compared with a column's values, else with its labels; with a column of numbers,
//!   by its labels. A number is compared with a column of text where the text is that number.

mod algebra;
mod compare;
mod error;
mod eval;
mod lexer;
mod parser;
mod plan;
#[cfg(test)]
mod tests;

use std::ops::Range;

use parser::{Node, What};
use plan::{Plan, Planner, TruthPlan};

use crate::data::codes::{Codes, Factor, Level};
use crate::data::column::{Numbers, Values};
use crate::data::table::Table;

pub use algebra::{Algebra, Binary, Unary};
pub use error::{Cause, ExprError};

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// True or false.
    Truth,
    /// A text.
    Text,
}

/// An expression that is well formed; whether it fits a table is another question.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    root: Node,
}

/// A column that an expression names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The column.
    pub name: String,
    /// Where it stands in the expression's text.
    pub span: Range<usize>,
}

/// An expression that fits a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The kind of its values.
    pub kind: Kind,
    /// What is suspicious: texts that no row has.
    pub warnings: Vec<ExprError>,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(text: &str) -> Result<Expression, ExprError> {
        Ok(Expression { root: parser::parse(text)?, text: text.to_owned() })
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns it names, in the order of the text, every time they are named.
    pub fn columns(&self) -> Vec<Mention> {
        let mut found = Vec::new();
        mentions(&self.root, &mut found);
        found
    }

    /// Checks the expression against the columns of a table.
    ///
    /// # Errors
    /// All unknown columns and values of the wrong kind.
    pub fn check(&self, table: &Table) -> Result<Checked, Vec<ExprError>> {
        let (plan, warnings) = self.plan(table)?;
        Ok(Checked { kind: plan.kind().unwrap_or(Kind::Number), warnings })
    }

    /// The values for all rows: numbers (truth values as 1 and 0), or text with the levels that
    /// rows have.
    ///
    /// # Errors
    /// As [`Expression::check`].
    pub fn evaluate(&self, table: &Table) -> Result<Values, Vec<ExprError>> {
        let (plan, _) = self.plan(table)?;
        let rows = table.rows();
        Ok(match plan {
            Plan::Number(plan) => Values::Numbers(Numbers::pack(eval::numbers(&plan, rows))),
            Plan::Truth(plan) => {
                let truths = eval::truths(&plan, rows);
                let number = |t: u8| if t == eval::UNKNOWN { i8::MIN } else { i8::from(t == 1) };
                Values::Numbers(Numbers::I8(truths.into_iter().map(number).collect()))
            }
            Plan::Text(plan) => Values::Text(used(eval::codes(&plan, rows), plan.levels)),
            Plan::Missing => Values::Numbers(Numbers::pack(vec![f64::NAN; rows])),
        })
    }

    /// The condition for all rows; `None` where it is missing.
    ///
    /// # Errors
    /// As [`Expression::check`], and when the expression is not a condition.
    pub fn condition(&self, table: &Table) -> Result<Vec<Option<bool>>, Vec<ExprError>> {
        let mut planner = Planner { table, findings: Vec::new() };
        let plan: Option<TruthPlan<'_>> = planner.truth(&self.root);
        planner.findings.retain(|f| !f.is_warning());
        let Some(plan) = plan.filter(|_| planner.findings.is_empty()) else {
            return Err(planner.findings);
        };
        let truth = |t: u8| if t == eval::UNKNOWN { None } else { Some(t == 1) };
        Ok(eval::truths(&plan, table.rows()).into_iter().map(truth).collect())
    }

    /// Calculates the expression once, in numbers of another kind than a table's: the names stand
    /// for whatever `algebra` says. Only numbers, names, `+ - * / ^`, `abs`, `sqrt`, `exp` and
    /// `log` may occur.
    ///
    /// # Errors
    /// All parts that cannot be calculated, in the order of the text: what is neither number nor
    /// arithmetic ([`Cause::NotSmooth`]), and what `algebra` refuses.
    pub fn calculate<A: Algebra>(&self, algebra: &A) -> Result<A::Number, Vec<ExprError>> {
        let mut found = Vec::new();
        match algebra::calculate(&self.root, algebra, &mut found) {
            Some(number) if found.is_empty() => Ok(number),
            _ => Err(found),
        }
    }

    fn plan<'t>(&self, table: &'t Table) -> Result<(Plan<'t>, Vec<ExprError>), Vec<ExprError>> {
        let mut planner = Planner { table, findings: Vec::new() };
        let plan = planner.plan(&self.root);
        let (warnings, errors): (Vec<_>, Vec<_>) =
            planner.findings.into_iter().partition(ExprError::is_warning);
        match plan {
            Some(plan) if errors.is_empty() => Ok((plan, warnings)),
            _ => Err(errors),
        }
    }
}

impl Kind {
    /// In words.
    pub(super) fn described(self) -> &'static str {
        match self {
            Kind::Number => "a number",
            Kind::Truth => "a condition",
            Kind::Text => "text",
        }
    }
}

/// A factor with the levels that rows have, in their order.
pub(in crate::data) fn used(mut codes: Vec<u32>, levels: Vec<Level>) -> Factor {
    let mut place = vec![Codes::NONE; levels.len()];
    for &code in &codes {
        if let Some(place) = place.get_mut(code as usize) {
            *place = 0;
        }
    }
    let mut kept = Vec::new();
    for (place, level) in place.iter_mut().zip(levels).filter(|(p, _)| **p == 0) {
        *place = u32::try_from(kept.len()).unwrap_or(Codes::NONE);
        kept.push(level);
    }
    for code in &mut codes {
        *code = place.get(*code as usize).copied().unwrap_or(Codes::NONE);
    }
    Factor { codes: Codes::pack(&codes, kept.len()), levels: kept }
}

fn mentions(node: &Node, found: &mut Vec<Mention>) {
    match &node.what {
        What::Column(name) => found.push(Mention { name: name.clone(), span: node.span.clone() }),
        What::Number(_) | What::Text(_) | What::Truth(_) | What::Missing => {}
        What::Negate(a) | What::Not(a) => mentions(a, found),
        What::Arithmetic(_, a, b) | What::Compare(_, a, b) => {
            mentions(a, found);
            mentions(b, found);
        }
        What::All(parts) | What::Any(parts) | What::Call(_, parts) => {
            parts.iter().for_each(|part| mentions(part, found));
        }
        What::In { item, list, .. } => {
            mentions(item, found);
            list.iter().for_each(|part| mentions(part, found));
        }
    }
}
