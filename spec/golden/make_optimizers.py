#!/usr/bin/env python3
"""Training steps of Keras in float64, optimizer by optimizer, and learning-rate schedules: writes optimizers.json
beside this script.

usage: make_optimizers.py            Needs keras 3.15 with jax.

A net Input(3) - Dense(5, tanh) - Dense(4, softmax) takes 6 steps on batches of 5 rows with sample weights (those of
step 2 are ten times as large, so that clipping and amsgrad have something to do). Kept are the losses of all steps
and the weights after steps 1, 2 and 6.
"""
import json
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"
HERE = os.path.dirname(os.path.abspath(__file__))

import keras
import numpy as np

keras.config.set_floatx("float64")
optimizers, regularizers = keras.optimizers, keras.regularizers
schedules = optimizers.schedules


def numbers(array):
    return [float(f"{v:.12g}") for v in np.asarray(array, "float64").ravel()]


def tensor(array):
    return {"shape": list(np.shape(array)), "data": numbers(array)}


def single(array):
    """Rounded to float32, as lubdub keeps it."""
    return np.asarray(array, "float32").astype("float64")


rng = np.random.default_rng(11)
X = single(rng.normal(size=(30, 3)))
Y = np.eye(4)[rng.integers(0, 4, 30)]
W = single(rng.uniform(0.5, 1.5, 30))
W[5:10] *= 10
START = [single(rng.normal(scale=0.6, size=shape)) for shape in ((3, 5), (5,), (5, 4), (4,))]


def net(**options):
    first = {k[6:]: v for k, v in options.items() if k.startswith("first_")}
    second = {k[7:]: v for k, v in options.items() if k.startswith("second_")}
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(5, activation="tanh", **first),
                              keras.layers.Dense(4, activation="softmax", **second)])
    model.set_weights(START)
    return model


def run(optimizer, **options):
    model = net(**options)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy")
    result = {"loss": [], "weights": {}}
    for step in range(6):
        rows = slice(5 * step, 5 * step + 5)
        loss = model.train_on_batch(X[rows], Y[rows], sample_weight=W[rows])
        result["loss"].append(float(np.ravel(loss)[0]))
        if step in (0, 1, 5):
            result["weights"][str(step + 1)] = [tensor(w) for w in model.get_weights()]
    result["evaluate"] = float(model.evaluate(X, Y, batch_size=7, verbose=0))
    return result


def optimizer_cases():
    kinds = {
        "SGD": [{}, {"learning_rate": 0.1, "momentum": 0.9}, {"learning_rate": 0.1, "momentum": 0.8, "nesterov": True},
                {"learning_rate": 0.5, "clipnorm": 0.1, "weight_decay": 0.1}, {"learning_rate": 0.5, "clipvalue": 0.02},
                {"learning_rate": 0.5, "global_clipnorm": 0.3}],
        "RMSprop": [{}, {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.5}, {"learning_rate": 0.01, "centered": True},
                    {"learning_rate": 0.01, "centered": True, "momentum": 0.7, "epsilon": 1e-3, "weight_decay": 0.05}],
        "Adam": [{}, {"learning_rate": 0.02, "amsgrad": True, "beta_1": 0.7, "beta_2": 0.8, "epsilon": 1e-4},
                 {"learning_rate": 0.02, "clipvalue": 0.01, "weight_decay": 0.2},
                 {"learning_rate": 0.02, "global_clipnorm": 0.05}],
        "AdamW": [{}, {"learning_rate": 0.02, "weight_decay": 0.3, "amsgrad": True}],
    }
    for kind, configs in kinds.items():
        for config in configs:
            yield {"kind": kind, "config": config, **run(getattr(optimizers, kind)(**config))}


SCHEDULES = [
    ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 4, "decay_rate": 0.5}),
    ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 4, "decay_rate": 0.5, "staircase": True}),
    ("CosineDecay", {"initial_learning_rate": 0.3, "decay_steps": 12, "alpha": 0.1}),
    ("CosineDecay", {"initial_learning_rate": 0.05, "decay_steps": 9, "warmup_target": 0.4, "warmup_steps": 3}),
    ("PiecewiseConstantDecay", {"boundaries": [2, 5, 11], "values": [0.3, 0.2, 0.1, 0.01]}),
]


def schedule_cases():
    for kind, config in SCHEDULES:
        schedule = getattr(schedules, kind)(**config)
        yield {"kind": kind, "config": config, "rates": [float(schedule(step)) for step in range(20)],
               **run(optimizers.SGD(schedule))}


def regularizer_cases():
    cases = {
        "l2 of kernels, l1 of a bias": {"first_kernel_regularizer": regularizers.L2(0.05),
                                        "first_bias_regularizer": regularizers.L1(0.02),
                                        "second_kernel_regularizer": "l2"},
        "l1_l2": {"first_kernel_regularizer": regularizers.L1L2(l1=0.01, l2=0.03), "second_bias_regularizer": "l1"},
        "a frozen layer": {"first_kernel_regularizer": regularizers.L2(0.05), "first_trainable": False,
                           "second_kernel_regularizer": regularizers.L2(0.1)},
    }
    return {name: run(optimizers.SGD(0.2), **options) for name, options in cases.items()}


if __name__ == "__main__":
    result = {"keras": keras.__version__, "x": tensor(X), "y": tensor(Y), "w": tensor(W),
              "start": [tensor(w) for w in START], "optimizers": list(optimizer_cases()),
              "schedules": list(schedule_cases()), "regularizers": regularizer_cases()}
    with open(os.path.join(HERE, "optimizers.json"), "w") as f:
        json.dump(result, f)
