"""Times what river and Evidently do with the data of our benchmarks: nanoseconds per value.

    pip install river==0.26.1 evidently==0.7.23 'pandas<3' && python peers.py [VALUES]

Detectors take a stream of 0 and 1 with rate 0.1 (KSWIN a uniform one, and fewer values: it runs a
test at each); distances take a reference and a current sample of VALUES numbers each (default
1,000,000) and are divided by the number of values of both. Processor time, after one warm-up on a
hundredth of the data.
"""

import os
import sys
import time

os.environ.setdefault("DO_NOT_TRACK", "1")

import numpy
import pandas
from evidently.legacy.calculations.stattests.jensenshannon import jensenshannon_stat_test
from evidently.legacy.calculations.stattests.ks_stattest import ks_stat_test
from evidently.legacy.calculations.stattests.psi import psi_stat_test
from evidently.legacy.calculations.stattests.wasserstein_distance_norm import wasserstein_stat_test
from evidently.legacy.core import ColumnType
from river import drift

VALUES = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000


def report(what, values, seconds):
    print(f"{what:<28} {seconds / values * 1e9:12.1f} ns/value  ({values:,} values)", flush=True)


def stream(what, make, values):
    def run(values):
        detector = make()
        start = time.process_time()
        for value in values:
            detector.update(value)
        return time.process_time() - start

    run(values[: len(values) // 100])
    report(what, len(values), run(values))


def compare(what, test, reference, current):
    def run(count):
        one, two = pandas.Series(reference[:count]), pandas.Series(current[:count])
        start = time.process_time()
        test.func(one, two, ColumnType.Numerical, test.default_threshold)
        return time.process_time() - start

    run(VALUES // 100)
    report(what, 2 * VALUES, run(VALUES))


rng = numpy.random.default_rng(20260213)
bits = (rng.random(VALUES) < 0.1).astype(float).tolist()
stream("river ADWIN", drift.ADWIN, bits)
stream("river PageHinkley", drift.PageHinkley, bits)
stream("river KSWIN", lambda: drift.KSWIN(seed=1), rng.random(min(VALUES, 2_000)).tolist())
stream("river DDM", drift.binary.DDM, bits)
stream("river EDDM", drift.binary.EDDM, bits)
reference, current = rng.lognormal(6.8, 0.5, VALUES), rng.lognormal(6.9, 0.5, VALUES)
for what, test in [
    ("Evidently psi", psi_stat_test),
    ("Evidently jensenshannon", jensenshannon_stat_test),
    ("Evidently ks", ks_stat_test),
    ("Evidently wasserstein", wasserstein_stat_test),
]:
    compare(what, test, reference, current)
