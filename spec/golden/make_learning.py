#!/usr/bin/env python3
"""How well Keras learns three small tasks, for learning_spec.lua: writes learning.json beside this script.

Each task is trained from several seeds with the settings that the spec uses; the accuracies on the test rows are kept.
The data are made here as the spec makes them, from the same formulas with random numbers of its own.

usage: make_learning.py     needs keras 3.15 with tensorflow
"""
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
L = keras.layers
SEEDS = (1, 2, 3)


def spirals(rng, n):
    """Two arms of 1.5 turns each; the second is the first turned by half a turn."""
    label = np.arange(n) % 2
    t = rng.random(n)
    angle = 3 * np.pi * t + np.pi * label
    x = np.stack([t * np.cos(angle), t * np.sin(angle)], 1) * 2 + 0.03 * rng.standard_normal((n, 2))
    return x, label


def bars(rng, n):
    """12 x 12 images of a bar through a random place, in one of four directions, in noise."""
    label = np.arange(n) % 4
    x = 0.5 * rng.standard_normal((n, 12, 12, 1))
    for i in range(n):
        dy, dx = ((0, 1), (1, 0), (1, 1), (1, -1))[label[i]]
        row, column = rng.integers(4, 8, 2)
        for k in range(-3, 4):
            x[i, row + k * dy, column + k * dx, 0] += 1.5
    return x, label


def memory(rng, n):
    """10 steps of noise; the first shows which of 3 symbols is to be remembered."""
    label = np.arange(n) % 3
    x = 0.3 * rng.standard_normal((n, 10, 3))
    x[np.arange(n), 0, label] += 1.0
    return x, label


def dense():
    return [L.Input((2,)), L.Dense(32, activation="tanh"), L.Dense(32, activation="tanh"), L.Dense(2,
        activation="softmax")]


def cnn():
    return [L.Input((12, 12, 1)), L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D(2), L.Conv2D(16, 3,
        activation="relu"),
            L.GlobalMaxPooling2D(), L.Dense(4, activation="softmax")]


def lstm():
    return [L.Input((10, 3)), L.LSTM(16), L.Dense(3, activation="softmax")]


TASKS = {"spirals": (spirals, dense, 400, 32, 100), "bars": (bars, cnn, 512, 32, 15), "memory": (memory, lstm, 384, 32,
    30)}
result = {}
for name, (data, net, rows, batch_size, epochs) in TASKS.items():
    result[name] = []
    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        rng = np.random.default_rng(seed)
        x, y = data(rng, rows)
        x_test, y_test = data(rng, 240)
        model = keras.Sequential(net())
        model.compile(optimizer=keras.optimizers.Adam(0.02 if name == "memory" else 0.01),
            loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0)
        result[name].append(round(float(model.evaluate(x_test, y_test, verbose=0)[1]), 4))
    print(name, result[name])
with open(os.path.join(HERE, "learning.json"), "w", encoding="utf-8") as file:
    json.dump(result, file)
    file.write("\n")
