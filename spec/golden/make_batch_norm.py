#!/usr/bin/env python3
"""Writes batch_norm.json: a net with batch normalization, its first SGD steps and predictions, in Keras (float64)."""
import json
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_ENABLE_X64", "1")
import keras
import numpy as np

keras.config.set_floatx("float64")
keras.utils.set_random_seed(5)
rng = np.random.default_rng(5)
L = keras.layers
model = keras.Sequential([
    L.Input((7, 9, 2)), L.Conv2D(3, 3, padding="same", use_bias=False), L.BatchNormalization(), L.Activation("relu"), L.MaxPooling2D(2),
    L.Conv2D(5, 2, use_bias=False), L.BatchNormalization(momentum=0.8, epsilon=1e-2, scale=False), L.GlobalAveragePooling2D(),
    L.BatchNormalization(center=False), L.Dense(3, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="categorical_crossentropy")
x = rng.normal(3, 2, (11, 7, 9, 2)).astype("float32")
y = np.eye(3)[rng.integers(0, 3, 11)]


def weights():
    return [np.asarray(w).ravel().tolist() for w in model.get_weights()]


result = {"x": x.ravel().tolist(), "y": y.ravel().tolist(), "before": weights(), "loss": [], "shapes": [list(w.shape) for w in model.get_weights()]}
for batch in (slice(0, 8), slice(8, 11), slice(0, 8)):
    result["loss"].append(float(model.train_on_batch(x[batch], y[batch])))
result["after"] = weights()
result["predictions"] = np.asarray(model.predict(x, verbose=0)).ravel().tolist()
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "batch_norm.json"), "w") as file:
    json.dump(result, file)
