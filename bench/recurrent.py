#!/usr/bin/env python3
"""Training a recurrent net (173 steps of 40 features, LSTM 64, Dense 5) in Keras on TensorFlow and in lubdub, in turns.

usage: bench/recurrent.py [threads] [rounds]

Prints for each layer and batch the median milliseconds per step of both, and the ratio.
"""
import os
import statistics
import subprocess
import sys
import time

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
STEPS, FEATURES, UNITS, CLASSES, COUNT = 173, 40, 64, 5, 4
here = os.path.dirname(os.path.abspath(__file__))
lubdub = subprocess.Popen([os.environ.get("LUA", "lua5.4"), os.path.join(here, "recurrent.lua"), "serve", str(threads)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask_lubdub(kind, batch):
    lubdub.stdin.write(f"{kind} {batch} {COUNT}\n")
    lubdub.stdin.flush()
    return float(lubdub.stdout.readline())


layers = keras.layers
kinds = {"lstm": lambda: layers.LSTM(UNITS), "gru": lambda: layers.GRU(UNITS),
         "bidirectional": lambda: layers.Bidirectional(layers.LSTM(UNITS))}
print(f"Keras {keras.__version__} on {keras.backend.backend()}, {threads} threads, "
      f"medians of {rounds} alternating rounds of {COUNT} steps")
for kind, make in kinds.items():
    for batch in (32, 128):
        model = keras.Sequential([layers.Input((STEPS, FEATURES)), make(), layers.Dense(CLASSES, activation="softmax")])
        model.compile(optimizer="adam", loss="categorical_crossentropy")
        x = np.random.default_rng(1).normal(size=(batch, STEPS, FEATURES)).astype("float32")
        y = np.eye(CLASSES, dtype="float32")[np.arange(batch) % CLASSES]
        data = tf.data.Dataset.from_tensors((x, y)).cache().repeat(COUNT)
        model.fit(data, epochs=2, verbose=0)
        ask_lubdub(kind, batch)
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(ask_lubdub(kind, batch))
            started = time.monotonic()
            model.fit(data, epochs=1, verbose=0)
            theirs.append(1000 * (time.monotonic() - started) / COUNT)
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"{kind:13} batch {batch:3}: lubdub {a:7.1f} ms, Keras {b:7.1f} ms, {b / a:.1f} times", flush=True)
