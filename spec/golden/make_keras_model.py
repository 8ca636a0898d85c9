#!/usr/bin/env python3
"""Models as Keras 3 saves them, with what they predict: for spec/keras_spec.lua.

usage: make_keras_model.py      (needs keras 3.15 with any backend, and h5py)

Writes beside this script:
  notebook_net.h5, notebook_net.json  the notebook's net over (40, 173, 1), compiled; 3 inputs are not stored but made
                                      by the formula below, and the predictions stand in the JSON
  every_layer.h5, every_layer.json    a small net with every kind of layer, in all the forms that options take
  dialects/*.h5                       every_layer.h5 rewritten as Keras 2.3, tf.keras 2.2 and Keras 2.0 wrote files
  dialects/gzip.h5                    whole numbers in a compressed kernel
  dialects/bad_*.h5                   files that must be refused: links, storage elsewhere, sizes that cannot be

Element i (from 0, row-major) of the inputs is ((i * 7919) % 2003) / 1001.5 - 1, rounded to float32.
"""
import json
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import h5py
import numpy as np

import keras
from keras import layers

HERE = os.path.dirname(os.path.abspath(__file__))
DIALECTS = os.path.join(HERE, "dialects")


def inputs(*shape):
    i = np.arange(np.prod(shape), dtype=np.int64)
    return (((i * 7919) % 2003) / 1001.5 - 1).astype(np.float32).reshape(shape)


def save(name, model, n):
    model.save(os.path.join(HERE, name + ".h5"))
    x = inputs(n, *model.input_shape[1:])
    weights = [
        {"layer": layer.name, "shape": list(w.shape), "sum": float(np.sum(w, dtype=np.float64))}
        for layer in model.layers
        for w in layer.get_weights()
    ]
    with open(os.path.join(HERE, name + ".json"), "w") as out:
        json.dump({"input_shape": list(x.shape), "predictions": model.predict(x, verbose=0).tolist(),
                   "weights": weights}, out, indent=1)


def notebook_net():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.Input((40, 173, 1)),
        layers.Conv2D(16, 2, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.2),
        layers.Conv2D(32, 2, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.2),
        layers.Conv2D(128, 2, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.5),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5, activation="softmax"),
    ])
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"], optimizer="adam")
    save("notebook_net", model, 3)


def every_layer():
    keras.utils.set_random_seed(2)
    model = keras.Sequential([
        keras.Input((9, 11, 2)),
        layers.Conv2D(3, (3, 2), strides=(2, 1), padding="same", activation="tanh", name="first"),
        layers.Activation("relu"),
        layers.MaxPooling2D((2, 3), strides=(1, 2), padding="same"),
        layers.Conv2D(4, 2, dilation_rate=2, use_bias=False, activation=None),
        layers.Activation("sigmoid"),
        layers.Dropout(0.25),
        layers.Conv2D(3, 1, trainable=False),
        layers.Flatten(),
        layers.Dense(7, activation="relu", use_bias=False),
        layers.Dense(6),
        layers.Dense(3, activation="softmax"),
    ], name="every")
    model.compile(loss=keras.losses.CategoricalCrossentropy(), metrics=["acc"],
                  optimizer=keras.optimizers.SGD(learning_rate=0.05))
    for layer in model.layers:  # biases begin at zero, which would hide one that is not read
        layer.set_weights([w if w.any() else inputs(*w.shape) / 2 for w in layer.get_weights()])
    save("every_layer", model, 4)


def text(values):
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]


def rewrite(name, config, layer_names="vlen", version=b"2.3.0"):
    """every_layer.h5 with another model_config, and weights named and listed as Keras 2 did; biases in float64."""
    def names(values):
        values = [v.encode() for v in values]
        return np.array(values, dtype="S") if layer_names == "fixed" else values

    def listed(group, attribute, values):
        group.attrs[attribute] = names(values) if values else []

    source = h5py.File(os.path.join(HERE, "every_layer.h5"), "r")["model_weights"]
    with h5py.File(os.path.join(DIALECTS, name + ".h5"), "w") as out:
        out.attrs["model_config"] = json.dumps(config).encode()
        out.attrs["keras_version"] = version
        weights = out.create_group("model_weights")
        listed(weights, "layer_names", text(source.attrs["layer_names"]))
        for layer in text(source.attrs["layer_names"]):
            group, found = weights.create_group(layer), []
            for weight in text(source[layer].attrs["weight_names"]):
                short = layer + "/" + weight.split("/")[-1] + ":0"
                group[short] = np.asarray(source[layer][weight], dtype="f8" if "bias" in short else "f4")
                found.append(short)
            listed(group, "weight_names", found)


def dialects():
    os.makedirs(DIALECTS, exist_ok=True)
    with h5py.File(os.path.join(HERE, "every_layer.h5"), "r") as f:
        config = json.loads(f.attrs["model_config"])["config"]
    shape = config["layers"][0]["config"]["batch_shape"]

    def old(kernel):
        result = []
        for item in config["layers"][1:]:
            c = {k: v for k, v in item["config"].items() if k not in ("groups", "quantization_config", "lora_rank")}
            c["dtype"] = "float32"
            for key in ("kernel_initializer", "bias_initializer"):
                if key in c:
                    c[key] = kernel if key[0] == "k" else {"class_name": "Zeros", "config": {}}
            result.append({"class_name": item["class_name"], "config": c})
        return result

    scaling = {"class_name": "VarianceScaling",
               "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}}
    # Keras 2.3: no InputLayer, the first layer says the shape; fixed strings
    items = old(scaling)
    items[0]["config"]["batch_input_shape"] = shape
    rewrite("keras_2_3", {"class_name": "Sequential", "config": {"name": "every", "layers": items}}, "fixed")
    # Keras 2.0: a bare list of layers under the old names
    items = json.loads(json.dumps(items))
    old_names = {"Conv2D": "Convolution2D", "MaxPooling2D": "MaxPool2D"}
    for item in items:
        item["class_name"] = old_names.get(item["class_name"], item["class_name"])
    rewrite("keras_2_0", {"class_name": "Sequential", "config": items}, "fixed", b"2.0.8")
    # tf.keras 2.2 and later: an InputLayer and batch_input_shape; build_input_shape alone is the last resort
    items = old({"class_name": "GlorotUniform", "config": {"seed": None}})
    items[0]["config"]["batch_input_shape"] = shape
    entry = {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "dtype": "float32", "sparse": False,
                                                    "ragged": False, "name": "first_input"}}
    rewrite("tf_keras_2_4", {"class_name": "Sequential", "config": {"name": "every", "layers": [entry] + items}},
            version=b"2.4.0")
    del items[0]["config"]["batch_input_shape"]
    rewrite("build_input_shape", {"class_name": "Sequential",
                                  "config": {"name": "every", "layers": items, "build_input_shape": shape}})


def storage():
    """Models of one Dense layer whose kernel is not where it should be."""
    config = json.dumps({"class_name": "Sequential", "config": {"name": "bad", "layers": [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "name": "in"}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 2, "use_bias": False}}]}})

    def write(name, kernel):
        with h5py.File(os.path.join(DIALECTS, name + ".h5"), "w") as out:
            out.attrs["model_config"] = config.encode()
            weights = out.create_group("model_weights")
            weights.attrs["layer_names"] = [b"dense"]
            group = weights.create_group("dense")
            group.attrs["weight_names"] = [b"kernel"]
            kernel(group)

    def huge(group):
        group.create_dataset("kernel", shape=(1 << 20, 1 << 20), dtype="f4", chunks=(1 << 10, 1 << 10))

    def virtual(group):
        layout = h5py.VirtualLayout(shape=(3, 2), dtype="f4")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "kernel", shape=(3, 2))
        group.create_virtual_dataset("kernel", layout)

    write("bad_external_link", lambda group: group.__setitem__("kernel", h5py.ExternalLink("elsewhere.h5", "/kernel")))
    write("bad_soft_link", lambda group: group.__setitem__("kernel", h5py.SoftLink("/elsewhere")))
    write("bad_external_storage", lambda group: group.create_dataset("kernel", shape=(3, 2), dtype="f4",
                                                                 external=[("elsewhere.raw", 0, 24)]))
    write("bad_virtual", virtual)
    write("bad_huge", huge)
    write("bad_text", lambda group: group.__setitem__("kernel", np.array([b"no", b"numbers"])))
    write("bad_missing", lambda group: None)
    write("bad_shape", lambda group: group.__setitem__("kernel", np.zeros((2, 3), "f4")))
    # and one that is as good as any: whole numbers, in chunks, compressed
    write("gzip", lambda group: group.create_dataset("kernel", data=np.arange(6, dtype="i4").reshape(3, 2),
                                                     chunks=(3, 2), compression="gzip"))


if __name__ == "__main__":
    notebook_net()
    every_layer()
    dialects()
    storage()
