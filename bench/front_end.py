#!/usr/bin/env python3
"""librosa and lubdub side by side, in turns: bench/front_end.lua does lubdub's part in a process of its own.

usage: bench/front_end.py [folder]

Each task is warmed up in both, then they take turns; the medians of wall and CPU time are printed with their ratios.
A machine that others use makes wall times long and ratios of CPU time more telling. librosa's import and its first
calls (which compile) are not counted, and its BLAS gets one thread, with which it is fastest: its products are small.
"""
import csv
import os
import pathlib
import statistics
import subprocess
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import librosa
import numpy as np

here = pathlib.Path(__file__).resolve().parent
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "../../shared/data/pascal2011"

rng = np.random.default_rng(1)
signal = rng.uniform(-1, 1, 88200).astype(np.float32)
for i in range(0, 88200, 20000):
    signal[i:i + 15000] *= 0.01
cepstrum = librosa.feature.mfcc(y=signal, n_mfcc=40)
tasks = {name: (lambda f=getattr(librosa.feature, name): f(y=signal)) for name in (
    "melspectrogram", "rms", "zero_crossing_rate", "spectral_centroid", "spectral_bandwidth", "spectral_rolloff",
    "spectral_contrast")}
tasks["mfcc"] = lambda: librosa.feature.mfcc(y=signal, n_mfcc=40)
tasks["stft"] = lambda: librosa.stft(signal)
tasks["chroma_stft"] = lambda: librosa.feature.chroma_stft(y=signal, tuning=0.0)
tasks["delta"] = lambda: librosa.feature.delta(cepstrum)

clips = []
if folder.exists():
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        clips = [folder / row["path"] for row in csv.DictReader(file) if "unlabelled" not in row["path"]]
    clips = [path for path in clips if librosa.get_duration(path=path) >= 4]


def pascal():
    for path in clips:
        y, sr = librosa.load(path, duration=4)
        librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40)


if clips:
    tasks["pascal"] = pascal

server = subprocess.Popen(["lua5.4", str(here / "front_end.lua"), "--serve", str(folder)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, bufsize=1)


def lubdub(name, repetitions):
    server.stdin.write(f"{name} {repetitions}\n")
    answer = server.stdout.readline().split()
    return None if answer == ["none"] else tuple(map(float, answer))


def peer(name, repetitions):
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repetitions):
        tasks[name]()
    return (time.perf_counter() - wall) / repetitions, (time.process_time() - cpu) / repetitions


def alternate(name):
    turns, ours, theirs = (7, 1, 1) if name == "pascal" else (15, 20, 2)
    lubdub(name, 1), peer(name, 1)
    rows = [lubdub(name, ours) + peer(name, theirs) for _ in range(turns)]
    return [1000 * statistics.median(column) for column in zip(*rows)]


print(f"{len(clips)} clips of PASCAL; ms, medians of turns")
print(f"{'':20s} {'lubdub wall':>12s} {'CPU':>9s} {'librosa wall':>13s} {'CPU':>9s} {'ratio wall':>11s} {'CPU':>6s}")
for task in tasks:
    a, b, c, d = alternate(task)
    print(f"{task:20s} {a:12.3f} {b:9.3f} {c:13.3f} {d:9.3f} {c / a:11.1f} {d / b:6.1f}", flush=True)
for task in ("pascal_cached", "require", "no_require"):
    if lubdub(task, 1) is None:
        continue
    wall, cpu = zip(*(lubdub(task, 1) for _ in range(20)))
    print(f"{task:20s} {1000 * statistics.median(wall):12.3f} {1000 * statistics.median(cpu):9.3f}")
server.stdin.close()
server.wait()
