//! Histograms: how many rows fall into classes of equal width.

use super::axis::Axis;
use super::frame::SMALL;
use super::rows::Layout;
use super::svg::{Anchor, Svg};
use crate::report::text::{em_width, wrap};

/// A histogram with vertical bars.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramChart {
    /// What the chart shows, in one line.
    pub title: String,
    /// The text alternative.
    pub description: String,
    /// Title of the horizontal axis, with its unit.
    pub axis_title: String,
    /// What the bars count.
    pub count_title: String,
    /// Lower limit of the first class.
    pub low: f64,
    /// Upper limit of the last class.
    pub high: f64,
    /// How many are in each class.
    pub counts: Vec<u64>,
    /// A value to compare with, drawn as a line.
    pub reference: Option<f64>,
}

/// Height of the plot.
const PLOT: f64 = 150.0;
/// Room above the plot, for the title of the counts.
const TOP: f64 = 24.0;

impl HistogramChart {
    /// Draws the chart as an SVG element with the class `chart` and `wide` or `narrow`.
    ///
    /// `id` must be unique on the page.
    pub fn draw(&self, id: &str, layout: Layout) -> String {
        let (width, class, steps) = match layout {
            Layout::Wide => (840.0, "chart wide", 8),
            Layout::Narrow => (360.0, "chart narrow", 4),
        };
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1);
        let vertical = Axis::linear(0.0, most as f64, 3);
        let labels: Vec<(f64, String)> = vertical.ticks().collect();
        let room = labels.iter().map(|(_, l)| em_width(l) * SMALL).fold(0.0, f64::max);
        let (left, right) = (room + 10.0, width - 20.0);
        let bottom = TOP + PLOT;
        let horizontal = Axis::linear(self.low, self.high, steps);
        let x = |value: f64| left + horizontal.position(value) * (right - left);
        let y = |count: f64| bottom - vertical.position(count) * PLOT;
        let title = wrap(&self.axis_title, (right - left).max(100.0), |t| em_width(t) * SMALL);
        let height = bottom + 42.0 + 16.0 * title.len().saturating_sub(1) as f64;
        let mut svg = Svg::image(id, class, (width, height), &self.title, &self.description);
        svg.text("c-axis-title", Anchor::Start, (0.0, 12.0), &self.count_title);
        for (tick, label) in &labels {
            svg.line("c-grid", (left, y(*tick)), (right, y(*tick)));
            svg.text("c-tick", Anchor::End, (left - 6.0, y(*tick) + 4.0), label);
        }
        let step = (self.high - self.low) / self.counts.len().max(1) as f64;
        svg.group("c-s1", "");
        for (i, &count) in self.counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            let (from, to) = (self.low + step * i as f64, self.low + step * (i + 1) as f64);
            svg.group("c-bar", &format!("{from:.3} to {to:.3}: {count}"));
            let at = (x(from), y(count as f64));
            svg.rect("c-box", at, ((x(to) - x(from) - 1.0).max(0.5), bottom - at.1));
            svg.end();
        }
        svg.end();
        svg.line("c-axis", (left, bottom), (right, bottom));
        let mut ends = f64::NEG_INFINITY;
        for (tick, label) in horizontal.ticks() {
            let half = em_width(&label) * SMALL / 2.0;
            if x(tick) - half < ends + 4.0 {
                continue;
            }
            ends = x(tick) + half;
            svg.text("c-tick", Anchor::Middle, (x(tick), bottom + 17.0), &label);
        }
        for (i, line) in title.iter().enumerate() {
            let at = ((left + right) / 2.0, bottom + 36.0 + 16.0 * i as f64);
            svg.text("c-axis-title", Anchor::Middle, at, line);
        }
        let (low, high) = horizontal.ends();
        if let Some(reference) = self.reference.filter(|r| *r >= low && *r <= high) {
            svg.line("c-reference", (x(reference), TOP), (x(reference), bottom));
        }
        svg.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bar_for_every_class_that_is_not_empty() {
        let chart = HistogramChart {
            title: "Factors".to_string(),
            description: "Most lie near 1.".to_string(),
            axis_title: "Factor".to_string(),
            count_title: "Rows".to_string(),
            low: 0.5,
            high: 2.5,
            counts: vec![3, 0, 10, 1],
            reference: Some(1.0),
        };
        for layout in [Layout::Wide, Layout::Narrow] {
            let svg = chart.draw("h", layout);
            assert_eq!(svg.matches("class=\"c-bar\"").count(), 3);
            assert_eq!(svg.matches("c-reference").count(), 1);
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
            assert!(svg.contains("aria-labelledby=\"h-t h-d\""));
        }
    }
}
