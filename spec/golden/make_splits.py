#!/usr/bin/env python3
"""Golden values for random, split and labels: NumPy's RandomState and scikit-learn's splitters.

Writes splits.json beside itself. With the PASCAL recordings at hand (--pascal DIR) it also writes
pascal_split.json: which clips scikit-learn puts on which side. Made with NumPy 2.4 and scikit-learn 1.9.
Positions are written from 1, as lubdub counts.
"""
import argparse
import json
import math
import pathlib
import warnings
import wave

import numpy as np
import sklearn.model_selection as ms
from sklearn.utils import shuffle
from sklearn.utils.class_weight import compute_class_weight

HERE = pathlib.Path(__file__).parent
SEEDS = list(range(20)) + [42, 1234, 99991, 2**32 - 1]
SIZES = [2, 3, 5, 8, 10, 17, 31, 64, 100, 257]
warnings.simplefilter("ignore")


def one(values):
    return [int(v) + 1 for v in values]


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


def random_state():
    cases = []
    for i, seed in enumerate(SEEDS):
        n = SIZES[i % len(SIZES)]
        rng = np.random.RandomState(seed)
        case = {"seed": seed, "n": n}
        case["uint32"] = [int(rng.randint(0, 2**32, dtype=np.uint32)) for _ in range(3)]
        case["sample"] = [float(v).hex() for v in rng.random_sample(3)]
        case["permutation"] = one(rng.permutation(n))
        letters = [chr(97 + k % 26) for k in range(n)]
        rng.shuffle(letters)
        case["shuffle"] = "".join(letters)
        case["choice"] = one(rng.choice(n, size=n // 2, replace=False))
        case["choice_again"] = one(rng.choice(n, size=5))
        case["randint"] = [int(v) for v in rng.randint(3, 1003, size=4)]
        rng.random_sample(1300)
        case["late"] = float(rng.random_sample()).hex()
        case["sklearn_shuffle"] = one(shuffle(list(range(n)), random_state=seed))
        cases.append(case)
    return cases


def labelled(seed, n, n_classes, n_groups):
    """Uneven classes and groups; a group mostly holds one class."""
    rng = np.random.RandomState((1000 + seed) % 2**32)
    weights = 1.0 / np.arange(1, n_classes + 1)
    groups = rng.randint(0, n_groups, size=n)
    taste = rng.choice(n_classes, size=n_groups, p=weights / weights.sum())
    labels = np.where(rng.random_sample(n) < 0.7, taste[groups], rng.randint(0, n_classes, size=n))
    return labels, groups


def text(labels):
    return "".join(chr(97 + v) for v in labels)


def train_test():
    cases = []
    for i, seed in enumerate(SEEDS):
        n = max(SIZES[i % len(SIZES)], 4)
        for size in ({"test_size": 0.2}, {"test_size": 0.33, "train_size": 0.4}, {}, {"train_size": 0.6},
                     {"test_size": 2}, {"train_size": 0.25, "test_size": 1}):
            train, test = ms.train_test_split(np.arange(n), random_state=seed, **size)
            cases.append({"n": n, "seed": seed, "size": size, "train": one(train), "test": one(test)})
    train, test = ms.train_test_split(np.arange(11), shuffle=False, test_size=0.3)
    cases.append({"n": 11, "size": {"test_size": 0.3}, "shuffle": False, "train": one(train), "test": one(test)})
    return cases


def stratified():
    cases = []
    for i, seed in enumerate(SEEDS):
        n, n_classes = (40, 60, 97, 150)[i % 4], (2, 3, 5)[i % 3]
        labels, _ = labelled(seed, n, n_classes, 12)
        labels[: 2 * n_classes] = list(range(n_classes)) * 2
        for size in ({"test_size": 0.2}, {"test_size": 0.3, "train_size": 0.5}, {"test_size": 13}):
            train, test = ms.train_test_split(np.arange(n), random_state=seed, stratify=labels, **size)
            cases.append({"labels": text(labels), "seed": seed, "size": size,
                          "train": one(train), "test": one(test)})
    # Equal classes: every remainder is a tie, and chance decides.
    for seed in SEEDS:
        labels = np.arange(33) % 11
        train, test = ms.train_test_split(np.arange(33), random_state=seed, stratify=labels, test_size=0.45)
        cases.append({"labels": text(labels), "seed": seed, "size": {"test_size": 0.45},
                      "train": one(train), "test": one(test)})
    return cases


def grouped():
    cases = []
    for i, seed in enumerate(SEEDS):
        n, n_groups = (20, 50, 90)[i % 3], (5, 12, 31, 64)[i % 4]
        labels, groups = labelled(seed, n, 3, n_groups)
        size = ({"test_size": 0.2}, {"test_size": 0.34}, {"test_size": 2}, {"train_size": 0.5})[i % 4]
        splitter = ms.GroupShuffleSplit(1, random_state=seed, **size)
        train, test = next(splitter.split(groups, groups=groups))
        case = {"labels": text(labels), "groups": groups.tolist(), "seed": seed, "size": size,
                "train": one(train), "test": one(test)}
        share = (0.2, 0.25, 0.34, 0.5)[i % 4]
        folds = ms.StratifiedGroupKFold(math.floor(1 / share + 0.5), shuffle=True, random_state=seed)
        train, test = next(folds.split(groups, labels, groups))
        case["share"], case["both"] = share, one(test)
        cases.append(case)
    return cases


def fold_string(n, parts):
    """The number of the fold in which each row is test, as one letter per row."""
    fold = [None] * n
    for k, (train, test) in enumerate(parts):
        assert sorted([*train, *test]) == list(range(n))
        assert list(test) == sorted(test) and list(train) == sorted(train)
        for row in test:
            assert fold[row] is None
            fold[row] = chr(65 + k)
    return "".join(fold)


def folds():
    cases = []
    for i in range(60):
        seed = i
        n, n_classes = (15, 24, 60, 120, 200)[i % 5], (1, 2, 3, 5, 8, 9, 17)[i % 7]
        n_groups, n_splits = (6, 11, 14, 40)[i % 4], (2, 3, 5, 5)[i % 4]
        if i % 10 == 7:
            n_groups, n_splits, n = 30, 11, 200
        labels, groups = labelled(seed, n, n_classes, n_groups)
        if n_splits > min(np.bincount(labels).max(), len(np.unique(groups))):
            continue
        x = np.zeros(n)
        case = {"labels": text(labels), "groups": groups.tolist(), "seed": seed, "n_splits": n_splits, "fold": {}}
        for kind in ("KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold"):
            for mixed in (False, True):
                splitter = getattr(ms, kind)(n_splits, shuffle=mixed, random_state=seed if mixed else None)
                name = kind + ("+shuffle" if mixed else "")
                case["fold"][name] = fold_string(n, splitter.split(x, labels, groups))
        if len(np.unique(groups)) <= 26:
            case["fold"]["LeaveOneGroupOut"] = fold_string(n, ms.LeaveOneGroupOut().split(x, labels, groups))
        cases.append(case)
    return cases


def repeated():
    """The splitters that draw anew for each of their splits."""
    cases = []
    for seed in range(6):
        labels, groups = labelled(seed, 40, 2, 9)
        labels[:4] = [0, 0, 1, 1]
        for kind, options in (("ShuffleSplit", {"n_splits": 3, "test_size": 0.3}),
                              ("ShuffleSplit", {}),
                              ("StratifiedShuffleSplit", {"n_splits": 3}),
                              ("GroupShuffleSplit", {"n_splits": 4, "train_size": 0.6}),
                              ("GroupShuffleSplit", {})):
            splitter = getattr(ms, kind)(random_state=seed, **options)
            parts = [[one(a), one(b)] for a, b in splitter.split(labels, labels, groups)]
            cases.append({"kind": kind, "options": options, "seed": seed, "labels": text(labels),
                          "groups": groups.tolist(), "parts": parts[:4], "n": len(parts)})
    return cases


def class_weights():
    cases = []
    for seed in range(8):
        labels, _ = labelled(seed, 30 + 17 * seed, 2 + seed % 4, 7)
        weights = compute_class_weight("balanced", classes=np.unique(labels), y=labels)
        cases.append({"labels": text(labels), "classes": text(np.unique(labels)), "weights": weights.tolist()})
    return cases


def seconds(path):
    with wave.open(str(path)) as f:
        return f.getnframes() / f.getframerate()


def pascal(root):
    """The notebook's split of the labelled clips of at least 4 s: the 81 test clips in their order."""
    names = sorted(p.relative_to(root).as_posix() for p in root.glob("set_*/*.wav"))
    names = [n for n in names if "unlabelledtest" not in n and seconds(root / n) >= 4]
    shuffled = shuffle(names, random_state=42)
    train, test = ms.train_test_split(shuffled, test_size=0.2, random_state=42)
    place = {name: i + 1 for i, name in enumerate(names)}
    return {"clips": len(names), "train": [place[n] for n in train], "test": test}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pascal", type=pathlib.Path, help="folder with set_a and set_b")
    options = parser.parse_args()
    write("splits.json", {"random": random_state(), "train_test": train_test(), "stratified": stratified(),
                          "grouped": grouped(), "folds": folds(), "repeated": repeated(),
                          "class_weights": class_weights()})
    if options.pascal:
        write("pascal_split.json", pascal(options.pascal))


if __name__ == "__main__":
    main()
