#!/usr/bin/env python3
"""Golden values for resample, ParameterGrid and ParameterSampler, and for Student's t.

Writes resampling.json beside itself. Made with imbalanced-learn 0.14, scikit-learn 1.9 and SciPy. Positions from 1.
"""
import json
import pathlib

import numpy as np
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from scipy import stats
from sklearn.model_selection import ParameterGrid, ParameterSampler

HERE = pathlib.Path(__file__).parent


def labels(seed):
    rng = np.random.RandomState(seed)
    n, k = (12, 30, 61, 100)[seed % 4], (2, 3, 5)[seed % 3]
    weights = 1.0 / np.arange(1, k + 1) ** 2
    y = rng.choice(k, size=n, p=weights / weights.sum())
    y[:k] = np.arange(k)
    return y


def sampled():
    cases = []
    for seed in range(24):
        y = labels(seed)
        x = np.arange(len(y)).reshape(-1, 1)
        case = {"labels": "".join(chr(97 + v) for v in y), "seed": seed}
        for name, make in (("over", RandomOverSampler), ("under", RandomUnderSampler)):
            for how in ("auto", "all", "not minority", "not majority", "minority" if name == "over" else "majority"):
                sampler = make(sampling_strategy=how, random_state=seed)
                sampler.fit_resample(x, y)
                case[f"{name} {how}"] = [int(i) + 1 for i in sampler.sample_indices_]
        sampler = RandomUnderSampler(random_state=seed, replacement=True)
        sampler.fit_resample(x, y)
        case["under again"] = [int(i) + 1 for i in sampler.sample_indices_]
        cases.append(case)
    return cases


GRIDS = [
    {"b": [1, 2, 3], "a": ["x", "y"]},
    {"rate": [0.1, 0.2], "units": [4, 8, 16], "act": ["relu", "tanh"]},
    [{"a": [1, 2]}, {"b": [3], "a": [4, 5]}],
]


def grids():
    return [{"grid": grid, "list": list(ParameterGrid(grid))} for grid in GRIDS]


def samples():
    cases = []
    for seed in range(20):
        grid = {"a": list(range(1, 3 + seed % 5)), "b": list(range(10, 10 + 2 + seed % 7)), "c": ["x", "y", "z"]}
        size = len(ParameterGrid(grid))
        for n in (1, 3, size // 2, size - 1, size):
            found = list(ParameterSampler(grid, n, random_state=seed))
            cases.append({"grid": grid, "n": n, "seed": seed, "list": found})
    grid = {"a": list(range(40)), "b": list(range(40))}
    for seed in range(3):
        cases.append({"grid": grid, "n": 5, "seed": seed, "list": list(ParameterSampler(grid, 5, random_state=seed))})
    return cases


def student():
    cases = []
    for df in (1, 2, 3, 4, 5, 7, 9, 10, 19, 29, 30, 99, 1000):
        for p in (0.6, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9995):
            cases.append([df, p, float(stats.t.ppf(p, df))])
    return cases


(HERE / "resampling.json").write_text(json.dumps(
    {"sampled": sampled(), "grids": grids(), "samples": samples(), "student": student()},
    separators=(",", ":")) + "\n")
