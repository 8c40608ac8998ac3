"""Writes the vectors of tests/drift/classical.rs: alarm indices of river's ADWIN, Page-Hinkley,
DDM and EDDM, and of KSWIN with evenly spaced sampling and scipy's exact test.

    pip install river==0.26.1 scipy==1.17.1 && python generate_classical.py

The alarm index of a stream is the number of values up to and including the one that alarms; the
detector then starts anew with the next value, as river's do. Bits are a string; other values are
whole numbers, to be divided by the stream's `scale`.
"""

import json
import pathlib
import platform

import numpy
import river
import scipy
from river import drift
from scipy import stats

SEED = 20260212
HERE = pathlib.Path(__file__).parent


def alarms(detector, values):
    found = []
    for index, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            found.append(index + 1)
    return found


def kswin(values, window, recent, alpha):
    """Tests the newest values against as many older ones, evenly spaced. The p-value depends on the
    distance alone, so scipy is asked once for each."""
    found, kept, known = [], [], {}
    older = window - recent
    for index, value in enumerate(values):
        kept = kept[-(window - 1):] + [value]
        if len(kept) < window:
            continue
        sampled = [kept[i * older // recent] for i in range(recent)]
        one, two = numpy.sort(sampled), numpy.sort(kept[older:])
        pooled = numpy.concatenate([one, two])
        apart = numpy.searchsorted(one, pooled, "right") - numpy.searchsorted(two, pooled, "right")
        distance = int(numpy.abs(apart).max())
        if distance not in known:
            test = stats.ks_2samp(sampled, kept[older:], method="exact")
            assert round(test.statistic * recent) == distance
            known[distance] = test.pvalue
        if known[distance] <= alpha:
            found.append(index + 1)
            kept = []
    return found


def bits(rng, parts):
    values = numpy.concatenate([rng.random(count) < rate for count, rate in parts])
    return {"bits": "".join("1" if value else "0" for value in values)}


def numbers(values, scale):
    return {"scale": scale, "values": numpy.rint(numpy.concatenate(values) * scale).astype(int).tolist()}


def read(stream):
    if "bits" in stream:
        return [float(bit) for bit in stream["bits"]]
    return [value / stream["scale"] for value in stream["values"]]


def streams(rng):
    return [
        bits(rng, [(1500, 0.1), (1500, 0.3), (1500, 0.05), (1500, 0.15)]),
        bits(rng, [(4000, 0.2), (4000, 0.26)]),
        bits(rng, [(300, 0.5), (300, 0.8), (300, 0.2), (300, 0.95), (300, 0.5)] * 2),
        bits(rng, [(2000, 0.02), (1000, 0.1), (2000, 0.02)]),
        numbers([rng.beta(2, 8, 1200), rng.beta(3, 8, 1200), rng.beta(2, 12, 1200)], 1000),
        numbers([rng.normal(0, 1, 1000), rng.normal(0.5, 1, 1000), rng.normal(0.5, 3, 1000)], 100),
        numbers([rng.lognormal(7, 0.5, 900), rng.lognormal(7.3, 0.5, 900), rng.lognormal(6.9, 0.2, 900)], 1),
    ]


rng = numpy.random.default_rng(SEED)
made = streams(rng)
cases = []
for at, stream in enumerate(made):
    values = read(stream)

    def case(detector, found, **settings):
        cases.append({"stream": at, "detector": detector, **settings, "alarms": found})

    for delta in [0.002, 0.05, 0.5]:
        case("adwin", alarms(drift.ADWIN(delta=delta), values), delta=delta)
    case("adwin", alarms(drift.ADWIN(0.01, 7, 3, 10, 40), values),
         delta=0.01, clock=7, buckets_max=3, side_min=10, grace=40)
    spread = float(numpy.std(values))
    for threshold, delta, alpha, minimum in [(10.0, 0.005, 0.9999, 30), (20.0, 0.05, 1.0, 100), (5.0, 0.1, 0.99, 10)]:
        threshold, delta = round(threshold * spread, 4), round(delta * spread, 6)
        for mode in ["up", "down", "both"]:
            found = alarms(drift.PageHinkley(minimum, delta, threshold, alpha, mode), values)
            case("page-hinkley", found, mode=mode, threshold=threshold, delta=delta, alpha=alpha, minimum=minimum)
    for window, recent, alpha in [(100, 30, 0.005), (100, 30, 0.0001), (60, 20, 0.01), (75, 25, 0.001)]:
        case("kswin", kswin(values, window, recent, alpha), window=window, recent=recent, alpha=alpha)
    if "bits" in stream:
        for warm_up, level in [(30, 3.0), (100, 4.0), (30, 2.5)]:
            case("ddm", alarms(drift.binary.DDM(warm_up, 2.0, level), values), warm_up=warm_up, threshold=level)
        for warm_up, beta in [(30, 0.9), (50, 0.8), (30, 0.7)]:
            found = alarms(drift.binary.EDDM(warm_up, 0.95, beta), values)
            case("eddm", found, warm_up=warm_up, beta=beta)

head = {
    "generator": "generate_classical.py",
    "seed": SEED,
    "python": platform.python_version(),
    "numpy": numpy.__version__,
    "scipy": scipy.__version__,
    "river": river.__version__,
}
document = {"head": head, "streams": made, "cases": cases}
(HERE / "classical.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
print(len(cases), "cases,", sum(len(case["alarms"]) for case in cases), "alarms")
