//! Rules for samples and their stages.

use crate::sampling::spec::{Allocation, Design, Method, Sample, Stage, Stratum};
use crate::toml_file::KeyPath;
use crate::toml_file::rules::Rules;

pub(super) fn check(
    design: &Design,
    index: usize,
    sample: &Sample,
    rules: &mut Rules<'_>,
    path: &KeyPath,
) {
    dates(sample, rules, path);
    if sample.stage.is_empty() && rules.sound(&path.key("stage")) {
        rules.error(
            path,
            format!("the sample `{}` has no stage", sample.name),
            "no stages",
            "add `[[sample.stage]]` with a `unit` and one of `take`, `rate`, `most` and `all`",
        );
    }
    if sample.excluded.is_some() && sample.part.is_none() {
        rules.error_at_key(
            &path.key("excluded"),
            "`excluded` says why areas are left out, but there is no `where`".to_string(),
            "nothing is left out",
            "add `where = \"…\"`, the condition for the areas that stay",
        );
    }
    for (key, other) in [("psus-of", &sample.psus_of), ("part-of", &sample.part_of)] {
        let Some(other) = other else { continue };
        let before = design.sample[..index].iter().any(|s| &s.name == other);
        if !before && design.sample.iter().any(|s| &s.name == other) {
            rules.error(
                &path.key(key),
                format!("the sample `{other}` does not come before `{}`", sample.name),
                "comes later",
                "move that sample before this one",
            );
        }
    }
    for (i, stage) in sample.stage.iter().enumerate() {
        let path = path.key("stage").index(i);
        let reused = i == 0 && sample.psus_of.is_some();
        amounts(stage, reused, rules, &path);
        methods(stage, rules, &path);
    }
    for (i, published) in sample.published.iter().enumerate() {
        let path = path.key("published").index(i);
        let units: Vec<&str> = sample.stage.iter().map(|s| s.unit.as_str()).collect();
        if !units.contains(&published.unit.as_str()) {
            rules.error(
                &path.key("unit"),
                format!("no stage of `{}` draws the unit `{}`", sample.name, published.unit),
                "not a unit of the sample",
                &format!("its units are {}", units.join(", ")),
            );
        }
    }
}

fn dates(sample: &Sample, rules: &mut Rules<'_>, path: &KeyPath) {
    for (key, date) in [("from", &sample.from), ("to", &sample.to)] {
        let Some(date) = date else { continue };
        if !is_date(date) {
            rules.error(
                &path.key(key),
                format!("{date:?} is not a date"),
                "not a year, month or day",
                "write \"2009\", \"2009-01\" or \"2009-01-08\"",
            );
        }
    }
    if let (Some(from), Some(to)) = (&sample.from, &sample.to)
        && is_date(from)
        && is_date(to)
        && to.get(..from.len().min(to.len())) < from.get(..from.len().min(to.len()))
    {
        let message = format!("fieldwork ends ({to}) before it begins ({from})");
        rules.error(&path.key("to"), message, "before `from`", "exchange the two");
    }
}

/// A year, a month or a day, as in ISO 8601.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, digits: usize, most: u32| {
        part.len() == digits
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u32>().is_ok_and(|n| n >= 1 && n <= most)
    };
    match parts.as_slice() {
        [year] => number(year, 4, 9999),
        [year, month] => number(year, 4, 9999) && number(month, 2, 12),
        [year, month, day] => number(year, 4, 9999) && number(month, 2, 12) && number(day, 2, 31),
        _ => false,
    }
}

/// One of `take`, `rate`, `most` and `all`, for the stage or for every stratum.
fn amounts(stage: &Stage, reused: bool, rules: &mut Rules<'_>, path: &KeyPath) {
    let given = |take: bool, rate: bool, most: bool, all: bool| -> Vec<&'static str> {
        [("take", take), ("rate", rate), ("most", most), ("all", all)]
            .into_iter()
            .filter_map(|(key, given)| given.then_some(key))
            .collect()
    };
    let own = given(stage.take.is_some(), stage.rate.is_some(), stage.most.is_some(), stage.all);
    let of = |s: &Stratum| given(s.take.is_some(), s.rate.is_some(), s.most.is_some(), s.all);
    let mut twice = |keys: &[&str], path: &KeyPath| {
        if let [first, second, ..] = keys {
            rules.error_at_key(
                &path.key(*second),
                format!("both `{first}` and `{second}` say how many units are drawn"),
                "a second way",
                "keep exactly one of `take`, `rate`, `most` and `all`",
            );
        }
    };
    twice(&own, path);
    for (i, stratum) in stage.stratum.iter().enumerate() {
        twice(&of(stratum), &path.key("stratum").index(i));
    }
    if own.is_empty() && !reused {
        for (i, stratum) in stage.stratum.iter().enumerate() {
            let path = path.key("stratum").index(i);
            if of(stratum).is_empty() && rules.sound(&path) {
                rules.error(
                    &path,
                    format!(
                        "nothing says how many units of the stratum `{}` are drawn",
                        stratum.name
                    ),
                    "no `take`, `rate`, `most` or `all`",
                    "add one of `take`, `rate`, `most` and `all`, here or to the stage",
                );
            }
        }
        if stage.stratum.is_empty() && rules.sound(path) {
            rules.error(
                path,
                format!("nothing says how many units ({}) are drawn", stage.unit),
                "no `take`, `rate`, `most` or `all`",
                "add one of `take`, `rate`, `most` and `all`",
            );
        }
    }
    let last = stage.stratum.len().saturating_sub(1);
    for (i, stratum) in stage.stratum.iter().enumerate() {
        let path = path.key("stratum").index(i);
        rules.filled(&path.key("name"), Some(&stratum.name));
        if stratum.part.is_none() && i < last {
            rules.warning(
                &path,
                format!("the stratum `{}` takes all units that are left", stratum.name),
                "no `where`",
                "add `where = \"…\"`, or move it to the end: later strata get no units",
            );
        }
    }
    let list = path.key("stratum");
    let names = stage.stratum.iter().enumerate();
    rules.unique(
        "the stratum",
        names
            .map(|(i, s)| (list.index(i).key("name"), s.name.as_str()))
            .collect::<Vec<_>>()
            .into_iter(),
    );
}

fn is_pps(method: Method) -> bool {
    !matches!(method, Method::SimpleRandom | Method::Systematic | Method::Bernoulli | Method::Cube)
}

fn methods(stage: &Stage, rules: &mut Rules<'_>, path: &KeyPath) {
    rules.filled(&path.key("unit"), Some(&stage.unit));
    rules.names(&path.key("strata"), stage.strata.as_ref());
    rules.names(&path.key("sort"), stage.sort.as_ref());
    rules.names(&path.key("balance"), stage.balance.as_ref());
    let help = "add `size = \"…\"`, the column or formula for the measure of size";
    if let Some(method) = stage.method.filter(|m| is_pps(*m) && stage.size.is_none()) {
        let message = format!("the method {} needs a measure of size", word(method));
        rules.error(&path.key("method"), message, "`size` is missing", help);
    }
    for (i, stratum) in stage.stratum.iter().enumerate() {
        let sized = stage.size.is_some() || stratum.size.is_some();
        if let Some(method) = stratum.method.filter(|m| is_pps(*m) && !sized) {
            let path = path.key("stratum").index(i).key("method");
            let message = format!("the method {} needs a measure of size", word(method));
            rules.error(&path, message, "`size` is missing", help);
        }
    }
    if stage.method == Some(Method::Cube) && stage.balance.is_none() {
        rules.error(
            &path.key("method"),
            "the method \"cube\" needs variables to balance on",
            "`balance` is missing",
            "add `balance = [\"…\"]` with columns of the frame",
        );
    }
    if stage.method != Some(Method::Cube) && stage.balance.is_some() {
        rules.no_meaning(path, &["balance"], "goes with the method \"cube\" only", "take it out");
    }
    let systematic = match stage.method {
        None => stage.size.is_some(),
        Some(method) => matches!(method, Method::Systematic | Method::PpsSystematic),
    };
    if !systematic && (stage.sort.is_some() || stage.serpentine) {
        let path = path.key(if stage.sort.is_some() { "sort" } else { "serpentine" });
        rules.warning(
            &path,
            "an order does nothing unless the units are drawn systematically",
            "is for systematic samples",
            "write `method = \"systematic\"` or `method = \"pps-systematic\"`, or take it out",
        );
    }
    if stage.allocation.is_some() && (stage.strata.is_none() || stage.take.is_none()) {
        let path = path.key("allocation");
        rules.warning(
            &path,
            "`allocation` shares a `take` out among `strata`, and does nothing here",
            "needs `strata` and `take`",
            "take it out, or name the strata",
        );
    }
    let neyman = stage.allocation == Some(Allocation::Neyman);
    if neyman && stage.spread.is_none() {
        rules.error(
            &path.key("allocation"),
            "Neyman's allocation rests on how much an outcome varies within strata",
            "`spread` is missing",
            "add `spread = \"…\"`, a column of the frame that varies like the outcome, or give each \
             stratum its own `take`",
        );
    }
    if !neyman {
        let help = "write `allocation = \"neyman\"`, or take it out";
        rules.no_meaning(path, &["spread"], "is for Neyman's allocation", help);
    }
    if stage.excluded.is_some() && stage.part.is_none() {
        rules.error_at_key(
            &path.key("excluded"),
            "`excluded` says why units are left out, but there is no `where`".to_string(),
            "nothing is left out",
            "add `where = \"…\"`, the condition for the units that stay",
        );
    }
}

/// The method as the file writes it.
fn word(method: Method) -> String {
    serde_json::to_string(&method).unwrap_or_default()
}
