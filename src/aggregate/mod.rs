//! The only code that loops over rows: grouped sums in one pass over fixed blocks of rows.
//!
//! Everything else in rakewell works on what comes out: sums by (unit, domain), by domain, and
//! cross-products with calibration columns. Each is a plain `SELECT key, SUM(w * y) … GROUP BY
//! key`, so that another engine can answer the same [`CellRequest`].
//!
//! Results do not depend on the number of threads: rows are visited in the order of their units,
//! cut into lanes whose boundaries depend on the data alone, and lanes are put together in order.

mod block;
mod cells;
mod columns;
mod grouped;
mod kernel;
mod lanes;
mod products;
mod replicates;
mod request;
mod runs;
mod units;

pub use cells::{CellSums, MeasureTotals, cell_sums};
pub use columns::{XColumns, XTerm};
pub use grouped::{GroupedRequest, GroupedSums, Lane, grouped_sums};
pub use lanes::Lanes;
pub use replicates::{LANES, ReplicateRequest, replicate_sums};
pub use request::{CellRequest, DomainCodes, Measure, row_slots};
pub use units::{UnitTotals, UnitX, gram, unit_x};
