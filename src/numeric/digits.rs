//! Numbers as people read them.

/// The digits of a whole number with commas between the thousands.
///
/// ```
/// assert_eq!(rakewell::numeric::grouped("1234567"), "1,234,567");
/// ```
pub fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
