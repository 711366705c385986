//! Charts made of labelled rows: dots with intervals, and distributions as boxes.

use super::axis::{Axis, Scale};
use super::svg::{Anchor, Svg};
use crate::report::text::{clamp, em_width, wrap};

/// A horizontal chart: groups down the side, values along the axis.
#[derive(Debug, Clone, PartialEq)]
pub struct RowChart {
    /// What the chart shows, in one line.
    pub title: String,
    /// The text alternative: what a reader would see.
    pub description: String,
    /// Title of the axis, with its unit.
    pub axis_title: String,
    /// How values are spread along the axis.
    pub scale: Scale,
    /// Limits that values cannot pass, such as 0 and 100.
    pub limits: Option<(f64, f64)>,
    /// A value to compare with, drawn as a line across all rows.
    pub reference: Option<f64>,
    /// The names of the series, in the order of their colours and shapes; empty for one.
    pub series: Vec<String>,
    /// The rows.
    pub sections: Vec<Section>,
}

/// Rows under a heading.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    /// The heading; empty for none.
    pub heading: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One labelled group.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its label; wrapped, and cut after three lines with the full text on hovering.
    pub label: String,
    /// What is drawn, one below the other.
    pub lanes: Vec<Lane>,
}

/// One thing drawn in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// Index into [`RowChart::series`]; 0 when there are none.
    pub series: usize,
    /// What is drawn.
    pub mark: Mark,
    /// The same in words, shown on hovering.
    pub tip: String,
}

/// What is drawn in a lane.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A dot with its interval.
    Interval {
        /// The estimate.
        value: f64,
        /// Its interval.
        interval: Option<(f64, f64)>,
        /// Drawn hollow and dashed: to be read with care. Such an interval does not stretch the
        /// axis far; it ends in an arrow where it passes beyond.
        caution: bool,
    },
    /// A distribution: a line from end to end, a box between the quartiles, a mark at the median.
    Spread {
        /// Smallest.
        min: f64,
        /// First quartile.
        q1: f64,
        /// Median.
        median: f64,
        /// Third quartile.
        q3: f64,
        /// Largest.
        max: f64,
    },
    /// Words in place of a mark, such as "suppressed".
    Words(String),
}

/// For which page a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// 760 units wide, labels beside the rows.
    Wide,
    /// 360 units wide, labels above the rows.
    Narrow,
}

impl RowChart {
    /// Draws the chart as an SVG element with the class `chart` and `wide` or `narrow`.
    ///
    /// `id` must be unique on the page.
    pub fn draw(&self, id: &str, layout: Layout) -> String {
        let axis = self.axis(layout);
        let frame = Frame::new(self, layout);
        let class = match layout {
            Layout::Wide => "chart wide",
            Layout::Narrow => "chart narrow",
        };
        let mut svg =
            Svg::image(id, class, (frame.width, frame.height), &self.title, &self.description);
        self.draw_legend(&mut svg, &frame);
        self.draw_axis(&mut svg, &frame, &axis);
        for block in &frame.blocks {
            match block {
                Block::Heading { y, lines } => {
                    for (i, line) in lines.iter().enumerate() {
                        let at = (0.0, y + LINE * i as f64);
                        svg.text("c-heading", Anchor::Start, at, line);
                    }
                }
                Block::Row { row, top, lines, cut } => {
                    self.draw_row(&mut svg, &frame, &axis, row, *top, lines, *cut);
                }
            }
        }
        svg.finish()
    }

    /// True when some interval ends in an arrow because it passes beyond the axis.
    pub fn is_clipped(&self) -> bool {
        let (low, high) = self.axis(Layout::Wide).ends();
        let room = 1e-9 * (high - low);
        self.marks().any(|mark| match mark {
            Mark::Interval { interval: Some((a, b)), .. } => *a < low - room || *b > high + room,
            _ => false,
        })
    }

    fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.sections.iter().flat_map(|s| &s.rows).flat_map(|r| &r.lanes).map(|l| &l.mark)
    }

    /// The axis covers all estimates and firm intervals, the reference, and intervals to be read
    /// with care as long as they do not double the range.
    fn axis(&self, layout: Layout) -> Axis {
        let mut firm = Range::default();
        let mut all = Range::default();
        for mark in self.marks() {
            match mark {
                Mark::Interval { value, interval, caution } => {
                    firm.add(*value, self.scale);
                    if let Some((low, high)) = interval {
                        let ends = if *caution { &mut all } else { &mut firm };
                        ends.add(*low, self.scale);
                        ends.add(*high, self.scale);
                    }
                }
                Mark::Spread { min, max, .. } => {
                    firm.add(*min, self.scale);
                    firm.add(*max, self.scale);
                }
                Mark::Words(_) => {}
            }
        }
        if let Some(reference) = self.reference {
            firm.add(reference, self.scale);
        }
        all = all.with(firm);
        let range = if all.span(self.scale) <= 2.0 * firm.span(self.scale)
            || firm.span(self.scale) == 0.0
        {
            all
        } else {
            firm
        };
        let (low, high) = range.0.unwrap_or(match self.scale {
            Scale::Linear => (0.0, 1.0),
            Scale::Log => (0.5, 2.0),
        });
        let axis = match (self.scale, layout) {
            (Scale::Linear, Layout::Wide) => Axis::linear(low, high, 6),
            (Scale::Linear, Layout::Narrow) => Axis::linear(low, high, 4),
            (Scale::Log, _) => Axis::log(low, high),
        };
        match self.limits {
            Some(limits) => axis.within(limits),
            None => axis,
        }
    }

    fn draw_legend(&self, svg: &mut Svg, frame: &Frame) {
        for (series, x, y) in &frame.legend {
            let Some(name) = self.series.get(*series) else { continue };
            svg.group(series_class(*series), "");
            draw_marker(svg, *series, "c-dot", (x + 6.0, y - 4.5));
            svg.end();
            svg.text("c-label", Anchor::Start, (x + 18.0, *y), name);
        }
    }

    fn draw_axis(&self, svg: &mut Svg, frame: &Frame, axis: &Axis) {
        let (top, bottom) = (frame.plot_top, frame.plot_bottom);
        let ticks: Vec<(f64, String)> =
            axis.ticks().map(|(tick, label)| (frame.x(axis, tick), label)).collect();
        for (x, _) in &ticks {
            svg.line("c-grid", (*x, top), (*x, bottom));
        }
        svg.line("c-axis", (frame.left, bottom), (frame.right, bottom));
        let mut ends = f64::NEG_INFINITY;
        for (x, label) in &ticks {
            // A label that would touch the one before is left out; its grid line stays.
            let half = em_width(label) * SMALL / 2.0;
            if x - half < ends + 4.0 {
                continue;
            }
            ends = x + half;
            svg.text("c-tick", Anchor::Middle, (*x, bottom + 17.0), label);
            if frame.axis_on_top {
                svg.text("c-tick", Anchor::Middle, (*x, top - 6.0), label);
            }
        }
        let middle = (frame.left + frame.right) / 2.0;
        for (i, line) in frame.axis_title.iter().enumerate() {
            let at = (middle, bottom + 36.0 + LINE * i as f64);
            svg.text("c-axis-title", Anchor::Middle, at, line);
        }
        if let Some(reference) = self.reference {
            let x = frame.x(axis, reference);
            svg.line("c-reference", (x, top), (x, bottom));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is one row's place on the page")]
    fn draw_row(
        &self,
        svg: &mut Svg,
        frame: &Frame,
        axis: &Axis,
        row: &Row,
        top: f64,
        lines: &[String],
        cut: bool,
    ) {
        let height = frame.row_height(row, lines);
        let lanes = frame.lane_height * row.lanes.len() as f64;
        let text_height = LINE * lines.len() as f64;
        let (anchor, x, first_line, first_lane) = match frame.layout {
            Layout::Wide => (
                Anchor::End,
                frame.left - 14.0,
                top + (height - text_height) / 2.0,
                top + (height - lanes) / 2.0,
            ),
            Layout::Narrow => (Anchor::Start, 0.0, top + 2.0, top + 2.0 + text_height),
        };
        svg.group("c-row", if cut { &row.label } else { "" });
        for (i, line) in lines.iter().enumerate() {
            svg.text("c-label", anchor, (x, first_line + LINE * (i as f64 + 0.78)), line);
        }
        svg.end();
        for (i, lane) in row.lanes.iter().enumerate() {
            let y = first_lane + frame.lane_height * (i as f64 + 0.5);
            svg.group(series_class(lane.series), &lane.tip);
            match &lane.mark {
                Mark::Interval { value, interval, caution } => {
                    draw_interval(svg, frame, axis, lane.series, y, (*value, *interval, *caution));
                }
                Mark::Spread { min, q1, median, q3, max } => {
                    let x = |v: &f64| frame.x(axis, *v);
                    svg.line("c-interval", (x(min), y), (x(max), y));
                    for end in [min, max] {
                        svg.line("c-interval", (x(end), y - 4.0), (x(end), y + 4.0));
                    }
                    svg.rect("c-box", (x(q1), y - 6.0), (x(q3) - x(q1), 12.0));
                    svg.line("c-median", (x(median), y - 6.0), (x(median), y + 6.0));
                }
                Mark::Words(words) => {
                    let at = (frame.left + 6.0, y + 4.0);
                    if !self.series.is_empty() {
                        draw_marker(svg, lane.series, "c-dot c-absent", (frame.left + 10.0, y));
                        svg.text("c-words", Anchor::Start, (at.0 + 14.0, at.1), words);
                    } else {
                        svg.text("c-words", Anchor::Start, at, words);
                    }
                }
            }
            svg.end();
        }
    }
}

/// Height of a line of text.
const LINE: f64 = 16.0;
/// Font size of labels and headings.
const LABEL: f64 = 13.0;
/// Font size of ticks and words.
const SMALL: f64 = 12.0;

/// Where everything stands.
struct Frame<'a> {
    layout: Layout,
    width: f64,
    height: f64,
    /// The plot's sides.
    left: f64,
    right: f64,
    plot_top: f64,
    plot_bottom: f64,
    lane_height: f64,
    axis_on_top: bool,
    axis_title: Vec<String>,
    /// Series, left edge, baseline.
    legend: Vec<(usize, f64, f64)>,
    blocks: Vec<Block<'a>>,
}

enum Block<'a> {
    Heading { y: f64, lines: Vec<String> },
    Row { row: &'a Row, top: f64, lines: Vec<String>, cut: bool },
}

impl<'a> Frame<'a> {
    fn new(chart: &'a RowChart, layout: Layout) -> Frame<'a> {
        let width = match layout {
            Layout::Wide => 760.0,
            Layout::Narrow => 360.0,
        };
        let label_width = |text: &str| em_width(text) * LABEL;
        let room = match layout {
            Layout::Wide => 232.0,
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

    fn row_height(&self, row: &Row, lines: &[String]) -> f64 {
        let lanes = self.lane_height * row.lanes.len() as f64;
        let text = LINE * lines.len() as f64;
        let gap = if self.lane_height < 20.0 { 10.0 } else { 4.0 };
        match self.layout {
            Layout::Wide => f64::max(lanes + gap, text + 8.0),
            Layout::Narrow => text + lanes + gap,
        }
    }

    fn x(&self, axis: &Axis, value: f64) -> f64 {
        self.left + (self.right - self.left) * axis.position(value)
    }
}

fn draw_interval(
    svg: &mut Svg,
    frame: &Frame,
    axis: &Axis,
    series: usize,
    y: f64,
    (value, interval, caution): (f64, Option<(f64, f64)>, bool),
) {
    if let Some((lower, upper)) = interval {
        let (low, high) = axis.ends();
        let room = 1e-9 * (high - low);
        let class = if caution { "c-interval c-caution" } else { "c-interval" };
        let (a, b) = (frame.x(axis, lower), frame.x(axis, upper));
        svg.line(class, (a, y), (b, y));
        if lower < low - room {
            svg.polygon("c-arrow", &[(a - 5.0, y), (a + 2.0, y - 4.0), (a + 2.0, y + 4.0)]);
        }
        if upper > high + room {
            svg.polygon("c-arrow", &[(b + 5.0, y), (b - 2.0, y - 4.0), (b - 2.0, y + 4.0)]);
        }
    }
    let class = if caution { "c-dot c-hollow" } else { "c-dot" };
    draw_marker(svg, series, class, (frame.x(axis, value), y));
}

/// The marker of a series: circle, diamond, square, triangle up, triangle down, then again.
fn draw_marker(svg: &mut Svg, series: usize, class: &str, (x, y): (f64, f64)) {
    match series % 5 {
        0 => svg.circle(class, (x, y), 4.5),
        1 => svg.polygon(class, &[(x, y - 6.0), (x + 6.0, y), (x, y + 6.0), (x - 6.0, y)]),
        2 => svg.rect(class, (x - 4.2, y - 4.2), (8.4, 8.4)),
        3 => svg.polygon(class, &[(x, y - 5.6), (x + 5.4, y + 4.2), (x - 5.4, y + 4.2)]),
        _ => svg.polygon(class, &[(x, y + 5.6), (x + 5.4, y - 4.2), (x - 5.4, y - 4.2)]),
    }
}

fn series_class(series: usize) -> &'static str {
    ["c-s1", "c-s2", "c-s3", "c-s4", "c-s5"][series % 5]
}

/// The smallest range that holds what was added.
#[derive(Debug, Clone, Copy, Default)]
struct Range(Option<(f64, f64)>);

impl Range {
    fn add(&mut self, x: f64, scale: Scale) {
        if x.is_finite() && (scale == Scale::Linear || x > 0.0) {
            let (low, high) = self.0.unwrap_or((x, x));
            self.0 = Some((low.min(x), high.max(x)));
        }
    }

    fn with(self, other: Range) -> Range {
        match (self.0, other.0) {
            (Some((a, b)), Some((c, d))) => Range(Some((a.min(c), b.max(d)))),
            (range, None) | (None, range) => Range(range),
        }
    }

    fn span(self, scale: Scale) -> f64 {
        match (self.0, scale) {
            (None, _) => 0.0,
            (Some((low, high)), Scale::Linear) => high - low,
            (Some((low, high)), Scale::Log) => (high / low).ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(value: f64, interval: (f64, f64), caution: bool) -> Lane {
        let mark = Mark::Interval { value, interval: Some(interval), caution };
        Lane { series: 0, mark, tip: String::new() }
    }

    fn chart(lanes: Vec<Lane>) -> RowChart {
        let rows = lanes
            .into_iter()
            .enumerate()
            .map(|(i, lane)| Row { label: format!("Group {i}"), lanes: vec![lane] })
            .collect();
        RowChart {
            title: "Title".to_string(),
            description: "Description".to_string(),
            axis_title: "Per cent".to_string(),
            scale: Scale::Linear,
            limits: Some((0.0, 100.0)),
            reference: None,
            series: Vec::new(),
            sections: vec![Section { heading: String::new(), rows }],
        }
    }

    #[test]
    fn an_interval_to_be_read_with_care_does_not_stretch_the_axis() {
        let firm = dot(12.0, (10.0, 14.0), false);
        let wild = chart(vec![firm.clone(), dot(13.0, (1.0, 97.0), true)]);
        assert!(wild.is_clipped());
        assert!(wild.draw("x", Layout::Wide).contains("c-arrow"));
        let mild = chart(vec![firm.clone(), dot(13.0, (9.0, 15.0), true)]);
        assert!(!mild.is_clipped());
        assert!(!mild.draw("x", Layout::Wide).contains("c-arrow"));
        let firmly_wide = chart(vec![firm, dot(13.0, (1.0, 97.0), false)]);
        assert!(!firmly_wide.is_clipped());
    }

    #[test]
    fn every_row_is_drawn_in_both_layouts() {
        let many: Vec<Lane> = (0..54)
            .map(|i| dot(f64::from(i), (f64::from(i) - 1.0, f64::from(i) + 1.0), false))
            .collect();
        for chart in [chart(many), chart(vec![dot(5.0, (4.0, 6.0), false)]), chart(vec![])] {
            for layout in [Layout::Wide, Layout::Narrow] {
                let svg = chart.draw("x", layout);
                let rows = chart.sections[0].rows.len();
                assert_eq!(svg.matches("<circle class=\"c-dot\"").count(), rows);
                assert_eq!(svg.matches("class=\"c-row\"").count(), rows);
                assert!(
                    svg.contains("<title id=\"x-t\">Title</title><desc id=\"x-d\">Description")
                );
                assert!(!svg.contains("NaN") && !svg.contains("inf"));
            }
        }
    }

    #[test]
    fn hostile_numbers_do_no_harm() {
        for scale in [Scale::Linear, Scale::Log] {
            let mut chart = chart(vec![
                dot(f64::NAN, (f64::NEG_INFINITY, f64::INFINITY), false),
                dot(-1.0, (-3.0, 0.0), true),
                dot(1e300, (-1e300, 1e300), false),
            ]);
            chart.scale = scale;
            chart.limits = None;
            chart.reference = Some(1.0);
            for layout in [Layout::Wide, Layout::Narrow] {
                let svg = chart.draw("x", layout);
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }

    #[test]
    fn rows_do_not_overlap_and_long_labels_keep_their_text() {
        let label = "White: English, Welsh, Scottish, Northern Irish or British, and all others who \
                     wrote in an answer of their own that was coded here in the end";
        let mut chart = chart(vec![dot(5.0, (4.0, 6.0), false); 3]);
        chart.sections[0].rows[1].label = label.to_string();
        let frame = Frame::new(&chart, Layout::Wide);
        let mut bottom = 0.0;
        for block in &frame.blocks {
            if let Block::Row { row, top, lines, .. } = block {
                assert!(*top >= bottom);
                bottom = top + frame.row_height(row, lines);
                assert!(LINE * lines.len() as f64 <= bottom - top);
            }
        }
        assert!(bottom <= frame.plot_bottom);
        assert!(chart.draw("x", Layout::Wide).contains(&format!("<title>{label}</title>")));
    }
}
