//! The variance estimators of the first stage, put to its strata.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::error::DesignError;
use super::form::{Form, columns_used};
use super::groups::Groups;
use super::input::DesignInput;
use super::selection::{JointProbabilities, Method};
use super::tree::UnitTree;
use super::variable::{Variable, complete_numbers, stratum_name, unit_label};
use crate::data::Codes;

/// A probability this near 1 is certainty.
pub(super) const CERTAIN: f64 = 1.0 - 1e-9;

/// How far joint probabilities may be from what they have to be, relative.
const NEAR: f64 = 1e-6;

/// The inclusion probability of the PSU of every row, where the method uses it.
pub(super) fn inclusion(input: &DesignInput<'_>) -> Result<Option<Vec<f64>>, DesignError> {
    let method = input.selection.method;
    if !method.is_unequal() {
        return Ok(None);
    }
    let given = input.fpc.first().or(input.probabilities.first()).copied();
    let Some(variable) = given else {
        if method.needs_probabilities() {
            return Err(DesignError::NoInclusion { method: method.name() });
        }
        return Ok(None);
    };
    let numbers = complete_numbers(variable, "inclusion probability", input.rows)?;
    let bad = |p: f64| !(p > 0.0 && p <= 1.0);
    if let Some(row) = (0..input.rows).find(|&r| bad(numbers.get(r))) {
        return Err(DesignError::Probability {
            variable: variable.name.to_string(),
            count: (0..input.rows).filter(|&r| bad(numbers.get(r))).count(),
            row: row + 1,
            value: numbers.get(row),
        });
    }
    Ok(Some(numbers.to_vec()))
}

/// Which rows are in PSUs that were selected with certainty; `None` where there are none.
pub(super) fn certain_rows(
    input: &DesignInput<'_>,
    inclusion: Option<&[f64]>,
) -> Result<Option<Vec<bool>>, DesignError> {
    let mut certain = vec![false; input.rows];
    if let Some(pi) = inclusion {
        certain.iter_mut().zip(pi).for_each(|(c, p)| *c = *p >= CERTAIN);
    }
    if let Some(variable) = input.selection.certainty {
        let numbers = complete_numbers(variable, "certainty", input.rows)?;
        for (row, c) in certain.iter_mut().enumerate() {
            match numbers.get(row) {
                0.0 => {}
                1.0 => *c = true,
                value => {
                    return Err(DesignError::NotZeroOne {
                        variable: variable.name.to_string(),
                        row: row + 1,
                        value,
                    });
                }
            }
        }
    }
    Ok(certain.contains(&true).then_some(certain))
}

/// One value per PSU of something given by row.
pub(super) fn by_unit(
    tree: &UnitTree,
    name: &str,
    role: &'static str,
    value: impl Fn(usize) -> f64,
) -> Result<Vec<f64>, DesignError> {
    let first = tree.first_stage_of_unit();
    let mut values = vec![f64::NAN; tree.stages[0].units()];
    for (row, &unit) in tree.unit_of_row.iter().enumerate() {
        let slot = &mut values[first[unit as usize] as usize];
        let found = value(row);
        if slot.is_nan() {
            *slot = found;
        } else if *slot != found {
            return Err(DesignError::VariesInUnit {
                variable: name.to_string(),
                role,
                first: *slot,
                second: found,
                row: row + 1,
            });
        }
    }
    Ok(values)
}

/// Gives every stratum of the first stage its form.
pub(super) fn attach(input: &DesignInput<'_>, tree: &mut UnitTree) -> Result<(), DesignError> {
    let selection = &input.selection;
    let method = selection.method;
    if matches!(method, Method::Simple | Method::WithReplacement) {
        return Ok(());
    }
    let order = match (method, selection.order) {
        (Method::Sd1 | Method::Sd2, given) => Some(order_of(input, tree, given)?),
        _ => None,
    };
    let balance = match method {
        Method::DevilleTille => balance_of(input, tree)?,
        _ => Vec::new(),
    };
    let joint = match (method, &selection.joint) {
        (Method::Joint, Some(joint)) => Some(aligned(input, tree, joint)?),
        (Method::Joint, None) => return Err(DesignError::NoJoint),
        _ => None,
    };
    let stage = &tree.stages[0];
    let mut forms = Vec::with_capacity(stage.strata.len());
    for stratum in &stage.strata {
        let units = stratum.first as usize..stratum.end as usize;
        let n = units.len();
        if n < 2 && method != Method::Poisson || stratum.is_census() {
            forms.push(None);
            continue;
        }
        let pi: Vec<f64> = match &stage.inclusion {
            Some(all) => all[units.clone()].to_vec(),
            None => vec![0.0; n],
        };
        let form = match method {
            Method::Brewer => Form::brewer(&pi),
            Method::HartleyRao => Form::hartley_rao(&pi, selection.form),
            Method::Overton => Form::overton(&pi, selection.form),
            Method::Hajek | Method::Deville1 => Form::hajek(&pi),
            Method::Deville2 => Form::deville2(&pi),
            Method::DevilleTille => {
                let u = DMatrix::from_fn(n, balance.len() + 1, |i, j| match j.checked_sub(1) {
                    None => 1.0,
                    Some(j) => balance[j][units.start + i] / pi[i],
                });
                let used = columns_used(&u);
                if used >= n {
                    let stratum = stratum_name(input, 0, stratum.row as usize);
                    return Err(DesignError::BalanceTooMany { stratum, units: n, columns: used });
                }
                Form::balanced(&pi, &u)
            }
            Method::Poisson => Form::poisson(&pi),
            Method::Joint => match &joint {
                Some(q) => {
                    let block = q.view((units.start, units.start), (n, n)).into_owned();
                    Form::joint(&block, selection.form)
                }
                None => return Err(DesignError::NoJoint),
            },
            Method::Sd1 | Method::Sd2 => {
                let rank = order.as_deref().unwrap_or_default();
                let mut own: Vec<u32> = (0..n as u32).collect();
                own.sort_by_key(|&i| rank[units.start + i as usize]);
                Form::successive(own, method == Method::Sd2, stratum.fpc())
            }
            Method::Simple | Method::WithReplacement => {
                forms.push(None);
                continue;
            }
        };
        forms.push(Some(Arc::new(form)));
    }
    for (stratum, form) in tree.stages[0].strata.iter_mut().zip(forms) {
        stratum.form = form;
    }
    Ok(())
}

/// The place of every PSU in the order of the list: by the variable, then by its first row.
fn order_of(
    input: &DesignInput<'_>,
    tree: &UnitTree,
    given: Option<Variable<'_>>,
) -> Result<Vec<usize>, DesignError> {
    let units = tree.stages[0].units();
    let values = match given {
        None => vec![0.0; units],
        Some(v) => match v.column.as_numbers() {
            Some(_) => {
                let numbers = complete_numbers(v, "place in the order", input.rows)?;
                by_unit(tree, v.name, "place in the order", |row| numbers.get(row))?
            }
            None => {
                let factor = super::variable::complete_codes(v, "place in the order", input.rows)?;
                let code = |row: usize| f64::from(factor.codes.get(row));
                by_unit(tree, v.name, "place in the order", code)?
            }
        },
    };
    let row = first_rows(tree);
    let mut sorted: Vec<usize> = (0..units).collect();
    sorted.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(row[a].cmp(&row[b])));
    let mut rank = vec![0; units];
    sorted.iter().enumerate().for_each(|(place, &unit)| rank[unit] = place);
    Ok(rank)
}

/// The first row of every PSU.
pub(super) fn first_rows(tree: &UnitTree) -> Vec<usize> {
    let first = tree.first_stage_of_unit();
    let mut rows = vec![usize::MAX; tree.stages[0].units()];
    for (row, &unit) in tree.unit_of_row.iter().enumerate().rev() {
        rows[first[unit as usize] as usize] = row;
    }
    rows
}

fn balance_of(input: &DesignInput<'_>, tree: &UnitTree) -> Result<Vec<Vec<f64>>, DesignError> {
    let each = |v: &Variable<'_>| {
        let numbers = complete_numbers(*v, "balancing variable", input.rows)?;
        by_unit(tree, v.name, "balancing variable", |row| numbers.get(row))
    };
    input.selection.balance.iter().map(each).collect()
}

/// The joint probabilities in the order of the PSUs of the tree, once they have been found sound.
fn aligned(
    input: &DesignInput<'_>,
    tree: &UnitTree,
    joint: &JointProbabilities,
) -> Result<DMatrix<f64>, DesignError> {
    let stage = &tree.stages[0];
    let units = stage.units();
    let file = || joint.name.clone();
    if joint.values.nrows() != joint.values.ncols() || joint.values.nrows() != units {
        return Err(DesignError::JointSize {
            file: file(),
            rows: joint.values.nrows(),
            columns: joint.values.ncols(),
            units,
        });
    }
    let rows = first_rows(tree);
    let label = |unit: usize| unit_label(input, rows[unit]);
    // The place of each PSU of the tree in the file.
    let place: Vec<usize> = if joint.units.is_empty() {
        let mut by_row: Vec<usize> = (0..units).collect();
        by_row.sort_by_key(|&unit| rows[unit]);
        let mut place = vec![0; units];
        by_row.iter().enumerate().for_each(|(at, &unit)| place[unit] = at);
        place
    } else {
        let find = |unit: usize| {
            let wanted = label(unit);
            let found = joint.units.iter().position(|name| *name == wanted);
            found.ok_or_else(|| DesignError::JointUnit { file: file(), unit: wanted })
        };
        (0..units).map(find).collect::<Result<_, _>>()?
    };
    let mut taken = vec![false; units];
    for (unit, &at) in place.iter().enumerate() {
        if std::mem::replace(&mut taken[at], true) {
            return Err(DesignError::JointUnit { file: file(), unit: label(unit) });
        }
    }
    let at = |i: usize, j: usize| joint.values[(place[i], place[j])];
    let wrong = |what: &'static str, i: usize, j: usize| DesignError::JointValue {
        file: file(),
        what,
        row: place[i] + 1,
        column: place[j] + 1,
        value: at(i, j),
    };
    for i in 0..units {
        let own = at(i, i);
        if !(own > 0.0 && own <= 1.0) {
            return Err(wrong("a probability is above 0 and up to 1", i, i));
        }
        if let Some(pi) = &stage.inclusion
            && (pi[i] - own).abs() > NEAR * pi[i]
        {
            return Err(DesignError::JointDiagonal {
                file: file(),
                unit: label(i),
                diagonal: own,
                inclusion: pi[i],
            });
        }
        for j in 0..i {
            let p = at(i, j);
            if p == 0.0 {
                let what = "two units that cannot both be in the sample leave no unbiased variance";
                return Err(wrong(what, i, j));
            }
            if p < 0.0 {
                return Err(wrong("a probability is not below 0", i, j));
            }
            if !(p > 0.0 && p <= own.min(at(j, j)) * (1.0 + NEAR)) {
                return Err(wrong("a pair is at most as likely as each of its units", i, j));
            }
            if (p - at(j, i)).abs() > NEAR * p {
                return Err(wrong(
                    "it differs from its mirror image: they are not symmetric",
                    i,
                    j,
                ));
            }
        }
    }
    let stratum = tree.stratum_of_first_stage();
    for i in 0..units {
        for j in (0..i).filter(|&j| stratum[i] != stratum[j]) {
            let product = at(i, i) * at(j, j);
            if (at(i, j) - product).abs() > 1e-4 * product {
                return Err(DesignError::JointAcross {
                    file: file(),
                    first: label(j),
                    second: label(i),
                });
            }
        }
    }
    // The mean with the mirror image: exactly symmetric.
    Ok(DMatrix::from_fn(units, units, |i, j| (at(i, j) + at(j, i)) / 2.0))
}

/// The codes that put every certain PSU into a stratum of its own: 0 for the others.
pub(super) fn certain_codes(
    input: &DesignInput<'_>,
    strata: &Groups,
    certain: &[bool],
) -> Result<(Codes, usize), DesignError> {
    let clusters = match input.clusters.first() {
        Some(v) => Some(super::variable::complete_codes(*v, "cluster", input.rows)?),
        None => None,
    };
    if let Some(factor) = &clusters {
        let mut units = Groups { of_row: strata.of_row.clone(), count: strata.count };
        units.refine(&factor.codes, factor.levels.len());
        let mut seen = vec![None; units.count];
        for (row, &unit) in units.of_row.iter().enumerate() {
            if *seen[unit as usize].get_or_insert(certain[row]) != certain[row] {
                let unit = unit_label(input, row);
                return Err(DesignError::CertaintyVaries { unit, row: row + 1 });
            }
        }
    }
    let levels = clusters.as_ref().map_or(input.rows, |f| f.levels.len());
    let code = |row: usize| match (&clusters, certain[row]) {
        (_, false) => 0,
        (Some(f), true) => f.codes.get(row) + 1,
        (None, true) => row as u32 + 1,
    };
    let codes: Vec<u32> = (0..input.rows).map(code).collect();
    Ok((Codes::pack(&codes, levels + 1), levels + 1))
}
