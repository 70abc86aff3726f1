"""Configurations of every standard layer that the oracle records: class, arguments, input shapes, call.

An input shape is without the batch axis; several make a list (or keyword) of tensors. ``steps`` is the
length of a loop over time, which TensorFlow's graph holds once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    layer: str
    arguments: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[tuple[int, ...], ...] = ((8,),)
    call: dict[str, Any] = field(default_factory=dict)  # keyword to position of an input, or a constant
    dtype: str = "float32"
    wrapped: Any = None  # a case within a wrapper layer
    steps: int = 1

    @property
    def name(self) -> str:
        parts = [f"{key}={value}" for key, value in self.arguments.items()] + [f"{k}:{v}" for k, v in self.call.items()]
        held = self.wrapped if isinstance(self.wrapped, list) else [self.wrapped] if self.wrapped else []
        inner = "".join(f"<{case.name}>" for case in held)
        return f"{self.layer}{inner}({', '.join(parts)}) on {' '.join(map(str, self.inputs))}"


def _cases() -> list[Case]:
    cases: list[Case] = []

    def add(
        layer: str, *inputs: tuple[int, ...], call: dict[str, Any] | None = None, steps: int = 1, **more: Any
    ) -> None:  # fmt: skip
        dtype = more.pop("input_dtype", "float32")
        cases.append(Case(layer, more, inputs or ((8,),), call or {}, dtype, None, steps))

    def wrap(layer: str, inner: Case, *inputs: tuple[int, ...], steps: int = 1, **more: Any) -> None:
        cases.append(Case(layer, more, inputs, {}, "float32", inner, steps))

    # core
    add("Dense", (784,), units=128, activation="relu")
    add("Dense", (5, 7), units=3, use_bias=False, activation="gelu")
    add("Dense", (2, 3, 4), units=6, activation="softmax")
    add("EinsumDense", (6, 8), equation="abc,cd->abd", output_shape=[None, 16], bias_axes="d")
    add("EinsumDense", (6, 8), equation="abc,cde->abde", output_shape=[None, 2, 5], bias_axes="de", activation="relu")
    add("EinsumDense", (6, 8), equation="...x,xy->...y", output_shape=16, bias_axes="y")
    add("EinsumDense", (6, 2, 5), equation="abde,dec->abc", output_shape=[None, 9])
    add("EinsumDense", (8,), equation="ab,bc->ac", output_shape=4)
    add("Embedding", (10,), input_dim=100, output_dim=16, input_dtype="int32")
    add("Embedding", (3, 4), input_dim=50, output_dim=8, mask_zero=True, input_dtype="int32")
    add("ReversibleEmbedding", (10,), input_dim=100, output_dim=16, input_dtype="int32")
    add("ReversibleEmbedding", (10,), input_dim=100, output_dim=16, tie_weights=False, input_dtype="int32")
    add("ReversibleEmbedding", (10, 16), input_dim=100, output_dim=16, call={"reverse": True})
    for name in ("Identity", "Masking", "ActivityRegularization", "Softmax", "ReLU", "LeakyReLU", "ELU",
                 "ThresholdedReLU"):  # fmt: skip
        add(name, (5, 4))
    for name in ("Dropout", "AlphaDropout", "GaussianDropout"):
        add(name, (5, 4), rate=0.5)
    add("GaussianNoise", (5, 4), stddev=0.1)
    add("SpatialDropout1D", (5, 4), rate=0.5)
    add("SpatialDropout2D", (5, 5, 4), rate=0.5)
    add("SpatialDropout3D", (5, 5, 5, 4), rate=0.5)
    add("PReLU", (6, 6, 3))
    add("PReLU", (6, 6, 3), shared_axes=[1, 2])
    for name in ("linear", "relu", "gelu", "silu", "softmax", "tanh"):
        add("Activation", (5, 4), activation=name)

    # convolutions
    spatial = {1: (16,), 2: (16, 12), 3: (8, 8, 8)}
    for rank, size in spatial.items():
        conv = f"Conv{rank}D"
        add(conv, (*size, 4), filters=6, kernel_size=3)
        add(conv, (*size, 4), filters=6, kernel_size=3, strides=2, padding="same", use_bias=False, activation="relu")
        add(conv, (*size, 4), filters=6, kernel_size=3, dilation_rate=2)
        add(conv, (*size, 4), filters=6, kernel_size=5, padding="same", groups=2)
        add(f"{conv}Transpose", (*size, 4), filters=6, kernel_size=3)
        add(f"{conv}Transpose", (*size, 4), filters=6, kernel_size=3, strides=2, padding="same")
        add(f"{conv}Transpose", (*size, 4), filters=6, kernel_size=2, strides=3)
        add(f"{conv}Transpose", (*size, 4), filters=6, kernel_size=4, strides=2, padding="same", output_padding=1)
        add(f"ConvLSTM{rank}D", (3, *size, 2), steps=3, filters=3, kernel_size=3)
        add(
            f"ConvLSTM{rank}D", (3, *size, 2), steps=3, filters=3, kernel_size=3, padding="same",
            return_sequences=True, return_state=True, use_bias=False,
        )  # fmt: skip
        for pool in ("MaxPooling", "AveragePooling"):
            add(f"{pool}{rank}D", (*size, 4), pool_size=2)
            add(f"{pool}{rank}D", (*size, 4), pool_size=3, strides=2, padding="same")
            add(f"Global{pool}{rank}D", (*size, 4))
            add(f"Global{pool}{rank}D", (*size, 4), keepdims=True)
            add(f"Adaptive{pool}{rank}D", (*size, 4), output_size=3)
        add(f"UpSampling{rank}D", (*size, 4), size=2)
        add(f"ZeroPadding{rank}D", (*size, 4), padding=2)
        add(f"Cropping{rank}D", (*size, 4), cropping=1)
    add("Conv1D", (16, 4), filters=6, kernel_size=3, padding="causal", dilation_rate=2)
    add("Conv2D", (16, 12, 4), filters=6, kernel_size=[3, 5], strides=[2, 1])
    for name in ("MaxPooling2D", "AveragePooling2D"):
        add(name, (4, 16, 12), pool_size=2, data_format="channels_first")
    add("GlobalAveragePooling2D", (4, 16, 12), data_format="channels_first")
    add("ZeroPadding2D", (6, 6, 4), padding=[[1, 2], [3, 0]])
    add("Cropping2D", (6, 6, 4), cropping=[[1, 2], [3, 0]])
    add("ZeroPadding1D", (6, 4), padding=[1, 3])
    add("UpSampling2D", (6, 6, 4), size=[2, 3], interpolation="bilinear")
    for rank in (1, 2):
        size = spatial[rank]
        add(f"DepthwiseConv{rank}D", (*size, 4), kernel_size=3)
        add(f"DepthwiseConv{rank}D", (*size, 4), kernel_size=3, strides=2, padding="same", depth_multiplier=2)
        add(f"SeparableConv{rank}D", (*size, 4), filters=6, kernel_size=3)
        add(f"SeparableConv{rank}D", (*size, 4), filters=6, kernel_size=3, depth_multiplier=2, padding="same",
            use_bias=False)  # fmt: skip
        add(f"LocallyConnected{rank}D", (*size, 4), filters=6, kernel_size=3)
        add(f"LocallyConnected{rank}D", (*size, 4), filters=6, kernel_size=3, implementation=2)

    # normalisation
    add("BatchNormalization", (6, 6, 4))
    add("BatchNormalization", (6, 6, 4), scale=False, center=False)
    add("BatchNormalization", (6, 6, 4), axis=1)
    add("LayerNormalization", (6, 4))
    add("LayerNormalization", (6, 4), axis=[1, 2], center=False)
    add("RMSNormalization", (6, 4))
    add("GroupNormalization", (6, 6, 8), groups=4)
    add("GroupNormalization", (6, 6, 8), groups=-1, scale=False)
    add("UnitNormalization", (6, 4))
    add("Normalization", (6, 4))
    add("Normalization", (6, 4), axis=[1, 2])
    add("Normalization", (6, 4), mean=0.0, variance=1.0)
    wrap("SpectralNormalization", Case("Dense", {"units": 5}), (8,))
    wrap("SpectralNormalization", Case("Conv2D", {"filters": 5, "kernel_size": 3}), (8, 8, 2))

    # recurrent
    for name in ("LSTM", "GRU", "SimpleRNN"):
        add(name, (7, 5), units=6, steps=7)
        add(name, (7, 5), units=6, return_sequences=True, return_state=True, steps=7)
        add(name, (7, 5), units=6, use_bias=False, steps=7)
        inner = Case(name, {"units": 6, "return_sequences": True})
        wrap("Bidirectional", inner, (7, 5), steps=7)
        wrap("Bidirectional", Case(name, {"units": 6}), (7, 5), steps=7, merge_mode="sum")
        wrap("Bidirectional", inner, (7, 5), steps=7, merge_mode=None)
        wrap("Bidirectional", Case(name, {"units": 6, "return_state": True}), (7, 5), steps=7)
        wrap("RNN", Case(f"{name}Cell", {"units": 6}), (7, 5), steps=7)
    add("GRU", (7, 5), units=6, reset_after=False, steps=7)
    wrap("RNN", Case("StackedRNNCells", {}, wrapped=[Case("LSTMCell", {"units": 4}), Case("GRUCell", {"units": 3})]),
         (7, 5), steps=7, return_sequences=True)  # fmt: skip
    wrap("TimeDistributed", Case("Dense", {"units": 4, "activation": "relu"}), (7, 5))
    wrap("TimeDistributed", Case("Conv2D", {"filters": 4, "kernel_size": 3}), (3, 8, 8, 2))
    wrap("TimeDistributed", Case("BatchNormalization"), (3, 5))

    # attention
    add("MultiHeadAttention", (6, 16), (9, 16), num_heads=2, key_dim=8, call={"query": 0, "value": 1})
    add("MultiHeadAttention", (6, 16), num_heads=2, key_dim=8, value_dim=5, output_shape=7,
        call={"query": 0, "value": 0})  # fmt: skip
    add("MultiHeadAttention", (6, 16), (9, 12), (9, 10), num_heads=4, key_dim=4, use_bias=False,
        call={"query": 0, "value": 1, "key": 2})  # fmt: skip
    add("MultiHeadAttention", (3, 4, 8), num_heads=2, key_dim=4, attention_axes=[2], call={"query": 0, "value": 0})
    add("MultiHeadAttention", (3, 4, 8), num_heads=2, key_dim=4, call={"query": 0, "value": 0})
    add("MultiHeadAttention", (6, 16), num_heads=2, key_dim=8, use_gate=True, call={"query": 0, "value": 0})
    add("MultiHeadAttention", (6, 16), num_heads=2, key_dim=8,
        call={"query": 0, "value": 0, "return_attention_scores": True})  # fmt: skip
    gqa = {"head_dim": 8, "num_query_heads": 4, "num_key_value_heads": 2}
    add("GroupQueryAttention", (6, 16), (9, 16), **gqa, call={"query": 0, "value": 1})
    add("GroupQueryAttention", (6, 16), **gqa, use_bias=False, use_gate=True, call={"query": 0, "value": 0})
    add("Attention", (6, 16), (9, 16))
    add("Attention", (6, 16), (9, 16), use_scale=True)
    add("Attention", (6, 16), (9, 16), score_mode="concat", use_scale=True)
    add("Attention", (6, 16), (9, 12), (9, 16))
    add("AdditiveAttention", (6, 16), (9, 16))
    add("AdditiveAttention", (6, 16), (9, 16), use_scale=False)

    # merging
    for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
        add(name, (5, 4), (5, 4))
    add("Add", (5, 4), (1, 4), (5, 1))
    add("Concatenate", (5, 4), (5, 3))
    add("Concatenate", (5, 4), (2, 4), axis=1)
    add("Dot", (5, 4), (5, 3), axes=1)
    add("Dot", (8,), (8,), axes=-1, normalize=True)
    add("Dot", (5, 4), (6, 4), axes=[2, 2])

    # reshaping
    add("Flatten", (5, 4, 3))
    add("Reshape", (6, 4), target_shape=[3, -1])
    add("Reshape", (6, 4), target_shape=[24])
    add("Permute", (6, 4, 3), dims=[3, 1, 2])
    add("RepeatVector", (6,), n=3)

    # preprocessing
    image = (10, 12, 3)
    add("Rescaling", image, scale=1 / 255)
    for name in ("Resizing", "CenterCrop", "RandomCrop"):
        add(name, image, height=8, width=6)
    add("RandomFlip", image)
    for name in ("RandomRotation", "RandomContrast", "RandomBrightness", "RandomHue", "RandomSaturation",
                 "RandomSharpness", "RandomColorDegeneration"):  # fmt: skip
        add(name, image, factor=0.1)
    add("RandomZoom", image, height_factor=0.1)
    add("RandomShear", image, x_factor=0.1)
    add("RandomTranslation", image, height_factor=0.1, width_factor=0.1)
    add("RandomPosterization", image, factor=4)
    add("Solarization", image, addition_factor=0.1)
    for name in ("AutoContrast", "Equalization", "RandomErasing", "RandomGaussianBlur", "RandomGrayscale",
                 "RandomInvert", "RandomPerspective", "RandomColorJitter", "RandomElasticTransform"):  # fmt: skip
        add(name, image)
    add("CategoryEncoding", (1,), num_tokens=10, output_mode="one_hot", input_dtype="int32")
    add("CategoryEncoding", (4,), num_tokens=10, output_mode="multi_hot", input_dtype="int32")
    add("Hashing", (4,), num_bins=10, input_dtype="int32")
    add("Hashing", (4,), num_bins=10, output_mode="multi_hot", input_dtype="int32")
    add("Discretization", (4,), bin_boundaries=[0.0, 1.0, 2.0])
    add("Discretization", (4,), bin_boundaries=[0.0, 1.0, 2.0], output_mode="one_hot")
    add("IntegerLookup", (4,), vocabulary=[1, 2, 3], input_dtype="int64")
    add("IntegerLookup", (4,), vocabulary=[1, 2, 3], output_mode="multi_hot", input_dtype="int64")
    add("StringLookup", (4,), vocabulary=["a", "b"], output_mode="one_hot", input_dtype="string")
    add("TextVectorization", (1,), max_tokens=20, output_mode="int", output_sequence_length=6, input_dtype="string")
    add("STFTSpectrogram", (512, 1), mode="log", frame_length=64, frame_step=32, fft_length=64)
    add("STFTSpectrogram", (512, 2), mode="stft", frame_length=64, frame_step=32, fft_length=128, padding="same")
    add("MelSpectrogram", (4000,))
    return cases


CASES = _cases()
