"""Writes two_sample.json: the two-sample e-SR by exact rational arithmetic.

    python generate_two_sample.py

A restatement by bets on the sample's mean: the factor of a value x is 1 + lam (x - p) with
lam = c / (1 + c p). Evidence is the sum over every start of the product of the factors since then,
the first start with the head start added. An alarm index is the number of values up to and
including the one at which it reaches threshold + head start; the detector then starts anew with
the baseline alone. The statistic is what evidence exceeds the head start by.
"""

import json
import pathlib
import platform
import random
from fractions import Fraction

SEED = 20261124
TILTS = [Fraction(1, 4), Fraction(3, 5), Fraction(3, 2), Fraction(4)]


def evidence(values, count, total):
    """One side; yields the mean over tilts of the products since each start, as lists."""
    products = [[] for _ in TILTS]
    for x in values:
        p = Fraction(total + 1, count + 1)
        for tilt, starts in zip(TILTS, products):
            starts.append(Fraction(1))
            factor = 1 + tilt / (1 + tilt * p) * (x - p)
            starts[:] = [product * factor for product in starts]
        count, total = count + 1, total + x
        yield products


def run(bits, zeros, ones, direction, threshold, head_start):
    alarms, start, statistic = [], 0, None
    while start <= len(bits):
        rising = evidence(bits[start:], zeros + ones, ones)
        falling = evidence([1 - bit for bit in bits[start:]], zeros + ones, zeros)
        sides = {"rising": [rising], "falling": [falling], "both": [rising, falling]}[direction]
        statistic, alarm = 0, None
        for index, products in enumerate(zip(*sides), 1):
            starts = [starts for side in products for starts in side]
            sums = [sum(values) + head_start * values[0] for values in starts]
            mean = sum(sums) / len(sums)
            statistic = max(mean - head_start, 0)
            if mean >= threshold + head_start:
                alarm = index
                break
        if alarm is None:
            break
        alarms.append(start + alarm)
        start += alarm
        if start == len(bits):
            statistic = 0
            break
    return alarms, float(statistic)


def main():
    rng = random.Random(SEED)
    cases = []
    for direction in ("rising", "falling", "both"):
        for zeros, ones, rate in ((9, 1, 0.4), (60, 40, 0.7), (10, 30, 0.3), (200, 0, 0.1), (5, 5, 0.5)):
            for threshold, head_start in ((20, 0), (40, 4)):
                bits = [int(rng.random() < rate) for _ in range(60)]
                alarms, statistic = run(bits, zeros, ones, direction, threshold, head_start)
                cases.append(
                    {
                        "direction": direction,
                        "zeros": zeros,
                        "ones": ones,
                        "threshold": threshold,
                        "head_start": head_start,
                        "bits": "".join(map(str, bits)),
                        "alarms": alarms,
                        "statistic": statistic,
                    }
                )
    head = {"generator": "generate_two_sample.py", "seed": SEED, "python": platform.python_version()}
    path = pathlib.Path(__file__).with_name("two_sample.json")
    path.write_text(json.dumps({"head": head, "cases": cases}, separators=(",", ":")) + "\n")


main()
