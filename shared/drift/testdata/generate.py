"""Writes the vectors of tests/oracle.rs: answers of numpy, scipy, statsmodels and of a plain
restatement of the e-SR recursion in its betting form.

    pip install numpy scipy statsmodels && python generate.py

The alarm index of a stream is the number of values up to and including the one at which the
e-value reaches the threshold; the detector then starts anew with the next value.
"""

import json
import pathlib
import platform

import numpy
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

SEED = 20260115
HERE = pathlib.Path(__file__).parent
ODDS = [1.26, 1.63, 2.2, 3.7, 5.6, 17]
SHARES = [0.13, 0.21, 0.22, 0.34, 0.07, 0.03]


def write(name, cases):
    head = {
        "generator": "generate.py",
        "seed": SEED,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "statsmodels": statsmodels.__version__,
    }
    (HERE / name).write_text(json.dumps({"head": head, "cases": cases}, separators=(",", ":")) + "\n")


def alarms(values, low, high, threshold):
    """Alarm indices of the mixture: bets lam on x against m, or on 1-x against 1-m."""
    sides = []
    if high is not None:
        sides.append((False, high))
    if low is not None:
        sides.append((True, 1 - low))
    bets = [(mirrored, m, share / len(sides), odds * m / (1 - m + odds * m))
            for mirrored, m in sides for odds, share in zip(ODDS, SHARES)]
    capital, found = [0.0] * len(bets), []
    for index, x in enumerate(values):
        for j, (mirrored, m, share, p) in enumerate(bets):
            y = 1 - x if mirrored else x
            capital[j] = (capital[j] + share) * (1 + (p - m) / (1 - m) * (y / m - 1))
        if sum(capital) >= threshold:
            found.append(index + 1)
            capital = [0.0] * len(bets)
    return found


def esr(rng):
    cases = []
    for low, high, before, after in [
        (None, 0.1, 0.1, 0.15), (None, 0.1, 0.1, 0.3), (None, 0.5, 0.5, 0.74),
        (None, 0.01, 0.01, 0.05), (0.3, None, 0.3, 0.1), (0.1, 0.1, 0.1, 0.3),
        (0.45, 0.55, 0.5, 0.25),
    ]:
        for _ in range(4):
            values = numpy.concatenate([rng.random(500) < before, rng.random(1500) < after])
            found = alarms(values.astype(float), low, high, 1000.0)
            bits = "".join("1" if value else "0" for value in values)
            cases.append({"low": low, "high": high, "threshold": 1000.0, "bits": bits, "alarms": found})
    for a, b in [(2, 8), (4, 6)]:
        values = numpy.round(numpy.concatenate([rng.beta(2, 8, 400), rng.beta(a + 1, b, 400)]), 4)
        found = alarms(values, None, 0.2, 500.0)
        cases.append({"low": None, "high": 0.2, "threshold": 500.0, "values": values.tolist(), "alarms": found})
    return cases


def intervals():
    cases = []
    for level in [0.95, 0.99]:
        for successes, trials in [(0, 1), (1, 1), (0, 30), (30, 30), (1, 7), (10, 100), (198, 400),
                                  (245, 1700), (99999, 1000000)]:
            wilson = proportion_confint(successes, trials, 1 - level, "wilson")
            exact = proportion_confint(successes, trials, 1 - level, "beta")
            upper = 1.0 if successes == trials else stats.beta.ppf(level, successes + 1, trials - successes)
            cases.append({"kind": "rate", "level": level, "successes": successes, "trials": trials,
                          "wilson": list(map(float, wilson)), "clopper_pearson": list(map(float, exact)),
                          "upper": float(upper)})
        for one, two in [((56, 70), (48, 80)), ((9, 10), (3, 10)), ((10, 10), (0, 20)), ((5, 56), (0, 29)),
                         ((295, 400), (198, 400))]:
            low, high = confint_proportions_2indep(*one, *two, method="newcomb", compare="diff", alpha=1 - level)
            cases.append({"kind": "difference", "level": level, "one": one, "two": two,
                          "newcombe": [float(low), float(high)]})
        for count, mean, variance in [(2, 0.5, 0.01), (10, -3.0, 4.0), (30, 0.7, 0.04), (5000, 0.1, 0.09)]:
            low, high = stats.t.interval(level, count - 1, mean, (variance / count) ** 0.5)
            cases.append({"kind": "mean", "level": level, "count": count, "mean": mean, "variance": variance,
                          "t": [float(low), float(high)]})
    return cases


def sketches(rng):
    cases = []
    for name, values in [
        ("lognormal", rng.lognormal(7, 0.8, 800)),
        ("uniform", rng.random(300)),
        ("ties", numpy.floor(rng.random(300) * 5)),
        ("pareto", 1e-6 * rng.pareto(0.5, 400)),
    ]:
        values = numpy.array([float(f"{value:.6g}") for value in values])
        quantiles = [0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0]
        exact = numpy.quantile(values, quantiles, method="inverted_cdf")
        cases.append({"name": name, "values": values.tolist(), "quantiles": quantiles, "exact": exact.tolist()})
    return cases


write("esr_bounded.json", esr(numpy.random.default_rng(SEED)))
write("intervals.json", intervals())
write("sketch.json", sketches(numpy.random.default_rng(SEED + 1)))
