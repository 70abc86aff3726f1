"""Vision-language models whose text part is a family of its own: Qwen2-VL, Qwen2.5-VL, Mistral Small 3."""

from __future__ import annotations

from advisor_huggingface.families.llama import QWEN2
from advisor_huggingface.family import Family
from advisor_huggingface.vision import pixtral, qwen

QWEN2_VL_TEXT = Family(
    name="qwen2_vl", model_types=("qwen2_vl_text", "qwen2_5_vl_text"), layer=QWEN2.layer,
    defaults={**QWEN2.defaults, "vocab_size": 152064, "hidden_size": 8192, "intermediate_size": 29568,
              "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8, "max_window_layers": 80},
)  # fmt: skip
QWEN2_VL = Family(name="qwen2_vl", model_types=("qwen2_vl",), text=("text_config",), text_family="qwen2_vl_text",
                  towers=(qwen.QWEN2_VL,))  # fmt: skip
QWEN2_5_VL = Family(name="qwen2_5_vl", model_types=("qwen2_5_vl",), text=("text_config",), text_family="qwen2_vl_text",
                    towers=(qwen.QWEN2_5_VL,))  # fmt: skip
MISTRAL3 = Family(name="mistral3", model_types=("mistral3",), text=("text_config",), text_family="mistral",
                  towers=(pixtral.MISTRAL3,))  # fmt: skip

FAMILIES = (QWEN2_VL_TEXT, QWEN2_VL, QWEN2_5_VL, MISTRAL3)
