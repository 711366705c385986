//! Tables of plain columns: numbers and categories, with value labels, and with the reasons
//! for missing values kept apart from the values.

mod calendar;
mod codes;
mod column;
mod combinations;
pub mod derive;
pub mod expr;
pub mod io;
pub mod join;
pub mod labels;
pub(crate) mod number;
mod pick;
pub mod schemes;
mod table;

pub use calendar::Calendar;
pub use codes::{Codes, Factor, Level};
pub use column::{Column, MissingCode, Numbers, Values};
pub use combinations::{Combinations, TooVaried};
pub use table::{Table, TableError};
