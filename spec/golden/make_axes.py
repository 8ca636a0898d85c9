#!/usr/bin/env python3
"""Keras' values, in float64, of layers that work along other axes than the last: writes axes.json beside this script,
and a net of them that Keras saved, axes.h5 and axes.keras.

usage: make_axes.py            (needs keras 3.15 with jax)

A case is a net of [Dense(C, linear, without bias), the layer, Flatten, Dense(3, softmax)] over one input shape, three
samples, and categorical cross-entropy against the classes 1, 3 and 2; where it says "last", the layer is the net's last
one, behind the first Dense, and the targets are the ramp of array 99, made positive, with rows that add up to 1. Inputs and weights
are not stored: element i (from 0, row-major) of array k (0: the inputs, then the weights in order) is
((i * 7919 + k * 997) % 2003) / 1001.5 - 1, times `scale` for weights, plus 1 for a moving_variance, rounded to float32.
Stored are the layer's outputs at inference; and of one training step the loss, the gradients, and what the moving
statistics are behind it. Axes are counted as lubdub counts them.
"""
import json
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np

import keras
from keras import layers

from make_layers import SCALE, ramp, short

HERE = os.path.dirname(os.path.abspath(__file__))


def pythonic(options):
    """lubdub's way of counting axes."""
    def move(axis):
        return axis - 1 if axis > 0 else axis
    axis = options["axis"]
    return {**options, "axis": [move(a) for a in axis] if isinstance(axis, list) else move(axis)}


def targets(shape):
    """Rows that add up to 1 along the last axis."""
    t = np.abs(ramp(99, shape))
    return (t / t.sum(axis=-1, keepdims=True)).astype(np.float32).astype(np.float64)


def case(kind, shape, loss="categorical_crossentropy", last=False, **options):
    inner = getattr(layers, kind)(**pythonic(options))
    tail = [] if last else [layers.Flatten(), layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input(shape), layers.Dense(shape[-1], use_bias=False), inner, *tail])
    for k, w in enumerate(model.weights):
        w.assign((ramp(k + 1, w.shape, SCALE) + (w.name == "moving_variance")).astype(np.float32))
    x = jnp.asarray(ramp(0, (3, *shape)))
    y = jnp.asarray(targets((3, *shape))) if last else jnp.eye(3)[jnp.array([0, 2, 1])]
    state = [v.value for v in model.non_trainable_variables]
    of = keras.losses.get(loss)

    def value(weights):
        p, after = model.stateless_call(weights, state, x, training=True)
        return jnp.mean(of(y, p)), after

    (number, after), gradients = jax.value_and_grad(value, has_aux=True)([v.value for v in model.trainable_variables])
    out = keras.Model(model.inputs, inner.output)(x)
    assert out.dtype == "float64", (kind, options)
    found = {"kind": kind, "shape": list(shape), "options": options, "outputs": short(out), "loss": float(number),
             "weights": [list(w.shape) for w in model.weights], "gradients": [short(g) for g in gradients],
             "after": [short(a) for a in after if np.ndim(a) > 0]}
    return {**found, "last": loss} if last else found


def cases():
    for shape, options in (
            ((5, 4), dict(axis=2)), ((5, 4), dict(axis=-2, momentum=0.8, epsilon=0.01)), ((6,), dict(axis=2)),
            ((3, 4, 2), dict(axis=2)), ((3, 4, 2), dict(axis=3, scale=False)), ((3, 4, 2), dict(axis=-3, center=False)),
            ((3, 4, 2), dict(axis=4)), ((3, 4, 1), dict(axis=3, scale=False, center=False)),
            ((2, 3, 2, 2), dict(axis=3, momentum=0.5)), ((1, 5), dict(axis=2)), ((3, 5, 6), dict(axis=-2))):
        yield case("BatchNormalization", shape, **options)
    for shape, options in (
            ((5, 4), dict(axis=2)), ((5, 4), dict(axis=[2, 3])), ((5, 4), dict(axis=[3, 2], epsilon=0.1)),
            ((3, 4, 2), dict(axis=3)), ((3, 4, 2), dict(axis=[2, 4])), ((3, 4, 2), dict(axis=[-1, 2], scale=False)),
            ((3, 4, 2), dict(axis=[3, -1], center=False)), ((3, 4, 2), dict(axis=[-1, -2, -3])),
            ((2, 3, 2, 2), dict(axis=[2, 4])), ((2, 3, 2, 2), dict(axis=[5, -4], scale=False, center=False)),
            ((3, 4, 1), dict(axis=-2)), ((3, 5, 6), dict(axis=[3, 2]))):
        yield case("LayerNormalization", shape, **options)
    for shape, axis in (((5, 4), 2), ((5, 4), -2), ((5, 4), [2, 3]), ((3, 4, 2), 2), ((3, 4, 2), 3), ((3, 4, 2), [3]),
                        ((3, 4, 2), [2, 4]), ((3, 4, 2), [-1, 3]), ((3, 4, 2), [4, 3, 2]), ((2, 3, 2, 2), [-3, 5]),
                        ((3, 1, 4), 3)):
        yield case("Softmax", shape, axis=axis)
    for loss in ("categorical_crossentropy", "mean_squared_error"):
        yield case("Softmax", (5, 4), loss, True, axis=2)
        yield case("Softmax", (3, 2, 4), loss, True, axis=[2, 3])
        yield case("Softmax", (5, 4), loss, True, axis=3)


def net():
    return keras.Sequential([
        keras.Input((5, 6, 3)), layers.Conv2D(4, 2), layers.BatchNormalization(axis=1),
        layers.LayerNormalization(axis=[2, -3]), layers.Dropout(0.2, noise_shape=(None, 1, None, 4)),
        layers.Softmax(axis=2), layers.LayerNormalization(axis=1, scale=False), layers.Softmax(axis=(1, 3)),
        layers.LayerNormalization(axis=(3, 1, 2)), layers.BatchNormalization(axis=-2, center=False),
        layers.Dropout(0.3, noise_shape=[1, 4, 5, 1]), layers.Flatten(), layers.Dense(3, activation="softmax")])


def saved():
    """axes.h5 and axes.keras, of one net in float32; returns what it predicts for the ramp of array 0."""
    model = net()
    for k, w in enumerate(model.weights):
        w.assign((ramp(k + 1, w.shape, SCALE) + (w.name == "moving_variance")).astype(np.float32))
    for name in ("axes.h5", "axes.keras"):
        model.save(os.path.join(HERE, name))
    return [short(row) for row in model.predict(ramp(0, (3, 5, 6, 3)).astype(np.float32), verbose=0)]


def main():
    predictions = saved()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    with open(os.path.join(HERE, "axes.json"), "w") as out:
        out.write('{"keras": "%s", "scale": %g, "saved": %s, "cases": [\n' % (
            keras.__version__, SCALE, json.dumps(predictions)))
        out.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases()))
        out.write("\n]}\n")


if __name__ == "__main__":
    main()
