"""Federated averaging: data stay with clients, models travel (McMahan et al. 2017, arXiv 1602.05629)."""

from __future__ import annotations

from datetime import date

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.columns import Column
from advisor.context import Context
from advisor.devices import Source
from advisor.interfaces import Refusals, Technique
from advisor_private_training.aggregation import expansion
from advisor_private_training.asked import named, setting

PLAIN, SECURE = "plain", "secure"
SECURELY = Column("secure_aggregation", "", "?", "clients' models are summed without the server seeing one")
#: Defaults of --settings: clients of a round, steps between rounds, and a client's line in Mbit/s (each way).
CLIENTS, LOCAL_STEPS, LINE_MBIT_PER_S = 10, 10, 1000.0


class FederatedAveraging(Technique):
    """Clients train on what they hold and send their models, not their data."""

    name = "federated_averaging"
    slot = "federation"
    stage = "runtime"
    aliases = ("fedavg", "federated")
    columns = (SECURELY,)
    doc = ("data stay with the clients, models travel every local_steps (settings clients, local_steps, "
           "client_mbit_per_s); =secure hides each from the server")  # fmt: skip
    sources = (
        Source(title="McMahan et al., Communication-Efficient Learning of Deep Networks from Decentralized Data",
               url="https://arxiv.org/abs/1602.05629", date=date(2017, 4, 20)),
        Source(title="Bonawitz et al., Practical Secure Aggregation for Privacy-Preserving Machine Learning, CCS 2017",
               url="https://eprint.iacr.org/2017/281", date=date(2017, 10, 30)),
    )  # fmt: skip

    def settings(self, context: Context) -> tuple[str, ...]:
        """Without and with secure aggregation, where it was asked for."""
        return (PLAIN, SECURE) if named(self, context) else ()

    def required(self, context: Context) -> bool:
        """Whether the user named it."""
        return named(self, context)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        """Nothing of a client's step changes; the traffic is the scorer's to count."""
        wrong = np.ones(len(rows), dtype=bool)
        rows[SECURELY.name] = setting == SECURE
        return [] if setting in (PLAIN, SECURE) else [(wrong, f"setting {setting!r} is none of {PLAIN}, {SECURE}")]


def bytes_a_round(rows: Candidates, context: Context) -> Array:
    """Bytes that one client receives and sends in a round: what is trained, once each way, in 16 bits."""
    values = context.model.parameters * rows["trainable_share"] + rows["adapter_parameters"]
    clients = round(setting(context, "clients", CLIENTS, 1))
    known, where = np.unique(values, return_inverse=True)
    more = np.array([expansion(max(float(value), 1.0), clients) for value in known])[where]
    return np.asarray(values * 2.0 * (1.0 + np.where(rows[SECURELY.name], more, 1.0)))
