# Writes expected.json: what R haven reads from every fixture: Rscript make_expected.R.
library(haven)
library(jsonlite)

number <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))
column <- function(x) {
  out <- list(label = attr(x, "label", exact = TRUE))
  labels <- attr(x, "labels", exact = TRUE)
  tags <- if (is.double(x)) na_tag(x) else rep(NA_character_, length(x))
  user <- if (inherits(x, "haven_labelled_spss")) !is.na(unclass(x)) & is.na(x) else rep(FALSE, length(x))
  if (is.character(x)) {
    values <- as.character(unclass(x))
    out$missing <- as.list(table(values[user]))
    values[user | values == ""] <- NA
    out$values <- ifelse(is.na(values), list(NULL), as.list(values))
    if (!is.null(labels)) out$labels <- as.list(setNames(names(labels), labels))
    return(out)
  }
  if (inherits(x, "Date")) out$calendar <- "Date"
  if (inherits(x, "POSIXct")) out$calendar <- "DateTime"
  if (inherits(x, "hms")) out$calendar <- "Time"
  values <- as.numeric(unclass(x))
  if (inherits(x, "Date")) values <- floor(values)
  codes <- c(ifelse(is.na(tags), NA, paste0(".", tags)), number(values[user]))
  out$missing <- as.list(table(codes[!is.na(codes)]))
  values[user] <- NA
  out$numbers <- number(values)
  if (!is.null(labels)) {
    keys <- as.numeric(labels)
    tagged <- na_tag(labels)
    keys <- ifelse(is.na(tagged), number(keys), paste0(".", tagged))
    out$labels <- as.list(setNames(names(labels), keys))
  }
  out
}
read <- function(file) switch(tools::file_ext(file),
  sav = , zsav = read_sav(file, user_na = TRUE),
  dta = read_dta(file, encoding = if (grepl("v114", file)) "windows-1252"),
  xpt = read_xpt(file),
  sas7bdat = read_sas(file)
)
# The three packings of one table are held against each other in the test.
files <- setdiff(list.files(pattern = "\\.(sav|zsav|dta|xpt|sas7bdat)$"), c("haven_none.sav", "haven.zsav",
  # haven reads the long texts of this one as missing; it has the rows of pandas_v118_big.dta.
  "pandas_v119_little.dta"))
files <- sort(files, method = "radix")
expected <- lapply(setNames(nm = files), function(file) {
  tryCatch(lapply(as.list(read(file)), column), error = function(e) {
    message(file, ": ", conditionMessage(e))
    NULL
  })
})
expected <- Filter(Negate(is.null), expected)
write_json(expected, "expected.json", auto_unbox = TRUE, null = "null", pretty = FALSE)
