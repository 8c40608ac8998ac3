"""Writes the vectors of FOCuS for tests/drift/oracle.rs: statistic and change of another
implementation of the same papers, after some of the values of each stream.

    pip install numpy changepoint-online && python generate_focus.py

Conventions. A change at `start` means that `values[start]` is the first one after it. With a known
mean before and one side only, changepoint-online also counts changes to the other side, so those
cases are left out; its Bernoulli likelihood keeps clear of 0 and 1 by about 1e-9.
"""

import importlib.metadata
import json
import pathlib
import platform

import numpy
from changepoint_online import Bernoulli, Focus, Gaussian

SEED = 20260116
HERE = pathlib.Path(__file__).parent


def run(detector, values, every):
    found = []
    for count, value in enumerate(values, 1):
        detector.update(value)
        if count % every == 0 or count == len(values):
            statistic = float(detector.statistic())
            start = int(detector.changepoint()["changepoint"]) if statistic > 1e-6 else None
            found.append([count, statistic, start])
    return found


def cases(rng):
    found = []
    for before, after, cut, length in [(0, 0.8, 60, 90), (0, -1.2, 100, 120), (0.3, 0.3, 0, 150)]:
        values = numpy.round(rng.normal(before, 1, length), 3)
        values[cut:] = numpy.round(rng.normal(after, 1, length - cut), 3)
        for mean, side in [(0.0, "both"), (None, "both"), (None, "right"), (None, "left")]:
            family = Gaussian(loc=mean) if mean is not None else Gaussian()
            answers = run(Focus(family, side=side), values, 10)
            found.append({"family": "gaussian", "mean": mean, "side": side,
                          "values": values.tolist(), "answers": answers})
    for before, after, cut, length in [(0.1, 0.4, 150, 200), (0.6, 0.2, 90, 140)]:
        values = (rng.random(length) < before).astype(float)
        values[cut:] = rng.random(length - cut) < after
        for mean, side in [(before, "both"), (None, "both"), (None, "right"), (None, "left")]:
            family = Bernoulli(p=mean) if mean is not None else Bernoulli()
            answers = run(Focus(family, side=side), values, 10)
            found.append({"family": "bernoulli", "mean": mean, "side": side,
                          "values": values.astype(int).tolist(), "answers": answers})
    return found


head = {
    "generator": "generate_focus.py",
    "seed": SEED,
    "python": platform.python_version(),
    "numpy": numpy.__version__,
    "changepoint-online": importlib.metadata.version("changepoint-online"),
}
document = {"head": head, "cases": cases(numpy.random.default_rng(SEED))}
(HERE / "focus.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
