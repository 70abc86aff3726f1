"""Models from sizes alone: published ones come out as published, contradictions are refused by name."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import InputError
from advisor.interfaces import ModelSource
from advisor.models import Model
from advisor_huggingface.reader import read_document
from advisor_plan.reader import PlanReader


def read(**options):
    source = ModelSource("plan", options=options)
    assert PlanReader().claims(source)
    return PlanReader().read(source)


LLAMA_70B = {"layers": 80, "hidden_size": 8192, "heads": 64, "kv_heads": 8, "vocab": 128256}


def test_all_sizes_of_llama_3_70b_make_its_published_parameters():
    model = read(**LLAMA_70B, intermediate_size=28672)
    assert model.parameters == 70_553_706_496
    published = read_document(
        {
            "model_type": "llama",
            "num_hidden_layers": 80,
            "hidden_size": 8192,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "vocab_size": 128256,
            "intermediate_size": 28672,
        },
        "c",
        "c",
    )
    assert model.forward_flops(512, 4) == published.forward_flops(512, 4)
    assert model.cache_bytes_per_token == published.cache_bytes_per_token == 327_680
    assert (model.blocks, model.hidden_size, model.tensor_parallel_limit) == (80, 8192, 64)
    assert model.generates


@pytest.mark.parametrize("given_", [70, 70.0, "70", "70B"])
def test_the_feed_forward_width_follows_the_parameters(given_):
    model = read(params_b=given_, layers=80, hidden_size=8192, heads=64, kv_heads=8)
    assert model.parameters == pytest.approx(70e9, rel=2e-3)
    assert any("intermediate_size" in note for note in model.notes)


def test_what_the_command_line_passes():
    model = read(params="70B", layers="80", hidden_size="8192", heads="64", kv_heads="8")
    assert model.parameters == pytest.approx(70e9, rel=2e-3)


@pytest.mark.parametrize(
    ("billions", "layers", "hidden"), [(7, 32, 4096), (13, 40, 5120), (70, 72, 9216), (405, 128, 16384)]
)
def test_parameters_alone_give_the_usual_shape(billions, layers, hidden):
    model = read(params_b=billions)
    assert model.parameters == pytest.approx(billions * 1e9, rel=2e-3)
    assert abs(model.blocks - layers) <= 8
    assert abs(model.hidden_size - hidden) <= 1024
    assert any("hidden_size" in note and "assumed" in note for note in model.notes)


@pytest.mark.parametrize("billions", [0.05, 0.125, 0.35, 1, 3, 30, 1000])
def test_any_number_of_parameters_is_met(billions):
    assert read(params_b=billions).parameters == pytest.approx(billions * 1e9, rel=5e-3)


def test_gpt_3_has_a_plain_feed_forward():
    model = read(
        params_b=175, layers=96, hidden_size=12288, heads=96, kv_heads=96, vocab=50257, intermediate_size=49152
    )
    assert model.parameters == pytest.approx(175e9, rel=0.01)
    assert any("plain feed-forward" in note for note in model.notes)


def test_mixtral():
    sizes = {
        "layers": 32,
        "hidden_size": 4096,
        "heads": 32,
        "kv_heads": 8,
        "vocab": 32000,
        "experts": 8,
        "experts_per_token": 2,
    }
    model = read(**sizes, intermediate_size=14336)
    assert (model.parameters, model.active_parameters) == (46_702_792_704, 12_879_925_248)  # as published
    from_sums = read(**sizes, params_b=46.7, active_params_b=12.9)
    assert from_sums.parameters == pytest.approx(46.7e9, rel=1e-3)
    assert from_sums.active_parameters == pytest.approx(12.9e9, rel=0.01)


def test_experts_a_token_from_the_two_sums():
    model = read(
        params_b=46.7, active_params_b=12.9, layers=32, hidden_size=4096, heads=32, kv_heads=8, experts=8, vocab=32000
    )
    assert "experts_per_token 2 assumed" in model.notes


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": 5}, "hidden_size is missing"),
        ({"hidden_size": 512}, "layers is missing"),
        ({"params_b": -3}, "params_b: expected billions"),
        ({"params_b": "many"}, "params_b: expected a whole number"),
        ({"params_b": 0}, "params_b"),
        ({"params_b": math.nan}, "params_b"),
        ({"params_b": 1e9}, "params_b"),
        ({"params_b": 7, "layers": 2.5}, "layers: expected a whole number"),
        ({"params_b": 7, "layers": 10**6}, "layers: expected a whole number from 1 to 2048"),
        ({"layers": 32, "hidden_size": 4096, "heads": 30}, "heads: hidden_size 4096 is not divisible by 30"),
        ({"layers": 32, "hidden_size": 4096, "heads": 32, "kv_heads": 5}, "kv_heads: 32 heads are not divisible by 5"),
        ({"params_b": 1, **LLAMA_70B}, "params_b: 1 is too little"),
        ({"params_b": 70, "layers": 80, "hidden_size": 8192, "intermediate_size": 1000}, "params_b: 70 contradicts"),
        ({"params_b": 100, "layers": 1, "hidden_size": 256}, "params_b: 100 is too much"),
        ({"params_b": 7, "active_params_b": 8}, "active_params_b: 8 is more than params_b 7"),
        ({"params_b": 7, "experts": 4, "experts_per_token": 8}, "experts_per_token: 8 of 4"),
        ({"params_b": 7, "experts_per_token": 8}, "experts is missing"),
        (
            {
                "params_b": 46.7,
                "active_params_b": 40,
                "layers": 32,
                "hidden_size": 4096,
                "heads": 32,
                "kv_heads": 8,
                "experts": 8,
                "experts_per_token": 2,
            },
            "active_params_b: 40 contradicts",
        ),
    ],
)
def test_contradictions_are_refused_with_the_field(options, said):
    with pytest.raises(InputError) as caught:
        read(**options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_claims_only_sizes():
    reader = PlanReader()
    assert not reader.claims(ModelSource("x"))
    assert not reader.claims(ModelSource("x", options={"seq_len": 5}))
    assert not reader.claims(ModelSource("x", given_document={"model_type": "llama"}, options={"layers": 3}))


_NUMBERS = st.one_of(
    st.none(),
    st.integers(-5, 300),
    st.sampled_from([4096, 8192, 1e9, "7B", "x", math.inf, True, "1e400"]),
    st.floats(0, 800),
)
_KEYS = [
    "params_b",
    "active_params_b",
    "layers",
    "hidden_size",
    "heads",
    "kv_heads",
    "intermediate_size",
    "vocab",
    "experts",
    "experts_per_token",
    "params",
]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(_KEYS), _NUMBERS))
def test_any_options_make_a_model_or_one_line(options):
    source = ModelSource("plan", options=options)
    if not PlanReader().claims(source):
        return
    try:
        model = PlanReader().read(source)
    except InputError as error:
        if "\n" in str(error):
            raise
        return
    assert isinstance(model, Model)
    assert model.parameters > 0
    assert model.forward_flops(8) > 0


@settings(max_examples=60, deadline=None)
@given(layers=st.integers(8, 128), heads=st.sampled_from([8, 16, 32, 64]), billions=st.floats(0.5, 900))
def test_parameters_are_met_whatever_the_shape(layers, heads, billions):
    try:
        model = read(params_b=billions, layers=layers, hidden_size=heads * 128, heads=heads)
    except InputError as error:
        assert "too" in str(error)  # noqa: PT017
        return
    assert model.parameters == pytest.approx(billions * 1e9, rel=5e-3)
