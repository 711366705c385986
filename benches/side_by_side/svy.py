"""Time the package svy on the synthetic survey of the benches.

    python svy.py FOLDER [REPEATS] [TASK ...]

FOLDER is what `cargo run --release --example make_survey -- ROWS FOLDER` wrote. Every line is

    task  best  median  cpu  check ...

in seconds of the call itself, the data being in memory; cpu is the median of the processor time of
all threads. The checks are numbers to hold against
those of other systems; DOMAIN is one of the 54 domains eth x mig.
"""

import sys

# A script's own folder comes first on the path, and this file is named like the package.
sys.path.pop(0)

import statistics
import time
from pathlib import Path

import polars as pl
import svy

DOMAIN = {"eth": 9, "mig": 1}
FACTORS = ["region", "agesex", "eth", "mig", "educ"]
OUTCOMES = ["discrim", "lonely", "satis"]


def main():
    folder = Path(sys.argv[1])
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    tasks = sys.argv[3:] or list(TASKS)
    data = pl.read_parquet(folder / "survey.parquet")
    design = svy.Design(stratum="stratum", psu="psu", wgt="base_w")
    sample = svy.Sample(data, design)
    margins = read_margins(folder / "margins.csv")
    print(f"# svy {svy.__version__}, {data.height} rows, best and median of {repeats}")
    for task in tasks:
        prepare, run, check = TASKS[task]
        # What a task starts from is made anew for every repeat, outside the clock.
        seconds, cpu = [], []
        for _ in range(repeats):
            start = prepare(sample, margins)
            clock, used = time.perf_counter(), time.process_time()
            result = run(start, margins)
            seconds.append(time.perf_counter() - clock)
            cpu.append(time.process_time() - used)
        numbers = " ".join(f"{x:.12g}" for x in check(result))
        times = (min(seconds), statistics.median(seconds), statistics.median(cpu))
        print(task, *(f"{t:.4f}" for t in times), numbers, flush=True)


def read_margins(path):
    table = pl.read_csv(path)
    return {
        factor: dict(table.filter(pl.col("variable") == factor).select("level", "total").iter_rows())
        for factor in FACTORS
    }


def as_given(sample, _margins):
    return sample


def raked(sample, margins):
    return sample.weighting.rake(controls=margins, tol=1e-10, max_iter=1000)


def three_means(sample, _margins):
    return sample.estimation.mean(OUTCOMES, by=["eth", "mig"])


def one_mean(sample, _margins):
    return sample.estimation.mean("discrim", by=["eth", "mig"])


def calibrated(sample, margins):
    return sample.weighting.calibrate(controls={svy.Cat(f): margins[f] for f in FACTORS})


def bootstrap(sample, margins):
    """200 replicates, each raked, and means of three outcomes."""
    made = sample.weighting.create_bs_wgts(200, rstate=1)
    made = made.weighting.rake(controls=margins, tol=1e-10, max_iter=1000)
    return made.estimation.mean(OUTCOMES, by=["eth", "mig"], method="replication")


def domain_values(estimates):
    """Estimate and standard error of each outcome in the domain."""
    rows = estimates.to_polars()
    for variable, level in DOMAIN.items():
        rows = rows.filter(pl.col(variable).cast(pl.Int64) == level)
    return [x for pair in rows.select("est", "se").iter_rows() for x in pair]


def weight_values(column):
    """First and largest weight, and their sum."""

    def values(sample):
        w = sample.data[column]
        return [w[0], w.max(), w.sum()]

    return values


TASKS = {
    "three_means_54": (as_given, three_means, domain_values),
    "one_mean_54": (as_given, one_mean, domain_values),
    "rake": (as_given, raked, weight_values("rk_wgt")),
    "one_mean_54_raked": (raked, one_mean, domain_values),
    "bootstrap_200_raked": (as_given, bootstrap, domain_values),
    "linear": (as_given, calibrated, weight_values("calib_wgt")),
}

if __name__ == "__main__":
    main()
