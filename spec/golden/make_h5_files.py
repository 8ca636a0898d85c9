#!/usr/bin/env python3
"""HDF5 files with all that the reader (csrc/h5/reader) may meet, and what h5py reads from them: for
spec/h5_reader_spec.lua.

usage: make_h5_files.py      (needs h5py)

Writes beside this script:
  h5/*.h5           small files: number types, storage, filters, strings, many attributes, old and latest formats
  h5_contents.json  {file: {object path: {kind, attributes, shape, type, crc}}} of these and of every other .h5 file
                    here; crc is that of the numbers as little-endian float32, row-major
  h5_contents_dialects.json  the same of those in dialects/
"""
import json
import os
import zlib

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "h5")


def numbers(*shape):
    i = np.arange(np.prod(shape, dtype=np.int64))
    return (((i * 7919) % 2003) / 1001.5 - 1).reshape(shape)


def make(name, **how):
    return h5py.File(os.path.join(FOLDER, name + ".h5"), "w", **how)


def types(file):
    x = numbers(3, 4)
    for code in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8"):
        file["float" + code.replace("<", "le").replace(">", "be")] = x.astype(code)
    for code in ("i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "u1", "<u2", ">u2", "<u4", ">u4", "<u8", ">u8"):
        high = 2 ** (8 * np.dtype(code).itemsize - 1)
        values = np.array([0, 1, 100, high - 1] + ([-1, -high] if "i" in code else [high, 2 * high - 1]), dtype=code)
        file["int" + code.replace("<", "le").replace(">", "be")] = values
    special = [0.0, -0.0, 1e-45, -1e-40, 6e-8, 65504, 1e38, np.inf, -np.inf, np.nan]
    with np.errstate(over="ignore"):
        for code in ("<f2", ">f4", "<f8"):
            file["special" + code[1:]] = np.array(special, dtype=code)
    file["bool"] = np.array([True, False, True])
    bfloat16 = h5py.h5t.IEEE_F32LE.copy()  # the upper half of a float32
    bfloat16.set_fields(15, 7, 8, 0, 7)
    bfloat16.set_precision(16)
    bfloat16.set_size(2)
    space = h5py.h5s.create_simple((4,))
    data = h5py.h5d.create(file.id, b"bfloat16", bfloat16, space)
    data.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([0x3F80, 0xC048, 0x0000, 0x7F80], "<u2"), mtype=bfloat16)
    named = np.dtype("<f4")
    file["named_type"] = named
    file.create_dataset("of_named_type", data=x, dtype=file["named_type"])


def shapes(file):
    file["scalar"] = np.float32(2.5)
    file["integer_scalar"] = np.int64(-7)
    file["empty"] = np.zeros((0, 3), np.float32)
    file["one"] = np.float32([[[[7]]]])
    file["eight_axes"] = numbers(1, 2, 1, 2, 1, 2, 1, 2).astype("f4")
    file["nine_axes"] = np.zeros((1,) * 9, np.float32)
    file["null"] = h5py.Empty("f4")
    file.create_dataset("never_written", shape=(5,), dtype="f4", fillvalue=3)
    file.create_dataset("zeros", shape=(5, 2), dtype="<i2")
    file["text"] = "no numbers"
    file["compound"] = np.zeros(3, dtype=[("a", "f4"), ("b", "i4")])


def storage(file):
    x = numbers(9, 13, 2).astype("f4")
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    data = h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((9, 13, 2)), compact)
    data.write(h5py.h5s.ALL, h5py.h5s.ALL, x)
    file.create_dataset("chunked", data=x, chunks=(4, 5, 1))
    file.create_dataset("gzip", data=x, chunks=(4, 5, 2), compression="gzip")
    file.create_dataset("shuffled", data=x, chunks=(4, 5, 2), compression="gzip", compression_opts=9, shuffle=True)
    file.create_dataset("checked", data=x, chunks=(9, 13, 2), compression="gzip", shuffle=True, fletcher32=True)
    file.create_dataset("checked_only", data=x, chunks=(2, 2, 2), fletcher32=True)
    file.create_dataset("half_shuffled", data=x.astype(">f2"), chunks=(3, 13, 2), compression="gzip", shuffle=True)
    file.create_dataset("single_chunk", data=x, chunks=x.shape)
    file.create_dataset("single_gzip", data=x, chunks=x.shape, compression="gzip")
    file.create_dataset("larger_chunk", data=x, chunks=(16, 16, 2), maxshape=(16, 16, 2), compression="gzip")
    file.create_dataset("lzf", data=x, chunks=(4, 5, 2), compression="lzf")
    file.create_dataset("many_chunks", data=numbers(600).astype("f4"), chunks=(1,))
    with_holes = file.create_dataset("holes", shape=(10, 10), dtype="f4", chunks=(3, 4), fillvalue=-2.5)
    with_holes[4, 4:6] = [1, 2]
    file.create_dataset("no_chunk", shape=(10, 10), dtype="f4", chunks=(3, 4))
    file.create_dataset("empty_chunked", shape=(0, 4), dtype="f4", chunks=(2, 2), maxshape=(None, 4))


def growing(file):
    file.create_dataset("one_way", data=numbers(20).astype("f4"), chunks=(3,), maxshape=(None,))
    file.create_dataset("two_ways", data=numbers(4, 5).astype("f4"), chunks=(2, 2), maxshape=(None, None))


def attributes(file):
    a = file.create_group("a").attrs
    a["text"] = "Herztöne 心"
    a["ascii"] = np.bytes_("plain")
    a["empty"] = ""
    a["long"] = "x" * 5000
    a["list"] = ["one", "zwei", "", "vier" * 300]
    a["fixed"] = np.array([b"a", b"bcd", b""])
    a["fixed_scalar"] = np.array(b"fixed")[()]
    a["matrix"] = np.array([["a", "b"], ["c", "d"]], dtype=h5py.string_dtype())
    a["none"] = np.zeros(0)
    a["no_text"] = h5py.Empty(h5py.string_dtype())
    a["number"] = 7
    a["float"] = 0.1
    a["half"] = np.float16(0.5)
    a["big"] = np.array([[1, 2, 3], [4, 5, 6]], ">i2")
    a["true"] = True
    space = h5py.h5t.C_S1.copy()
    space.set_size(6)
    space.set_strpad(h5py.h5t.STR_SPACEPAD)
    padded = h5py.h5a.create(file["a"].id, b"space_padded", space, h5py.h5s.create_simple((2,)))
    padded.write(np.array([b"ab    ", b"c d   "], "S6"), mtype=space)
    many = file.create_group("many").attrs
    for i in range(40):
        many["attribute %02d" % i] = "value %d" % i
    file.create_group("names").attrs["layer_names"] = [b"layer_%03d" % i for i in range(400)]
    listed = file.create_group("variable").attrs
    listed["names"] = np.array(["a name of some length, %d" % i for i in range(200)], h5py.string_dtype())
    for i in range(12):
        file.create_group("groups/group %02d/with/more" % i)
    file["hard"] = file["a"]


def everything(file):
    for part in (types, shapes, storage, attributes):
        part(file.create_group(part.__name__))


def write_files():
    os.makedirs(FOLDER, exist_ok=True)
    for part in (types, shapes, storage, attributes):
        with make(part.__name__) as file:
            part(file)
    with make("latest", libver="latest") as file:
        for part in (shapes, attributes):
            part(file.create_group(part.__name__))
    with make("latest_storage", libver="latest") as file:
        storage(file)
        growing(file)
    with make("v108", libver=("v108", "v108")) as file:
        storage(file)
        growing(file)
    with make("user_block", userblock_size=1024) as file:
        attributes(file)
    with make("ordered", track_order=True) as file:
        for i in range(20):
            file.create_group("group %d" % (19 - i)).attrs["n"] = str(i)
        for i in range(20):
            file.attrs["attribute %d" % (19 - i)] = str(i)
    with h5py.File(os.path.join(HERE, "every_layer.h5"), "r") as model, make("latest_model", libver="latest") as file:
        def copy(name, item):
            if isinstance(item, h5py.Dataset) and item.ndim > 1:
                made = file.create_dataset(name, data=item[()], chunks=True, compression="gzip", shuffle=True)
            elif isinstance(item, h5py.Dataset):
                made = file.create_dataset(name, data=item[()])
            else:
                made = file.require_group(name)
            for key, value in item.attrs.items():
                made.attrs[key] = value
        for key, value in model.attrs.items():
            file.attrs[key] = value
        model.visititems(copy)
    with make("dense_names", libver="latest") as file:  # several levels of trees and heaps
        file["numbers 000"] = np.float32(7)
        for i in range(1, 800):
            file["numbers %03d" % i] = file["numbers 000"]
        for i in range(150):
            file.attrs["attribute %03d" % i] = np.bytes_("value %d " % i + "y" * (i % 50))
        file.attrs["large"] = np.bytes_("z" * 5000)


def text_of(value):
    if isinstance(value, bytes):
        return value.decode()
    return value


def describe_attribute(item, name):
    """The strings, as the reader gives them: one, or a flat list; or numbers."""
    kind = h5py.h5a.open(item.id, name.encode()).get_type()
    value = item.attrs[name]
    if isinstance(value, h5py.Empty):
        return {"strings": []}
    if np.size(value) == 0:
        return {"strings": []}
    if kind.get_class() == h5py.h5t.STRING:
        if np.ndim(value) == 0:
            return {"string": text_of(value)}
        return {"strings": [text_of(v).rstrip(" ") if name == "space_padded" else text_of(v)
                            for v in np.ravel(value).tolist()]}
    return {"numbers": [float(v) for v in np.ravel(value).tolist()], "shape": list(np.shape(value))}


def describe(item):
    if isinstance(item, h5py.Group):
        kind = "group"
    elif isinstance(item, h5py.Dataset):
        kind = "dataset"
    else:
        kind = "other"
    found = {"kind": kind, "attributes": {name: describe_attribute(item, name) for name in item.attrs}}
    if kind == "group":
        found["members"] = sorted(item, key=lambda name: name.encode())
    if kind == "dataset" and item.shape is not None and (item.dtype.kind in "fiub" or item.name.endswith("bfloat16")):
        if item.name.endswith("bfloat16"):  # h5py knows no such type
            value = np.array([1, -3.125, 0, np.inf], "<f4")
        elif item.file.filename.endswith("bad_external_storage.h5") or item.is_virtual or item.size > 1e6:
            return found
        else:
            with np.errstate(over="ignore"):
                value = item[()].astype("<f4")
        found["shape"] = list(item.shape)
        found["integer"] = item.dtype.kind in "iub" and not item.name.endswith("bfloat16")
        value = np.where(np.isnan(value), np.float32(np.nan), value).astype("<f4")
        found["crc"] = zlib.crc32(value.tobytes())
    return found


def contents(path):
    found = {}
    with h5py.File(path, "r") as file:
        def walk(group):
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    continue
                item = group[name]
                found[item.name] = describe(item)
                if isinstance(item, h5py.Group):
                    walk(item)
        found["/"] = describe(file["/"])
        walk(file)
    return found


def write_contents(file_name, folders):
    every = {}
    for folder in folders:
        for name in sorted(os.listdir(os.path.join(HERE, folder))):
            if name.endswith(".h5"):
                path = os.path.normpath(os.path.join(folder, name))
                every[path] = contents(os.path.join(HERE, path))
    with open(os.path.join(HERE, file_name), "w") as file:
        for path in every:  # long texts by their length and checksum
            for item in every[path].values():
                for value in item["attributes"].values():
                    if len(value.get("string", "")) > 200:
                        text = value.pop("string").encode()
                        value["length"], value["crc"] = len(text), zlib.crc32(text)
        file.write("{\n" + ",\n".join(json.dumps(path) + ": " + json.dumps(every[path], separators=(",", ":"),
                                                                            ensure_ascii=False)
                                      for path in every) + "\n}\n")


def main():
    write_files()
    write_contents("h5_contents.json", ("h5", "."))
    write_contents("h5_contents_dialects.json", ("dialects",))


if __name__ == "__main__":
    main()
