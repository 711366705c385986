//! One variable: its values, its labels, and why values are missing.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;

use super::calendar::Calendar;
use super::codes::{Codes, Factor, Level};

/// Rows handed to one task at a time.
const BLOCK: usize = 1 << 14;

/// A column of numbers in the narrowest type that holds them exactly.
///
/// The smallest integer of each type (and NaN) means "missing".
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Numbers {
    /// Whole numbers −127 … 127.
    I8(Vec<i8>),
    /// Whole numbers −32,767 … 32,767.
    I16(Vec<i16>),
    /// Whole numbers within ±(2³¹ − 1).
    I32(Vec<i32>),
    /// Anything else.
    F64(Vec<f64>),
}

macro_rules! each_width {
    ($numbers:expr, $v:ident, $convert:ident, $body:expr) => {
        match $numbers {
            Numbers::I8($v) => {
                let $convert = |x: i8| if x == i8::MIN { f64::NAN } else { f64::from(x) };
                $body
            }
            Numbers::I16($v) => {
                let $convert = |x: i16| if x == i16::MIN { f64::NAN } else { f64::from(x) };
                $body
            }
            Numbers::I32($v) => {
                let $convert = |x: i32| if x == i32::MIN { f64::NAN } else { f64::from(x) };
                $body
            }
            Numbers::F64($v) => {
                let $convert = |x: f64| x;
                $body
            }
        }
    };
}

impl Numbers {
    /// Packs numbers (NaN = missing) into the narrowest type that holds them exactly.
    pub fn pack(values: Vec<f64>) -> Numbers {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for &x in values.iter().filter(|x| !x.is_nan()) {
            if x.fract() != 0.0 || (x == 0.0 && x.is_sign_negative()) {
                return Numbers::F64(values);
            }
            low = low.min(x);
            high = high.max(x);
        }
        let narrow = |limit: i32| low >= f64::from(-limit) && high <= f64::from(limit);
        // The casts are exact: every value is whole and within the type's limits.
        if narrow(i32::from(i8::MAX)) {
            let cast = |x: &f64| if x.is_nan() { i8::MIN } else { *x as i8 };
            Numbers::I8(values.iter().map(cast).collect())
        } else if narrow(i32::from(i16::MAX)) {
            let cast = |x: &f64| if x.is_nan() { i16::MIN } else { *x as i16 };
            Numbers::I16(values.iter().map(cast).collect())
        } else if narrow(i32::MAX) {
            let cast = |x: &f64| if x.is_nan() { i32::MIN } else { *x as i32 };
            Numbers::I32(values.iter().map(cast).collect())
        } else {
            Numbers::F64(values)
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        each_width!(self, v, _c, v.len())
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of one row, NaN if it is missing.
    #[inline]
    pub fn get(&self, row: usize) -> f64 {
        each_width!(self, v, c, c(v[row]))
    }

    /// Writes a run of rows into `out` (as long as the range), NaN for missing.
    pub fn fill(&self, rows: Range<usize>, out: &mut [f64]) {
        each_width!(self, v, c, out.iter_mut().zip(&v[rows]).for_each(|(o, &x)| *o = c(x)));
    }

    /// Writes scattered rows into `out` (as long as `rows`), NaN for missing.
    pub fn gather(&self, rows: &[u32], out: &mut [f64]) {
        each_width!(self, v, c, out.iter_mut().zip(rows).for_each(|(o, &r)| *o = c(v[r as usize])));
    }

    /// All values, NaN for missing.
    pub fn to_vec(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.len()];
        self.fill(0..self.len(), &mut out);
        out
    }

    /// True when at least one value is missing.
    pub fn any_missing(&self) -> bool {
        match self {
            Numbers::I8(v) => v.contains(&i8::MIN),
            Numbers::I16(v) => v.contains(&i16::MIN),
            Numbers::I32(v) => v.contains(&i32::MIN),
            Numbers::F64(v) => v.iter().any(|x| x.is_nan()),
        }
    }
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// Numbers; NaN is missing.
    Numbers(Numbers),
    /// Text, held as codes into its distinct values.
    Text(Factor),
}

/// Why a value is missing: the code or the text that stood in the file, and its label.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingCode {
    /// What stood in the file, such as `-9`, `.a` or `NA`.
    pub code: String,
    /// Its label, such as "refused".
    pub label: Option<String>,
    /// How many rows have it.
    pub count: u64,
}

/// One variable of a [`Table`](super::Table).
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name as written in the file.
    pub name: String,
    /// The variable label, if the file or the study file gives one.
    pub label: Option<String>,
    /// The values, with every missing value as NaN or [`Codes::NONE`].
    pub values: Values,
    /// Labels of numbers: (value, label), in the order given. Text levels carry their own.
    pub value_labels: Vec<(f64, String)>,
    /// The codes that were read as missing, with counts; system-missing is not listed.
    pub missing: Vec<MissingCode>,
    /// What numbers count, if they are dates or times.
    pub calendar: Option<Calendar>,
}

impl Column {
    /// A column of numbers without labels; NaN is missing.
    pub fn numbers(name: impl Into<String>, values: Vec<f64>) -> Column {
        Column::from_values(name, Values::Numbers(Numbers::pack(values)))
    }

    /// A column of text; `None` is missing. Levels are put in natural order (numbers within
    /// text compare as numbers), so they do not depend on the order of the rows.
    pub fn text<S: AsRef<str>>(name: impl Into<String>, values: &[Option<S>]) -> Column {
        let mut order: Vec<&str> = values.iter().flatten().map(AsRef::as_ref).collect();
        order.sort_unstable_by(|a, b| natural_order(a, b));
        order.dedup();
        let index: HashMap<&str, u32> = order.iter().zip(0..).map(|(&s, i)| (s, i)).collect();
        let codes: Vec<u32> =
            values.iter().map(|v| v.as_ref().map_or(Codes::NONE, |s| index[s.as_ref()])).collect();
        let levels: Vec<Level> = order.iter().map(|&s| Level::new(s)).collect();
        let codes = Codes::pack(&codes, levels.len());
        Column::from_values(name, Values::Text(Factor { codes, levels }))
    }

    /// A column from values that are already in shape, without labels.
    pub fn from_values(name: impl Into<String>, values: Values) -> Column {
        Column {
            name: name.into(),
            label: None,
            values,
            value_labels: Vec::new(),
            missing: Vec::new(),
            calendar: None,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Numbers(v) => v.len(),
            Values::Text(f) => f.codes.len(),
        }
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a reader should see: the label, else the name.
    pub fn title(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// The column as numbers, or `None` if it holds text.
    pub fn as_numbers(&self) -> Option<&Numbers> {
        match &self.values {
            Values::Numbers(v) => Some(v),
            Values::Text(_) => None,
        }
    }

    /// The column as a categorical variable.
    ///
    /// Text gives its levels. Numbers give one level per distinct value, in ascending order,
    /// with their value labels; a labelled value that no row has is not a level. The label of a
    /// date or time that has none is the date, written as `2024-05-31`. A label that two levels have
    /// is given with the value of each: `Other (7)`, `Other (9)`.
    pub fn as_factor(&self) -> Factor {
        match &self.values {
            Values::Text(f) => {
                let mut factor = f.clone();
                tell_apart(&mut factor.levels);
                factor
            }
            Values::Numbers(v) => {
                let mut factor = factor_of_numbers(v, &self.value_labels);
                if let Some(calendar) = self.calendar {
                    for level in factor.levels.iter_mut().filter(|l| l.label.is_none()) {
                        level.label = level.value.parse().ok().and_then(|x| calendar.written(x));
                    }
                }
                tell_apart(&mut factor.levels);
                factor
            }
        }
    }
}

/// Gives labels that more than one level shows the value of each.
fn tell_apart(levels: &mut [Level]) {
    if levels.iter().all(|l| l.label.is_none()) {
        return;
    }
    let mut shown: HashMap<&str, usize> = HashMap::with_capacity(levels.len());
    for level in levels.iter() {
        *shown.entry(level.text()).or_default() += 1;
    }
    let repeated: Vec<bool> = levels.iter().map(|l| shown[l.text()] > 1).collect();
    for (level, _) in levels.iter_mut().zip(repeated).filter(|(_, repeated)| *repeated) {
        if let Some(label) = &level.label {
            level.label = Some(format!("{label} ({})", level.value));
        }
    }
}

/// Compares text so that runs of digits count as numbers: `a2` comes before `a10`.
pub(crate) fn natural_order(a: &str, b: &str) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    while let (Some(&p), Some(&q)) = (x.first(), y.first()) {
        if p.is_ascii_digit() && q.is_ascii_digit() {
            let (m, n) = (digits(x), digits(y));
            let (u, v) = (trim_zeros(&x[..m]), trim_zeros(&y[..n]));
            match u.len().cmp(&v.len()).then_with(|| u.cmp(v)) {
                Ordering::Equal => (x, y) = (&x[m..], &y[n..]),
                other => return other,
            }
        } else if p == q {
            (x, y) = (&x[1..], &y[1..]);
        } else {
            return p.cmp(&q);
        }
    }
    x.len().cmp(&y.len()).then_with(|| a.cmp(b))
}

fn digits(s: &[u8]) -> usize {
    s.iter().take_while(|c| c.is_ascii_digit()).count()
}

fn trim_zeros(s: &[u8]) -> &[u8] {
    let zeros = s.iter().take_while(|&&c| c == b'0').count();
    &s[zeros..]
}

fn factor_of_numbers(values: &Numbers, labels: &[(f64, String)]) -> Factor {
    let by_table = match values {
        Numbers::I8(v) => whole_levels(v, i8::MIN),
        Numbers::I16(v) => whole_levels(v, i16::MIN),
        Numbers::I32(v) => whole_levels(v, i32::MIN),
        Numbers::F64(_) => None,
    };
    let (codes, distinct) = by_table.unwrap_or_else(|| any_levels(&values.to_vec()));
    let mut of_value: HashMap<u64, &String> = HashMap::with_capacity(labels.len());
    for (x, label) in labels {
        // Adding zero makes the two zeros one; of two labels the first counts.
        of_value.entry((x + 0.0).to_bits()).or_insert(label);
    }
    let levels = distinct
        .iter()
        .map(|&x| Level {
            value: format!("{x}"),
            label: of_value.get(&(x + 0.0).to_bits()).map(|l| (*l).clone()),
        })
        .collect();
    Factor { codes, levels }
}

/// Codes and distinct values of whole numbers, through a table over their range: no sorting, and
/// nothing as long as the column but the codes. `None` when the range is too wide for a table.
fn whole_levels<T>(values: &[T], missing: T) -> Option<(Codes, Vec<f64>)>
where
    T: Copy + Ord + Into<i64> + Send + Sync,
{
    let blocks = || values.par_chunks(BLOCK);
    let range_of = |block: &[T]| {
        let present = || block.iter().copied().filter(|x| *x != missing);
        Some((present().min()?, present().max()?))
    };
    let wider = |a: (T, T), b: (T, T)| (a.0.min(b.0), a.1.max(b.1));
    let Some((low, high)) = blocks().filter_map(range_of).reduce_with(wider) else {
        return Some((Codes::collect(values.iter().map(|_| Codes::NONE), 0), Vec::new()));
    };
    let low: i64 = low.into();
    let range = usize::try_from(high.into() - low + 1).ok()?;
    if range > values.len().max(1 << 16) {
        return None;
    }
    // The missing value is below the lowest, so that its place is beyond every table.
    let place = |x: T| (x.into() - low) as usize;
    let mark = |mut seen: Vec<bool>, block: &[T]| {
        for &x in block {
            if let Some(seen) = seen.get_mut(place(x)) {
                *seen = true;
            }
        }
        seen
    };
    // A table of its own for each task pays off while it is small beside the rows of the task.
    let seen = if range <= BLOCK {
        let either = |mut a: Vec<bool>, b: Vec<bool>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
            a
        };
        blocks().fold(|| vec![false; range], mark).reduce(|| vec![false; range], either)
    } else {
        mark(vec![false; range], values)
    };
    let mut code_of = vec![Codes::NONE; range];
    let mut distinct = Vec::new();
    for ((x, code), _) in (low..).zip(&mut code_of).zip(&seen).filter(|(_, seen)| **seen) {
        *code = distinct.len() as u32;
        distinct.push(x as f64);
    }
    let codes = values.par_iter().map(|&x| code_of.get(place(x)).copied().unwrap_or(Codes::NONE));
    Some((Codes::par_collect(codes, distinct.len()), distinct))
}

/// Codes and distinct values of any numbers, by sorting them.
fn any_levels(values: &[f64]) -> (Codes, Vec<f64>) {
    // Adding zero makes the two zeros one.
    let mut distinct: Vec<f64> = values.iter().filter(|x| !x.is_nan()).map(|x| x + 0.0).collect();
    distinct.sort_unstable_by(f64::total_cmp);
    distinct.dedup();
    // Rows of one group often follow each other: look at the last value before searching.
    let mut last = (f64::NAN, Codes::NONE);
    let codes = values.iter().map(|&x| {
        if x != last.0 {
            let found = distinct.binary_search_by(|d| d.total_cmp(&(x + 0.0)));
            last = (x, found.map_or(Codes::NONE, |i| i as u32));
        }
        last.1
    });
    (Codes::collect(codes, distinct.len()), distinct)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_zero_is_zero() {
        let column = Column::numbers("x", vec![0.0, -0.0, 1.5, f64::NAN]);
        let factor = column.as_factor();
        assert_eq!(factor.levels.iter().map(Level::text).collect::<Vec<_>>(), ["0", "1.5"]);
        assert_eq!(factor.codes.to_vec(), [0, 0, 1, Codes::NONE]);
    }

    #[test]
    fn labels_of_two_levels_are_told_apart() {
        let mut column = Column::numbers("x", vec![1.0, 2.0, 3.0, 9.0]);
        let label = |x: f64, text: &str| (x, text.to_string());
        column.value_labels = vec![label(1.0, "Other"), label(2.0, "Other"), label(3.0, "9")];
        let factor = column.as_factor();
        let texts: Vec<&str> = factor.levels.iter().map(Level::text).collect();
        assert_eq!(texts, ["Other (1)", "Other (2)", "9 (3)", "9"]);
        assert_eq!(factor.position("2"), Some(1));
        let mut text = Column::text("y", &[Some("a"), Some("b"), Some("c")]);
        if let Values::Text(f) = &mut text.values {
            f.levels[0].label = Some("Same".into());
            f.levels[2].label = Some("Same".into());
        }
        let levels = text.as_factor().levels;
        assert_eq!(
            levels.iter().map(Level::text).collect::<Vec<_>>(),
            ["Same (a)", "b", "Same (c)"]
        );
    }

    #[test]
    fn numbers_take_the_narrowest_exact_type() {
        assert!(matches!(Numbers::pack(vec![1.0, f64::NAN, -127.0]), Numbers::I8(_)));
        assert!(matches!(Numbers::pack(vec![1.0, -128.0]), Numbers::I16(_)));
        assert!(matches!(Numbers::pack(vec![40_000.0]), Numbers::I32(_)));
        assert!(matches!(Numbers::pack(vec![3e9]), Numbers::F64(_)));
        assert!(matches!(Numbers::pack(vec![0.5]), Numbers::F64(_)));
        let back = Numbers::pack(vec![1.0, f64::NAN, -127.0]).to_vec();
        assert_eq!(back[0], 1.0);
        assert!(back[1].is_nan());
        assert_eq!(back[2], -127.0);
    }

    /// The definition: the place of each value among the sorted distinct ones.
    fn by_definition(values: &[f64]) -> (Vec<u32>, Vec<f64>) {
        let mut distinct: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
        distinct.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
        distinct.dedup();
        let place = |x: &f64| distinct.iter().position(|d| d == x);
        let codes = values.iter().map(|x| place(x).map_or(Codes::NONE, |i| i as u32)).collect();
        (codes, distinct)
    }

    #[test]
    fn a_table_and_a_search_find_the_levels_of_the_definition() {
        let nan = f64::NAN;
        for values in [
            vec![3.0, -2.0, nan, 3.0, 7.0],
            vec![-127.0, 127.0, nan, 0.0],
            vec![-32_767.0, 32_767.0, nan, 5.0],
            vec![2_147_483_647.0, -2_147_483_647.0, nan, 1.0],
            vec![70_000.0, 70_002.0, 70_000.0, nan],
            vec![0.5, -0.5, nan, 0.5, 1e300],
            // The two zeros are one level.
            vec![-0.0, 0.0, 1.0],
            vec![nan, nan],
            vec![],
        ] {
            let column = Column::numbers("x", values.clone());
            let factor = column.as_factor();
            let (codes, distinct) = by_definition(&values);
            assert_eq!(factor.codes.to_vec(), codes, "{values:?}");
            let names: Vec<f64> =
                factor.levels.iter().map(|l| l.value.parse().expect("a number")).collect();
            assert_eq!(names, distinct, "{values:?}");
        }
    }

    #[test]
    fn levels_do_not_depend_on_row_order() {
        let a = Column::text("x", &[Some("b10"), Some("b9"), None]);
        let f = a.as_factor();
        assert_eq!(f.levels[0].value, "b9");
        assert_eq!(f.codes.to_vec(), vec![1, 0, Codes::NONE]);
    }
}
