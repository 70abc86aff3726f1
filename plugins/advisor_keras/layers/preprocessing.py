"""Preprocessing of images, categories, text and sound."""

from __future__ import annotations

from typing import Any

from advisor.operators import Convolution, MatMul
from advisor_keras.config import Config, Shape, shown
from advisor_keras.layers.convolution import window_output
from advisor_keras.result import Result, elements, layer, moved, only_input, unknown


@layer(
    "Rescaling", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomBrightness",
    "RandomContrast", "RandomHeight", "RandomWidth", "AutoContrast", "AugMix", "CutMix", "MixUp", "Equalization",
    "ContrastLimitedAdaptiveHistogramEqualization", "RandAugment", "RandomColorDegeneration", "RandomColorJitter",
    "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPerspective", "RandomPosterization", "RandomSaturation", "RandomSharpness", "RandomShear", "Solarization",
)  # fmt: skip
def per_value(config: Config, inputs: list[Shape]) -> Result:
    """Changes values, not shapes (the random ones in training alone)."""
    shape = only_input(config, inputs)
    return Result(outputs=(shape,), operators=(moved(config.kind.lower(), elements(shape), elements(shape)),))


@layer("MaxNumBoundingBoxes")
def bounding_boxes(config: Config, inputs: list[Shape]) -> Result:
    """Pads or cuts the boxes, not the images."""
    return Result(outputs=tuple(inputs), passes_input=True)


@layer("Resizing", "CenterCrop", "RandomCrop")
def resize(config: Config, inputs: list[Shape]) -> Result:
    """Brings images to ``height`` x ``width``."""
    shape = only_input(config, inputs)
    _, channels = config.split_channels(shape, 2)
    output = config.join_channels((config.integer("height"), config.integer("width")), channels)
    return Result(outputs=(output,), operators=(moved(config.kind.lower(), elements(shape), elements(output)),))


def _encoded(config: Config, shape: Shape, mode: str, depth: int | None) -> Result:
    """Return the shape of category numbers (``int``), of one vector a value (``one_hot``), or of one a row."""
    if mode == "int":
        output = shape
    elif depth is None:
        return unknown(config, [shape], "its vocabulary is not in the file, so the width of its output is unknown")
    elif mode == "one_hot":
        output = (*shape[:-1], depth) if shape and shape[-1] == 1 else (*shape, depth)
    else:
        output = (*shape[:-1], depth)
    return Result(outputs=(output,), operators=(moved("encode", elements(shape), elements(output)),))


_MODES = ("int", "one_hot", "multi_hot", "count", "binary", "tf_idf", "tf-idf")


@layer("CategoryEncoding")
def category_encoding(config: Config, inputs: list[Shape]) -> Result:
    """Category numbers as vectors of ``num_tokens``."""
    mode = config.text("output_mode", "multi_hot", _MODES)
    key = "num_tokens" if config.values.get("num_tokens") is not None else "max_tokens"
    return _encoded(config, only_input(config, inputs), mode, config.integer(key))


@layer("Hashing", "HashedCrossing")
def hashing(config: Config, inputs: list[Shape]) -> Result:
    """Values hashed to one of ``num_bins``."""
    shape = only_input(config, inputs)
    mode = config.text("output_mode", "int", _MODES)
    bins = config.integer("num_bins")
    if mode == "one_hot" and config.kind == "Hashing":
        mode = "multi_hot"  # Keras encodes the last axis as a whole
    return _encoded(config, shape, mode, bins)


@layer("Discretization")
def discretization(config: Config, inputs: list[Shape]) -> Result:
    """Numbers as the bin that they fall into."""
    shape = only_input(config, inputs)
    mode = config.text("output_mode", "int", _MODES)
    edges = config.values.get("bin_boundaries")
    depth = len(edges) + 1 if isinstance(edges, (list, tuple)) else config.integer("num_bins", 0, least=0) or None
    if mode in ("multi_hot", "count") and depth is not None and len(shape) > 1:
        shape = (*shape[1:], 1)  # Keras 3 drops the first axis here
    return _encoded(config, shape, mode, depth)


def _vocabulary(config: Config) -> int | None:
    """Return the size of a vocabulary with its special tokens, None if it is not in the configuration."""
    words: Any = config.values.get("vocabulary")
    if isinstance(words, dict) and isinstance(words.get("config"), dict):
        words = words["config"].get("value")
    tokens = config.integer("max_tokens", 0, least=0)
    if config.flag("pad_to_max_tokens", False) and tokens:
        return tokens
    if isinstance(words, (list, tuple)) and words:
        size = len(words) + config.integer("num_oov_indices", 1, least=0)
        masked = config.values.get("mask_token") is not None and config.values.get("output_mode") == "int"
        return size + masked
    size = config.integer("vocabulary_size", 0, least=0)
    return size or None


@layer("IntegerLookup", "StringLookup")
def lookup(config: Config, inputs: list[Shape]) -> Result:
    """Words or numbers as positions in a vocabulary."""
    mode = config.text("output_mode", "int", _MODES)
    return _encoded(config, only_input(config, inputs), mode, None if mode == "int" else _vocabulary(config))


@layer("TextVectorization")
def text_vectorization(config: Config, inputs: list[Shape]) -> Result:
    """Text as a sequence of token numbers, or as one vector over the vocabulary."""
    shape = only_input(config, inputs)
    mode = config.text("output_mode", "int", _MODES)
    if mode != "int":
        return _encoded(config, (*shape[:-1], 2) if shape else (2,), "multi_hot", _vocabulary(config))
    length = config.integer("output_sequence_length", 0, least=0)
    if not length:
        from advisor_keras.inputs import fill

        length = fill((None,), config.name, config.walk)[0]
    return Result(outputs=((length,),), operators=(moved("tokenize", elements(shape), length),))


@layer("STFTSpectrogram")
def short_time_spectrogram(config: Config, inputs: list[Shape]) -> Result:
    """Short-time Fourier transform by convolution, each channel on its own."""
    shape = only_input(config, inputs)
    (samples,), channels = config.split_channels(shape, 1)
    frame = config.integer("frame_length", 256)
    step = config.integer("frame_step", max(1, frame // 2))
    bins = config.integer("fft_length", 1 << max(0, frame - 1).bit_length()) // 2 + 1
    mode = config.text("mode", "log", ("log", "magnitude", "psd", "real", "imag", "angle", "stft"))
    steps = window_output(samples, frame, step, 1, config.text("padding", "valid", ("valid", "same")))
    if steps <= 0:
        raise config.fail(f"frame_length is {frame}; it must fit in the {samples} samples")
    parts = {"real": ("real_kernel",), "imag": ("imag_kernel",)}.get(mode, ("real_kernel", "imag_kernel"))
    kernels = tuple(
        Convolution(name=name, inputs=frame, outputs=bins, positions=steps * channels, input_elements=elements(shape))
        for name in parts
    )
    width = bins * (2 if mode == "stft" else 1)
    if config.flag("expand_dims", False):
        output: Shape = (channels, steps, width) if config.channels_first else (steps, width, channels)
    else:
        output = config.join_channels((steps,), width * channels)
    return Result(outputs=(output,), operators=kernels, saves_input=True)


@layer("MelSpectrogram")
def mel_spectrogram(config: Config, inputs: list[Shape]) -> Result:
    """Mel spectrogram of a waveform: a Fourier transform (not counted), then a fixed filter matrix."""
    shape = only_input(config, inputs)
    if len(shape) != 1:
        raise config.fail(f"input has shape {shown(shape)}; expected samples of sound")
    stride = config.integer("sequence_stride", 512)
    output = (config.integer("num_mel_bins", 128), (shape[0] + stride + 1) // stride)
    transform = moved("transform", elements(shape), elements(output))
    filters = MatMul(
        name="mel_filters", inputs=config.integer("fft_length", 2048) // 2 + 1, outputs=output[0], positions=output[1],
        tied=True, quantizable=False,
    )  # fmt: skip
    return Result(outputs=(output,), operators=(transform, filters))
