r"""The truncation map, and the cost with a given first layer [chen2024, Sec. 3.4].

A first layer with invertible $W_1$ acts on the data like the truncation map
$T(x) = W_1^{-1} (\sigma(W_1 x + b_1) - b_1)$ followed by an affine map. It is *rank preserving* if
$T(X)$ and its class means have the ranks of $X$ and $\bar X$. Then the weighted cost that linear
maps of $T(X)$ attain is $\|Y_{ext} (I - \Pi_T)\|_\Lambda$, with $\Pi_T$ made from $T(X)$; a free
output bias attains less.

Shapes as in `shallow_relu.clustered` and `shallow_relu.biased_networks`.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from shallow_relu.biased_networks import Network
from shallow_relu.clustered import class_means, repeat_columns, size_of_class
from shallow_relu.weighted_minimum import least_squares_cost, numerical_rank


def truncate(
    W1: Float[Tensor, "*#batch d d"],
    b1: Float[Tensor, "*#batch d"],
    X: Float[Tensor, "*#batch d n"],
) -> Float[Tensor, "*batch d n"]:
    r"""Truncated inputs $T(X)$ [chen2024, Def. 3.4, Eq. 3.42].

    Raises:
        ValueError: `W1` is singular up to rounding.
    """
    if bool((numerical_rank(W1) < W1.shape[-1]).any()):
        raise ValueError("the truncation map needs an invertible first layer")
    return torch.linalg.solve(W1, features(W1, b1, X))


def features(
    W1: Float[Tensor, "*#batch K d"],
    b1: Float[Tensor, "*#batch K"],
    X: Float[Tensor, "*#batch d n"],
) -> Float[Tensor, "*batch K n"]:
    r"""The functions $\sigma(w_k \cdot x + b_k) - b_k = \max(w_k \cdot x, -b_k)$ on the inputs.

    Linear maps of $T(X)$ are linear maps of these, whether or not `W1` can be inverted.
    """
    return torch.maximum(W1 @ X, -b1[..., None])


def is_rank_preserving(
    W1: Float[Tensor, "*#batch d d"],
    b1: Float[Tensor, "*#batch d"],
    X: Float[Tensor, "*#batch d n"],
    sizes: Sequence[int],
) -> Bool[Tensor, "*batch"]:
    r"""Whether $T(X)$ and its class means have the ranks of $X$ and $\bar X$ [chen2024, Eq. 3.43].

    Raises:
        ValueError: A class is empty or `W1` is singular.
    """
    truncated = truncate(W1, b1, X)
    same = numerical_rank(truncated) == numerical_rank(X)
    means, own = class_means(truncated, sizes), class_means(X, sizes)
    return same & (numerical_rank(means) == numerical_rank(own))


def step_network(
    direction: Float[Tensor, "*batch d"],
    low: Float[Tensor, "*batch"],
    high: Float[Tensor, "*batch"],
    Y: Float[Tensor, "*#batch m 2"],
) -> Network:
    r"""Output $y_1$ where $v \cdot x$ is at least `high` and $y_2$ where it is at most `low`.

    Two neurons have the direction $v$, so that $W_1$ has rank one; in between the output is linear
    in $v \cdot x$. Further neurons are zero, for the width $d$.

    Args:
        direction: The vector $v$.
        low: Where the ramp begins.
        high: Where it ends; larger than `low`.
        Y: The two labels as columns.

    Raises:
        ValueError: The ramp is not rising, or $d < 2$.
    """
    d = direction.shape[-1]
    if d < 2 or bool((high <= low).any()):
        raise ValueError("a step needs two dimensions and low < high")
    width = (high - low)[..., None]
    row = direction / width
    W1 = torch.stack([row, row] + [torch.zeros_like(row)] * (d - 2), dim=-2)
    start = torch.stack([low, high] + [torch.zeros_like(low)] * (d - 2), dim=-1)
    rise = Y[..., 0] - Y[..., 1]
    W2 = torch.stack([rise, -rise] + [torch.zeros_like(rise)] * (d - 2), dim=-1)
    return Network(W1, -start / width, W2, Y[..., 1].expand_as(rise))


def descend_linear_cost(
    X: Float[Tensor, "d n"],
    Y: Float[Tensor, "m Q"],
    sizes: Sequence[int],
    *,
    starts: int,
    steps: int,
    generator: torch.Generator,
) -> Float[Tensor, "starts"]:
    r"""Lowest $\|Y_{ext} (I - \Pi_T)\|_\Lambda$ met by descent in $(W_1, b_1)$ from random starts.

    Adam on the squared cost, looked at in every tenth step. There is no minimiser in general: the
    cost can fall for ever slower as two neurons approach each other, so that what is found is an
    upper bound of the infimum.

    Args:
        X: Inputs as columns, class after class.
        Y: Labels as columns.
        sizes: Class sizes.
        starts: Number of random first layers; each neuron has its kink at a random input.
        steps: Number of steps.
        generator: Source of randomness, on the CPU.

    Raises:
        ValueError: A class is empty.
    """
    d, n = X.shape
    W1 = torch.randn(starts, d, d, generator=generator, dtype=X.dtype)
    at = torch.randint(n, (starts, d), generator=generator)
    b1 = -torch.einsum("skd,dsk->sk", W1, X[:, at])
    W1, b1 = W1.requires_grad_(), b1.requires_grad_()
    weights = 1 / size_of_class(sizes).to(X)
    labels = repeat_columns(Y, sizes)
    optimiser = torch.optim.Adam([W1, b1], lr=0.03)
    lowest = torch.full((starts,), math.inf, dtype=X.dtype)
    for step in range(steps):
        F = features(W1, b1, X)
        gram = (F * weights) @ F.mT
        eye = torch.eye(d, dtype=X.dtype)
        gram = gram + 1e-12 * gram.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None] * eye
        moment = (labels * weights) @ F.mT
        explained = (torch.linalg.solve(gram, moment.mT).mT * moment).sum((-2, -1))
        cost = (labels.square() * weights).sum() - explained
        if step % 10 == 0 or step == steps - 1:
            F = F.detach()
            exact = least_squares_cost(F, Y, sizes, bias=False)
            kept = (numerical_rank(F) == d) & (numerical_rank(class_means(F, sizes)) == d)
            lowest = torch.where(kept, lowest.minimum(exact), lowest)
        optimiser.zero_grad()
        cost.sum().backward()
        optimiser.step()
    return lowest
