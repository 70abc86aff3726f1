"""wav2vec 2.0 and HuBERT: convolutions over the waveform, an encoder over their frames (Baevski et al. 2020)."""

from __future__ import annotations

from advisor.operators import Convolution, Elementwise, Operator
from advisor_huggingface.assembly import grouped
from advisor_huggingface.blocks.encoder import POST_NORM, layer_norm, linear
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family
from advisor_huggingface.network import Network, end, labels, task
from advisor_huggingface.samples import per_sample

#: Audio that a sample holds where ``audio_samples`` does not say: 10 seconds at 16 kHz.
AUDIO_SAMPLES = 160_000


def _features(config: Config, samples: int) -> tuple[tuple[Operator, ...], int, int]:
    """Convolutions over the waveform; frames and channels of the last one."""
    lists = [config.integers(name) for name in ("conv_dim", "conv_kernel", "conv_stride")]
    if len({len(entries) for entries in lists}) != 1 or not 0 < len(lists[0]) <= 64 or not min(map(min, lists)):
        raise config.error("conv_dim", "conv_kernel and conv_stride must be as long, with 1 to 64 entries above zero")
    normed, biased = config.text("feat_extract_norm", "group"), config.flag("conv_bias")
    operators: list[Operator] = []
    channels, length = 1, samples
    for index, (width, kernel, stride) in enumerate(zip(*lists, strict=True)):
        frames = (length - kernel) // stride + 1
        if frames < 1:
            raise config.error("audio_samples", f"{samples} are too few for the convolutions")
        operators.append(Convolution(
            name=f"convolution{index}", inputs=kernel * channels, outputs=width, bias=biased, positions=frames,
            input_elements=length * channels, saved_elements=length * channels, quantizable=False,
        ))  # fmt: skip
        own = 2 * width if normed == "layer" or index == 0 else 0
        operators.append(Elementwise(name=f"activation{index}", elements=2 * frames * width * (2 if own else 1),
                                     parameters_own=own, saved_elements=frames * width))  # fmt: skip
        channels, length = width, frames
    return tuple(operators), length, channels


def _positions(config: Config, frames: int) -> tuple[Operator, ...]:
    """A grouped convolution over neighbouring frames, its weight split into length and direction."""
    hidden, taps = config.hidden, config.integer("num_conv_pos_embeddings")
    groups = config.integer("num_conv_pos_embedding_groups")
    if hidden % groups:
        raise config.error("num_conv_pos_embedding_groups", f"{groups} does not divide hidden_size {hidden}")
    made = frames + 2 * (taps // 2) - taps + 1  # one more than frames of an even kernel, cut off
    product = Convolution(name="position_convolution", inputs=taps * hidden, outputs=hidden, groups=groups, bias=True,
                          extra_parameters=taps, positions=made, input_elements=frames * hidden,
                          saved_elements=frames * hidden, quantizable=False)  # fmt: skip
    return (product, Elementwise(name="position_addition", elements=3 * frames * hidden))


def _head(config: Config, frames: int) -> tuple[Operator, ...]:
    wanted, hidden = task(config), config.hidden
    if wanted == "CTC":
        return per_sample((linear("lm_head", hidden, config.integer("vocab_size")),), frames)
    if wanted == "AudioFrameClassification":
        return per_sample((linear("classifier", hidden, labels(config)),), frames)
    if wanted == "SequenceClassification":
        width = config.integer("classifier_proj_size", 256)
        return (*per_sample((linear("projector", hidden, width),), frames), linear("classifier", width, labels(config)))
    if wanted == "PreTraining":
        codes = config.integer("num_codevectors_per_group", 320) * config.integer("num_codevector_groups", 2)
        width, last = config.integer("codevector_dim", 256), config.integer("proj_codevector_dim", 256)
        table = codes * (width // config.integer("num_codevector_groups", 2))
        products = (linear("project_hidden", hidden, last), linear("codes", config.integers("conv_dim")[-1], codes),
                    linear("project_code", width, last))  # fmt: skip
        vectors = Elementwise(name="codevectors", elements=0, parameters_own=table)
        return (*per_sample(products, frames), vectors)
    return ()


def _network(config: Config) -> Network:
    if config.flag("add_adapter") or config.raw("adapter_attn_dim") is not None:
        raise config.error("add_adapter", "adapters of wav2vec 2.0 are not read; accepted: false")
    if config.flag("conv_pos_batch_norm"):
        raise config.error("conv_pos_batch_norm", "is not read; accepted: false")
    samples, hidden = config.integer("audio_samples", AUDIO_SAMPLES), config.hidden
    convolutions, frames, channels = _features(config, samples)
    masked = config.number("mask_time_prob", 0.05) > 0 or config.number("mask_feature_prob") > 0
    norms = (layer_norm("feature_norm", channels),) if config.flag("feat_proj_layer_norm", True) else ()
    projected = per_sample((*norms, linear("feature_projection", channels, hidden)), frames)
    own = (Elementwise(name="mask", elements=0, parameters_own=hidden),) if masked else ()
    norm = per_sample((layer_norm("norm", hidden),), frames)
    blocks = [per_sample(POST_NORM(config, index), frames) for index in range(config.layers)]
    return Network(
        layers=(end("embedding", (*convolutions, *projected, *own, *_positions(config, frames), *norm)),
                *grouped(blocks, kind="encoder"), end("output", _head(config, frames))),
        unit="sample", hidden_size=hidden, blocks=config.layers, heads=config.integer("num_attention_heads"),
        sample_elements=samples, notes=(f"a sample is {samples} values of audio ({samples / 16000:g} s at 16 kHz), "
                                        "as audio_samples says or by default",),
    )  # fmt: skip


WAV2VEC2 = Family(
    name="wav2vec2", model_types=("wav2vec2", "hubert"), network=_network,
    defaults={"vocab_size": 32, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
              "intermediate_size": 3072, "conv_dim": [512] * 7, "conv_stride": [5, 2, 2, 2, 2, 2, 2],
              "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "num_conv_pos_embeddings": 128,
              "num_conv_pos_embedding_groups": 16},
)  # fmt: skip
FAMILIES = (WAV2VEC2,)
