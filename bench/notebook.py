#!/usr/bin/env python3
"""The notebook's recipe in Keras, for bench/notebook.lua's side: the time of an epoch on this machine.

usage: bench/notebook.py [folder] [epochs]   (KERAS_BACKEND=tensorflow or jax)
"""
import csv
import os
import sys
import time

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import librosa
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import shuffle
from sklearn.utils.class_weight import compute_class_weight

here = os.path.dirname(os.path.abspath(__file__))
folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../shared/data/pascal2011")
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 20

with open(os.path.join(folder, "manifest.csv"), newline="") as file:
    rows = sorted((row["path"], row["label"]) for row in csv.DictReader(file))
rows = [(p, label) for p, label in rows
        if label and not label.endswith("unlabelledtest") and label != "unlabelled"
        and librosa.get_duration(path=os.path.join(folder, p)) >= 4]
rows = shuffle(rows, random_state=42)
train, test = train_test_split(rows, test_size=0.2, random_state=42)


def features(part):
    result = []
    for path, _ in part:
        y, sr = librosa.load(os.path.join(folder, path), duration=4)
        result.append(librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40))
    return np.array(result)[..., np.newaxis]


started = time.monotonic()
x_train, x_test = features(train), features(test)
print(f"{len(train)} + {len(test)} clips, features in {time.monotonic() - started:.2f} s")
encoder = LabelEncoder().fit([label for _, label in train])
y_train = encoder.transform([label for _, label in train])
y_test = keras.utils.to_categorical(encoder.transform([label for _, label in test]), len(encoder.classes_))
weights = dict(enumerate(compute_class_weight("balanced", classes=np.unique(y_train), y=y_train)))
y_train = keras.utils.to_categorical(y_train)

layers = keras.layers
model = keras.Sequential([
    layers.Input((40, 173, 1)),
    layers.Conv2D(16, 2, activation="relu"), layers.MaxPooling2D(2), layers.Dropout(0.2),
    layers.Conv2D(32, 2, activation="relu"), layers.MaxPooling2D(2), layers.Dropout(0.2),
    layers.Conv2D(128, 2, activation="relu"), layers.MaxPooling2D(2), layers.Dropout(0.5),
    layers.GlobalAveragePooling2D(),
    layers.Dense(len(encoder.classes_), activation="softmax"),
])
model.compile(loss="categorical_crossentropy", metrics=["accuracy"], optimizer="adam")


class Times(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.monotonic() - self.started)


times = Times()
history = model.fit(x_train, y_train, batch_size=128, epochs=epochs, validation_data=(x_test, y_test),
                    class_weight=weights, verbose=0, callbacks=[times])
print(f"val_accuracy {history.history['val_accuracy'][-1]:.3f} after {epochs} epochs; "
      f"{1000 * np.median(times.seconds[2:]):.1f} ms per epoch (median, first two left out)")
