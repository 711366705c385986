//! Response propensities: weights divided by the modelled probability of responding.

use std::sync::Arc;

use super::super::adjustment::{Adjustment, Carrier};
use super::super::error::WeightError;
use super::super::groups::{Groups, same};
use super::super::step::{Done, WeightingStep};
use super::super::summary::{DetailValue, StepDetail};
use super::classes::{ClassAdjustment, Rate, Reason};
use super::collapse::CollapseRules;
use super::logistic::{Logistic, fit};
use crate::aggregate::{XColumns, XTerm};
use crate::data::{Codes, Numbers};
use crate::numeric::order_statistics;

/// How the propensities are used.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PropensityUse {
    /// Weights are divided by them.
    Direct,
    /// So many classes with equal numbers of units by propensity; weights are adjusted by the response
    /// rate within.
    Quantiles(usize),
    /// Classes cut at these propensities, ascending (response homogeneity groups).
    Cuts(Vec<f64>),
}

/// An adjustment by a logistic model of response, ready to be carried out.
///
/// The model Σ v (r − p) x = 0 is fitted over the eligible sample, with v the weights or one. Direct use
/// gives w = d/p to respondents and zero to the others.
///
/// Source: Little (1986), Kim and Kim (2007) for the variance with estimated propensities;
/// docs/methods/nonresponse.md.
#[derive(Debug, Clone)]
pub struct PropensityAdjustment {
    /// The columns of the model, an intercept among them.
    pub x: XColumns,
    /// The variables of the model, for messages.
    pub names: Vec<String>,
    /// The eligible sample; one entry per row.
    pub eligible: Arc<Vec<bool>>,
    /// Who responded; one entry per row.
    pub responded: Arc<Vec<bool>>,
    /// Whether the model is fitted with the weights or with ones.
    pub rate: Rate,
    /// How the propensities are used.
    pub using: PropensityUse,
    /// What the classes must have, if there are some.
    pub rules: CollapseRules,
}

impl PropensityAdjustment {
    fn model(&self, before: &[f64]) -> Result<Logistic, WeightError> {
        for term in &self.x.terms {
            let lengths =
                [term.codes.as_ref().map(|c| c.len()), term.values.as_ref().map(|v| v.len())];
            for length in lengths.into_iter().flatten() {
                same("rows of a variable of the response model", length, before.len())?;
            }
        }
        same("rows of the adjustment", self.eligible.len(), before.len())?;
        same("rows of the response", self.responded.len(), before.len())?;
        let v: Vec<f64> = (0..before.len())
            .map(|row| match self.rate {
                _ if !self.eligible[row] || before[row] == 0.0 => 0.0,
                Rate::Weighted => before[row],
                Rate::Unweighted => 1.0,
            })
            .collect();
        for term in &self.x.terms {
            let lacks = |&row: &usize| {
                let code = term.codes.as_ref().map_or(0, |c| c.get(row));
                let value = term.values.as_ref().map_or(1.0, |x| x.get(row));
                v[row] != 0.0 && (code == Codes::NONE || value.is_nan())
            };
            let missing: Vec<usize> = (0..v.len()).filter(lacks).collect();
            if let Some(first) = missing.first() {
                let margin = self.names.join(", ");
                return Err(WeightError::Missing { margin, count: missing.len(), row: first + 1 });
            }
        }
        fit(&self.x, &v, &self.responded)
    }

    /// The groups of the propensities.
    fn groups(&self, model: &Logistic) -> Result<Groups, WeightError> {
        let p = &model.probabilities;
        let cuts = match &self.using {
            PropensityUse::Direct => Vec::new(),
            PropensityUse::Cuts(cuts) => cuts.clone(),
            PropensityUse::Quantiles(k) => {
                let n = p.iter().filter(|p| !p.is_nan()).count();
                let ranks: Vec<usize> = (1..*k).map(|i| (n * i / k).max(1) - 1).collect();
                let mut cuts = order_statistics(p, |p| !p.is_nan(), &ranks);
                cuts.dedup();
                cuts
            }
        };
        if cuts.iter().any(|c| c.is_nan()) || cuts.windows(2).any(|w| w[0] >= w[1]) {
            let message = "the cut points of the propensities must ascend".to_string();
            return Err(WeightError::ResponseModel(message));
        }
        // A propensity equal to a cut belongs below it.
        let class = |p: &f64| cuts.partition_point(|c| c < p) as u32;
        let codes: Vec<u32> =
            p.iter().map(|p| if p.is_nan() { Codes::NONE } else { class(p) }).collect();
        let name = |c: usize| match (c.checked_sub(1).map(|i| cuts[i]), cuts.get(c)) {
            (None, None) => "all".to_string(),
            (None, Some(high)) => format!("propensity up to {high:.3}"),
            (Some(low), Some(high)) => format!("{low:.3} to {high:.3}"),
            (Some(low), None) => format!("above {low:.3}"),
        };
        Ok(Groups {
            codes: Arc::new(Codes::pack(&codes, cuts.len() + 1)),
            names: (0..=cuts.len()).map(name).collect(),
            levels: (0..=cuts.len() as u32).map(|c| vec![c]).collect(),
        })
    }

    fn classes(&self, before: &[f64], model: &Logistic) -> Result<ClassAdjustment, WeightError> {
        ClassAdjustment::new(
            Reason::Nonresponse,
            before,
            &self.groups(model)?,
            "classes of the propensity",
            self.eligible.clone(),
            self.responded.clone(),
            None,
            self.rate,
            &self.rules,
        )
    }

    /// How classes cut from estimated propensities move with the model.
    ///
    /// When its parameters move by dβ, units cross the boundaries of the classes, and a total moves by
    /// −Σ_k h_k (1 − p_k) Σ w (x − x̄_k)(y − ȳ_k)'dβ over respondents, with means x̄_k, ȳ_k and rates p_k of the
    /// classes and h_k = 1, for the first and last class ½ (docs/methods/nonresponse.md).
    fn of_model(
        &self,
        before: &[f64],
        after: &[f64],
        model: &Logistic,
        classes: &ClassAdjustment,
    ) -> Result<Adjustment, WeightError> {
        let (codes, rates) = classes.rates(before)?;
        let p = &model.probabilities;
        let inside = |row: usize| !p[row].is_nan() && codes.get(row) != Codes::NONE;
        let last = rates.len().saturating_sub(1);
        let q = |row: usize| {
            if !inside(row) || after[row] == 0.0 {
                return 0.0;
            }
            let class = codes.get(row) as usize;
            let ends = f64::from(u8::from(class == 0)) + f64::from(u8::from(class == last));
            after[row] * (1.0 - rates[class]) * (1.0 - 0.5 * ends)
        };
        let unit = |row: usize| if self.rate == Rate::Weighted { before[row] } else { 1.0 };
        let carrier = |row: usize| {
            if inside(row) {
                unit(row) * (f64::from(u8::from(self.responded[row])) - p[row])
            } else {
                0.0
            }
        };
        let rows = 0..before.len();
        Ok(Adjustment::new(
            self.centred(after, codes, rates.len()),
            Arc::new(rows.clone().map(q).collect()),
            Carrier::Columns(self.times(&rows.map(carrier).collect::<Vec<f64>>())),
            model.information.clone(),
        ))
    }

    /// The columns of the model, each row times a number.
    fn times(&self, c: &[f64]) -> XColumns {
        let term = |term: &XTerm| {
            let value = |row: usize| term.values.as_ref().map_or(1.0, |v| v.get(row));
            let times = |(row, c): (usize, &f64)| if *c == 0.0 { 0.0 } else { c * value(row) };
            let values = c.iter().enumerate().map(times).collect();
            XTerm { values: Some(Arc::new(Numbers::F64(values))), ..term.clone() }
        };
        XColumns { terms: self.x.terms.iter().map(term).collect() }
    }

    /// The columns of the model less their weighted means in the classes.
    fn centred(&self, weights: &[f64], codes: &Codes, classes: usize) -> XColumns {
        let width = self.x.width();
        let mut sums = vec![0.0; classes];
        let mut means = vec![0.0; classes * width];
        let used = |row: usize| weights[row] != 0.0 && codes.get(row) != Codes::NONE;
        for row in (0..weights.len()).filter(|&r| used(r)) {
            let class = codes.get(row) as usize;
            sums[class] += weights[row];
            self.x.row(row).for_each(|(c, x)| means[class * width + c] += weights[row] * x);
        }
        let mut columns = vec![vec![0.0; weights.len()]; width];
        for row in (0..weights.len()).filter(|&r| used(r)) {
            let class = codes.get(row) as usize;
            for (c, column) in columns.iter_mut().enumerate() {
                column[row] = -means[class * width + c] / sums[class];
            }
            self.x.row(row).for_each(|(c, x)| columns[c][row] += x);
        }
        let term = |values: Vec<f64>| XTerm {
            codes: None,
            values: Some(Arc::new(Numbers::F64(values))),
            width: 1,
        };
        XColumns { terms: columns.into_iter().map(term).collect() }
    }

    /// What the variables of the model say twice, in words.
    ///
    /// Beside an intercept one level of every category follows from the others: that is no news.
    fn redundant(&self, model: &Logistic) -> String {
        let mut of_term = vec![0_usize; self.x.terms.len()];
        for dependent in model.information.dependent() {
            // A column of zeros is a level that no eligible row has.
            if dependent.combination.is_empty() {
                continue;
            }
            let mut end = 0;
            let term = self.x.terms.iter().position(|term| {
                end += term.width;
                dependent.column < end
            });
            if let Some(count) = term.and_then(|term| of_term.get_mut(term)) {
                *count += 1;
            }
        }
        let said = of_term.iter().enumerate().skip(1).filter_map(|(term, &count)| {
            let name = self.names.get(term - 1)?;
            match (self.x.terms[term].codes.is_some(), count) {
                (false, 1..) => Some(format!("`{name}` follows from the other variables")),
                (true, 2) => Some(format!("a level of `{name}` follows from the other variables")),
                (true, 3..) => {
                    let count = count - 1;
                    Some(format!("{count} levels of `{name}` follow from the other variables"))
                }
                _ => None,
            }
        });
        said.map(|text| format!("; {text}")).collect()
    }

    fn direct(&self, before: &[f64], model: &Logistic) -> Vec<f64> {
        (0..before.len())
            .map(|row| {
                let p = model.probabilities[row];
                match (p.is_nan(), self.responded[row]) {
                    (true, _) => before[row],
                    (false, true) => before[row] / p,
                    (false, false) => 0.0,
                }
            })
            .collect()
    }
}

impl WeightingStep for PropensityAdjustment {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        let model = self.model(before)?;
        let names = self.names.join(", ");
        if self.using != PropensityUse::Direct {
            let classes = self.classes(before, &model)?;
            let mut done = classes.carry_out(before)?;
            if let Some(adjustment) = &mut done.adjustment {
                let of_model = self.of_model(before, &done.weights, &model, &classes)?;
                adjustment.earlier = Some(Box::new(of_model));
            }
            return Ok(Done {
                description: format!(
                    "adjusted for nonresponse within classes of the propensity by {names}"
                ),
                variance:
                    "response as a second phase with one probability in each class; that the \
                           classes come from an estimated model is in it"
                        .to_string(),
                ..done
            });
        }
        let after = self.direct(before, &model);
        let p = &model.probabilities;
        let inside = |row: usize| !p[row].is_nan();
        let unit = |row: usize| if self.rate == Rate::Weighted { before[row] } else { 1.0 };
        let carrier = (0..p.len())
            .map(|r| {
                if inside(r) {
                    unit(r) * (f64::from(u8::from(self.responded[r])) - p[r])
                } else {
                    0.0
                }
            })
            .collect();
        let q =
            (0..p.len()).map(|r| if inside(r) { after[r] * (1.0 - p[r]) } else { 0.0 }).collect();
        let n = (0..p.len()).filter(|&r| inside(r)).count();
        let seen = (0..p.len()).filter(|&r| inside(r) && self.responded[r]).count();
        let ranks = [0, n / 4, n / 2, (3 * n) / 4, n.saturating_sub(1)];
        let order = order_statistics(p, |p| !p.is_nan(), &ranks);
        let columns = ["smallest", "first quartile", "median", "third quartile", "largest"];
        let details = vec![StepDetail {
            title: "Response propensities".to_string(),
            columns: columns.map(String::from).to_vec(),
            rows: vec![order.into_iter().map(DetailValue::Number).collect()],
        }];
        let redundant = self.redundant(&model);
        Ok(Done {
            weights: Arc::new(after),
            adjustment: Some(Adjustment::new(
                self.x.clone(),
                Arc::new(q),
                Carrier::Rows(Arc::new(carrier)),
                model.information,
            )),
            kind: "nonresponse".to_string(),
            description: format!("divided by the propensity to respond by {names}"),
            outcome: format!(
                "{seen} of {n} responded; the model took {} steps{redundant}",
                model.steps,
            ),
            status: None,
            margins: Vec::new(),
            details,
            variance: "response as a second phase, its probabilities estimated by the model"
                .to_string(),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        let model = self.model(before)?;
        match self.using {
            PropensityUse::Direct => Ok(self.direct(before, &model)),
            _ => self.classes(before, &model)?.repeat(before),
        }
    }
}
