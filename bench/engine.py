#!/usr/bin/env python3
"""A peer's side of bench/engine.lua. It reads "train 128" or "predict 1", a line each, does it over and over for a few
milliseconds, and answers with the seconds of one run.

usage: bench/engine.py WHO NET THREADS     WHO: torch, keras or onnx; NET: notebook, batchnorm or lstm
"""
import os
import re
import shutil
import sys
import tempfile
import time

who, net, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
import numpy as np

H, W, CLASSES, EPOCH, LEAST = 40, 173, 5, 8, 0.005
shape = (W, H) if net == "lstm" else (H, W, 1)
rng = np.random.default_rng(0)


def data(n):
    x = rng.standard_normal((n, *shape)).astype("float32")
    y = np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, n)]
    return x, y


class Torch:
    def __init__(self):
        import torch
        self.torch = torch
        torch.set_num_threads(threads)
        nn = torch.nn
        if net == "notebook":
            layers = []
            for cin, cout, rate in ((1, 16, 0.2), (16, 32, 0.2), (32, 128, 0.5)):
                layers += [nn.Conv2d(cin, cout, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(rate)]
        else:
            layers = []
            for cin, cout in ((1, 32), (32, 64), (64, 128)):
                layers += [nn.Conv2d(cin, cout, 3, padding="same"), nn.BatchNorm2d(cout), nn.ReLU(), nn.MaxPool2d(2),
                           nn.Dropout(0.2)]
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, CLASSES)]
        self.model = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, eps=1e-7)
        self.loss = nn.CrossEntropyLoss()

    def prepare(self, n):
        x, y = data(n)
        x = self.torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=self.torch.channels_last)
        return x, self.torch.from_numpy(y.argmax(1))

    def train(self, x, y):
        self.model.train()
        self.optimizer.zero_grad()
        self.loss(self.model(x), y).backward()
        self.optimizer.step()

    def predict(self, x, _):
        self.model.eval()
        with self.torch.inference_mode():
            self.model(x).softmax(1)


class Keras:
    def __init__(self):
        import tensorflow as tf
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        import keras
        L = keras.layers
        stack = [L.Input(shape)]
        if net == "notebook":
            for cout, rate in ((16, 0.2), (32, 0.2), (128, 0.5)):
                stack += [L.Conv2D(cout, 2, activation="relu"), L.MaxPooling2D(2), L.Dropout(rate)]
        elif net == "batchnorm":
            for cout in (32, 64, 128):
                stack += [L.Conv2D(cout, 3, padding="same"), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(2),
                          L.Dropout(0.2)]
        stack += [L.LSTM(64) if net == "lstm" else L.GlobalAveragePooling2D(), L.Dense(CLASSES, activation="softmax")]
        self.model = keras.Sequential(stack)
        self.model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

    def prepare(self, n):
        return data(EPOCH * n)  # through fit and predict, as people train

    def train(self, x, y):
        self.model.fit(x, y, batch_size=len(x) // EPOCH, epochs=1, verbose=0)

    def predict(self, x, _):
        self.model.predict(x, batch_size=len(x) // EPOCH, verbose=0)


def held_onnxruntime():
    """ONNX Runtime asks the CPU itself what it can do, and has no switch. So a copy of it is made whose jump to the
    kernels for AVX-512 (behind tests of CPUID's bit 16 and of XCR0's 0xE0) is blanked; its own ones for AVX2 remain."""
    import importlib.util
    package = os.path.dirname(importlib.util.find_spec("onnxruntime").origin)
    folder = tempfile.mkdtemp()
    shutil.copytree(package, os.path.join(folder, "onnxruntime"))
    capi = os.path.join(folder, "onnxruntime", "capi")
    path = [os.path.join(capi, name) for name in os.listdir(capi) if name.startswith("onnxruntime_pybind11_state")][0]
    with open(path, "rb") as file:
        code = file.read()
    held, times = re.subn(rb"(\xf7.\x00\x00\x01\x00\x74.\x4c\x89.\x48\xf7.\xa8\xe0)\x0f\x84.{4}",
                          lambda found: found[1] + bytes.fromhex("660f1f440000"), code, flags=re.DOTALL)
    if times != 1:
        shutil.rmtree(folder)
        raise ImportError("this onnxruntime has another way to choose its kernels")
    with open(path, "wb") as file:
        file.write(held)
    sys.path.insert(0, folder)
    return folder


class Onnx:
    def __init__(self):
        copy = held_onnxruntime() if os.environ.get("HOLD_ONNX") == "avx2" else None
        import onnxruntime
        import torch
        peer = Torch()
        peer.model.eval()
        folder = tempfile.mkdtemp()
        path = os.path.join(folder, "net.onnx")
        torch.onnx.export(torch.nn.Sequential(peer.model, torch.nn.Softmax(1)), torch.zeros(1, 1, H, W), path,
                          input_names=["x"], dynamic_axes={"x": {0: "n"}}, dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options)
        shutil.rmtree(folder)
        if copy:
            shutil.rmtree(copy)

    def prepare(self, n):
        x, y = data(n)
        return x.transpose(0, 3, 1, 2).copy(), y

    def predict(self, x, _):
        self.session.run(None, {"x": x})


try:
    peer = {"torch": Torch, "keras": Keras, "onnx": Onnx}[who]()
except ImportError:
    peer = None
prepared = {}
for line in sys.stdin:
    what, n = line.split()
    if not peer:
        print("missing", flush=True)
        continue
    if n not in prepared:
        prepared[n] = peer.prepare(int(n))
        for _ in range(3):
            getattr(peer, what)(*prepared[n])
    runs, started = 0, time.perf_counter()
    while runs == 0 or time.perf_counter() - started < LEAST:
        getattr(peer, what)(*prepared[n])
        runs += 1
    seconds = (time.perf_counter() - started) / runs
    print(seconds / EPOCH if who == "keras" else seconds, flush=True)
