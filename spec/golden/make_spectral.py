#!/usr/bin/env python3
"""Writes what librosa gives for the features beside STFT, mel and MFCC, and for all of them on real recordings.

spectral.json, spectral.f32   signals that spec/support/signals.lua makes bit for bit the same
recordings.json, .f32         parts of recordings in ../shared/data (made only where all of it is)

Each case tells how far librosa itself is from the same formulas in float64 ("peer"), in units of the largest value:
where a value is dB of rounding noise, that is the measure (dB are compared with 1 dB at least). The .f32 files are little-endian float32, case after case.
Needs librosa 0.11.
"""
import json
import pathlib
import warnings

import librosa
import numpy as np

from make_features import signal, write

HERE = pathlib.Path(__file__).parent
DATA = HERE / "../../../shared/data"
warnings.simplefilter("ignore")


def wide(y, o, power):
    """|STFT|^power in float64."""
    names = ("n_fft", "hop_length", "win_length", "window", "center", "pad_mode")
    given = {"n_fft": 2048, "hop_length": 512} | {k: o[k] for k in names if k in o}
    return np.abs(librosa.stft(y.astype(np.float64), dtype=np.complex128, **given)) ** power


def compute(name, y, o):
    """The feature, and the same from float64."""
    o = dict(o)
    if name == "stft":
        o.pop("sr", None)
        pair = lambda s: np.stack([s.real, s.imag], -1)
        return pair(librosa.stft(y, **o)), pair(librosa.stft(y.astype(np.float64), dtype=np.complex128, **o))
    if name in ("rms", "zero_crossing_rate"):
        o.pop("sr", None)
        y64 = y.astype(np.float64)
        if name == "rms":
            return librosa.feature.rms(y=y, **o), librosa.feature.rms(y=y64, dtype=np.float64, **o)
        return librosa.feature.zero_crossing_rate(y, **o), librosa.feature.zero_crossing_rate(y64, **o)
    if name == "melspectrogram":
        shape = {k: o[k] for k in ("n_mels", "fmin", "fmax", "htk") if k in o}
        s = librosa.feature.melspectrogram(y=y, **o)
        return s, librosa.feature.melspectrogram(S=wide(y, o, o.get("power", 2)), sr=o.get("sr", 22050),
                                                 n_fft=o.get("n_fft", 2048), **shape)
    if name == "mfcc":
        top_db = o.pop("top_db", 80.0)
        n_mfcc = o.pop("n_mfcc", 20)
        mels = compute("melspectrogram", y, o)
        return tuple(librosa.feature.mfcc(S=librosa.power_to_db(m, top_db=top_db), n_mfcc=n_mfcc) for m in mels)
    function = getattr(librosa.feature, name)
    framing = ("hop_length", "win_length", "window", "center", "pad_mode")
    rest = {k: v for k, v in o.items() if k not in framing}
    return function(y=y, **o), function(S=wide(y, o, 2 if name == "chroma_stft" else 1), **rest)


def distance(a, b, least):
    largest = max(np.max(np.abs(b)), least)
    return float(np.max(np.abs(a - b)) / (largest if largest > 0 else 1))


def plain(options):
    return {k: "inf" if v is np.inf else False if v is None else v for k, v in options.items()}


class Cases:
    def __init__(self):
        self.about, self.values = [], []

    def add(self, name, where, result, truth, options):
        result = np.asarray(result)
        self.about.append({"feature": name, **where, "options": plain(options), "shape": list(result.shape),
                           "peer": distance(result, truth, 1 if name == "spectral_contrast" else 0)})
        self.values.append(result.astype("<f4").ravel())


NAMES = ("rms", "zero_crossing_rate", "spectral_centroid", "spectral_bandwidth", "spectral_rolloff",
         "spectral_contrast", "chroma_stft")


def known(name, options):
    """The tuning is 0 unless given, as lubdub has it."""
    return {"tuning": 0.0} | options if name == "chroma_stft" else options


def synthetic():
    cases = Cases()

    def case(name, shape, n, **options):
        result, truth = compute(name, signal(shape, n), known(name, options))
        cases.add(name, {"signal": shape, "n": n}, result, truth, options)

    for name in NAMES:
        for shape, n in (("beats", 5000), ("tone", 4096), ("clipped", 3001), ("silence", 2500), ("impulse", 3000),
                         ("noise", 1), ("noise", 777)):
            case(name, shape, n)
        length = "frame_length" if name in NAMES[:2] else "n_fft"
        contrast = {"n_bands": 3} if name == "spectral_contrast" else {}
        case(name, "beats", 4000, **{length: 512, "hop_length": 100, **contrast})
        case(name, "beats", 4000, **{length: 999, "hop_length": 333, "center": False, **contrast})
        if name != "zero_crossing_rate":
            case(name, "noise", 2100, **{length: 1000, "hop_length": 250, "pad_mode": "reflect", **contrast})
            case(name, "noise", 2100, **{length: 400, "hop_length": 160, "pad_mode": "edge", **contrast})
    case("zero_crossing_rate", "beats", 4000, threshold=0.01)
    case("zero_crossing_rate", "clipped", 4000, threshold=0.3, zero_pos=False)
    case("spectral_bandwidth", "beats", 4000, p=3)
    case("spectral_bandwidth", "beats", 4000, p=1.5, norm=False)
    case("spectral_bandwidth", "beats", 4000, sr=4000, window="hamming", win_length=1024)
    case("spectral_centroid", "beats", 4000, sr=4000, window="blackman")
    for share in (0.1, 0.5, 0.99):
        case("spectral_rolloff", "beats", 4000, roll_percent=share, n_fft=1024)
    case("spectral_contrast", "beats", 4000, linear=True)
    case("spectral_contrast", "beats", 4000, sr=4000, fmin=25.0, n_bands=5, quantile=0.1)
    case("spectral_contrast", "noise", 4000, quantile=0.5, n_bands=4)
    for norm in (None, 1, 2, 0):
        case("chroma_stft", "tone", 3000, norm=norm, n_fft=1024)
    case("chroma_stft", "beats", 3000, n_chroma=24, tuning=0.25)
    case("chroma_stft", "beats", 3000, octwidth=None, base_c=False, ctroct=4.0, sr=4000)

    # from a spectrogram
    for name in NAMES:
        if name == "zero_crossing_rate":
            continue
        bins, frames = (257, 9) if name != "spectral_contrast" else (1025, 5)
        S = np.abs(signal("noise", bins * frames)).reshape(bins, frames)
        length = {"frame_length": 2 * (bins - 1)} if name == "rms" else {}
        function = getattr(librosa.feature, name)
        cases.add(name, {"spectrogram": [bins, frames]}, function(S=S, **known(name, length)),
                  function(S=S.astype(np.float64), **known(name, length)), {})

    # dB, whose reference may be a function, and deltas
    grid = np.abs(signal("beats", 600)).reshape(20, 30)
    for name in ("power_to_db", "amplitude_to_db"):
        function = getattr(librosa, name)
        for options in ({}, {"ref": "max"}, {"ref": "mean", "top_db": None}, {"ref": 0.01, "amin": 1e-3},
                        {"top_db": 20.0}, {"ref": "min", "top_db": 3.0}):
            given = dict(options)
            if isinstance(given.get("ref"), str):
                given["ref"] = getattr(np, given["ref"])
            cases.add(name, {"spectrogram": [20, 30], "source": "beats"}, function(grid.copy(), **given),
                      function(grid.astype(np.float64), **given), options)
    for mode in ("interp", "nearest", "mirror", "constant", "wrap"):
        for order, width in ((1, 9), (2, 9), (1, 3), (2, 5), (3, 7)):
            options = {"mode": mode, "order": order, "width": width}
            cases.add("delta", {"spectrogram": [20, 30], "source": "beats"}, librosa.feature.delta(grid, **options),
                      librosa.feature.delta(grid.astype(np.float64), **options), options)
    for mode in ("nearest", "mirror", "constant", "wrap"):  # shorter than the window
        options = {"mode": mode, "order": 1, "width": 25}
        short = np.ascontiguousarray(grid.reshape(60, 10))
        cases.add("delta", {"spectrogram": [60, 10], "source": "beats"}, librosa.feature.delta(short, **options),
                  librosa.feature.delta(short.astype(np.float64), **options), options)
    write("spectral", {"cases": cases.about}, cases.values)


def recordings():
    first = lambda pattern, skip=0: sorted(DATA.glob(pattern), key=lambda p: p.as_posix().encode())[skip]
    files = [first("pascal2011/set_a/*normal*.wav"), first("pascal2011/set_b/*murmur*.wav"),
             first("pascal2011/set_b/*extrastole*.wav", 3), first("circor2022-mini/training_data/*.wav", 2),
             first("physionet2016-mini/training-a/*.wav"), first("yaseen2018-mini/MR_New/*.wav", 1)]
    loads = [{"sr": None, "duration": 0.9}, {"sr": 22050, "offset": 0.25, "duration": 0.7}]
    cases = Cases()
    for i, file in enumerate(files):
        how = loads[i % 2]
        y, sr = librosa.load(file, **how)
        if len(y) % 2 == 0:  # odd lengths
            y = y[:-1]
        where = {"file": file.relative_to(DATA).as_posix(), "load": plain(how), "n": len(y)}
        small = {"n_fft": 512, "hop_length": 128} if sr <= 8000 else {}
        for name in ("mfcc", "melspectrogram") + NAMES:
            options = {"sr": sr} if sr != 22050 else {}
            if small:
                options |= {"frame_length" if name in NAMES[:2] else k: v for k, v in small.items() if k == "n_fft"}
                options["hop_length"] = small["hop_length"]
            if name in ("mfcc", "melspectrogram"):
                options["n_mels"] = 40
            if name == "spectral_contrast" and sr <= 8000:
                options |= {"n_bands": 3, "fmin": 100.0}
            result, truth = compute(name, y, known(name, options))
            cases.add(name, where, result, truth, options)
            if name == "mfcc":  # without a floor, or with one that stays far above: dB of what resampling left
                for more in ({"top_db": None}, {"top_db": 120.0}, {"power": 1.0}):
                    result, truth = compute(name, y, options | more)
                    cases.add(name, where, result, truth, options | more)
    write("recordings", {"cases": cases.about}, cases.values)


if __name__ == "__main__":
    synthetic()
    if all((DATA / name).exists() for name in ("pascal2011", "circor2022-mini", "physionet2016-mini",
                                               "yaseen2018-mini")):
        recordings()
