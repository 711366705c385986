//! Rules that a population file keeps and that need no areas to check.

use super::spec::{Attribute, Kind, Of, Outcome, Population, Shares};
use crate::data::expr::Expression;
use crate::diagnostic::{Diagnostic, nearest};
use crate::toml_file::rules::Rules;
use crate::toml_file::{KeyPath, Pairs, Places};

/// People that may be made.
pub(super) const MOST: f64 = 2e8;

/// All breaches of the rules.
pub(super) fn check(given: &Population, places: &Places, bad: &[KeyPath]) -> Vec<Diagnostic> {
    let mut rules = Rules::new(places, bad);
    let root = KeyPath::root();
    rules.filled(&root.key("title"), Some(&given.title));
    areas(given, &mut rules, &root.key("areas"));
    let sizes = root.key("household-sizes");
    let sum: f64 = given.household_sizes.iter().sum();
    let wrong = given.household_sizes.iter().any(|s| !(*s >= 0.0 && s.is_finite()));
    if wrong || !(sum > 0.0 && sum.is_finite()) {
        let help =
            "give the shares of households with 1, 2, 3, … people, such as [0.3, 0.4, 0.2, 0.1]";
        rules.error(
            &sizes,
            "household sizes need shares of zero or more, not all zero",
            "here",
            help,
        );
    }
    let list = |key: &str| root.key(key);
    let names: Vec<(KeyPath, &str)> = given
        .attribute
        .iter()
        .enumerate()
        .map(|(i, a)| (list("attribute").index(i).key("name"), a.name.as_str()))
        .chain(
            given
                .outcome
                .iter()
                .enumerate()
                .map(|(i, o)| (list("outcome").index(i).key("name"), o.name.as_str())),
        )
        .chain(
            given
                .share
                .iter()
                .enumerate()
                .map(|(i, s)| (list("share").index(i).key("name"), s.name.as_str())),
        )
        .collect();
    let own =
        [given.areas.id.as_deref().unwrap_or("area"), "household", "person", "households_in_area"];
    for (path, name) in &names {
        rules.filled(path, Some(name));
        if own.contains(name) {
            let message = format!("`{name}` is a column that every population has");
            rules.error(path, message, "taken", "choose another name");
        }
    }
    rules.unique("the column", names.iter().map(|(p, n)| (p.clone(), *n)));
    for (i, attribute) in given.attribute.iter().enumerate() {
        an_attribute(given, i, attribute, &mut rules, &list("attribute").index(i));
    }
    for (i, outcome) in given.outcome.iter().enumerate() {
        an_outcome(given, outcome, &mut rules, &list("outcome").index(i));
    }
    for (i, share) in given.share.iter().enumerate() {
        let path = list("share").index(i).key("where");
        if let Err(error) = Expression::parse(&share.part) {
            let place = rules.places.within(&path, error.span.clone());
            rules.error_within(&path, place, error.to_string(), error.help());
        }
    }
    for (i, margin) in given.margin.iter().enumerate() {
        rules.names(&list("margin").index(i).key("by"), Some(&margin.by));
    }
    rules.found
}

fn areas(given: &Population, rules: &mut Rules<'_>, path: &KeyPath) {
    use super::spec::Households;
    let areas = &given.areas;
    if areas.number.is_some() == areas.file.is_some() {
        let help = "give `number = 400`, or `file` with one row per area";
        rules.error(path, "areas need a `number` or a `file`, and not both", "here", help);
    }
    if let Some(number) = areas.number.filter(|n| !(1.0..=1e7).contains(n) || n.fract() != 0.0) {
        let message = format!("the number of areas is {number}");
        rules.error(
            &path.key("number"),
            message,
            "not a whole number from 1 to 10 million",
            "give a whole number, such as `number = 400`",
        );
    }
    let bad = match &areas.households {
        Households::Number(n) => !(1.0..=1e7).contains(n),
        Households::Between([low, high]) => {
            !(1.0..=1e7).contains(low) || !(*low..=1e7).contains(high)
        }
        Households::Column(_) => {
            if areas.file.is_none() {
                let help = "give a number, such as 250, or two, such as [150, 350]";
                let path = path.key("households");
                rules.error(&path, "without `file` there are no columns", "a column", help);
            }
            false
        }
    };
    if bad {
        let help = "give a number, such as 250, or a least and a largest one, such as [150, 350]";
        rules.error(
            &path.key("households"),
            "the households of an area are at least 1",
            "here",
            help,
        );
    }
    let most = match &areas.households {
        Households::Number(n) => *n,
        Households::Between([_, high]) => *high,
        Households::Column(_) => 0.0,
    };
    let people = areas.number.unwrap_or(0.0) * most * given.household_sizes.len() as f64;
    if people > MOST {
        let message = format!("that may be {people:.0} people, more than {MOST:.0}");
        rules.error(path, message, "too many", "make fewer areas or smaller ones");
    }
}

fn share(rules: &mut Rules<'_>, path: &KeyPath, value: Option<f64>, what: &str) {
    if let Some(value) = value.filter(|v| !(0.0..=1.0).contains(v)) {
        rules.error(
            path,
            format!("{what} is {value}"),
            "not between 0 and 1",
            "write 0.05 for 5 %",
        );
    }
}

fn positive(rules: &mut Rules<'_>, path: &KeyPath, shares: &[(String, f64)]) {
    let wrong = shares.iter().any(|(_, s)| !(*s >= 0.0 && s.is_finite()));
    let sum: f64 = shares.iter().map(|s| s.1).sum();
    if wrong || !(sum > 0.0 && sum.is_finite()) {
        let help = "give each level a share of zero or more; they are scaled to 1";
        rules.error(path, "shares are zero or more, and not all zero", "here", help);
    }
}

fn an_attribute(
    given: &Population,
    at: usize,
    attribute: &Attribute,
    rules: &mut Rules<'_>,
    path: &KeyPath,
) {
    let shares = path.key("shares");
    if attribute.shares.0.is_empty() == attribute.columns.0.is_empty() {
        let message = format!("`{}` needs `shares` or `columns`, and not both", attribute.name);
        rules.error(path, message, "here", "give the share of each level");
        return;
    }
    if !attribute.columns.0.is_empty() && given.areas.file.is_none() {
        let help = "name a file of areas, or give `shares`";
        rules.error(&path.key("columns"), "without `file` there are no columns", "columns", help);
    }
    share(rules, &path.key("alike"), attribute.alike, "the share who are alike");
    if let Some(c) = attribute.clustering.filter(|c| c.is_nan() || *c <= 0.0 || *c >= 1.0) {
        let message = format!("the clustering is {c}");
        let help = "a correlation such as 0.1; leave it out for areas that are alike";
        rules.error(&path.key("clustering"), message, "not between 0 and 1", help);
    }
    if attribute.clustering.is_some() && attribute.given.is_some() {
        let help = "cluster the attribute that is `given`";
        let message = "areas do not differ in an attribute with `given`";
        rules.error_at_key(
            &path.key("clustering"),
            message.to_string(),
            "has no meaning here",
            help,
        );
    }
    if attribute.alike.is_some() && attribute.of != Of::Household {
        let help = "write `of = \"household\"`, or take it out";
        rules.error_at_key(
            &path.key("alike"),
            "`alike` is for attributes of households".to_string(),
            "has no meaning here",
            help,
        );
    }
    match &attribute.given {
        None => {
            let plain: Vec<(String, f64)> = attribute
                .shares
                .0
                .iter()
                .filter_map(|(level, s)| match s {
                    Shares::Share(x) => Some((level.clone(), *x)),
                    Shares::Table(_) => None,
                })
                .collect();
            if plain.len() < attribute.shares.0.len() {
                let help = "write `given = \"…\"`, or one share for each level";
                rules.error(&shares, "a table of shares needs `given`", "here", help);
            } else if !plain.is_empty() {
                positive(rules, &shares, &plain);
            }
        }
        Some(name) => {
            let earlier = given.attribute[..at].iter().find(|a| a.name == *name);
            let Some(earlier) = earlier else {
                let known = given.attribute[..at].iter().map(|a| a.name.as_str());
                let help = match nearest(name, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name an attribute that stands before this one".to_string(),
                };
                let message = format!("there is no attribute `{name}` before `{}`", attribute.name);
                rules.error(&path.key("given"), message, "not before this one", &help);
                return;
            };
            if rank(earlier.of) > rank(attribute.of) {
                let message = format!("`{}` belongs to more people than `{name}`", attribute.name);
                let help = "let it belong to each person";
                rules.error(&path.key("given"), message, "differs within it", help);
            }
            for (level, of) in &attribute.shares.0 {
                let at = shares.key(level);
                match of {
                    Shares::Table(table) => positive(rules, &at, &table.0),
                    Shares::Share(_) => {
                        let help = format!("write a table of shares for each level of `{name}`");
                        rules.error(&at, "one share where a table is needed", "here", &help);
                    }
                }
            }
            for level in levels(earlier) {
                if !attribute.shares.0.iter().any(|(l, _)| *l == level) && rules.sound(&shares) {
                    let message =
                        format!("`{}` has no shares for `{level}` of `{name}`", attribute.name);
                    rules.error(&shares, message, "a level is missing", "add a table for it");
                }
            }
        }
    }
}

fn rank(of: Of) -> u8 {
    match of {
        Of::Area => 0,
        Of::Household => 1,
        Of::Person => 2,
    }
}

/// The levels of an attribute, in the order of the file.
pub(super) fn levels(attribute: &Attribute) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |level: &String| {
        if !found.contains(level) {
            found.push(level.clone());
        }
    };
    for (level, shares) in &attribute.shares.0 {
        match shares {
            Shares::Share(_) => add(level),
            Shares::Table(Pairs(table)) => table.iter().for_each(|(l, _)| add(l)),
        }
    }
    attribute.columns.0.iter().for_each(|(level, _)| add(level));
    found
}

fn an_outcome(given: &Population, outcome: &Outcome, rules: &mut Rules<'_>, path: &KeyPath) {
    if outcome.kind == Kind::YesNo {
        share(rules, &path.key("mean"), Some(outcome.mean), "the probability of yes");
        rules.no_meaning(
            path,
            &["sd", "range", "whole"],
            "is for numbers",
            "write `kind = \"number\"`, or take it out",
        );
    } else if !outcome.sd.is_some_and(|s| s > 0.0 && s.is_finite()) {
        let help = "give the standard deviation within a group";
        rules.error(path, format!("`{}` needs an `sd` above zero", outcome.name), "here", help);
    }
    share(rules, &path.key("area"), outcome.area, "the correlation");
    share(rules, &path.key("household"), outcome.household, "the correlation");
    if outcome.area.unwrap_or(0.0) + outcome.household.unwrap_or(0.0) > 1.0 {
        rules.error(path, "`area` and `household` add to more than 1", "here", "make them smaller");
    }
    if let Some([low, high]) = outcome.range
        && low.partial_cmp(&high) != Some(std::cmp::Ordering::Less)
    {
        rules.error(
            &path.key("range"),
            format!("the range is {low} to {high}"),
            "here",
            "least first",
        );
    }
    for (i, effect) in outcome.by.iter().enumerate() {
        let at = path.key("by").index(i);
        let Some(attribute) = given.attribute.iter().find(|a| a.name == effect.attribute) else {
            let known = given.attribute.iter().map(|a| a.name.as_str());
            let help = match nearest(&effect.attribute, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name an attribute of this file".to_string(),
            };
            let message = format!("there is no attribute `{}`", effect.attribute);
            rules.error(&at.key("attribute"), message, "not in this file", &help);
            continue;
        };
        let known = levels(attribute);
        for (key, pairs) in [("mean", &effect.mean), ("add", &effect.add)] {
            for (level, value) in &pairs.0 {
                let place = at.key(key).key(level);
                if !known.contains(level) {
                    let help = match nearest(level, known.iter().map(String::as_str)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("it has {}", known.join(", ")),
                    };
                    let message = format!("`{}` has no level `{level}`", attribute.name);
                    rules.error_at_key(&place, message, "not a level", &help);
                } else if key == "mean" && outcome.kind == Kind::YesNo {
                    share(rules, &place, Some(*value), "the probability of yes");
                }
            }
        }
    }
}
