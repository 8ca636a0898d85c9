#!/usr/bin/env python3
"""Writes random Keras models for lubdub_trains.lua.

usage: write_random.py FOLDER CHAINS GRAPHS      (needs keras 3 with any backend)

NAME.h5, and NAME.keras after two steps of training, with NAME.json: what Keras predicts then, and after one step more
(where nothing random is in it). Model number n has the same architecture in each run.
"""
import json
import os
import random
import sys

from backend import keras  # chooses one before it is loaded

import numpy as np

from keras_opens import inputs

layers, optimizers = keras.layers, keras.optimizers

ACTIVATIONS = ["relu", "linear", "tanh", "sigmoid", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish",
               "hard_sigmoid", "softplus", "softsign", "exponential"]


def convolution(rng, rank, channels):
    options = {"kernel_size": [rng.randint(1, 3) for _ in range(rank)], "padding": rng.choice(["valid", "same"]),
               "activation": rng.choice(ACTIVATIONS), "use_bias": rng.random() < 0.7}
    if rng.random() < 0.3:
        options["strides"] = 2
    elif rng.random() < 0.3:
        options["dilation_rate"] = 2
    return options


def pool(rng, rank):
    return {"pool_size": [rng.randint(1, 3) for _ in range(rank)], "padding": rng.choice(["valid", "same"]),
            "strides": rng.choice([None, None, 1, 2])}


def cell(rng):
    options = {"units": rng.randint(1, 5), "return_sequences": True, "use_bias": rng.random() < 0.8,
               "recurrent_activation": rng.choice(["sigmoid", "hard_sigmoid"])}
    if rng.random() < 0.5:
        return layers.LSTM(unit_forget_bias=rng.random() < 0.5, **options)
    return layers.GRU(reset_after=rng.random() < 0.5, **options)


def axis(rng, shape):
    """An axis of a batch of such samples, mostly the last."""
    at = len(shape) if rng.random() < 0.5 else rng.randint(1, len(shape))
    return rng.choice([at, at - len(shape) - 1])


def noise_shape(rng, shape):
    return rng.choice([None, [rng.choice([None, 1]), *(rng.choice([None, 1, size]) for size in shape)]])


# kind: (rank of its input without channels, or None; maker of rng and the input's shape)
KINDS = {
    "Conv1D": (1, lambda r, s: layers.Conv1D(r.randint(1, 6), **convolution(r, 1, s[-1]))),
    "Conv2D": (2, lambda r, s: layers.Conv2D(r.randint(1, 6), **convolution(r, 2, s[-1]))),
    "DepthwiseConv2D": (2, lambda r, s: layers.DepthwiseConv2D(depth_multiplier=r.randint(1, 2),
                                                               **convolution(r, 2, s[-1]))),
    "SeparableConv2D": (2, lambda r, s: layers.SeparableConv2D(r.randint(1, 5), **convolution(r, 2, s[-1]))),
    "MaxPooling1D": (1, lambda r, s: layers.MaxPooling1D(**pool(r, 1))),
    "MaxPooling2D": (2, lambda r, s: layers.MaxPooling2D(**pool(r, 2))),
    # on PyTorch, Keras' average with padding "same" counts the padding; on its other backends it does not
    "AveragePooling1D": (1, lambda r, s: layers.AveragePooling1D(**{**pool(r, 1), "padding": "valid"})),
    "AveragePooling2D": (2, lambda r, s: layers.AveragePooling2D(**{**pool(r, 2), "padding": "valid"})),
    "GlobalAveragePooling1D": (1, lambda r, s: layers.GlobalAveragePooling1D(keepdims=r.random() < 0.5)),
    "GlobalMaxPooling1D": (1, lambda r, s: layers.GlobalMaxPooling1D(keepdims=r.random() < 0.5)),
    "GlobalAveragePooling2D": (2, lambda r, s: layers.GlobalAveragePooling2D(keepdims=r.random() < 0.5)),
    "GlobalMaxPooling2D": (2, lambda r, s: layers.GlobalMaxPooling2D(keepdims=r.random() < 0.5)),
    "ZeroPadding1D": (1, lambda r, s: layers.ZeroPadding1D((r.randint(0, 2), r.randint(0, 2)))),
    "ZeroPadding2D": (2, lambda r, s: layers.ZeroPadding2D(((r.randint(0, 2), 1), (0, r.randint(0, 2))))),
    "Cropping1D": (1, lambda r, s: layers.Cropping1D((r.randint(0, 1), 1))),
    "Cropping2D": (2, lambda r, s: layers.Cropping2D(((r.randint(0, 1), 1), (0, 1)))),
    "Permute": (None, lambda r, s: layers.Permute(r.choice([(2, 1)] if len(s) == 2 else [(3, 1, 2), (2, 1, 3)]))),
    "Reshape": (None, lambda r, s: layers.Reshape(r.choice([(s[-1], -1), (-1, 1, s[0])]))),
    "Flatten": (None, lambda r, s: layers.Flatten()),
    "BatchNormalization": (None, lambda r, s: layers.BatchNormalization(
        axis=axis(r, s), momentum=r.choice([0.5, 0.9]), center=r.random() < 0.7, scale=r.random() < 0.7)),
    "LayerNormalization": (None, lambda r, s: layers.LayerNormalization(epsilon=10.0 ** -r.randint(1, 4))),
    "Dropout": (None, lambda r, s: layers.Dropout(0.3, noise_shape=noise_shape(r, s))),
    "SpatialDropout1D": (1, lambda r, s: layers.SpatialDropout1D(0.3)),
    "SpatialDropout2D": (2, lambda r, s: layers.SpatialDropout2D(0.3)),
    "GaussianNoise": (None, lambda r, s: layers.GaussianNoise(0.2)),
    "Activation": (None, lambda r, s: layers.Activation(r.choice(ACTIVATIONS))),
    "ReLU": (None, lambda r, s: layers.ReLU(max_value=r.choice([None, 2.0]), negative_slope=0.25)),
    "LeakyReLU": (None, lambda r, s: layers.LeakyReLU(negative_slope=r.choice([0.1, 0.3]))),
    "PReLU": (None, lambda r, s: layers.PReLU(alpha_initializer="random_normal",
                                              shared_axes=r.choice([None, [1]]))),
    "ELU": (None, lambda r, s: layers.ELU(alpha=0.7)),
    "Softmax": (None, lambda r, s: layers.Softmax(axis=axis(r, s))),
    "Dense": (None, lambda r, s: layers.Dense(r.randint(2, 6), activation=r.choice(ACTIVATIONS),
                                              kernel_regularizer=r.choice([None, "l2"]))),
    "LSTM": (1, lambda r, s: cell(r)),
    "GRU": (1, lambda r, s: cell(r)),
    "Bidirectional": (1, lambda r, s: layers.Bidirectional(cell(r), merge_mode=r.choice(["concat", "sum", "mul", "ave"]))),
}
RANDOM = {"Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise"}
MERGES = {"Add": layers.Add, "Multiply": layers.Multiply, "Average": layers.Average, "Maximum": layers.Maximum,
          "Concatenate": layers.Concatenate}


def optimizer(number):
    """Small rates: where probabilities fall below 1e-7, Keras' backends have different gradients."""
    return [lambda: optimizers.Adam(0.002), lambda: optimizers.SGD(0.02, momentum=0.9, nesterov=True),
            lambda: optimizers.RMSprop(0.001, momentum=0.5), lambda: optimizers.AdamW(0.002, amsgrad=True),
            lambda: optimizers.SGD(0.05, clipnorm=0.5), lambda: optimizers.RMSprop(0.001, centered=True),
            lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.004, 5))][number % 7]()


def grow(rng, x, kind):
    """The tensor behind one more layer; None where the layer cannot stand there."""
    rank, make = KINDS[kind]
    shape = x.shape[1:]
    if rank is not None and len(shape) != rank + 1:
        return None
    if len(shape) == 1 and kind in ("Permute", "Reshape", "PReLU", "Flatten"):
        return None
    try:
        y = make(rng, shape)(x)
    except (ValueError, ZeroDivisionError):
        return None
    return y if all(size >= 1 for size in y.shape[1:]) else None


def branch(rng, x):
    """Two ways from x that meet again: a residual connection, or a concatenation."""
    width = x.shape[-1]
    if len(x.shape) == 4:
        ways = [layers.Conv2D(width, 3, padding="same", activation="tanh")(x), layers.Conv2D(width, 1)(x)]
    else:
        ways = [layers.Dense(width, activation="tanh")(x), layers.Dense(width)(x)]
    if rng.random() < 0.5:
        ways[1] = x
    return MERGES[rng.choice(sorted(MERGES))]()(ways)


def build(number, functional):
    rng = random.Random(number)
    kinds = sorted(KINDS)
    wanted = kinds[number % len(kinds)]
    rank = KINDS[wanted][0] or rng.randint(1, 2)
    shape = [rng.randint(5, 8) for _ in range(rank)] + [rng.randint(1, 4)]
    keras.utils.set_random_seed(number)
    x = start = keras.Input(shape)
    same = True
    for kind in [wanted] + [rng.choice(kinds) for _ in range(rng.randint(1, 4))]:
        y = grow(rng, x, kind)
        if y is not None:
            x, same = y, same and kind not in RANDOM
        if functional and rng.random() < 0.6:
            x = branch(rng, x)
    if len(x.shape) > 2:
        x = layers.Flatten()(x)
    x = layers.Dense(3, activation="softmax")(x)
    model = keras.Model(start, x)
    if not functional:
        model = keras.Sequential(model.layers)
    for weight in model.weights:  # what begins as zeros would hide what is not read
        value = np.asarray(keras.ops.convert_to_numpy(weight))
        if value.ndim == 1 or not value.any():
            weight.assign(value + 0.2 * np.random.rand(*value.shape).astype(value.dtype))
    model.compile(optimizer=optimizer(number), loss="categorical_crossentropy", metrics=["accuracy"])
    return model, same


def main(folder, count, functional):
    for number in range(1, count + 1):
        model, same = build(number, functional)
        x = inputs([4, *model.input_shape[1:]])
        y = np.eye(3)[np.arange(4) % 3]
        stem = os.path.join(folder, "keras_%s%d" % ("graph_" if functional else "", number))
        for _ in range(2 if same else 0):
            model.train_on_batch(x, y)
        expected = {"input_shape": list(x.shape), "predictions": model.predict_on_batch(x).tolist()}
        model.save(stem + ".keras")
        model.save(stem + ".h5")
        if same:
            model.train_on_batch(x, y)
            expected["next"] = model.predict_on_batch(x).tolist()
        with open(stem + ".json", "w") as out:
            json.dump(expected, out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]), False)
    main(sys.argv[1], int(sys.argv[3]), True)
