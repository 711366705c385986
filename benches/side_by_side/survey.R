# Time the R package survey on the synthetic survey of the benches.
#
#     Rscript survey.R FOLDER [REPEATS] [TASK ...]
#
# FOLDER is what `cargo run --release --example make_survey -- ROWS FOLDER` wrote. Every line is
#
#     task  best  median  cpu  check ...
#
# in seconds of the call itself, the data being in memory; cpu is the median of the processor time. The checks are numbers to hold against
# those of other systems; the domain is one of the 54 domains eth x mig.
#
# After rake() this package sweeps the variance with unweighted means, which makes standard errors
# too large when base weights differ; the task one_mean_54_calibrated has those after
# calibrate(calfun = "raking"), which gives the same weights and the right variance.

suppressMessages(library(survey))
options(survey.lonely.psu = "adjust")

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
repeats <- if (length(arguments) > 1) as.integer(arguments[2]) else 3L

factors <- c("region", "agesex", "eth", "mig", "educ")
survey_data <- read.csv(file.path(folder, "survey.csv"))
margins <- read.csv(file.path(folder, "margins.csv"))
for (f in factors) survey_data[[f]] <- factor(survey_data[[f]])
population <- sum(margins$total[margins$variable == "region"])

design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~base_w, data = survey_data)

one_sided <- function(names) as.formula(paste("~", paste(names, collapse = " + ")))

margin_table <- function(f) {
  own <- margins[margins$variable == f, ]
  table <- data.frame(factor(own$level, levels = levels(survey_data[[f]])), own$total)
  setNames(table, c(f, "Freq"))
}

# Totals in the order of the model matrix: the intercept, then every level but the first.
model_totals <- function() {
  parts <- lapply(factors, function(f) {
    own <- margins[margins$variable == f, ]
    own <- own[order(own$level), ][-1, ]
    setNames(own$total, paste0(f, own$level))
  })
  c("(Intercept)" = population, unlist(parts))
}

by_domain <- function(design, outcomes) {
  svyby(one_sided(outcomes), ~eth + mig, design, svymean, keep.names = FALSE)
}

# epsilon is the largest change of a table between two sweeps as a share of all weights; 1e-13 of
# them is about 1e-10 of the smallest margin level here.
rake_it <- function() {
  rake(design, lapply(factors, one_sided), lapply(factors, margin_table),
       control = list(maxit = 1000, epsilon = 1e-13))
}

calibrate_it <- function(distance, bounds = c(-Inf, Inf)) {
  calibrate(design, one_sided(factors), model_totals(), calfun = distance, bounds = bounds,
            epsilon = 1e-10, maxit = 200)
}

domain_values <- function(table) {
  row <- table[table$eth == "9" & table$mig == "1", ]
  outcomes <- intersect(c("discrim", "lonely", "satis"), names(table))
  errors <- if (length(outcomes) == 1) "se" else paste0("se.", outcomes)
  unlist(mapply(function(o, e) c(row[[o]], row[[e]]), outcomes, errors, SIMPLIFY = FALSE))
}

weight_values <- function(design) {
  w <- weights(design)
  c(w[1], max(w), sum(w))
}

nothing <- function() design
three_means <- function(d) by_domain(d, c("discrim", "lonely", "satis"))
one_mean <- function(d) by_domain(d, "discrim")

# What a task starts from (made outside the clock), what is timed, what is checked.
tasks <- list(
  three_means_54 = list(nothing, three_means, domain_values),
  one_mean_54 = list(nothing, one_mean, domain_values),
  rake = list(nothing, function(d) rake_it(), weight_values),
  one_mean_54_raked = list(rake_it, one_mean, domain_values),
  linear = list(nothing, function(d) calibrate_it("linear"), weight_values),
  logit = list(nothing, function(d) calibrate_it("logit", c(0.2, 5)), weight_values),
  one_mean_54_calibrated = list(function() calibrate_it("raking"), one_mean, domain_values)
)

chosen <- if (length(arguments) > 2) arguments[-(1:2)] else names(tasks)
cat(sprintf("# survey %s, %d rows, best and median of %d\n",
            packageVersion("survey"), nrow(survey_data), repeats))
for (name in chosen) {
  task <- tasks[[name]]
  start <- task[[1]]()
  seconds <- cpu <- numeric(repeats)
  for (k in seq_len(repeats)) {
    spent <- system.time(result <- task[[2]](start), gcFirst = TRUE)
    seconds[k] <- spent[["elapsed"]]
    cpu[k] <- spent[["user.self"]] + spent[["sys.self"]]
  }
  numbers <- paste(sprintf("%.12g", task[[3]](result)), collapse = " ")
  cat(sprintf("%s %.4f %.4f %.4f %s\n", name, min(seconds), median(seconds), median(cpu), numbers))
  flush(stdout())
}
