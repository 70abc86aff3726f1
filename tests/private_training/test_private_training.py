"""DP-SGD, federated averaging and secure aggregation against published figures and sums by hand."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from advisor import Advisor, InputError
from advisor.cli.main import cli
from advisor.cli.session import Session
from advisor.testing import checks
from advisor_private_training.accountant import epsilon
from advisor_private_training.aggregation import expansion

MODEL = "meta-llama/Llama-3.1-8B"
TUNE = {"task": "finetune", "method": "lora", "rows": 50_000, "batch_size": 64}


def estimate(*techniques, **more):
    return Advisor().estimate(MODEL, "8xh100", **{**TUNE, "techniques": techniques, **more})


@pytest.mark.parametrize("check", checks("advisor_private_training"), ids=lambda check: check.name)
def test_conformance(check):
    check.run()


def test_epsilon_of_the_mnist_example():
    # Abadi's MNIST tutorial in TensorFlow Privacy: noise 1.1, batches of 256 of 60,000, 60 epochs, delta 1e-5: 2.92 by
    # the RDP accountant of 2019; the tighter conversion of Canonne et al. 2020 gives 2.60.
    assert epsilon(1.1, 256 / 60_000, 60 * 60_000 // 256, 1e-5) == pytest.approx(2.60, abs=0.02)


def test_epsilon_is_an_upper_bound_of_a_tighter_accountant():
    dp_accounting = pytest.importorskip("dp_accounting")
    from dp_accounting import pld

    event = dp_accounting.PoissonSampledDpEvent(0.01, dp_accounting.GaussianDpEvent(1.0))
    tight = pld.PLDAccountant()
    tight.compose(dp_accounting.SelfComposedDpEvent(event, 1000))
    assert 1 < epsilon(1.0, 0.01, 1000, 1e-5) / tight.get_epsilon(1e-5) < 1.4


def test_one_step_without_sampling_is_the_gaussian_mechanism():
    # Classic bound (Dwork and Roth 2014, theorem A.1): sqrt(2 ln(1.25 / delta)) / sigma, loose by design.
    assert epsilon(4.0, 1.0, 1, 1e-5) < np.sqrt(2 * np.log(1.25e5)) / 4.0
    assert epsilon(2.0, 1.0, 1, 1e-5) < epsilon(1.0, 1.0, 1, 1e-5)


def test_the_run_spends_what_its_steps_spend():
    ranking = estimate("dp_sgd=ghost", epochs=3, settings={"noise_multiplier": 0.8, "delta": 1e-6})
    spent = ranking.best.objectives["epsilon"].value
    assert spent == pytest.approx(epsilon(0.8, 64 / 50_000, -(-150_000 // 64), 1e-6))


def test_slowdown_of_ghost_clipping_is_that_of_ten_sixths_of_the_flops():
    plain = estimate().best
    same = {"techniques": ("dp_sgd=ghost", *plain.recipe.values()), "micro_batch": int(plain.column("micro_batch"))}
    private = Advisor().estimate(MODEL, "8xh100", **TUNE, **same).best
    assert private.column("step_time") / plain.column("step_time") == pytest.approx(10 / 6)
    assert private.column("memory") == pytest.approx(plain.column("memory"))


def test_gradients_of_samples_are_kept_in_memory():
    # Each of the micro-batch's four samples keeps its own gradients of the adapters, 2 bytes each.
    pins = {"techniques": ("dp_sgd=ghost", "lora"), "micro_batch": 4}
    ghost = Advisor().estimate(MODEL, "8xh100", **TUNE, **pins).best
    pins["techniques"] = ("dp_sgd=per_sample", "lora")
    formed = Advisor().estimate(MODEL, "8xh100", **TUNE, **pins).best
    more = formed.column("memory_gradients") - ghost.column("memory_gradients")
    share = formed.column("tensor_parallel") * formed.column("pipeline_parallel")
    assert more == pytest.approx(4 * 2.0 * formed.column("adapter_parameters") / share, rel=1e-3)
    assert formed.recipe["gradient_privacy"] == "dp_sgd=per_sample"


def test_expansion_of_secure_aggregation_as_published():
    # Bonawitz et al. 2017, abstract: 1.73 times for 2^10 users and vectors of 2^20, 1.98 times for 2^14 and 2^24.
    assert expansion(2**20, 2**10) == pytest.approx(1.73, abs=0.01)
    assert expansion(2**24, 2**14) == pytest.approx(1.98, abs=0.01)


def test_federated_traffic_by_hand():
    # 50,000 samples in steps of 64 are 782 steps, 79 rounds of ten; each moves the adapters twice in 16 bits.
    asked = {"clients": 100, "local_steps": 10, "client_mbit_per_s": 100}
    best = estimate("federated_averaging=plain", settings=asked).best
    values = best.column("adapter_parameters")
    assert best.objectives["federated_traffic"].value == pytest.approx(79 * values * 2 * 2)
    assert best.objectives["federated_exchange_time"].value == pytest.approx(79 * values * 2 * 8 / 100e6)
    secure = estimate("federated_averaging=secure", settings=asked).best
    ratio = secure.objectives["federated_traffic"].value / best.objectives["federated_traffic"].value
    assert ratio == pytest.approx((1 + expansion(values, 100)) / 2)


def test_nothing_is_private_unasked():
    ranking = estimate()
    assert "epsilon" not in ranking.best.objectives
    assert "gradient_privacy" not in ranking.best.recipe


def test_what_is_missing_is_said_in_one_line(monkeypatch):
    with pytest.raises(InputError, match="--rows or --tokens"):
        Advisor().estimate(MODEL, "8xh100", task="finetune", method="lora", techniques=("dp_sgd",))
    with pytest.raises(InputError, match=r"delta: expected a number below 1"):
        estimate("dp_sgd", settings={"delta": 2.0})
    epsilon.cache_clear()
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(InputError, match=r"hardware-advisor\[private-training\]"):
        estimate("dp_sgd")
    epsilon.cache_clear()


def test_command_line_shows_epsilon():
    words = ["estimate", MODEL, "--on", "8xh100", "--task", "finetune", "--method", "lora", "--rows", "50000",
             "--technique", "dp_sgd", "--settings", "noise_multiplier=0.8", "--json"]  # fmt: skip
    answer = json.loads(CliRunner().invoke(cli, words, obj=Session()).stdout)
    assert 0.5 < answer["candidate"]["objectives"]["epsilon"]["value"] < 3
