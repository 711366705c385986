//! Rules for recodes to standard classifications.

use crate::data::schemes::{self, Kind, Scheme, Wording};
use crate::diagnostic::nearest;
use crate::study::places::KeyPath;
use crate::study::spec::Derive;

use super::Rules;

/// Keys that only recodes to standard classifications have.
pub(super) const KEYS: [&str; 4] =
    ["wording", "uk-born", "parents-uk-born", "grandparents-uk-born"];

pub(super) fn check(derive: &Derive, rules: &mut Rules<'_>, path: &KeyPath) {
    let scheme = known(derive.scheme.as_deref(), rules, &path.key("scheme"));
    let to = known(derive.to.as_deref(), rules, &path.key("to"));
    rules.no_meaning(
        path,
        &["levels"],
        "has no meaning beside a standard classification, which has its own order",
        "take it out",
    );
    conditions(derive, rules, path);
    let broken = |name: &Option<String>, found: &Option<Scheme>| name.is_some() && found.is_none();
    if broken(&derive.scheme, &scheme) || broken(&derive.to, &to) {
        return;
    }
    let Some(result) = to.as_ref().or(scheme.as_ref()) else { return };
    let key = if to.is_some() { "to" } else { "scheme" };
    let name = &result.name;
    let of_groups = matches!(result.kind, Kind::Groups { .. });
    if let Some(scheme) = scheme.as_ref().filter(|s| to.is_some() && s.name != *name)
        && !(of_groups && matches!(scheme.kind, Kind::Groups { .. }))
    {
        rules.error(
            &path.key("scheme"),
            format!("`{}` and `{name}` have nothing in common", scheme.name),
            "not of the same kind",
            "take `scheme` out: only groups are recoded from one standard to another",
        );
    }
    match &result.kind {
        Kind::Groups { .. } => {
            needs_from(derive, rules, path, key, "the variable with the groups");
            let why = "is for classifications of migration";
            rules.no_meaning(path, &KEYS[1..], why, "take it out");
            if let Some(wording) = derive.wording
                && !result.has_wording(wording)
            {
                let which = if wording == Wording::Wales { "wales" } else { "census" };
                rules.error(
                    &path.key("wording"),
                    format!("`{name}` has no wording `{which}`"),
                    "only the classifications of a census have it",
                    "take it out; `rakewell schemes` with the name of a classification shows its wordings",
                );
            }
        }
        Kind::Bands { of, .. } => {
            needs_from(derive, rules, path, key, of);
            let why = format!("has no meaning beside `{name}`, which is about numbers");
            let keys = ["map", "wording", "parents-uk-born", "grandparents-uk-born"];
            rules.no_meaning(path, &keys, &why, "take it out");
        }
        Kind::Generation { of, .. } => {
            let why = format!("has no meaning beside `{name}`");
            rules.no_meaning(path, &["map", "wording"], &why, "take it out");
            match of {
                Some(of) => needs_from(derive, rules, path, key, of),
                None => rules.no_meaning(path, &["from"], &why, "take it out"),
            }
            generations(derive, rules, path, name);
        }
    }
}

fn generations(derive: &Derive, rules: &mut Rules<'_>, path: &KeyPath, name: &str) {
    if derive.uk_born.is_none() {
        rules.error(
            path,
            format!("`{name}` needs to know who was born in the UK"),
            "no `uk-born`",
            "add a condition, such as `uk-born = \"ukborn == 1\"`",
        );
    }
    let count = |list: &Option<Vec<String>>| list.as_ref().map_or(0, Vec::len);
    if count(&derive.parents_uk_born) != 2 {
        let at = path.key("parents-uk-born");
        rules.error(
            if derive.parents_uk_born.is_some() { &at } else { path },
            format!("`{name}` needs two conditions in `parents-uk-born`, one for each parent"),
            "not two",
            "add `parents-uk-born = [\"…\", \"…\"]`, each a condition that holds for a parent born in the UK",
        );
    }
    if derive.grandparents_uk_born.is_some() && count(&derive.grandparents_uk_born) != 4 {
        rules.error(
            &path.key("grandparents-uk-born"),
            "`grandparents-uk-born` needs four conditions, one for each grandparent",
            "not four",
            "give four, or take the key out: all later generations are then one",
        );
    }
}

fn conditions(derive: &Derive, rules: &mut Rules<'_>, path: &KeyPath) {
    rules.filled(&path.key("uk-born"), derive.uk_born.as_deref());
    let lists = [
        ("parents-uk-born", &derive.parents_uk_born),
        ("grandparents-uk-born", &derive.grandparents_uk_born),
    ];
    for (key, list) in lists {
        for (i, text) in list.iter().flatten().enumerate() {
            rules.filled(&path.key(key).index(i), Some(text));
        }
    }
}

fn needs_from(derive: &Derive, rules: &mut Rules<'_>, path: &KeyPath, key: &str, what: &str) {
    if derive.from.is_none() {
        rules.error_at_key(
            &path.key(key),
            format!("`{key}` does not say which variable it starts from"),
            "needs `from`",
            &format!("add `from = \"…\"` with the name of the variable: {what}"),
        );
    }
}

/// The classification of a name; an unknown one is an error.
fn known(name: Option<&str>, rules: &mut Rules<'_>, path: &KeyPath) -> Option<Scheme> {
    let name = name?;
    let found = schemes::find(name);
    if found.is_none() {
        let names = schemes::names();
        let help = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`? `rakewell schemes` lists them all"),
            None => format!("there are {}", names.join(", ")),
        };
        let message = format!("there is no standard classification `{name}`");
        rules.error(path, message, "unknown", &help);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn derive(keys: &str, expected: &[&str]) {
        expect(&format!("[[derive]]\nname = \"d\"\n{keys}\n"), expected);
    }

    #[test]
    fn classifications_are_known_and_fit() {
        derive("from = \"x\"\nscheme = \"ons-2021-19\"\nto = \"ons-5\"", &[]);
        derive("from = \"x\"\nto = \"ons-5\"\nwording = \"wales\"\nmap = { a = \"Asian\" }", &[]);
        derive("from = \"x\"\nto = \"eff-19a\"\notherwise = \"Other\"", &[]);
        derive("from = \"x\"\nto = \"ons-55\"", &["did you mean `ons-5`?"]);
        derive("from = \"x\"\nto = \"blood-group\"", &["there are ons-2021-19, "]);
        derive("to = \"ons-5\"", &["`to` does not say which variable"]);
        derive("scheme = \"ons-5\"", &["`scheme` does not say which variable"]);
        derive("from = \"x\"\nto = \"aps-9\"\nwording = \"census\"", &["has no wording `census`"]);
        derive("from = \"x\"\nto = \"ons-5\"\nlevels = [\"a\"]", &["its own order"]);
        derive("from = \"x\"\nto = \"ons-5\"\ncut = { at = [1] }", &["both `cut` and `to`"]);
        derive("from = \"x\"\nto = \"ons-5\"\nuk-born = \"u\"", &["`uk-born` is for"]);
        derive("value = \"x\"\nuk-born = \"u\"", &["`uk-born` goes with `to`"]);
    }

    #[test]
    fn migration_has_its_keys() {
        let bands = "from = \"x\"\nto = \"ons-residence\"\n";
        derive(bands, &[]);
        derive(&format!("{bands}uk-born = \"b == 1\""), &[]);
        derive(&format!("{bands}uk-born = \" \""), &["`uk-born` is empty"]);
        derive(&format!("{bands}map = {{ a = \"b\" }}"), &["which is about numbers"]);
        derive(&format!("{bands}scheme = \"ons-5\""), &["nothing in common"]);
        derive("to = \"ons-residence\"", &["years since arrival"]);
        let parents = "uk-born = \"b\"\nparents-uk-born = [\"m\", \"f\"]\n";
        derive(&format!("to = \"generation\"\n{parents}"), &[]);
        derive("to = \"generation\"", &["who was born in the UK", "two conditions"]);
        derive(&format!("to = \"generation-1.5\"\n{parents}"), &["age at arrival"]);
        derive(&format!("from = \"x\"\nto = \"generation\"\n{parents}"), &["no meaning beside"]);
        let grandparents = "grandparents-uk-born = [\"a\"]";
        derive(&format!("to = \"generation\"\n{parents}{grandparents}"), &["needs four"]);
    }
}
