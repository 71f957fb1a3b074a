"""One small network, minimised to the end by a quasi-Newton method."""

import math

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize
from torch import Tensor

from shallow_relu.biased_networks import Network, mean_square_gradient


def polish(
    network: Network,
    X: Float[Tensor, "d n"],
    targets: Float[Tensor, "m n"],
    *,
    max_iterations: int = 1000,
) -> Network:
    r"""A network of lower cost, by L-BFGS on $\mathcal C^2$ from a given one.

    It ends where the gradient vanishes, at a kink that the method cannot leave, or after
    `max_iterations`. The cost never rises.

    Args:
        network: The start, in 64 bits, without batch dimensions.
        X: Inputs as columns.
        targets: Target of each input.
        max_iterations: Iterations after which it stops in any case.

    Raises:
        ValueError: The start has another precision.
    """
    if network.W1.dtype != torch.float64:
        raise ValueError(f"polishing needs 64 bits, not {network.W1.dtype}")
    shapes = [part.shape for part in network]
    sizes = [math.prod(shape) for shape in shapes]

    def as_network(flat: np.ndarray) -> Network:
        parts = torch.from_numpy(flat).split(sizes)
        return Network(*(part.view(shape) for part, shape in zip(parts, shapes, strict=True)))

    def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = mean_square_gradient(as_network(flat), X, targets)
        return float(value), torch.cat([part.flatten() for part in gradient]).numpy()

    start = torch.cat([part.flatten() for part in network]).numpy()
    options = {"maxiter": max_iterations, "maxfun": 3 * max_iterations, "ftol": 1e-15, "gtol": 1e-9}
    end = minimize(value_and_gradient, start, jac=True, method="L-BFGS-B", options=options)
    return as_network(end.x)
