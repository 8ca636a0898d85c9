#!/usr/bin/env python3
"""What Keras' callbacks decide on given sequences of values: writes callbacks.json beside this script.

usage: make_callbacks.py      (needs keras 3.15 with any backend)

Every case feeds one value per epoch to the callback itself, over a model that only remembers what is done to it.
Epochs are counted from 1 in the file.
"""
import contextlib
import io
import json
import os
import tempfile

import numpy as np

import keras

HERE = os.path.dirname(os.path.abspath(__file__))


class Optimizer:
    """Keeps the learning rate as float32, as Keras' optimizers do."""

    def __init__(self, rate):
        self.learning_rate = rate

    @property
    def learning_rate(self):
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value):
        self._rate = np.float32(value)


class Model:
    def __init__(self, rate=0.1):
        self.stop_training = False
        self.optimizer = Optimizer(rate)
        self.epoch = 0
        self.restored = None
        self.saved = []

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.restored = weights

    def save(self, path, overwrite=True):
        self.saved.append({"epoch": self.epoch, "path": os.path.basename(path)})


def drive(callback, model, values, monitor, until_stop=True):
    """Calls the callback as fit does; yields after every epoch."""
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.epoch = epoch + 1
        callback.on_epoch_begin(epoch)
        logs = {} if value is None else {monitor: value}
        callback.on_epoch_end(epoch, logs)
        yield logs
        if until_stop and model.stop_training:
            break
    callback.on_train_end()


def sequences():
    rng = np.random.default_rng(3)
    falling = [1.0, 0.8, 0.9, 0.8, 0.79, 0.795, 0.79, 0.6, 0.7, 0.65, 0.61, 0.6, 0.7, 0.59, 0.6, 0.6]
    noisy = [round(float(v), 3) for v in 1 / np.arange(1, 31) + rng.normal(scale=0.1, size=30)]
    with_nan = [0.5, 0.4, float("nan"), 0.45, float("nan"), 0.39, 0.5, 0.5, 0.5]
    steps = [0.9, 0.8, 0.7, 0.69999999, 0.6, 0.6, 0.5, 0.5, 0.4]
    flat = [0.3] * 14
    return {"falling": falling, "noisy": noisy, "with_nan": with_nan, "steps": steps, "flat": flat}


def early_stopping():
    cases = []
    options = [
        {}, {"patience": 1}, {"patience": 3}, {"patience": 3, "restore_best_weights": True},
        {"patience": 2, "min_delta": 0.1}, {"patience": 2, "min_delta": -0.05},
        {"patience": 4, "baseline": 0.62}, {"patience": 4, "baseline": 0.2, "restore_best_weights": True},
        {"patience": 2, "start_from_epoch": 4, "restore_best_weights": True},
        {"patience": 3, "mode": "max", "monitor": "val_accuracy", "restore_best_weights": True, "verbose": 1},
        {"patience": 5, "mode": "max", "monitor": "val_accuracy", "min_delta": 0.1},
        {"patience": 100, "restore_best_weights": True, "verbose": 1},
    ]
    for option in options:
        for name, values in sequences().items():
            model, said = Model(), io.StringIO()
            callback = keras.callbacks.EarlyStopping(**option)
            waits = []
            with contextlib.redirect_stdout(said):
                for _ in drive(callback, model, values, callback.monitor):
                    waits.append(callback.wait)
            cases.append({"options": option, "values": name, "waits": waits, "stopped": model.stop_training,
                          "restored": model.restored, "said": said.getvalue()})
    return cases


def reduce_lr():
    cases = []
    options = [
        {"patience": 1}, {"patience": 2, "factor": 0.5}, {"patience": 2, "factor": 0.5, "cooldown": 2},
        {"patience": 0, "factor": 0.3, "min_lr": 0.01}, {"patience": 3, "factor": 0.2, "min_delta": 0.05},
        {"patience": 2, "factor": 0.5, "mode": "max", "monitor": "val_accuracy", "cooldown": 1}, {},
    ]
    for option in options:
        for name, values in sequences().items():
            model = Model()
            callback = keras.callbacks.ReduceLROnPlateau(**option)
            logged, rates = [], []
            for logs in drive(callback, model, values, callback.monitor):
                logged.append(logs["learning_rate"])
                rates.append(float(model.optimizer.learning_rate))
            cases.append({"options": option, "values": name, "logged": logged, "rates": rates})
    return cases


def checkpoints():
    cases = []
    options = [
        {"filepath": "a-{epoch:02d}.h5"}, {"filepath": "a-{epoch}-{val_loss:.2f}.h5", "save_best_only": True},
        {"filepath": "b.h5", "save_best_only": True, "verbose": 1},
        {"filepath": "b.h5", "verbose": 1},
        {"filepath": "{val_accuracy:08.3f}_{epoch:4d}.h5", "save_best_only": True, "mode": "max",
         "monitor": "val_accuracy", "verbose": 1},
        {"filepath": "c.h5", "save_best_only": True, "initial_value_threshold": 0.61, "verbose": 1},
    ]
    for option in options:
        for name, values in sequences().items():
            if name == "with_nan" and "{val" in option["filepath"]:
                continue
            model, said = Model(), io.StringIO()
            callback = keras.callbacks.ModelCheckpoint(**option)
            with contextlib.redirect_stdout(said):
                for _ in drive(callback, model, values, callback.monitor):
                    pass
            cases.append({"options": option, "values": name, "saved": model.saved, "said": said.getvalue()})
    return cases


def csv_files():
    """Two runs into one file: the rows given, and the bytes that Keras writes."""
    runs = [
        {"options": {}, "rows": [{"loss": 1.5, "accuracy": 0.25}, {"loss": 0.1, "accuracy": 1.0}]},
        {"options": {}, "rows": [{"loss": 1 / 3, "val_loss": 1e-05, "accuracy": 0.5}, {"loss": 2.0}]},
        {"options": {}, "rows": [{"loss": 1.0}, {"loss": 1e22, "val_loss": 123456789.125}, {"loss": float("nan")}]},
        {"options": {"separator": ";"}, "rows": [{"loss": 0.1 + 0.2, "val_loss": float("inf")}, {"loss": -1e-7}]},
        {"options": {"append": True}, "rows": [{"loss": 1.0}, {"loss": 3.0}], "twice": True},
        {"options": {}, "rows": [{"loss": 1.0}, {"loss": 3.0}], "twice": True},
    ]
    with tempfile.TemporaryDirectory() as folder:
        for i, run in enumerate(runs):
            path = os.path.join(folder, f"{i}.csv")
            for _ in range(2 if run.get("twice") else 1):
                callback = keras.callbacks.CSVLogger(path, **run["options"])
                callback.set_model(Model())
                callback.on_train_begin()
                for epoch, logs in enumerate(run["rows"]):
                    callback.on_epoch_end(epoch, dict(logs))
                callback.on_train_end()
            with open(path, newline="") as f:
                run["bytes"] = f.read()
    return runs


def formats():
    """What Python's formats make of values: [spec, value as text, result or None where Python refuses]."""
    specs = ["", "d", "02d", "3d", "<3d", "03", "+d", " d", ">6", "<6", "^7", "*^9", "_>8", "=6", "+06", "x", "X", "o",
             "04x", ",", "_d", ",.2f", ".2f", ".0f", "8.3f", "08.3f", "+.2f", " .1f", "<9.2f|", ".3", ".1", "10", "010",
             "e", ".2e", ".0E", "g", ".3g", "G", "#.3g", ".1%", "%", "08.1%", "F", "f", "^12.4f", "é^9.2f", "+=9.2f",
             ".2q", ".", ".2d", "s", "5.", "--3"]
    values = [1, 42, -3, 0, 1234567, 0.12345, 12.0, 1e-7, 123456.789, -0.5, 0.0, -0.0, 1e22, 0.995, 2.5e-5, 99.5, 100.0,
              float("nan"), float("inf"), float("-inf")]
    cases = []
    for spec in specs:
        for value in values:
            try:
                text = ("{v:" + spec + "}").format(v=value)
            except ValueError:
                text = None
            cases.append([spec, repr(value), text])
    return cases


def plain(value):
    """NaN and infinities as strings, so that the file is JSON."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


if __name__ == "__main__":
    result = {"keras": keras.__version__, "sequences": sequences(), "early_stopping": early_stopping(),
              "reduce_lr": reduce_lr(), "checkpoints": checkpoints(), "csv": csv_files(),
              "formats": formats()}
    with open(os.path.join(HERE, "callbacks.json"), "w") as f:
        json.dump(plain(result), f)
