//! From `[[contrast]]` to tables of functions of estimates.

use std::ops::Range;

use super::comparison::{adjustment, level_of};
use super::{Held, Planner};
use crate::compare::{ComparisonTable, FunctionSpec, NamedEstimate, functions};
use crate::data::Factor;
use crate::data::expr::Expression;
use crate::diagnostic::{Diagnostic, nearest};
use crate::estimate::{Decision, DfRule, Domains, EstimateTable, Quantity};
use crate::study::places::KeyPath;
use crate::study::prepare::Prepared;
use crate::study::spec::{Contrast, Estimate, Expressions};

/// The most estimates that the functions of one table may name: each is a column of numbers.
const MOST: usize = 64;

/// A name in an expression, with its place in the text.
struct Mention {
    name: String,
    /// Which of the functions, and the bytes of its text.
    at: (usize, Range<usize>),
}

/// One estimate that is named: which table, which of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    table: usize,
    row: usize,
}

/// The table of the `i`-th `[[contrast]]`.
///
/// # Errors
/// Mistakes of the expressions, names that no estimate has, with their places.
pub(super) fn table(
    prepared: &Prepared,
    i: usize,
    tables: &[Option<EstimateTable>],
) -> Result<ComparisonTable, Vec<Diagnostic>> {
    let study = &prepared.study;
    let given = &study.contrast[i];
    let path = KeyPath::root().key("contrast").index(i);
    let texts: Vec<(String, &str, KeyPath)> = match &given.expression {
        Expressions::One(text) => vec![(text.clone(), text.as_str(), path.key("expression"))],
        Expressions::Many(list) => list
            .0
            .iter()
            .map(|(label, text)| (label.clone(), text.as_str(), path.key("expression").key(label)))
            .collect(),
    };
    let place = |at: &(usize, Range<usize>)| prepared.places.within(&texts[at.0].2, at.1.clone());
    let mut found = Vec::new();
    let mut expressions = Vec::new();
    let mut mentions = Vec::new();
    for (k, (label, text, _)) in texts.iter().enumerate() {
        match Expression::parse(text) {
            Err(e) => {
                let mut d = Diagnostic::error(e.to_string()).at(Some(place(&(k, e.span.clone()))));
                d.help = e.help();
                found.push(d);
            }
            Ok(expression) => {
                mentions.extend(
                    expression
                        .columns()
                        .into_iter()
                        .map(|c| Mention { name: c.name, at: (k, c.span) }),
                );
                expressions.push((label.clone(), expression));
            }
        }
    }
    let mut named: Vec<(String, Named)> = Vec::new();
    for mention in &mentions {
        match resolve(prepared, &mention.name, tables) {
            Ok(Some(one)) => named.push((mention.name.clone(), one)),
            // The estimate has mistakes of its own, which are reported.
            Ok(None) => {}
            Err((message, help)) => {
                let mut d = Diagnostic::error(message).at(Some(place(&mention.at)));
                d.help = help;
                found.push(d);
            }
        }
    }
    let is_whole = named.len() == mentions.len();
    let mut places: Vec<Named> = named.iter().map(|(_, one)| *one).collect();
    places.sort_unstable();
    places.dedup();
    if places.len() > MOST {
        let message = format!("the functions name {} estimates; the most is {MOST}", places.len());
        let d = Diagnostic::error(message).at(Some(prepared.places.value(&path)));
        found.push(d.help("make several `[[contrast]]` of it"));
    }
    if !found.is_empty() || !is_whole {
        return Err(found);
    }
    let row = |one: &Named| tables[one.table].as_ref().map(|t| &t.rows[one.row]);
    let estimates: Vec<NamedEstimate> = named
        .iter()
        .filter_map(|(name, one)| {
            let row = row(one)?;
            Some(NamedEstimate {
                name: name.clone(),
                place: places.binary_search(one).ok()?,
                value: row.estimate,
                df: row.df,
                is_suppressed: row
                    .quality
                    .as_ref()
                    .is_some_and(|q| q.decision == Decision::Suppress),
            })
        })
        .collect();
    let influence = influence(prepared, &places, &mut found);
    if !found.is_empty() {
        return Err(found);
    }
    let covariance = prepared.analysis.covariance_of(influence);
    let of = |one: &Named| tables[one.table].as_ref();
    let level = given.confidence.or(study.defaults.confidence);
    let level = level.or_else(|| Some(of(places.first()?)?.level)).unwrap_or(0.95);
    let is_approximate = |one: &Named| of(one).is_some_and(|t| t.df_rule == DfRule::Satterthwaite);
    let spec = FunctionSpec {
        name: given.name.clone().unwrap_or_else(|| format!("contrast-{}", i + 1)),
        title: given.title.clone().unwrap_or_else(|| title(given)),
        functions: expressions,
        null: given.null,
        scale: given.scale.unwrap_or_default(),
        level,
        adjust: adjustment(given.adjust),
        pooled: places.iter().any(is_approximate),
    };
    functions(&spec, &estimates, &covariance).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|(k, e)| {
                let mut d = Diagnostic::error(e.to_string()).at(Some(place(&(k, e.span.clone()))));
                d.help = e.help();
                d
            })
            .collect()
    })
}

fn title(given: &Contrast) -> String {
    match &given.expression {
        Expressions::One(text) => text.clone(),
        Expressions::Many(_) => "Functions of estimates".to_string(),
    }
}

/// The influence values of the named estimates, in their order.
fn influence(prepared: &Prepared, places: &[Named], found: &mut Vec<Diagnostic>) -> Vec<Vec<f64>> {
    let mut all = Vec::with_capacity(places.len());
    for group in places.chunk_by(|a, b| a.table == b.table) {
        let table = group[0].table;
        let path = KeyPath::root().key("estimate").index(table);
        let given = &prepared.study.estimate[table];
        let mut planner = Planner { prepared, path: &path, found: Vec::new() };
        let Some(inside) = planner.inside(given.population.as_deref()) else { continue };
        let by = planner.by_factors(given, &inside);
        let factors: Vec<&Factor> = by.iter().map(|(_, f)| f).collect();
        let domains = Domains::cross(inside.len(), &factors, Some(&inside));
        let Some(draft) = planner.draft(given) else {
            found.append(&mut planner.found);
            continue;
        };
        let quantities: Vec<Quantity<'_>> = draft.held.iter().map(Held::quantity).collect();
        // The rows of the table leave out some outcomes.
        let kept = draft.held.iter().flat_map(Held::outcomes).enumerate();
        let kept: Vec<usize> = kept.filter(|(_, o)| o.is_some()).map(|(k, _)| k).collect();
        let count = domains.codes.count;
        let rows: Vec<usize> =
            group.iter().map(|one| kept[one.row / count] * count + one.row % count).collect();
        all.extend(prepared.analysis.influence_values(&quantities, &domains.codes, &rows));
    }
    all
}

/// Which estimate a name such as `rate{Black, 16–24}` stands for, its levels given by labels or codes;
/// `None` where its table could not be made.
fn resolve(
    prepared: &Prepared,
    name: &str,
    tables: &[Option<EstimateTable>],
) -> Result<Option<Named>, (String, Option<String>)> {
    let (head, inside) = match name.split_once('{') {
        Some((head, rest)) => (head, rest.strip_suffix('}').unwrap_or(rest)),
        None => (name, ""),
    };
    let head = head.trim();
    let estimates: &[Estimate] = &prepared.study.estimate;
    let known: Vec<&str> = estimates.iter().filter_map(|e| e.name.as_deref()).collect();
    let is_it = |known: &str| known == head || known.replace('-', "_") == head;
    let Some(table) = estimates.iter().position(|e| e.name.as_deref().is_some_and(is_it)) else {
        let help = match nearest(head, known.iter().copied()) {
            Some(near) => format!("did you mean `{}`?", near.replace('-', "_")),
            None if known.is_empty() => "give the estimate a `name` in `[[estimate]]`".to_string(),
            None => format!("the estimates with a name are: {}", known.join(", ")),
        };
        return Err((format!("there is no estimate named `{head}`"), Some(help)));
    };
    let given = &estimates[table];
    if given.quantile.is_some() || given.standardize.is_some() {
        let what = if given.quantile.is_some() { "a quantile" } else { "standardised" };
        let message = format!("`{head}` is {what}, which has no place in a function yet");
        let help = "name means, totals, proportions or ratios";
        return Err((message, Some(help.to_string())));
    }
    let Some(made) = &tables[table] else { return Ok(None) };
    let items: Vec<&str> = split(inside);
    let outcomes = made.outcomes.len();
    let wanted = made.by.len() + usize::from(outcomes > 1);
    let form = || {
        let mut parts: Vec<String> = Vec::new();
        if outcomes > 1 {
            parts.push("outcome".to_string());
        }
        parts.extend(made.by.iter().map(|b| b.variable.clone()));
        if parts.is_empty() { head.to_string() } else { format!("{head}{{{}}}", parts.join(", ")) }
    };
    if items.len() != wanted {
        let message = format!(
            "`{head}` takes {} in braces, not {}",
            if wanted == 1 { "1 level".to_string() } else { format!("{wanted} levels") },
            items.len()
        );
        return Err((message, Some(format!("write `{}`", form()))));
    }
    let mut rest = items.as_slice();
    let mut outcome = 0;
    if outcomes > 1
        && let Some((first, levels)) = rest.split_first()
    {
        rest = levels;
        let title =
            |o: &crate::estimate::Outcome| o.level.clone().unwrap_or_else(|| o.variable.clone());
        let known: Vec<String> = made.outcomes.iter().map(title).collect();
        // The outcomes of a category are its levels, else they are variables.
        let of = made.outcomes.first().filter(|o| o.level.is_some()).map(|o| o.variable.as_str());
        let at = match of {
            Some(variable) => level_of(prepared, variable, &known, first),
            None => known.iter().position(|k| k == first),
        };
        outcome = at.ok_or_else(|| {
            level_error(&format!("`{head}` has no outcome `{first}`"), first, &known)
        })?;
    }
    let mut levels = Vec::with_capacity(rest.len());
    for (by, item) in made.by.iter().zip(rest) {
        let at = level_of(prepared, &by.variable, &by.levels, item).ok_or_else(|| {
            level_error(&format!("`{}` has no level `{item}`", by.variable), item, &by.levels)
        })?;
        levels.push(at);
    }
    let row = made.rows.iter().position(|r| r.outcome == outcome && r.domain == levels);
    row.map(|row| Some(Named { table, row }))
        .ok_or_else(|| (format!("`{head}` has no such group"), Some(format!("write `{}`", form()))))
}

/// The items of a list in braces; one in quotes may hold a comma.
fn split(inside: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut from, mut quote) = (0, None);
    for (at, c) in inside.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') if inside[from..at].trim().is_empty() => quote = Some(c),
            (Some(q), _) if q == c => quote = None,
            (None, ',') => {
                items.push(&inside[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    items.push(&inside[from..]);
    let bare = |item: &&str| -> bool { !item.trim().is_empty() };
    let unquoted = |item: &str| -> (usize, usize) {
        let start = item.len() - item.trim_start().len();
        let end = item.trim_end().len();
        let inner = &item[start..end];
        let is_quoted = inner.len() > 1
            && (inner.starts_with('"') && inner.ends_with('"')
                || inner.starts_with('\'') && inner.ends_with('\''));
        if is_quoted { (start + 1, end - 1) } else { (start, end) }
    };
    items
        .into_iter()
        .filter(bare)
        .map(|item| {
            let (start, end) = unquoted(item);
            &item[start..end]
        })
        .collect()
}

fn level_error(message: &str, item: &str, known: &[String]) -> (String, Option<String>) {
    let help = nearest(item, known.iter().map(String::as_str)).map_or_else(
        || format!("it has {}", known.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    (message.to_string(), Some(help))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn items_in_braces() {
        assert_eq!(split("Black"), ["Black"]);
        assert_eq!(split(" Black , 16–24 "), ["Black", "16–24"]);
        assert_eq!(split("\"Black, African\", '16–24'"), ["Black, African", "16–24"]);
        assert_eq!(split("O'Neill, x"), ["O'Neill", "x"]);
        assert!(split("").is_empty());
    }
}
