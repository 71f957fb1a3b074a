r"""The normal equation of the population risk: its matrices, and the separating functions.

All output weights are 1. With $e_j = w_j / \|w_j\|$, $\theta_{jl} = \angle(w_j, w_l)$ and
$\theta^*_{jk} = \angle(w_j, w^*_k)$, everything here but $Y$ depends on directions alone.

The separating functions $L_{jj'}(e^*)$ are what is left of a teacher direction $e^*$ once the
student's norms are eliminated. They have a meaning that the printed formula hides: let $\rho$ be
$\sigma(e^* \cdot x)$ minus its orthogonal projection, in the mean square under Gaussian inputs, on
the span of the functions $\sigma(e_l \cdot x)$. Then

$$L_{jj'}(e^*) = 2 \pi\, E[1(e_j \cdot x > 0)\, (e_{j'} \cdot x)\, \rho(x)],$$

since $M_r$ is $2 \pi$ times the Gram matrix of these functions.

Shapes: student `W` `[*batch, K, d]`, teacher `W_star` `[*batch, M, d]`, without zero neurons.
Batch dimensions broadcast. Index $j$ of a student neuron comes first, then the direction $j'$ on
which its equation is projected, then the neuron that contributes.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu.kernels import angle, arc_cosine_profile, gated_mean, norm_and_direction


def _angles(U: Float[Tensor, "*#batch K d"], V: Float[Tensor, "*#batch M d"]) -> Tensor:
    """Angles of all pairs, `[*batch, K, M]`."""
    return angle(U[..., :, None, :], V[..., None, :, :])


def _cosines(U: Float[Tensor, "*#batch K d"], V: Float[Tensor, "*#batch M d"]) -> Tensor:
    """Scalar products of the directions of all pairs, `[*batch, K, M]`."""
    return norm_and_direction(U)[1] @ norm_and_direction(V)[1].mT


def normal_equation(
    W: Float[Tensor, "*#batch K d"], W_star: Float[Tensor, "*#batch M d"]
) -> tuple[Float[Tensor, "*batch K K"], Float[Tensor, "*batch K M"]]:
    r"""Matrices $Y$ and $B^*$ of the normal equation $Y E^T = B^* W^{*T}$ [tian2017, Eq. 9].

    $Y = \operatorname{diag}(\sum_l \sin\theta_{jl} \|w_l\| - \sum_k \sin\theta^*_{jk} \|w^*_k\|)
    + [(\pi - \theta_{jl}) \|w_l\|]_{jl}$ and $B^* = [\pi - \theta^*_{jk}]$. The rows of $E^T$ are
    the directions $e_l$, those of $W^{*T}$ the teacher neurons. Left minus right is $2 \pi$ times
    the gradient of the population risk, a critical point or not.

    Args:
        W: Student neurons.
        W_star: Teacher neurons.

    Returns:
        $Y$ and $B^*$.
    """
    norms, norms_star = W.norm(dim=-1), W_star.norm(dim=-1)
    theta, theta_star = _angles(W, W), _angles(W, W_star)
    asymmetry = torch.sin(theta) @ norms[..., None] - torch.sin(theta_star) @ norms_star[..., None]
    Y = torch.diag_embed(asymmetry.squeeze(-1)) + (math.pi - theta) * norms[..., None, :]
    return Y, math.pi - theta_star


def projected_matrix(
    W: Float[Tensor, "*#batch K d"], V: Float[Tensor, "*#batch M d"]
) -> Float[Tensor, "*batch K K M"]:
    r"""Contribution of unit neurons to the projected normal equation [tian2017, Eq. 11 and 12].

    Entry $(j, j', k)$ is $(\pi - \angle(w_j, v_k)) \cos\angle(w_{j'}, v_k)
    + \sin\angle(w_j, v_k) \cos\theta_{jj'}$. It is $M$ when the $v_k$ are the student's own neurons
    and $M^*$ when they are the teacher's; at a critical point
    $M \bar w = M^* \bar w^*$ for the vectors $\bar w$ and $\bar w^*$ of norms.

    Args:
        W: Student neurons, of which only the directions count.
        V: Neurons that contribute, of which only the directions count.

    Returns:
        The entries.
    """
    theta, cosine = _angles(W, V), _cosines(W, V)
    turned = torch.sin(theta)[..., :, None, :] * _cosines(W, W)[..., None]
    return (math.pi - theta)[..., :, None, :] * cosine[..., None, :, :] + turned


def reduced_matrix(
    W: Float[Tensor, "*#batch K d"], V: Float[Tensor, "*#batch M d"]
) -> Float[Tensor, "*batch K M"]:
    r"""Matrix $[h(\angle(w_j, v_k))]$ of the equations with $j = j'$ [tian2017, Eq. 13].

    It is $M_r$ when the $v_k$ are the student's neurons, and $M_r^*$ when they are the teacher's.
    $M_r$ is positive semidefinite. It is singular exactly if the functions
    $\sigma(e_l \cdot x)$ are linearly dependent: two directions coincide, or there are antipodal
    pairs with linearly dependent axes, such as three such pairs in a plane.

    Args:
        W: Student neurons, of which only the directions count.
        V: Neurons that contribute, of which only the directions count.
    """
    return arc_cosine_profile(_angles(W, V))


def eliminated_norms(
    W: Float[Tensor, "*#batch K d"], V: Float[Tensor, "*#batch M d"]
) -> Float[Tensor, "*batch K M"]:
    r"""Norms that solve $M_r \bar w = M_r^* \bar w^*$ for one unit neuron $v_k$ at a time.

    Column $k$ has the coefficients of the projection of $\sigma(\hat v_k \cdot x)$ on the span of
    the $\sigma(e_l \cdot x)$. Where $M_r$ is singular it is the solution of least norm; eigenvalues
    of $M_r$ below $10 K$ units of roundoff relative to the largest count as zero.

    Args:
        W: Student neurons, of which only the directions count.
        V: Neurons that contribute, of which only the directions count.
    """
    own = reduced_matrix(W, W)
    cutoff = 10 * own.shape[-1] * torch.finfo(own.dtype).eps
    return torch.linalg.pinv(own, hermitian=True, rtol=cutoff) @ reduced_matrix(W, V)


def separating_functions(
    W: Float[Tensor, "*#batch K d"], V: Float[Tensor, "*#batch M d"]
) -> Float[Tensor, "*batch K K M"]:
    r"""Separating functions $L_{jj'}(e^*)$ for all pairs and several $e^*$ [tian2017, Eq. 14].

    Entry $(j, j', k)$ is $M^*_{jj',k} - \sum_l M_{jj',l} (M_r^{-1} M_r^*)_{lk}$, where the $v_k$
    take the part of the teacher. At a critical point
    $\sum_k \|w^*_k\| L_{jj'}(w^*_k / \|w^*_k\|) = 0$ for all pairs.

    Where $M_r$ is singular, the pseudo-inverse takes the place of $M_r^{-1}$, and what is said
    above remains true: a null vector of $M_r$ is a linear relation between the functions
    $\sigma(e_l \cdot x)$, which no expectation sees. The functions jump where two directions merge.
    The absolute error is a few units of roundoff times the condition number of $M_r$.

    Args:
        W: Student neurons, of which only the directions count.
        V: Directions $e^*$, of any length.

    Returns:
        The values; those with $j = j'$ are 0 up to rounding.
    """
    return projected_matrix(W, V) - projected_matrix(W, W) @ eliminated_norms(W, V)[..., None, :, :]


def one_signed_margin(L: Float[Tensor, "*batch K K M"]) -> Float[Tensor, "*batch"]:
    r"""How clearly some pair $(j, j')$, $j \ne j'$, has one sign at all teacher directions.

    Args:
        L: Separating functions at the directions of all teacher neurons.

    Returns:
        The largest over the pairs of $\max(\min_k L_{jj'}, -\max_k L_{jj'})$. If it is positive,
        the student is not critical, whatever the norms [tian2017, Thm 3]. For one neuron there is
        no pair, and the result is $-\infty$.
    """
    margin = torch.maximum(L.amin(dim=-1), -L.amax(dim=-1))
    own = torch.eye(L.shape[-2], dtype=torch.bool, device=L.device)
    return margin.masked_fill(own, -math.inf).amax(dim=(-2, -1))


def smallest_gradient(
    W: Float[Tensor, "*#batch K d"], W_star: Float[Tensor, "*#batch M d"]
) -> Float[Tensor, "*batch"]:
    r"""Smallest norm of the gradient of the risk over all norms of the student's neurons.

    The gradient is linear in the norms, so this is a least-squares problem. Negative norms are
    admitted: the result is a lower bound for all students with these directions.

    Args:
        W: Student neurons with linearly independent functions $\sigma(w_j \cdot x)$; only their
            directions count.
        W_star: Teacher neurons.
    """
    E = norm_and_direction(W)[1]
    columns = gated_mean(E[..., :, None, :], E[..., None, :, :]).mT.flatten(-3, -2)
    target = gated_mean(E[..., :, None, :], W_star[..., None, :, :]).sum(dim=-2).flatten(-2)
    columns = columns.expand(*target.shape[:-1], -1, -1)
    norms = torch.linalg.lstsq(columns, target[..., None]).solution
    return (columns @ norms - target[..., None]).flatten(-2).norm(dim=-1)


def functional_norms(W: Float[Tensor, "*batch K d"]) -> Float[Tensor, "*batch K K"]:
    r"""Norms of the linear functionals of the gradient behind the separating functions.

    The functional of a pair is the projection of row $j$ of the gradient on $e_{j'}$ minus those
    multiples of the projections of all rows on themselves that free it from the student's norms.
    Its value is $-\sum_k \|w^*_k\| L_{jj'}(w^*_k / \|w^*_k\|) / (2 \pi)$, whatever these norms are.
    So the size of that value, over the norm given here, is a lower bound for the gradient.

    Args:
        W: Student neurons as for `smallest_gradient`.

    Returns:
        The norms, `[*batch, K, K]`; 0 for $j = j'$ up to rounding.
    """
    E = norm_and_direction(W)[1]
    own = projected_matrix(W, W)
    multiples = torch.linalg.solve(reduced_matrix(W, W), own.flatten(-3, -2).mT).mT
    multiples = multiples.reshape(own.shape)
    functional = -multiples[..., None] * E[..., None, None, :, :]
    functional = functional.movedim(-2, -4).clone()
    index = torch.arange(W.shape[-2], device=W.device)
    functional[..., index, index, :, :] += E[..., None, :, :]
    return functional.square().sum(dim=(-4, -1)).sqrt()
