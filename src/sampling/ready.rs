//! Ready designs: real ones, described from what is published, usable by name.

/// Names and texts of the ready designs, by name.
pub const READY: [(&str, &str); 12] = [
    ("citizenship-survey", include_str!("../../designs/citizenship-survey.toml")),
    ("embes-2010", include_str!("../../designs/embes-2010.toml")),
    ("eu-midis-2", include_str!("../../designs/eu-midis-2.toml")),
    ("health-survey-england-2004", include_str!("../../designs/health-survey-england-2004.toml")),
    ("health-survey-england-2005", include_str!("../../designs/health-survey-england-2005.toml")),
    ("national-survey-wales", include_str!("../../designs/national-survey-wales.toml")),
    ("nhanes-2015", include_str!("../../designs/nhanes-2015.toml")),
    ("nhs-staff-survey", include_str!("../../designs/nhs-staff-survey.toml")),
    ("soep", include_str!("../../designs/soep.toml")),
    ("tides-trust-survey", include_str!("../../designs/tides-trust-survey.toml")),
    ("understanding-society-2009", include_str!("../../designs/understanding-society-2009.toml")),
    ("understanding-society-2014", include_str!("../../designs/understanding-society-2014.toml")),
];

/// The text of a ready design.
pub fn ready(name: &str) -> Option<&'static str> {
    READY.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
