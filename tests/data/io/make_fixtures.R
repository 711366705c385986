# Makes the fixtures that R haven writes: Rscript make_fixtures.R (in this folder).
# The values are made up. make_fixtures.py makes the rest and expected.json.
library(haven)
set.seed(20240531)

n <- 20
long <- paste(rep("Lorem ipsum dolor sit amet. ", 30), collapse = "")
pick <- function(x) sample(x, n, replace = TRUE)

sex <- labelled_spss(pick(c(1, 2, -9, -8)),
  labels = c(Male = 1, Female = 2, `Don't know` = -8, Refused = -9),
  na_values = c(-9, -8), label = "Sex of respondent")
age <- labelled_spss(pick(c(16:90, -9, -1, NA)),
  labels = c(Refused = -9, `Not applicable` = -1), na_range = c(-Inf, -1), label = "Age (years)")
income <- labelled_spss(pick(c(100.5, 2500.25, 31.125, -8, 999, NA)),
  labels = c(`Not stated` = 999), na_values = 999, na_range = c(-9, -1), label = "Income")
region <- labelled_spss(pick(c("NE", "NW", "XX", "")),
  labels = c(`North East` = "NE", `North West` = "NW", Unknown = "XX"),
  na_values = "XX", label = "Region")
plain <- tibble::tibble(
  id = seq_len(n) + 0,
  sex = sex, age = age, income = income, region = region,
  longtext = substr(pick(c(long, strtrim(long, 300), "short", "")), 1, 700),
  name_utf8 = pick(c("Zoë", "Łódź", "日本", "naïve café", "")),
  interview_date = as.Date("2024-05-31") + pick(c(-30000:-29990, 0:9, NA)),
  started_at = as.POSIXct("2024-05-31 13:45:10", tz = "UTC") + pick(c(0, 61.5, 86400, NA)),
  clock = hms::hms(pick(c(0, 3661, 86399, NA))),
  a_variable_with_a_rather_long_name = pick(c(0.1, -0, 1e300, NA)),
  a_variable_with_a_rather_long_name_2 = pick(c(1, 2, NA)),
  design_weight = round(runif(n, 0.5, 3), 6)
)
attr(plain$interview_date, "label") <- "Date of interview"
attr(plain, "label") <- "Fixture"
write_sav(plain, "haven_none.sav", compress = "none")
write_sav(plain, "haven_byte.sav", compress = "byte")
write_sav(plain, "haven.zsav", compress = "zsav")

# Stata: tagged missing values with labels, strL, dates.
stata <- function(strings, long_names) {
  d <- tibble::tibble(
    id = seq_len(n) + 0,
    sex = labelled(pick(c(1L, 2L, NA)), c(Male = 1L, Female = 2L), label = "Sex"),
    income = labelled(pick(c(100.5, 2500.25, NA, tagged_na("a"), tagged_na("b"), tagged_na("z"))),
      c(`Nothing` = 0, Refused = tagged_na("a"), `Don't know` = tagged_na("b")), label = "Income"),
    text = pick(c("abc", "x", "", "quite a bit longer")),
    interview_date = as.Date("2024-05-31") + pick(c(-3000:-2990, 0:9, NA)),
    started_at = as.POSIXct("2024-05-31 13:45:10", tz = "UTC") + pick(c(0, 61, 86400, NA)),
    design_weight = round(runif(n, 0.5, 3), 6)
  )
  if (strings) d$notes <- pick(c(substr(paste(rep(long, 4), collapse = ""), 1, 3000), "kurz", "", "Łódź"))
  if (long_names) d$a_long_name_of_32_characters____ <- pick(c(1, NA))
  d
}
write_dta(stata(FALSE, FALSE), "haven_v8.dta", version = 8)
write_dta(stata(FALSE, TRUE), "haven_v10.dta", version = 10)
write_dta(stata(FALSE, TRUE), "haven_v12.dta", version = 12)
write_dta(stata(TRUE, TRUE), "haven_v13.dta", version = 13, strl_threshold = 200)
write_dta(stata(TRUE, TRUE), "haven_v14.dta", version = 14, strl_threshold = 200, label = "Fixture")
write_dta(stata(TRUE, TRUE), "haven_v15.dta", version = 15, strl_threshold = 200)

# SAS.
sas <- tibble::tibble(
  ID = seq_len(n) + 0,
  SCORE = pick(c(0.1, -273.15, 1e10, NA)),
  NAME = pick(c("abc", "a longer text", "")),
  VISIT = as.Date("2024-05-31") + pick(c(-30000, 0, 1, NA)),
  WHEN = as.POSIXct("2024-05-31 13:45:10", tz = "UTC") + pick(c(0, 61, NA)),
  WT = round(runif(n, 0.5, 3), 6)
)
attr(sas$SCORE, "label") <- "A score"
write_xpt(sas, "haven_v5.xpt", version = 5)
names(sas)[2] <- "a_score_with_a_long_name"
write_xpt(sas, "haven_v8.xpt", version = 8)
suppressWarnings(write_sas(sas, "haven.sas7bdat"))

# SAS files whose columns name formats of by_hand.sas7bcat.
formats <- tibble::tibble(SEX = c(1, 2, tagged_na("A"), 1, -9), REGION = c("N", "S", "X", "", "N"),
  OCC = c(5, 59, 60, 1, 2), W = c(1, 2, 3, 4, 5.5))
attr(formats$SEX, "format.sas") <- "SEXF"
attr(formats$REGION, "format.sas") <- "$REGF"
attr(formats$OCC, "format.sas") <- "OCCF"
write_xpt(formats, "haven_formats.xpt", version = 8)
suppressWarnings(write_sas(formats, "haven_formats.sas7bdat"))
