#!/usr/bin/env python3
"""Writes what librosa gives for signals that spec/support/signals.lua makes bit for bit the same.

features.json, features.f32   STFT, MelSpectrogram and MFCC over many options
resample.json, resample.f32   librosa.resample
pascal_mfcc.json, .f32        some columns of the MFCC of every labelled PASCAL recording of at least 4 s
                              (made only where ../shared/data/pascal2011 is)

The .f32 files are little-endian float32, case after case. Needs librosa 0.11.
"""
import csv
import json
import pathlib
import warnings

import librosa
import numpy as np
import soundfile

HERE = pathlib.Path(__file__).parent
PASCAL = HERE / "../../../shared/data/pascal2011"
warnings.simplefilter("ignore")


def noise(n, seed):
    """n numbers of 24 bits in [-1, 1)."""
    x, out = seed, []
    for _ in range(n):
        x = (x * 1103515245 + 12345) % 2**31
        out.append((x >> 7) / 2**23 - 1)
    return np.array(out, dtype=np.float32)


def signal(shape, n, seed=1):
    k = np.arange(n)
    if shape == "noise":
        return noise(n, seed)
    if shape == "beats":  # bursts of noise over a background 36 dB below
        return noise(n, seed) * np.where(k % 1800 < 400, 1, 1 / 64).astype(np.float32)
    if shape == "tone":  # a sawtooth
        return ((k * 37 % 1024) / 512 - 1).astype(np.float32)
    if shape == "clipped":
        return np.clip(noise(n, seed) * 4, -1, 1)
    if shape == "impulse":
        return (k == n // 2).astype(np.float32)
    return np.zeros(n, dtype=np.float32)  # silence


def features():
    cases, values = [], []

    def case(kind, shape, n, **options):
        y = signal(shape, n)
        o = dict(options)
        if kind == "STFT":
            o.pop("sr", None)
            r = librosa.stft(y, **o)
            r = np.stack([r.real, r.imag], -1)
        elif kind == "MelSpectrogram":
            o["norm"] = o.pop("mel_norm", "slaney")
            r = librosa.feature.melspectrogram(y=y, **o)
        else:
            cepstral = {name: o.pop(name) for name in ("n_mfcc", "dct_type", "norm", "lifter") if name in o}
            top_db = o.pop("top_db", 80.0)
            mel = librosa.feature.melspectrogram(y=y, norm=o.pop("mel_norm", "slaney"), **o)
            r = librosa.feature.mfcc(S=librosa.power_to_db(mel, top_db=top_db), **cepstral)
        given = {k: "inf" if v == np.inf else False if v is None else v for k, v in options.items()}
        cases.append({"kind": kind, "signal": shape, "n": n, "options": given, "shape": list(r.shape)})
        values.append(r.astype("<f4").ravel())

    # the defaults, and lengths around a window and a hop
    for n in (1, 2, 511, 512, 513, 1023, 2047, 2048, 2049, 3000):
        case("MFCC", "noise", n)
    for shape in ("beats", "tone", "clipped", "silence", "impulse"):
        case("MFCC", shape, 6000, n_mfcc=40)
    # sizes of the FFT: powers of two, even, odd, prime; hops that divide nothing; hops beyond the window
    for n_fft, hop in ((8, 3), (16, 8), (32, 7), (64, 32), (128, 50), (256, 64), (512, 128), (1024, 700), (400, 160),
                       (1000, 450), (6, 2), (401, 160), (999, 600), (211, 100)):
        case("STFT", "noise", 40 * hop if n_fft < 40 else 2 * n_fft, n_fft=n_fft, hop_length=hop)
    for n_fft in (2048, 4096, 8192):
        case("STFT", "noise", n_fft, n_fft=n_fft, hop_length=2 * n_fft)
    case("MelSpectrogram", "noise", 20000, n_fft=4096, hop_length=1024, n_mels=40)
    case("MelSpectrogram", "noise", 20000, n_fft=8192, hop_length=2000, n_mels=40)
    case("MelSpectrogram", "noise", 90000, n_fft=65536, hop_length=30000, n_mels=40)
    for n_fft, hop in ((256, 300), (255, 600), (512, 512), (128, 1)):
        case("STFT", "noise", 700 if hop > 1 else 9, n_fft=n_fft, hop_length=hop, pad_mode="reflect")
    for pad in ("constant", "reflect", "edge"):
        case("STFT", "noise", 90, n_fft=512, hop_length=128, pad_mode=pad)
        case("MFCC", "beats", 5000, n_mfcc=13, pad_mode=pad, n_fft=1024, hop_length=700)
    case("STFT", "noise", 1500, n_fft=512, center=False)
    case("MFCC", "beats", 5000, n_mfcc=13, n_fft=999, hop_length=250, center=False)
    windows = ["hann", "hamming", "blackman", "blackmanharris", "nuttall", "bartlett", "boxcar", "triang", "flattop",
               "cosine", ("kaiser", 14.0), ("gaussian", 40.0), ("tukey", 0.3)]
    for i, window in enumerate(windows):
        case("STFT", "noise", 300, n_fft=128, hop_length=100, win_length=128 - 9 * (i % 3), window=window)
    # the mel scale
    case("MelSpectrogram", "beats", 4000)
    case("MelSpectrogram", "beats", 4000, n_mels=40, htk=True, fmin=50.0, fmax=8000.0)
    case("MelSpectrogram", "beats", 4000, n_mels=64, power=1.0, n_fft=1024, hop_length=512)
    case("MelSpectrogram", "beats", 4000, n_mels=30, power=1.5)
    for norm in (None, 1, 2, np.inf, 0, 3.5):
        case("MelSpectrogram", "beats", 2000, n_mels=32, mel_norm=norm, n_fft=512)
    case("MelSpectrogram", "noise", 2000, sr=4000, n_mels=128, n_fft=128)  # some filters are empty
    # the cepstrum
    for top_db in (80.0, 20.0, None):
        case("MFCC", "beats", 4000, n_mfcc=40, top_db=top_db)
    case("MFCC", "beats", 4000, n_mfcc=20, dct_type=3)
    case("MFCC", "beats", 4000, n_mfcc=20, dct_type=3, norm=None)
    case("MFCC", "beats", 4000, n_mfcc=20, norm=None)
    case("MFCC", "beats", 4000, n_mfcc=20, lifter=22)
    case("MFCC", "beats", 4000, n_mfcc=25, n_mels=25, sr=4000, n_fft=512, hop_length=128)
    case("MFCC", "beats", 4000, n_mfcc=33, n_mels=33, sr=8000, n_fft=500, hop_length=200, htk=True)
    write("features", {"cases": cases}, values)


def resampling():
    cases, values = [], []
    for orig, target, n, res_type in ((4000, 22050, 900, "soxr_hq"), (44100, 22050, 4001, "soxr_hq"),
                                      (96000, 22050, 9000, "soxr_hq"), (22050, 16000, 3000, "soxr_hq"),
                                      (8000, 22050.5, 500, "soxr_hq"), (4000, 22050, 1, "soxr_hq"),
                                      (4000, 2000, 700, "soxr_vhq"), (4000, 2000, 700, "soxr_mq"),
                                      (4000, 6000, 700, "soxr_lq"), (4000, 6000, 700, "soxr_qq"),
                                      # upwards, where soxr goes through two stages, and to lengths that it rounds otherwise
                                      (4000, 22050, 1501, "soxr_hq"), (2000, 22050, 601, "soxr_hq"),
                                      (8000, 22050, 1003, "soxr_hq"), (11025, 22050, 777, "soxr_hq"),
                                      (16000, 22050, 2000, "soxr_hq"), (22050, 48000, 901, "soxr_hq"),
                                      (44100, 48000, 1999, "soxr_hq"), (1000, 4000, 300, "soxr_hq"),
                                      (3, 7, 250, "soxr_hq"), (500, 8000, 120, "soxr_hq"), (125, 4000, 60, "soxr_hq"),
                                      (7, 8, 2, "soxr_hq"), (4000, 44100, 5, "soxr_hq"), (9999, 10000, 900, "soxr_hq")):
        r = librosa.resample(signal("beats", n), orig_sr=orig, target_sr=target, res_type=res_type)
        cases.append({"orig_sr": orig, "target_sr": target, "n": n, "res_type": res_type, "frames": len(r)})
        values.append(r.astype("<f4"))
    write("resample", {"cases": cases}, values)


def pascal():
    with open(PASCAL / "manifest.csv", encoding="utf-8") as file:
        labelled = sorted((row["path"] for row in csv.DictReader(file) if "unlabelled" not in row["path"]),
                          key=lambda path: path.encode())
    paths, values, columns = [], [], [0, 57, 115, 172]
    for path in labelled:
        if soundfile.info(PASCAL / path).duration < 4:
            continue
        y, sr = librosa.load(PASCAL / path, duration=4)
        x = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40)
        assert x.shape == (40, 173), path
        paths.append(path)
        values.append(x[:, columns].T.astype("<f4").ravel())
    write("pascal_mfcc", {"columns": [c + 1 for c in columns], "paths": paths}, values)


def write(name, about, values):
    (HERE / f"{name}.json").write_text(json.dumps(about, indent=0) + "\n", encoding="utf-8")
    np.concatenate(values).tofile(HERE / f"{name}.f32")


if __name__ == "__main__":
    features()
    resampling()
    if PASCAL.exists():
        pascal()
