"""Train a small binary classifier with Keras, save it, load it again and predict with it.

    python examples/binary_classifier.py            # writes model.h5
    advisor inspect model.h5                        # then: what it is made of
    advisor rank model.h5 --task train --rows 60000 --epochs 10 --batch-size 32

Needs TensorFlow, or Keras with any of its backends; the advisor itself needs neither.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np


def import_keras() -> Any:
    """Return the keras module, with whichever backend is there; ends with a sentence if none is."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    installed = [name for name in ("tensorflow", "torch", "jax") if importlib.util.find_spec(name)]
    if installed:
        os.environ.setdefault("KERAS_BACKEND", installed[0])
    try:
        if os.environ.get("KERAS_BACKEND") == "tensorflow":
            from tensorflow import keras
        else:
            import keras
        return keras
    except ImportError as error:
        sys.exit(
            f"this example trains a model and needs TensorFlow or Keras ({error}).\n"
            "Install one of them first: pip install tensorflow   (or: pip install keras torch)"
        )


def make_data(rows: int, features: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return samples and labels: two noisy classes, told apart by a direction and by a product of two others."""
    generator = np.random.default_rng(seed)
    samples = generator.normal(size=(rows, features)).astype("float32")
    directions = generator.normal(size=(3, features)) / np.sqrt(features)
    linear, first, second = directions @ samples.T
    noise = 0.1 * generator.normal(size=rows)
    labels = (2 * linear + first * second + noise > 0).astype("float32")
    return samples, labels


def build(keras: Any, features: int) -> Any:
    """Return the compiled classifier: 128, 64 and 32 rectified units, then one sigmoid."""
    model = keras.Sequential(
        [
            keras.Input(shape=(features,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name="binary_classifier",
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("model.h5"), help="file to write: .h5 or .keras")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it exists")
    parser.add_argument("--rows", type=int, default=6000, help="samples to make (a fifth of them for testing)")
    parser.add_argument("--features", type=int, default=784, help="values a sample")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.output.suffix not in (".h5", ".keras"):
        parser.error(f"--output is {arguments.output}; expected a name that ends in .h5 or .keras")
    if min(arguments.rows - 9, arguments.features, arguments.epochs, arguments.batch_size) < 1:
        parser.error("--rows must be at least 10; --features, --epochs and --batch-size at least 1")
    if arguments.output.exists() and not arguments.force:
        sys.exit(f"{arguments.output} exists already; choose another name with --output, or overwrite it with --force")

    keras = import_keras()
    keras.utils.set_random_seed(arguments.seed)
    samples, labels = make_data(arguments.rows, arguments.features, arguments.seed)
    held_back = max(1, arguments.rows // 5)
    model = build(keras, arguments.features)
    model.fit(
        samples[held_back:], labels[held_back:], epochs=arguments.epochs, batch_size=arguments.batch_size, verbose=2
    )
    model.save(arguments.output)

    loaded = keras.models.load_model(arguments.output)
    probabilities = np.asarray(loaded.predict(samples[:held_back], verbose=0)).ravel()
    accuracy = float(np.mean((probabilities > 0.5) == (labels[:held_back] > 0.5)))
    print(f"saved {arguments.output}")
    print(f"loaded again, it predicts {held_back} unseen samples with accuracy {accuracy:.3f}")
    print("next:")
    print(f"  advisor inspect {arguments.output}")
    print(
        f"  advisor rank {arguments.output} --task train --rows 60000 --epochs {arguments.epochs} "
        f"--batch-size {arguments.batch_size}"
    )


if __name__ == "__main__":
    main()
