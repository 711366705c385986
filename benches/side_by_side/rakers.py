"""Time the raking libraries rimpy, leafblower and weightipy on the synthetic survey of the benches.

    python rakers.py FOLDER [REPEATS]

FOLDER is what `cargo run --release --example make_survey -- ROWS FOLDER` wrote. They rake to the
five margins from equal weights, each in the form of data it likes best, made outside the clock,
and with a tolerance of 1e-10 by its own rule. For every library that is installed two lines:

    # name version (largest relative misfit of a margin), rows
    rake_equal  best  median  cpu  check ...

in seconds, cpu being the median of the processor time of all threads; the checks are the first and the largest weight and the sum.
"""

import importlib
import statistics
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import polars as pl

FACTORS = ["region", "agesex", "eth", "mig", "educ"]
TOLERANCE = 1e-10
SWEEPS = 1000


def main():
    # Some warn of caps that are not used here.
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    data = pl.read_parquet(folder / "survey.parquet", columns=FACTORS)
    table = pl.read_csv(folder / "margins.csv")
    margins = {
        factor: dict(table.filter(pl.col("variable") == factor).select("level", "total").iter_rows())
        for factor in FACTORS
    }
    for name, prepare in LIBRARIES.items():
        try:
            library = importlib.import_module(name)
        except ImportError:
            continue
        rake = prepare(library, data, margins)
        seconds, cpu = [], []
        for _ in range(repeats):
            clock, used = time.perf_counter(), time.process_time()
            weights = rake()
            seconds.append(time.perf_counter() - clock)
            cpu.append(time.process_time() - used)
        times = (min(seconds), statistics.median(seconds), statistics.median(cpu))
        report(name, data, margins, times, pl.Series("w", weights))


def report(name, data, margins, times, weights):
    population = sum(margins["region"].values())
    weights = weights * (population / weights.sum())
    misfit = 0.0
    for factor, totals in margins.items():
        sums = data.select(factor, w=weights).group_by(factor).agg(pl.col("w").sum())
        for level, reached in sums.iter_rows():
            misfit = max(misfit, abs(reached / totals[level] - 1))
    print(f"# {name} {version(name)} (misfit {misfit:.0e}), {data.height} rows")
    numbers = " ".join(f"{x:.12g}" for x in (weights[0], weights.max(), weights.sum()))
    print("rake_equal", *(f"{t:.4f}" for t in times), numbers, flush=True)


def shares(margins, key=int, total=1.0):
    return {
        factor: {key(level): total * t / sum(totals.values()) for level, t in totals.items()}
        for factor, totals in margins.items()
    }


def with_rimpy(rimpy, data, margins):
    targets = shares(margins, total=100.0)

    def run():
        done = rimpy.rake(data, targets, max_iterations=SWEEPS, convergence_threshold=TOLERANCE)
        return done["weight"].to_numpy()

    return run


def with_leafblower(leafblower, data, margins):
    text = data.to_pandas().astype(str)
    targets = shares(margins, key=str)

    def run():
        done = leafblower.harvest(
            text,
            targets,
            max_weight=1e9,
            method="raking",
            max_iterations=SWEEPS,
            convergence={"absolute": TOLERANCE},
            attach_weights=False,
        )
        return done["weights"] if isinstance(done, dict) else done

    return run


def with_weightipy(weightipy, data, margins):
    frame = data.to_pandas()
    targets = shares(margins, total=100.0)
    limits = {"max_iterations": SWEEPS, "convcrit": TOLERANCE}

    def run():
        scheme = weightipy.scheme_from_dict(targets, rim_params=limits)
        return weightipy.weight_dataframe(frame, scheme, weight_column="w")["w"].to_numpy()

    return run


LIBRARIES = {"rimpy": with_rimpy, "leafblower": with_leafblower, "weightipy": with_weightipy}

if __name__ == "__main__":
    main()
