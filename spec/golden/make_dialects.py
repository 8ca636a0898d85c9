#!/usr/bin/env python3
"""Files of Keras 2, with what they predict before and after one more step of training: for spec/dialects_spec.lua.

usage: make_dialects.py      (needs tf-keras, which is Keras 2 for later versions of TensorFlow, and h5py)

Writes dialects/*.h5 and *.keras, and dialects/expected.json, beside this script. tf-keras itself writes
  tf_legacy_NAME.h5   with the optimizers of TensorFlow until 2.10
  tf_NAME.h5, .keras  with those of 2.11 to 2.15; tf_weights.weights.h5 and tf_weights.h5: weights alone
From these are made, to the letter of what the Keras of those days wrote:
  keras_2_3_NAME.h5   the input's shape in the first layer, names of 2.3.1, optimizers' arrays training/Adam/m_0:0, vhat_0
                      of shape (1,)
  keras_2_2_NAME.h5   arrays that are all called training/Adam/Variable:0, _1:0, ...; no reset_after, no
                      recurrent_activation; conv aliases; the axis of a batch normalization as a list
  cudnn.h5            CuDNNLSTM and CuDNNGRU, by tf-keras' own conversion of weights
Element i (from 0, row-major) of the inputs is ((i * 7919) % 2003) / 1001.5 - 1; targets are classes 0, 1, 2, 0, ...
"""
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import numpy as np
import tf_keras as keras

layers, optimizers = keras.layers, keras.optimizers
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dialects")
expected = {}


def inputs(*shape):
    i = np.arange(np.prod(shape), dtype=np.int64)
    return (((i * 7919) % 2003) / 1001.5 - 1).astype(np.float32).reshape(shape)


def targets(n):
    return np.eye(3, dtype=np.float32)[np.arange(n) % 3]


def path(name):
    return os.path.join(HERE, name)


def recurrent():
    """What changed its meaning since: hard_sigmoid, alpha, reset_after."""
    return [
        layers.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid", name="lstm_1"),
        layers.LeakyReLU(name="leaky"),
        layers.GRU(3, return_sequences=True, reset_after=False, recurrent_activation="hard_sigmoid", name="gru_1"),
        layers.Bidirectional(layers.GRU(2, return_sequences=True), name="both"),
        layers.Dense(3, activation="hard_sigmoid", name="hard"),
        layers.Flatten(name="flat"),
        layers.Dense(3, activation="softmax", name="last"),
    ]


def images():
    return [
        layers.Conv2D(3, 2, activation="relu", name="conv2d_1"),
        layers.BatchNormalization(name="norm"),
        layers.MaxPooling2D(name="pool"),
        layers.SeparableConv2D(2, 2, activation="elu", name="separable"),
        layers.PReLU(name="prelu"),
        layers.GlobalAveragePooling2D(name="mean"),
        layers.Dense(3, activation="softmax", name="last"),
    ]


def trained(make, shape, optimizer):
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input(shape, name="in"), *make()])
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    x = inputs(6, *shape)
    for _ in range(3):
        model.train_on_batch(x, targets(6))
    return model


def expect(name, model, shape):
    """Trains the model on, so that it must have been saved before."""
    x = inputs(6, *shape)
    entry = {"shape": [6, *shape], "predictions": model.predict(x, verbose=0).tolist()}
    model.train_on_batch(x, targets(6))
    expected[name] = dict(entry, next=model.predict(x, verbose=0).tolist())


def listed(group, attribute, values):
    group.attrs[attribute] = np.array([v.encode() for v in values], dtype="S") if values else []


def copied(source, target, names):
    for name in names:
        target.create_dataset(name, data=source[name][()])


def older(config, version):
    """The model_config of stand-alone Keras: no InputLayer, and fewer words."""
    first, *rest = config["config"]["layers"]
    rest[0]["config"]["batch_input_shape"] = first["config"]["batch_input_shape"]
    for layer in rest:
        c = layer["config"]
        for inner in [c] + ([c["layer"]["config"]] if "layer" in c else []):
            for key in ("groups", "keepdims", "time_major", "backward_layer"):
                inner.pop(key, None)
            for key in inner:
                if key.endswith("_initializer") and inner[key]:
                    inner[key] = {"class_name": inner[key]["class_name"], "config": inner[key]["config"]}
        if version == "2.2.4":
            if layer["class_name"] in ("LSTM", "GRU"):
                for key in ("reset_after", "recurrent_activation"):
                    c.pop(key, None)
            if layer["class_name"] == "BatchNormalization":
                c["axis"] = [3]
            layer["class_name"] = {"Conv2D": "Convolution2D", "MaxPooling2D": "MaxPool2D",
                                   "GlobalAveragePooling2D": "GlobalAvgPool2D",
                                   "SeparableConv2D": "SeparableConvolution2D"}.get(layer["class_name"], layer["class_name"])
    return {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": rest}}


def optimizer_names(version, kind, arrays):
    """The arrays of Keras 2.3 and 2.2 in their order, out of m..., v... of tf.keras: (name, value)."""
    short = {"Adam": ["m", "v"], "SGD": ["moment"], "RMSprop": ["accumulator"]}[kind]
    each = len(arrays) // len(short)
    named = [("training/%s/%s_%d:0" % (kind, short[i // each], i % each), a) for i, a in enumerate(arrays)]
    if kind == "Adam":
        named += [("training/Adam/vhat_%d:0" % i, np.zeros(1, "f4")) for i in range(each)]
    if version == "2.2.4":
        named = [("training/%s/Variable%s:0" % (kind, "_%d" % i if i else ""), a) for i, (_, a) in enumerate(named)]
    return named


def rewrite(source, target, version, kind):
    with h5py.File(path(source)) as old, h5py.File(path(target), "w") as new:
        new.attrs["keras_version"], new.attrs["backend"] = version.encode(), b"tensorflow"
        new.attrs["model_config"] = json.dumps(older(json.loads(old.attrs["model_config"]), version)).encode()
        training = json.loads(old.attrs["training_config"])
        config = training["optimizer_config"]["config"]
        if version == "2.2.4":
            config["lr"] = config.pop("learning_rate")
        config.pop("name")
        training.update(metrics=["accuracy"], sample_weight_mode=None)
        new.attrs["training_config"] = json.dumps(training).encode()
        weights = new.create_group("model_weights")
        names = [n for n in old["model_weights"].attrs["layer_names"] if n != "in"]
        listed(weights, "layer_names", names)
        for name in names:
            found = list(old["model_weights"][name].attrs["weight_names"])
            copied(old["model_weights"][name], weights.create_group(name), found)
            listed(weights[name], "weight_names", found)
        state = old["optimizer_weights"]
        iteration, *arrays = [state[n][()] for n in state.attrs["weight_names"]]
        named = [("%s/iterations:0" % kind, iteration)] + optimizer_names(version, kind, arrays)
        group = new.create_group("optimizer_weights")
        listed(group, "weight_names", [n for n, _ in named])
        for name, value in named:
            group.create_dataset(name, data=value)
    expected[target] = expected[source]


def cudnn(source, target):
    """LSTM and GRU as the layers that Keras 2 had for graphics cards."""
    from tf_keras.src.saving.legacy import hdf5_format

    class_names = {"LSTM": "CuDNNLSTM", "GRU": "CuDNNGRU"}
    with h5py.File(path(source)) as old, h5py.File(path(target), "w") as new:
        config = json.loads(old.attrs["model_config"])
        weights = new.create_group("model_weights")
        listed(weights, "layer_names", [layer["config"]["name"] for layer in config["config"]["layers"][1:]])
        for layer in config["config"]["layers"][1:]:
            name, found = layer["config"]["name"], old["model_weights"][layer["config"]["name"]]
            names = list(found.attrs["weight_names"])
            values = [found[n][()] for n in names]
            if layer["class_name"] in class_names:
                layer["class_name"] = class_names[layer["class_name"]]
                values = hdf5_format._convert_rnn_weights(type(layer["class_name"], (), {})(), values)
                for key in ("activation", "recurrent_activation", "recurrent_dropout", "dropout", "unroll",
                            "implementation", "reset_after", "use_bias", "time_major"):
                    layer["config"].pop(key, None)
            group = weights.create_group(name)
            listed(group, "weight_names", names)
            for n, value in zip(names, values):
                group.create_dataset(n, data=value)
        new.attrs["keras_version"], new.attrs["model_config"] = b"2.2.4", json.dumps(config).encode()


if __name__ == "__main__":
    legacy = optimizers.legacy
    steps, picture = (5, 2), (6, 7, 2)
    for name, make, shape, optimizer in [
        ("tf_legacy_adam.h5", recurrent, steps, legacy.Adam(0.01)),
        ("tf_legacy_sgd.h5", images, picture, legacy.SGD(0.05, momentum=0.9, nesterov=True)),
        ("tf_legacy_rmsprop.h5", images, picture, legacy.RMSprop(0.01, momentum=0.5, centered=True)),
        ("tf_adam.h5", recurrent, steps, optimizers.Adam(0.01, amsgrad=True)),
        ("tf_sgd.h5", images, picture, optimizers.SGD(0.05, momentum=0.9)),
        ("tf_rmsprop.h5", images, picture, optimizers.RMSprop(0.01, momentum=0.5)),
        ("tf_adamw.keras", images, picture, optimizers.AdamW(0.01)),
        ("tf_adam.keras", recurrent, steps, optimizers.Adam(0.01)),
    ]:
        model = trained(make, shape, optimizer)
        model.save(path(name))
        expect(name, model, shape)
    model = trained(images, picture, optimizers.Adam(0.01))
    model.save_weights(path("tf_weights.h5"))
    model.save_weights(path("tf_weights.weights.h5"))
    model.save(path("tf_model.keras"))
    expect("tf_model.keras", model, picture)
    for version in ("2.3.1", "2.2.4"):
        dialect = "keras_" + version[:3].replace(".", "_")
        rewrite("tf_legacy_adam.h5", dialect + "_adam.h5", version, "Adam")
        rewrite("tf_legacy_sgd.h5", dialect + "_sgd.h5", version, "SGD")
    keras.utils.set_random_seed(6)
    model = keras.Sequential([keras.Input(steps, name="in"),
                              layers.LSTM(4, return_sequences=True, bias_initializer="random_normal", name="a"),
                              layers.GRU(3, bias_initializer="random_normal", name="b")])
    model.save(path("cudnn_source.h5"))
    cudnn("cudnn_source.h5", "cudnn.h5")
    os.remove(path("cudnn_source.h5"))
    expected["cudnn.h5"] = {"shape": [6, *steps], "predictions": model.predict(inputs(6, *steps), verbose=0).tolist()}
    with open(path("expected.json"), "w") as out:
        json.dump(expected, out, indent=1)
