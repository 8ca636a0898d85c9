#!/usr/bin/env python3
"""Peers of bench/engine.lua: one training step or one prediction, timed on request.

It reads commands from standard input, one a line, and answers each with seconds:
  torch train 128 | torch predict 128 | keras train 128 | keras predict 128 | onnx predict 1 ...
so that bench/engine.lua can alternate its own runs with these. usage: bench/engine.py NET THREADS
"""
import os
import shutil
import sys
import tempfile
import time

net, threads = sys.argv[1], int(sys.argv[2])
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "1073741824")
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "4294967296")
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
import numpy as np

H, W, CLASSES = 40, 173, 5
rng = np.random.default_rng(0)


def data(n):
    x = rng.standard_normal((n, H, W, 1)).astype("float32")
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
        stack = [L.Input((H, W, 1))]
        if net == "notebook":
            for cout, rate in ((16, 0.2), (32, 0.2), (128, 0.5)):
                stack += [L.Conv2D(cout, 2, activation="relu"), L.MaxPooling2D(2), L.Dropout(rate)]
        else:
            for cout in (32, 64, 128):
                stack += [L.Conv2D(cout, 3, padding="same"), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(2),
                          L.Dropout(0.2)]
        stack += [L.GlobalAveragePooling2D(), L.Dense(CLASSES, activation="softmax")]
        self.model = keras.Sequential(stack)
        self.model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

    def prepare(self, n):
        x, y = data(8 * n)  # an epoch of eight steps through fit, as people train
        return x, y

    def train(self, x, y):
        self.model.fit(x, y, batch_size=len(x) // 8, epochs=1, verbose=0)

    def predict(self, x, _):
        self.model.predict(x, batch_size=len(x) // 8, verbose=0)


class Onnx:
    def __init__(self):
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

    def prepare(self, n):
        x, y = data(n)
        return x.transpose(0, 3, 1, 2).copy(), y

    def predict(self, x, _):
        self.session.run(None, {"x": x})


peers, prepared = {}, {}
kinds = {"torch": Torch, "keras": Keras, "onnx": Onnx}
for line in sys.stdin:
    who, what, n = line.split()
    n = int(n)
    try:
        if who not in peers:
            peers[who] = kinds[who]()
        if (who, n) not in prepared:
            prepared[who, n] = peers[who].prepare(n)
            for _ in range(3):
                getattr(peers[who], what)(*prepared[who, n])
        started = time.perf_counter()
        getattr(peers[who], what)(*prepared[who, n])
        seconds = time.perf_counter() - started
        print(seconds / 8 if who == "keras" else seconds, flush=True)
    except ImportError as error:
        print("missing", error, flush=True)
