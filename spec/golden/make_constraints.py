#!/usr/bin/env python3
"""Constraints of Keras on the weights of every layer that has some: constraints_N.h5 are models before training,
constraints.json what three steps of training make of their weights, in float64.

usage: make_constraints.py            Needs keras 3.15 with any backend.
"""
import json
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ["JAX_ENABLE_X64"] = "1"
HERE = os.path.dirname(os.path.abspath(__file__))

import keras
import numpy as np

layers, constraints = keras.layers, keras.constraints
MaxNorm, MinMaxNorm, UnitNorm = constraints.MaxNorm, constraints.MinMaxNorm, constraints.UnitNorm
NETS = [
    lambda: [layers.Input((6,)),
             layers.Dense(7, activation="tanh", kernel_constraint=MaxNorm(0.75), bias_constraint="non_neg"),
             layers.PReLU(alpha_initializer="random_normal", alpha_constraint="non_neg"),
             layers.Dense(5, kernel_constraint=MinMaxNorm(0.25, 0.5, 0.7, axis=-1), bias_constraint=MinMaxNorm(0.1)),
             layers.LayerNormalization(gamma_constraint=UnitNorm(), beta_constraint=constraints.NonNeg()),
             layers.Dense(3, kernel_constraint=UnitNorm(axis=[0, 1]))],
    lambda: [layers.Input((6, 7, 3)),
             layers.Conv2D(4, 2, kernel_constraint=MaxNorm(0.5, axis=[0, 1, 2]), bias_constraint=UnitNorm()),
             layers.BatchNormalization(gamma_constraint=MaxNorm(1.5), beta_constraint="non_neg"),
             layers.DepthwiseConv2D(2, depthwise_constraint=UnitNorm(axis=[0, 1]), bias_constraint="non_neg"),
             layers.SeparableConv2D(5, 2, depthwise_constraint=MaxNorm(0.5, axis=(0, 1)),
                                    pointwise_constraint=MinMaxNorm(0.5, 1.0, axis=2),
                                    bias_constraint=MaxNorm(0.01)),
             layers.GlobalAveragePooling2D(), layers.Dense(3)],
    lambda: [layers.Input((5, 4)),
             layers.Conv1D(4, 2, kernel_constraint=MaxNorm(0.5, axis=[0, 1])),
             layers.LSTM(3, return_sequences=True, kernel_constraint=MaxNorm(0.8), recurrent_constraint=UnitNorm(),
                         bias_constraint=MaxNorm(0.5)),
             layers.Bidirectional(layers.GRU(2, kernel_constraint="non_neg", recurrent_constraint=UnitNorm(axis=1),
                                             bias_constraint=MinMaxNorm(axis=1))),
             layers.Dense(3)],
]


def flat(array):
    return [float(f"{v:.9g}") for v in np.asarray(array, "float64").ravel()]


def build(net, floatx):
    keras.config.set_floatx(floatx)
    model = keras.Sequential(net())
    model.compile(keras.optimizers.SGD(0.5), "mse")
    return model


def case(number, net):
    rng = np.random.default_rng(number)
    model = build(net, "float32")
    start = [np.asarray(w) + rng.normal(scale=0.2, size=w.shape).astype("float32") for w in model.get_weights()]
    model.set_weights([np.abs(w) if "variance" in v.path else w for w, v in zip(start, model.weights)])
    model.save(os.path.join(HERE, f"constraints_{number}.h5"))
    start = [np.asarray(w, "float64") for w in model.get_weights()]
    model = build(net, "float64")
    model.set_weights(start)
    x = rng.normal(size=(3, 8, *model.input_shape[1:])).astype("float32").astype("float64")
    y = rng.normal(size=(3, 8, 3)).astype("float32").astype("float64")
    for step in range(3):
        model.train_on_batch(x[step], y[step])
    return {"x": flat(x), "y": flat(y), "after": [flat(w) for w in model.get_weights()]}


if __name__ == "__main__":
    keras.utils.set_random_seed(5)
    with open(os.path.join(HERE, "constraints.json"), "w") as file:
        json.dump([case(i + 1, net) for i, net in enumerate(NETS)], file)
