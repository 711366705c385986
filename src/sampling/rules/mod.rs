//! Rules that a design file keeps and that need no frame to check.

mod figures;
mod sample;

use crate::diagnostic::{Diagnostic, nearest};
use crate::toml_file::rules::Rules;
use crate::toml_file::{KeyPath, Names, Places};

use super::resolve::resolve;
use super::spec::{Analysis, Comparison, Design, Group, Plan, Target};

/// All breaches of the rules; `bad` are the paths whose structure is broken.
pub(super) fn check(design: &Design, places: &Places, bad: &[KeyPath]) -> Vec<Diagnostic> {
    let mut rules = Rules::new(places, bad);
    let root = KeyPath::root();
    rules.filled(&root.key("title"), Some(&design.title));
    let names = |list: &str, names: Vec<String>| -> Vec<(KeyPath, String)> {
        let list = root.key(list);
        names.into_iter().enumerate().map(|(i, n)| (list.index(i).key("name"), n)).collect()
    };
    let all = [
        ("the group", names("group", design.group.iter().map(|g| g.name.clone()).collect())),
        ("the frame", names("frame", design.frame.iter().map(|f| f.name.clone()).collect())),
        ("the sample", names("sample", design.sample.iter().map(|s| s.name.clone()).collect())),
    ];
    for (what, names) in &all {
        for (path, name) in names {
            rules.filled(path, Some(name));
        }
        rules.unique(what, names.iter().map(|(path, name)| (path.clone(), name.as_str())));
    }
    if design.sample.is_empty() && rules.sound(&root.key("sample")) {
        let help = "add a table `[[sample]]` with a `name` and its `[[sample.stage]]`";
        rules.error(&root.key("sample"), "the design has no sample", "no samples", help);
    }
    for (i, group) in design.group.iter().enumerate() {
        a_group(group, &mut rules, &root.key("group").index(i));
    }
    for (i, given) in design.sample.iter().enumerate() {
        sample::check(design, i, given, &mut rules, &root.key("sample").index(i));
    }
    resolve(design, &mut rules);
    figures::check(design, &mut rules);
    plan(design, &design.plan, &mut rules, &root.key("plan"));
    if let Some(analysis) = &design.analysis {
        analysed(design, analysis, &mut rules, &root.key("analysis"));
    }
    rules.found
}

fn a_group(group: &Group, rules: &mut Rules<'_>, path: &KeyPath) {
    if group.count.is_some() && !group.share.0.is_empty() {
        rules.error_at_key(
            &path.key("share"),
            format!("the group `{}` has both `count` and `share`", group.name),
            "in place of `count`",
            "keep `count` if the frame has its people by area, else `share`",
        );
    }
    if group.name == "others" {
        let help = "choose another name: `others` stands for everybody not named";
        rules.error(&path.key("name"), "a group cannot be called `others`", "has a meaning", help);
    }
}

fn known(rules: &mut Rules<'_>, path: &KeyPath, names: Option<&Names>, what: &str, all: &[&str]) {
    let Some(names) = names else { return };
    let one = matches!(names, Names::One(_));
    for (i, name) in names.list().into_iter().enumerate() {
        if all.contains(&name) {
            continue;
        }
        let path = if one { path.clone() } else { path.index(i) };
        let help = match nearest(name, all.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if all.is_empty() => format!("the file names no {what} yet: add `[[{what}]]`"),
            None => format!("the file has {}", all.join(", ")),
        };
        rules.error(&path, format!("there is no {what} `{name}`"), "not in this file", &help);
    }
}

fn plan(design: &Design, plan: &Plan, rules: &mut Rules<'_>, path: &KeyPath) {
    let groups: Vec<&str> = design.group.iter().map(|g| g.name.as_str()).collect();
    let samples: Vec<&str> = design.sample.iter().map(|s| s.name.as_str()).collect();
    rules.confidence(&path.key("confidence"), plan.confidence);
    for (i, target) in plan.target.iter().enumerate() {
        let path = path.key("target").index(i);
        known(rules, &path.key("group"), target.group.as_ref(), "group", &groups);
        crossing(design, target.group.as_ref(), rules, &path.key("group"));
        one_measure(target, rules, &path);
    }
    for (i, compare) in plan.compare.iter().enumerate() {
        let path = path.key("compare").index(i);
        known(rules, &path.key("group"), Some(&compare.group), "group", &groups);
        known(rules, &path.key("with"), compare.with.as_ref(), "group", &groups);
        crossing(design, Some(&compare.group), rules, &path.key("group"));
        crossing(design, compare.with.as_ref(), rules, &path.key("with"));
        chances(compare, rules, &path);
    }
    for (i, vary) in plan.vary.iter().enumerate() {
        let path = path.key("vary").index(i);
        known(
            rules,
            &path.key("sample"),
            Some(&Names::One(vary.sample.clone())),
            "sample",
            &samples,
        );
        if let (Some(least), Some(most)) = (vary.least, vary.most)
            && least > most
        {
            let message = format!("`least` ({least}) is more than `most` ({most})");
            rules.error(&path.key("least"), message, "more than `most`", "exchange the two");
        }
    }
}

/// Groups that are crossed are of different classes.
fn crossing(design: &Design, names: Option<&Names>, rules: &mut Rules<'_>, path: &KeyPath) {
    let Some(names) = names else { return };
    let class = |name: &str| {
        let group = design.group.iter().find(|g| g.name == name)?;
        Some(group.class.clone().unwrap_or_else(|| group.name.clone()))
    };
    let names = names.list();
    for (i, name) in names.iter().enumerate() {
        let own = class(name);
        let same = names[..i].iter().find(|before| own.is_some() && class(before) == own);
        if let Some(before) = same {
            rules.error(
                &path.index(i),
                format!("`{before}` and `{name}` are groups of one class: nobody is in both"),
                "of the same class",
                "cross groups of different classes, or write a target for each",
            );
        }
    }
}

fn one_measure(target: &Target, rules: &mut Rules<'_>, path: &KeyPath) {
    let given: Vec<&str> = [
        ("half-width", target.half_width.is_some()),
        ("cv", target.cv.is_some()),
        ("n-effective", target.n_effective.is_some()),
        ("n", target.n.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
    .collect();
    match given.as_slice() {
        [] if rules.sound(path) => rules.error(
            path,
            "the target does not say how precisely the domain is to be known",
            "no measure",
            "add one of `half-width`, `cv`, `n-effective` and `n`",
        ),
        [first, second, ..] => rules.error_at_key(
            &path.key(*second),
            format!("the target has both `{first}` and `{second}`"),
            "a second measure",
            "keep one; write a second `[[plan.target]]` for the other",
        ),
        _ => {}
    }
}

fn chances(compare: &Comparison, rules: &mut Rules<'_>, path: &KeyPath) {
    for (key, chance) in [("power", compare.power), ("alpha", compare.alpha)] {
        if let Some(chance) = chance.filter(|c| *c <= 0.0 || *c >= 1.0) {
            rules.error(
                &path.key(key),
                format!("`{key}` is a probability between 0 and 1, it cannot be {chance}"),
                "not between 0 and 1",
                "write 0.8 for a power of 80 %, and 0.05 for a test at 5 %",
            );
        }
    }
}

fn analysed(design: &Design, analysis: &Analysis, rules: &mut Rules<'_>, path: &KeyPath) {
    let samples: Vec<&str> = design.sample.iter().map(|s| s.name.as_str()).collect();
    rules.names(&path.key("strata"), analysis.strata.as_ref());
    rules.names(&path.key("clusters"), analysis.clusters.as_ref());
    for (i, weight) in analysis.weight.iter().enumerate() {
        let path = path.key("weight").index(i);
        rules.filled(&path.key("name"), Some(&weight.name));
        known(rules, &path.key("samples"), weight.samples.as_ref(), "sample", &samples);
        for (k, wave) in weight.waves.iter().enumerate() {
            if !analysis.waves.contains(wave) {
                let help = match nearest(wave, analysis.waves.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "add it to `waves` of `[analysis]`".to_string(),
                };
                let message = format!("there is no wave `{wave}`");
                rules.error(&path.key("waves").index(k), message, "not in `waves`", &help);
            }
        }
    }
}
