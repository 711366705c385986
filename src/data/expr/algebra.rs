//! An expression of numbers, calculated once in a number type of the caller's: dual numbers,
//! intervals, whatever has the four operations.

use super::error::{Cause, ExprError};
use super::parser::{Arithmetic, Function, Node, What};

/// An operation on one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// −x.
    Negate,
    /// |x|.
    Abs,
    /// √x.
    Sqrt,
    /// eˣ.
    Exp,
    /// The natural logarithm.
    Log,
}

/// An operation on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Subtract,
    /// a b.
    Multiply,
    /// a ÷ b.
    Divide,
    /// aᵇ.
    Power,
}

/// What an expression is calculated in.
///
/// The causes that an operation gives back get their place from the expression.
pub trait Algebra {
    /// A number.
    type Number;

    /// A number that stands in the text.
    fn constant(&self, x: f64) -> Self::Number;

    /// What a name stands for.
    ///
    /// # Errors
    /// [`Cause::UnknownName`] when it stands for nothing.
    fn name(&self, name: &str) -> Result<Self::Number, Cause>;

    /// An operation on one number.
    ///
    /// # Errors
    /// [`Cause::OutsideDomain`] where the result does not exist.
    fn unary(&self, how: Unary, x: Self::Number) -> Result<Self::Number, Cause>;

    /// An operation on two numbers.
    ///
    /// # Errors
    /// [`Cause::OutsideDomain`] where the result does not exist.
    fn binary(&self, how: Binary, a: Self::Number, b: Self::Number) -> Result<Self::Number, Cause>;
}

/// Calculates a node; every mistake below it goes to `found`.
pub(super) fn calculate<A: Algebra>(
    node: &Node,
    algebra: &A,
    found: &mut Vec<ExprError>,
) -> Option<A::Number> {
    let result = match &node.what {
        What::Number(x) => Ok(algebra.constant(*x)),
        What::Column(name) => algebra.name(name),
        What::Negate(x) => {
            let x = calculate(x, algebra, found)?;
            algebra.unary(Unary::Negate, x)
        }
        What::Arithmetic(how, a, b) => {
            let (a, b) = (calculate(a, algebra, found), calculate(b, algebra, found));
            match binary(*how) {
                Some(how) => algebra.binary(how, a?, b?),
                None => Err(Cause::NotSmooth("a remainder")),
            }
        }
        What::Call(function, arguments) => {
            let mut arguments: Vec<Option<A::Number>> =
                arguments.iter().map(|x| calculate(x, algebra, found)).collect();
            match (unary(*function), arguments.pop()) {
                (Some(how), Some(x)) => algebra.unary(how, x?),
                _ => Err(Cause::NotSmooth(function.name())),
            }
        }
        What::Text(_) => Err(Cause::NotSmooth("a text")),
        What::Truth(_) => Err(Cause::NotSmooth("true or false")),
        What::Missing => Err(Cause::NotSmooth("missing")),
        What::Not(_) | What::All(_) | What::Any(_) | What::Compare(..) | What::In { .. } => {
            Err(Cause::NotSmooth("a condition"))
        }
    };
    result.map_err(|cause| found.push(ExprError::new(&node.span, cause))).ok()
}

fn binary(how: Arithmetic) -> Option<Binary> {
    Some(match how {
        Arithmetic::Add => Binary::Add,
        Arithmetic::Subtract => Binary::Subtract,
        Arithmetic::Multiply => Binary::Multiply,
        Arithmetic::Divide => Binary::Divide,
        Arithmetic::Power => Binary::Power,
        Arithmetic::Remainder => return None,
    })
}

/// The functions of one argument that have a derivative.
fn unary(function: Function) -> Option<Unary> {
    Some(match function {
        Function::Abs => Unary::Abs,
        Function::Sqrt => Unary::Sqrt,
        Function::Exp => Unary::Exp,
        Function::Log => Unary::Log,
        Function::Round
        | Function::Floor
        | Function::Ceil
        | Function::Min
        | Function::Max
        | Function::IsMissing
        | Function::If => return None,
    })
}
