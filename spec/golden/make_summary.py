#!/usr/bin/env python3
"""Keras' summary tables: writes summary.json beside this script.

usage: COLUMNS=80 make_summary.py      (needs keras 3.15 with any backend)
"""
import json
import os

os.environ["COLUMNS"] = "80"

import keras
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
layers = keras.layers


def text(model, **options):
    lines = []
    model.summary(print_fn=lines.append, **options)
    return "\n".join(lines).rstrip("\n")


def notebook():
    keras.utils.clear_session()
    return keras.Sequential([
        layers.Input((40, 173, 1)),
        layers.Conv2D(16, 2, activation="relu"), layers.MaxPooling2D(2), layers.Dropout(0.2),
        layers.Conv2D(32, 2, activation="relu"), layers.MaxPooling2D(2), layers.Dropout(0.2),
        layers.Conv2D(128, 2, activation="relu"), layers.MaxPooling2D(2), layers.Dropout(0.5),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5, activation="softmax"),
    ])


def named():
    keras.utils.clear_session()
    return keras.Sequential([
        layers.Input((6, 7, 2)),
        layers.Flatten(name="flat"),
        layers.Dense(20000, name="a_dense_layer_with_a_name_that_is_far_too_long_for_its_column"),
        layers.Dropout(0.1, name="two words and a few more of them to break at the blanks"),
        layers.Dense(3, name="last", trainable=False),
        layers.Activation("softmax"),
    ], name="my_model")


def fitted():
    model = notebook()
    model.layers[0].trainable = False
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    model.fit(np.zeros((2, 40, 173, 1)), np.eye(5)[:2], verbose=0)
    return model


if __name__ == "__main__":
    result = {"notebook": text(notebook()), "fitted": text(fitted()), "named": text(named())}
    for length in (40, 50, 61, 72, 80):
        result[f"notebook {length}"] = text(notebook(), line_length=length)
        result[f"named {length}"] = text(named(), line_length=length)
        result[f"trainable {length}"] = text(named(), line_length=length, show_trainable=True)
    result["trainable"] = text(named(), show_trainable=True)
    with open(os.path.join(HERE, "summary.json"), "w") as f:
        json.dump(result, f, ensure_ascii=False, indent=0)
