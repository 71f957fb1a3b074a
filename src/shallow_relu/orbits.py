r"""Rotations that fix the teacher, and the orbits of students under them.

Gaussian inputs are rotation-invariant, so a rotation of $R^d$ that fixes every teacher neuron maps
students to students of the same risk, and critical points to critical points [tian2017, Thm 2].
With $m$ the dimension of the orthogonal complement of $\Pi^*$, the span of the teacher, these are
the rotations of $R^m$. If the parts of the student's neurons in the complement span $q$
dimensions, the orbit of the student is a smooth manifold of dimension $q m - q (q + 1) / 2$ (a
Stiefel manifold), which is at least $m - 1$ when $q \ge 1$.

Shapes: student `W` `[*batch, K, d]` and teacher `W_star` `[*batch, M, d]`; batch dimensions
broadcast.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def complement(W_star: Float[Tensor, "*batch M d"]) -> Float[Tensor, "*batch m d"]:
    r"""Orthonormal basis of the orthogonal complement of $\Pi^*$, as rows.

    Args:
        W_star: Teacher neurons.

    Raises:
        ValueError: The teachers of the batch do not all span the same number of dimensions.
    """
    rank = torch.linalg.matrix_rank(W_star)
    if bool((rank != rank.flatten()[0]).any()):
        raise ValueError("the teachers of one batch must span equally many dimensions")
    return torch.linalg.svd(W_star).Vh[..., int(rank.flatten()[0]) :, :]


def off_plane(
    W: Float[Tensor, "*#batch K d"], W_star: Float[Tensor, "*#batch M d"]
) -> Float[Tensor, "*batch K m"]:
    r"""Coordinates of the student's neurons in the complement of $\Pi^*$; zero if in-plane."""
    return W @ complement(W_star).mT


def off_plane_rank(
    W: Float[Tensor, "*#batch K d"], W_star: Float[Tensor, "*#batch M d"], tolerance: float = 1e-6
) -> Int[Tensor, "*batch"]:
    r"""Dimension $q$ of the span of the off-plane parts.

    Args:
        W: Student neurons.
        W_star: Teacher neurons.
        tolerance: Singular values up to this fraction of the student's norm count as zero.
    """
    values = torch.linalg.svdvals(off_plane(W, W_star))
    return (values > tolerance * W.flatten(-2).norm(dim=-1)[..., None]).sum(dim=-1)


def random_rotation(
    W_star: Float[Tensor, "*batch M d"], generator: torch.Generator
) -> Float[Tensor, "*batch d d"]:
    r"""A uniformly random rotation that fixes every teacher neuron.

    Neurons are rows, so `W @ Q` rotates the student; `W_star @ Q` is `W_star`. The determinant is
    1: the rotation can be reached from the identity without leaving this group.

    Args:
        W_star: Teacher neurons.
        generator: Source of randomness, on the CPU.
    """
    C = complement(W_star)
    m = C.shape[-2]
    draws = torch.randn(*C.shape[:-1], m, generator=generator, dtype=C.dtype).to(C.device)
    Q, R = torch.linalg.qr(draws)
    # Signs that make the distribution of Q uniform over the orthogonal group, then over rotations.
    Q = Q * torch.sign(R.diagonal(dim1=-2, dim2=-1))[..., None, :]
    if m:
        Q = torch.cat([Q[..., :1] * torch.linalg.det(Q)[..., None, None], Q[..., 1:]], dim=-1)
    identity = torch.eye(C.shape[-1], dtype=C.dtype, device=C.device)
    return identity + C.mT @ (Q - torch.eye(m, dtype=C.dtype, device=C.device)) @ C


def orbit_tangents(
    W: Float[Tensor, "*#batch K d"], W_star: Float[Tensor, "*#batch M d"]
) -> Float[Tensor, "*batch pairs K d"]:
    r"""Velocities of the student under the $m (m - 1) / 2$ plane rotations of the complement.

    They span the tangent space of the orbit, and are linearly dependent unless the off-plane parts
    span it all but one dimension.

    Args:
        W: Student neurons.
        W_star: Teacher neurons.
    """
    C, parts = complement(W_star), off_plane(W, W_star)
    first, second = torch.triu_indices(C.shape[-2], C.shape[-2], offset=1, device=W.device)
    turned = parts[..., :, first, None] * C[..., None, second, :]
    back = parts[..., :, second, None] * C[..., None, first, :]
    return (turned - back).movedim(-2, -3)


def orbit_dimension(
    W: Float[Tensor, "*#batch K d"], W_star: Float[Tensor, "*#batch M d"], tolerance: float = 1e-6
) -> Int[Tensor, "*batch"]:
    r"""Dimension of the orbit: the rank of its tangents.

    Args:
        W: Student neurons.
        W_star: Teacher neurons.
        tolerance: Singular values up to this fraction of the student's norm count as zero.
    """
    tangents = orbit_tangents(W, W_star).flatten(-2)
    if tangents.shape[-2] == 0:
        return torch.zeros(tangents.shape[:-2], dtype=torch.int64, device=W.device)
    values = torch.linalg.svdvals(tangents)
    return (values > tolerance * W.flatten(-2).norm(dim=-1)[..., None]).sum(dim=-1)


def stiefel_dimension(q: Int[Tensor, "*batch"], m: int) -> Int[Tensor, "*batch"]:
    r"""Dimension $q m - q (q + 1) / 2$ of the orbit of $q$ independent vectors in $R^m$."""
    return q * m - q * (q + 1) // 2
