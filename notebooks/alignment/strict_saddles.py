# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One stray neuron makes a strict saddle
#
# Suppose that all active neurons but one point along $\pm w^*$. {cite:t}`lightman2026` proves that
# a critical point of this kind is a strict saddle: turning the stray neuron towards $w^*$ lowers
# the risk. The proof needs the kernel of two ReLUs and its first two derivatives along a rotation.
# All of this is right. This chapter checks it, and asks how many critical points the theorem
# speaks of. The answer is short: one shape, in which the stray neuron is the *only* active neuron.
#
# ```{claim} lightman2026.eq13
# ```
#
# ```{claim} lightman2026.lem5.1
# ```
#
# ```{claim} lightman2026.thm5.2
# ```
#
# **What would count against them.** A derivative that differs from the formula beyond rounding. A
# critical point with one stray neuron at which the risk does not bend down. Against our reading of
# the theorem: such a point with an aligned active neuron beside the stray one.
#
# The paper's risk has no factor $\frac12$: its $g''(0)$ is twice the one in this book. The factor
# $K^{-1/2}$ of its network is inside our output weights.

# %% tags=["parameters", "hide-input"]
seed: int = 5  # seed of all random numbers; 0..4294967295
dimension: int = 6  # largest dimension d; 3..30
ratios: int = 12  # ratios s_-/s_+ in the atlas; 4..200
searches: int = 6  # searches for each set of aligned neurons; 2..100
samples: int = 200_000  # inputs for the sample mean of the kernel; 10_000..10_000_000
# memory: 3e8 + 200 * samples bytes
# time: 5 + 0.3 * searches + 0.01 * ratios + 1e-7 * samples * dimension seconds

# %%
import math

import matplotlib.pyplot as plt
import mpmath
import torch
from scipy.optimize import least_squares

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import both_layers, population, single_index
from shallow_relu import single_index_saddles as saddles
from shallow_relu.kernels import arc_cosine_1

chapter = open_chapter("alignment/strict_saddles", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
mpmath.mp.dps = 60


def unit(*shape):
    return torch.nn.functional.normalize(torch.randn(*shape, generator=generator), dim=-1)


# %% [markdown]
# ## The kernel
#
# In the plane of $u$ and $v$ the radius of $x$ contributes $\mathbb E\lVert x\rVert^2=2$, and
# $\kappa(u,v)=\frac1\pi\int\cos\alpha\,\cos(\alpha-\theta)\,d\alpha$ over the angles $\alpha$ at
# which both gates are open. The integral, computed with 60 digits, is compared with the formula;
# the book's kernel, in double precision, with a sample mean in many dimensions.

# %%
kernel = chapter.claim("lightman2026.eq13")


def formula(theta):
    return saddles.profile(theta) / (2 * mpmath.pi)


def integral(theta):
    ends = [theta - mpmath.pi / 2, mpmath.pi / 2]
    return mpmath.quad(lambda x: mpmath.cos(x) * mpmath.cos(x - theta), ends) / mpmath.pi


angles = [mpmath.pi * k / 12 for k in range(13)]
errors = [float(abs(formula(theta) - integral(theta))) for theta in angles]
kernel.check("integral", measured=errors, n=len(angles))
swapped = [(mpmath.sin(x) + x * mpmath.cos(x)) / (2 * mpmath.pi) - integral(x) for x in angles[1:]]
kernel.control(
    r"$\theta$ in place of $\pi-\theta$", "integral", measured=[float(abs(x)) for x in swapped]
)
u, v = unit(8, dimension), unit(8, dimension)
products = (torch.randn(samples, dimension, generator=generator) @ torch.cat([u, v]).T).relu()
products = products[:, :8] * products[:, 8:]
score = (products.mean(0) - arc_cosine_1(u, v)) / (products.std(0) / math.sqrt(samples))
kernel.check("samples", measured=score.abs(), n=samples)
ends = torch.cat([arc_cosine_1(u, u) - 0.5, arc_cosine_1(u, -u)])
kernel.check("special values", measured=ends.abs())

# %% [markdown]
# ## Two derivatives along a rotation
#
# That $\hat w$ and $\tilde w$ are orthogonal unit vectors the lemma says only by placing the path
# on the sphere: it is there only then. At $\theta_0\in\{0,\pi\}$ the second formula reads $0/0$;
# since $\lvert\tilde w\cdot v\rvert\le\sin\theta_0$ the fraction tends to zero, and the derivative
# exists.

# %%
lemma = chapter.claim("lightman2026.lem5.1")


def along_path(w_hat, w_tilde, v):
    """Kernel along the path, in mpmath numbers."""

    def value(t):
        w = mpmath.cos(t) * mpmath.matrix(w_hat) + mpmath.sin(t) * mpmath.matrix(w_tilde)
        size = mpmath.norm(w)
        return size * formula(mpmath.acos(mpmath.fdot(w, v) / size))

    return value


def precise_errors(w_tilde, sign=1):
    """Errors of both formulas against numerical derivatives with 60 digits, in dimension 3."""
    worst = mpmath.mpf(0)
    for theta, azimuth in ((0.3, 0.4), (1.2, 2.0), (2.0, 0.1), (2.9, 1.3)):
        theta, azimuth = mpmath.mpf(theta), mpmath.mpf(azimuth)
        w_hat, sine = [mpmath.mpf(1), 0, 0], mpmath.sin(theta)
        v = [mpmath.cos(theta), sine * mpmath.cos(azimuth), sine * mpmath.sin(azimuth)]
        path, across = along_path(w_hat, w_tilde, v), mpmath.fdot(w_tilde, v)
        first = (mpmath.pi - theta) * across / (2 * mpmath.pi)
        second = across**2 / sine - sign * (mpmath.pi - theta) * v[0]
        worst = max(worst, abs(mpmath.diff(path, 0) - first))
        worst = max(worst, abs(mpmath.diff(path, 0, 2) - second / (2 * mpmath.pi)))
    return float(worst)


across = [mpmath.mpf(0), mpmath.mpf(1), mpmath.mpf(0)]
lemma.check("60 digits", measured=precise_errors(across))
lemma.control("other sign of the last term", "60 digits", measured=precise_errors(across, -1))
slanted = [mpmath.mpf(3) / 5, mpmath.mpf(4) / 5, mpmath.mpf(0)]
lemma.control(r"$\hat w\cdot\tilde w=0.6$", "60 digits", measured=precise_errors(slanted))

w_hat, v = unit(50, dimension), unit(50, dimension)
w_tilde = unit(50, dimension)
w_tilde = w_tilde - (w_tilde * w_hat).sum(-1, keepdim=True) * w_hat
w_tilde = torch.nn.functional.normalize(w_tilde, dim=-1)
t = torch.zeros(50, 1, requires_grad=True)
values = arc_cosine_1(t.cos() * w_hat + t.sin() * w_tilde, v)
(slope,) = torch.autograd.grad(values.sum(), t, create_graph=True)
(bend,) = torch.autograd.grad(slope.sum(), t)
found = torch.stack(saddles.rotation_derivatives(w_hat, w_tilde, v))
lemma.check("automatic", measured=found, expected=torch.stack([slope, bend]).squeeze(-1).detach())
h = mpmath.mpf(10) ** -20
limits = []
for theta in (mpmath.mpf(0), mpmath.pi):
    inward = formula(abs(theta - h))
    limits.append(float(2 * (inward - formula(theta)) / h**2))
_, at_ends = saddles.rotation_derivatives(u[:1], w_tilde[:1], torch.stack([u[0], -u[0]]))
lemma.check("ends", measured=at_ends, expected=limits)

# %% [markdown]
# ## Why the stray neuron is alone
#
# Write $f=D_+\sigma(w^*\cdot x)+D_-\sigma(-w^*\cdot x)+c\,\sigma(\hat w\cdot x)$ with
# $\varphi=\angle(\hat w,w^*)\in(0,\pi)$ and $c\ne0$. If a neuron at $w^*$ is active, its gradient
# must vanish, also across $w^*$. Target and aligned neurons have no part there. The stray neuron
# has the part $c\,(\pi-\varphi)\sin\varphi/(2\pi)$, and at $-w^*$ it is
# $c\,\varphi\sin\varphi/(2\pi)$. Neither is ever zero. So no aligned neuron is active: $D_\pm=0$,
# and the two equations that are left give
#
# $$\begin{gathered}
# \varphi_0=\frac{\pi s_+}{s_++s_-},\qquad c=\frac{(s_++s_-)\sin\varphi_0}\pi,\\
# g''(0)=-\tfrac12c^2,\qquad R=\tfrac14(s_+^2+s_-^2-c^2),
# \end{gathered}$$
#
# which needs $s_+s_->0$. The paper does not draw this conclusion; its formula for $g''$ becomes a
# square. We check the force, and look for other solutions: a least-squares search over
# $\varphi$, $c$, $D_\pm$ with $c\ge0.1$ and $\varphi\in[0.1,\pi-0.1]$ for each set of active
# aligned neurons, measured in units of the force that cannot be balanced.

# %%
theorem = chapter.claim("lightman2026.thm5.2")
e1, e2 = torch.eye(2)
aligned = torch.stack([e1, -e1])


def stray(phi):
    return torch.stack([phi.cos(), phi.sin()], dim=-1)


phi = torch.linspace(0.05, 3.1, 40)
c = torch.linspace(-2, 2, 40)
W, D = (
    torch.cat([stray(phi)[:, None], aligned.expand(40, 2, 2)], dim=1),
    torch.randn(40, 2, generator=generator),
)
pull = both_layers.gated_error(
    aligned, W, aligned, torch.cat([c[:, None], D], dim=1), torch.tensor([1.3, -0.4])
)
expected = torch.stack([saddles.force_across(c, phi, side) for side in (1, -1)], dim=1)
theorem.check("force across", measured=pull[..., 1], expected=expected)


def search(active):
    """Smallest gradient found, over the force across, for aligned neurons on the given sides."""
    s = torch.exp(torch.randn(2, generator=generator))
    chosen = aligned[active]

    def defect(z):
        z = torch.from_numpy(z)
        W = torch.cat([stray(z[:1]), chosen])
        return both_layers.gated_error(W, W, aligned, z[1:], s).flatten().numpy()

    k = len(active)
    first = torch.rand(2, generator=generator) * torch.tensor([2.5, 1.0]) + torch.tensor([0.3, 0.2])
    start = torch.cat([first, torch.randn(k, generator=generator)])
    bounds = ([0.1, 0.1] + [-9.0] * k, [math.pi - 0.1, 9.0] + [9.0] * k)
    end = least_squares(defect, start.numpy(), bounds=bounds, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    phi, c = torch.from_numpy(end.x[:2])
    force = sum(saddles.force_across(c, phi, 1 - 2 * side) ** 2 for side in active or [0])
    return float(torch.tensor(end.fun).norm() / force.sqrt()), float(phi), s


left = [search(active)[0] for active in ([0], [1], [0, 1]) for _ in range(searches)]
theorem.check("nothing else", measured=left, n=len(left))
alone = search([])
theorem.control("no aligned neuron", "nothing else", measured=alone[0])
chapter.number("left_over", min(left), ".2f")

# %% [markdown]
# With aligned neurons the search ends with at least {number}`left_over` times the force left over;
# without them it runs into the point of the formula. There the gradient of both layers vanishes up
# to rounding, in double precision and with 60 digits. The curvature is the
# derivative of the risk's gradient along the rotation, by automatic differentiation.


# %%
def stray_network(ratio, d):
    """The critical network at the slopes (1, ratio), balanced, with its teacher."""
    point = saddles.isolated_neuron(1.0, ratio)
    size = math.sqrt(abs(point.coefficient))
    W = torch.zeros(1, d)
    W[0, :2] = size * stray(torch.tensor(point.angle))
    teacher = single_index.teacher(torch.eye(d)[0], 1.0, ratio)
    return point, W, torch.tensor([size]), *teacher


def curvature(W, a, W_star, a_star, j=0):
    """Second derivative of the risk when neuron j turns towards the first teacher neuron."""
    norm = W[j].norm()
    w = W[j] / norm
    w_tilde = torch.nn.functional.normalize(W_star[0] - (w @ W_star[0]) * w, dim=0)
    t = torch.zeros((), requires_grad=True)
    turned = torch.cat([W[:j], norm * (t.cos() * w + t.sin() * w_tilde)[None], W[j + 1 :]])
    push = population.gradient(turned, W_star, a, a_star)[j]
    slope = norm * (push * (t.cos() * w_tilde - t.sin() * w)).sum()
    return float(torch.autograd.grad(slope, t)[0])


atlas = torch.linspace(0.05, 1, ratios).tolist()
gradients, curvatures, predictions, spectra, expected_spectra, points = [], [], [], [], [], []
for ratio in atlas:
    for d in (2, 3, dimension):
        point, W, a, W_star, a_star = stray_network(ratio, d)
        gradients.append(population.gradient(W, W_star, a, a_star).abs().max())
        gradients.append(population.output_gradient(W, W_star, a, a_star).abs().max())
        curvatures.append(curvature(W, a, W_star, a_star))
        predictions.append(point.curvature)
        hessian = both_layers.joint_hessian(W, W_star, a, a_star)
        spectra += torch.linalg.eigvalsh(hessian).tolist()
        half = point.coefficient / 2
        expected_spectra += [-half, *[0.0] * (d - 1), 2 * half]
    points.append(point)
theorem.check("critical", measured=gradients, n=len(gradients))
theorem.check("curvature", measured=curvatures, expected=predictions, n=len(curvatures))
squares = [p.coefficient**2 for p in points for _ in range(3)]
bent = [g / square for g, square in zip(curvatures, squares, strict=True)]
theorem.check("bends down", measured=bent, n=len(bent))
theorem.check("spectrum", measured=spectra, expected=expected_spectra)

s_plus, s_minus = mpmath.mpf(1), mpmath.mpf(1) / 2
place = mpmath.pi * s_plus / (s_plus + s_minus)
amount = (s_plus + s_minus) * mpmath.sin(place) / mpmath.pi
exact = both_layers.precise_gradient(
    [[mpmath.cos(place), mpmath.sin(place)]], [[1, 0], [-1, 0]], [amount], [s_plus, s_minus]
)
theorem.check("60 digits", measured=float(max(abs(x) for x in [*exact[0][0], *exact[1]])))
point, W, a, W_star, a_star = stray_network(0.5, 3)
theorem.control(
    "another angle",
    "critical",
    measured=population.gradient(W + 0.1 * W.roll(1, -1), W_star, a, a_star).abs().max(),
)
chapter.number("angle", math.degrees(point.angle), ".1f", tolerance=1e-12)
chapter.number("coefficient", point.coefficient, ".6f", tolerance=1e-12)
chapter.number("risk", point.risk, ".6f", tolerance=1e-12)
chapter.number("bend", point.curvature, ".6f", tolerance=1e-12)
chapter.number("even_bend", saddles.isolated_neuron(1.0, 1.0).curvature, ".6f", tolerance=1e-12)

# %% [markdown]
# At $s=(1,\frac12)$ the neuron sits at {number}`angle` degrees with $c=$ {number}`coefficient`; the
# risk is {number}`risk` and $g''(0)=$ {number}`bend`. The Hessian of both layers, for a balanced
# neuron, has the eigenvalues $-\frac12\lvert c\rvert$, $0$ ($d-1$ times) and $\lvert c\rvert$: one
# way down. The hypothesis $s_+\ne s_-$ is never used: at $s_+=s_-=1$ the neuron sits at $90$
# degrees and $g''(0)=$ {number}`even_bend`.
#
# The figure shows the atlas over the ratio $s_-/s_+$ and the risk along the rotation.

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
fine = torch.linspace(0.03, 1, 100).tolist()
line = [saddles.isolated_neuron(1.0, ratio).curvature for ratio in fine]
axes[0].plot(fine, line, color=COLOURS["theory"], label=r"$-c^2/2$")
axes[0].plot(atlas, curvatures[::3], "o", color=COLOURS["measured"], label="measured")
axes[0].set(xlabel=r"ratio of slopes $s_-/s_+$", ylabel=r"curvature $g''(0)$")
axes[0].legend()
turn = torch.linspace(0, math.pi, 181)
rows = {"ratio": [], "angle": [], "risk": []}
for ratio, style in ((0.2, "-"), (0.5, "--"), (1.0, ":")):
    point, W, a, W_star, a_star = stray_network(ratio, 2)
    rotated = W.norm() * stray(turn)[:, None]
    risks = population.risk(rotated, W_star, a, a_star)
    axes[1].plot(turn.rad2deg(), risks, style, color=COLOURS["student"], label=f"{ratio:g}")
    axes[1].plot(math.degrees(point.angle), point.risk, "o", color=COLOURS["measured"])
    rows["ratio"] += [ratio] * len(turn)
    rows["angle"] += turn.tolist()
    rows["risk"] += risks.tolist()
axes[1].set(xlabel=r"angle $\angle(w,w^*)$ in degrees", ylabel="risk $R$", xticks=range(0, 181, 45))
axes[1].legend(title=r"$s_-/s_+$", loc="upper right")
chapter.figure(
    "fig-lightman2026-thm5-2",
    figure,
    caption=r"Left: curvature of the risk when the stray neuron turns, at the one critical point "
    r"of Theorem 5.2, over the ratio of the slopes. Right: the risk when a single neuron with the "
    r"critical coefficient turns by half a circle; the critical point (dot) is the highest one.",
    alt="Left: dots on a decreasing curve of negative curvature. Right: three curves of the risk "
    "over the angle, each with a dot at its maximum.",
    data=rows,
    claims=["lightman2026.thm5.2"],
)

# %% [markdown]
# ## Where it stops being true
#
# With several stray neurons the conclusion can fail. The network $\sigma(u\cdot x)-\sigma(-u\cdot
# x)+\sigma(v\cdot x)-\sigma(-v\cdot x)$ with $u+v=w^*$ computes $w^*\cdot x$ exactly, a target with
# $s=(1,-1)$. All its neurons are stray, the risk is zero, and turning one of them must raise it.

# %%
half_turn = torch.tensor([math.pi / 3, -math.pi / 3])
W = torch.cat([stray(half_turn), -stray(half_turn)])
a, a_star = torch.tensor([1.0, 1, -1, -1]), torch.tensor([1.0, -1])
risen = curvature(W, a, aligned, a_star)
theorem.control("four stray neurons, $R=0$", "bends down", measured=risen)
_ = chapter.number("risen", risen, ".3f", tolerance=1e-6)

# %% [markdown]
# There $g''(0)=$ {number}`risen`. So the theorem is right, and it is about little: one shape of
# network with a single active neuron, for slopes of one sign. For $\varphi=\sigma$, or any link
# with $s_+s_-\le0$, it speaks of no point at all.
#
# ```{admonition} Errata
# :class: warning
# **Lemma 5.1** names no range of $\theta_0$; at the two ends, $0$ and $\pi$, its second formula
# holds as a limit. **Theorem 5.2** is true. Its hypotheses leave a single active neuron and need
# $s_+s_->0$; $s_+\ne s_-$ is not needed. "Every other active neuron is aligned" can be read as
# "there is no other active neuron".
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
