"""What river and Evidently take for the data of the benchmark `peers`, which calls this.

    python peers.py DIRECTORY

The directory holds streams of 64-bit floats, little-endian: `bits`, `uniform`, `reference` and
`current`. One line of JSON for each measurement: nanoseconds of processor time per value, the
better of two runs after a warm-up on a hundredth of the data. The first line names versions and the
CRC-32 of what was read, so that both sides are known to have had the same data.
"""

import json
import os
import pathlib
import sys
import time
import zlib

os.environ.setdefault("DO_NOT_TRACK", "1")

import evidently
import numpy
import pandas
import river
from evidently.legacy.calculations.stattests.jensenshannon import jensenshannon_stat_test
from evidently.legacy.calculations.stattests.ks_stattest import ks_stat_test
from evidently.legacy.calculations.stattests.psi import psi_stat_test
from evidently.legacy.calculations.stattests.wasserstein_distance_norm import wasserstein_stat_test
from evidently.legacy.core import ColumnType
from river import drift

HERE = pathlib.Path(sys.argv[1])
CHECKS = {}


def read(name):
    content = (HERE / name).read_bytes()
    CHECKS[name] = zlib.crc32(content)
    return numpy.frombuffer(content, dtype="<f8")


def report(name, values, run):
    run(values // 100)
    seconds = min(run(values), run(values))
    print(json.dumps({"name": name, "nanoseconds": seconds / values * 1e9}), flush=True)


def stream(name, make, values):
    def run(count):
        detector, some = make(), values[:count]
        start = time.process_time()
        for value in some:
            detector.update(value)
        return time.process_time() - start

    report(name, len(values), run)


def compare(name, test, reference, current):
    def run(count):
        one, two = pandas.Series(reference[: count // 2]), pandas.Series(current[: count // 2])
        start = time.process_time()
        test.func(one, two, ColumnType.Numerical, test.default_threshold)
        return time.process_time() - start

    report(name, len(reference) + len(current), run)


bits, uniform = read("bits").tolist(), read("uniform").tolist()
reference, current = read("reference"), read("current")
versions = f"river {river.__version__}, Evidently {evidently.__version__}, Python {sys.version.split()[0]}"
print(json.dumps({"versions": versions, "crc32": CHECKS}), flush=True)
stream("adwin", drift.ADWIN, bits)
stream("page-hinkley", drift.PageHinkley, bits)
stream("kswin", lambda: drift.KSWIN(seed=1), uniform)
stream("ddm", drift.binary.DDM, bits)
stream("eddm", drift.binary.EDDM, bits)
for name, test in [
    ("psi", psi_stat_test),
    ("jensen-shannon", jensenshannon_stat_test),
    ("kolmogorov-smirnov", ks_stat_test),
    ("wasserstein", wasserstein_stat_test),
]:
    compare(name, test, reference, current)
