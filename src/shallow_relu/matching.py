r"""How far a student is from its teacher, neuron by neuron and up to the order of the neurons."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor


@dataclass(frozen=True)
class Match:
    """Students compared with their teacher.

    Attributes:
        in_order: Distance to the teacher, neuron $j$ to neuron $j$.
        distance: The smallest distance over all orders of the teacher's neurons.
        permutation: That order: student neuron $j$ goes with teacher neuron `permutation[j]`.
    """

    in_order: Float[Tensor, " B"]
    distance: Float[Tensor, " B"]
    permutation: Int[Tensor, "B K"]


def match_teacher(
    W: Float[Tensor, "B K d"],
    W_star: Float[Tensor, "*#batch K d"],
    a: Float[Tensor, "*#batch K"] | None = None,
    a_star: Float[Tensor, "*#batch K"] | None = None,
) -> Match:
    r"""Distances between the neurons of students and teacher.

    With output weights a neuron computes $a\,\sigma(w \cdot x)$, which depends on the sign of $a$
    and on $|a| w$. The vectors $|a| w$ are compared then, and a pair of opposite signs adds
    $(\|a w\| + \|a^* w^*\|)^2$ to the squared distance, so that it never counts as equal.

    Args:
        W: Student neurons.
        W_star: Teacher neurons, as many; one teacher for all, or one each.
        a: Output weights of the students; ones by default.
        a_star: Output weights of the teacher; ones by default.
    """
    ones = W.new_ones(W.shape[:2])
    a, a_star = (ones if given is None else given.expand_as(ones) for given in (a, a_star))
    first, second = a.abs()[..., None] * W, a_star.abs()[..., None] * W_star
    cost = (first[:, :, None] - second[:, None]).square().sum(dim=-1)
    sizes = first.norm(dim=-1)[:, :, None] + second.norm(dim=-1)[:, None]
    cost = cost + torch.where(a[:, :, None] * a_star[:, None] < 0, sizes.square(), 0)
    orders = [torch.as_tensor(linear_sum_assignment(matrix)[1]) for matrix in cost.cpu().numpy()]
    permutation = torch.stack(orders).to(W.device) if orders else W.new_zeros(0, W.shape[1]).long()
    best = cost.gather(2, permutation[..., None]).squeeze(-1).sum(dim=-1)
    in_order = cost.diagonal(dim1=1, dim2=2).sum(dim=-1)
    return Match(in_order.sqrt(), best.sqrt(), permutation)
