//! A study run on data that are in memory, any number of times.

use std::path::{Path, PathBuf};

use super::plan::tables;
use super::prepare::{MarginFiles, Memory, columns_needed, margin_files, prepare_from};
use super::source::Loaded;
use super::spec::Design;
use crate::data::Table;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::estimate::EstimateTable;

/// A study whose data file is replaced by a table. Everything else is as for a run: recodes, design,
/// weighting, estimates. Its margin files are read once.
#[derive(Debug, Clone)]
pub struct InMemory {
    loaded: Loaded,
    file: PathBuf,
    needed: Vec<String>,
    margins: MarginFiles,
}

impl InMemory {
    /// The study for tables with these columns.
    ///
    /// # Errors
    /// When the study joins files or has imputations: rows in memory are one table.
    pub fn new(
        loaded: Loaded,
        study_file: &Path,
        columns: &[String],
    ) -> Result<InMemory, Diagnostics> {
        if !loaded.study.data.join.is_empty() {
            let message = "a study that joins files cannot be run on rows in memory";
            let help = "put the joined columns into the frame, and take `[[data.join]]` out";
            return Err(Diagnostic::error(message).help(help).into());
        }
        let data = &loaded.study.data;
        if !data.imputed.is_empty() || !data.imputations.is_empty() {
            let message = "a study with imputations cannot be run on rows in memory";
            let help = "take `imputed` and `imputations` out of `[data]`: rows that are drawn from a \
                        frame have no values to impute";
            return Err(Diagnostic::error(message).help(help).into());
        }
        let needed = columns_needed(&loaded, study_file, columns);
        let margins = margin_files(&loaded.study, study_file, columns);
        Ok(InMemory { loaded, file: study_file.to_path_buf(), needed, margins })
    }

    /// The columns that the study needs, in the order of the table.
    pub fn needed(&self) -> &[String] {
        &self.needed
    }

    /// The column of the design weight.
    pub fn weight(&self) -> Option<&str> {
        self.loaded.study.design.weight.as_deref()
    }

    /// The same estimates from a whole population: no design, no weighting, every row with weight 1.
    pub fn census(&self) -> InMemory {
        let mut census = self.clone();
        census.loaded.study.design = Design::default();
        census.loaded.study.weighting.clear();
        let report = &mut census.loaded.study.report;
        (report.keep, report.case, report.groups) = (None, None, None);
        let names: Vec<String> = self.needed.clone();
        census.needed = columns_needed(&census.loaded, &census.file, &names);
        census
    }

    /// The estimates from a table.
    ///
    /// # Errors
    /// As [`run`](super::run).
    pub fn estimates(&self, table: &Table) -> Result<Vec<EstimateTable>, Diagnostics> {
        let memory = Memory { table, margins: &self.margins };
        let mut prepared = prepare_from(self.loaded.clone(), &self.file, Some(memory), &|_| ())?;
        tables(&mut prepared).map(|(estimates, _)| estimates).map_err(Diagnostics)
    }
}
