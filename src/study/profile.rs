//! `[design] use = "…"`: names of strata, PSUs, weights and missing codes from the analysis
//! profile of a ready design.

use crate::data::Table;
use crate::diagnostic::{Diagnostic, nearest};
use crate::sampling::spec::{Analysis, ProfileWeight};
use crate::sampling::{self, READY};
use crate::toml_file::{KeyPath, Names, Places, Scalar};

use super::spec::Study;

/// What the data are held against once they are read: whether the weight covers all rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// The variable of sample origin.
    pub origin: String,
    /// Its values with the sample they stand for, and whether the weight covers that sample.
    pub codes: Vec<(Scalar, String, bool)>,
}

/// Fills in what the study leaves to the design that it uses.
pub(super) fn apply(study: &mut Study, places: &Places, bad: &[KeyPath]) -> Vec<Diagnostic> {
    let path = KeyPath::root().key("design");
    let mut found = Vec::new();
    let mut error = |key: &str, message: String, help: String| {
        let at = path.key(key);
        if !bad.iter().any(|b| b.is_within(&at) || at.is_within(b)) {
            let place = Some(places.value(&at));
            found.push(Diagnostic::error(message).at(place).help(help));
        }
    };
    let Some(name) = study.design.profile.clone() else {
        if study.design.wave.is_some() {
            let help = "add `use = \"…\"` with the name of a ready design, or take `wave` out";
            error("wave", "`wave` goes with `use`".into(), help.into());
        }
        return found;
    };
    let Some(text) = sampling::ready(&name) else {
        let names = READY.iter().map(|(known, _)| *known);
        let help = match nearest(&name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("ready designs are {}", names.collect::<Vec<_>>().join(", ")),
        };
        error("use", format!("there is no ready design `{name}`"), help);
        return found;
    };
    let Ok(loaded) = sampling::from_text(&name, text, &[]) else {
        error(
            "use",
            format!("the ready design `{name}` cannot be read"),
            "please report it".into(),
        );
        return found;
    };
    let spec = &loaded.design.spec;
    let Some(analysis) = &spec.analysis else {
        let help = "name `weight`, `strata` and `clusters` here; not every design says what its data \
                    are called";
        error("use", format!("the design `{name}` has no analysis profile"), help.into());
        return found;
    };
    let wave = study.design.wave.clone();
    if let Some(wave) = &wave
        && !analysis.waves.contains(wave)
    {
        let help = if analysis.waves.is_empty() {
            "take `wave` out: the design has no waves".to_string()
        } else {
            let others = READY.iter().filter(|(other, _)| has_wave(other, &name, wave));
            let others: Vec<String> = others.map(|(o, _)| format!("`{o}` has it")).collect();
            let own = format!("its waves are {}", analysis.waves.join(", "));
            [vec![own], others].concat().join("; ")
        };
        error("wave", format!("the design `{name}` has no wave `{wave}`"), help);
        return found;
    }
    // Without a wave names are taken as they stand: a file whose prefixes have been taken off.
    let prefix = match (&analysis.prefix, &wave) {
        (Some(prefix), Some(wave)) => prefix.replace("{wave}", wave),
        _ => String::new(),
    };
    let weight = match weight(study, analysis, wave.as_deref(), &prefix) {
        Ok(weight) => weight,
        Err(help) => {
            let message = format!("the design `{name}` has several weights: which one?");
            error("use", message, help);
            return found;
        }
    };
    let design = &mut study.design;
    let named = |names: &Names| match names {
        Names::One(name) => Names::One(format!("{prefix}{name}")),
        Names::Many(names) => Names::Many(names.iter().map(|n| format!("{prefix}{n}")).collect()),
    };
    if design.replicates.is_none() {
        if design.strata.is_none() {
            design.strata = analysis.strata.as_ref().map(named);
        }
        if design.clusters.is_none() {
            design.clusters = analysis.clusters.as_ref().map(named);
            design.nested |= analysis.nested;
        }
        if design.lonely_psu.is_none() {
            design.lonely_psu = analysis.lonely_psu;
        }
    }
    if let Some(weight) = weight {
        if design.weight.is_none() && design.probabilities.is_none() {
            design.weight = Some(format!("{prefix}{}", weight.name));
        }
        if let (Some(origin), Some(samples)) = (&analysis.origin, &weight.samples) {
            let covered = samples.list();
            let mut codes: Vec<(Scalar, String, bool)> = Vec::new();
            for sample in &spec.sample {
                let own = covered.contains(&sample.name.as_str());
                let label = sample.label.clone().unwrap_or_else(|| sample.name.clone());
                for code in &sample.origin {
                    // Two samples of one code: the rows may be of either.
                    match codes.iter_mut().find(|(known, _, _)| known == code) {
                        Some((_, _, covers)) => *covers |= own,
                        None => codes.push((code.clone(), label.clone(), own)),
                    }
                }
            }
            design.covered = Some(Profile { origin: format!("{prefix}{origin}"), codes });
        }
    }
    if study.data.missing_codes.is_empty() {
        study.data.missing_codes = analysis.missing.iter().map(|m| m.code).collect();
    }
    found
}

/// True when another ready design has the wave and a name that begins alike.
fn has_wave(other: &str, name: &str, wave: &str) -> bool {
    let stem = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_string();
    let text = sampling::ready(other).filter(|_| other != name && stem(other) == stem(name));
    let loaded = text.and_then(|text| sampling::from_text(other, text, &[]).ok());
    let analysis = loaded.and_then(|l| l.design.spec.analysis);
    analysis.is_some_and(|a| a.waves.iter().any(|w| w == wave))
}

/// The weight the study names, else the first of the wave; an error with the choices where no
/// wave says which.
fn weight<'a>(
    study: &Study,
    analysis: &'a Analysis,
    wave: Option<&str>,
    prefix: &str,
) -> Result<Option<&'a ProfileWeight>, String> {
    if let Some(given) = &study.design.weight {
        let own = given.strip_prefix(prefix).unwrap_or(given);
        return Ok(analysis.weight.iter().find(|w| w.name == own));
    }
    if study.design.probabilities.is_some() {
        return Ok(None);
    }
    let of_wave = |w: &&ProfileWeight| {
        w.waves.is_empty() || wave.is_some_and(|wave| w.waves.iter().any(|x| x == wave))
    };
    match wave {
        // The weights of the wave come first, in the order of the design.
        Some(_) => Ok(analysis
            .weight
            .iter()
            .find(|w| !w.waves.is_empty() && of_wave(w))
            .or_else(|| analysis.weight.iter().find(of_wave))),
        None if analysis.weight.len() > 1 => {
            let names: Vec<&str> = analysis.weight.iter().map(|w| w.name.as_str()).collect();
            let which = if analysis.waves.is_empty() {
                String::new()
            } else {
                format!("add `wave = \"…\"` ({}), or ", analysis.waves.join(", "))
            };
            Err(format!("{which}write `weight = \"…\"`: {}", names.join(", ")))
        }
        None => Ok(analysis.weight.first()),
    }
}

/// Rows of samples that the weight does not cover: what to tell, if there are any.
pub(super) fn not_covered(
    profile: &Profile,
    table: &Table,
    weight: Option<&str>,
) -> Option<String> {
    let column = table.column(&profile.origin)?;
    let factor = column.as_factor();
    let mut counts = vec![0_usize; factor.levels.len()];
    for row in 0..table.rows() {
        if let Some(count) = counts.get_mut(factor.codes.get(row) as usize) {
            *count += 1;
        }
    }
    let mut parts = Vec::new();
    let mut total = 0;
    for (code, sample, covered) in &profile.codes {
        let text = match code {
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(text) => text.clone(),
        };
        let level = factor.levels.iter().position(|level| level.value == text);
        let count = level.map_or(0, |level| counts[level]);
        if count > 0 && !covered {
            total += count;
            parts.push(format!("{count} with {} = {text} ({sample})", profile.origin));
        }
    }
    let weight = weight.unwrap_or("the weight");
    (total > 0).then(|| {
        format!("`{weight}` does not cover {total} rows of other samples: {}", parts.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::super::from_text;
    use super::*;
    use crate::data::Column;

    fn study(design: &str) -> String {
        format!(
            "title = \"T\"\n[data]\nfile = \"d.csv\"\n[design]\n{design}\n[[estimate]]\nmean = \"y\"\n"
        )
    }

    #[test]
    fn names_come_from_the_design() {
        let text = study("use = \"understanding-society-2009\"\nwave = \"b\"");
        let loaded = from_text("s.toml", &text).expect("no mistakes");
        assert!(loaded.warnings.0.is_empty(), "{}", loaded.warnings);
        let design = &loaded.study.design;
        assert_eq!(design.weight.as_deref(), Some("b_indinub_xw"));
        assert_eq!(design.strata, Some(Names::One("b_strata".into())));
        assert_eq!(design.clusters, Some(Names::One("b_psu".into())));
        assert_eq!(loaded.study.data.missing_codes, [-1.0, -2.0, -7.0, -8.0, -9.0]);
        // What the study says goes before the design.
        let text = study(
            "use = \"understanding-society-2009\"\nwave = \"a\"\nweight = \"w\"\nstrata = \"s\"",
        );
        let design = from_text("s.toml", &text).expect("no mistakes").study.design;
        assert_eq!(design.weight.as_deref(), Some("w"));
        assert_eq!(design.strata, Some(Names::One("s".into())));
    }

    #[test]
    fn mistakes_say_what_there_is() {
        let found =
            |design: &str| from_text("s.toml", &study(design)).expect_err("a mistake").to_string();
        let text = found("use = \"understanding-society-2008\"");
        assert!(text.contains("did you mean `understanding-society-2009`?"), "{text}");
        let text = found("use = \"understanding-society-2009\"\nwave = \"g\"");
        assert!(
            text.contains("has no wave `g`")
                && text.contains("`understanding-society-2014` has it"),
            "{text}"
        );
        let text = found("use = \"understanding-society-2009\"");
        assert!(text.contains("which one?") && text.contains("indinus_xw"), "{text}");
        let text = found("weight = \"w\"\nwave = \"a\"");
        assert!(text.contains("`wave` goes with `use`"), "{text}");
        let text = found("use = \"national-survey-wales\"");
        assert!(text.contains("no analysis profile"), "{text}");
    }

    #[test]
    fn rows_of_other_samples_are_counted() {
        let text = study("use = \"understanding-society-2009\"\nwave = \"a\"");
        let loaded = from_text("s.toml", &text).expect("no mistakes");
        let profile = loaded.study.design.covered.expect("a profile");
        let origin = |codes: Vec<f64>| {
            Table::new(vec![Column::numbers("a_memorig", codes)]).expect("a table")
        };
        let table = origin(vec![1.0, 2.0, 7.0, 3.0, 3.0, 8.0]);
        let told = not_covered(&profile, &table, Some("a_indinus_xw")).expect("not covered");
        assert!(told.contains("`a_indinus_xw` does not cover 2 rows"), "{told}");
        assert!(told.contains("a_memorig = 3 (British Household Panel Survey)"), "{told}");
        assert_eq!(not_covered(&profile, &origin(vec![1.0, 7.0]), None), None);
    }
}
