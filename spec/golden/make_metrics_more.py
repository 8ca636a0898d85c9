#!/usr/bin/env python3
"""Writes metrics_more.json: calibration, top-k accuracy, the challenges' scores, McNemar's test and bootstrap intervals,
as scikit-learn 1.9, statsmodels 0.15 and NumPy give them. Read by spec/metrics_more_spec.lua.

    make_metrics_more.py > metrics_more.json
"""
import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m
from sklearn.calibration import calibration_curve
from statsmodels.stats.contingency_tables import mcnemar

assert sklearn.__version__.startswith("1.9."), sklearn.__version__
warnings.simplefilter("ignore")


def plain(x):
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, np.ndarray):
        return plain(x.tolist())
    return x.item() if isinstance(x, np.generic) else x


def calibrations():
    for seed in range(24):
        rng = np.random.RandomState(seed)
        n = [1, 2, 5, 17, 60, 129][seed % 6]
        p = [rng.rand(n), rng.randint(0, 11, n) / 10, np.full(n, 0.5)][seed // 3 % 3]  # ties on the edges too
        t = (rng.rand(n) < p).astype(int)
        names = [[0, 1], ["normal", "murmur"], [-1, 1]][seed % 3]
        for bins in (1, 5, 10):
            for strategy in ("uniform", "quantile"):
                yt = [names[i] for i in t]
                a, b = calibration_curve(yt, p, n_bins=bins, strategy=strategy, pos_label=names[1])
                yield {"true": yt, "prob": p, "bins": bins, "strategy": strategy, "pos": names[1], "result": [a, b]}


def top_ks():
    for seed in range(24):
        rng = np.random.RandomState(300 + seed)
        n, k = [1, 3, 20, 60][seed % 4], [2, 3, 5][seed // 8]
        names = [["a", "b", "c", "d", "e"][:k], list(range(k))][seed % 2]
        t = [names[i] for i in rng.randint(k, size=n)]
        scores = rng.randint(0, 5, (n, k)) / 4 if k > 2 else rng.randint(-1 if seed % 3 else 0, 3, n) / 2
        weights = (rng.randint(1, 9, n) / 4).tolist() if seed % 3 == 1 else None
        for top in (1, 2, 3):
            o = {"k": top, "labels": names, "sample_weight": weights}
            yield {"true": t, "scores": scores, "k": top, "labels": names, "weights": weights,
                   "share": m.top_k_accuracy_score(t, scores, **o),
                   "count": m.top_k_accuracy_score(t, scores, normalize=False, **o)}


def weighted_accuracy(t, p, names, weights):
    """The challenge's formula on its matrix: rows are outputs, columns the truth."""
    a = m.confusion_matrix(t, p, labels=names).T
    w = np.tile(np.array(weights, float), (len(names), 1))
    return np.trace(w * a) / np.sum(w * a)


def physionet(t, p, good):
    t, p, good = np.array(t), np.array(p), np.array(good, bool)

    def rate(label):
        total = 0.0
        for part, right in ((good, p == label), (~good, (p == label) | (p == "unsure"))):
            here = part & (t == label)
            if here.sum():
                total += here.sum() / (t == label).sum() * (here & right).sum() / here.sum()
        return total

    se, sp = rate("abnormal"), rate("normal")
    return [(se + sp) / 2, se, sp]


def challenges():
    for seed in range(24):
        rng = np.random.RandomState(400 + seed)
        n = [2, 5, 30, 200][seed % 4]
        for names, weights in ((["Present", "Unknown", "Absent"], [5, 3, 1]), (["Abnormal", "Normal"], [5, 1])):
            t = [names[i] for i in rng.randint(len(names), size=n)]
            p = [x if rng.rand() < 0.5 else names[rng.randint(len(names))] for x in t]
            yield {"kind": "circor", "true": t, "pred": p, "score": weighted_accuracy(t, p, names, weights)}
        t = ["abnormal", "normal"] + [["abnormal", "normal"][i] for i in rng.randint(2, size=n)]
        p = [x if rng.rand() < 0.5 else ["abnormal", "normal", "unsure"][rng.randint(3)] for x in t]
        good = (rng.rand(n + 2) < 0.7).tolist()
        yield {"kind": "physionet", "true": t, "pred": p, "good": good, "score": physionet(t, p, good)}


def mcnemars():
    pairs = [(0, 0), (1, 0), (0, 1), (3, 3), (40, 2), (7, 12), (60, 60), (300, 210), (2000, 1500), (1, 90)]
    for seed in range(24):
        rng = np.random.RandomState(500 + seed)
        pairs.append((int(rng.randint(0, 60)), int(rng.randint(0, 60))))
    for b, c in pairs:
        table, r = [[5, b], [c, 3]], []
        for o in ({"exact": True}, {"exact": False, "correction": True}, {"exact": False, "correction": False}):
            if b + c == 0 and not o["exact"]:
                r.append([0, 1])
                continue
            x = mcnemar(table, **o)
            r.append([x.statistic, x.pvalue])
        yield {"only_a": b, "only_b": c, "results": r}


def bootstraps():
    for seed in range(20):
        rng = np.random.RandomState(600 + seed)
        n, groups = [6, 25, 60][seed % 3], [3, 8, 60][seed % 3]
        g = rng.randint(groups, size=n)
        t = rng.randint(3, size=n)
        p = np.where(rng.rand(n) < 0.6, t, rng.randint(3, size=n))
        use = g if seed % 4 else np.arange(n)
        names, resamples = np.unique(use), 60
        draw = np.random.RandomState(seed)
        acc, f1, recall = [], [], []
        for _ in range(resamples):
            rows = np.concatenate([np.flatnonzero(use == names[i]) for i in draw.randint(0, len(names), len(names))])
            a, b = t[rows], p[rows]
            acc.append(m.accuracy_score(a, b))
            f1.append(m.f1_score(a, b, average="macro", labels=[0, 1, 2], zero_division=0))
            recall.append(m.recall_score(a, b, average=None, labels=[0, 1, 2], zero_division=np.nan))
        level = [0.95, 0.8][seed % 2]
        q = [(1 - level) / 2 * 100, (1 - (1 - level) / 2) * 100]

        def summary(x):
            return [np.percentile(x, q[0]), np.percentile(x, q[1]), np.std(x, ddof=1)]

        columns = []
        for column in np.array(recall).T:
            known = column[~np.isnan(column)]
            columns.append(summary(known) + [int(np.isnan(column).sum())] if len(known) > 1 else None)
        if None in columns:
            continue
        yield {"true": t, "pred": p, "groups": g if seed % 4 else None, "seed": seed, "level": level,
               "resamples": resamples, "accuracy": summary(acc), "f1": summary(f1), "recall": columns}


json.dump(plain({"calibration": list(calibrations()), "top_k": list(top_ks()), "challenge": list(challenges()),
                 "mcnemar": list(mcnemars()), "bootstrap": list(bootstraps())}),
          sys.stdout, separators=(",", ":"))
sys.stdout.write("\n")
