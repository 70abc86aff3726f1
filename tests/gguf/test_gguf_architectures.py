"""Small models of each kind, tensor by tensor, against the configurations that they would be converted from."""

import pytest
from gguf_made import BF16, F32, MXFP4, Q4_0, Q4_K, Q6_K, Q8_0, size, write
from gguf_readings import LLAMA, block_tensors, read, same_work, whole_model


def test_qwen3_mixture(tmp_path):
    experts = [
        ("ffn_norm.weight", [512], F32),
        ("ffn_gate_inp.weight", [512, 16], F32),
        ("ffn_gate_exps.weight", [512, 256, 16], Q4_K),
        ("ffn_up_exps.weight", [512, 256, 16], Q4_K),
        ("ffn_down_exps.weight", [256, 512, 16], Q6_K),
    ]
    metadata, tensors = whole_model(
        "qwen3moe",
        3,
        512,
        8,
        2,
        128,
        2048,
        block_tensors(512, 8, 2, 128, norms=True) + experts,
        expert_count=16,
        expert_used_count=4,
        expert_feed_forward_length=256,
    )
    model = read(write(tmp_path / "m.gguf", metadata, tensors))
    same_work(
        model,
        {
            "model_type": "qwen3_moe",
            "hidden_size": 512,
            "num_hidden_layers": 3,
            "num_attention_heads": 8,
            "num_key_value_heads": 2,
            "head_dim": 128,
            "vocab_size": 2048,
            "num_experts": 16,
            "num_experts_per_tok": 4,
            "moe_intermediate_size": 256,
            "intermediate_size": 1024,
            "decoder_sparse_step": 1,
            "mlp_only_layers": [],
            "torch_dtype": "float16",
        },
    )
    assert model.weight_bytes == sum(size(shape, kind) for _, shape, kind in tensors)


def test_gpt_oss_biases_sinks_and_alternating_window(tmp_path):
    block = [
        *block_tensors(256, 4, 2, 64, biases=True),
        ("attn_output.bias", [256], F32),
        ("attn_sinks.weight", [4], F32),
        ("post_attention_norm.weight", [256], F32),
        ("ffn_gate_inp.weight", [256, 8], F32),
        ("ffn_gate_inp.bias", [8], F32),
        ("ffn_gate_exps.weight", [256, 256, 8], MXFP4),
        ("ffn_up_exps.weight", [256, 256, 8], MXFP4),
        ("ffn_down_exps.weight", [256, 256, 8], MXFP4),
        ("ffn_gate_exps.bias", [256, 8], F32),
        ("ffn_up_exps.bias", [256, 8], F32),
        ("ffn_down_exps.bias", [256, 8], F32),
    ]
    metadata, tensors = whole_model(
        "gpt-oss",
        4,
        256,
        4,
        2,
        64,
        1024,
        block,
        **{"expert_count": 8, "expert_used_count": 2, "attention.sliding_window": 128},
    )
    model = read(write(tmp_path / "m.gguf", metadata, tensors))
    same_work(
        model,
        {
            "model_type": "gpt_oss",
            "hidden_size": 256,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 64,
            "vocab_size": 1024,
            "num_local_experts": 8,
            "num_experts_per_tok": 2,
            "intermediate_size": 256,
            "sliding_window": 128,
            "torch_dtype": "float16",
        },
    )
    assert model.weight_bytes == sum(size(shape, kind) for _, shape, kind in tensors)
    assert model.weight_format == "mxfp4"


@pytest.mark.parametrize("newer", [False, True])
def test_deepseek_latent_attention_in_old_and_new_layout(tmp_path, newer):
    heads, rank, rope, plain, value, hidden = 4, 64, 32, 64, 64, 256
    attention = [
        ("attn_norm.weight", [hidden], F32),
        ("attn_q_a.weight", [hidden, 96], Q8_0),
        ("attn_q_a_norm.weight", [96], F32),
        ("attn_q_b.weight", [96, heads * (plain + rope)], Q8_0),
        ("attn_kv_a_mqa.weight", [hidden, rank + rope], Q8_0),
        ("attn_kv_a_norm.weight", [rank], F32),
        ("attn_output.weight", [heads * value, hidden], Q8_0),
        ("ffn_norm.weight", [hidden], F32),
    ]
    attention += (
        [("attn_k_b.weight", [plain, rank, heads], Q8_0), ("attn_v_b.weight", [rank, value, heads], Q8_0)]
        if newer
        else [("attn_kv_b.weight", [rank, heads * (plain + value)], Q8_0)]
    )
    dense = [
        ("ffn_gate.weight", [hidden, 512], Q4_0),
        ("ffn_up.weight", [hidden, 512], Q4_0),
        ("ffn_down.weight", [512, hidden], Q4_0),
    ]
    sparse = [
        ("ffn_gate_inp.weight", [hidden, 8], F32),
        ("exp_probs_b.bias", [8], F32),
        ("ffn_gate_exps.weight", [hidden, 128, 8], Q4_0),
        ("ffn_up_exps.weight", [hidden, 128, 8], Q4_0),
        ("ffn_down_exps.weight", [128, hidden, 8], Q4_0),
        ("ffn_gate_shexp.weight", [hidden, 128], Q4_0),
        ("ffn_up_shexp.weight", [hidden, 128], Q4_0),
        ("ffn_down_shexp.weight", [128, hidden], Q4_0),
    ]
    widths = (
        {
            "attention.key_length": rank + rope,
            "attention.value_length": rank,
            "attention.key_length_mla": plain + rope,
            "attention.value_length_mla": value,
        }
        if newer
        else {"attention.key_length": plain + rope, "attention.value_length": value}
    )
    metadata, tensors = whole_model(
        "deepseek2",
        3,
        hidden,
        heads,
        1 if newer else heads,
        0,
        1024,
        lambda index: attention + (dense if index == 0 else sparse),
        **{
            **widths,
            "attention.q_lora_rank": 96,
            "attention.kv_lora_rank": rank,
            "rope.dimension_count": rope,
            "expert_count": 8,
            "expert_used_count": 2,
            "leading_dense_block_count": 1,
        },
    )
    model = read(write(tmp_path / "m.gguf", metadata, tensors))
    same_work(
        model,
        {
            "model_type": "deepseek_v3",
            "hidden_size": hidden,
            "num_hidden_layers": 3,
            "vocab_size": 1024,
            "num_attention_heads": heads,
            "num_key_value_heads": heads,
            "q_lora_rank": 96,
            "kv_lora_rank": rank,
            "qk_rope_head_dim": rope,
            "qk_nope_head_dim": plain,
            "v_head_dim": value,
            "intermediate_size": 512,
            "moe_intermediate_size": 128,
            "n_routed_experts": 8,
            "num_experts_per_tok": 2,
            "n_shared_experts": 1,
            "first_k_dense_replace": 1,
            "torch_dtype": "float16",
        },
        beside=2 * 8,
    )  # corrections of the routers


WINDOW = {"attention.sliding_window": 512}


def test_gemma3_windows_and_four_norms(tmp_path):
    names = ["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"]
    block = (
        block_tensors(256, 4, 2, 64, norms=True)[1:]
        + [(f"{name}.weight", [256], F32) for name in names]
        + [
            ("ffn_gate.weight", [256, 1024], Q4_0),
            ("ffn_up.weight", [256, 1024], Q4_0),
            ("ffn_down.weight", [1024, 256], Q4_0),
        ]
    )
    metadata, tensors = whole_model(
        "gemma3", 12, 256, 4, 2, 64, 1024, block, tied=True, **{"attention.sliding_window": 512}
    )
    model = read(write(tmp_path / "m.gguf", metadata, tensors))
    same_work(
        model,
        {
            "model_type": "gemma3_text",
            "hidden_size": 256,
            "num_hidden_layers": 12,
            "head_dim": 64,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "vocab_size": 1024,
            "intermediate_size": 1024,
            "sliding_window": 512,
            "sliding_window_pattern": 6,
            "torch_dtype": "float16",
        },
    )


def test_phi3_fused_products(tmp_path):
    block = [
        ("attn_norm.weight", [256], F32),
        ("attn_qkv.weight", [256, 512], Q4_0),
        ("attn_output.weight", [256, 256], Q4_0),
        ("ffn_norm.weight", [256], F32),
        ("ffn_up.weight", [256, 2048], Q4_0),
        ("ffn_down.weight", [1024, 256], Q4_0),
    ]
    metadata, tensors = whole_model("phi3", 2, 256, 4, 2, 64, 1024, block)
    model = read(write(tmp_path / "m.gguf", metadata, tensors))
    same_work(
        model, {**LLAMA, "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024, "vocab_size": 1024}
    )
    assert any(op.name == "gate_up" for op, _ in model.operators())


def test_mixtral_with_an_expert_a_tensor(tmp_path):
    experts = [("ffn_norm.weight", [256], F32), ("ffn_gate_inp.weight", [256, 4], BF16)]
    for expert in range(4):
        experts += [
            (f"ffn_gate.{expert}.weight", [256, 512], Q4_0),
            (f"ffn_up.{expert}.weight", [256, 512], Q4_0),
            (f"ffn_down.{expert}.weight", [512, 256], Q4_0),
        ]
    metadata, tensors = whole_model(
        "llama", 2, 256, 4, 2, 64, 1024, block_tensors(256, 4, 2, 64) + experts, expert_count=4, expert_used_count=2
    )
    model = read(write(tmp_path / "m.gguf", metadata, tensors))
    same_work(
        model,
        {
            "model_type": "mixtral",
            "hidden_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 512,
            "vocab_size": 1024,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "torch_dtype": "float16",
            "sliding_window": None,
        },
    )


def test_qwen3_next_states(tmp_path):
    linear = [
        ("attn_norm.weight", [256], F32),
        ("attn_qkv.weight", [256, 2 * 2 * 64 + 4 * 64], Q8_0),
        ("attn_gate.weight", [256, 4 * 64], Q8_0),
        ("ssm_ba.weight", [256, 8], Q8_0),
        ("ssm_conv1d.weight", [4, 2 * 2 * 64 + 4 * 64], F32),
        ("ssm_a", [4], F32),
        ("ssm_dt.bias", [4], F32),
        ("ssm_norm.weight", [64], F32),
        ("ssm_out.weight", [256, 256], Q8_0),
    ]
    gated = [
        ("attn_norm.weight", [256], F32),
        ("attn_q.weight", [256, 2 * 4 * 64], Q8_0),
        ("attn_k.weight", [256, 128], Q8_0),
        ("attn_v.weight", [256, 128], Q8_0),
        ("attn_q_norm.weight", [64], F32),
        ("attn_k_norm.weight", [64], F32),
        ("attn_output.weight", [256, 256], Q8_0),
    ]
    rest = [
        ("post_attention_norm.weight", [256], F32),
        ("ffn_gate.weight", [256, 512], Q8_0),
        ("ffn_up.weight", [256, 512], Q8_0),
        ("ffn_down.weight", [512, 256], Q8_0),
    ]
    metadata, tensors = whole_model(
        "qwen35",
        4,
        256,
        4,
        2,
        64,
        1024,
        lambda i: (gated if i == 3 else linear) + rest,
        **{
            "ssm.conv_kernel": 4,
            "ssm.state_size": 64,
            "ssm.group_count": 2,
            "ssm.time_step_rank": 4,
            "ssm.inner_size": 256,
            "full_attention_interval": 4,
        },
    )
    model = read(write(tmp_path / "m.gguf", metadata, tensors))
    same_work(
        model,
        {
            "model_type": "qwen3_5_text",
            "hidden_size": 256,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 64,
            "vocab_size": 1024,
            "intermediate_size": 512,
            "linear_conv_kernel_dim": 4,
            "linear_key_head_dim": 64,
            "linear_value_head_dim": 64,
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "torch_dtype": "float16",
        },
    )
