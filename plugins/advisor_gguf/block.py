"""The tensors of one block, taken one after the other; what nobody takes is counted all the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from advisor.operators import Operator
from advisor_gguf.metadata import Metadata
from advisor_tensors import Tensor, packed_product, product, vectors


@dataclass
class Block:
    """Tensors by role, such as ``attn_q.weight``; ``index`` is the block's number, -1 outside all blocks."""

    index: int
    metadata: Metadata
    tensors: dict[str, Tensor]
    causal: bool = True
    notes: list[str] = field(default_factory=list)

    def __contains__(self, role: str) -> bool:
        return any(f"{role}{suffix}" in self.tensors for suffix in (".weight", ""))

    def take(self, role: str) -> Tensor | None:
        """Take a tensor away: ``role.weight``, or ``role`` as it is."""
        return self.tensors.pop(f"{role}.weight", None) or self.tensors.pop(role, None)

    def weights(self, *roles: str) -> list[Tensor]:
        """Take the weights of those roles that are there."""
        return [tensor for tensor in map(self.take, roles) if tensor is not None]

    def biases(self, *roles: str) -> list[Tensor]:
        """Take the biases of those roles that are there."""
        return self.weights(*(f"{role}.bias" for role in roles))

    def whole(self, key: str, fallback: int = 0) -> int:
        """A number of the metadata, for this block."""
        return self.metadata.whole(key, fallback, max(self.index, 0))

    def norm(self, name: str, *roles: str) -> list[Operator]:
        """A norm fused with the residual addition, from the first role that is there."""
        role = next((role for role in roles if role in self), None)
        if role is None:
            return []
        tensors = self.weights(role) + self.biases(role)
        width = tensors[0].values
        return vectors(name, tensors, elements=4 * width, saved_elements=width)

    def rest(self) -> list[Operator]:
        """Products of the matrices that are left, element-wise operators of the vectors."""
        answer: list[Operator] = []
        count, each = self.whole("expert_count"), self.whole("expert_used_count")
        for role, tensor in sorted(self.tensors.items()):
            name = role.removesuffix(".weight")
            extents = [extent for extent in tensor.shape if extent > 1]
            if len(extents) == 3 and count and tensor.shape[2] == count and role.endswith(".weight"):
                answer += packed_product(name, [tensor], experts=count, each=each or count, inputs=tensor.shape[0])
            elif len(extents) >= 2 and role.endswith(".weight") and "norm" not in role:
                answer += product(name, [tensor], inputs=tensor.shape[0], saved=tensor.shape[0])
            else:
                answer += vectors(name, [tensor])
        self.tensors.clear()
        return answer
