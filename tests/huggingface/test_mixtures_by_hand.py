"""FLOPs of three mixtures summed by hand over the experts that a token is routed to.

A product of (m, k) by (k, n) is 2 m k n; attention is counted in full, without the causal half, as
``torch.utils.flop_counter`` counts it. Sizes are those of the published configurations.
"""

from __future__ import annotations

import pytest

from advisor_huggingface.reader import read_document

MIXTRAL_8X7B = {
    "model_type": "mixtral",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
}
QWEN3_30B_A3B = {
    "model_type": "qwen3_moe",
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "intermediate_size": 6144,
    "moe_intermediate_size": 768,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "vocab_size": 151936,
    "tie_word_embeddings": False,
}
DEEPSEEK_V3 = {
    "model_type": "deepseek_v3",
    "hidden_size": 7168,
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 3,
    "n_group": 8,
    "topk_group": 4,
    "vocab_size": 129280,
    "tie_word_embeddings": False,
}


def mixtral_8x7b(tokens):
    attention = 4096 * 4096 + 2 * 4096 * 1024 + 4096 * 4096
    experts = 4096 * 8 + 2 * 3 * 4096 * 14336
    scores = 2 * 32 * 128 * tokens
    return 2 * tokens * (32 * (attention + experts + scores) + 4096 * 32000)


def qwen3_30b_a3b(tokens):
    attention = 2048 * 4096 + 2 * 2048 * 512 + 4096 * 2048
    experts = 2048 * 128 + 8 * 3 * 2048 * 768
    scores = 2 * 32 * 128 * tokens
    return 2 * tokens * (48 * (attention + experts + scores) + 2048 * 151936)


def deepseek_v3(tokens):
    query = 7168 * 1536 + 1536 * 128 * (128 + 64)
    latent = 7168 * (512 + 64) + 512 * 128 * (128 + 128)
    attention = query + latent + 128 * 128 * 7168 + 128 * (192 + 128) * tokens
    dense = 3 * 3 * 7168 * 18432
    experts = 58 * (7168 * 256 + (8 + 1) * 3 * 7168 * 2048)
    return 2 * tokens * (61 * attention + dense + experts + 7168 * 129280)


@pytest.mark.parametrize(("batch", "tokens"), [(1, 128), (1, 512), (4, 128), (4, 512)])
@pytest.mark.parametrize(
    ("document", "by_hand"),
    [(MIXTRAL_8X7B, mixtral_8x7b), (QWEN3_30B_A3B, qwen3_30b_a3b), (DEEPSEEK_V3, deepseek_v3)],
    ids=["mixtral-8x7b", "qwen3-30b-a3b", "deepseek-v3"],
)
def test_mixture_flops_equal_the_sum_by_hand(document, by_hand, batch, tokens):
    model = read_document(document, "config.json", "model")
    assert model.forward_flops(tokens, batch) == pytest.approx(batch * by_hand(tokens), rel=1e-3)


def test_hand_sums_keep_their_order_of_magnitude():
    """About 2 FLOPs for each active parameter: 12.9, 3.05 and 37 thousand million (without embeddings)."""
    for by_hand, active in ((mixtral_8x7b, 12.9e9), (qwen3_30b_a3b, 3.05e9), (deepseek_v3, 37e9)):
        assert by_hand(1) == pytest.approx(2 * active, rel=0.05)
