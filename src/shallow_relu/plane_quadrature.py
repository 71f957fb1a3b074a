"""Gaussian means in the plane, integrated over the angle of the input."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def mean_in_the_plane(
    function: Callable[[Float[Tensor, "n 2"]], Float[Tensor, " n"]],
    W: Float[Tensor, "K 2"],
    *,
    n_nodes: int = 20,
) -> Float[Tensor, ""]:
    r"""Mean of a homogeneous function of degree 2 over $x \sim N(0, I_2)$.

    The radius contributes $E \|x\|^2 = 2$. Over the angle, Gauss-Legendre rules are used between
    the directions orthogonal to the rows of `W`, where gates open and close. Exact to rounding for
    squares of networks with these neurons.

    Args:
        function: What to average; smooth between the kinks.
        W: Neurons that set the kinks, not zero.
        n_nodes: Nodes between two kinks.
    """
    kinks = torch.atan2(W[:, 0], -W[:, 1])
    ends = torch.cat([kinks, kinks + math.pi]) % (2 * math.pi)
    ends = [0.0, *ends.sort().values.tolist(), 2 * math.pi]
    nodes, weights = (torch.as_tensor(v) for v in np.polynomial.legendre.leggauss(n_nodes))
    total = W.new_zeros(())
    for low, high in itertools.pairwise(ends):
        angles = (low + (high - low) * (nodes + 1) / 2).to(W)
        values = function(torch.stack([angles.cos(), angles.sin()], dim=-1))
        total = total + (high - low) / 2 * (weights.to(W) * values).sum()
    return total / math.pi
