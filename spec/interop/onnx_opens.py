#!/usr/bin/env python3
"""Opens the models that write_onnx.lua saved, in ONNX Runtime.

usage: onnx_opens.py FOLDER      (needs onnx and onnxruntime)

Every NAME.onnx must pass onnx's checker (with its inference of shapes), and predict what lubdub predicted within 1e-5
of its largest value, or of 1, for the batch of NAME.onnx.json and for its first row alone.
Ends with status 1 where one does not.
"""
import glob
import json
import os
import sys

try:
    import onnx
    import onnxruntime
except ImportError as error:
    sys.exit(print("lubdub: ONNX is skipped: %s; make peers installs it" % error))

import numpy as np

from keras_opens import TOLERANCE, inputs


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    with open(path + ".json") as f:
        expected = json.load(f)
    session, worst = session_of(path), 0.0
    values = {given.name: inputs(shape) for given, shape in zip(session.get_inputs(), expected["inputs"])}
    for rows in (None, 1):
        got = session.run(None, {name: value[:rows] for name, value in values.items()})
        assert len(got) == len(expected["outputs"]), "%d outputs" % len(got)
        for given, wanted in zip(got, expected["outputs"]):
            wanted = np.asarray(wanted)[:rows]
            assert given.shape == wanted.shape, "shape %s, not %s" % (given.shape, wanted.shape)
            if wanted.size:
                difference = np.abs(given - wanted).max() / max(1, np.abs(wanted).max())
                worst = max(worst, difference if np.isfinite(difference) else np.inf)
    metadata = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert metadata.get("labels") == expected.get("labels"), "labels %s" % metadata.get("labels")
    return worst


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    paths, worst, failed = sorted(glob.glob(os.path.join(sys.argv[1], "*.onnx"))), 0.0, 0
    for path in paths:
        try:
            difference = check(path)
        except Exception as error:  # whatever a reader raises is a file that did not open
            difference = np.inf
            print("%s: %s" % (os.path.basename(path), str(error)[:300]))
        failed += not difference <= TOLERANCE
        worst = max(worst, difference)
        if TOLERANCE < difference < np.inf:
            print("%s: differs by %.1e" % (os.path.basename(path), difference))
    print("%d models of lubdub in ONNX Runtime: largest difference %.1e" % (len(paths), worst))
    sys.exit(1 if failed or not paths else 0)
