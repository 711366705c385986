//! A small SVG writer: escaped text, short numbers, tags that always balance.

use std::fmt::Write;

/// An SVG element tree being written, front to back.
#[derive(Debug, Default)]
pub struct Svg {
    out: String,
    open: Vec<&'static str>,
}

impl Svg {
    /// Begins an image of `width` × `height` user units with a title and a text alternative.
    ///
    /// `id` must be unique on the page: it names the two texts, which `role="img"` refers to.
    pub fn image(
        id: &str,
        class: &str,
        (width, height): (f64, f64),
        title: &str,
        description: &str,
    ) -> Svg {
        let mut svg = Svg::default();
        let id = escape(id);
        let _ = write!(
            svg.out,
            "<svg class=\"{}\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\" xmlns=\"http://www.w3.org/2000/svg\">\
             <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
            escape(class),
            escape(title),
            escape(description),
            w = number(width),
            h = number(height),
        );
        svg.open.push("svg");
        svg
    }

    /// Opens a group with a class and, where `tip` is not empty, a text shown on hovering.
    pub fn group(&mut self, class: &str, tip: &str) {
        let _ = write!(self.out, "<g class=\"{}\">", escape(class));
        if !tip.is_empty() {
            let _ = write!(self.out, "<title>{}</title>", escape(tip));
        }
        self.open.push("g");
    }

    /// Closes the innermost group.
    pub fn end(&mut self) {
        if let Some(tag) = self.open.pop() {
            let _ = write!(self.out, "</{tag}>");
        }
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ = write!(
            self.out,
            "<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            escape(class),
            number(x1),
            number(y1),
            number(x2),
            number(y2)
        );
    }

    /// A rectangle.
    pub fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let _ = write!(
            self.out,
            "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            escape(class),
            number(x),
            number(y),
            number(width.max(0.0)),
            number(height.max(0.0))
        );
    }

    /// A circle.
    pub fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let _ = write!(
            self.out,
            "<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>",
            escape(class),
            number(x),
            number(y),
            number(radius)
        );
    }

    /// A closed polygon.
    pub fn polygon(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> =
            points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
        let _ = write!(
            self.out,
            "<polygon class=\"{}\" points=\"{}\"/>",
            escape(class),
            points.join(" ")
        );
    }

    /// A text, its baseline starting, centred or ending at a point.
    pub fn text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let _ = write!(
            self.out,
            "<text class=\"{}\" x=\"{}\" y=\"{}\"{anchor}>{}</text>",
            escape(class),
            number(x),
            number(y),
            escape(text)
        );
    }

    /// Closes whatever is open and gives the image.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }
}

/// Which point of a text is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// Text made safe between tags and inside quoted attributes; control characters, which XML does
/// not allow, are left out.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A coordinate to two decimals, without needless zeros; what is not finite becomes 0.
fn number(x: f64) -> String {
    if !x.is_finite() {
        return "0".to_string();
    }
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_string() } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_balances() {
        let mut svg = Svg::image("a", "chart", (10.0, 5.5), "A <b> & \"c\"", "it's\u{1}");
        svg.group("g", "");
        svg.text("t", Anchor::End, (1.0, -0.001), "</svg>");
        assert_eq!(
            svg.finish(),
            "<svg class=\"chart\" viewBox=\"0 0 10 5.5\" width=\"10\" height=\"5.5\" role=\"img\" \
             aria-labelledby=\"a-t a-d\" xmlns=\"http://www.w3.org/2000/svg\">\
             <title id=\"a-t\">A &lt;b&gt; &amp; &quot;c&quot;</title><desc id=\"a-d\">it&#39;s</desc>\
             <g class=\"g\"><text class=\"t\" x=\"1\" y=\"0\" text-anchor=\"end\">&lt;/svg&gt;</text>\
             </g></svg>"
        );
    }

    #[test]
    fn coordinates_are_short_and_finite() {
        assert_eq!(number(12.3456), "12.35");
        assert_eq!(number(100.0), "100");
        assert_eq!(number(-0.001), "0");
        assert_eq!(number(f64::NAN), "0");
        assert_eq!(number(f64::INFINITY), "0");
    }
}
