//! The columns that the margins of a step become, with their totals.

use std::sync::Arc;

use super::Work;
use super::margins::GivenMargin;
use super::matching;
use super::resolve::Resolved;
use crate::aggregate::XTerm;
use crate::data::{Codes, Factor, Numbers, Table};
use crate::diagnostic::{Diagnostic, nearest};
use crate::study::not_numeric::not_numeric;
use crate::study::spec::GivenAs;
use crate::weight::{Firmness, Groups, Totals, WeightError};

/// What they are made from.
pub(super) struct Inputs<'a> {
    pub table: &'a Table,
    /// The weights before the step.
    pub weights: &'a [f64],
    /// The parts that are solved on their own.
    pub parts: Option<Groups>,
    /// One over the rows of each row's `constant-within` group.
    pub per_group: Option<Vec<f64>>,
}

/// The columns of a step as they are put together.
#[derive(Default)]
pub(super) struct Columns {
    pub totals: Totals,
    /// Margin and level of each.
    pub lines: Vec<(String, String)>,
    pub firmness: Vec<Firmness>,
    /// The margins that count the population: by part, their name and columns.
    counts: Vec<(u32, String, std::ops::Range<usize>)>,
}

impl Columns {
    /// The number of units.
    pub fn population(&mut self, size: f64) {
        self.totals.x.terms.push(XTerm { codes: None, values: None, width: 1 });
        self.totals.targets.push(size);
        self.totals.names.push("population".to_string());
        self.lines.push(("population".to_string(), String::new()));
        self.firmness.push(Firmness::Exact);
    }

    /// The columns of a margin, in all parts; what is wrong with it is in `work`.
    pub fn margin(
        &mut self,
        work: &mut Work<'_>,
        inputs: &Inputs<'_>,
        given: &[GivenMargin],
        margin: &GivenMargin,
        resolved: &Resolved,
    ) -> Option<()> {
        let (table, weights) = (inputs.table, inputs.weights);
        let factors = matching::factors(work, margin, table)?;
        let pieces: Vec<usize> = (0..given.len()).filter(|&i| given[i].is_same(margin)).collect();
        let values = values(work, inputs, margin)?;
        let Some(parts) = &inputs.parts else {
            let i = pieces[0];
            if let Some(part) = &given[i].meant.part {
                let message = format!("the margin `{}` is for the part `{part}`", margin.name);
                let help = "name the variable of the parts: `within = \"region\"`";
                let at = Some(margin.place.clone());
                work.found.push(Diagnostic::error(message).at(at).help(help));
                return None;
            }
            let piece =
                self.piece(work, &given[i], &resolved.totals[i], &factors, weights, None)?;
            self.term(margin, piece.codes, piece.width, values, &piece.means);
            return Some(());
        };
        let mut codes = vec![Codes::NONE; table.rows()];
        let (mut width, mut means) = (0, Vec::new());
        let mut done = vec![false; parts.len()];
        for i in pieces {
            let part = part_of(work, &given[i], parts)?;
            done[part as usize] = true;
            let inside = |row: usize| parts.codes.get(row) == part;
            let own: Vec<f64> =
                weights.iter().enumerate().map(|(r, w)| if inside(r) { *w } else { 0.0 }).collect();
            let name = Some((part, parts.names[part as usize].as_str()));
            let piece = self.piece(work, &given[i], &resolved.totals[i], &factors, &own, name)?;
            for row in (0..codes.len()).filter(|&r| own[r] != 0.0) {
                let code = piece.codes.as_ref().map_or(0, |c| c.get(row));
                if code != Codes::NONE {
                    codes[row] = width as u32 + code;
                }
            }
            width += piece.width;
            means.extend(piece.means);
        }
        if let Some(part) = done.iter().position(|done| !done) {
            let message =
                format!("the margin `{}` is not given for `{}`", margin.name, parts.names[part]);
            let help = "every part has all margins: add `part = …` with its totals";
            let at = Some(margin.place.clone());
            work.found.push(Diagnostic::error(message).at(at).help(help));
            return None;
        }
        let codes = Some(Arc::new(Codes::pack(&codes, width)));
        self.term(margin, codes, width, values, &means);
        Some(())
    }

    /// One margin in one part: its columns, targets and names.
    fn piece(
        &mut self,
        work: &mut Work<'_>,
        given: &GivenMargin,
        totals: &[f64],
        factors: &[Factor],
        weights: &[f64],
        part: Option<(u32, &str)>,
    ) -> Option<Piece> {
        let is_mean = given.meant.given_as == Some(GivenAs::Means);
        let (codes, levels, targets) = if factors.is_empty() {
            let Some(one) = totals.first() else {
                let help = "add `total = …`";
                let message = format!("the margin `{}` has no total", given.name);
                let at = Some(given.place.clone());
                work.found.push(Diagnostic::error(message).at(at).help(help));
                return None;
            };
            (None, vec![String::new()], vec![*one])
        } else {
            // A number can have any total, a count cannot be negative.
            let any: Vec<f64> = vec![1.0; totals.len()];
            let is_number = given.meant.of.is_some();
            let counts = if is_number { &any } else { totals };
            let margin = matching::matched(work, given, counts, factors, weights)?;
            let targets = if is_number {
                // Every level is seen, so that they stand in the order given.
                if margin.levels.len() == totals.len() { totals.to_vec() } else { return None }
            } else {
                margin.targets
            };
            (Some(margin.codes), margin.levels, targets)
        };
        let first = self.totals.targets.len();
        let width = targets.len();
        let prefix = part.map_or_else(String::new, |(_, name)| format!("{name}: "));
        for level in levels {
            let name = format!("{prefix}{} {level}", given.name);
            self.totals.names.push(name.trim_end().to_string());
            self.lines.push((format!("{prefix}{}", given.name), level));
        }
        let firmness = match (given.meant.importance, given.meant.tolerance) {
            (Some(k), _) => Firmness::Importance(k),
            (None, Some(delta)) => Firmness::Within(delta),
            (None, None) => Firmness::Exact,
        };
        self.firmness.extend(std::iter::repeat_n(firmness, width));
        if let Some((part, _)) = part {
            self.totals.part.extend(std::iter::repeat_n(part, width));
        }
        // A mean is met when Σ w (x − mean) is zero, whatever the population.
        let means = if is_mean { targets.clone() } else { Vec::new() };
        self.totals.targets.extend(if is_mean { vec![0.0; width] } else { targets });
        if given.counts() {
            let part = part.map_or(0, |(part, _)| part);
            if firmness == Firmness::Exact {
                self.counts.push((part, given.name.clone(), first..first + width));
            }
        }
        Some(Piece { codes, width, means })
    }

    fn term(
        &mut self,
        margin: &GivenMargin,
        codes: Option<Arc<Codes>>,
        width: usize,
        values: Option<Arc<Numbers>>,
        means: &[f64],
    ) {
        let values = match (values, margin.meant.given_as) {
            (Some(x), Some(GivenAs::Means)) => {
                let less = |row: usize| {
                    let code = codes.as_ref().map_or(0, |c| c.get(row));
                    means.get(code as usize).map_or(0.0, |mean| x.get(row) - mean)
                };
                Some(Arc::new(Numbers::pack((0..x.len()).map(less).collect())))
            }
            (values, _) => values,
        };
        self.totals.x.terms.push(XTerm { codes, values, width });
    }

    /// Scales the margins that count the population to the total of the first, part by part.
    ///
    /// # Errors
    /// When two totals differ by more than `tolerance`, relative.
    pub fn reconcile(&mut self, tolerance: f64) -> Result<(), WeightError> {
        let parts = self.counts.iter().map(|c| c.0 + 1).max().unwrap_or(0);
        for part in 0..parts {
            let mut first: Option<(String, f64)> = None;
            for (_, name, columns) in self.counts.iter().filter(|c| c.0 == part) {
                let own: f64 = self.totals.targets[columns.clone()].iter().sum();
                let Some((first, total)) = &first else {
                    first = Some((name.clone(), own));
                    continue;
                };
                let difference = (own - total).abs() / total.max(own);
                if difference > tolerance {
                    return Err(WeightError::Totals {
                        first: first.clone(),
                        first_total: *total,
                        second: name.clone(),
                        second_total: own,
                        difference,
                    });
                }
                if own != *total {
                    let targets = &mut self.totals.targets[columns.clone()];
                    targets.iter_mut().for_each(|t| *t *= total / own);
                }
            }
        }
        Ok(())
    }
}

/// The columns of one margin in one part.
struct Piece {
    codes: Option<Arc<Codes>>,
    width: usize,
    /// The means that the columns are to have, where means were given.
    means: Vec<f64>,
}

/// The part a margin is for.
fn part_of(work: &mut Work<'_>, given: &GivenMargin, parts: &Groups) -> Option<u32> {
    let at = Some(given.place.clone());
    let Some(name) = &given.meant.part else {
        let message = format!("the margin `{}` says not which part it is for", given.name);
        let help = format!(
            "add `part = \"{}\"`, and so on for every part",
            parts.names.first().map_or("…", String::as_str)
        );
        work.found.push(Diagnostic::error(message).at(at).help(help));
        return None;
    };
    let wanted = name.replace('*', "×");
    let found = (0..).zip(&parts.names).find(|(_, n)| **n == wanted || *n == name);
    if found.is_none() {
        let message = format!("there is no part `{name}` among the rows with a weight");
        let help = nearest(name, parts.names.iter().map(String::as_str)).map_or_else(
            || format!("the parts are {}", parts.names.join(", ")),
            |n| format!("did you mean `{n}`?"),
        );
        work.found.push(Diagnostic::error(message).at(at).help(help));
    }
    found.map(|(part, _)| part)
}

/// The numbers that a margin totals; none where it counts rows.
#[allow(clippy::option_option)]
fn values(
    work: &mut Work<'_>,
    inputs: &Inputs<'_>,
    margin: &GivenMargin,
) -> Option<Option<Arc<Numbers>>> {
    let at = Some(margin.place.clone());
    let mut numbers = None;
    if let Some(name) = &margin.meant.of {
        let column = inputs.table.column(name)?;
        let Some(own) = column.as_numbers() else {
            let (message, help) = not_numeric(column, "as a calibration variable");
            let help = format!("{help}; categories are given as a margin");
            work.found.push(Diagnostic::error(message).at(at).help(help));
            return None;
        };
        let weights = inputs.weights;
        let lacks = |&r: &usize| weights[r] != 0.0 && own.get(r).is_nan();
        let missing: Vec<usize> = (0..own.len()).filter(lacks).collect();
        if let Some(first) = missing.first() {
            let (margin, count) = (name.clone(), missing.len());
            let e = WeightError::Missing { margin, count, row: first + 1 };
            work.found.push(Diagnostic::error(e.to_string()).at(at));
            return None;
        }
        numbers = Some(Arc::new(own.clone()));
    }
    if !margin.meant.per_group {
        return Some(numbers);
    }
    let Some(share) = &inputs.per_group else {
        let message = "totals of groups need to know the groups";
        let help = "add `constant-within` with the variable of the household";
        work.found.push(Diagnostic::error(message).at(at).help(help));
        return None;
    };
    let each = |row: usize| share[row] * numbers.as_ref().map_or(1.0, |n| n.get(row));
    Some(Some(Arc::new(Numbers::pack((0..share.len()).map(each).collect()))))
}
