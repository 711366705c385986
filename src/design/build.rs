//! From design variables to a tree of units and a weight.

use std::sync::Arc;

use super::attach::attach;
use super::empty;
use super::error::DesignError;
use super::finding::DesignFinding;
use super::form::PairForm;
use super::input::DesignInput;
use super::layer::Layer;
use super::lonely::{LonelyPsu, collapse};
use super::phases;
use super::samples::{Families, InCommon};
use super::selection::{Method, PhaseMethod};
use super::stages::build_tree;
use super::tree::UnitTree;
use super::variable::{Variable, complete_numbers, stratum_name};
use super::weights::build_weights;
use crate::numeric::Sum;

/// A sample design, ready for variance estimation.
///
/// Rows with weight zero stay in the tree: they count as sampled units, as in R `survey`.
#[derive(Debug, Clone)]
pub struct SurveyDesign {
    /// The design weight of every row.
    pub weights: Arc<Vec<f64>>,
    /// The weights of the first phase, where there are two.
    pub first_phase_weights: Option<Arc<Vec<f64>>>,
    /// The units.
    pub tree: Arc<UnitTree>,
    /// What to do with a stratum that has one PSU.
    pub lonely: LonelyPsu,
    /// Whether that holds for strata with one PSU in the domain too.
    pub lonely_in_domain: bool,
    /// True when population sizes were given for some stage.
    pub has_fpc: bool,
    /// Variances besides those of the tree: of a second phase, of a crossed clustering.
    pub layers: Arc<Vec<Layer>>,
    /// The variance estimator in words, where it is not that of simple random sampling.
    pub estimator: Option<String>,
    /// What the user should know.
    pub findings: Vec<DesignFinding>,
}

impl SurveyDesign {
    /// Builds the design.
    ///
    /// ```
    /// use rakewell::data::Column;
    /// use rakewell::design::{DesignInput, SurveyDesign, Variable};
    ///
    /// let region = Column::text("region", &[Some("N"), Some("N"), Some("S"), Some("S")]);
    /// let psu = Column::numbers("psu", vec![1.0, 2.0, 1.0, 2.0]);
    /// let weight = Column::numbers("weight", vec![10.0, 12.0, 8.0, 9.0]);
    /// let design = SurveyDesign::build(&DesignInput {
    ///     rows: 4,
    ///     strata: vec![Some(Variable::of(&region))],
    ///     clusters: vec![Variable::of(&psu)],
    ///     nested: true, // PSU numbers start anew in every region
    ///     weight: Some(Variable::of(&weight)),
    ///     ..DesignInput::default()
    /// })?;
    /// assert_eq!(design.df(), 2.0); // 4 PSUs − 2 strata
    /// # Ok::<(), rakewell::design::DesignError>(())
    /// ```
    ///
    /// The variance counts the first stage, and each further stage that has an fpc variable at
    /// the stage before it (without one the stage above is taken as drawn with replacement, and
    /// what happens below it adds nothing: Särndal, Swensson and Wretman 1992, §4.5).
    ///
    /// # Errors
    /// When a design variable is missing somewhere, weights are negative or all zero,
    /// PSUs straddle strata, an fpc is inconsistent, or a stratum has one PSU and the policy is
    /// [`LonelyPsu::Error`].
    pub fn build(input: &DesignInput<'_>) -> Result<SurveyDesign, DesignError> {
        if input.rows == 0 {
            return Err(DesignError::NoRows);
        }
        let mut findings = Vec::new();
        let families = Families::of(input)?;
        let tree = build_tree(input, families.as_ref())?;
        if input.psus_drawn.is_some() {
            findings.extend(empty::finding(&tree));
        }
        let mut weights = build_weights(input, &tree, &mut findings)?;
        let first_phase = input.second_phase.is_some().then(|| Arc::new(weights.clone()));
        let second = match &input.second_phase {
            Some(phase) => Some(phases::second_phase(input, phase, &tree, &mut weights)?),
            None => None,
        };
        let mut design = SurveyDesign {
            weights: Arc::new(weights),
            has_fpc: !input.fpc.is_empty(),
            tree: Arc::new(tree),
            lonely: input.lonely,
            lonely_in_domain: input.lonely_in_domain,
            first_phase_weights: first_phase,
            layers: Arc::default(),
            estimator: estimator(input),
            findings,
        };
        design.nothing_shared(input);
        design.treat_lonely(input, families.as_ref())?;
        attach(input, Arc::make_mut(&mut design.tree))?;
        let mut layers = Vec::new();
        if let Some(crossed) = input.crossed {
            layers.extend(phases::crossed(input, crossed, &design.tree)?);
        }
        if let Some(second) = second {
            layers.extend(second.layers(&design.tree, input)?);
        }
        design.layers = Arc::new(layers);
        Ok(design)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.weights.len()
    }

    /// PSUs with a positive design weight minus their strata, after collapsing (the usual degrees
    /// of freedom).
    pub fn df(&self) -> f64 {
        self.df_of(|row| self.weights[row] != 0.0)
    }

    /// PSUs minus strata, counting those with a row for which `keep` holds: of the first stage, or of
    /// a second phase or crossed clustering where these have fewer.
    pub fn df_of(&self, keep: impl Fn(usize) -> bool) -> f64 {
        let counted = self.layers.iter().filter(|layer| layer.counts);
        let of_layers = counted.map(|layer| layer.df_of(&self.tree, &keep));
        of_layers.fold(self.first_stage_df(&keep), f64::min)
    }

    fn first_stage_df(&self, keep: &impl Fn(usize) -> bool) -> f64 {
        let first = self.tree.first_stage_of_unit();
        let stratum = self.tree.stratum_of_first_stage();
        let mut psu_seen = vec![false; stratum.len()];
        for (row, &unit) in self.tree.unit_of_row.iter().enumerate() {
            if keep(row) {
                psu_seen[first[unit as usize] as usize] = true;
            }
        }
        let mut strata: Vec<u32> =
            stratum.iter().zip(&psu_seen).filter(|(_, seen)| **seen).map(|(h, _)| *h).collect();
        let psus = strata.len();
        strata.dedup();
        psus as f64 - strata.len() as f64
    }

    /// Finds samples that are said to share PSUs and do not.
    fn nothing_shared(&mut self, input: &DesignInput<'_>) {
        let Some(samples) = &input.samples else { return };
        let factor = samples.variable.column.as_factor();
        for list in &samples.shared {
            let own: Vec<Option<usize>> = list.iter().map(|name| factor.position(name)).collect();
            let of = |row: usize| {
                let sample = factor.codes.get(row);
                own.contains(&Some(sample as usize)).then_some(sample)
            };
            if InCommon::of(&self.tree, of).psus == 0 {
                self.findings.push(DesignFinding::NothingShared { samples: list.clone() });
            }
        }
    }

    /// Applies the policy for strata with one unit, stage by stage.
    fn treat_lonely(
        &mut self,
        input: &DesignInput<'_>,
        families: Option<&Families>,
    ) -> Result<(), DesignError> {
        // Units drawn independently need no other unit to be judged by.
        let is_independent = input.selection.method == Method::Poisson;
        for stage in 0..self.tree.stages.len() {
            let lonely: Vec<u32> = self.tree.stages[stage]
                .strata
                .iter()
                .filter(|s| s.share > 0.0 && s.is_lonely() && !(is_independent && stage == 0))
                .map(|s| s.row)
                .collect();
            if lonely.is_empty() {
                continue;
            }
            let names: Vec<String> = lonely
                .iter()
                .take(5)
                .map(|&row| stratum_name(input, stage, row as usize))
                .collect();
            let more = if lonely.len() > names.len() { ", …" } else { "" };
            let strata = format!("{}{more}", names.join(", "));
            if input.lonely == LonelyPsu::Error {
                return Err(DesignError::LonelyPsu {
                    stage: stage + 1,
                    count: lonely.len(),
                    strata,
                });
            }
            if input.lonely == LonelyPsu::Collapse {
                let name = |row: u32| stratum_name(input, stage, row as usize);
                let tree = Arc::make_mut(&mut self.tree);
                let by = input.collapse_by.filter(|_| stage == 0);
                let size = by.map(|v| stratum_means(input, v, tree)).transpose()?;
                let apart = |row: u32| families.map_or(0, |f| f.codes.get(row as usize));
                match collapse(tree, stage, size.as_deref(), &apart) {
                    Err(row) => {
                        let stratum = name(row);
                        return Err(DesignError::NothingToCollapse { stage: stage + 1, stratum });
                    }
                    Ok(joined) => self.findings.push(DesignFinding::Collapsed {
                        stage: stage + 1,
                        count: joined.len(),
                        joined: joined
                            .iter()
                            .take(5)
                            .map(|rows| {
                                rows.iter().map(|&r| name(r)).collect::<Vec<_>>().join(" + ")
                            })
                            .collect(),
                        by: by.map(|v| v.name.to_string()),
                    }),
                }
            }
            self.findings.push(DesignFinding::Lonely {
                stage: stage + 1,
                count: lonely.len(),
                strata,
                policy: input.lonely,
            });
        }
        Ok(())
    }
}

/// The mean of a variable over the rows of every first-stage stratum.
fn stratum_means(
    input: &DesignInput<'_>,
    variable: Variable<'_>,
    tree: &UnitTree,
) -> Result<Vec<f64>, DesignError> {
    let numbers = complete_numbers(variable, "measure of likeness", input.rows)?;
    let (first, stratum) = (tree.first_stage_of_unit(), tree.stratum_of_first_stage());
    let mut sums = vec![(Sum::new(), 0.0); tree.stages[0].strata.len()];
    for (row, &unit) in tree.unit_of_row.iter().enumerate() {
        let slot = &mut sums[stratum[first[unit as usize] as usize] as usize];
        slot.0.add(numbers.get(row));
        slot.1 += 1.0;
    }
    Ok(sums.iter().map(|(sum, n)| sum.value() / n).collect())
}

/// The variance estimator in words.
fn estimator(input: &DesignInput<'_>) -> Option<String> {
    let method = input.selection.method;
    let form = match (method, input.selection.form) {
        (Method::HartleyRao | Method::Overton | Method::Joint, PairForm::YatesGrundy) => {
            " (Yates–Grundy)"
        }
        (Method::HartleyRao | Method::Overton | Method::Joint, PairForm::HorvitzThompson) => {
            " (Horvitz–Thompson)"
        }
        _ => "",
    };
    let mut parts: Vec<String> =
        method.in_words().map(|w| format!("{w}{form}")).into_iter().collect();
    if let Some(v) = input.crossed {
        parts.push(format!("clusters crossed with {}", v.name));
    }
    if let Some(phase) = &input.second_phase {
        parts.push(match phase.method {
            PhaseMethod::Full => "two phases".to_string(),
            PhaseMethod::Approx => "two phases, the second taken as independent".to_string(),
        });
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}
