"""Compute-optimal sizes: how large a model, on how many tokens, for an amount of arithmetic.

Hoffmann et al. 2022 ("Training Compute-Optimal Large Language Models") fit the loss of dense decoders to
L = E + A / N^alpha + B / D^beta for N parameters and D tokens (approach 3). Its published constants contradict its
other two approaches; those here are the refit of Besiroglu et al. 2024 ("Chinchilla Scaling: A replication attempt",
arXiv:2404.10102), which agree with them: about 20 tokens a parameter.
"""

from __future__ import annotations

E, A, B, ALPHA, BETA = 1.8172, 482.01, 2085.43, 0.3478, 0.3658
#: Arithmetic of a parameter and token: 2 forward, 4 backward (Kaplan et al. 2020); attention apart.
FLOPS_EACH = 6.0


def loss(parameters: float, tokens: float) -> float:
    """Expected cross-entropy in nats a token, on the text that Hoffmann et al. trained on."""
    return E + A / parameters**ALPHA + B / tokens**BETA


def optimal(flops: float) -> tuple[float, float]:
    """Parameters and tokens with the least loss for ``flops`` of training."""
    ratio = (ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA))
    parameters = ratio * (flops / FLOPS_EACH) ** (BETA / (ALPHA + BETA))
    return parameters, flops / FLOPS_EACH / parameters
