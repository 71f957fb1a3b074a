r"""Two layers with biases, $f(x) = W_2 \sigma(W_1 x + b_1) + b_2$ [chen2024, Eqs. 2.1-2.7].

Shapes, the same for all functions: `W1` `[*batch, K, d]`, `b1` `[*batch, K]`, `W2` `[*batch, m,
K]`, `b2` `[*batch, m]`, inputs `X` `[*batch, d, n]` as columns. Batch dimensions broadcast.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
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


def linear_start(
    d: int, K: int, m: int, generator: torch.Generator, *, dtype: torch.dtype = torch.float64
) -> Network:
    r"""One random start: all entries of a layer uniform on $\pm 1 / \sqrt{\text{inputs}}$.

    The law, and with `float32` the very numbers, of two `torch.nn.Linear` layers made one after
    the other, from the seed of the generator.
    """

    def draw(*shape: int, inputs: int) -> Tensor:
        end = 1 / math.sqrt(inputs)
        return torch.empty(shape, dtype=dtype).uniform_(-end, end, generator=generator)

    return Network(draw(K, d, inputs=d), draw(K, inputs=d), draw(m, K, inputs=K), draw(m, inputs=K))


def stack(networks: Iterable[Network]) -> Network:
    """Networks of the same shape as one batch."""
    return Network(*map(torch.stack, zip(*networks, strict=True)))


class Training(NamedTuple):
    """What gradient descent did: the last networks, and for each the first and last cost."""

    network: Network
    first: Float[Tensor, " B"]
    last: Float[Tensor, " B"]
    epochs: Int[Tensor, " B"]


def mean_square_gradient(
    network: Network, X: Float[Tensor, "*#batch d n"], targets: Float[Tensor, "*#batch m n"]
) -> tuple[Float[Tensor, "*batch"], Network]:
    r"""Mean square $\mathcal C^2$ of the errors and its gradient, with $\sigma'(0) = 0$."""
    inner = hidden(network, X)
    errors = network.W2 @ inner + network.b2[..., None] - targets
    upper = errors * (2 / X.shape[-1])
    lower = network.W2.mT @ upper * inner.sign()  # sign() of an activation is the gate
    gradient = Network(lower @ X.mT, lower.sum(-1), upper @ inner.mT, upper.sum(-1))
    return errors.square().sum(dim=-2).mean(dim=-1), gradient


def train(
    network: Network,
    X: Float[Tensor, "d n"],
    targets: Float[Tensor, "m n"],
    *,
    step: float,
    momentum: float,
    max_epochs: int,
    tolerance: float,
    patience: int,
) -> Training:
    r"""Gradient descent with momentum on $\mathcal C^2$, many networks at once [chen2024, Tab. 1].

    Every epoch is one step on the whole sample. A network stops when its mean square has not
    fallen below $1 -$ `tolerance` times its best for `patience` epochs in a row; the others go
    on. The last cost is the one before the last step, as in a loop that computes the loss first.

    Args:
        network: Starts, with one batch dimension of size `B`.
        X: Inputs, shared by all networks.
        targets: Target of each input.
        step: Step size.
        momentum: Factor of the previous step.
        max_epochs: Epochs after which every network stops.
        tolerance: Relative improvement that counts.
        patience: Epochs without improvement before a network stops.

    Raises:
        ValueError: There is no epoch to train.
    """
    if max_epochs < 1 or patience < 1:
        raise ValueError(f"max_epochs {max_epochs} and patience {patience} must be at least 1")
    with torch.inference_mode():  # a fifth faster; clones made outside of it are plain tensors
        found = _train(network, X, targets, step, momentum, max_epochs, tolerance, patience)
    return Training(Network(*(part.clone() for part in found[0])), *(p.clone() for p in found[1:]))


def _train(
    network: Network,
    X: Tensor,
    targets: Tensor,
    step: float,
    momentum: float,
    max_epochs: int,
    tolerance: float,
    patience: int,
) -> Training:
    K, d = network.W1.shape[-2:]
    m, n = targets.shape
    # Both layers of a network as one row, the biases of the first as one more column of its
    # weights, with a row of ones in the inputs: few operations are what makes a batch fast.
    W1 = torch.cat([network.W1, network.b1[..., None]], dim=-1).flatten(-2)
    state = torch.cat([W1, network.W2.flatten(-2), network.b2], dim=-1)
    split, end = K * (d + 1), K * (d + 1) + m * K
    inputs = torch.cat([X, X.new_ones(1, n)])
    B = len(state)
    ended, last = torch.empty_like(state), state.new_empty(B)
    first, epochs = torch.empty_like(last), torch.full((B,), max_epochs)
    left, velocity = torch.arange(B), torch.zeros_like(state)
    best, waited = last.clone(), torch.zeros(B, dtype=torch.long)
    for epoch in range(max_epochs):
        b = len(state)
        inner = (state[:, :split].reshape(b * K, d + 1) @ inputs).relu_().view(b, K, n)
        W2 = state[:, split:end].view(b, m, K)
        errors = torch.baddbmm(state[:, end:, None], W2, inner).sub_(targets)
        square = errors.square().sum(dim=(1, 2)).div_(n)
        lower = (W2.mT @ errors).mul_(inner.sign())
        gradient = torch.cat(
            [
                (lower.view(b * K, n) @ inputs.mT).view(b, split),
                (errors @ inner.mT).view(b, m * K),
                errors.sum(dim=2),
            ],
            dim=1,
        )
        velocity.mul_(momentum).add_(gradient, alpha=2 / n)
        state = state.sub(velocity, alpha=step)
        if epoch == 0:
            first, best = square.sqrt(), square.clone()
        improved = square < best - tolerance * best
        best = torch.where(improved, square, best)
        waited = torch.where(improved, 0, waited + 1)
        stops = waited >= patience
        if epoch == max_epochs - 1:
            stops = torch.ones_like(stops)
        if bool(stops.any()):
            ended[left[stops]], last[left[stops]] = state[stops], square[stops].sqrt()
            epochs[left[stops]] = epoch + 1
            state, velocity, best, waited, left = (
                part[~stops] for part in (state, velocity, best, waited, left)
            )
            if not len(left):
                break
    W1 = ended[:, :split].view(B, K, d + 1)
    W2 = ended[:, split:end].view(B, m, K)
    return Training(Network(W1[..., :-1], W1[..., -1], W2, ended[:, end:]), first, last, epochs)
