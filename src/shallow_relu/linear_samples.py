r"""Two neurons learn a linear function from finitely many inputs [linear2025, Thm 2, App. E.2].

The student $f(x) = a_1 \sigma(w_1 \cdot x) + a_2 \sigma(w_2 \cdot x)$, by default with
$a = (1, -1)$, learns $f^*(x) = \beta \cdot x$ from inputs $x_1, \dots, x_n$:

$$L(W) = \frac1{2n} \sum_i r_i^2, \qquad r_i = f(x_i) - \beta \cdot x_i, \qquad
W^* = (\beta / a_1, \beta / a_2).$$

Write $h_j = w_j - w^*_j$ and $D = \|W - W^*\|_F^2$. A sample is *positive* if
$\beta \cdot x_i > 0$. At $W^*$ the first gate is open on the positive samples and the second one
on the negative samples; a sample on which the gates of $W$ differ from that is *misgated*.

Shapes, the same for all functions: `W` is `[*batch, 2, d]`, inputs `X` are `[*batch, n, d]`,
labels `y` are `[*batch, n]`, `beta` is `[*batch, d]`, output weights `a` are `[*batch, 2]`.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from scipy import stats
from torch import Tensor


def labels(X: Float[Tensor, "*#batch n d"], beta: Float[Tensor, "*#batch d"]) -> Tensor:
    r"""Labels $y_i = \beta \cdot x_i$, of shape `[*batch, n]`."""
    return (X @ beta[..., None]).squeeze(-1)


def residual(
    W: Float[Tensor, "*#batch 2 d"],
    X: Float[Tensor, "*#batch n d"],
    y: Float[Tensor, "*#batch n"],
    a: Float[Tensor, "*#batch 2"] | None = None,
) -> Float[Tensor, "*batch n"]:
    r"""Residuals $r_i = f(x_i) - y_i$."""
    open_part = torch.relu(X @ W.mT)
    return (open_part * _signs(W, a)[..., None, :]).sum(-1) - y


def loss(
    W: Float[Tensor, "*#batch 2 d"],
    X: Float[Tensor, "*#batch n d"],
    y: Float[Tensor, "*#batch n"],
    a: Float[Tensor, "*#batch 2"] | None = None,
) -> Float[Tensor, "*batch"]:
    r"""Empirical loss $L = \frac1{2n} \sum_i r_i^2$ [linear2025, Eq. 1]."""
    return residual(W, X, y, a).square().mean(-1) / 2


def gradient(
    W: Float[Tensor, "*#batch 2 d"],
    X: Float[Tensor, "*#batch n d"],
    y: Float[Tensor, "*#batch n"],
    a: Float[Tensor, "*#batch 2"] | None = None,
) -> Float[Tensor, "*batch 2 d"]:
    r"""Gradient of the empirical loss, $\frac{a_j}n \sum_i r_i 1(w_j \cdot x_i > 0) x_i$.

    A gate at exactly zero counts as closed. The arguments are in the order that
    `flows.gradient_descent` needs.
    """
    signs = _signs(W, a)[..., None, :]
    inner = X @ W.mT
    r = (torch.relu(inner) * signs).sum(-1) - y
    pull = torch.where(inner > 0, signs * r[..., None], 0)
    return pull.mT @ X / X.shape[-2]


def scaled_gradient(
    W: Float[Tensor, "*#batch 2 d"],
    X: Float[Tensor, "*#batch n d"],
    y: Float[Tensor, "*#batch n"],
    a: Float[Tensor, "*#batch 2"],
) -> Float[Tensor, "*batch 2 d"]:
    r"""The gradient with row $j$ divided by $a_j^2$, the direction of [linear2025, Thm 2]."""
    return gradient(W, X, y, a) / a.square()[..., None]


def squared_error(
    W: Float[Tensor, "*#batch 2 d"],
    beta: Float[Tensor, "*#batch d"],
    a: Float[Tensor, "*#batch 2"] | None = None,
) -> Float[Tensor, "*batch"]:
    r"""Squared distance $D = \|W - W^*\|_F^2$ to $W^* = (\beta / a_1, \beta / a_2)$."""
    target = beta[..., None, :] / _signs(W, a)[..., None]
    return (W - target).square().sum(dim=(-2, -1))


def pad_inputs(
    X: Float[Tensor, "batch n d"], sizes: Float[Tensor, " batch"]
) -> Float[Tensor, "batch n d"]:
    r"""Samples of different sizes in one batch, with the same loss and gradient.

    Rows beyond the size become zero, and the others are stretched by $\sqrt{n / \text{size}}$:
    residuals are homogeneous in the input, so the mean over all rows is the mean over the sample.

    Args:
        X: Inputs.
        sizes: How many of them each member of the batch keeps, `1..n`.

    Raises:
        ValueError: A size is out of range.
    """
    n = X.shape[-2]
    if (sizes < 1).any() or (sizes > n).any():
        raise ValueError(f"sizes must lie in 1..{n}")
    kept = torch.arange(n, device=X.device) < sizes[:, None]
    return torch.where(kept, torch.sqrt(n / sizes)[:, None], 0)[..., None] * X


def first_step_error(d: int, n: int) -> float:
    r"""Mean of $\frac12 \|W^{(1)} - W^*\|_F^2 / \|\beta\|^2$ after one step of size 2 from zero.

    For $W^{(0)} \to 0$ with directions independent of the sample, row 1 of $W^{(1)}$ is the mean
    of $Y = 2 \cdot 1(w_1^{(0)} \cdot x > 0) (\beta \cdot x) x$, with $E Y = \beta$ and
    $E \|Y\|^2 = 2 (d + 2) \|\beta\|^2$. So each row contributes $(2d + 3) \|\beta\|^2 / n$.

    Args:
        d: Dimension.
        n: Number of samples.
    """
    return (2 * d + 3) / n


def is_identifiable(
    X: Float[Tensor, "*#batch n d"], beta: Float[Tensor, "*#batch d"]
) -> Bool[Tensor, "*batch"]:
    r"""Whether $W^*$ is an isolated zero of the loss on almost every sample of these signs.

    This needs $d$ positive samples for the first neuron and $d$ negative ones for the second.
    """
    y, d = labels(X, beta), X.shape[-1]
    return ((y > 0).sum(-1) >= d) & ((y < 0).sum(-1) >= d)


def identifiability_probability(d: int, n: int) -> float:
    r"""Probability of `is_identifiable`: $P(d \le N \le n - d)$ for $N$ binomial$(n, 1/2)$."""
    if n < 2 * d:
        return 0.0
    return float(stats.binom.cdf(n - d, n, 0.5) - stats.binom.cdf(d - 1, n, 0.5))


def local_rate(
    X: Float[Tensor, "*#batch n d"], beta: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Smallest eigenvalue of the Hessian of $L$ at $W^*$ for $a = (1, -1)$.

    The Hessian has the blocks $\frac1n \sum_i 1(\pm\beta \cdot x_i > 0) x_i x_i^\top$.
    """
    y = labels(X, beta)
    blocks = torch.stack([_second_moment(X, y > 0), _second_moment(X, y < 0)], dim=-3)
    return torch.linalg.eigvalsh(blocks)[..., 0].amin(-1)


def newton_descent(
    W: Float[Tensor, "batch 2 d"],
    X: Float[Tensor, "batch n d"],
    y: Float[Tensor, "batch n"],
    rounds: int,
    ridge: float = 1e-12,
) -> Float[Tensor, "batch 2 d"]:
    r"""Newton's method for the loss with $a = (1, -1)$, with a line search.

    With its gates fixed, the loss is a quadratic in the neurons. Each round aims at the minimum of
    the quadratic of the present gates and goes the largest share $1, \frac12, \frac14, \dots$ of
    the way that lowers the true loss, or stays. Unlike gradient descent it does not slow down
    where the quadratic is flat.

    Args:
        W: Starts.
        X: Inputs.
        y: Labels.
        rounds: Number of steps.
        ridge: Added to the Hessian's diagonal, so that flat directions stay where they are.
    """
    d, n = W.shape[-1], X.shape[-2]
    value = loss(W, X, y)
    eye = ridge * torch.eye(2 * d, dtype=W.dtype, device=W.device)
    for _ in range(rounds):
        gates = torch.where(X @ W.mT > 0, W.new_tensor([1, -1]), 0)
        design = (gates[..., None] * X[..., None, :]).flatten(-2)
        hessian = design.mT @ design / n + eye
        step = torch.linalg.solve(hessian, -gradient(W, X, y).flatten(1)).reshape(W.shape)
        kept = W
        for halving in range(12):
            trial = W + step / 2**halving
            trial_value = loss(trial, X, y)
            # Going from long to short, the first share that lowers the loss is kept.
            better = (trial_value < value) & (kept == W).all(dim=-1).all(dim=-1)
            kept = torch.where(better[:, None, None], trial, kept)
        W, value = kept, loss(kept, X, y)
    return W


def correlation_parts(
    W: Float[Tensor, "*#batch 2 d"],
    X: Float[Tensor, "*#batch n d"],
    beta: Float[Tensor, "*#batch d"],
) -> Float[Tensor, "*batch n"]:
    r"""Summands of $\langle W - W^*, \nabla L \rangle$ for $a = (1, -1)$ [linear2025, Eq. 18].

    Entry $i$ is $r_i^2 + r_i (\beta \cdot x_i) (1 - \sigma'(w_1 \cdot x_i) - \sigma'(w_2 \cdot
    x_i))$; the correlation is the mean over $i$.
    """
    y = labels(X, beta)
    gates = (X @ W.mT > 0).to(X.dtype).sum(-1)
    r = residual(W, X, y)
    return r.square() + r * y * (1 - gates)


class PointwiseBound(NamedTuple):
    """Per-sample quantities of the repaired proof, each `[*batch, n]`.

    Attributes:
        own: $(h_j x_i)^2$ of the neuron that should be active on the sample.
        missed: The same where that neuron is closed, else 0.
        false: $(h_j x_i)^2$ of the other neuron where it is open, else 0.
    """

    own: Tensor
    missed: Tensor
    false: Tensor


def pointwise_bound(
    W: Float[Tensor, "*#batch 2 d"],
    X: Float[Tensor, "*#batch n d"],
    beta: Float[Tensor, "*#batch d"],
) -> PointwiseBound:
    r"""Energies of the errors on each sample, split by what the gates do there.

    Every summand of `correlation_parts` is at least $\frac12$ own $- \frac12$ missed $- 2$ false:
    on a positive sample, with $u = h_1 x$, $v = h_2 x$ and $b = \beta x$, the four patterns of
    gates give $u^2$, $0$, $v^2$ and $(u - v + b)(u - v) \ge u^2 - 2 |u| v$.
    """
    positive = labels(X, beta)[..., None] > 0
    target = torch.stack([beta, -beta], dim=-2)
    inner, energy = X @ W.mT, (X @ (W - target).mT).square()
    should = torch.cat([positive, ~positive], dim=-1)
    opened = inner > 0
    return PointwiseBound(
        own=torch.where(should, energy, 0).sum(-1),
        missed=torch.where(should & ~opened, energy, 0).sum(-1),
        false=torch.where(~should & opened, energy, 0).sum(-1),
    )


def certified_constants(
    X: Float[Tensor, "*#batch n d"], beta: Float[Tensor, "*#batch d"], radius: float
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    r"""Constants of Lemma 11 and of Eq. 18 that this sample guarantees for all $W$ in a ball.

    For $\|h_j\| \le \varepsilon \|\beta\|$ the gates can be wrong only on samples with
    $|\beta \cdot x_i| \le \varepsilon \|\beta\| \|x_i\|$, the *doubtful* ones. On the others the
    gates are known, and there both inequalities are about eigenvalues. A doubtful sample adds
    nothing negative to the left side of Lemma 11, and at least $-\frac14 (h_j x_i)^2$ of the
    falsely open neuron $j$ to the correlation.

    Args:
        X: Inputs.
        beta: Coefficients of the linear target.
        radius: $\varepsilon$, in units of $\|\beta\|$.

    Returns:
        Lower bounds, for all $w$ or $W$ in the ball, of the left side of [linear2025, Lemma 11]
        over $\|w - \beta\|^2$ and of $\langle W - W^*, \nabla L \rangle / D$. Either may be
        useless (not positive) without the inequality being false.
    """
    y = labels(X, beta)
    size = torch.linalg.vector_norm(X, dim=-1) * torch.linalg.vector_norm(beta, dim=-1)[..., None]
    doubtful = y.abs() <= radius * size
    sure = [_second_moment(X, sign & ~doubtful) for sign in (y > 0, y < 0)]
    unsure = [_second_moment(X, sign & doubtful) for sign in (y < 0, y > 0)]
    first = torch.linalg.eigvalsh(sure[0])[..., 0]
    blocks = torch.stack([s - u / 4 for s, u in zip(sure, unsure, strict=True)], dim=-3)
    return first, torch.linalg.eigvalsh(blocks)[..., 0].amin(-1)


def largest_eigenvalue(X: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
    r"""The largest eigenvalue $\lambda$ of $\frac1n \sum_i x_i x_i^\top$.

    For all $W$, $\|\nabla L\|_F^2 \le \frac{2\lambda}n \sum_i r_i^2$ and
    $\|\nabla L\|_F^2 \le 2 \lambda^2 D$, since $r_i^2$ times the number of open gates is at most
    $2 [(h_1 x_i)^2 + (h_2 x_i)^2]$ in every pattern of gates.
    """
    return torch.linalg.matrix_norm(X, ord=2).square() / X.shape[-2]


def all_gates_open(
    X: Float[Tensor, "*batch d d"], beta: Float[Tensor, "*#batch d"], margin: float = 2.0
) -> Float[Tensor, "*batch 2 d"]:
    r"""A pair for which $\|\nabla L\|_F^2 = \frac{2\lambda}n \sum_i r_i^2$ on $n = d$ samples.

    With $X c = (1, \dots, 1)$ a large multiple of $c$ opens every gate. Then $f$ is the linear
    function $w_1 - w_2$, and the residual can be made the top singular vector of the inputs.

    Args:
        X: Inputs, as many as dimensions.
        beta: Coefficients of the linear target.
        margin: How far inside of the open cone, at least 1 (exclusive).
    """
    d = X.shape[-1]
    centre = torch.linalg.solve(X, X.new_ones(*X.shape[:-2], d, 1)).squeeze(-1)
    top = torch.linalg.svd(X).Vh[..., 0, :]
    first = top + beta
    depth = margin * labels(X, first).abs().amax(-1, keepdim=True)
    return torch.stack([depth * centre + first, depth * centre], dim=-2)


def sign_energy(angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Mean of $(\beta x)^2 (1 - \mathrm{sgn}(\beta x)\, \mathrm{sgn}(w x))$, $\|\beta\| = 1$.

    It is $\frac2\pi (\varphi - \sin\varphi \cos\varphi) \approx \frac{4}{3\pi} \varphi^3$ at the
    angle $\varphi$ between $w$ and $\beta$: the square of the left side of [linear2025, Lemma 9].
    """
    return 2 / math.pi * (angle - torch.sin(angle) * torch.cos(angle))


def wedge_energy(ratio: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Mean of $1(|\beta x| \le \kappa |u x|) (u x)^2$ for orthogonal unit vectors.

    It is $\frac2\pi (\arctan\kappa + \frac{\kappa}{1 + \kappa^2}) \le \frac{4 \kappa}{\pi}$: the
    middle of [linear2025, Lemma 9] is $\frac{\sqrt2}{1-\varepsilon} \|h_\perp\|$ times its root,
    with $\kappa = \|h_\perp\| / (1 - \varepsilon)$.
    """
    return 2 / math.pi * (torch.atan(ratio) + ratio / (1 + ratio.square()))


def sample_sign_energy(
    w: Float[Tensor, "*#batch d"],
    X: Float[Tensor, "*#batch n d"],
    beta: Float[Tensor, "*#batch d"],
) -> Float[Tensor, "*batch"]:
    r"""Sample mean of $(\beta x)^2 (1 - \mathrm{sgn}(\beta x)\, \mathrm{sgn}(w x))$."""
    y = labels(X, beta)
    return (y.square() * (1 - torch.sign(y) * torch.sign(labels(X, w)))).mean(-1)


def sample_wedge_energy(
    u: Float[Tensor, "*#batch d"],
    X: Float[Tensor, "*#batch n d"],
    beta: Float[Tensor, "*#batch d"],
    ratio: float,
) -> Float[Tensor, "*batch"]:
    r"""Sample mean of $1(|\beta x| \le \kappa |u x|) (u x)^2$."""
    along = labels(X, u)
    inside = labels(X, beta).abs() <= ratio * along.abs()
    return torch.where(inside, along.square(), 0).mean(-1)


def largest_wedge_energy(
    X: Float[Tensor, "n d"],
    beta: Float[Tensor, " d"],
    ratio: float,
    starts: Float[Tensor, "starts d"],
    rounds: int = 20,
) -> tuple[Float[Tensor, ""], Float[Tensor, " d"]]:
    r"""Search for the unit vector orthogonal to $\beta$ with the largest `sample_wedge_energy`.

    Each round replaces $u$ by $\sum_{i \in S(u)} (u x_i) x_i$, normalised, where $S(u)$ is the set
    of samples counted at $u$: one power step for the second moment of that set. What it finds is a
    lower bound of the maximum.

    Args:
        X: Inputs.
        beta: Coefficients of the linear target.
        ratio: $\kappa$.
        starts: Where the search begins.
        rounds: Number of power steps.

    Returns:
        The largest mean that was met, and its vector.
    """
    unit = beta / torch.linalg.vector_norm(beta)
    y = (X @ beta).abs()
    best, where = X.new_zeros(()), torch.zeros_like(beta)
    u = starts
    for _ in range(rounds):
        u = u - (u @ unit)[:, None] * unit
        u = u / torch.linalg.vector_norm(u, dim=-1, keepdim=True)
        along = X @ u.mT
        counted = torch.where(y[:, None] <= ratio * along.abs(), along, 0)
        value, index = counted.square().mean(0).max(dim=0)
        if value > best:
            best, where = value, u[index]
        u = counted.mT @ X
    return best, where


def certified_wedge_energy(
    X: Float[Tensor, "*#batch n d"], beta: Float[Tensor, "*#batch d"], ratio: float
) -> Float[Tensor, "*batch"]:
    r"""Upper bound of `sample_wedge_energy` for all unit vectors orthogonal to $\beta$ at once.

    With $x_\perp$ the part of $x$ orthogonal to $\beta$, only samples with
    $|\beta x_i| \le \kappa \|x_{i,\perp}\|$ can count, in whatever direction. The bound is the
    largest eigenvalue of $\frac1n \sum x_{i,\perp} x_{i,\perp}^\top$ over them. It is too large by
    a factor of order $\sqrt d$, and sharp for $d = 2$.

    Args:
        X: Inputs.
        beta: Coefficients of the linear target.
        ratio: $\kappa$.
    """
    unit = beta / torch.linalg.vector_norm(beta, dim=-1, keepdim=True)
    across = X - labels(X, unit)[..., None] * unit[..., None, :]
    counted = labels(X, beta).abs() <= ratio * torch.linalg.vector_norm(across, dim=-1)
    return torch.linalg.eigvalsh(_second_moment(across, counted))[..., -1]


def gated_square(cosine: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Mean of $1(\beta x \ge 0)\, \sigma(u x)^2$ for unit vectors with $\beta \cdot u = \cos\psi$.

    It is $\frac1{2\pi} (\pi - \psi + \sin\psi \cos\psi)$, the left side of [linear2025, Eq. 17];
    it decreases in $\psi$.
    """
    psi = torch.acos(cosine)
    return (math.pi - psi + torch.sin(psi) * cosine) / (2 * math.pi)


def gated_quadratic(
    psi: Float[Tensor, "*#batch"], radius: Float[Tensor, "*#batch"] | float
) -> Float[Tensor, "*batch"]:
    r"""Mean of $1(\beta x \ge 0)\, 1(w x \ge 0)\, (h x)^2 / \|h\|^2$ for $w = \beta + h$.

    The left side of [linear2025, Lemma 11] for infinitely many samples. With $\varphi$ the signed
    angle from $\beta$ to $w$, it is
    $\frac1{2\pi} [\pi - \varphi + \frac12 (\sin 2\psi + \sin 2 (\varphi - \psi))]$.

    Args:
        psi: Angle between $h$ and $\beta$, in $[0, \pi]$.
        radius: $\|h\| / \|\beta\|$, in $(0, 1)$.
    """
    across, along = radius * torch.sin(psi), 1 + radius * torch.cos(psi)
    phi = torch.atan2(across, along)
    waves = torch.sin(2 * psi) + torch.sin(2 * (phi - psi))
    return (math.pi - phi + waves / 2) / (2 * math.pi)


def tent_mean(cosine: Float[Tensor, "*#batch"], radius: Float[Tensor, "*#batch"] | float) -> Tensor:
    r"""Mean $F(c, \varepsilon)$ of $1(\beta x \ge 0)\, T(u x; \beta x / \varepsilon)$.

    $T(v; b)$ is $v$ on $[0, b / 2]$, $b - v$ on $[b / 2, b]$ and zero outside [linear2025,
    App. E.2.4, case II]; $u$ and $\beta$ are unit vectors with $u \cdot \beta = c$. In polar
    coordinates the integrand is a sum of cosines between the angles at which $u x$ is $0$,
    $\beta x / (2 \varepsilon)$ and $\beta x / \varepsilon$.

    Args:
        cosine: $c$, in $(-1, 1]$.
        radius: $\varepsilon > 0$.
    """
    psi = torch.acos(cosine)

    def crossing(multiple: Tensor | float) -> Tensor:
        # atan2 also covers c = 1, where u x = beta x and the angle is +-pi/2.
        return torch.atan2(multiple - cosine, torch.sin(psi))

    low = (psi - math.pi / 2).clamp(min=-math.pi / 2)
    middle = torch.maximum(crossing(1 / (2 * radius)), low)
    high = torch.maximum(crossing(1 / radius), low)
    rising = torch.sin(middle - psi) - torch.sin(low - psi)
    falling = (torch.sin(high) - torch.sin(middle)) / radius
    falling = falling - (torch.sin(high - psi) - torch.sin(middle - psi))
    return (rising + falling) / math.sqrt(8 * math.pi)


def _signs(W: Tensor, a: Tensor | None) -> Tensor:
    return W.new_tensor([1, -1]) if a is None else a


def _second_moment(X: Tensor, chosen: Tensor) -> Tensor:
    r"""$\frac1n \sum_i x_i x_i^\top$ over the chosen samples."""
    return torch.where(chosen[..., None], X, 0).mT @ X / X.shape[-2]
