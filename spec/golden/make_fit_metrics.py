#!/usr/bin/env python3
"""Keras' metrics over batches: writes fit_metrics.json beside this script.

usage: make_fit_metrics.py            Needs keras 3.15 with jax.

Each case streams three batches through a metric and keeps its result after each; class numbers and class_id count
from 1 in the file, as in lubdub.
"""
import json
import os

os.environ["KERAS_BACKEND"] = "jax"
HERE = os.path.dirname(os.path.abspath(__file__))

import keras
import numpy as np

rng = np.random.default_rng(3)


def tensor(array):
    array = np.asarray(array, "float32")
    return {"shape": list(array.shape), "data": [float(f"{v:.9g}") for v in array.ravel()]}


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype("float32")


def one_hot(n, classes):
    return np.eye(classes, dtype="float32")[rng.integers(0, classes, n)]


def batches(kind):
    """(y, p, w) three times."""
    result = []
    for n in (17, 40, 5):
        w = rng.uniform(0, 2, n).astype("float32")
        if kind == "one_hot":
            y = one_hot(n, 6)
            p = softmax(rng.normal(size=(n, 6)) + 1.5 * y)
            p[0, 1] = p[0, 2] = p[0].max()  # ties
        elif kind == "numbers":
            y = rng.integers(0, 6, n)
            p = softmax(rng.normal(size=(n, 6)))
        elif kind == "binary":
            y = rng.integers(0, 2, (n, 1)).astype("float32")
            p = np.clip(rng.normal(0.4 + 0.2 * y, 0.3), 0, 1).astype("float32")
            p[0] = 0.5
        elif kind == "labels":
            y = rng.integers(0, 2, (n, 4)).astype("float32")
            p = np.round(rng.uniform(0.01, 0.99, size=(n, 4)), 2).astype("float32")
        elif kind == "logits":
            y = rng.integers(0, 2, (n, 3)).astype("float32")
            p = rng.normal(size=(n, 3), scale=4).astype("float32")
        elif kind == "sequences":
            y = one_hot(n * 3, 4).reshape(n, 3, 4)
            p = softmax(rng.normal(size=(n, 3, 4)) + y)
        result.append((y, p, w))
    return result


def case(data, kind, config=None):
    config = config or {}
    result = {"data": data, "kind": kind, "config": dict(config), "plain": [], "weighted": []}
    if "class_id" in config:
        result["config"]["class_id"] += 1
    for weighted in (False, True):
        metric = getattr(keras.metrics, kind)(**config)
        for y, p, w in DATA[data]:
            metric.update_state(y, p, sample_weight=w if weighted else None)
            value = np.asarray(metric.result(), "float64")
            result["weighted" if weighted else "plain"].append(value.tolist())
    return result


DATA = {kind: batches(kind) for kind in ("one_hot", "numbers", "binary", "labels", "logits", "sequences")}


def cases():
    for data in ("one_hot", "sequences"):
        yield case(data, "CategoricalAccuracy")
    for k in (1, 2, 5, 9):
        yield case("one_hot", "TopKCategoricalAccuracy", {"k": k})
        yield case("numbers", "SparseTopKCategoricalAccuracy", {"k": k})
    yield case("numbers", "SparseCategoricalAccuracy")
    for data in ("binary", "labels"):
        yield case(data, "BinaryAccuracy")
        yield case(data, "BinaryAccuracy", {"threshold": 0.3})
    for kind in ("Precision", "Recall"):
        for data in ("one_hot", "binary", "labels"):
            yield case(data, kind)
            yield case(data, kind, {"thresholds": 0.2})
        yield case("one_hot", kind, {"top_k": 2})
        yield case("one_hot", kind, {"class_id": 3})
        yield case("labels", kind, {"class_id": 0, "top_k": 2, "thresholds": 0.3})
    for data in ("one_hot", "binary", "labels"):
        for curve in ("ROC", "PR"):
            for method in ("interpolation", "minoring", "majoring"):
                yield case(data, "AUC", {"curve": curve, "summation_method": method})
            yield case(data, "AUC", {"curve": curve, "num_thresholds": 7})
            yield case(data, "AUC", {"curve": curve, "thresholds": [0.7, 0.2, 0.25, 0.9]})
    for curve in ("ROC", "PR"):
        yield case("labels", "AUC", {"multi_label": True, "curve": curve})
    yield case("logits", "AUC", {"from_logits": True})
    for average in ("micro", "macro", "weighted", None):
        yield case("one_hot", "F1Score", {"average": average})
        yield case("labels", "F1Score", {"average": average, "threshold": 0.4})
        yield case("labels", "FBetaScore", {"average": average, "threshold": 0.4, "beta": 2.0})
    for kind in ("MeanSquaredError", "MeanAbsoluteError", "RootMeanSquaredError"):
        yield case("labels", kind)
    yield case("labels", "BinaryCrossentropy", {"label_smoothing": 0.1})
    yield case("logits", "BinaryCrossentropy", {"from_logits": True})
    yield case("one_hot", "CategoricalCrossentropy")
    yield case("numbers", "SparseCategoricalCrossentropy")


if __name__ == "__main__":
    data = {}
    for kind, parts in DATA.items():
        data[kind] = [{"y": tensor(y + 1 if kind == "numbers" else y), "p": tensor(p), "w": tensor(w)} for y, p, w in parts]
    with open(os.path.join(HERE, "fit_metrics.json"), "w") as f:
        json.dump({"keras": keras.__version__, "data": data, "cases": list(cases())}, f)
