r"""Two layers with biases, $f(x) = W_2 \sigma(W_1 x + b_1) + b_2$ [chen2024, Eqs. 2.1-2.7].

Shapes, the same for all functions: `W1` `[*batch, K, d]`, `b1` `[*batch, K]`, `W2` `[*batch, m,
K]`, `b2` `[*batch, m]`, inputs `X` `[*batch, d, n]` as columns. Batch dimensions broadcast.
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor


class Network(NamedTuple):
    """Weights and biases of both layers."""

    W1: Float[Tensor, "*#batch K d"]
    b1: Float[Tensor, "*#batch K"]
    W2: Float[Tensor, "*#batch m K"]
    b2: Float[Tensor, "*#batch m"]


def hidden(network: Network, X: Float[Tensor, "*#batch d n"]) -> Float[Tensor, "*#batch K n"]:
    r"""The hidden layer $\sigma(W_1 X + b_1 u^\top)$ [chen2024, Eq. 2.6]."""
    return (network.W1 @ X + network.b1[..., None]).relu()


def outputs(network: Network, X: Float[Tensor, "*#batch d n"]) -> Float[Tensor, "*#batch m n"]:
    """Outputs at all inputs [chen2024, Eq. 2.7]."""
    return network.W2 @ hidden(network, X) + network.b2[..., None]
