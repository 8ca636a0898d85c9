#!/usr/bin/env python3
"""Writes batch_norm.json: a net with batch normalization, its first SGD steps and predictions, in Keras (float64);
and batch_norm_options.json: losses and weights where a BatchNormalization has initializers and regularizers."""
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

model = keras.Sequential([
    L.Input((4,)),
    L.BatchNormalization(
        beta_initializer="ones", gamma_initializer=keras.initializers.Constant(1.5),
        moving_mean_initializer=keras.initializers.Constant(0.25),
        moving_variance_initializer=keras.initializers.Constant(2.0),
        beta_regularizer=keras.regularizers.L1(0.02), gamma_regularizer=keras.regularizers.L2(0.1)),
    L.Dense(2, kernel_initializer=keras.initializers.Constant(0.5)),
])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
x = np.round(rng.normal(0, 1, (5, 4)), 3)
y = np.round(rng.normal(0, 1, (5, 2)), 3)
result = {"x": x.tolist(), "y": y.tolist(), "loss": [float(model.train_on_batch(x, y)) for _ in range(3)],
          "after": [np.asarray(w).tolist() for w in model.get_weights()]}
with open(os.path.join(here, "batch_norm_options.json"), "w") as file:
    json.dump(result, file)
