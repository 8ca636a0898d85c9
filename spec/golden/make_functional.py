#!/usr/bin/env python3
"""Keras' numbers for graphs of layers: functional.json, and the models themselves as Keras 3 writes them
(functional_*.h5); and one of operators between outputs, in its other format (functional_operators.keras and .json).

For each net: weights, inputs, outputs in inference; the weights after one step of SGD (batch statistics); gradients of one
unit of each row with respect to the inputs and to a layer in the middle, before and behind the final activation; Keras'
order of the layers; the summary.  Run: .peers/bin/python spec/golden/make_functional.py"""
import io
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["COLUMNS"] = "80"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers as L  # noqa: E402

HERE = pathlib.Path(__file__).parent


def residual():
    x = L.Input((8, 9, 2))
    y = L.Conv2D(4, 3, padding="same", use_bias=False)(x)
    y = L.BatchNormalization()(y)
    y = L.ReLU()(y)
    y = L.Conv2D(4, 3, padding="same")(y)
    y = L.BatchNormalization()(y)
    shortcut = L.Conv2D(4, 1)(x)
    y = L.Add(name="sum")([y, shortcut])
    y = L.Activation("relu")(y)
    y = L.MaxPooling2D(2, name="middle")(y)
    y = L.GlobalAveragePooling2D()(y)
    y = L.Dense(3, activation="softmax")(y)
    return keras.Model(x, y), [(8, 9, 2)], "categorical_crossentropy"


def two_inputs():
    a = L.Input((6,), name="numbers")
    b = L.Input((5, 3), name="series")
    left = L.Dense(4, activation="tanh")(a)
    right = L.LSTM(4, name="middle")(b)
    gate = L.Dense(1, activation="sigmoid")(a)
    y = L.Concatenate()([L.Multiply()([left, gate]), right, a])
    y = L.Dense(3, activation="softmax")(y)
    return keras.Model([a, b], y), [(6,), (5, 3)], "categorical_crossentropy"


def siamese():
    a = L.Input((7, 2), name="one")
    b = L.Input((7, 2), name="other")
    conv, pool, dense = L.Conv1D(3, 2, activation="relu"), L.GlobalMaxPooling1D(), L.Dense(4, activation="tanh")
    left, right = dense(pool(conv(a))), dense(pool(conv(b)))
    y = L.Concatenate(name="middle")([L.Subtract()([left, right]), L.Multiply()([left, right])])
    y = L.Dense(1, activation="sigmoid")(y)
    return keras.Model([a, b], y), [(7, 2), (7, 2)], "binary_crossentropy"


def branches():
    x = L.Input((6, 5, 3))
    ways = [L.Conv2D(2, k, padding="same", activation="relu")(x) for k in (1, 3, 5)]
    pooled = L.Conv2D(2, 1)(L.AveragePooling2D(3, strides=1, padding="same")(x))
    y = L.Concatenate(axis=-1, name="middle")(ways + [pooled])
    z = L.Average()([ways[0], ways[1], pooled])
    w = L.Maximum()([ways[1], L.Minimum()([ways[2], pooled])])
    y = L.Concatenate()([L.GlobalAveragePooling2D()(y), L.Flatten()(L.Add()([z, w]))])
    y = L.Dense(4)(y)
    y = L.Softmax()(y)
    return keras.Model(x, y), [(6, 5, 3)], "categorical_crossentropy"


def rounded(array):
    return [float("%.9g" % v) for v in np.asarray(array, dtype=np.float64).ravel()]


def packed(array):
    return {"shape": list(np.shape(array)), "values": rounded(array)}


def stir(model, rng):
    weights = []
    for weight in model.weights:
        value = np.array(weight.numpy())
        if value.ndim == 1:
            value = value + rng.normal(0, 0.2, value.shape)
            if "variance" in weight.path:
                value = np.abs(value) + 0.3
        weights.append(value.astype("float32"))
    model.set_weights(weights)


def gradients(model, xs, units, before):
    last = model.layers[-1]
    middle = model.get_layer("middle")
    if isinstance(last, L.Softmax):
        output = last.input if before else last.output
        both = keras.Model(model.inputs, [middle.output, output])
    else:
        both = keras.Model(model.inputs, [middle.output, model.output])
        kept = last.activation
        if before:
            last.activation = keras.activations.linear
    with tf.GradientTape(persistent=True) as tape:
        tensors = [tf.constant(x) for x in xs]
        for tensor in tensors:
            tape.watch(tensor)
        values, outputs = both(tensors if len(tensors) > 1 else tensors[0], training=False)
        chosen = tf.gather(outputs, tf.constant(units), batch_dims=1)
    if before and not isinstance(last, L.Softmax):
        last.activation = kept
    return {
        "scores": rounded(chosen),
        "middle": packed(values),
        "inputs": [packed(tape.gradient(chosen, tensor)) for tensor in tensors],
        "at_middle": packed(tape.gradient(chosen, values)),
    }


def case(make, seed):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model, shapes, loss = make()
    stir(model, rng)
    n = 5
    xs = [rng.normal(size=(n, *shape)).astype("float32") for shape in shapes]
    classes = model.output_shape[-1]
    if classes == 1:
        y = rng.integers(0, 2, size=(n, 1)).astype("float32")
    else:
        y = np.eye(classes, dtype="float32")[rng.integers(0, classes, size=n)]
    units = rng.integers(0, classes, size=n)
    x = xs if len(xs) > 1 else xs[0]
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    text = io.StringIO()
    model.summary(print_fn=lambda line: text.write(line + "\n"))
    model.save(HERE / f"functional_{make.__name__}.h5")
    result = {
        "name": make.__name__,
        "layers": [layer.name for layer in model.layers],
        "summary": text.getvalue().rstrip("\n"),
        "loss_name": loss,
        "weights": [packed(w) for w in model.get_weights()],
        "inputs": [packed(v) for v in xs],
        "y": packed(y),
        "units": [int(u) + 1 for u in units],
        "outputs": packed(model.predict(x, verbose=0)),
        "after": gradients(model, xs, units, False),
        "before": gradients(model, xs, units, True),
    }
    result["loss"] = float(model.train_on_batch(x, y))
    result["stepped"] = [packed(w) for w in model.get_weights()]
    return result


def operators():
    """Layers' outputs added, multiplied and so on as x + y and x * y."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    x = L.Input((5,))
    y = L.Dense(5, activation="tanh")(x)
    z = keras.ops.maximum((x + y) * y, x) - keras.ops.minimum(y, x)
    model = keras.Model(x, L.Dense(2)(z))
    model.save(HERE / "functional_operators.keras")
    data = np.random.default_rng(5).normal(size=(4, 5)).astype("float32")
    result = {"inputs": packed(data), "outputs": packed(model.predict(data, verbose=0))}
    (HERE / "functional_operators.json").write_text(json.dumps(result, separators=(",", ":")))


def main():
    operators()
    cases = [case(make, 11 + i) for i, make in enumerate((residual, two_inputs, siamese, branches))]
    (HERE / "functional.json").write_text(json.dumps(cases, separators=(",", ":")))


if __name__ == "__main__":
    main()
