#!/usr/bin/env python3
"""Writes metrics.json: what scikit-learn 1.9 says of random and of odd predictions. Read by spec/metrics_spec.lua.

    make_metrics.py > metrics.json
"""
import json
import math
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m

assert sklearn.__version__.startswith("1.9."), sklearn.__version__
warnings.simplefilter("ignore")

NAMES = [
    ["artifact", "extrahls", "extrastole", "murmur", "normal"],
    ["Herzgeräusch", "zusätzlicher Ton", "正常", "Шум", "é", "e\u0301", "café au lait", "𝛼", "Zz", "zz", "_", "ß"],
    ["a class with a name that is longer than any column of the report", "b", "50% {x}^2"],
    ["no", "yes"],
    list(range(12)),
    [-3, 7, 100, 20, 3],
    ["only"],
]


def plain(x):
    """JSON has no nan."""
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, np.ndarray):
        return plain(x.tolist())
    if isinstance(x, (float, np.floating)):
        return "nan" if math.isnan(x) else "inf" if math.isinf(x) else float(x)
    return x.item() if isinstance(x, np.generic) else x


def or_error(f, *args, **options):
    try:
        return f(*args, **options)
    except ValueError:
        return "error"


def rates(t, p, **o):
    result = {}
    for average in (None, "micro", "macro", "weighted"):
        pr, re, f1, s = m.precision_recall_fscore_support(t, p, average=average, **o)
        half = m.fbeta_score(t, p, beta=0.5, average=average, **o)
        result[average or "none"] = [pr, re, f1, s, half]
    return result


def specificity(t, p, labels):
    c = m.multilabel_confusion_matrix(t, p, labels=labels)
    tn, fp = c[:, 0, 0], c[:, 0, 1]
    return [a / (a + b) if a + b else 0.0 for a, b in zip(tn, fp)]


def case(t, p, labels=None, weights=None, digits=2, target_names=None, zero=(0.0, 1.0, math.nan)):
    o = {"labels": labels, "sample_weight": weights}
    w = {"sample_weight": weights}
    return plain({
        "true": t, "pred": p, "labels": labels, "weights": weights, "digits": digits, "target_names": target_names,
        "report": {str(z): m.classification_report(t, p, digits=digits, target_names=target_names, zero_division=z, **o)
                   for z in zero},
        "dict": m.classification_report(t, p, target_names=target_names, output_dict=True, **o),
        "rates": {str(z): rates(t, p, zero_division=z, **o) for z in zero},
        "specificity": specificity(t, p, labels),
        "matrix": {str(n): or_error(m.confusion_matrix, t, p, normalize=n, **o)
                   for n in (None, "true", "pred", "all")},
        "accuracy": m.accuracy_score(t, p, **w),
        "right": m.accuracy_score(t, p, normalize=False, **w),
        "balanced": m.balanced_accuracy_score(t, p, **w),
        "adjusted": m.balanced_accuracy_score(t, p, adjusted=True, **w),
        "matthews": m.matthews_corrcoef(t, p, **w),
        "kappa": {str(k): or_error(m.cohen_kappa_score, t, p, weights=k, **o) for k in (None, "linear", "quadratic")},
    })


def random_cases():
    for seed in range(28):
        rng = np.random.RandomState(seed)
        n = [1, 2, 3, 7, 20, 64, 129, 300][seed % 8]
        names = NAMES[seed % len(NAMES)]
        skill = rng.rand()
        share = rng.dirichlet(np.ones(len(names)) * 0.7)
        t = rng.choice(len(names), n, p=share)
        p = np.where(rng.rand(n) < skill, t, rng.randint(len(names), size=n))
        t, p = [names[i] for i in t], [names[i] for i in p]
        weights = None
        if seed % 4 == 3:
            weights = (rng.randint(1, 9, n) / (4 if seed % 8 == 3 else 10)).tolist()
        labels, target_names = None, None
        if seed % 3 == 1:
            labels = [names[i] for i in rng.permutation(len(names))[: 1 + len(names) // 2]]
        elif seed % 3 == 2:
            labels = names[::-1]
            target_names = ["class %d ø" % i for i in range(len(names))]
        zero = (0.0, 1.0, math.nan) if n < 64 else (0.0,)
        yield case(t, p, labels, weights, [2, 4, 0, 3, 13][seed % 5], target_names, zero)


def odd_cases():
    yield case(["a"], ["b"])                                        # nothing right: float supports
    yield case(["a", "b"], ["b", "a"])
    yield case(["a", "a"], ["a", "a"])                              # one class only
    yield case(["a", "a", "b"], ["a", "a", "a"])                    # never predicted
    yield case(["a", "a"], ["a", "c"], ["a", "b", "c"])             # missing in test
    yield case(["a", "b", "c"], ["a", "b", "c"], ["c"])
    yield case(["a", "b", "c", "c"], ["a", "c", "b", "a"], ["b", "c"])
    yield case(["a", "b"], ["a", "b"], ["x", "a"])
    yield case([1, 2, 3, 3], [1, 2, 3, 1], None, [0.1, 0.2, 0.3, 0.7])
    yield case([0, 1, 0, 1], [0, 1, 1, 1], None, [1, 0, 1, 0])
    many = ["c%02d" % i for i in range(27)]                         # the order of a sum shows in its last digit
    rng = np.random.RandomState(9)
    t, p = rng.randint(27, size=120), rng.randint(27, size=120)
    t, p = [many[i] for i in t], [many[i if rng.rand() < 0.6 else j] for i, j in zip(t, p)]
    weights = (rng.randint(0, 20, 120) / 10).tolist()
    support = m.precision_recall_fscore_support(t, p, sample_weight=weights)[3]
    assert float(np.sum(support)) != sum(support.tolist())
    yield case(t, p, None, weights, 2, None, (0.0,))
    yield case(["accuracy", "macro avg"], ["accuracy", "accuracy"])


def binary_cases():
    for seed in range(6):
        rng = np.random.RandomState(100 + seed)
        n = [1, 2, 5, 30, 30, 30][seed]
        t, p = rng.randint(2, size=n), rng.randint(2, size=n)
        for pos in (1, 0):
            o = {"pos_label": pos, "zero_division": 0.0}
            yield plain({"true": t, "pred": p, "pos_label": pos, "scores": [
                or_error(f, t, p, **o) for f in (m.precision_score, m.recall_score, m.f1_score)]})


def counts(rng, n, k):
    """Probabilities in 64ths: exact sums, many ties."""
    return rng.multinomial(64, rng.dirichlet(np.ones(k) * 2), size=n) / 64


def scored_cases():
    for seed in range(20):
        rng = np.random.RandomState(200 + seed)
        n, k = [4, 9, 25, 40][seed % 4], [2, 3, 5, 4][seed // 5]
        scores = counts(rng, n, k)
        names = [NAMES[0][:k], list(range(1, k + 1))][seed % 2]
        t = np.array([rng.choice(k, p=(s + 1) / (s + 1).sum()) for s in scores])
        missing = seed % 5 == 4                                     # the last class is not in the truth
        t = t % (k - 1) if missing else np.where(np.arange(n) < k, np.arange(n) % k, t)
        t = [names[i] for i in t]
        weights = (rng.randint(0, 5, n) / 4 + 0.25).tolist() if seed % 3 == 0 else None
        r = {"true": t, "scores": scores, "names": names, "weights": weights, "missing": missing,
             "log_loss": m.log_loss(t, scores, labels=names, sample_weight=weights),
             "log_loss_sum": m.log_loss(t, scores, labels=names, sample_weight=weights, normalize=False),
             "brier": m.brier_score_loss(t, scores, labels=names, sample_weight=weights)}
        o = {"labels": names, "sample_weight": weights}
        if k > 2:
            r["ovr"] = {str(a): m.roc_auc_score(t, scores, multi_class="ovr", average=a, **o)
                        for a in (None, "macro", "micro", "weighted")}
            if not weights and not missing:
                r["ovo"] = {a: m.roc_auc_score(t, scores, multi_class="ovo", average=a, labels=names)
                            for a in ("macro", "weighted")}
            if len(set(t)) == k:
                r["ap"] = {str(a): m.average_precision_score(t, scores, average=a, sample_weight=weights)
                           for a in (None, "macro", "micro", "weighted")}
        elif not missing:
            one = scores[:, 1]
            pos = names[1]
            r["auc"] = m.roc_auc_score(t, one, sample_weight=weights)
            r["auc_low"] = m.roc_auc_score(t, one, sample_weight=weights, max_fpr=0.3)
            r["roc"] = m.roc_curve(t, one, pos_label=pos, sample_weight=weights)
            r["roc_all"] = m.roc_curve(t, one, pos_label=pos, sample_weight=weights, drop_intermediate=False)
            r["pr"] = m.precision_recall_curve(t, one, pos_label=pos, sample_weight=weights)
            r["pr_few"] = m.precision_recall_curve(t, one, pos_label=pos, sample_weight=weights,
                                                   drop_intermediate=True)
            r["ap_one"] = m.average_precision_score(t, one, pos_label=pos, sample_weight=weights)
            r["brier_one"] = m.brier_score_loss(t, one, pos_label=pos, sample_weight=weights)
        yield plain(r)


json.dump({"sklearn": sklearn.__version__, "cases": list(random_cases()) + list(odd_cases()),
           "binary": list(binary_cases()), "scored": list(scored_cases())},
          sys.stdout, ensure_ascii=False, separators=(",", ":"))
sys.stdout.write("\n")
