#!/usr/bin/env python3
"""Opens the random models that write_random.lua saved, in a real Keras.

usage: keras_trains.py FOLDER      (needs keras 3 with any backend)

NAME.h5 and NAME.keras must predict within 1e-5 what lubdub predicted; NAME.keras must go on training: after one more
step its predictions are within 1e-5 of lubdub's after its own. Ends with status 1 where one is not.
"""
import glob
import json
import os
import sys

from backend import keras  # chooses one before it is loaded

import numpy as np

from keras_opens import TOLERANCE, inputs


def difference(model, x, wanted):
    return float(np.abs(model.predict_on_batch(x) - np.asarray(wanted)).max())


def check(stem):
    with open(stem + ".json") as f:
        expected = json.load(f)
    x = inputs(expected["input_shape"])
    found = {"h5": difference(keras.models.load_model(stem + ".h5"), x, expected["predictions"])}
    model = keras.models.load_model(stem + ".keras")
    found["keras"] = difference(model, x, expected["predictions"])
    if "next" in expected:
        model.train_on_batch(x, np.eye(3)[np.arange(len(x)) % 3])
        found["next"] = difference(model, x, expected["next"])
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    worst, failed, stems = {}, 0, [p[:-6] for p in sorted(glob.glob(os.path.join(sys.argv[1], "lubdub_*.keras")))]
    for stem in stems:
        found = check(stem)
        for what, value in found.items():
            worst[what] = max(worst.get(what, 0), value)
        if not max(found.values()) <= TOLERANCE:
            failed += 1
            print("%s: %s" % (os.path.basename(stem), found))
    print("%d random models of lubdub in Keras: largest differences %s" % (
        len(stems), ", ".join("%s %.1e" % pair for pair in worst.items())))
    sys.exit(1 if failed or not stems else 0)
