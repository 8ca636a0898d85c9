#!/usr/bin/env python3
"""Golden values for the edges of the splitters: labels that are numbers, a class with one row, a group nearly as large
as the data, as many folds as rows or groups. Writes split_edges.json beside itself; made with scikit-learn 1.9.
Positions are written as folds: for each row the number (from 1) of the fold that tests it.
"""
import json
import pathlib
import warnings

import numpy as np
import sklearn.model_selection as ms

HERE = pathlib.Path(__file__).parent
warnings.simplefilter("ignore")


def folds(splitter, labels, groups):
    fold = [0] * len(labels)
    for k, (_, test) in enumerate(splitter.split(np.zeros(len(labels)), labels, groups)):
        for row in test:
            fold[row] = k + 1
    return fold


def cases():
    result = []
    for seed in range(24):
        rng = np.random.RandomState(seed)
        n = (7, 16, 33, 50)[seed % 4]
        numbers = [-3, 10, 2, 100][: 2 + seed % 3]
        labels = rng.choice(numbers, n)
        labels[:4] = numbers[0]
        edge = ("lonely", "giant", "many", "plain")[seed // 6]
        groups = rng.randint(0, n // 2, n) * 7 - 20
        if edge == "lonely":
            labels[labels == numbers[-1]] = numbers[0]
            labels[n - 1] = numbers[-1]
        if edge == "giant":
            groups[: n - 2] = 5
            groups[n - 2:] = [-1, 3]
        size, distinct = len(labels), len(np.unique(groups))
        most = np.bincount(np.unique(labels, return_inverse=True)[1]).max()
        for kind in ("KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold"):
            limit = {"KFold": size, "StratifiedKFold": most, "GroupKFold": distinct,
                     "StratifiedGroupKFold": min(most, distinct)}[kind]
            n_splits = limit if edge == "many" else min(3, limit)
            for shuffle in (False, True):
                splitter = getattr(ms, kind)(n_splits, shuffle=shuffle, random_state=seed if shuffle else None)
                result.append({"kind": kind, "n_splits": int(n_splits), "shuffle": shuffle, "seed": seed, "edge": edge,
                               "labels": labels.tolist(), "groups": groups.tolist(),
                               "fold": folds(splitter, labels, groups)})
        result.append({"kind": "LeaveOneGroupOut", "labels": labels.tolist(), "groups": groups.tolist(), "edge": edge,
                       "fold": folds(ms.LeaveOneGroupOut(), labels, groups)})
    return result


def halves():
    """train_test_split with numbers for labels, and GroupShuffleSplit with a group nearly as large as the data."""
    result = []
    for seed in range(24):
        rng = np.random.RandomState(seed)
        n = (12, 25, 60)[seed % 3]
        labels = rng.choice([7, -1, 30], n)
        labels[:6] = [7, -1, 30, 7, -1, 30]
        train, test = ms.train_test_split(np.arange(n), test_size=0.25, random_state=seed, stratify=labels)
        groups = np.where(np.arange(n) < n - 3, 9, np.arange(n))
        side = next(ms.GroupShuffleSplit(1, test_size=0.25, random_state=seed).split(labels, groups=groups))
        result.append({"seed": seed, "labels": labels.tolist(), "groups": groups.tolist(),
                       "stratified": [[int(i) + 1 for i in train], [int(i) + 1 for i in test]],
                       "grouped": [[int(i) + 1 for i in part] for part in side]})
    return result


(HERE / "split_edges.json").write_text(
    json.dumps({"folds": cases(), "halves": halves()}, separators=(",", ":")) + "\n")
