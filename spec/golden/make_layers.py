#!/usr/bin/env python3
"""Keras' values of every layer and activation in float64: writes layers.json, and models with all layers that Keras
saved, layers_1d.h5 and layers_2d.h5 with their predictions, beside this script.

usage: make_layers.py            (needs keras 3.15 with jax, and h5py)

A case is a net of [Dense(C, linear), the layer, Flatten, Dense(3, softmax)] over one input shape, two samples and
categorical cross-entropy against the classes 1 and 3. Inputs and weights are not stored: element i (from 0, row-major)
of array k (0: the inputs, then the weights in order) is ((i * 7919 + k * 997) % 2003) / 1001.5 - 1, times `scale` for
weights, rounded to float32. Stored are the layer's outputs, and the gradients of all weights but the last Dense's.
Axes are counted as lubdub counts them, and None is false.
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

HERE = os.path.dirname(os.path.abspath(__file__))
SCALE = 0.6


def ramp(k, shape, scale=1.0):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return ((((i * 7919 + k * 997) % 2003) / 1001.5 - 1) * scale).astype(np.float32).astype(np.float64).reshape(shape)


def short(array):
    return [float(f"{v:.8g}") for v in np.asarray(array).ravel()]


def pythonic(kind, options):
    """lubdub's way of counting axes, and None."""
    options = {key: None if value is False and key in ("max_value", "strides", "shared_axes") else value
               for key, value in options.items()}
    if options.get("shared_axes"):
        options["shared_axes"] = [axis - 1 for axis in options["shared_axes"]]
    return options


def case(kind, shape, **options):
    inner = getattr(layers, kind)(**pythonic(kind, options))
    model = keras.Sequential([keras.Input(shape), layers.Dense(shape[-1]), inner, layers.Flatten(),
                              layers.Dense(3, activation="softmax")])
    model.set_weights([ramp(k + 1, w.shape, SCALE) for k, w in enumerate(model.get_weights())])
    x = jnp.asarray(ramp(0, (2, *shape)))
    y = jnp.eye(3)[jnp.array([0, 2])]
    state = [v.value for v in model.non_trainable_variables]

    def loss(weights):
        p, _ = model.stateless_call(weights, state, x, training=False)
        return -jnp.mean(jnp.sum(y * jnp.log(p), axis=-1))

    gradients = jax.grad(loss)([v.value for v in model.trainable_variables])
    out = keras.Model(model.inputs, inner.output)(x)
    if out.dtype != "float64":
        print("computed in", out.dtype, "by Keras:", kind, options)
    return {"kind": kind, "shape": list(shape), "options": options, "out_shape": list(out.shape[1:]),
            "outputs": short(out), "gradients": [short(g) for g in gradients[:-2]]}


ACTIVATIONS = ["linear", "relu", "sigmoid", "tanh", "softmax", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu",
               "swish", "hard_sigmoid", "softplus", "softsign", "exponential"]


def cases():
    yield from (case("Activation", (3, 4), activation=name) for name in ACTIVATIONS)
    for options in (dict(filters=4, kernel_size=3), dict(filters=3, kernel_size=2, strides=2, padding="same"),
                    dict(filters=2, kernel_size=3, dilation_rate=2, padding="causal", activation="gelu"),
                    dict(filters=4, kernel_size=2, groups=2, use_bias=False, padding="causal"),
                    dict(filters=2, kernel_size=4, padding="same", activation="relu"),
                    dict(filters=2, kernel_size=3, strides=3, padding="causal")):
        yield case("Conv1D", (9, 4), **options)
    for options in (dict(filters=3, kernel_size=2), dict(filters=4, kernel_size=[3, 2], groups=2, padding="same"),
                    dict(filters=2, kernel_size=3, strides=[2, 1], padding="same", activation="silu"),
                    dict(filters=2, kernel_size=2, dilation_rate=[1, 2], use_bias=False),
                    dict(filters=6, kernel_size=[1, 3], groups=2, strides=2, activation="tanh")):
        yield case("Conv2D", (5, 6, 2), **options)
    for options in (dict(kernel_size=2), dict(kernel_size=[3, 2], depth_multiplier=2, padding="same"),
                    dict(kernel_size=3, strides=2, padding="same", activation="elu"),
                    dict(kernel_size=2, dilation_rate=2, use_bias=False)):
        yield case("DepthwiseConv2D", (5, 4, 3), **options)
    for options in (dict(filters=3, kernel_size=2), dict(filters=2, kernel_size=3, depth_multiplier=2, padding="same"),
                    dict(filters=4, kernel_size=[2, 3], strides=2, use_bias=False, activation="softplus"),
                    dict(filters=2, kernel_size=2, dilation_rate=2)):
        yield case("SeparableConv2D", (5, 6, 2), **options)
    for kind in ("MaxPooling", "AveragePooling"):
        for options in (dict(pool_size=2), dict(pool_size=3, strides=2, padding="same"), dict(pool_size=4, strides=1),
                        dict(pool_size=3, strides=False, padding="same")):
            yield case(kind + "1D", (8, 3), **options)
        for options in (dict(pool_size=2), dict(pool_size=[3, 2], strides=[1, 2], padding="same"), dict(pool_size=3, strides=2),
                        dict(pool_size=[2, 3], padding="same")):
            yield case(kind + "2D", (6, 5, 2), **options)
    for kind in ("GlobalAveragePooling", "GlobalMaxPooling"):
        for keepdims in (False, True):
            yield case(kind + "1D", (7, 3), keepdims=keepdims)
            yield case(kind + "2D", (4, 5, 3), keepdims=keepdims)
    for target in ([4, 6], [-1, 3], [2, -1, 2], [24]):
        yield case("Reshape", (2, 3, 4), target_shape=target)
    yield case("Permute", (3, 4), dims=[2, 1])
    yield case("Permute", (2, 3, 4), dims=[3, 1, 2])
    yield case("Permute", (2, 3, 4), dims=[2, 3, 1])
    yield case("ZeroPadding1D", (4, 3))
    yield case("ZeroPadding1D", (4, 3), padding=[2, 1])
    for padding in (2, [1, 2], [[0, 1], [2, 0]]):
        yield case("ZeroPadding2D", (3, 2, 2), padding=padding)
    yield case("Cropping1D", (6, 3))
    yield case("Cropping1D", (6, 3), cropping=[3, 0])
    for cropping in (1, [0, 1], [[2, 1], [0, 3]]):
        yield case("Cropping2D", (5, 6, 2), cropping=cropping)
    yield case("LayerNormalization", (3, 5))
    yield case("LayerNormalization", (7,), epsilon=1e-5)
    yield case("LayerNormalization", (2, 3, 4), center=False, epsilon=0.1)
    yield case("LayerNormalization", (3, 4), scale=False)
    yield case("LayerNormalization", (3, 4), scale=False, center=False)
    for options in (dict(), dict(max_value=0.5), dict(negative_slope=0.25), dict(threshold=0.25, negative_slope=0.5),
                    dict(max_value=6, threshold=0.125), dict(negative_slope=0.5, max_value=0.75)):
        yield case("ReLU", (4, 5), **options)
    yield case("LeakyReLU", (4, 5))
    yield case("LeakyReLU", (4, 5), negative_slope=0.05)
    yield case("PReLU", (3, 5))
    yield case("PReLU", (2, 3, 4), shared_axes=[2, 3])
    yield case("PReLU", (2, 3, 4), shared_axes=[3])
    yield case("PReLU", (2, 3, 4), shared_axes=[4])
    yield case("ELU", (4, 5))
    yield case("ELU", (4, 5), alpha=0.3)
    yield case("Softmax", (4, 5))
    for kind, shape in (("Dropout", (3, 4)), ("SpatialDropout1D", (3, 4)), ("SpatialDropout2D", (2, 3, 2))):
        yield case(kind, shape, rate=0.4)
    yield case("GaussianNoise", (3, 4), stddev=0.7)


def model_1d():
    return keras.Sequential([
        keras.Input((20, 4)),
        layers.Conv1D(6, 3, padding="causal", activation="gelu"),
        layers.LayerNormalization(epsilon=1e-4),
        layers.MaxPooling1D(2),
        layers.SpatialDropout1D(0.2),
        layers.ZeroPadding1D((1, 2)),
        layers.Conv1D(4, 2, strides=2, groups=2, use_bias=False),
        layers.PReLU(shared_axes=[1]),
        layers.AveragePooling1D(3, strides=1, padding="same"),
        layers.Cropping1D((1, 0)),
        layers.GaussianNoise(0.1),
        layers.Permute((2, 1)),
        layers.LeakyReLU(negative_slope=0.15),
        layers.GlobalMaxPooling1D(keepdims=True),
        layers.Reshape((-1, 5)),
        layers.GlobalAveragePooling1D(),
        layers.Dense(5, activation="silu"),
        layers.Dense(3),
        layers.Softmax(),
    ], name="layers_1d")


def model_2d():
    return keras.Sequential([
        keras.Input((9, 8, 2)),
        layers.ZeroPadding2D(((1, 0), (0, 2))),
        layers.Conv2D(4, 2, groups=2, activation="leaky_relu"),
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu6"),
        layers.ReLU(max_value=4.0, negative_slope=0.1),
        layers.SpatialDropout2D(0.3),
        layers.AveragePooling2D(2, padding="same"),
        layers.SeparableConv2D(5, 2, activation="softsign"),
        layers.ELU(alpha=0.7),
        layers.Cropping2D(((0, 1), (1, 0))),
        layers.PReLU(),
        layers.LayerNormalization(center=False, scale=False),
        layers.GlobalMaxPooling2D(keepdims=True),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="hard_sigmoid"),
        layers.Dense(3, activation="softmax"),
    ], name="layers_2d")


def save(name, model):
    model.set_weights([ramp(k + 1, w.shape, SCALE).astype(np.float32) for k, w in enumerate(model.get_weights())])
    model.save(os.path.join(HERE, name + ".h5"))
    x = ramp(0, (3, *model.input_shape[1:])).astype(np.float32)
    return {"shape": list(x.shape), "predictions": [short(row) for row in model.predict(x, verbose=0)]}


def main():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    found = list(cases())
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    saved = {"layers_1d": save("layers_1d", model_1d()), "layers_2d": save("layers_2d", model_2d())}
    with open(os.path.join(HERE, "layers.json"), "w") as out:
        out.write('{"keras": "%s", "scale": %g, "saved": %s, "cases": [\n' % (keras.__version__, SCALE, json.dumps(saved)))
        out.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in found))
        out.write("\n]}\n")


if __name__ == "__main__":
    main()
