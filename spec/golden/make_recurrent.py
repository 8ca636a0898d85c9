#!/usr/bin/env python3
"""Recurrent layers of Keras in float64, and how well Keras learns to remember: writes recurrent.json and
recurrent_model.h5 beside this script.

usage: make_recurrent.py layers     outputs and gradients of small nets
       make_recurrent.py model      a model with every recurrent layer, saved by Keras, and what it predicts
       make_recurrent.py memory     the memory task's accuracies, five seeds

Needs keras 3.15 with tensorflow.
"""
import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = os.path.dirname(os.path.abspath(__file__))
JSON = os.path.join(HERE, "recurrent.json")

import keras
import numpy as np


def numbers(array):
    """Flat list, 10 digits."""
    return [float(f"{v:.10g}") for v in np.asarray(array, "float64").ravel()]


def tensor(array):
    return {"shape": list(np.shape(array)), "data": numbers(array)}


def update(key, value):
    everything = json.load(open(JSON)) if os.path.exists(JSON) else {}
    everything[key] = value
    with open(JSON, "w") as f:
        json.dump(everything, f)


# === layers ===

# Each layer is a list: a kind, its options, and for Bidirectional the options of the wrapper. Keras' names.
NETS = [
    [["LSTM", {"units": 4}]],
    [["LSTM", {"units": 3, "return_sequences": True}]],
    [["LSTM", {"units": 3, "go_backwards": True, "return_sequences": True, "use_bias": False}]],
    [["LSTM", {"units": 3, "activation": "relu", "recurrent_activation": "tanh"}]],
    [["GRU", {"units": 4}]],
    [["GRU", {"units": 3, "reset_after": False, "return_sequences": True}]],
    [["GRU", {"units": 3, "go_backwards": True, "return_sequences": True}]],
    [["GRU", {"units": 3, "use_bias": False, "activation": "sigmoid"}]],
    [["LSTM", {"units": 3}, {"merge_mode": "concat"}]],
    [["LSTM", {"units": 3, "return_sequences": True}, {"merge_mode": "concat"}]],
    [["GRU", {"units": 3, "return_sequences": True}, {"merge_mode": "sum"}]],
    [["LSTM", {"units": 3, "return_sequences": True}, {"merge_mode": "mul"}]],
    [["GRU", {"units": 3, "reset_after": False}, {"merge_mode": "ave"}]],
    [["LSTM", {"units": 3, "return_sequences": True}], ["GRU", {"units": 2, "return_sequences": True}, {"merge_mode": "sum"}],
     ["LSTM", {"units": 2}]],
]
STEPS, FEATURES, SAMPLES = 5, 3, 3


def make_layer(kind, options, wrapper=None):
    layer = getattr(keras.layers, kind)(**options)
    return layer if wrapper is None else keras.layers.Bidirectional(layer, **wrapper)


def make_layers():
    """The loss is the mean squared error over everything; gradients are those of the weights in their order."""
    import tensorflow as tf
    keras.config.set_floatx("float64")
    rng = np.random.default_rng(5)
    cases = []
    for net in NETS:
        model = keras.Sequential([keras.layers.Input((STEPS, FEATURES))] + [make_layer(*layer) for layer in net])
        # weights that float32 holds exactly, so that both sides have the same ones
        weights = [rng.normal(scale=0.5, size=w.shape).astype("float32") for w in model.get_weights()]
        model.set_weights(weights)
        x = rng.normal(size=(SAMPLES, STEPS, FEATURES)).astype("float32")
        target = rng.normal(size=(SAMPLES,) + model.output_shape[1:]).astype("float32")
        with tf.GradientTape() as tape:
            y = model(x.astype("float64"))
            loss = tf.reduce_mean((y - target.astype("float64")) ** 2)
        gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
        cases.append({"layers": net, "x": tensor(x), "target": tensor(target), "y": tensor(y), "loss": float(loss),
                      "weights": [tensor(w) for w in weights], "gradients": [tensor(g) for g in gradients]})
    update("keras", keras.__version__)
    update("layers", cases)


# === a model ===

def make_model():
    layers = keras.layers
    keras.utils.set_random_seed(11)
    model = keras.Sequential([
        layers.Input((6, 3)),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True, dropout=0.25), name="both"),
        layers.GRU(5, return_sequences=True, reset_after=False, go_backwards=True, kernel_regularizer="l2"),
        layers.Bidirectional(layers.GRU(3, return_sequences=True, recurrent_initializer="glorot_uniform"), merge_mode="mul"),
        layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode="ave",
                             backward_layer=layers.GRU(3, return_sequences=True, go_backwards=True)),
        layers.LSTM(4, activation="relu", unit_forget_bias=False),
        layers.Dense(3, activation="softmax"),
    ])
    rng = np.random.default_rng(3)
    model.set_weights([w + rng.normal(scale=0.2, size=w.shape) for w in model.get_weights()])
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    model.save(os.path.join(HERE, "recurrent_model.h5"))
    x = rng.normal(size=(4, 6, 3)).astype("float32")
    update("model", {"x": tensor(x), "y": tensor(model.predict(x, verbose=0))})


# === memory ===

MEMORY = {"steps": 25, "classes": 4, "units": 16, "train": 480, "valid": 240, "batch_size": 32, "epochs": 20,
          "learning_rate": 0.01}


class Random:
    """nets.random of spec/support/nets.lua."""
    def __init__(self, seed):
        self.state = (seed * 2654435761 + 12345) % 2**64

    def __call__(self, low, high):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return low + (self.state >> 33) % (high - low + 1)


def memory_data(n, seed):
    """One symbol per step as one-hot; the first one, which a flag marks, is the answer, all others distract."""
    draw, x, y = Random(seed), np.zeros((n, MEMORY["steps"], MEMORY["classes"] + 1), "float32"), []
    for i in range(n):
        for t in range(MEMORY["steps"]):
            symbol = draw(1, MEMORY["classes"])
            x[i, t, symbol - 1] = 1
            if t == 0:
                x[i, t, -1] = 1
                y.append(symbol - 1)
    return x, np.eye(MEMORY["classes"], dtype="float32")[y]


def make_memory():
    layers = keras.layers
    train, valid = memory_data(MEMORY["train"], 1), memory_data(MEMORY["valid"], 2)
    results = []
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([layers.Input(train[0].shape[1:]), layers.LSTM(MEMORY["units"]),
                                  layers.Dense(MEMORY["classes"], activation="softmax")])
        model.compile(optimizer=keras.optimizers.Adam(MEMORY["learning_rate"]), loss="categorical_crossentropy",
                      metrics=["accuracy"])
        history = model.fit(*train, batch_size=MEMORY["batch_size"], epochs=MEMORY["epochs"], validation_data=valid,
                            verbose=0)
        results.append(history.history["val_accuracy"][-1])
        print("seed", seed, [round(v, 3) for v in history.history["val_accuracy"]])
    update("memory", dict(MEMORY, val_accuracy=results))


if __name__ == "__main__":
    what = {"layers": make_layers, "model": make_model, "memory": make_memory}.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if not what:
        sys.exit(__doc__)
    what()
