#!/usr/bin/env python3
"""Writes tensor.json: what NumPy gives for the operations of lubdub.Tensor. Needs numpy.

The file holds tensors {shape, values}, and cases {name, method, of, with, result, tolerance}: `of` and a
tensor as result are places in the list of tensors, `with` are plain arguments; axes and places count
from 1. Results are computed in float64 where NumPy's own float32 sums would be less exact, and then
rounded to float32.
"""
import json
import math
import pathlib

import numpy as np

rng = np.random.default_rng(20110101)
nan, inf = math.nan, math.inf
tensors, cases = {}, []


def number(value):
    """NaN and infinity are no numbers in JSON."""
    if value == 0:
        return str(value)  # "-0" would lose its sign
    return f"{value:.9g}" if math.isfinite(value) else f'"{value}"'


def place(t):
    t = np.asarray(t, dtype=np.float32)
    values = ", ".join(number(float(v)) for v in t.ravel())
    return tensors.setdefault(f'{{"shape": {list(t.shape)}, "values": [{values}]}}', len(tensors) + 1)


def case(name, method, of, given, result, tolerance=0.0):
    if isinstance(result, (np.ndarray, np.float32)):
        result = {"tensor": place(result)}
    elif isinstance(result, (bool, np.bool_)):
        result = bool(result)
    elif not math.isfinite(result):
        result = str(result)
    cases.append({"name": name, "method": method, "of": [place(t) for t in of], "with": given, "result": result,
                  "tolerance": tolerance})


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def text(t):
    return "x".join(map(str, t.shape)) or "()"


a, row, column, cube = normal(4, 5), normal(5), normal(4, 1), normal(3, 4, 5)
special = np.array([nan, inf, -inf, 0.0, -0.0, 1.5], dtype=np.float32)
pairs = [(a, normal(4, 5)), (a, row), (cube, column), (column, row), (normal(), cube), (normal(2, 1, 3), normal(4, 1)),
         (special.reshape(6, 1), special), (normal(0, 3), normal(3)), (normal(3, 4).T, normal(4, 3))]
with np.errstate(all="ignore"):
    for x, y in pairs:
        for method, f in (("+", np.add), ("-", np.subtract), ("*", np.multiply), ("/", np.divide),
                          ("maximum", np.maximum), ("minimum", np.minimum)):
            case(f"{method} of {text(x)} and {text(y)}", method, [x, y], [], f(x, y))
    case("pow", "pow", [np.abs(a), row], [], np.power(np.abs(a), row), 1e-6)
    for x in (a, cube.T, special, normal(0, 2), normal()):
        for method, f in (("unm", np.negative), ("abs", np.abs), ("sqrt", np.sqrt)):
            case(f"{method} of {text(x)}", method, [x], [], f(x))
        for method, f in (("exp", np.exp), ("log", np.log)):
            case(f"{method} of {text(x)}", method, [x], [], np.asarray(f(x.astype(np.float64))), 1e-6)
        case(f"clamp of {text(x)}", "clamp", [x], [-0.5, 0.75], np.clip(x, np.float32(-0.5), np.float32(0.75)))

    ties = np.array([[1, 3, 3, 2], [nan, 5, nan, 7], [4, 4, 4, 4], [-1, -inf, inf, inf]], dtype=np.float32)
    wide, flat = normal(2, 70), normal(700) + np.float32(100)
    for x in (a, cube, cube.T, ties, wide, wide.T, flat, normal(2, 3, 4, 5)):
        d = x.astype(np.float64)
        for axis in (None, *range(x.ndim)):
            for keepdims in (False, True):
                lua_axis = None if axis is None else axis + 1 if keepdims else axis - x.ndim
                options = {"axis": False if axis is None else lua_axis, "keepdims": keepdims}
                where = f"of {text(x)} over {lua_axis or 'all'}{', keepdims' if keepdims else ''}"

                def reduced(method, value, tolerance=0.0, **more):
                    value = np.asarray(value)
                    scalar = value.ndim == 0
                    case(f"{method} {where}", method, [x], [{**options, **more}],
                         float(value) if scalar else value, tolerance)

                keys = {"axis": axis, "keepdims": keepdims}
                reduced("sum", d.sum(**keys), 1e-6)
                reduced("mean", d.mean(**keys), 1e-6)
                reduced("var", d.var(**keys), 1e-6)
                reduced("std", d.std(ddof=1, **keys), 1e-6, ddof=1)
                reduced("max", x.max(**keys))
                reduced("min", x.min(**keys))
                reduced("argmax", x.argmax(**keys) + 1)
                reduced("argmin", x.argmin(**keys) + 1)

empty = normal(0, 3)
case("sum of nothing over 1", "sum", [empty], [1], np.zeros(3))
case("mean of nothing over 1", "mean", [empty], [1], np.full(3, nan))
case("max of no rows over 2", "max", [empty], [2], np.zeros(0))
case("sum of nothing over all", "sum", [empty], [], 0.0)
case("mean of nothing over all", "mean", [empty], [], nan)
case("var of one with ddof 1", "var", [normal(1)], [{"ddof": 1}], nan)

for x, y in ((a, normal(5, 3)), (row, normal(5, 3)), (a, row), (row, row), (cube, normal(5, 2)),
             (cube, normal(3, 5, 2)), (normal(2, 1, 4, 5), cube.transpose(0, 2, 1)), (row, normal(3, 5, 2)), (cube, row),
             (a.T, a), (normal(2, 0), normal(0, 3)), (normal(0, 3), normal(3, 2)), (normal(20, 33), normal(33, 17))):
    value = np.asarray(np.matmul(x.astype(np.float64), y.astype(np.float64)))
    case(f"matmul of {text(x)} and {text(y)}", "matmul", [x, y], [],
         float(value) if value.ndim == 0 else value, 1e-5)

near = a + np.float32(1e-6)
for name, x, y, options in (
        ("itself", a, a, {}), ("near", a, near, {}), ("near, too strict", a, near, {"rtol": 0, "atol": 0}),
        ("near, atol alone", a, near, {"rtol": 0, "atol": 1e-5}), ("broadcast", np.ones((2, 3)), np.ones(3), {}),
        ("NaN", special, special, {}), ("equal NaN", special, special, {"equal_nan": True}),
        ("infinities", special[1:], special[1:], {}), ("opposite infinities", special[1:2], special[2:3], {}),
        ("infinity and a number", special[1:2], special[5:6], {"rtol": 1}),
        ("not symmetric", np.array([1.0]), np.array([1.1]), {"rtol": 0.095, "atol": 0}),
        ("not symmetric, turned", np.array([1.1]), np.array([1.0]), {"rtol": 0.095, "atol": 0})):
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    case(f"allclose: {name}", "allclose", [x, y], [options], np.allclose(x, y, **options))

path = pathlib.Path(__file__).with_name("tensor.json")
with path.open("w", encoding="utf-8") as file:
    file.write('{"tensors": [\n' + ",\n".join(tensors) + '\n], "cases": [\n')
    file.write(",\n".join(json.dumps(c, allow_nan=False) for c in cases) + "\n]}\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
