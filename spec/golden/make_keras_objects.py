#!/usr/bin/env python3
"""Models that Keras saved with initializers, regularizers, schedules, losses and metrics that have options: writes
keras_objects_1.h5 and keras_objects_2.h5 beside this script.

usage: make_keras_objects.py            Needs keras 3.15 with any backend.
"""
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
HERE = os.path.dirname(os.path.abspath(__file__))

import keras

initializers, regularizers, metrics = keras.initializers, keras.regularizers, keras.metrics


def save(name, layers, **options):
    model = keras.Sequential([keras.layers.Input((4,)), *layers])
    model.compile(**options)
    model.save(os.path.join(HERE, name + ".h5"))


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense
    save("keras_objects_1",
         [dense(3, activation="tanh", kernel_initializer="he_normal", bias_initializer=initializers.Constant(0.25),
                kernel_regularizer=regularizers.L2(0.02), bias_regularizer=regularizers.L1L2(l1=0.1, l2=0.2)),
          dense(3, activation="softmax", kernel_initializer=initializers.Orthogonal(gain=2.0, seed=5),
                kernel_regularizer="l1")],
         optimizer=keras.optimizers.SGD(
             keras.optimizers.schedules.CosineDecay(0.1, 100, warmup_target=0.5, warmup_steps=10),
             momentum=0.9, nesterov=True, clipnorm=0.5),
         loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.125),
         metrics=["accuracy", metrics.AUC(curve="PR", name="area"), metrics.Precision(class_id=1),
                  metrics.F1Score(average="macro"), "mse"],
         weighted_metrics=["accuracy"])
    save("keras_objects_2",
         [dense(2, kernel_initializer=initializers.VarianceScaling(2.0, "fan_out", "uniform"))],
         optimizer=keras.optimizers.RMSprop(0.01, rho=0.8, momentum=0.1, centered=True, weight_decay=0.25),
         loss=keras.losses.Huber(), metrics=[metrics.MeanAbsoluteError(name="mae")])
