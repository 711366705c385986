//! Every figure the synthetic survey is made from.
//!
//! A figure is either **published** (its source stands beside it) or an **assumption** (marked so,
//! chosen to be plausible, not to be quoted). Crown copyright figures: Source: Office for National
//! Statistics licensed under the Open Government Licence v.3.0.

/// Assumption: one synthetic adult stands for this many people; weights are multiplied by it.
pub const SCALE: f64 = 20.0;

/// Share of usual residents aged 16 and over. Published: 18.5 % of usual residents of England and
/// Wales were 0 to 15 (ONS, Ethnic group by age and sex, England and Wales: Census 2021).
///
/// Assumption: it is applied to every level of every census table alike, because no table of
/// adults by these variables was at hand. Real shares differ between groups.
pub const ADULT_SHARE: f64 = 0.815;

/// Number of ethnic groups, regions, lengths of residence, and age × sex cells.
pub const GROUPS: usize = 19;
/// Number of regions (nine English regions and Wales).
pub const REGIONS: usize = 10;
/// Number of lengths of residence (with "born in the UK").
pub const RESIDENCES: usize = 5;
/// Number of age bands.
pub const AGES: usize = 5;

/// The ethnic groups of Census 2021 in the order of the form, named shortly; code = position + 1.
pub const GROUP_NAMES: [&str; GROUPS] = [
    "White British",
    "White Irish",
    "Gypsy or Irish Traveller",
    "Roma",
    "Other White",
    "White and Black Caribbean",
    "White and Black African",
    "White and Asian",
    "Other Mixed",
    "Indian",
    "Pakistani",
    "Bangladeshi",
    "Chinese",
    "Other Asian",
    "Black African",
    "Black Caribbean",
    "Other Black",
    "Arab",
    "Any other group",
];

/// Positions of groups that the code speaks of.
pub mod group {
    /// White British.
    pub const WHITE_BRITISH: usize = 0;
    /// Gypsy or Irish Traveller.
    pub const TRAVELLER: usize = 2;
    /// Roma.
    pub const ROMA: usize = 3;
    /// Other White; groups up to and with this one are not screened in by the boost.
    pub const OTHER_WHITE: usize = 4;
}

/// Name of the margin level that joins three White groups: Gypsy or Irish Traveller and Roma are
/// too few in a survey of this size to be raked to totals of their own.
pub const JOINED_WHITE: &str = "Other White, Gypsy, Traveller or Roma";

/// Regions of England, and Wales; code = position + 1.
pub const REGION_NAMES: [&str; REGIONS] = [
    "North East",
    "North West",
    "Yorkshire and The Humber",
    "East Midlands",
    "West Midlands",
    "East of England",
    "London",
    "South East",
    "South West",
    "Wales",
];

/// Usual residents by region and ethnic group. Published: ONS, Census 2021, TS021 by local
/// authority, summed to regions (perturbed counts: sums differ from the national table by tens).
#[rustfmt::skip]
pub const RESIDENTS: [[u32; GROUPS]; REGIONS] = [
    // North East
    [
        2_397_555, 8_384, 2_622, 2_376, 51_783, 5_645, 6_526, 12_489, 8_604, 22_022,
        27_289, 16_357, 14_440, 17_938, 22_066, 1_702, 2_867, 10_405, 15_936,
    ],
    // North West
    [
        6_019_385, 61_419, 5_737, 7_356, 253_486, 46_960, 30_014, 47_832, 38_448, 140_415,
        303_609, 60_859, 54_057, 63_752, 126_607, 25_922, 21_393, 43_867, 66_289,
    ],
    // Yorkshire and The Humber
    [
        4_431_267, 25_215, 5_890, 9_465, 208_129, 39_294, 15_642, 36_888, 25_187, 81_322,
        296_438, 29_019, 29_590, 50_692, 80_911, 22_738, 14_000, 25_474, 53_622,
    ],
    // East Midlands
    [
        3_882_389, 27_128, 4_617, 7_195, 258_437, 46_399, 14_339, 30_804, 25_705, 229_831,
        71_038, 20_983, 22_977, 46_282, 83_153, 30_831, 15_995, 13_363, 48_583,
    ],
    // West Midlands
    [
        4_275_558, 47_891, 6_209, 6_807, 248_565, 81_191, 16_009, 46_476, 34_542, 276_029,
        319_167, 77_524, 33_303, 88_245, 146_093, 90_193, 32_737, 31_794, 92_435,
    ],
    // East of England
    [
        4_972_148, 57_970, 8_974, 9_675, 429_596, 51_951, 27_375, 51_454, 48_878, 136_970,
        99_452, 50_687, 38_450, 80_307, 118_733, 41_889, 24_334, 15_642, 70_590,
    ],
    // London
    [
        3_239_280, 156_335, 7_029, 37_690, 1_290_838, 132_557, 77_340, 125_188, 170_691, 656_269,
        290_553, 322_052, 147_523, 401_250, 697_054, 345_400, 145_915, 139_792, 416_980,
    ],
    // South East
    [
        7_315_061, 78_220, 16_747, 12_777, 586_572, 62_088, 38_633, 88_100, 72_045, 241_535,
        145_310, 39_883, 64_334, 159_487, 150_541, 43_516, 27_522, 29_578, 106_115,
    ],
    // South West
    [
        5_008_153, 31_695, 6_380, 5_781, 257_593, 33_221, 15_645, 34_961, 30_254, 58_845,
        17_431, 12_219, 26_514, 44_174, 43_320, 17_224, 9_066, 10_300, 38_401,
    ],
    // Wales
    [
        2_814_248, 13_216, 3_552, 1_842, 82_994, 13_734, 8_070, 14_036, 12_762, 21_066,
        17_535, 15_317, 14_458, 20_656, 19_909, 3_700, 3_952, 11_641, 14_825,
    ],
];

/// Lengths of residence in the UK, as in TS016.
pub const RESIDENCE_NAMES: [&str; RESIDENCES] = [
    "Born in the UK",
    "10 years or more",
    "5 years or more, but less than 10 years",
    "2 years or more, but less than 5 years",
    "Less than 2 years",
];

/// Usual residents by length of residence. Published: ONS, Census 2021, TS016, England and Wales
/// (sum of output areas).
pub const RESIDENCE: [u32; RESIDENCES] = [49_579_603, 5_834_837, 1_735_454, 1_322_165, 1_125_861];

/// Share born in the UK by ethnic group, where raking to [`RESIDENCE`] and the group totals starts.
///
/// Published, Census 2011 (Ethnicity facts and figures, People born outside the UK): White 93.0 %,
/// Mixed 80.6 %, Black 46.9 %, Asian 42.0 %, Other 29.8 %. Assumption: the split within White,
/// Asian and Black, chosen so that each broad group keeps its published share in 2011 counts.
pub const UK_BORN: [f64; GROUPS] = [
    0.98, 0.40, 0.88, 0.15, 0.14, 0.806, 0.806, 0.806, 0.806, 0.43, 0.56, 0.52, 0.24, 0.246, 0.33,
    0.60, 0.68, 0.298, 0.298,
];

/// Assumption: how much more often those born abroad came within the last ten years than all
/// people born abroad did, by ethnic group.
pub const RECENT: [f64; GROUPS] =
    [0.6, 0.4, 0.5, 1.8, 1.2, 0.8, 0.9, 1.0, 1.1, 1.2, 0.7, 0.8, 1.6, 1.0, 0.9, 0.3, 0.8, 1.2, 1.1];

/// Age bands of the age × sex margin.
pub const AGE_NAMES: [&str; AGES] = ["16–24", "25–34", "35–49", "50–64", "65 and over"];

/// First and last age of each band. Assumption: nobody is older than 95.
pub const AGE_RANGES: [(u8, u8); AGES] = [(16, 24), (25, 34), (35, 49), (50, 64), (65, 95)];

/// Usual residents of England and of Wales. Published: ONS, Population and household estimates,
/// England and Wales: Census 2021, unrounded data.
pub const COUNTRIES: [f64; 2] = [56_490_048.0, 3_107_494.0];

/// Per cent of residents by age band, England and Wales. Published to one decimal by five-year
/// band: ONS, Population and household estimates, England and Wales: Census 2021 (15–19 5.7 and
/// 5.7; 20–24 6.0, 6.0; 25–34 13.6, 12.3; 35–49 19.4, 17.6; 50–64 19.4, 20.5; 65+ 18.4, 21.3).
/// Assumption: four fifths of the 15–19 are 16 and over.
pub const AGE_PER_CENT: [[f64; AGES]; 2] =
    [[0.8 * 5.7 + 6.0, 13.6, 19.4, 19.4, 18.4], [0.8 * 5.7 + 6.0, 12.3, 17.6, 20.5, 21.3]];

/// Women and men. Published: ONS, same source (51.0 % and 49.0 %). Assumption: the same split in
/// every age band and among adults.
pub const SEXES: [(&str, f64); 2] = [("Men", 29_177_340.0), ("Women", 30_420_202.0)];

/// Assumption: how steeply each group is older (+) or younger (−) than the population, in log
/// odds per twenty years of age. Published is only the direction at the ends: White Irish are the
/// oldest group (32.1 % were 65 and over against 18.6 % of all) and three Mixed groups the
/// youngest (ONS, Ethnic group by age and sex, England and Wales: Census 2021).
pub const OLDER: [f64; GROUPS] = [
    0.12, 0.6, -0.2, -0.5, -0.4, -0.9, -0.9, -0.8, -0.7, -0.25, -0.45, -0.5, -0.4, -0.3, -0.6,
    0.05, -0.6, -0.4, -0.3,
];

/// Assumption: adults in a family that lives together, for White groups and for the others
/// (probabilities of 1, 2, 3 and 4). Together with the people who join other households they make
/// about two adults per household; published are 24,783,199 households and 59.6 million people
/// (ONS, same source), 1.96 adults each at [`ADULT_SHARE`].
pub const FAMILY_SIZES: [[f64; 4]; 2] = [[0.36, 0.48, 0.11, 0.05], [0.30, 0.42, 0.17, 0.11]];

/// Assumption: share of families that are single people living in someone else's household, by
/// ethnic group; this makes households of several groups.
pub const JOINS: [f64; GROUPS] = [
    0.02, 0.25, 0.05, 0.05, 0.15, 0.35, 0.35, 0.35, 0.35, 0.08, 0.06, 0.05, 0.10, 0.10, 0.08, 0.15,
    0.20, 0.08, 0.12,
];

/// Assumption: adults in a sector at this scale. (A real postal sector has some 5,000.)
pub const SECTOR_ADULTS: f64 = 270.0;

/// Assumption: how the number of families of a group rises with the ethnic density of a sector
/// (log scale per standard deviation), chosen so that the concentration comes near what is
/// published: the 35 % of neighbourhoods with the highest non-White share held 84.9 % of Asian,
/// 86.7 % of Black, 61.6 % of Mixed, 81.2 % of Other and 27.3 % of White residents (computed from
/// ONS, Census 2021, ethnic group by lower-layer super output area).
pub const DENSITY: [f64; GROUPS] = [
    -0.30, 0.20, -0.10, 0.60, 0.45, 0.35, 0.45, 0.25, 0.40, 1.25, 1.45, 1.45, 0.70, 1.10, 1.30,
    1.15, 1.20, 1.15, 1.00,
];

/// Assumption: how much each group has sectors of its own (standard deviation, log scale).
pub const OWN_SECTORS: f64 = 0.55;

// ---------------------------------------------------------------------------------- the answers

/// Per cent who met harassment or discrimination on ethnic or racial grounds in twelve months,
/// men and women.
///
/// Published: about one in ten ethnic minority people; about 15 % of Chinese men and women,
/// Pakistani men and Bangladeshi women, among others (Nandi, Luthra and Benzeval 2016, ISER
/// working paper 2016-14, Understanding Society). Assumption: the other minorities just below ten,
/// so that all together come to about one in ten; every figure for White groups.
pub const DISCRIMINATED: [[f64; 2]; GROUPS] = [
    [2.0, 2.0],
    [3.0, 3.0],
    [20.0, 20.0],
    [12.0, 12.0],
    [6.0, 6.0],
    [9.0, 9.0],
    [9.0, 9.0],
    [8.0, 8.0],
    [9.0, 9.0],
    [9.0, 9.0],
    [15.0, 9.0],
    [9.0, 15.0],
    [15.0, 15.0],
    [9.0, 9.0],
    [10.0, 9.0],
    [10.0, 9.0],
    [9.0, 9.0],
    [9.0, 9.0],
    [8.0, 8.0],
];

/// How often people feel lonely (the GSS harmonised question): cumulative per cent of often or
/// always, some of the time, occasionally and hardly ever; the rest is never. Published, Community Life Survey, England:
/// often or always 7 (2023–24); some of the time 16 and occasionally 24 (2016–17); never 20
/// (2023–24). "Hardly ever" is the rest.
pub const LONELY_UP_TO: [f64; 4] = [7.0, 23.0, 47.0, 80.0];

/// Per cent often or always lonely by age band. Published, Community Life Survey 2023–24: 16–24
/// 10, 25–34 9. Assumption: the older bands, so that all come to 7.
pub const LONELY_BY_AGE: [f64; AGES] = [10.0, 9.0, 6.2, 6.0, 5.6];

/// Per cent often or always lonely, men and women. Published, Community Life Survey 2023–24.
pub const LONELY_BY_SEX: [f64; 2] = [6.0, 8.0];

/// Mean life satisfaction, 0 to 10. Published, Annual Population Survey 2011–12 (ONS, Differences
/// in well-being by ethnicity, 2013): White 7.4, Mixed 7.1, Bangladeshi 7.0, Black 6.7; Pakistani
/// 7.0 (experimental estimates, April to September 2011). Assumption: Indian, Chinese, Other
/// Asian, Arab and any other.
pub const LIFE_SATISFACTION: [f64; GROUPS] =
    [7.4, 7.4, 7.4, 7.4, 7.4, 7.1, 7.1, 7.1, 7.1, 7.4, 7.0, 7.0, 7.1, 7.1, 6.7, 6.7, 6.7, 7.0, 7.0];

/// Assumption: standard deviation of life satisfaction before it is rounded and cut to 0–10.
pub const LIFE_SATISFACTION_SD: f64 = 1.9;

/// Assumption: mean and standard deviation of job satisfaction, 1 to 7, for White groups and for
/// the others.
pub const JOB_SATISFACTION: [(f64, f64); 2] = [(5.3, 1.4), (5.1, 1.4)];

/// Assumption: share in paid work by age band; the others are not asked about their job.
pub const IN_WORK: [f64; AGES] = [0.55, 0.80, 0.82, 0.68, 0.10];

/// Assumption: shift of the log odds of discrimination and of loneliness by migration: born in
/// the UK, 10 years or more, under 10 years.
pub const MIGRATION_SHIFT: [(f64, f64); 3] = [(0.0, 0.0), (0.05, 0.05), (0.30, 0.25)];

/// Assumption: standard deviation of the sector's own shift of those log odds, and of life
/// satisfaction in points.
pub const SECTOR_EFFECT: (f64, f64) = (0.30, 0.25);

// ----------------------------------------------------------------------------------- the samples

/// Addresses drawn in each sector of the general population sample, as in the general population
/// sample of Understanding Society (Lynn 2009); here taken as an assumption.
pub const GENERAL_ADDRESSES: usize = 18;

/// Assumption: sectors of the general population sample, about (whole numbers per stratum).
pub const GENERAL_SECTORS: usize = 240;

/// Assumption: bands of ethnic density within each region that stratify the general sample.
pub const DENSITY_BANDS: usize = 3;

/// Assumption: share of sectors, by estimated number of eligible households, that the boost
/// covers. (Published of Understanding Society's boost: sectors with a low minority population
/// are left out, fractions over-sample areas of high density of the scarcest groups, sectors with
/// low expected yield are sub-sampled, addresses are screened; Berthoud et al. 2009, abstract.)
pub const BOOST_COVERAGE: f64 = 0.35;

/// One stratum of boost sectors, all assumptions.
pub struct BoostStratum {
    /// Share of the covered sectors, highest expected yield first.
    pub share: f64,
    /// Sectors drawn.
    pub sectors: usize,
    /// Addresses drawn and screened in each.
    pub addresses: usize,
}

/// The four strata of the boost.
pub const BOOST_STRATA: [BoostStratum; 4] = [
    BoostStratum { share: 0.13, sectors: 116, addresses: 54 },
    BoostStratum { share: 0.27, sectors: 84, addresses: 42 },
    BoostStratum { share: 0.30, sectors: 48, addresses: 36 },
    BoostStratum { share: 0.30, sectors: 26, addresses: 30 },
];

/// Assumption: the probability that an eligible household is kept, by the group of the member
/// whose group is kept most; 0 marks groups that are not eligible.
pub const KEEP: [f64; GROUPS] =
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.8, 1.0, 0.5, 0.5, 0.5, 0.7, 1.0, 1.0, 0.6, 0.6, 0.9, 0.8, 0.9, 0.6];

/// Assumption: adults interviewed at most per household.
pub const ADULTS_AT_MOST: usize = 3;

/// Assumption: response of households by region, and of adults in responding households.
pub const HOUSEHOLD_RESPONSE: [f64; REGIONS] =
    [0.60, 0.56, 0.56, 0.55, 0.52, 0.54, 0.45, 0.55, 0.58, 0.60];

/// Assumption: response of a selected adult in a responding household.
pub const ADULT_RESPONSE: f64 = 0.88;

/// Assumption: share of answers that are missing (−9) and "don't know" (−1).
pub mod item {
    /// Ethnic group.
    pub const ETHNIC: (f64, f64) = (0.010, 0.002);
    /// Discrimination.
    pub const DISCRIMINATED: (f64, f64) = (0.015, 0.007);
    /// Loneliness.
    pub const LONELY: (f64, f64) = (0.030, 0.003);
    /// Life satisfaction.
    pub const LIFE_SATISFACTION: (f64, f64) = (0.025, 0.004);
    /// Job satisfaction, of those in work.
    pub const JOB_SATISFACTION: (f64, f64) = (0.010, 0.002);
}
