#!/usr/bin/env python3
"""Values and gradients of Keras' losses on TensorFlow in float64: writes losses.json beside this script.

usage: make_losses.py            Needs keras 3.15 with tensorflow.
"""
import json
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
HERE = os.path.dirname(os.path.abspath(__file__))

import keras
import numpy as np
import tensorflow as tf

keras.config.set_floatx("float64")
rng = np.random.default_rng(5)


def tensor(array):
    array = np.asarray(array, "float64")
    return {"shape": list(array.shape), "data": [float(f"{v:.12g}") for v in array.ravel()]}


def single(array):
    return np.asarray(array, "float32").astype("float64")


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def one_hot(n, classes):
    return np.eye(classes)[rng.integers(0, classes, n)]


def case(kind, config, y, p, w=None):
    """One loss object on one batch. Class numbers count from 0 here."""
    loss = getattr(keras.losses, kind)(**config)
    y, p = single(y), tf.constant(single(p))
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = loss(y, p, sample_weight=w)
    numbers = kind == "SparseCategoricalCrossentropy"
    return {"kind": kind, "config": config, "y": tensor(y + 1 if numbers else y), "p": tensor(p),
            "w": tensor(w) if w is not None else None, "value": float(value), "gradient": tensor(tape.gradient(value, p))}


def cases():
    weights = single(rng.uniform(0, 2, 6))
    z = rng.normal(scale=3, size=(6, 4))
    shapes = [(softmax(z), z), (softmax(z) * 1.7, z * 30)]  # rows that are no distribution; logits that saturate
    edges = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0.5, 0.5, 0, 0], [1e-8, 1 - 1e-6, 1e-9, 0],
                      [0.25, 0.25, 0.25, 0.25], [0, 0, 0.001, 0.999]])
    for smoothing in (0.0, 0.3):
        for p, logits in shapes + [(edges, np.zeros((6, 4)))]:
            config = {"label_smoothing": smoothing}
            for w in (None, weights):
                yield case("CategoricalCrossentropy", config, one_hot(6, 4), p, w)
                yield case("CategoricalCrossentropy", {**config, "from_logits": True}, one_hot(6, 4), logits, w)
        yield case("CategoricalCrossentropy", {"label_smoothing": smoothing}, softmax(rng.normal(size=(6, 4))), shapes[0][0])
        b = 1 / (1 + np.exp(-z))
        yes = rng.integers(0, 2, (6, 4))
        for p, logits in ((b, z), (edges, z * 40)):
            for w in (None, weights):
                yield case("BinaryCrossentropy", {"label_smoothing": smoothing}, yes, p, w)
                yield case("BinaryCrossentropy", {"label_smoothing": smoothing, "from_logits": True}, yes, logits, w)
        yield case("BinaryCrossentropy", {"label_smoothing": smoothing}, yes[:, :1], b[:, :1], weights)
    for p, logits in shapes + [(edges, np.zeros((6, 4)))]:
        for w in (None, weights):
            yield case("SparseCategoricalCrossentropy", {}, rng.integers(0, 4, 6), p, w)
            yield case("SparseCategoricalCrossentropy", {"from_logits": True}, rng.integers(0, 4, 6), logits, w)
    t = rng.normal(size=(6, 4))
    p = t + rng.normal(size=(6, 4))
    p[0] = t[0]
    t, p = single(t), single(p)
    p[1] = t[1] = 0.25
    p[1, 0] = 1.25
    for kind, config in (("MeanSquaredError", {}), ("MeanAbsoluteError", {}), ("Huber", {}), ("Huber", {"delta": 0.3})):
        for w in (None, weights):
            yield case(kind, config, t, p, w)
    # more than one row per sample
    z = rng.normal(size=(3, 5, 4))
    yield case("CategoricalCrossentropy", {}, one_hot(15, 4).reshape(3, 5, 4), softmax(z))
    yield case("SparseCategoricalCrossentropy", {"from_logits": True}, rng.integers(0, 4, (3, 5)), z)
    yield case("BinaryCrossentropy", {}, rng.integers(0, 2, (3, 5, 4)), 1 / (1 + np.exp(-z)))
    yield case("Huber", {}, z[::-1], z)


def step(kind, activation, outputs, y):
    """One SGD step of a dense layer whose activation saturates: the loss uses what goes into it."""
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(outputs, activation=activation)])
    weights = [single(rng.normal(size=(2, outputs))), single(rng.normal(size=outputs))]
    model.set_weights(weights)
    x = single(rng.normal(scale=1, size=(6, 2)) * np.array([[1], [10], [30], [60], [100], [1]]))
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=kind)
    loss = model.train_on_batch(x, y)
    numbers = kind == "sparse_categorical_crossentropy"
    return {"loss_name": kind, "activation": activation, "x": tensor(x), "y": tensor(y + 1 if numbers else y),
            "start": [tensor(w) for w in weights], "loss": float(np.ravel(loss)[0]),
            "weights": [tensor(w) for w in model.get_weights()]}


if __name__ == "__main__":
    classes = rng.integers(0, 3, 6)
    steps = [step("binary_crossentropy", "sigmoid", 3, rng.integers(0, 2, (6, 3))),
             step("categorical_crossentropy", "softmax", 3, np.eye(3)[classes]),
             step("sparse_categorical_crossentropy", "softmax", 3, classes),
             step("mean_squared_error", "softmax", 3, np.eye(3)[classes]),
             step("mean_squared_error", "sigmoid", 3, np.eye(3)[classes]),
             step("huber", None, 3, rng.normal(size=(6, 3)))]
    with open(os.path.join(HERE, "losses.json"), "w") as f:
        json.dump({"keras": keras.__version__, "cases": list(cases()), "steps": steps}, f)
