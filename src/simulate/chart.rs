//! Coverage by group size, as a chart.

use super::measure::Simulation;
use crate::report::chart::{Anchor, Axis, Svg};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 52.0;

/// Every estimate as a dot: how many people of its group are in the sample, and how often its
/// interval contains the truth. The band is what chance leaves of the nominal coverage.
pub(super) fn coverage(found: &Simulation) -> String {
    let points: Vec<(f64, f64, String)> = found
        .cells
        .iter()
        .filter_map(|c| {
            let cover = c.design.coverage?;
            let tip = format!(
                "{}, {}: n {:.0}, coverage {:.1} %",
                c.outcome,
                c.domain,
                c.design.n,
                100.0 * cover
            );
            (c.design.n > 0.0).then_some((c.design.n, 100.0 * cover, tip))
        })
        .collect();
    let nominal = 100.0 * found.confidence;
    let spread = 196.0
        * (found.confidence * (1.0 - found.confidence) / found.replicates.max(1) as f64).sqrt();
    let lowest = points.iter().map(|p| p.1).fold(nominal - spread, f64::min);
    let sizes = points.iter().map(|p| p.0);
    let x = Axis::log(sizes.clone().fold(f64::INFINITY, f64::min), sizes.fold(1.0, f64::max));
    // From a little below the worst estimate to 100.
    let y = Axis::linear(lowest.min(nominal - 5.0).max(0.0), 100.0, 6).within((0.0, 100.0));
    let at = |n: f64, c: f64| {
        (
            LEFT + x.position(n) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y.position(c) * (HEIGHT - TOP - BOTTOM),
        )
    };
    let below = points.iter().filter(|p| p.1 < nominal - spread).count();
    let description = format!(
        "{} estimates; {below} have intervals that contain the truth less often than {:.1} % of the draws",
        points.len(),
        nominal - spread
    );
    let mut svg = Svg::image(
        "coverage",
        "chart",
        (WIDTH, HEIGHT),
        "Coverage of intervals by group size",
        &description,
    );
    let (low, high) = x.ends();
    let corner = at(low, (nominal + spread).min(100.0));
    let other = at(high, nominal - spread);
    svg.group("c-s1", "");
    svg.rect("c-band", corner, (other.0 - corner.0, other.1 - corner.1));
    svg.end();
    for (value, label) in y.ticks() {
        let p = at(low, value);
        svg.line("c-grid", p, at(high, value));
        svg.text("c-tick", Anchor::End, (p.0 - 6.0, p.1 + 4.0), &format!("{label} %"));
    }
    let bottom = y.ends().0;
    for (value, label) in x.ticks() {
        let p = at(value, bottom);
        svg.line("c-grid", p, (p.0, TOP));
        svg.text("c-tick", Anchor::Middle, (p.0, p.1 + 18.0), &label);
    }
    svg.line("c-reference", at(low, nominal), at(high, nominal));
    for (n, cover, tip) in &points {
        svg.group(if *cover < nominal - spread { "c-s2" } else { "c-s1" }, tip);
        svg.circle("c-dot", at(*n, *cover), 4.5);
        svg.end();
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    svg.text(
        "c-axis-title",
        Anchor::Middle,
        (middle, HEIGHT - 10.0),
        "people of the group in the sample, on average (log scale)",
    );
    svg.finish()
}
