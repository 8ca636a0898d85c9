"""Keras on the backend that KERAS_BACKEND names; else on PyTorch, which does not compile every small model, or on JAX."""
import importlib.util
import logging
import os
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch" if importlib.util.find_spec("torch") else "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)  # .h5 files being "legacy"

import keras  # noqa: E402,F401
