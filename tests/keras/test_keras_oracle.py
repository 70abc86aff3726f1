"""Parameters, output shapes and FLOPs against what Keras 2 and 3 said (recorded by record_oracle.py)."""

from typing import Any

import pytest
from keras_support import read, recorded

from advisor_keras.convert import to_model
from advisor_keras.files import KerasFile
from advisor_keras.graph import run_network
from advisor_keras.result import LAYERS
from advisor_keras.walk import Walk

FILES = [f"{kind}_{module}" for kind in ("layers", "graphs", "applications") for module in ("keras", "tf_keras")]
CASES = [(file, name) for file in FILES for name in recorded(file)]


@pytest.mark.parametrize(("file", "name"), CASES, ids=[f"{file}: {name}" for file, name in CASES])
def test_equal_to_keras(file, name):
    case = recorded(file)[name]
    walk = Walk()
    walk.run(case["document"], run_network)
    model = to_model(KerasFile(case["document"]), walk, name)
    assert model.parameters == case["parameters"]
    assert model.attributes["trainable_parameters"] == case["trainable"]
    kind, _, module = file.partition("_")
    other = recorded(f"{kind}_{'keras' if module == 'tf_keras' else 'tf_keras'}").get(name, {})
    # Where TensorFlow's graph of one Keras leaves shapes open, the other Keras builds the same application.
    flops = case["flops"] or (other.get("flops") if kind == "applications" else None)
    if flops is not None:
        assert model.forward_flops() == flops
    assert not any(op.unknown for op, _ in model.operators())
    assert len(walk.outputs) == len(case["outputs"])
    for found, expected in zip(walk.outputs, case["outputs"], strict=True):
        assert len(found) == len(expected)
        assert all(wanted in (None, size) for size, wanted in zip(found, expected, strict=True)), (found, expected)


@pytest.mark.parametrize(
    ("name", "parameters", "flops"),
    [
        ("ResNet50", 25_636_712, 7_715_946_496),
        ("EfficientNetB0", 5_330_571, 771_629_504),
        ("MobileNetV2", 3_538_984, 601_548_544),
        ("DenseNet121", 8_062_504, 5_668_323_328),
        ("VGG16", 138_357_544, 30_940_528_640),
        ("Xception", 22_910_480, 16_714_806_992),
    ],
)
def test_published_figures_of_applications(name, parameters, flops):
    for module in ("keras", "tf_keras"):
        model = read(recorded(f"applications_{module}")[name]["document"])
        assert (model.parameters, model.forward_flops()) == (parameters, flops)


def _classes(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = set().union(*map(_classes, value.values())) if value else set()
        return found | ({value["class_name"]} if isinstance(value.get("class_name"), str) else set())
    return set().union(*map(_classes, value)) if isinstance(value, list) and value else set()


#: Public classes of keras.layers (3.15) and tf_keras.layers (2.21); base classes, aliases and wrappers included.
STANDARD = """
Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention AugMix
AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D
BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization
Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D
Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding
Equalization Flatten FlaxLayer GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention HashedCrossing Hashing
Identity InputLayer IntegerLookup JaxLayer LSTM LSTMCell Lambda Layer LayerNormalization LeakyReLU Masking
MaxNumBoundingBoxes MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum
MixUp MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization RNN RandAugment RandomBrightness
RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing RandomFlip
RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation
RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
ReversibleEmbedding STFTSpectrogram SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D
SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization
StackedRNNCells StringLookup Subtract TFSMLayer TextVectorization TimeDistributed TorchModuleWrapper UnitNormalization
UpSampling1D UpSampling2D UpSampling3D Wrapper ZeroPadding1D ZeroPadding2D ZeroPadding3D DenseFeatures
LocallyConnected1D LocallyConnected2D RandomHeight RandomWidth ThresholdedReLU
"""


def test_every_application_has_its_flops():
    flops = {name: case["flops"] for module in ("tf_keras", "keras") for name, case in
             recorded(f"applications_{module}").items() if case["flops"]}  # fmt: skip
    names = {name for module in ("tf_keras", "keras") for name in recorded(f"applications_{module}")}
    assert set(flops) == names
    assert len(names) > 70


def test_every_standard_layer_is_in_the_table():
    assert set(STANDARD.split()) <= set(LAYERS)


def test_nearly_every_standard_layer_was_recorded():
    seen = set().union(*(_classes(case["document"]) for file in FILES for case in recorded(file).values()))
    aliases = {name for name in STANDARD.split() if ("Pool" in name and "Pooling" not in name) or "Convolution" in name}
    foreign = {"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper", "DenseFeatures", "Lambda"}
    base = {"Layer", "Wrapper"}
    # Layers that cannot be called on a symbolic tensor, take labels too, or wrap other preprocessing layers.
    uncalled = {
        "AugMix", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Equalization", "HashedCrossing",
        "MaxNumBoundingBoxes", "MixUp", "Pipeline", "RandAugment", "RandomHeight", "RandomWidth",
    }  # fmt: skip
    assert set(STANDARD.split()) - seen - aliases - foreign - base <= uncalled
