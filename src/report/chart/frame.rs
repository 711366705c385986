//! The layout of a row chart: where everything stands.

use super::axis::Axis;
use super::rows::{Layout, Row, RowChart};
use crate::report::text::{clamp, em_width, wrap};

/// Height of a line of text.
pub(super) const LINE: f64 = 16.0;
/// Font size of labels and headings.
const LABEL: f64 = 13.0;
/// Font size of ticks and words.
pub(super) const SMALL: f64 = 12.0;

/// Where everything stands, in user units from the top left.
pub(super) struct Frame<'a> {
    pub layout: Layout,
    pub width: f64,
    pub height: f64,
    /// The plot's sides.
    pub left: f64,
    pub right: f64,
    pub plot_top: f64,
    pub plot_bottom: f64,
    pub lane_height: f64,
    pub axis_on_top: bool,
    pub axis_title: Vec<String>,
    /// Series, left edge, baseline.
    pub legend: Vec<(usize, f64, f64)>,
    pub blocks: Vec<Block<'a>>,
}

/// A part of the plot, from top to bottom.
pub(super) enum Block<'a> {
    /// A heading and the baseline of its first line.
    Heading { y: f64, lines: Vec<String> },
    /// A row, its top edge, its label as wrapped, and whether that was cut.
    Row { row: &'a Row, top: f64, lines: Vec<String>, cut: bool },
}

impl<'a> Frame<'a> {
    /// Finds the places of a chart's parts.
    pub(super) fn new(chart: &'a RowChart, layout: Layout) -> Frame<'a> {
        let width = match layout {
            Layout::Wide => 840.0,
            Layout::Narrow => 360.0,
        };
        let label_width = |text: &str| em_width(text) * LABEL;
        let room = match layout {
            Layout::Wide => 250.0,
            Layout::Narrow => width - 8.0,
        };
        let rows = || chart.sections.iter().flat_map(|s| &s.rows);
        let wrapped = |row: &Row| clamp(wrap(&row.label, room, label_width), 3);
        let widest = rows()
            .flat_map(|row| wrapped(row).0)
            .map(|line| label_width(&line))
            .fold(60.0, f64::max);
        let (left, right) = match layout {
            Layout::Wide => (widest.min(room + 8.0) + 14.0, width - 24.0),
            Layout::Narrow => (12.0, width - 18.0),
        };
        let several = rows().any(|row| row.lanes.len() > 1);
        let mut frame = Frame {
            layout,
            width,
            height: 0.0,
            left,
            right,
            plot_top: 0.0,
            plot_bottom: 0.0,
            lane_height: if several { 16.0 } else { 22.0 },
            axis_on_top: rows().map(|row| row.lanes.len()).sum::<usize>() > 18,
            axis_title: wrap(&chart.axis_title, right - left, |t| em_width(t) * SMALL),
            legend: Vec::new(),
            blocks: Vec::new(),
        };

        let mut y = 4.0;
        if chart.series.len() > 1 {
            let (mut x, mut baseline) = (0.0, 14.0);
            for (i, name) in chart.series.iter().enumerate() {
                let takes = 18.0 + label_width(name);
                if x > 0.0 && x + takes > width {
                    (x, baseline) = (0.0, baseline + 20.0);
                }
                frame.legend.push((i, x, baseline));
                x += takes + 22.0;
            }
            y = baseline + 14.0;
        }
        if frame.axis_on_top {
            y += 16.0;
        }
        frame.plot_top = y;
        y += 4.0;
        for (i, section) in chart.sections.iter().enumerate() {
            if !section.heading.is_empty() {
                let (lines, _) = clamp(wrap(&section.heading, width - 8.0, label_width), 3);
                y += if i == 0 { 4.0 } else { 12.0 };
                frame.blocks.push(Block::Heading { y: y + 13.0, lines: lines.clone() });
                y += LINE * lines.len() as f64 + 4.0;
            }
            for row in &section.rows {
                let (lines, cut) = wrapped(row);
                let height = frame.row_height(row, &lines);
                frame.blocks.push(Block::Row { row, top: y, lines, cut });
                y += height;
            }
        }
        frame.plot_bottom = y + 4.0;
        let titles = if chart.axis_title.is_empty() { 0.0 } else { frame.axis_title.len() as f64 };
        frame.height = frame.plot_bottom + 24.0 + LINE * titles + 2.0;
        frame
    }

    /// The height a row takes.
    pub(super) fn row_height(&self, row: &Row, lines: &[String]) -> f64 {
        let lanes = self.lane_height * row.lanes.len() as f64;
        let text = LINE * lines.len() as f64;
        let gap = if self.lane_height < 20.0 { 10.0 } else { 4.0 };
        match self.layout {
            Layout::Wide => f64::max(lanes + gap, text + 8.0),
            Layout::Narrow => text + lanes + gap,
        }
    }

    /// Where a value stands.
    pub(super) fn x(&self, axis: &Axis, value: f64) -> f64 {
        self.left + (self.right - self.left) * axis.position(value)
    }
}
