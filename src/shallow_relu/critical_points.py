r"""Critical points of the population risk: how to reach them, and how to tell them apart.

Shapes of neurons and output weights are those of `shallow_relu.population`.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from shallow_relu import population

# The damping of a Levenberg step changes by this factor after each trial.
_FACTOR = 4.0
_SMALLEST_DAMPING = 1e-6


def polish(
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "..."] | None = None,
    a_star: Float[Tensor, "..."] | None = None,
    steps: int = 50,
) -> tuple[Float[Tensor, "*batch K d"], Float[Tensor, "*batch"]]:
    r"""Move each student to a critical point nearby, minimum or saddle alike.

    Solves $\nabla R = 0$ by damped Newton steps $-(H^2 + \mu I)^{-1} H \nabla R$. With
    $\mu \propto \|\nabla R\|$ they converge quadratically where the Hessian $H$ is invertible, and
    also onto a manifold of critical points, where $H$ vanishes along the manifold. A step is taken
    only if it reduces $\|\nabla R\|$; otherwise the damping grows. The iteration may stop at a
    point where $H \nabla R = 0$ without being critical: read the gradient norm.

    Args:
        W: Student neurons, none of them zero.
        W_star: Teacher neurons.
        a: Output weights of the student.
        a_star: Output weights of the teacher.
        steps: Number of trial steps.

    Returns:
        The new students and the norms of their gradients.

    Raises:
        ValueError: A student neuron is zero, where the risk has a kink, or output weights do not
            fit.
    """
    if not bool(W.any(dim=-1).all()):
        raise ValueError("a student neuron is zero: the risk has no Hessian there")
    rest = (W_star, a, a_star)
    gradient = population.gradient(W, *rest)
    W = W.expand_as(gradient).clone()
    size = gradient.flatten(-2).shape[-1]
    damping = gradient.new_ones(gradient.shape[:-2])
    for _ in range(steps):
        hessian = population.hessian(W, *rest).reshape(*W.shape[:-2], size, size)
        values, vectors = torch.linalg.eigh(hessian)
        largest = values.abs().amax(dim=-1, keepdim=True)
        # Eigenvalues at the level of rounding point along the manifold: no step there.
        floor = size * torch.finfo(values.dtype).eps * largest
        norm = gradient.flatten(-2).norm(dim=-1)
        mu = damping * largest.squeeze(-1) * norm / W.flatten(-2).norm(dim=-1)
        inverse = torch.where(values.abs() > floor, values / (values.square() + mu[..., None]), 0)
        step = vectors @ (
            inverse[..., None] * (vectors.mT @ gradient.reshape(*W.shape[:-2], -1, 1))
        )
        trial = W - step.reshape(W.shape)
        trial_gradient = population.gradient(trial, *rest)
        better = (trial_gradient.flatten(-2).norm(dim=-1) < norm) & trial.any(dim=-1).all(dim=-1)
        W = torch.where(better[..., None, None], trial, W)
        gradient = torch.where(better[..., None, None], trial_gradient, gradient)
        damping = torch.where(better, damping / _FACTOR, damping * _FACTOR).clamp(
            min=_SMALLEST_DAMPING
        )
    return W, gradient.flatten(-2).norm(dim=-1)


def relative_gradient(
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "..."] | None = None,
    a_star: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*batch"]:
    r"""Norm of the gradient in units of the norms of all neurons together, teacher's included.

    At output weights of size one it does not change when all neurons are scaled together, and a
    value near the unit roundoff cannot be told from zero.

    Args:
        W: Student neurons.
        W_star: Teacher neurons.
        a: Output weights of the student.
        a_star: Output weights of the teacher.
    """
    norm = population.gradient(W, W_star, a, a_star).flatten(-2).norm(dim=-1)
    return norm / (W.norm(dim=-1).sum(dim=-1) + W_star.norm(dim=-1).sum(dim=-1))


def is_critical(
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "..."] | None = None,
    a_star: Float[Tensor, "..."] | None = None,
    tolerance: float = 1e-12,
) -> Bool[Tensor, "*batch"]:
    r"""Whether the `relative_gradient` is at most `tolerance`."""
    return relative_gradient(W, W_star, a, a_star) <= tolerance


def hessian_eigenvalues(
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "..."] | None = None,
    a_star: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*batch K*d"]:
    r"""Eigenvalues of the Hessian of the population risk in the student neurons, ascending.

    Args:
        W: Student neurons, none of them zero.
        W_star: Teacher neurons.
        a: Output weights of the student.
        a_star: Output weights of the teacher.

    Returns:
        The $K d$ eigenvalues of every student in the batch.

    Raises:
        ValueError: A student neuron with output weight is zero: there is no Hessian.
    """
    hessian = population.hessian(W, W_star, a, a_star)
    if bool(hessian.isnan().any()):
        raise ValueError("a student neuron is zero: the risk has no Hessian there")
    return torch.linalg.eigvalsh(hessian.flatten(-4, -3).flatten(-2))


def count_signs(
    eigenvalues: Float[Tensor, "*batch n"], tolerance: float = 1e-9
) -> tuple[Int[Tensor, "*batch"], Int[Tensor, "*batch"], Int[Tensor, "*batch"]]:
    r"""Numbers of negative, zero and positive eigenvalues.

    Args:
        eigenvalues: Eigenvalues of symmetric matrices.
        tolerance: An eigenvalue counts as zero if it is at most this fraction of the largest
            absolute eigenvalue of its matrix.

    Returns:
        The three numbers; the first is the index of a critical point, the second its nullity.
    """
    threshold = tolerance * eigenvalues.abs().amax(dim=-1, keepdim=True)
    negative = (eigenvalues < -threshold).sum(dim=-1)
    positive = (eigenvalues > threshold).sum(dim=-1)
    return negative, eigenvalues.shape[-1] - negative - positive, positive
