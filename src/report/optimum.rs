//! The design that meets the targets of a plan, as parts of its page.

use crate::planning::{ComparisonPlan, DomainPlan, Optimum, Plan, SizePlan, Unmet, money};

use super::number;
use super::planning::{comparisons, domains, percent, ratio, samples, wanted_and_reached, whole};
use super::sheet::{Grid, Part};

/// The parts of the page about the design that was looked for.
pub(super) fn parts(optimum: &Optimum, plan: &Plan) -> Vec<Part> {
    let cash = |x: f64| money(Some(&plan.currency), x);
    let mut first = Part::new("The design that meets the targets");
    match optimum {
        Optimum::Optimal {
            factor,
            budget,
            cost,
            least_cost: _,
            unmet: never,
            sizes: chosen,
            samples: own,
            domains: found,
            comparisons: differences,
            prices,
        } => {
            if !never.is_empty() {
                first = Part::new("The design that meets the other targets");
                first.text.push(format!(
                    "No choice of what may vary meets {}: left out of what follows, and shown there as \
                     missed. Ease them, let more vary (`[[plan.vary]]`), or raise `most`.",
                    in_a_row(never)
                ));
            }
            let all = if never.is_empty() { "all targets" } else { "the others" };
            match budget {
                _ if chosen.is_empty() => first.text.push(format!(
                    "Nothing is left that may vary; the design as written meets {all} and costs {}.",
                    cash(*cost)
                )),
                Some(budget) => {
                    let times = number::fixed(*factor, 2);
                    let how = if *factor > 1.0 + 1e-4 {
                        format!("misses the targets: the worst has {times} times the variance that is wanted")
                    } else {
                        format!("meets {all}: the worst has {times} times the variance that is wanted")
                    };
                    first.text.push(format!(
                        "For {} the best design {how}; it costs {}.",
                        cash(*budget),
                        cash(*cost)
                    ));
                }
                None => first.text.push(format!(
                    "The cheapest design that meets {all} costs {}.",
                    cash(*cost)
                )),
            }
            first.grid = (!chosen.is_empty()).then(|| sizes(chosen));
            let mut price = Part::new("What the targets cost");
            price
                .text
                .push("At the margin: what the next step of each target adds to the cost.".into());
            price.list = prices.iter().map(|p| p.words.clone()).collect();
            let mut parts =
                vec![first, samples("Its samples", own, plan), domains("Its domains", found, plan)];
            if !differences.is_empty() {
                parts.push(comparisons("Its differences", differences));
            }
            if !price.list.is_empty() && !chosen.is_empty() {
                parts.push(price);
            }
            return parts;
        }
        Optimum::Infeasible { targets, varies } => {
            first.text.push(if *varies {
                "No choice of what may vary meets these targets, even with every size at its most:".into()
            } else {
                "These targets are missed, and nothing is left that may vary (areas taken with certainty and \
                 panels stay as they are):"
                    .into()
            });
            first.list = targets.iter().map(at_most).collect();
            first.list.push(
                "Ease these targets, let more vary (`[[plan.vary]]`), or raise `most`.".into(),
            );
        }
        Optimum::NoPrice { sample } => {
            first.text.push(format!(
                "There is nothing to minimise: what varies of “{sample}” costs nothing. Give its \
                 stages or its screening a `cost`, or name in `[[plan.vary]]` what may change."
            ));
            let missed = missed(&plan.domains, &plan.comparisons);
            if !missed.is_empty() {
                first.text.push("The design as written misses these targets:".into());
                first.list = missed;
            }
        }
        Optimum::TooPoor { budget } => first.text.push(format!(
            "The budget of {} does not pay for what cannot be changed.",
            cash(*budget)
        )),
        _ => first.text.push(
            "The search did not settle within its limit of rounds: nothing is shown. Fewer things that \
             vary, or limits nearer to the design (`least`, `most`), help."
                .into(),
        ),
    }
    vec![first]
}

fn sizes(chosen: &[SizePlan]) -> Grid {
    let mut grid = Grid::with(&["Sample", "Part", "What", "As designed", "Needed", "Times"]);
    grid.words = vec![1, 2];
    for size in chosen {
        let show = |x: f64| match x {
            x if x >= 10.0 || (x - x.round()).abs() < 1e-6 => whole(x),
            x => number::fixed(x, if x < 1.0 { 3 } else { 2 }),
        };
        let times = (size.before > 0.0).then(|| size.after / size.before);
        grid.rows.push(vec![
            size.sample.clone(),
            size.part.clone(),
            size.what.clone(),
            show(size.before),
            show(size.after),
            ratio(times),
        ]);
    }
    grid
}

fn in_a_row(unmet: &[Unmet]) -> String {
    unmet.iter().map(at_most).collect::<Vec<_>>().join("; nor ")
}

/// A target that no choice meets, with what it reaches at most.
fn at_most(unmet: &Unmet) -> String {
    let label = &unmet.label;
    match (&unmet.target, &unmet.comparison) {
        (Some(target), _) => {
            let (wanted, reached) = wanted_and_reached(target);
            format!("“{label}”, {wanted} ({reached} at best)")
        }
        (_, Some(c)) => format!(
            "“{label}”, a difference of {} points with a power of {} ({} at best)",
            number::fixed(100.0 * c.difference, 1),
            percent(c.wanted),
            percent(c.power)
        ),
        _ => format!("“{label}”"),
    }
}

/// What is missed, each in words.
fn missed(domains: &[DomainPlan], comparisons: &[ComparisonPlan]) -> Vec<String> {
    let targets = domains.iter().flat_map(|d| d.targets.iter().map(move |t| (d, t)));
    let mut all: Vec<String> = targets
        .filter(|(_, t)| !t.met)
        .map(|(d, t)| {
            let (wanted, reached) = wanted_and_reached(t);
            format!("{}: {reached}, {wanted} wanted", d.label)
        })
        .collect();
    all.extend(
        comparisons.iter().filter(|c| !c.met).map(|c| {
            format!("{}: power {}, {} wanted", c.label, percent(c.power), percent(c.wanted))
        }),
    );
    all
}
