"""Adaptation methods: trained parameters as PEFT counts them, and what they keep in memory."""

import pytest

from advisor import Advisor
from advisor.errors import InputError


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


@pytest.mark.parametrize(
    ("method", "settings", "trained"),
    [
        ("lora", {"lora_rank": 32}, 9175040), ("dora", {"lora_rank": 32}, 9289728),
        ("vera", {"lora_rank": 256}, 129024), ("ia3", {}, 286720), ("prompt_tuning", {"virtual_tokens": 200}, 614400),
        ("adalora", {"lora_rank": 32, "initial_rank": 64}, 18353664), ("loha", {"lora_rank": 32}, 18350080),
        ("lokr", {"lora_rank": 32, "kronecker_factor": 4}, 2294656), ("oft", {"rotation_blocks": 32}, 8171520),
        ("p_tuning", {"virtual_tokens": 20}, 28382208), ("ln_tuning", {}, 175104),
        ("trainable_tokens", {"trained_tokens": 2}, 6144),
        ("prefix_tuning", {"virtual_tokens": 200}, 11468800), ("prefix_tuning", {"virtual_tokens": 50}, 2867200),
    ],
)  # fmt: skip
def test_trained_parameters_are_those_that_peft_reports(advisor, method, settings, trained):
    """``num_trainable_params`` of huggingface/peft's comparison on Llama-3.2-3B, default targets."""
    rows = advisor.estimate("meta-llama/Llama-3.2-3B", "l40s", task="finetune", method=method, settings=settings,
                            framework="peft", allow_unrated=True).rows  # fmt: skip
    assert set(rows["adapter_parameters"]) == {trained}
    assert set(rows["trainable_share"]) == {0.0}
    assert (rows["quality"] <= 1).all()


def test_freezing_trains_the_last_blocks(advisor):
    def trained(share):
        chosen = (f"freezing={share}", "bf16")
        return advisor.estimate("meta-llama/Llama-3.1-8B", "b200", task="finetune", method="freezing",
                                allow_unrated=True, techniques=chosen, layout=("micro=1",)).rows  # fmt: skip

    half, quarter = trained(0.5), trained(0.25)
    assert quarter["memory_optimizer"].max() == pytest.approx(half["memory_optimizer"].max() / 2, rel=1e-6)
    assert quarter["step_time"].max() < half["step_time"].max()


def test_wrong_settings_are_refused(advisor):
    with pytest.raises(InputError, match="virtual_tokens"):
        advisor.estimate("meta-llama/Llama-3.2-3B", "l40s", task="finetune", method="prompt_tuning",
                         settings={"virtual_tokens": 0.5})  # fmt: skip
