r"""Spectrum of the Jacobian of a network in its parameters, near single-index solutions.

The eigenvalues of `both_layers.tangent_matrix` are squared singular values of the population
Jacobian. For a network whose neurons all lie on the line of $w^*$ they are known: with
$A_\pm = \sum_\pm a_j^2$ and $B_\pm = \sum_\pm \|w_j\|^2$ over the neurons along $\pm w^*$,

$$\tfrac12 (A_\pm + B_\pm)\ \text{once, for the function } \sigma(\pm w^* \cdot x), \qquad
\tfrac12 A_\pm\ (d - 1 \text{ times, for } 1(\pm w^* \cdot x > 0)\, x_\perp),$$

and zero otherwise. The factor $K^{-1/2}$ of [lightman2026] in front of the network multiplies the
Jacobian's entries by one common factor, and the ratios are the same.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu.both_layers import tangent_matrix
from shallow_relu.kernels import arc_cosine_0, arc_cosine_1, gated_mean


def aligned_levels(
    W: Float[Tensor, "*batch K d"], a: Float[Tensor, "*batch K"], w_star: Float[Tensor, "d"]
) -> tuple[Float[Tensor, "*batch 2"], Float[Tensor, "*batch 2"]]:
    """The two levels of each side of an aligned network, side of `w_star` first.

    Neurons are counted on the side on which they are; how far off the line is not looked at.

    Returns:
        The signal levels, each an eigenvalue once, and the noise levels, each `d - 1` times.
    """
    along = W @ w_star
    sides = torch.stack([along > 0, along < 0], dim=-2).to(W.dtype)
    outer = (sides @ a.square()[..., None]).squeeze(-1)
    inner = (sides @ W.square().sum(dim=-1)[..., None]).squeeze(-1)
    return (outer + inner) / 2, outer / 2


def level_spectrum(
    signal: Float[Tensor, "*batch 2"], noise: Float[Tensor, "*batch 2"], d: int
) -> Float[Tensor, "*batch n"]:
    """The `2 d` eigenvalues that the levels stand for, descending."""
    return torch.cat([signal, noise.repeat_interleave(d - 1, dim=-1)], dim=-1).sort(
        dim=-1, descending=True
    )[0]


def spectrum(
    W: Float[Tensor, "*batch K d"], a: Float[Tensor, "*batch K"]
) -> Float[Tensor, "*batch K*(d+1)"]:
    """Squared singular values of the population Jacobian, descending."""
    return torch.linalg.eigvalsh(tangent_matrix(W, a)).flip(-1)


def participation_ratio(eigenvalues: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    r"""Effective number of eigenvalues, $(\sum \lambda)^2 / \sum \lambda^2$."""
    return eigenvalues.sum(dim=-1).square() / eigenvalues.square().sum(dim=-1)


def overlaps(
    W: Float[Tensor, "K d"], a: Float[Tensor, "K"], direction: Float[Tensor, "d"], count: int
) -> Float[Tensor, " count"]:
    r"""Squared cosines between the first eigenfunctions and the ReLU of a unit vector.

    An eigenvector $v$ belongs to the function $v \cdot \nabla f(x)$ of the input, of squared norm
    $\lambda$; the ReLU has the squared norm one half.

    Args:
        W: Neurons.
        a: Output weights.
        direction: Unit vector of the ReLU.
        count: How many eigenfunctions, from the largest eigenvalue on.
    """
    values, vectors = torch.linalg.eigh(tangent_matrix(W, a))
    with_neurons = a[:, None] * gated_mean(W, direction)
    products = torch.cat([with_neurons, arc_cosine_1(W, direction)[:, None]], dim=1).flatten()
    cosines = (vectors.T @ products).square() / (values / 2)
    return cosines.flip(0)[:count]


def input_gradient_covariance(
    W: Float[Tensor, "*batch K d"], a: Float[Tensor, "*batch K"]
) -> Float[Tensor, "*batch d d"]:
    r"""$E[\nabla_x f\, \nabla_x f^T] = \sum_{jl} a_j a_l P(w_j, w_l \text{ open})\, w_j w_l^T$."""
    both = arc_cosine_0(W[..., :, None, :], W[..., None, :, :])
    scaled = a[..., None] * W
    return scaled.mT @ both @ scaled


def jacobian(
    W: Float[Tensor, "K d"], a: Float[Tensor, "K"], X: Float[Tensor, "n d"]
) -> Float[Tensor, "n K*(d+1)"]:
    r"""Jacobian of the outputs at `n` inputs (rows), over $\sqrt n$."""
    pre = X @ W.T
    in_neurons = (a * (pre > 0))[..., None] * X[:, None, :]
    rows = torch.cat([in_neurons, pre.relu()[..., None]], dim=-1).flatten(1)
    return rows / math.sqrt(len(X))
