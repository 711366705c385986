//! `rakewell schemes`: the standard classifications.

use std::io;

use clap::Args;
use rakewell::data::schemes::{self, Kind, Scheme, Wording};
use rakewell::diagnostic::{Diagnostic, nearest};
use serde_json::{Value, json};

use super::{Outcome, print, refuse};

/// List the standard classifications that recodes can use
///
/// Ethnic groups, length of residence, arrival and generation: what `scheme` and `to` of
/// `[[derive]]` may be. With a name: its levels in order, where they belong in a coarser standard,
/// and its source.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell schemes
  rakewell schemes ons-2021-19
  rakewell schemes ons-2021-19 --json

In a study file:
  [[derive]]
  name = \"ethnic5\"
  from = \"ethnic\"
  scheme = \"ons-2021-19\"
  to = \"ons-5\"

Exit codes: 0 done, 1 there is no such classification, 2 wrong arguments.")]
pub(super) struct Schemes {
    /// One classification
    name: Option<String>,
    /// As JSON, for machines
    #[arg(long)]
    json: bool,
}

impl Schemes {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let Some(name) = &self.name else {
            print(&if self.json { all_as_json() } else { list() })?;
            return Ok(Outcome::Done);
        };
        let Some(scheme) = schemes::find(name) else {
            let names = schemes::names();
            let near = nearest(name, names.iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`rakewell schemes` lists them".to_string(),
            };
            let message = format!("there is no standard classification `{name}`");
            return refuse(&Diagnostic::error(message).help(help).into());
        };
        print(&if self.json { format!("{:#}\n", as_json(&scheme)) } else { one(&scheme) })?;
        Ok(Outcome::Done)
    }
}

fn list() -> String {
    let all = schemes::all();
    let width = all.iter().map(|s| s.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (title, of_groups) in [("Ethnic groups", true), ("Migration", false)] {
        out.push_str(&format!("{title}\n"));
        for scheme in all.iter().filter(|s| matches!(s.kind, Kind::Groups { .. }) == of_groups) {
            out.push_str(&format!("  {:<width$}  {}\n", scheme.name, scheme.title));
        }
    }
    out.push_str("\n`rakewell schemes NAME` shows the levels and the source of one.\n");
    out
}

fn one(scheme: &Scheme) -> String {
    let mut out = format!("{}: {}\n", scheme.name, scheme.title);
    if !scheme.other_names.is_empty() {
        out.push_str(&format!("Also called {}\n", scheme.other_names.join(", ")));
    }
    out.push_str(&format!("Source: {}\n", scheme.source));
    if let Some(note) = &scheme.note {
        out.push_str(&format!("{note}\n"));
    }
    out.push('\n');
    match &scheme.kind {
        Kind::Groups { groups, within } => {
            let broad = within.as_deref().and_then(schemes::find);
            for group in groups {
                let parent = broad.as_ref().and_then(|b| b.taking_in(group));
                let parent = parent.map_or(String::new(), |p| format!("  ({})", p.label));
                out.push_str(&format!("  {}{parent}\n", group.label));
                for (what, text) in [("census", &group.census), ("Wales", &group.wales)] {
                    if let Some(text) = text.as_ref().filter(|t| **t != group.label) {
                        out.push_str(&format!("      {what}: {text}\n"));
                    }
                }
            }
            if let Some(broad) = broad {
                out.push_str(&format!("\nIn brackets: the group of {}.\n", broad.name));
            }
        }
        Kind::Bands { of, .. } => {
            scheme.labels().iter().for_each(|l| out.push_str(&format!("  {l}\n")));
            out.push_str(&format!(
                "\nMade from {of} (`from`) and, for the first level, `uk-born`.\n"
            ));
        }
        Kind::Generation { of, later, .. } => {
            scheme.labels().iter().for_each(|l| out.push_str(&format!("  {l}\n")));
            let age = of.as_ref().map_or(String::new(), |of| format!(", {of} (`from`)"));
            out.push_str(&format!(
                "\nMade from `uk-born`, `parents-uk-born`{age}; with `grandparents-uk-born` the last \
                 is divided into {} and {}.\n",
                later[1], later[2]
            ));
        }
        _ => {}
    }
    out
}

fn all_as_json() -> String {
    format!("{:#}\n", schemes::all().iter().map(as_json).collect::<Value>())
}

fn as_json(scheme: &Scheme) -> Value {
    let mut value = json!({
        "name": scheme.name,
        "other_names": scheme.other_names,
        "title": scheme.title,
        "source": scheme.source,
        "note": scheme.note,
        "levels": scheme.labels(),
    });
    if let Kind::Groups { groups, within } = &scheme.kind {
        let broad = within.as_deref().and_then(schemes::find);
        let level = |group: &schemes::Group| {
            json!({
                "label": group.label,
                "census": group.text(Wording::Census),
                "wales": group.text(Wording::Wales),
                "parent": broad.as_ref().and_then(|b| b.taking_in(group)).map(|p| &p.label),
                "parts": group.parts,
            })
        };
        value["levels"] = groups.iter().map(level).collect();
        value["within"] = json!(within);
    }
    value
}
