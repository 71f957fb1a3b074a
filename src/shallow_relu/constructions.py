r"""Networks written down rather than trained, for clustered data [chen2024, Secs. 1, 3 and 5].

The network of Theorem 3.1 turns the span of the class means into coordinate axes, lifts the data
there above all kinks, cuts the other coordinates off, and sends each class mean to its label.
Beside it: what linear and affine maps reach, and a network of cost zero for classes that are well
apart.

Shapes, the same for all functions: inputs `X` `[*batch, d, n]` as columns, class after class,
labels `Y` `[*#batch, m, Q]`, class `sizes` as in `clustered`. Batch dimensions broadcast.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu.biased_networks import Network
from shallow_relu.clustered import (
    class_means,
    cost,
    deviations,
    means_pseudoinverse,
    noise_to_signal,
    relative_deviations,
    repeat_columns,
)


def constructed_network(
    X: Float[Tensor, "*batch d n"],
    Y: Float[Tensor, "*#batch Q Q"],
    sizes: Sequence[int],
    *,
    shift: float | Tensor | None = None,
) -> Network:
    r"""The network of [chen2024, Thm 3.1, Eqs. 3.11-3.14], with hidden width $d$.

    $W_1 = U$, $W_2 = Y \bar X^+ U^\top$, $b_1 = \varrho P_U u - \delta P_U^\perp u$,
    $b_2 = -\varrho W_2 P_U u$. The first $Q$ rows of $U$ span the class means, so that $P_U$ is
    diagonal.

    Args:
        X: Inputs.
        Y: Labels, an invertible matrix.
        sizes: Class sizes.
        shift: $\varrho$; twice the largest norm of an input if None. From the largest norm on, it
            is large enough.

    Raises:
        ValueError: The class means are linearly dependent (always if $d < Q$), a class is empty,
            the sizes do not fit `X`, or `Y` is not invertible.
    """
    _check_labels(Y)
    means = class_means(X, sizes)
    inverse = means_pseudoinverse(means)
    d, Q = means.shape[-2:]
    U = torch.linalg.svd(means).U.mT
    delta = torch.linalg.vector_norm(deviations(X, sizes), dim=-2).amax(dim=-1)
    if shift is None:
        shift = 2 * torch.linalg.vector_norm(X, dim=-2).amax(dim=-1)
    live = torch.arange(d, device=X.device) < Q
    lift = torch.as_tensor(shift, dtype=X.dtype, device=X.device)[..., None] * live
    W2 = Y @ inverse @ U.mT
    b2 = -(W2 @ lift[..., None]).squeeze(-1)
    return Network(U, lift - delta[..., None] * ~live, W2, b2)


def construction_bound(
    X: Float[Tensor, "*batch d n"], Y: Float[Tensor, "*#batch m Q"], sizes: Sequence[int]
) -> Float[Tensor, "*batch"]:
    r"""$\|Y \bar X^+ \Delta X\|_F / \sqrt n$ [chen2024, Eq. 3.15].

    Raises:
        ValueError: The class means are linearly dependent, a class is empty, or the sizes do not
            fit `X`.
    """
    norm = torch.linalg.matrix_norm(Y @ relative_deviations(X, sizes))
    return norm / math.sqrt(X.shape[-1])


def noise_bound(
    X: Float[Tensor, "*batch d n"], Y: Float[Tensor, "*#batch m Q"], sizes: Sequence[int]
) -> Float[Tensor, "*batch"]:
    r"""$\|Y\|_{op}\, \delta_P$ [chen2024, Eq. 3.16].

    Raises:
        ValueError: As for `construction_bound`.
    """
    return torch.linalg.matrix_norm(Y, ord=2) * noise_to_signal(X, sizes)


def regression(
    X: Float[Tensor, "*#batch d n"], targets: Float[Tensor, "*#batch m n"]
) -> Float[Tensor, "*batch m d"]:
    r"""The linear map $W = Y X^+$ of least $\|W X - Y\|_F$ [chen2024, Eqs. 1.1-1.2]."""
    return targets @ torch.linalg.pinv(X)


def linear_cost(
    X: Float[Tensor, "*batch d n"],
    Y: Float[Tensor, "*#batch m Q"],
    sizes: Sequence[int],
    *,
    bias: bool = False,
) -> Float[Tensor, "*batch"]:
    r"""Least cost $\mathcal C$ of a linear map, or with `bias` of an affine map, of the inputs.

    Raises:
        ValueError: A class is empty, or the sizes do not fit `X`.
    """
    if bias:
        X = torch.cat([X, torch.ones_like(X[..., :1, :])], dim=-2)
    return cost(regression(X, repeat_columns(Y, sizes)) @ X, Y, sizes)


def clamp_threshold(Q: int) -> float:
    r"""Noise-to-signal ratio $\sqrt{3 / (Q (Q^2 - 1))}$ below which `clamp_network` exists.

    Raises:
        ValueError: There are fewer than two classes.
    """
    if Q < 2:
        raise ValueError(f"{Q} classes need no separation")
    return math.sqrt(3 / (Q * (Q * Q - 1)))


def clamp_network(
    X: Float[Tensor, "*batch d n"], Y: Float[Tensor, "*#batch m Q"], sizes: Sequence[int]
) -> Network:
    r"""A network of width $d \ge 2 (Q - 1)$ and cost zero, for classes that are well apart.

    With $t_q = q - (Q + 1) / 2$ the functional $x \mapsto t \cdot \bar X^+ x$ has the value $t_q$
    at class mean $q$ and differs from it by at most $\|t\| \delta_P$ on the class. Where the
    intervals of its values are disjoint, two neurons for each gap make a clamp that rises from 0
    to 1 inside it, and the $Q - 1$ clamps add up to the labels. It exists below `clamp_threshold`,
    and above as long as the intervals are disjoint. Neurons that are not needed are zero.

    Raises:
        ValueError: The intervals overlap, $d < 2 (Q - 1)$, or as for `construction_bound`.
    """
    Q = len(sizes)
    d = X.shape[-2]
    if d < 2 * (Q - 1):
        raise ValueError(f"{Q} classes need {2 * (Q - 1)} neurons, there are {d}")
    t = torch.arange(Q, dtype=X.dtype, device=X.device) - (Q - 1) / 2
    direction = t @ means_pseudoinverse(class_means(X, sizes))
    parts = (direction[..., None, :] @ X).squeeze(-2).split(list(sizes), dim=-1)
    left = torch.stack([part.amax(dim=-1) for part in parts[:-1]], dim=-1)
    right = torch.stack([part.amin(dim=-1) for part in parts[1:]], dim=-1)
    if bool((left >= right).any()):
        raise ValueError("the classes overlap on the line through the class means")
    batch, unused = left.shape[:-1], d - 2 * (Q - 1)
    # Slope 1 / gap in the neuron, so that a clamp rises by 1: rows come in pairs.
    slope = (1 / (right - left)).repeat_interleave(2, dim=-1)
    kinks = torch.stack([left, right], dim=-1).flatten(-2)
    W1 = torch.cat([slope[..., None] * direction[..., None, :], X.new_zeros(*batch, unused, d)], -2)
    b1 = torch.cat([-slope * kinks, X.new_zeros(*batch, unused)], dim=-1)
    rise = (Y[..., 1:] - Y[..., :-1]).repeat_interleave(2, dim=-1)
    signs = torch.tensor([1.0, -1.0], dtype=X.dtype, device=X.device).repeat(Q - 1)
    W2 = torch.cat([rise * signs, Y.new_zeros(*Y.shape[:-1], unused)], dim=-1)
    return Network(W1, b1, W2, Y[..., 0])


def _check_labels(Y: Tensor) -> None:
    values = torch.linalg.svdvals(Y)
    rounding = 10 * Y.shape[-1] * torch.finfo(Y.dtype).eps
    if bool((values[..., -1] <= rounding * values[..., 0]).any()):
        raise ValueError("the matrix of labels is not invertible")
