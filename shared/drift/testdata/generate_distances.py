"""Writes the vectors of tests/drift/distance.rs: answers of scipy and Evidently, and the binning
conventions of Evidently and NannyML.

    pip install scipy==1.17.1 evidently==0.7.23 'pandas<3' && python generate_distances.py

NannyML 0.13.1 is restated, not called: Doane's bins on the reference alone, what lies outside of
them in a bin of its own, Jensen-Shannon to the base 2.
The p-value of Cramer-von Mises is computed with scipy's Bessel function: scipy's own stops its
series at terms of 1e-7.
"""

import json
import pathlib
import platform
import warnings

import evidently
import numpy
import pandas
import scipy
from evidently.legacy.calculations.stattests.hellinger_distance import hellinger_stat_test
from evidently.legacy.calculations.stattests.jensenshannon import jensenshannon_stat_test
from evidently.legacy.calculations.stattests.psi import psi_stat_test
from evidently.legacy.calculations.stattests.utils import get_binned_data
from evidently.legacy.calculations.stattests.wasserstein_distance_norm import wasserstein_stat_test
from evidently.legacy.core import ColumnType
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

SEED = 20260211
HERE = pathlib.Path(__file__).parent
BINS = 10


def of_counts(reference, current):
    """Measures of two lists of counts."""
    reference, current = numpy.array(reference), numpy.array(current)
    n, m, bins = reference.sum(), current.sum(), len(reference)
    p, q = (reference + 0.5) / (n + 0.5 * bins), (current + 0.5) / (m + 0.5 * bins)
    share, other = reference / n, current / m
    occur = reference + current > 0
    both = numpy.array([reference[occur], current[occur]])
    chance = (1 / n + 1 / m) * stats.chi2.ppf(0.999, both.shape[1] - 1) if both.shape[1] > 1 else 0.0
    found = {
        "psi": float(numpy.sum((p - q) * numpy.log(p / q))),
        "chance": float(chance),
        "js_two": float(jensenshannon(share, other, base=2)),
        "js_e": float(jensenshannon(share, other)),
        "hellinger": float(numpy.sqrt(numpy.sum((numpy.sqrt(share) - numpy.sqrt(other)) ** 2) / 2)),
    }
    if both.shape[1] > 1:
        for name, kind in [("chi_square", "pearson"), ("g", "log-likelihood")]:
            test = stats.chi2_contingency(both, correction=False, lambda_=kind)
            found[name] = [float(test.statistic), float(test.pvalue)]
    return found


def quantile_bins(reference, current):
    """Counts between the quantiles (inverted_cdf) of the reference."""
    ordered, n = numpy.sort(reference), len(reference)
    borders = numpy.unique([ordered[-(-i * n // BINS) - 1] for i in range(1, BINS)])
    pair = [numpy.bincount(numpy.searchsorted(borders, values, side="left"), minlength=len(borders) + 1)
            for values in (reference, current)]
    keep = slice(None) if pair[0][-1] + pair[1][-1] > 0 else slice(-1)
    return [counts[keep].tolist() for counts in pair]


def limit(x):
    """Distribution function of the limit of Cramer and von Mises."""
    k = numpy.arange(60)
    q = (4 * k + 1) ** 2 / (16 * x)
    weights = numpy.exp(special.gammaln(k + 0.5) - special.gammaln(k + 1))
    return float(numpy.sum(weights * numpy.sqrt(4 * k + 1) * numpy.exp(-q) * special.kv(0.25, q))
                 / (numpy.pi**1.5 * numpy.sqrt(x)))


def cramer_von_mises(reference, current):
    test = stats.cramervonmises_2samp(reference, current, method="asymptotic")
    n, m = len(reference), len(current)
    both, product = n + m, n * m
    mean = (1 + 1 / both) / 6
    variance = (both + 1) * (4 * product * both - 3 * (n**2 + m**2) - 2 * product)
    variance = variance / (45 * both**2 * 4 * product)
    x = 1 / 6 + (test.statistic - mean) / numpy.sqrt(45 * variance)
    p = 1.0 if x < 0.003 else max(0.0, 1.0 - limit(x))
    return [float(test.statistic), p, float(test.pvalue)]


def of_evidently(reference, current):
    """Scores of Evidently, with the shares and counts that it bins into."""
    one, two = pandas.Series(reference), pandas.Series(current)
    kind = ColumnType.Numerical

    def score(test):
        return float(test.func(one.copy(), two.copy(), kind, 0.1)[0])

    filled = get_binned_data(one, two, kind, 30)
    plain = get_binned_data(one, two, kind, 30, False)
    edges = numpy.histogram_bin_edges(list(set(one.unique()) | set(two.unique())), bins="sturges")
    return {
        "psi": score(psi_stat_test),
        "psi_shares": [side.tolist() for side in filled],
        "js": score(jensenshannon_stat_test),
        "js_counts": [numpy.rint(side * len(values)).astype(int).tolist()
                      for side, values in zip(plain, (reference, current))],
        "hellinger": score(hellinger_stat_test),
        "hellinger_counts": [numpy.histogram(values, bins=edges)[0].tolist() for values in (reference, current)],
        "wasserstein": score(wasserstein_stat_test),
    }


def of_nannyml(reference, current):
    edges = numpy.histogram_bin_edges(reference, bins="doane")
    pair = [numpy.histogram(values, bins=edges)[0].tolist() for values in (reference, current)]
    for counts, values in zip(pair, (reference, current)):
        counts.append(len(values) - sum(counts))
    shares = [numpy.array(counts) / sum(counts) for counts in pair]
    return {"counts": pair, "js": float(jensenshannon(*shares, base=2))}


def samples(rng):
    cases = []
    for name, reference, current in [
        ("two values each", [1, 2], [2, 3]),
        ("seven, equal sizes", rng.normal(0, 1, 7), rng.normal(1, 1, 7)),
        ("unequal sizes", rng.normal(0, 1, 12), rng.normal(0.3, 1, 35)),
        ("apart", rng.normal(0, 1, 25), rng.normal(9, 1, 40)),
        ("ties", rng.integers(0, 6, 60), rng.integers(0, 7, 45)),
        ("one value, mostly", numpy.where(rng.random(80) < 0.9, 1.0, 2.0), numpy.where(rng.random(90) < 0.6, 1.0, 3.0)),
        ("log-normal", rng.lognormal(5, 0.8, 250), rng.lognormal(5.1, 0.8, 400)),
        ("no change", rng.gamma(2, 30, 300), rng.gamma(2, 30, 300)),
        ("heavy tail", rng.standard_cauchy(200), 2 + rng.standard_cauchy(150)),
        ("equal", [3, 1, 2], [2, 1, 3]),
    ]:
        reference = [float(f"{value:.5g}") for value in reference]
        current = [float(f"{value:.5g}") for value in current]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exact = stats.ks_2samp(reference, current, method="exact")
        size = len(reference) * len(current) / (len(reference) + len(current))
        case = {
            "name": name,
            "reference": reference,
            "current": current,
            "ks": [float(exact.statistic), float(exact.pvalue),
                   float(stats.kstwobign.sf(exact.statistic * numpy.sqrt(size)))],
            "wasserstein": float(stats.wasserstein_distance(reference, current)),
            "deviation": float(numpy.std(reference)),
            "cramer_von_mises": cramer_von_mises(reference, current),
            "bins": quantile_bins(numpy.array(reference), numpy.array(current)),
        }
        case["binned"] = of_counts(*case["bins"])
        if len(set(reference)) > 20:
            case["evidently"] = of_evidently(reference, current)
            case["nannyml"] = of_nannyml(numpy.array(reference), numpy.array(current))
        cases.append(case)
    return cases


def tables(rng):
    cases = []
    for reference, current in [
        ([10, 20, 30], [12, 18, 33]), ([5, 0], [3, 4]), ([1, 0, 0], [0, 1, 1]), ([7], [9]),
        ([100, 200, 300, 400], [100, 200, 300, 400]), ([1, 2, 0, 5, 0], [3, 0, 0, 6, 1]),
        ([1_000_000, 30_000, 500, 2], [1_002_000, 29_000, 520, 9]), ([50, 50], [999, 1]),
        (rng.multinomial(500, [1 / 40] * 40).tolist(), rng.multinomial(300, [1 / 40] * 40).tolist()),
        (rng.poisson(2, 120).tolist(), rng.poisson(3, 120).tolist()),
    ]:
        cases.append({"reference": reference, "current": current, "found": of_counts(reference, current)})
    return cases


rng = numpy.random.default_rng(SEED)
head = {
    "generator": "generate_distances.py",
    "seed": SEED,
    "python": platform.python_version(),
    "numpy": numpy.__version__,
    "scipy": scipy.__version__,
    "pandas": pandas.__version__,
    "evidently": evidently.__version__,
}
document = {"head": head, "samples": samples(rng), "tables": tables(rng)}
(HERE / "distances.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
