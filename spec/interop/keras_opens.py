#!/usr/bin/env python3
"""Opens the models that spec/interop/write_models.lua saved, in a real Keras.

usage: keras_opens.py FOLDER      (needs keras 3 with any backend)

For every NAME.h5 or NAME.keras with NAME.json beside it: Keras loads the file, predicts the inputs of the JSON's formula within
1e-5 of lubdub's predictions, has the loss and optimizer that the JSON names, and can go on training.
Prints one line per model; ends with status 1 where one fails.
"""
import glob
import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np

import keras

TOLERANCE = 1e-5


def inputs(shape):
    """Element i (from 0, row-major) is ((i * 7919) % 2003) / 1001.5 - 1."""
    i = np.arange(np.prod(shape), dtype=np.int64)
    return (((i * 7919) % 2003) / 1001.5 - 1).astype(np.float32).reshape(shape)


def check(path):
    with open(os.path.splitext(path)[0] + ".json") as f:
        expected = json.load(f)
    model = keras.models.load_model(path)
    x = inputs(expected["input_shape"])
    wanted = np.asarray(expected["predictions"])
    difference = float(np.abs(model.predict(x, verbose=0) - wanted).max())
    problems = [] if difference <= TOLERANCE else ["predictions differ"]
    if "optimizer" in expected:
        if model.optimizer is None or type(model.optimizer).__name__ != expected["optimizer"]:
            problems.append("the optimizer is not " + expected["optimizer"])
        if getattr(model.loss, "name", getattr(model.loss, "__name__", model.loss)) != expected["loss"]:
            problems.append("the loss is %s, not %s" % (model.loss, expected["loss"]))
        before = model.get_weights()
        model.fit(x, np.eye(wanted.shape[1])[np.arange(len(x)) % wanted.shape[1]], verbose=0)
        if all(np.array_equal(a, b) for a, b in zip(before, model.get_weights())):
            problems.append("training changes nothing")
    print("%s: largest difference %.1e%s" % (os.path.basename(path), difference, "".join("; " + p for p in problems)))
    return not problems


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    paths = [p for p in sorted(glob.glob(os.path.join(sys.argv[1], "*.h5")) + glob.glob(os.path.join(sys.argv[1], "*.keras")))
             if os.path.exists(os.path.splitext(p)[0] + ".json") and not os.path.basename(p).startswith("lubdub_")]
    if not paths:
        sys.exit(sys.argv[1] + ": holds no models")
    sys.exit(0 if all([check(path) for path in paths]) else 1)
