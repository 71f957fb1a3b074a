r"""Estimates of the population gating function from samples, and their exact errors."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from scipy.integrate import quad
from torch import Tensor

_BLOCK = 1 << 14  # inputs drawn at a time
_ROWS = 1 << 10  # inputs looked at together: what they make stays in the cache


def unit_pairs(
    theta: Float[Tensor, " pairs"], d: int, generator: torch.Generator
) -> tuple[Float[Tensor, "pairs d"], Float[Tensor, "pairs d"]]:
    r"""Pairs of unit vectors at given angles, each in a uniformly random plane of $R^d$.

    Args:
        theta: The angles, in radians.
        d: Dimension, at least 2.
        generator: Source of randomness, on the CPU.

    Raises:
        ValueError: `d` is below 2.
    """
    if d < 2:
        raise ValueError(f"two directions at an angle need d >= 2, not {d}")
    spans = torch.randn(len(theta), d, 2, generator=generator, dtype=torch.float64)
    frame = torch.linalg.qr(spans).Q
    # QR alone favours one sign of each column; random signs make the plane's frame uniform.
    signs = torch.randint(0, 2, (len(theta), 1, 2), generator=generator) * 2 - 1
    first, second = (frame * signs).unbind(dim=-1)
    return first, torch.cos(theta)[:, None] * first + torch.sin(theta)[:, None] * second


def gated_mean_estimate(
    e: Float[Tensor, "pairs d"],
    w: Float[Tensor, "pairs d"],
    draw: Callable[[int], Float[Tensor, "block d"]],
    n: int,
) -> tuple[Float[Tensor, "pairs d"], Float[Tensor, "pairs d"]]:
    r"""Sample means of $1(e \cdot x > 0)\, \sigma(w \cdot x)\, x$ and their standard errors.

    All pairs see the same inputs.

    Args:
        e: Gating vectors.
        w: Vectors of the gated neurons.
        draw: Draws so many inputs; called in blocks, so that memory stays bounded.
        n: Number of inputs, at least 2.

    Returns:
        The means and the standard error of every entry.

    Raises:
        ValueError: `n` is below 2.
    """
    if n < 2:
        raise ValueError(f"a standard error needs n >= 2 samples, not {n}")
    total, squares = torch.zeros_like(w), torch.zeros_like(w)
    for start in range(0, n, _BLOCK):
        for x in draw(min(_BLOCK, n - start)).split(_ROWS):
            gated = torch.relu(w @ x.mT) * (e @ x.mT > 0)
            total += gated @ x
            squares += gated.square() @ x.square()
    mean = total / n
    variance = (squares / n - mean.square()).clamp(min=0) * n / (n - 1)
    return mean, torch.sqrt(variance / n)


def share_of_open_gates(theta: float) -> float:
    r"""Probability that the gates of two vectors at angle $\theta$ are both open, numerically.

    The four ends of the two half-circles cut the circle into arcs; the open ones are those whose
    middle lies in both.
    """
    ends = sorted(
        end % (2 * math.pi)
        for centre in (0.0, theta)
        for end in (centre - math.pi / 2, centre + math.pi / 2)
    )
    arcs = zip(ends, [*ends[1:], ends[0] + 2 * math.pi], strict=True)
    open_arc = math.fsum(
        high - low
        for low, high in arcs
        if math.cos((low + high) / 2) > 0 and math.cos((low + high) / 2 - theta) > 0
    )
    return open_arc / (2 * math.pi)


def gated_mean_by_quadrature(theta: float) -> tuple[float, float]:
    r"""Population gating function in the plane of two unit vectors, by numerical integration.

    Polar coordinates with $w = (1, 0)$ and $e = (\cos\theta, \sin\theta)$: the two gates are open
    on a wedge, and $E r^2 = 2$ is integrated numerically too. Shares nothing with the closed form.

    Args:
        theta: Angle between $e$ and $w$, in $[0, \pi]$.

    Returns:
        The two entries of $E[1(e \cdot x > 0)\, \sigma(w \cdot x)\, x]$.
    """
    radial = quad(lambda r: r**3 * math.exp(-(r**2) / 2), 0, math.inf, epsabs=1e-13, epsrel=1e-13)[
        0
    ]
    low, high = theta - math.pi / 2, math.pi / 2
    along = quad(lambda phi: math.cos(phi) ** 2, low, high, epsabs=1e-13, epsrel=1e-13)[0]
    across = quad(lambda phi: math.cos(phi) * math.sin(phi), low, high, epsabs=1e-13, epsrel=1e-13)[
        0
    ]
    return radial * along / (2 * math.pi), radial * across / (2 * math.pi)


def gated_mean_on_sphere(theta: float, radius: float = math.sqrt(3)) -> tuple[float, float]:
    r"""As `gated_mean_by_quadrature`, for inputs uniform on a sphere in $R^3$.

    Integrates over the sphere with its axis orthogonal to the plane of the two vectors. The
    default radius makes $E\, x x^\top = I$.
    """
    polar = quad(lambda s: radius**2 * math.sin(s) ** 3, 0, math.pi, epsabs=1e-13, epsrel=1e-13)[0]
    low, high = theta - math.pi / 2, math.pi / 2
    along = quad(lambda phi: math.cos(phi) ** 2, low, high, epsabs=1e-13, epsrel=1e-13)[0]
    across = quad(lambda phi: math.cos(phi) * math.sin(phi), low, high, epsabs=1e-13, epsrel=1e-13)[
        0
    ]
    return polar * along / (4 * math.pi), polar * across / (4 * math.pi)


def second_moment_across(radius: float) -> float:
    r"""Mean of $x_3^2$ for inputs uniform on a sphere in $R^3$, by numerical integration."""
    weight = quad(math.sin, 0, math.pi, epsabs=1e-13, epsrel=1e-13)[0]
    moment = quad(
        lambda s: (radius * math.cos(s)) ** 2 * math.sin(s), 0, math.pi, epsabs=1e-13, epsrel=1e-13
    )[0]
    return moment / weight


def relative_error_law(theta: Float[Tensor, "*batch"], d: int, n: int) -> Float[Tensor, "*batch"]:
    r"""Root mean square of $\|\hat F - E F\| / \|E F\|$ for $n$ Gaussian samples, exactly.

    With one sample $F_1$, $E\|F_1\|^2 = (d + 2)\, C$ for
    $C = E[1(e \cdot x > 0)\, \sigma(w \cdot x)^2] = [(\pi-\theta) + \sin\theta\cos\theta]/(2\pi)$,
    since $\|x\|^2$ is independent of the direction of $x$.

    Args:
        theta: Angles between $e$ and $w$, in $[0, \pi)$.
        d: Dimension.
        n: Number of samples.
    """
    complement = math.pi - theta
    second_moment = (d + 2) * (complement + torch.sin(theta) * torch.cos(theta)) / (2 * math.pi)
    squared_norm = (
        complement.square() + torch.sin(theta).square() + complement * torch.sin(2 * theta)
    ) / (4 * math.pi**2)
    return torch.sqrt((second_moment / squared_norm - 1) / n)


def error_up_to_scale(
    measured: Float[Tensor, "*batch d"], formula: Float[Tensor, "*batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Smallest $\|m - s f\| / \|m\|$ over scales $s$: the sine of the angle of $m$ and $f$."""
    scale = (measured * formula).sum(-1) / formula.square().sum(-1)
    rest = measured - scale[..., None] * formula
    return torch.linalg.vector_norm(rest, dim=-1) / torch.linalg.vector_norm(measured, dim=-1)


def squared_bias_up_to_scale(
    first: Float[Tensor, "*batch d"],
    second: Float[Tensor, "*batch d"],
    formula: Float[Tensor, "*batch d"],
) -> Float[Tensor, "*batch"]:
    r"""Estimate of the squared `error_up_to_scale` of the mean, free of sampling noise on average.

    Two independent estimates of the same mean, projected off the formula, have noise with mean
    zero in their product. The estimate may be negative.

    Args:
        first: One estimate.
        second: Another one, from other samples.
        formula: What the mean should be proportional to.
    """
    direction = formula / torch.linalg.vector_norm(formula, dim=-1, keepdim=True)
    along_first = (first * direction).sum(-1, keepdim=True)
    along_second = (second * direction).sum(-1, keepdim=True)
    across = ((first - along_first * direction) * (second - along_second * direction)).sum(-1)
    return across / (along_first * along_second).squeeze(-1)
