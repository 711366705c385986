//! What people would answer, drawn from the published levels and the assumed differences.

use super::figures::{
    DISCRIMINATED, IN_WORK, JOB_SATISFACTION, LIFE_SATISFACTION, LIFE_SATISFACTION_SD,
    LONELY_BY_AGE, LONELY_BY_SEX, LONELY_UP_TO, MIGRATION_SHIFT, SECTOR_EFFECT,
};
use super::population::{Person, eligible};
use super::random::{Stream, logistic, logit};

/// The answers of one person.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answers {
    /// Met harassment or discrimination on ethnic or racial grounds in twelve months.
    pub discriminated: bool,
    /// 1 often or always lonely, …, 5 never.
    pub lonely: u8,
    /// Life satisfaction, 0 to 10.
    pub life_satisfaction: u8,
    /// Job satisfaction, 1 to 7; `None` for those not in work.
    pub job_satisfaction: Option<u8>,
}

/// Shifts shared by everyone in a sector: log odds of discrimination, log odds of loneliness,
/// points of life satisfaction.
pub type SectorEffect = [f64; 3];

/// Draws the shifts of a sector.
pub fn sector_effect(stream: &mut Stream) -> SectorEffect {
    let (log_odds, points) = SECTOR_EFFECT;
    [log_odds * stream.normal(), log_odds * stream.normal(), points * stream.normal()]
}

/// Draws the answers of a person.
pub fn answers(person: &Person, effect: SectorEffect, stream: &mut Stream) -> Answers {
    let (g, sex, band) =
        (usize::from(person.group), usize::from(person.sex), usize::from(person.band));
    let (more_discrimination, more_loneliness) = MIGRATION_SHIFT[person.migration()];

    let level = logit(DISCRIMINATED[g][sex] / 100.0);
    let discriminated = stream.chance(logistic(level + more_discrimination + effect[0]));

    let usual = logit(LONELY_UP_TO[0] / 100.0);
    let shift = logit(LONELY_BY_AGE[band] / 100.0) - usual + logit(LONELY_BY_SEX[sex] / 100.0)
        - usual
        + more_loneliness
        + effect[1];
    let point = stream.unit();
    let lonely = 1 + LONELY_UP_TO
        .iter()
        .filter(|&&up_to| point >= logistic(logit(up_to / 100.0) + shift))
        .count();

    let score = LIFE_SATISFACTION[g] + effect[2] + LIFE_SATISFACTION_SD * stream.normal();
    let life_satisfaction = score.round().clamp(0.0, 10.0) as u8;

    let (mean, sd) = JOB_SATISFACTION[usize::from(eligible(g))];
    let works = stream.chance(IN_WORK[band]);
    let score = mean + sd * stream.normal();
    let job_satisfaction = works.then(|| score.round().clamp(1.0, 7.0) as u8);

    Answers { discriminated, lonely: lonely as u8, life_satisfaction, job_satisfaction }
}
