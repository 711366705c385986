//! The results as one tidy CSV file.

use super::document::Document;
use super::tidy::{Column, Tidy, Values};

/// All estimates and comparisons as CSV (RFC 4180, UTF-8, a header line, `\n` line ends): one
/// row each, in the order of the document.
///
/// What cannot be had is an empty field; numbers are written so that they read back to the same
/// bits. Suppressed values are there, with `suppress` in the column `flag`.
///
/// | column | type | what it holds |
/// |---|---|---|
/// | `kind` | text | `estimate`, `comparison` or `test` |
/// | `table` | text | name of the table in the study file |
/// | `statistic` | text | `total`, `mean`, `proportion`, `ratio`, `quantile`; for a comparison `difference` or `ratio`; for a test `f`, `t` or `chi-squared` |
/// | `outcome` | text | the variable; for a comparison the outcome as labelled |
/// | `level` | text | its level, when it is categorical |
/// | `probability` | number | the probability, for a quantile |
/// | `domain` | text | the levels of the domain joined by " · ", or `All`; for a comparison the levels held fixed |
/// | `by1`, `level1`, … | text | the variables that form the domain and their levels; at least four pairs, more when a table crosses more |
/// | `group`, `reference` | text | the two sides of a comparison |
/// | `n`, `n_missing`, `psus` | count | rows used, rows without a value, PSUs used |
/// | `weight_sum` | number | sum of the weights of the rows used |
/// | `estimate`, `se`, `cv` | number | the estimate, its standard error, SE ÷ \|estimate\|; proportions are between 0 and 1 |
/// | `lower`, `upper` | number | limits of the interval |
/// | `confidence` | number | its confidence level |
/// | `interval` | text | how it is made |
/// | `deff`, `n_eff`, `n_eff_kish` | number | design effect and effective sample sizes |
/// | `df` | number | degrees of freedom; empty when infinite |
/// | `df_rule` | text | where they come from |
/// | `t`, `p`, `p_adjusted` | number | test of a comparison |
/// | `test_value`, `ddf` | number | statistic of a test, degrees of freedom of its denominator |
/// | `missing_share` | number | the share of the domain's weight on rows without a value |
/// | `group_missing` | text | what was done with rows without a group: `excluded`, `own-category`, `bounds` |
/// | `group_missing_rows`, `group_missing_share` | count, number | rows of the base without a group, and their share of its weight |
/// | `bound_rows` | count | rows without a group that may belong to the domain, where bounds are asked for |
/// | `bound_all` | number | the estimate if they all belonged to it |
/// | `bound_lowest`, `bound_highest` | number | the lowest and highest estimate over all groups they may belong to |
/// | `bound_lower`, `bound_upper` | number | limits of an interval that covers both |
/// | `imputations` | count | completed data sets the estimate is combined over |
/// | `within`, `between` | number | mean variance within them, variance between them |
/// | `missing_information` | number | the share of information that is missing |
/// | `flag` | text | `show`, `footnote`, `review`, `suppress`; empty without a standard |
/// | `flag_rules` | text | the rules that fired |
/// | `standard` | text | the quality standard |
/// | `weight` | text | the weight |
/// | `variance` | text | how the variance is estimated |
/// | `se_replicates`, `se_ratio` | number | the standard error by replicates beside a linearised one, and it ÷ `se` |
/// | `replicates` | text | the replicates it comes from |
/// | `model_dependent` | text | for data that were not drawn: on which model the row rests |
pub fn csv(document: &Document) -> Vec<u8> {
    let tidy = Tidy::of(document, true);
    let mut out = String::new();
    line(&mut out, tidy.columns.iter().map(|c| c.name.as_str()));
    for row in 0..tidy.rows {
        let fields: Vec<String> = tidy.columns.iter().map(|c| field(c, row)).collect();
        line(&mut out, fields.iter().map(String::as_str));
    }
    out.into_bytes()
}

fn line<'a>(out: &mut String, fields: impl Iterator<Item = &'a str>) {
    for (i, field) in fields.enumerate() {
        if i > 0 {
            out.push(',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(field);
        }
    }
    out.push('\n');
}

fn field(column: &Column, row: usize) -> String {
    match &column.values {
        Values::Text(values) => values.get(row).cloned().flatten().unwrap_or_default(),
        Values::Count(values) => {
            values.get(row).copied().flatten().map(|n| n.to_string()).unwrap_or_default()
        }
        Values::Number(values) => values.get(row).copied().flatten().map(exact).unwrap_or_default(),
    }
}

/// The shortest decimal that reads back to the same number.
fn exact(x: f64) -> String {
    if x == x.trunc() && x.abs() < 1e15 { format!("{x:.0}") } else { format!("{x:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_to_the_same_bits() {
        for x in [0.1 + 0.2, 1e-310, 1.0, -0.0, 123_456_789.0, 1e15, 1e300, -2.5e-7, f64::MAX] {
            assert_eq!(exact(x).parse::<f64>().unwrap().to_bits(), x.to_bits(), "{}", exact(x));
        }
        assert_eq!(exact(12.0), "12");
    }

    #[test]
    fn fields_are_quoted_when_they_must_be() {
        let mut out = String::new();
        line(&mut out, ["a", "b,c", "say \"x\"", "two\nlines", ""].into_iter());
        assert_eq!(out, "a,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\",\n");
    }
}
