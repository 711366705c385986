//! Showing results: the page, the terminal and the tidy files, from made-up results.

mod markup;
mod mock;
mod page;
mod tables;
