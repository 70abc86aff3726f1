"""Graphs: sharing, nesting, options for open sizes, formats, frozen and unknown layers."""

import copy

import pytest
from keras_support import entrance, functional, layer, read, recorded, sequential

from advisor.errors import ModelFileError
from advisor.operators import Convolution, MatMul, Recurrence


def dense(units, inputs=None, **config):
    return layer("Dense", inputs, units=units, **config)


def test_a_shared_layer_has_parameters_once_and_flops_for_each_use():
    shared = dense(8, None, name="shared")
    shared["inbound_nodes"] = [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]
    join = layer("Add", None, name="join")
    join["inbound_nodes"] = [[["shared", 0, 0, {}], ["shared", 1, 0, {}]]]
    model = read(functional([entrance(16, name="a"), entrance(16, name="b"), shared, join], ["a", "b"], ["join"]))
    assert model.parameters == 16 * 8 + 8
    assert model.forward_flops() == 2 * 2 * 16 * 8
    assert model.sample_elements == 32
    uses = next(entry for entry in model.layers if entry.name == "shared").operators
    assert [op.tied for op in uses] == [False, True]


@pytest.mark.parametrize("module", ["keras", "tf_keras"])
def test_nested_models_show_their_layers_by_path(module):
    model = read(recorded(f"graphs_{module}")["shared nested model"]["document"])
    names = [entry.name for entry in model.layers]
    assert any(name.startswith("tower/conv2d") for name in names)
    assert model.parameters == 3 * 9 * 4 + 4 + 400 * 5 + 5
    assert model.forward_flops() == 2 * 2 * (100 * 27 * 4 + 400 * 5)


def test_time_distributed_models_multiply_positions_not_parameters():
    model = read(recorded("graphs_keras")["time-distributed model"]["document"])
    convolution = next(op for op, _ in model.operators() if isinstance(op, Convolution))
    assert convolution.positions == 5 * 100
    assert convolution.input_elements == 5 * 12 * 12 * 3
    assert convolution.parameters == 27 * 4 + 4


def test_recurrence_is_sequential_and_carries_state():
    model = read(sequential(layer("LSTM", units=6, batch_input_shape=[None, 7, 5])))
    update = next(op for op, _ in model.operators() if isinstance(op, Recurrence))
    assert (update.sequential, update.positions, update.state_elements) == (True, 7, 12)
    assert update.saved_elements == 7 * 6 * 6
    assert model.parameters == 4 * (6 * (5 + 6) + 6)
    assert model.forward_flops() == 7 * 2 * 4 * 6 * (5 + 6)


def test_attention_flops_do_not_depend_on_the_context_of_tokens():
    case = recorded("graphs_keras")["transformer block"]
    assert read(case["document"]).forward_flops(seq_len=999) == case["flops"]


def test_an_open_sequence_axis_takes_seq_len_or_a_stated_default():
    document = sequential(layer("Embedding", input_dim=10, output_dim=4, batch_input_shape=[None, None]), dense(3))
    model = read(document)
    assert model.forward_flops() == 128 * 2 * 4 * 3
    assert "128" in model.notes[0]
    given = read(document, seq_len=50)
    assert given.forward_flops() == 50 * 2 * 4 * 3
    assert "50 taken, as given" in given.notes[0]


def test_open_image_axes_take_image_size_or_a_stated_default():
    document = sequential(layer("Conv2D", filters=2, kernel_size=[1, 1], batch_input_shape=[None, None, None, 3]))
    assert read(document).forward_flops() == 224 * 224 * 2 * 3 * 2
    assert read(document, image_size=10).forward_flops() == 10 * 10 * 2 * 3 * 2
    assert "image_size" in read(document).notes[0]


def test_sequential_forms_of_older_keras():
    first = {"class_name": "Dense", "config": {"name": "d", "units": 4, "batch_input_shape": [None, 3]}}
    assert read({"class_name": "Sequential", "config": [first]}).parameters == 16
    by_dim = {"class_name": "Dense", "config": {"name": "d", "output_dim": 4, "input_dim": 3, "bias": True}}
    assert read({"class_name": "Sequential", "config": [by_dim]}).parameters == 16


def test_formats_follow_the_dtype_policy():
    half = read(sequential(dense(4, batch_input_shape=[None, 3], dtype="float16")))
    assert (half.weight_format, half.weight_bytes) == ("fp16", 32)
    mixed = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    assert read(sequential(dense(4, batch_input_shape=[None, 3], dtype=mixed))).weight_format == "fp32"
    both = read(sequential(dense(40, batch_input_shape=[None, 3]), dense(1, name="last", dtype="bfloat16")))
    assert both.weight_format == "fp32"
    assert both.weight_bytes == 4 * 160 + 2 * 41


def test_models_quantized_by_keras_store_integer_matrices():
    policy = {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}}
    model = read(sequential(dense(40, batch_input_shape=[None, 30], dtype=policy), layer("LayerNormalization")))
    assert model.weight_format == "int8"
    assert model.weight_bytes == (30 * 40 + 40) + 4 * 80
    assert read(sequential(dense(4, batch_input_shape=[None, 3], dtype="int8_from_bfloat16"))).weight_bytes == 16
    eight = {"class_name": "QuantizedFloat8DTypePolicy", "config": {"mode": "float8", "source_name": "mixed_bfloat16"}}
    assert read(sequential(dense(4, batch_input_shape=[None, 3], dtype=eight))).weight_format == "fp32"


def test_frozen_layers_and_statistics_do_not_count_as_trainable():
    model = read(sequential(
        dense(4, batch_input_shape=[None, 3], trainable=False), layer("BatchNormalization", axis=[1]),
    ))  # fmt: skip
    assert model.parameters == 16 + 16
    assert model.attributes["trainable_parameters"] == 8
    scale, statistics = model.layers[-1].operators
    assert (scale.parameters, scale.trainable) == (8, True)
    assert (statistics.parameters, statistics.trainable) == (8, False)


def test_lambda_and_custom_layers_are_unknown_and_never_run():
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None, "closure": None}}
    custom = layer("Magic>Layer", ["l"], name="m")
    custom["registered_name"] = "Magic>Layer"
    model = read(functional(
        [entrance(8), layer("Lambda", ["in"], name="l", function=code), custom, dense(2, ["m"], name="d")],
        ["in"], ["d"],
    ))  # fmt: skip
    unknown = {entry.name: entry.operators[0].unknown for entry in model.layers if entry.operators[0:1]}
    assert "not run" in unknown["l"]
    assert "not a standard Keras layer" in unknown["m"]
    assert len(model.notes) == 2
    assert "not counted" in model.notes[0]
    assert model.parameters == 18


def test_a_shape_recorded_by_keras_3_is_used_after_an_unknown_layer():
    def tensor(name, *shape):
        return {"class_name": "__keras_tensor__", "config": {"shape": [None, *shape], "keras_history": [name, 0, 0]}}

    layers = [
        {"class_name": "InputLayer", "name": "in", "config": {"batch_shape": [None, 8]}, "inbound_nodes": []},
        {"class_name": "Mine", "name": "x", "config": {"name": "x", "trainable": True}, "module": "mine",
         "registered_name": "Mine", "inbound_nodes": [{"args": [tensor("in", 8)], "kwargs": {}}]},
        {"class_name": "Dense", "name": "d", "config": {"name": "d", "units": 2, "trainable": True},
         "inbound_nodes": [{"args": [tensor("x", 5)], "kwargs": {}}]},
    ]  # fmt: skip
    config = {"name": "m", "layers": layers, "input_layers": ["in", 0, 0], "output_layers": ["d", 0, 0]}
    model = read({"class_name": "Functional", "registered_name": "Functional", "config": config})
    assert model.parameters == 5 * 2 + 2
    assert "Mine" in model.notes[0]


def test_a_tensor_needed_by_two_layers_is_kept_once():
    layers = [
        entrance(8), layer("Activation", ["in"], activation="relu", name="r"), dense(4, ["r"], name="a"),
        dense(4, ["r"], name="b"), layer("Add", ["a", "b"], name="sum"),
    ]  # fmt: skip
    model = read(functional(layers, ["in"], ["sum"]))
    assert sum(op.saved_elements for op, _ in model.operators()) == 8


def test_convolution_keeps_the_input_and_batch_normalisation_its_own():
    model = read(sequential(
        layer("Conv2D", filters=4, kernel_size=[3, 3], padding="same", batch_input_shape=[None, 8, 8, 3]),
        layer("BatchNormalization", axis=[3]), layer("Activation", activation="relu"),
        layer("MaxPooling2D", pool_size=[2, 2]), layer("Flatten"), dense(5),
    ))  # fmt: skip
    kept = {entry.kind: sum(op.saved_elements for op in entry.operators) for entry in model.layers}
    pooled = 4 * 4 * 4
    assert kept == {
        "Conv2D": 8 * 8 * 3, "BatchNormalization": 8 * 8 * 4, "Activation": 8 * 8 * 4, "MaxPooling2D": pooled,
        "Flatten": 0, "Dense": 0,
    }  # fmt: skip
    convolution = model.layers[0].operators[0]
    assert convolution.activation_elements == 8 * 8 * 3 + 8 * 8 * 4


def test_transposed_convolution_moves_its_two_feature_maps():
    model = read(sequential(
        layer("Conv2DTranspose", filters=4, kernel_size=[2, 2], strides=[2, 2], batch_input_shape=[None, 5, 5, 3])
    ))  # fmt: skip
    operator = model.layers[0].operators[0]
    assert isinstance(operator, MatMul)
    assert operator.activation_elements == 5 * 5 * 3 + 10 * 10 * 4
    assert operator.parameters == 2 * 2 * 3 * 4 + 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["config"]["layers"][1]["config"].update(units=-3), "'units' is -3"),
        (lambda d: d["config"]["layers"][1]["config"].update(units=2**70), "'units' is"),
        (lambda d: d["config"]["layers"][1]["config"].update(units="many"), "'units' is 'many'"),
        (lambda d: d["config"]["layers"][1]["config"].pop("units"), "'units' is missing"),
        (lambda d: d["config"]["layers"][1].update(inbound_nodes=[[["out", 0, 0, {}]]]), "cycle"),
        (lambda d: d["config"]["layers"][1].update(inbound_nodes=[[["gone", 0, 0, {}]]]), "'gone' is not in the model"),
        (lambda d: d["config"]["layers"][1].update(inbound_nodes=[[["in", 0, 7, {}]]]), "no output number 7"),
        (lambda d: d["config"]["layers"].append(d["config"]["layers"][1]), "two layers are named"),
        (lambda d: d["config"].update(layers=[]), "expected a list of layers"),
        (lambda d: d["config"].update(output_layers=[]), "'output_layers'"),
        (lambda d: d["config"]["layers"].__setitem__(1, 5), "expected a layer"),
        (lambda d: d["config"]["layers"][0]["config"].update(batch_input_shape=[None, -1]), "input shape"),
        (lambda d: d["config"]["layers"][0]["config"].update(batch_input_shape=[None, 2**80]), "input shape"),
    ],
)
def test_a_wrong_field_is_named_in_one_line(change, message):
    document = functional([entrance(8), dense(4, ["in"], name="mid"), dense(2, ["mid"], name="out")], ["in"], ["out"])
    document = copy.deepcopy(document)
    change(document)
    with pytest.raises(ModelFileError) as caught:
        read(document)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_model_that_was_never_built_says_what_to_do():
    with pytest.raises(ModelFileError, match="give it an Input"):
        read(sequential(dense(4)))


def test_a_subclassed_model_is_refused_by_name():
    document = {"class_name": "Mine", "registered_name": "pack>Mine", "config": {"name": "m"}, "module": "pack"}
    with pytest.raises(ModelFileError, match="'Mine' is a subclassed model"):
        read(document)


def test_too_many_parameters_are_not_believed():
    with pytest.raises(ModelFileError, match="parameters"):
        read(sequential(dense(2**40, batch_input_shape=[None, 2**40])))
