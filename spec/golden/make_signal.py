#!/usr/bin/env python3
"""Golden values of spec/signal_spec.lua and spec/scaler_spec.lua: scipy, librosa and scikit-learn decide.

Signals are made from whole numbers, the same here and in the spec (noise below), so that only results are stored."""
import json
import pathlib

import librosa
import numpy as np
import scipy.signal as ss
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent


def noise(n, seed):
    """n samples in [-1, 1) that are exact in float32: the upper bits of a linear congruential generator."""
    out, state = np.empty(n), seed
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = (state >> 16) / 32768 - 1
    return out


def numbers(x):
    return [float(f"{v:.9g}") for v in np.asarray(x).ravel()]


def butter_cases():
    cases = []
    for sr, low, high in [(2000, 25, 400), (4000, 25, 1999), (22050, 20.5, 180), (1000, 300, 301), (44100, 5, 15000)]:
        for order in [1, 2, 3, 4, 5, 8, 12]:
            for btype in ["lowpass", "highpass", "bandpass", "bandstop"]:
                if order > 5 and high - low < 2:
                    continue
                cutoff = [low, high] if btype.startswith("band") else high if btype == "lowpass" else low
                sos = ss.butter(order, cutoff, btype, fs=sr, output="sos")
                cases.append(dict(order=order, btype=btype, cutoff=cutoff, sr=sr, sos=sos.tolist()))
    return cases


def filter_cases():
    cases = []
    for order, btype, cutoff, n in [(4, "bandpass", [25, 400], 257), (1, "lowpass", 100, 7), (2, "highpass", 30, 64),
                                    (5, "lowpass", 300, 201), (3, "bandstop", [45, 55], 301), (12, "lowpass", 500, 150),
                                    (6, "bandpass", [100, 200], 40)]:
        sos = ss.butter(order, cutoff, btype, fs=2000, output="sos")
        x = noise(n, n)
        case = dict(order=order, btype=btype, cutoff=cutoff, n=n, sosfilt=numbers(ss.sosfilt(sos, x)),
                    sosfiltfilt=numbers(ss.sosfiltfilt(sos, x)),
                    even=numbers(ss.sosfiltfilt(sos, x, padtype="even")),
                    constant=numbers(ss.sosfiltfilt(sos, x, padtype="constant", padlen=5)),
                    none=numbers(ss.sosfiltfilt(sos, x, padtype=None)))
        zi = ss.sosfilt_zi(sos)
        steady, zf = ss.sosfilt(sos, x, zi=zi * float(x[0]))
        case |= dict(zi=zi.tolist(), steady=numbers(steady), zf=zf.tolist())
        for padlen in range(1, 200):  # the shortest signal that scipy takes
            try:
                ss.sosfiltfilt(sos, x[:padlen] if padlen <= n else noise(padlen, 1))
            except ValueError:
                continue
            case["shortest"] = padlen
            break
        cases.append(case)
    return cases


def envelope_cases():
    return [dict(n=n, values=numbers(np.abs(ss.hilbert(noise(n, n))))) for n in
            [1, 2, 3, 4, 5, 16, 97, 100, 210, 243, 487, 1001, 1009]]


def homomorphic(x, sr, cutoff):
    sos = ss.butter(1, cutoff, "lowpass", fs=sr, output="sos")
    return np.exp(ss.sosfiltfilt(sos, np.log(np.abs(ss.hilbert(x)))))


def trim_cases():
    cases = []
    for i, (lead, body, tail, quiet) in enumerate([(5000, 9000, 7000, 0), (0, 4000, 9001, 1e-4), (12345, 700, 0, 0),
                                                   (3000, 3000, 3000, 0.01), (0, 10000, 0, 0), (100, 1, 100, 0),
                                                   (6000, 50, 6000, 0.001), (9999, 0, 0, 0)]):
        gain = np.concatenate([np.full(lead, quiet), np.ones(body), np.full(tail, quiet)])
        x = (noise(len(gain), i + 1) * gain).astype(np.float32)
        for options in [dict(), dict(top_db=20), dict(top_db=30, frame_length=512, hop_length=128),
                        dict(top_db=45, frame_length=501, hop_length=77), dict(top_db=25, ref=0.5)]:
            given = dict(options)
            if "ref" in given:
                given["ref"] = np.float64(given["ref"])
            _, interval = librosa.effects.trim(x, **given)
            cases.append(dict(seed=i + 1, lead=lead, body=body, tail=tail, quiet=quiet, options=options,
                              interval=[int(v) for v in interval]))
    return cases


def stretch_cases():
    cases = []
    for n, rate, n_fft in [(6000, 1.3, 512), (6001, 0.7, 512), (5000, 1.0, 2048), (7000, 2.6, 256), (300, 1.1, 512)]:
        y = librosa.effects.time_stretch(noise(n, n), rate=rate, n_fft=n_fft)
        cases.append(dict(n=n, rate=rate, n_fft=n_fft, length=len(y), values=numbers(y[::5])))
    return cases


def shift_cases():
    cases = []
    for n, steps, sr in [(6000, 2, 4000), (6000, -3.5, 22050), (5001, 0.5, 8000)]:
        y = librosa.effects.pitch_shift(noise(n, n), sr=sr, n_steps=steps, n_fft=512)
        cases.append(dict(n=n, n_steps=steps, sr=sr, values=numbers(y[::5])))
    return cases


def remove_spikes(x, window, threshold):
    """Schmidt et al. 2010, section 2.2, written down a second time."""
    x = x.copy()
    edges = list(range(0, len(x), window)) + [len(x)]
    while True:
        peaks = np.array([np.abs(x[a:b]).max() for a, b in zip(edges, edges[1:])])
        middle = np.median(peaks)
        w = peaks.argmax()
        if middle == 0 or peaks[w] <= threshold * middle:
            return x
        top = edges[w] + np.abs(x[edges[w]:edges[w + 1]]).argmax()
        crossings = np.flatnonzero(np.sign(x[:-1]) != np.sign(x[1:])) + 1
        before, after = crossings[crossings <= top], crossings[crossings > top]
        x[before[-1] if len(before) else 0:after[0] if len(after) else len(x)] = 0


def spike_cases():
    cases = []
    for n, window, spikes in [(1000, 100, [150, 151, 152, 700]), (1037, 100, [99, 100, 101, 1036]),
                              (500, 50, [0, 1, 2])]:
        x = np.convolve(noise(n, n), np.ones(4) / 4, "same") * 0.5
        x = np.round(x * 65536) / 65536
        for s in spikes:
            x[s] += 4
        y = remove_spikes(x, window, 3)
        zeros = [int(i) for i in np.flatnonzero((y == 0) & (x != 0))]
        cases.append(dict(n=n, window=window, x=numbers(x), zeros=zeros))
    return cases


def scaler_case():
    x = (noise(6 * 4 * 5, 3) * 10 + np.repeat(np.arange(24), 5) * 2).reshape(6, 4, 5).astype(np.float32)
    x[:, 2] = 7.25  # a constant coefficient
    columns = x.astype(np.float64).transpose(0, 2, 1).reshape(-1, 4)
    scaler = StandardScaler().fit(columns)
    return dict(x=numbers(x), mean=scaler.mean_.tolist(), var=scaler.var_.tolist(), scale=scaler.scale_.tolist(),
                values=numbers(scaler.transform(columns).reshape(6, 5, 4).transpose(0, 2, 1)))


x = noise(800, 5)
golden = dict(butter=butter_cases(), filter=filter_cases(), envelope=envelope_cases(), trim=trim_cases(),
              homomorphic=dict(n=800, seed=5, sr=1000, cutoff=8, values=numbers(homomorphic(x, 1000, 8))),
              stretch=stretch_cases(), shift=shift_cases(), spikes=spike_cases(), scaler=scaler_case())
for name, value in golden.items():
    (HERE / f"signal_{name}.json").write_text(json.dumps(value, separators=(",", ":")) + "\n")
