#!/usr/bin/env python3
"""Training runs of Keras, to compare lubdub's with: writes training_steps.json, notebook_start.h5 and
notebook_15_epochs.json beside this script.

usage: make_training.py steps                        the small net: SGD and Adam steps
       make_training.py start                        the notebook's net, fresh weights, saved by Keras
       make_training.py notebook PASCAL_FOLDER       its 15 epochs on TensorFlow and on JAX

Needs keras 3.15 with tensorflow and jax, librosa 0.11, scikit-learn 1.9.
"""
import csv
import json
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
HERE = os.path.dirname(os.path.abspath(__file__))


def numbers(array):
    """Flat list whose JSON text gives back the same float32."""
    import numpy as np
    return [float(f"{v:.9g}") for v in np.asarray(array, "float32").ravel()]


def tensor(array):
    return {"shape": list(array.shape), "data": numbers(array)}


def small_net():
    import keras
    layers = keras.layers
    return keras.Sequential([
        layers.Input((10, 12, 1)),
        layers.Conv2D(4, 2, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(8, 2, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, activation="softmax"),
    ])


def make_steps():
    """One SGD step (learning rate 0.1) on 4 rows; one epoch of Adam on 18 rows in batches of 4, the last of 2, with
    class weights; then evaluate and predict. Shuffling is off."""
    import keras
    import numpy as np
    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    x = rng.normal(size=(18, 10, 12, 1)).astype("float32")
    labels = np.arange(18) % 7 % 3
    y = np.eye(3, dtype="float32")[labels]
    class_weight = {0: 0.5, 1: 1.25, 2: 3.0}

    model = small_net()
    start = [w + rng.normal(scale=0.05, size=w.shape).astype("float32") for w in model.get_weights()]
    result = {"keras": keras.__version__, "backend": keras.backend.backend(), "x": tensor(x), "y": tensor(y),
              "class_weight": [class_weight[c] for c in range(3)], "weights": [tensor(w) for w in start]}

    model.set_weights(start)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x[:4], y[:4], batch_size=4, shuffle=False, verbose=0)
    result["sgd"] = {"loss": history.history["loss"], "accuracy": history.history["accuracy"],
                     "weights": [tensor(w) for w in model.get_weights()]}

    model.set_weights(start)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=4, shuffle=False, class_weight=class_weight, verbose=0,
                        validation_data=(x[:7], y[:7]))
    result["adam"] = {"history": history.history, "weights": [tensor(w) for w in model.get_weights()],
                      "evaluate": model.evaluate(x, y, batch_size=5, verbose=0, return_dict=True),
                      "evaluate_weighted": model.evaluate(x, y, batch_size=5, verbose=0, return_dict=True,
                                                          sample_weight=np.arange(1, 19) / 10),
                      "predict": tensor(model.predict(x, batch_size=5, verbose=0))}
    with open(os.path.join(HERE, "training_steps.json"), "w") as f:
        json.dump(result, f)


def notebook_net():
    import keras
    layers = keras.layers
    return keras.Sequential([
        layers.Input((40, 173, 1)),
        layers.Conv2D(16, 2, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(32, 2, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(128, 2, activation="relu"), layers.MaxPooling2D(2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5, activation="softmax"),
    ])


def make_start():
    import keras
    keras.utils.set_random_seed(42)
    model = notebook_net()
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    model.save(os.path.join(HERE, "notebook_start.h5"))


def pascal(folder):
    """The 404 labelled clips of at least 4 s as MFCC / 100, split as the notebook splits them."""
    import librosa
    import numpy as np
    from sklearn.model_selection import train_test_split
    from sklearn.utils import shuffle
    with open(os.path.join(folder, "manifest.csv"), newline="") as f:
        rows = sorted(((r["path"], r["label"]) for r in csv.DictReader(f)), key=lambda r: os.fsencode(r[0]))
    rows = [r for r in rows if r[1] in ("artifact", "extrahls", "extrastole", "murmur", "normal")
            and librosa.get_duration(path=os.path.join(folder, r[0])) >= 4]
    rows = shuffle(rows, random_state=42)
    train, test = train_test_split(rows, test_size=0.2, random_state=42)
    names = sorted({label for _, label in rows})

    def part(rows):
        x = []
        for path, _ in rows:
            y, sr = librosa.load(os.path.join(folder, path), duration=4)
            x.append(librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40) / 100)
        return np.stack(x)[..., None].astype("float32"), np.array([names.index(label) for _, label in rows])

    return part(train), part(test), [path for path, _ in train], [path for path, _ in test]


def run_notebook(cache):
    """Fits on the backend of KERAS_BACKEND and prints the history as JSON."""
    import keras
    import numpy as np
    from sklearn.utils.class_weight import compute_class_weight
    data = np.load(cache)
    train, test = data["y_train"], data["y_test"]
    balanced = compute_class_weight("balanced", classes=np.unique(train), y=train)
    model = keras.models.load_model(os.path.join(HERE, "notebook_start.h5"), compile=False)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    one_hot = np.eye(5, dtype="float32")
    history = model.fit(data["x_train"], one_hot[train], batch_size=128, epochs=15, shuffle=False, verbose=0,
                        validation_data=(data["x_test"], one_hot[test]), class_weight=dict(enumerate(balanced)))
    print(json.dumps({"history": history.history, "class_weight": list(balanced)}))


def make_notebook(folder):
    import tempfile
    import numpy as np
    (x_train, y_train), (x_test, y_test), train, test = pascal(folder)
    with tempfile.TemporaryDirectory() as aside:
        cache = os.path.join(aside, "pascal.npz")
        np.savez(cache, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
        runs = {}
        for backend in ("tensorflow", "jax"):
            run = subprocess.run([sys.executable, __file__, "run", cache], check=True, stdout=subprocess.PIPE,
                                 env=dict(os.environ, KERAS_BACKEND=backend))
            runs[backend] = json.loads(run.stdout.decode().strip().splitlines()[-1])
    result = {"class_weight": runs["tensorflow"]["class_weight"], "train": train, "test": test,
              "tensorflow": runs["tensorflow"]["history"], "jax": runs["jax"]["history"]}
    with open(os.path.join(HERE, "notebook_15_epochs.json"), "w") as f:
        json.dump(result, f, indent=1)
    for key in ("loss", "val_loss"):
        tf, jax = np.array(result["tensorflow"][key]), np.array(result["jax"][key])
        print(key, "largest relative distance of JAX from TensorFlow:", np.max(np.abs(jax / tf - 1)))


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "steps":
        make_steps()
    elif what == "start":
        make_start()
    elif what == "notebook" and len(sys.argv) == 3:
        make_notebook(sys.argv[2])
    elif what == "run":
        run_notebook(sys.argv[2])
    else:
        sys.exit(__doc__)
