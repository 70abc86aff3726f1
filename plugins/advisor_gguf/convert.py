"""From what GGUF headers say to the advisor's model."""

from __future__ import annotations

import re
from types import MappingProxyType

from advisor.errors import ModelFileError
from advisor.models import Layer, Model
from advisor.operators import Embedding, MatMul, Operator
from advisor_gguf.attention import attention
from advisor_gguf.block import Block
from advisor_gguf.feed_forward import feed_forward
from advisor_gguf.files import Contents
from advisor_gguf.metadata import Metadata
from advisor_gguf.recurrent import recurrent
from advisor_tensors import Tensor, common_format, grouped, settle, vectors
from advisor_tensors.table import attributes_of

_BLOCK = re.compile(r"^(?P<stack>(?:[a-z]+\.)*?)blk\.(?P<index>\d{1,4})\.(?P<role>.+)$")
_ENCODERS = ("bert", "t5encoder", "clip", "neo-bert", "eurobert", "wavtokenizer-dec", "gemma-embedding")


def to_model(contents: Contents, name: str) -> Model:
    """Make the model that metadata and tensors describe; every tensor is part of it."""
    metadata = Metadata(contents.metadata, contents.path)
    if not contents.tensors:
        raise ModelFileError(f"{contents.path}: holds no tensors (a vocabulary alone?)")
    blocks, outside = _sorted_out(contents, metadata)
    causal = metadata.raw("attention.causal") is not False and not any(
        metadata.architecture.endswith(encoder) for encoder in _ENCODERS
    )
    notes: list[str] = []
    layers = _layers(blocks, metadata, causal, notes)
    first, last = _ends(outside, metadata, causal)
    layers = [*first, *layers, *last]
    _check(layers, contents)
    weight_format = common_format(layers)
    if metadata.window_unused:
        notes.append(f"a window of {metadata.whole('attention.sliding_window')} tokens without a pattern of blocks: "
                     "attention counted over all tokens, as llama.cpp runs it")  # fmt: skip
    if contents.padding:
        notes.append(f"{contents.padding:,} bytes of the file are padding between tensors: not counted")
    heads = max((metadata.whole("attention.head_count", block=index) for index in range(metadata.blocks)), default=0)
    return Model(
        name=name, family=metadata.architecture, layers=settle(layers, weight_format), unit="token", generates=causal,
        weight_format=weight_format, cache_format="fp16", hidden_size=metadata.hidden, blocks=max(metadata.blocks, 1),
        vocabulary=_vocabulary(first, metadata), max_context=metadata.whole("context_length") or None,
        tensor_parallel_limit=max(heads, 1), reader="gguf", source=str(contents.path),
        notes=tuple(dict.fromkeys(notes)),
        attributes=MappingProxyType({**attributes_of(contents.tensors, contents.files),
                                     "state_format": "fp32"}),
    )  # fmt: skip


def _sorted_out(contents: Contents, metadata: Metadata) -> tuple[dict[str, dict[int, dict[str, Tensor]]],
                                                                  dict[str, Tensor]]:  # fmt: skip
    blocks: dict[str, dict[int, dict[str, Tensor]]] = {}
    outside: dict[str, Tensor] = {}
    for tensor in contents.tensors:
        match = _BLOCK.match(tensor.name)
        if match is None:
            outside[tensor.name] = tensor
        else:
            blocks.setdefault(match["stack"], {}).setdefault(int(match["index"]), {})[match["role"]] = tensor
    return blocks, outside


def _layers(blocks: dict[str, dict[int, dict[str, Tensor]]], metadata: Metadata, causal: bool,
            notes: list[str]) -> list[Layer]:  # fmt: skip
    answer: list[Layer] = []
    for stack, members in blocks.items():
        main = stack in ("", "dec.")
        built = {index: _operators(Block(index, metadata, tensors, causal=main and causal, notes=notes))
                 for index, tensors in members.items()}  # fmt: skip
        extra = metadata.blocks - metadata.whole("nextn_predict_layers") if main else len(built)
        kind = "decoder" if main and causal else "encoder"
        where = "main" if main else {"enc.": "encoder", "v.": "vision", "a.": "audio"}.get(stack, "encoder")
        if len(blocks) == 1:  # a file of one tower alone: that is the model
            where = "main"
        answer += grouped({index: ops for index, ops in built.items() if index < extra or not extra},
                          f"{stack}layers", kind, where)  # fmt: skip
        ahead = grouped({index: ops for index, ops in built.items() if 0 < extra <= index}, "mtp", "mtp", "mtp")
        if ahead:
            notes.append(f"{sum(layer.count for layer in ahead)} blocks predict further tokens: their weights count, "
                         "their work does not")  # fmt: skip
        answer += ahead
    return answer


def _operators(block: Block) -> tuple[Operator, ...]:
    if any(role.startswith("cross_attn_") for role in block.tensors):
        block.notes.append("cross attention: its products are counted, its scores and cache are not")
    operators = block.norm("input_norm", "attn_norm", "ssm_norm_in") + block.norm("input_norm_2", "attn_norm_2")
    operators += recurrent(block) + attention(block)
    operators += block.norm("post_attention_norm", "post_attention_norm", "attn_output_norm", "attn_post_norm")
    operators += block.norm("feed_forward_norm", "ffn_norm")
    operators += feed_forward(block)
    operators += block.norm("post_feedforward_norm", "post_ffw_norm", "layer_output_norm")
    return (*operators, *block.rest())


def _ends(outside: dict[str, Tensor], metadata: Metadata, causal: bool) -> tuple[list[Layer], list[Layer]]:
    """What comes before the blocks and after them."""
    block = Block(-1, metadata, outside, causal)
    tokens = block.take("token_embd")
    first: list[Operator] = []
    for role, tensor in (("embed_tokens", tokens), ("embed_positions", block.take("position_embd")),
                         ("embed_types", block.take("token_types")),
                         ("embed_per_layer", block.take("per_layer_token_embd"))):  # fmt: skip
        if tensor is not None:
            width = tensor.shape[0]
            first.append(Embedding(name=role, rows=tensor.values // width, width=width, native_format=tensor.format,
                                   split="vocabulary" if role == "embed_tokens" else "none"))  # fmt: skip
    first += block.norm("embedding_norm", "token_embd_norm")
    last = block.norm("norm", "output_norm")
    last += block.norm("encoder_norm", "enc.output_norm") + block.norm("decoder_norm", "dec.output_norm")
    head = block.weights("output")
    if head:
        inputs = head[0].shape[0]
        last.append(MatMul(name="lm_head", inputs=inputs, outputs=head[0].values // inputs, quantizable=False,
                           last_unit_only=True, split="vocabulary", saved_elements=inputs,
                           native_format=head[0].format))  # fmt: skip
        last += vectors("lm_head.bias", block.biases("output"), split="vocabulary", last_unit_only=True)
    elif tokens is not None and causal:
        last.append(MatMul(name="lm_head", inputs=tokens.shape[0], outputs=tokens.values // tokens.shape[0], tied=True,
                           quantizable=False, last_unit_only=True, split="vocabulary", saved_elements=tokens.shape[0],
                           native_format=tokens.format))  # fmt: skip
    tables = [block.tensors.pop(role) for role in list(block.tensors) if role.startswith("rope_")]
    last += vectors("rotary_factors", tables, elements=0, trainable=False)
    last += block.rest()
    before = [Layer(name="embedding", kind="embedding", operators=tuple(first))] if first else []
    return before, [Layer(name="output", kind="output", operators=tuple(last))] if last else []


def _vocabulary(first: list[Layer], metadata: Metadata) -> int:
    rows = [op.rows for layer in first for op in layer.operators if isinstance(op, Embedding)]
    return rows[0] if rows else metadata.vocabulary


def _check(layers: list[Layer], contents: Contents) -> None:
    """Every value of every tensor must be in the model, once."""
    read, stored = sum(layer.parameters for layer in layers), sum(tensor.values for tensor in contents.tensors)
    if read != stored:
        raise ModelFileError(f"{contents.path}: its tensors hold {stored:,} values, of which {read:,} fit the shapes "
                             "of an architecture: damaged, or of a kind that is not known")  # fmt: skip


