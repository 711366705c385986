//! Smooth functions of estimates: ratios of rates, differences of logarithms, anything that can be
//! written with `+ - * / ^`, `abs`, `sqrt`, `exp` and `log`.

use crate::data::expr::{Algebra, Binary, Cause, ExprError, Expression, Unary};
use crate::diagnostic::nearest;
use crate::estimate::{Covariance, IntervalInput, IntervalMethod, interval};

/// The estimates an expression may name.
#[derive(Debug, Clone, Copy)]
pub struct SmoothInput<'a> {
    /// Names, each with the estimate it stands for; several may stand for one.
    pub names: &'a [(String, usize)],
    /// The estimates; `None` for one that cannot be had.
    pub values: &'a [Option<f64>],
    /// Their covariances, in the same order.
    pub covariance: &'a Covariance,
    /// Degrees of freedom of the interval: `Some(∞)` for the normal distribution, `None` when
    /// there are none.
    pub df: Option<f64>,
    /// Confidence level, such as 0.95.
    pub level: f64,
}

/// A function of estimates, estimated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SmoothEstimate {
    /// The function at the estimates; `None` when it cannot be had.
    pub value: Option<f64>,
    /// Its derivative by each estimate that it names, in the order they are first named.
    pub gradient: Vec<(usize, f64)>,
    /// Standard error.
    pub se: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
    /// Why something is missing: with its place where it is a part of the expression that does
    /// not exist at these estimates.
    pub lost: Option<ExprError>,
    /// What a reader must know of the interval.
    pub note: Option<String>,
}

/// Estimates f(θ) for an expression f over named estimates θ̂.
///
/// *What it estimates*: f(θ̂), with the variance of its linear part (delta method, linearisation),
/// V(f) = g' V g, g = ∂f/∂θ at θ̂ and V the design-based covariance matrix of θ̂; the interval is
/// f(θ̂) ± t SE with `df` degrees of freedom. The gradient is exact, by dual numbers (forward
/// differentiation), not by differences.
///
/// *Assumptions*: f is close to its tangent within a few standard errors of θ̂. It is not where a
/// denominator has a coefficient of variation of more than about 20 %, or where an argument of a
/// logarithm or square root is within a few standard errors of 0. A positive quantity such as a
/// ratio has a better interval on the logarithmic scale: estimate `log(a) - log(b)` and transform
/// the limits. A linear f has its variance without any approximation.
///
/// *Replicates*: with a replicate covariance matrix, g' V g is not the variance of f over the
/// replicates, though both estimate the same and agree as the replicates come close to θ̂.
///
/// *Missing values*: an estimate that cannot be had, and a part that does not exist at θ̂ (the
/// logarithm of a negative number, a division by zero), leave the value empty, and `lost` or `note`
/// says why. Where f has a value but no derivative (`sqrt` or `abs` at 0) the value is given without a
/// standard error.
///
/// *Errors*: every name that is in none of `names`, and every part that is no smooth function of
/// numbers, with its place in the text. They do not depend on the values of the estimates.
///
/// *Source*: Wolter (2007), *Introduction to Variance Estimation*, 2nd ed., eq. 6.2.4 ff.;
/// Binder (1983), *International Statistical Review* 51, 279–292.
///
/// # Errors
/// See above.
///
/// ```
/// use rakewell::compare::{SmoothInput, smooth};
/// use rakewell::data::expr::Expression;
/// use rakewell::estimate::Covariance;
///
/// let names = [("rate{Black}".to_string(), 0), ("rate{White}".to_string(), 1)];
/// let covariance = Covariance { size: 2, values: vec![4e-4, 1e-4, 1e-4, 1e-4] };
/// let input = SmoothInput {
///     names: &names,
///     values: &[Some(0.3), Some(0.1)],
///     covariance: &covariance,
///     df: Some(30.0),
///     level: 0.95,
/// };
/// let expression = Expression::parse("rate{Black} / rate{White}").unwrap();
/// let ratio = smooth(&expression, &input).unwrap();
/// assert!((ratio.value.unwrap() - 3.0).abs() < 1e-12);
/// // V = a²/b² (V(a)/a² + V(b)/b² − 2 C(a, b)/(a b))
/// let v = 9.0 * (4e-4 / 0.09 + 1e-4 / 0.01 - 2.0 * 1e-4 / 0.03);
/// assert!((ratio.se.unwrap() - f64::sqrt(v)).abs() < 1e-12);
/// ```
pub fn smooth(
    expression: &Expression,
    input: &SmoothInput<'_>,
) -> Result<SmoothEstimate, Vec<ExprError>> {
    let mut rows: Vec<usize> = Vec::new();
    for mention in expression.columns() {
        let row = input.names.iter().find(|(name, _)| *name == mention.name).map(|(_, row)| *row);
        rows.extend(row.filter(|row| !rows.contains(row)));
    }
    let field = DualField { input, rows: &rows };
    let dual = match expression.calculate(&field) {
        Ok(dual) => dual,
        Err(found) => {
            let outside = |e: &ExprError| matches!(e.cause, Cause::OutsideDomain(_));
            let (lost, mistakes): (Vec<_>, Vec<_>) = found.into_iter().partition(outside);
            if !mistakes.is_empty() {
                return Err(mistakes);
            }
            let lost = lost.into_iter().next();
            return Ok(SmoothEstimate { lost, ..SmoothEstimate::default() });
        }
    };
    let mut made = SmoothEstimate::default();
    let note = |text: &str| Some(text.to_string());
    if !dual.value.is_finite() {
        made.note = note("an estimate that it is calculated from cannot be had");
        return Ok(made);
    }
    made.value = Some(dual.value);
    if dual.gradient.iter().any(|g| !g.is_finite()) {
        made.note = note("the expression has no derivative at these estimates");
        return Ok(made);
    }
    made.gradient = rows.into_iter().zip(dual.gradient).collect();
    let se = variance(&made.gradient, input.covariance).map(|v| v.max(0.0).sqrt());
    made.se = se.filter(|se| se.is_finite());
    let limits = interval(
        IntervalMethod::T,
        &IntervalInput {
            estimate: dual.value,
            se: made.se,
            n: 1,
            df: input.df,
            level: input.level,
            certain: false,
        },
    );
    (made.lower, made.upper) = (limits.lower, limits.upper);
    made.note = limits.note.map(str::to_string);
    Ok(made)
}

/// g' V g; `None` when V has not all that is needed.
fn variance(gradient: &[(usize, f64)], covariance: &Covariance) -> Option<f64> {
    let entry = |i: usize, j: usize| {
        let inside = i < covariance.size && j < covariance.size;
        covariance.values.get(i * covariance.size + j).copied().filter(|_| inside)
    };
    let mut sum = crate::numeric::Sum::new();
    for &(i, a) in gradient {
        for &(j, b) in gradient {
            sum.add(a * entry(i, j)? * b);
        }
    }
    Some(sum.value())
}

/// A value and its derivatives by the estimates that are named. NaN for an estimate that cannot
/// be had.
#[derive(Debug, Clone)]
struct Dual {
    value: f64,
    gradient: Vec<f64>,
}

impl Dual {
    /// f(x) by f and f'(x).
    fn chain(mut self, value: f64, slope: f64) -> Dual {
        // An estimate that does not enter has no part in it, however steep f is.
        self.gradient.iter_mut().filter(|g| **g != 0.0).for_each(|g| *g *= slope);
        Dual { value, gradient: self.gradient }
    }

    /// f(a, b) by f, ∂f/∂a and ∂f/∂b.
    fn join(mut self, other: Dual, value: f64, by_a: f64, by_b: f64) -> Dual {
        for (a, b) in self.gradient.iter_mut().zip(other.gradient) {
            let part = |g: f64, slope: f64| if g == 0.0 { 0.0 } else { g * slope };
            *a = part(*a, by_a) + part(b, by_b);
        }
        Dual { value, gradient: self.gradient }
    }

    fn is_constant(&self) -> bool {
        self.gradient.iter().all(|g| *g == 0.0)
    }
}

struct DualField<'a> {
    input: &'a SmoothInput<'a>,
    /// The estimates that the expression names.
    rows: &'a [usize],
}

impl Algebra for DualField<'_> {
    type Number = Dual;

    fn constant(&self, x: f64) -> Dual {
        Dual { value: x, gradient: vec![0.0; self.rows.len()] }
    }

    fn name(&self, name: &str) -> Result<Dual, Cause> {
        let Some((_, row)) = self.input.names.iter().find(|(known, _)| known == name) else {
            let known = self.input.names.iter().map(|(known, _)| known.as_str());
            let nearest = nearest(name, known).map(str::to_string);
            return Err(Cause::UnknownName { name: name.to_string(), nearest });
        };
        let value = self.input.values.get(*row).copied().flatten().unwrap_or(f64::NAN);
        let gradient = self.rows.iter().map(|r| f64::from(u8::from(r == row))).collect();
        Ok(Dual { value, gradient })
    }

    fn unary(&self, how: Unary, x: Dual) -> Result<Dual, Cause> {
        let v = x.value;
        let (value, slope) = match how {
            Unary::Negate => (-v, -1.0),
            Unary::Abs if v == 0.0 => (v, f64::NAN),
            Unary::Abs => (v.abs(), v.signum()),
            Unary::Sqrt if v < 0.0 => return outside(format!("the square root of {v}")),
            Unary::Sqrt => (v.sqrt(), 0.5 / v.sqrt()),
            Unary::Exp => (v.exp(), v.exp()),
            Unary::Log if v <= 0.0 => return outside(format!("the logarithm of {v}")),
            Unary::Log => (v.ln(), 1.0 / v),
        };
        within_range(x.chain(value, slope))
    }

    fn binary(&self, how: Binary, a: Dual, b: Dual) -> Result<Dual, Cause> {
        let (x, y) = (a.value, b.value);
        let (value, by_a, by_b) = match how {
            Binary::Add => (x + y, 1.0, 1.0),
            Binary::Subtract => (x - y, 1.0, -1.0),
            Binary::Multiply => (x * y, y, x),
            Binary::Divide if y == 0.0 => return outside(format!("{x} divided by 0")),
            Binary::Divide => (x / y, 1.0 / y, -(x / y) / y),
            Binary::Power => {
                let whole = b.is_constant() && y.fract() == 0.0;
                let is_undefined = if b.is_constant() {
                    (x < 0.0 && !whole) || (x == 0.0 && y < 0.0)
                } else {
                    x <= 0.0
                };
                if is_undefined {
                    return outside(format!("{x} to the power of {y}"));
                }
                let value = power(x, y);
                let by_a = if y == 0.0 { 0.0 } else { y * power(x, y - 1.0) };
                (value, by_a, value * x.ln())
            }
        };
        within_range(a.join(b, value, by_a, by_b))
    }
}

/// Missing stays missing: the standard library says NaN⁰ = 1.
fn power(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() { f64::NAN } else { x.powf(y) }
}

fn outside<T>(what: String) -> Result<T, Cause> {
    Err(Cause::OutsideDomain(format!("{what} does not exist")))
}

fn within_range(x: Dual) -> Result<Dual, Cause> {
    if x.value.is_infinite() {
        return Err(Cause::OutsideDomain("this is too large to be calculated".to_string()));
    }
    Ok(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V: [f64; 9] = [4.0, 1.0, -0.5, 1.0, 9.0, 0.25, -0.5, 0.25, 1.0];

    fn run(text: &str, values: [Option<f64>; 3]) -> Result<SmoothEstimate, Vec<ExprError>> {
        let names: Vec<(String, usize)> = [("a", 0), ("b", 1), ("c", 2), ("rate{Black, 16–24}", 2)]
            .map(|(n, i)| (n.to_string(), i))
            .to_vec();
        let covariance = Covariance { size: 3, values: V.to_vec() };
        let input = SmoothInput {
            names: &names,
            values: &values,
            covariance: &covariance,
            df: Some(12.0),
            level: 0.95,
        };
        smooth(&Expression::parse(text).unwrap(), &input)
    }

    fn at(text: &str, values: [f64; 3]) -> SmoothEstimate {
        run(text, values.map(Some)).unwrap()
    }

    /// The derivatives are those of the textbook.
    #[test]
    fn gradients_of_known_functions() {
        let (a, b, c): (f64, f64, f64) = (2.5, 4.0, 0.3);
        let all = [
            ("a / b", vec![(0, 1.0 / b), (1, -a / (b * b))]),
            ("log(a) - log(b)", vec![(0, 1.0 / a), (1, -1.0 / b)]),
            ("sqrt(a * b)", vec![(0, 0.5 * (b / a).sqrt()), (1, 0.5 * (a / b).sqrt())]),
            ("exp(-c) + 7", vec![(2, -(-c).exp())]),
            ("abs(c - a)", vec![(2, -1.0), (0, 1.0)]),
            ("a ^ b", vec![(0, b * a.powf(b - 1.0)), (1, a.powf(b) * a.ln())]),
            ("a ^ -2", vec![(0, -2.0 * a.powi(-3))]),
            ("2 ^ a", vec![(0, 2f64.powf(a) * 2f64.ln())]),
            ("a - a", vec![(0, 0.0)]),
            ("`rate{Black, 16–24}` / b", vec![(2, 1.0 / b), (1, -c / (b * b))]),
            ("rate{Black, 16–24} * c", vec![(2, 2.0 * c)]),
        ];
        for (text, wanted) in all {
            let found = at(text, [a, b, c]);
            assert_eq!(found.gradient.len(), wanted.len(), "{text}");
            let mut variance = 0.0;
            for (f, w) in found.gradient.iter().zip(&wanted) {
                assert_eq!(f.0, w.0, "{text}");
                assert!((f.1 - w.1).abs() <= 1e-14 * w.1.abs(), "{text}: {} {}", f.1, w.1);
                variance += wanted.iter().map(|o| w.1 * o.1 * V[w.0 * 3 + o.0]).sum::<f64>();
            }
            let se = variance.sqrt();
            assert!((found.se.unwrap() - se).abs() <= 1e-13 * se, "{text}");
            if se > 0.0 {
                // t₁₂ at 0.975 by R: 2.17881282966723.
                let half = 2.17881282966723 * se;
                let value = found.value.unwrap();
                assert!((found.lower.unwrap() - (value - half)).abs() < 1e-12 * half.max(1.0));
                assert!((found.upper.unwrap() - (value + half)).abs() < 1e-12 * half.max(1.0));
            }
        }
    }

    #[test]
    fn what_does_not_exist_is_lost_with_its_place() {
        for (text, values, span, what) in [
            ("1 + log(a - b)", [1.0, 2.0, 0.0], 4..14, "the logarithm of -1 does not exist"),
            ("a / (b - b)", [1.0, 2.0, 0.0], 0..11, "1 divided by 0 does not exist"),
            ("sqrt(c)", [1.0, 2.0, -4.0], 0..7, "the square root of -4 does not exist"),
            ("c ^ 0.5", [1.0, 2.0, -4.0], 0..7, "-4 to the power of 0.5 does not exist"),
            ("c ^ a", [1.0, 2.0, -4.0], 0..5, "-4 to the power of 1 does not exist"),
            ("exp(a * 1000)", [1.0, 2.0, 0.0], 0..13, "this is too large to be calculated"),
        ] {
            let found = at(text, values);
            let lost = found.lost.unwrap();
            assert_eq!((lost.span.clone(), lost.to_string().as_str()), (span, what), "{text}");
            assert_eq!((found.value, found.se, found.lower), (None, None, None));
        }
        let negative = at("c ^ 3", [1.0, 2.0, -2.0]);
        assert_eq!((negative.value, negative.gradient), (Some(-8.0), vec![(2, 12.0)]));
    }

    #[test]
    fn no_derivative_or_no_estimate_gives_no_standard_error() {
        for text in ["sqrt(c)", "abs(c)", "c ^ 0.5"] {
            let found = at(text, [1.0, 2.0, 0.0]);
            assert_eq!((found.value, found.se), (Some(0.0), None), "{text}");
            assert!(found.note.unwrap().contains("derivative"));
        }
        // c enters neither, however steep it is there.
        assert_eq!(at("a + sqrt(0)", [1.0, 2.0, 0.0]).se, Some(2.0));
        for text in ["a + b", "log(b)", "b ^ 0", "0 * b"] {
            let found = run(text, [Some(1.0), None, Some(2.0)]).unwrap();
            assert_eq!((found.value, found.se), (None, None), "{text}");
            assert!(found.note.unwrap().contains("cannot be had"));
        }
    }

    #[test]
    fn all_mistakes_of_the_text_have_their_places() {
        let found = run("a + max(b, c) / rate{Blck, 16–24} % d", [None; 3]).unwrap_err();
        let found: Vec<(String, String)> =
            found.iter().map(|e| (e.to_string(), format!("{:?}", e.span))).collect();
        let wanted = [
            ("a smooth function has no place for max", "4..13"),
            ("nothing is called `rate{Blck, 16–24}`", "16..35"),
            ("nothing is called `d`", "38..39"),
            ("a smooth function has no place for a remainder", "4..39"),
        ];
        assert_eq!(found, wanted.map(|(a, b)| (a.to_string(), b.to_string())));
        let unknown = run("rate{Blck, 16–24}", [None; 3]).unwrap_err();
        assert_eq!(unknown[0].help().unwrap(), "did you mean `rate{Black, 16–24}`?");
        for text in ["round(a)", "a > b", "if(a > 1, a, b)", "'text'", "missing", "not a", "true"] {
            assert!(run(text, [Some(1.0); 3]).is_err(), "{text}");
        }
    }

    proptest! {
        /// Against central differences, on a function with every operation.
        #[test]
        fn gradient_is_the_slope(a in 0.1..3.0_f64, b in 0.1..3.0_f64, c in -2.0..2.0_f64) {
            let text = "exp(a * c) / (1 + b ^ 2) - log(a + b) * sqrt(b) ^ a + abs(c - 5)";
            let f = |x: [f64; 3]| at(text, x).value.unwrap();
            let x = [a, b, c];
            let found = at(text, x);
            for (row, slope) in found.gradient {
                let h = 1e-5;
                let (mut up, mut down) = (x, x);
                up[row] += h;
                down[row] -= h;
                let wanted = (f(up) - f(down)) / (2.0 * h);
                prop_assert!((slope - wanted).abs() < 1e-6 * slope.abs().max(1.0), "{} {}", slope, wanted);
            }
        }
    }
}
