#!/usr/bin/env python3
"""Compares the MFCC of every labelled PASCAL recording of at least 4 s, whole, with a live librosa 0.11.

Run it from the top of a built checkout, with ../shared/data/pascal2011 beside it; LUA may name the interpreter.
It prints the largest and the mean difference, and the time of both sides, and fails where they differ by
more than 1e-3, or 2e-5 in the mean.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import librosa
import numpy as np

ROOT = pathlib.Path("../shared/data/pascal2011")
PROGRAM = """
local lubdub, paths = require "lubdub", {}
for path in io.lines() do paths[#paths + 1] = path end
local steps = lubdub.preprocessing.steps(lubdub.MFCC { n_mfcc = 40 }, { duration = 4 })
local start = lubdub.clock()
local x = assert(lubdub.preprocessing.apply(steps, paths))
io.stderr:write(("%.3f"):format(lubdub.clock() - start))
io.stdout:write(x:to_bytes())
"""


def ours(paths):
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(PROGRAM)
        file.flush()
        env = os.environ | {"LUA_PATH": "lua/?.lua;lua/?/init.lua;;", "LUA_CPATH": "lua/?.so;;"}
        done = subprocess.run([os.environ.get("LUA", "lua5.4"), file.name], input="\n".join(paths).encode(), env=env,
                              capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return np.frombuffer(done.stdout, "<f4").reshape(len(paths), 40, 173), float(done.stderr)


def theirs(path):
    y, sr = librosa.load(path, sr=22050, duration=4)
    return librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40)


def main():
    about = json.loads((pathlib.Path(__file__).parent / "pascal_mfcc.json").read_text(encoding="utf-8"))
    paths = [str(ROOT / path) for path in about["paths"]]
    x, seconds = ours(paths)
    theirs(paths[0])  # warm-up
    start = time.perf_counter()
    expected = np.stack([theirs(path) for path in paths])
    peer = time.perf_counter() - start
    difference = np.abs(x.astype("f8") - expected)
    print(f"{len(paths)} recordings, largest value {np.abs(expected).max():.6g}")
    print(f"largest difference {difference.max():.3g}, mean {difference.mean():.3g}")
    print(f"load and MFCC: {seconds:.2f} s, librosa {peer:.2f} s")
    if difference.max() > 1e-3 or difference.mean() > 2e-5:
        sys.exit("too far from librosa")


if __name__ == "__main__":
    main()
