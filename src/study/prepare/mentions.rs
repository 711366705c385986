//! Every column a study names, and whether there is one of that name.

use std::collections::BTreeSet;

use super::Work;
use super::combine::EVERY_ROW;
use crate::data::expr::Expression;
use crate::diagnostic::{Diagnostic, Place, nearest};
use crate::study::places::KeyPath;
use crate::study::spec::{Count, Limit, Names, Study};

/// A column named in the study file.
struct Mention {
    name: String,
    place: Place,
    /// How many derived variables are known there: all (`None`), or those made before.
    derived_before: Option<usize>,
}

struct Collector<'w, 'a> {
    work: &'w mut Work<'a>,
    mentions: Vec<Mention>,
}

impl Collector<'_, '_> {
    fn name(&mut self, path: &KeyPath, name: &str, before: Option<usize>) {
        let place = self.work.places.value(path);
        self.mentions.push(Mention { name: name.to_string(), place, derived_before: before });
    }

    fn names(&mut self, path: &KeyPath, names: Option<&Names>) {
        match names {
            None => {}
            Some(Names::One(name)) => self.name(path, name, None),
            Some(Names::Many(list)) => {
                for (i, name) in list.iter().enumerate() {
                    self.name(&path.index(i), name, None);
                }
            }
        }
    }

    fn expression(&mut self, path: &KeyPath, text: &str, before: Option<usize>) {
        match Expression::parse(text) {
            Err(e) => self.work.expression(path, &e),
            Ok(expression) => {
                for mention in expression.columns() {
                    let place = self.work.places.within(path, mention.span);
                    self.mentions.push(Mention {
                        name: mention.name,
                        place,
                        derived_before: before,
                    });
                }
            }
        }
    }
}

/// Checks all names against the file's columns and the derived variables.
pub(super) fn check(work: &mut Work<'_>, file: &[String]) -> Option<()> {
    let study = work.study;
    let mut collector = Collector { work, mentions: Vec::new() };
    collect(study, &mut collector);
    let mentions = std::mem::take(&mut collector.mentions);
    let derived: Vec<&str> = study.derive.iter().map(|d| d.name.as_str()).collect();
    for mention in mentions {
        let made = &derived[..mention.derived_before.unwrap_or(derived.len())];
        if file.contains(&mention.name) || made.contains(&mention.name.as_str()) {
            continue;
        }
        let mut diagnostic = Diagnostic::error(format!("there is no column `{}`", mention.name))
            .at(Some(mention.place))
            .label("not in the data");
        let own = mention.derived_before.and_then(|i| derived.get(i));
        diagnostic.help = if own.is_some_and(|name| *name == mention.name) {
            Some("a variable can't be made from itself; name one that is there already".into())
        } else if derived.contains(&mention.name.as_str()) {
            Some(format!("`{}` is derived further down; move its `[[derive]]` up", mention.name))
        } else {
            let known = file.iter().map(String::as_str).chain(made.iter().copied());
            nearest(&mention.name, known).map_or_else(
                || Some(format!("the data have {}", short_list(file))),
                |n| Some(format!("did you mean `{n}`?")),
            )
        };
        work.found.push(diagnostic);
    }
    for (i, derive) in study.derive.iter().enumerate() {
        if file.contains(&derive.name) {
            let path = KeyPath::root().key("derive").index(i).key("name");
            let message = format!("the data have a column `{}` already", derive.name);
            work.error(&path, message, Some("choose another name".to_string()));
        }
    }
    for (name, _) in &study.variables.0 {
        if !file.contains(name) {
            let path = KeyPath::root().key("variables").key(name);
            let help = nearest(name, file.iter().map(String::as_str))
                .map(|n| format!("did you mean `{n}`?"));
            let place = work.places.key(&path);
            let mut diagnostic =
                Diagnostic::error(format!("there is no column `{name}` to label")).at(Some(place));
            diagnostic.help = help;
            work.found.push(diagnostic);
        }
    }
    (!work.has_errors()).then_some(())
}

fn short_list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(12).map(|n| format!("`{n}`")).collect();
    let more = names.len().saturating_sub(shown.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

fn collect(study: &Study, c: &mut Collector<'_, '_>) {
    let root = KeyPath::root();
    for (i, derive) in study.derive.iter().enumerate() {
        let at = root.key("derive").index(i);
        if let Some(from) = &derive.from {
            c.name(&at.key("from"), from, Some(i));
        }
        for (j, case) in derive.cases.iter().flatten().enumerate() {
            c.expression(&at.key("cases").index(j).key("when"), &case.when, Some(i));
        }
        if let Some(value) = &derive.value {
            c.expression(&at.key("value"), value, Some(i));
        }
        if let Some(born) = &derive.uk_born {
            c.expression(&at.key("uk-born"), born, Some(i));
        }
        for (key, list) in [
            ("parents-uk-born", &derive.parents_uk_born),
            ("grandparents-uk-born", &derive.grandparents_uk_born),
        ] {
            for (j, text) in list.iter().flatten().enumerate() {
                c.expression(&at.key(key).index(j), text, Some(i));
            }
        }
    }
    if let Some(population) = &study.population {
        c.expression(&root.key("where"), population, None);
    }
    let design = root.key("design");
    c.names(&design.key("strata"), study.design.strata.as_ref());
    c.names(&design.key("clusters"), study.design.clusters.as_ref());
    c.names(&design.key("probabilities"), study.design.probabilities.as_ref());
    c.names(&design.key("fpc"), study.design.fpc.as_ref());
    c.names(&design.key("balance"), study.design.balance.as_ref());
    for (key, name) in [
        ("weight", &study.design.weight),
        ("samples", &study.design.samples),
        ("psus-drawn", &study.design.psus_drawn),
        ("order", &study.design.order),
        ("certainty", &study.design.certainty),
        ("crossed", &study.design.crossed),
        ("collapse-by", &study.design.collapse_by),
    ] {
        if let Some(name) = name {
            c.name(&design.key(key), name, None);
        }
    }
    if let Some(phase) = &study.design.phase2 {
        let at = design.key("phase2");
        c.name(&at.key("selected"), &phase.selected, None);
        for (key, name) in [
            ("strata", &phase.strata),
            ("clusters", &phase.clusters),
            ("probability", &phase.probability),
        ] {
            if let Some(name) = name {
                c.name(&at.key(key), name, None);
            }
        }
    }
    let variance = root.key("variance");
    c.names(&variance.key("probabilities"), study.variance.probabilities.as_ref());
    if let Some(name) = &study.variance.order_by {
        c.name(&variance.key("order-by"), name, None);
    }
    if let Some(replicates) = &study.design.replicates {
        let at = design.key("replicates").key("columns");
        match &replicates.columns {
            Names::One(name) if name.contains('*') => {}
            Names::One(name) => c.name(&at, name, None),
            Names::Many(list) => {
                for (i, name) in list.iter().enumerate().filter(|(_, n)| !n.contains('*')) {
                    c.name(&at.index(i), name, None);
                }
            }
        }
    }
    for (i, step) in study.weighting.iter().enumerate() {
        let at = root.key("weighting").index(i);
        for (key, text) in
            [("responded", &step.responded), ("eligible", &step.eligible), ("known", &step.known)]
        {
            if let Some(text) = text {
                c.expression(&at.key(key), text, None);
            }
        }
        for (key, names) in [
            ("classes", &step.classes),
            ("model", &step.model),
            ("within", &step.within),
            ("eligible-count", &step.eligible_count),
            ("probabilities", &step.probabilities),
            ("outcomes", &step.outcomes),
        ] {
            c.names(&at.key(key), names.as_ref());
        }
        c.names(&at.key("first-phase"), step.first_phase.as_ref());
        match &step.selected_count {
            Some(Count::One(name)) => c.name(&at.key("selected-count"), name, None),
            Some(Count::Many(names)) => {
                for (j, name) in names.iter().enumerate() {
                    c.name(&at.key("selected-count").index(j), name, None);
                }
            }
            Some(Count::Number(_)) | None => {}
        }
        for (key, limit) in [("lower", &step.lower), ("upper", &step.upper)] {
            if let Some(Limit::From(rule)) = limit {
                c.names(&at.key(key).key("mse"), rule.mse.as_ref());
            }
        }
        if let Some(name) = &step.constant_within {
            c.name(&at.key("constant-within"), name, None);
        }
        if let Some(samples) = &step.samples {
            let at = at.key("samples");
            c.name(&at.key("variable"), &samples.variable, None);
            for (sample, column) in &samples.probabilities.0 {
                c.name(&at.key("probabilities").key(sample.as_str()), column, None);
            }
            for (sample, text) in samples.frames.0.iter().filter(|(_, t)| t != EVERY_ROW) {
                c.expression(&at.key("frames").key(sample.as_str()), text, None);
            }
            c.names(&at.key("by"), samples.by.as_ref());
            if let Some(outcome) = &samples.outcome {
                c.name(&at.key("outcome"), outcome, None);
            }
        }
        for (j, margin) in step.margin.iter().enumerate() {
            let here = at.key("margin").index(j);
            c.names(&here.key("by"), margin.by.as_ref());
            if let Some(of) = &margin.of {
                c.name(&here.key("of"), of, None);
            }
        }
        for (key, pairs) in [("totals", &step.totals), ("means", &step.means)] {
            for (name, _) in &pairs.0 {
                let place = c.work.places.key(&at.key(key).key(name));
                c.mentions.push(Mention { name: name.clone(), place, derived_before: None });
            }
        }
        if let Some(name) = &step.scale {
            c.name(&at.key("scale"), name, None);
        }
        for (key, pair) in
            [("bounds-by", &step.bounds_by), ("weight-bounds-by", &step.weight_bounds_by)]
        {
            for (j, name) in pair.iter().flatten().enumerate() {
                c.name(&at.key(key).index(j), name, None);
            }
        }
    }
    for (i, estimate) in study.estimate.iter().enumerate() {
        let at = root.key("estimate").index(i);
        for (key, names) in [
            ("mean", &estimate.mean),
            ("total", &estimate.total),
            ("proportion", &estimate.proportion),
            ("by", &estimate.by),
            ("outcome-model", &estimate.outcome_model),
        ] {
            c.names(&at.key(key), names.as_ref());
        }
        if let Some(ratio) = &estimate.ratio {
            c.name(&at.key("ratio").key("numerator"), &ratio.numerator, None);
            c.name(&at.key("ratio").key("denominator"), &ratio.denominator, None);
        }
        if let Some(quantile) = &estimate.quantile {
            c.name(&at.key("quantile").key("of"), &quantile.of, None);
        }
        if let Some(standardize) = &estimate.standardize {
            c.name(&at.key("standardize").key("by"), &standardize.by, None);
        }
        if let Some(population) = &estimate.population {
            c.expression(&at.key("where"), population, None);
        }
    }
    for (i, test) in study.test.iter().enumerate() {
        let at = root.key("test").index(i);
        for (key, names) in
            [("independence", &test.independence), ("mean", &test.mean), ("rank", &test.rank)]
        {
            c.names(&at.key(key), names.as_ref());
        }
        for (key, name) in [("by", &test.by), ("paired-with", &test.paired_with)] {
            if let Some(name) = name {
                c.name(&at.key(key), name, None);
            }
        }
        if let Some(population) = &test.population {
            c.expression(&at.key("where"), population, None);
        }
    }
    let report = root.key("report");
    c.names(&report.key("keep"), study.report.keep.as_ref());
    c.names(&report.key("case"), study.report.case.as_ref());
    for (i, names) in study.report.groups.iter().flatten().enumerate() {
        c.names(&report.key("groups").index(i), Some(names));
    }
}

/// The columns an expression names; none if it can't be read.
pub(super) fn of_text(text: &str) -> Vec<String> {
    let parsed = Expression::parse(text).ok();
    parsed.map_or_else(Vec::new, |e| e.columns().into_iter().map(|m| m.name).collect())
}

/// The columns a derivation is made from.
pub(super) fn of_derivation(study: &Study, i: usize) -> Vec<String> {
    let Some(derive) = study.derive.get(i) else { return Vec::new() };
    let mut names: Vec<String> = derive.from.iter().cloned().collect();
    let lists = [&derive.parents_uk_born, &derive.grandparents_uk_born];
    let texts = derive
        .cases
        .iter()
        .flatten()
        .map(|case| &case.when)
        .chain(&derive.value)
        .chain(&derive.uk_born)
        .chain(lists.into_iter().flatten().flatten());
    texts.for_each(|text| names.extend(of_text(text)));
    names
}

/// The file's columns that a study needs.
pub(super) fn needed(work: &mut Work<'_>, file: &[String], more: &[String]) -> Vec<String> {
    let study = work.study;
    let mut collector = Collector { work, mentions: Vec::new() };
    collect(study, &mut collector);
    let named: BTreeSet<String> = collector.mentions.into_iter().map(|m| m.name).collect();
    file.iter().filter(|n| named.contains(*n) || more.contains(n)).cloned().collect()
}
