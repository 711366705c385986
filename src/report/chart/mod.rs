//! Charts as inline SVG, for people who look, listen, print or use a phone.
//!
//! A chart is described by what it shows ([`RowChart`]) and drawn twice: once for wide pages and
//! print, once for narrow screens ([`Layout`]). Colours, weights and dark mode are the business
//! of [`STYLE`], which the page includes once; shapes carry what colours do, so that nothing is
//! lost in black and white.

mod axis;
mod frame;
mod histogram;
mod rows;
mod svg;

pub use axis::{Axis, Scale};
pub use histogram::HistogramChart;
pub use rows::{Lane, Layout, Mark, Row, RowChart, Section};
pub use svg::{Anchor, Svg, escape};

/// The style sheet the charts rely on.
pub const STYLE: &str = include_str!("../templates/chart.css");
