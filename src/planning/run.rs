//! From a design and a frame to a [`Plan`].

use crate::data::Table;
use crate::diagnostic::Diagnostics;
use crate::sampling::spec::{Allocation, CombineMethod};
use crate::sampling::{Design, Loaded};

use super::laid::Laid;
use super::result::{Allocations, Plan};
use super::sensitivity::variants;

/// What of a plan is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Look for the design that meets the targets.
    pub optimise: bool,
    /// Show what changes with the assumptions.
    pub sensitivity: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { optimise: true, sensitivity: true }
    }
}

/// Plans a design over a table with one row per area.
///
/// # Errors
/// All mistakes that only the frame shows, each at its place in the design file: formulas that do
/// not fit the frame, groups that nobody belongs to, measures of size of 0, strata that are asked
/// for more than they have, targets that no sample can reach.
pub fn plan(loaded: &Loaded, table: &Table, options: Options) -> Result<Plan, Diagnostics> {
    let laid = Laid::out(loaded, table)?;
    let design = &loaded.design;
    let mut plan = laid.plan();
    let asked = !(laid.domains.targets.is_empty() && laid.domains.comparisons.is_empty());
    if options.optimise && asked {
        plan.optimum = Some(laid.optimum(loaded, table)?);
    }
    if options.sensitivity {
        plan.allocations = allocations(loaded, table, design)?;
        plan.sensitivity = variants(loaded, table)?;
    }
    plan.notes = notes(design);
    Ok(plan)
}

/// The half-widths of the targets under other rules of allocation.
fn allocations(
    loaded: &Loaded,
    table: &Table,
    design: &Design,
) -> Result<Vec<Allocations>, Diagnostics> {
    let rules = [
        (Allocation::Proportional, "proportional"),
        (Allocation::SquareRoot, "square root"),
        (Allocation::Equal, "equal"),
    ];
    let mut all = Vec::new();
    for (s, sample) in design.samples.iter().enumerate() {
        let Some(stage) = sample.stages.first() else { continue };
        if stage.strata.is_empty() || stage.take.is_none() || stage.count.is_some() {
            continue;
        }
        let mut columns: Vec<Vec<(String, Option<f64>)>> = Vec::new();
        for (rule, _) in rules {
            let mut other = loaded.clone();
            other.design.samples[s].stages[0].allocation = rule;
            columns.push(Laid::out(&other, table)?.half_widths());
        }
        let Some(labels) = columns.first() else { continue };
        let rows = labels.iter().enumerate();
        all.push(Allocations {
            sample: sample.label.clone(),
            rules: rules.iter().map(|(_, name)| (*name).to_string()).collect(),
            half_widths: rows
                .map(|(i, (label, _))| (label.clone(), columns.iter().map(|c| c[i].1).collect()))
                .collect(),
        });
    }
    Ok(all)
}

fn notes(design: &Design) -> Vec<String> {
    let mut notes = Vec::new();
    if design.spec.plan.icc.is_none() {
        notes.push(
            "The intra-cluster correlation of areas is taken to be 0.02, for want of `icc` in `[plan]`."
                .to_string(),
        );
    }
    if design.samples.len() > 1 {
        notes.push(combined(design.combine));
    }
    if design.frames.iter().any(|f| f.covers.iter().any(|c| *c < 1.0)) {
        notes.push(
            "Lists that cover a part of a group (`covers`): what is drawn is drawn from those on the list, who are              taken to live where the group lives; the others have no chance to be drawn from it."
                .to_string(),
        );
    }
    if design.groups.iter().any(|g| !g.shares.is_empty()) {
        notes.push(
            "Groups without counts by area are shares of other groups, the same in every area."
                .to_string(),
        );
    }
    notes.push(
        "Half-widths rest on the normal distribution; expected numbers are means over all samples."
            .to_string(),
    );
    notes
}

/// How the samples are put together in the data, and how that is reckoned here.
fn combined(method: Option<CombineMethod>) -> String {
    const HERE: &str = "1 over the sum of the probabilities";
    match method {
        None => format!(
            "The design does not say how its samples are put together (`[combine]`): reckoned with the weight {HERE}."
        ),
        Some(CombineMethod::SumOfProbabilities) => {
            format!("Samples are put together with the weight {HERE}, as `[combine]` says.")
        }
        Some(CombineMethod::TotalProbability) => format!(
            "Samples are put together with the weight 1 over the probability of being drawn into any, as `[combine]` says;              reckoned with {HERE}, which is nearly the same where these are small."
        ),
        Some(CombineMethod::Multiplicity) => format!(
            "`[combine]` divides weights by the number of samples a person could be drawn into. Reckoned with {HERE},              which mostly has smaller variances where the samples differ in their probabilities."
        ),
        Some(CombineMethod::Composite) => format!(
            "`[combine]` shares the overlap of samples out by a factor. Reckoned with {HERE}, which shares it out in              proportion to the interviews of each; other factors mostly have larger variances."
        ),
        Some(CombineMethod::Separate) => format!(
            "`[combine]` analyses the samples apart. The domains here are those of all samples together, with the weight              {HERE}: plan a sample in a file of its own to see it alone."
        ),
    }
}
