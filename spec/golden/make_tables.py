#!/usr/bin/env python3
"""Golden values for describe, group_by and join: pandas'. Writes tables.json beside itself. Made with pandas 3.1."""
import json
import math
import pathlib

import numpy as np
import pandas as pd

HERE = pathlib.Path(__file__).parent


def plain(value):
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value


def frame(seed):
    rng = np.random.RandomState(seed)
    n = (1, 2, 5, 12, 40)[seed % 5]
    table = pd.DataFrame({
        "label": rng.choice(["a", "b", "c"], n), "site": rng.choice(["x", "y"], n),
        "patient": rng.randint(0, max(2, n // 3), n), "value": rng.standard_normal(n) * 10 ** (seed % 4),
    })
    table.loc[rng.random_sample(n) < 0.2, "value"] = np.nan
    return table


def case(seed):
    table = frame(seed)
    result = {"rows": [{k: plain(v) for k, v in row.items() if plain(v) is not None}
                       for row in table.to_dict("records")]}
    described = table["value"].describe()
    result["describe"] = {k: plain(v) for k, v in described.items()}
    grouped = table.groupby("label")
    result["count"] = {k: int(v) for k, v in grouped.size().items()}
    for name in ("mean", "median", "sum", "min", "max"):
        result[name] = {k: plain(v) for k, v in getattr(grouped["value"], name)().items()}
    result["nunique"] = {k: int(v) for k, v in grouped["patient"].nunique().items()}
    result["two"] = [[a, b, int(n)] for (a, b), n in table.groupby(["site", "label"]).size().items()]
    right = pd.DataFrame({"patient": [0, 1, 3], "age": [40, 50, 60]})
    for how in ("left", "inner"):
        merged = table.merge(right, on="patient", how=how)
        result[how] = [[plain(p), plain(a)] for p, a in zip(merged["patient"], merged["age"])]
    return result


(HERE / "tables.json").write_text(json.dumps([case(seed) for seed in range(25)], separators=(",", ":")) + "\n")
