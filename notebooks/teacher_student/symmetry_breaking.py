# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Symmetric starts and how their symmetry breaks
#
# Let $K$ neurons learn $K$ orthonormal teacher neurons, and let all students start alike up to a
# cyclic shift of coordinates. The flow keeps this symmetry, so two numbers describe all $K^2$
# weights: $x$, how much a student has of its own teacher, and $y$, how much it has of each other
# one. {cite:t}`tian2017` states that every start with $x>y$ ends at the teacher, while $x=y$ ends
# at a saddle: a tiny difference decides which student specialises on which teacher. The proof was
# in a supplement. Here is a proof of our own, for every width $K$ at once, whose equalities and
# inequalities a machine decides. Then we look at the other half, $x<y$, where the story ends
# differently.
#
# ```{claim} tian2017.eq17
# ```
#
# ```{claim} tian2017.thm7
# ```
#
# ```{claim} tian2017.thm7saddle
# ```
#
# ```{claim} tian2017.fig6
# ```
#
# ```{claim} tian2017.fig8
# ```
#
# **What would count against them.** A group for which gradients are not carried along; a start
# with $x>y$ that ends elsewhere; a point where the two curves of the proof cross; a gradient at
# the printed saddle; a path from $(10^{-3},0)$ that goes straight to the teacher.

# %% tags=["parameters", "hide-input"]
seed: int = 7  # seed of all random numbers; 0..4294967295
widths: list[int] = [2, 3, 5, 10, 20, 50]  # widths K of the grid of starts; 2..1000
grid: int = 21  # starts per side of the grid; 3..201; paper 51
largest_hessian: int = 20  # largest width K whose full Hessian is computed; 6..40; paper 30
# memory: 5e8 + 2e5 * grid ** 2 bytes
# time: 10 + len(widths) * (0.8 + 1e-3 * grid ** 2) + 1e-7 * largest_hessian ** 6 seconds

# %% tags=["hide-input"]
import math
import time
from fractions import Fraction
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import torch
from flint import arb

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import population
from shallow_relu import symmetric_dynamics as symmetric
from shallow_relu.kernels import gated_mean

chapter = open_chapter("teacher_student/symmetry_breaking", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
shown = {2: "measured", 5: "student", 10: "teacher"}  # colour of each width of Figure 8


def risk_gradient(W, W_star):
    leaf = W.clone().requires_grad_()
    return torch.autograd.grad(population.risk(leaf, W_star).sum(), leaf)[0]


# %% [markdown]
# ## Equations 17 and 18: symmetric gradients
#
# Gating commutes with orthogonal matrices, $\mathbb E[F(Pe,Pw)]=P\,\mathbb E[F(e,w)]$. So
# $\mathbb E[F(P_je,P_lw)]=P_j\,\mathbb E[F(e,P_j^{-1}P_lw)]$, and when $l$ runs over a group, so
# does $P_j^{-1}P_l$. We check three groups: the cyclic shifts of six coordinates, the six
# permutations of three coordinates, and five rotations of $\mathbb R^4$. As a control, six
# orthogonal matrices that form no group.

# %%
equation = chapter.claim("tian2017.eq17")
shifts = torch.stack([torch.eye(6).roll(j, dims=0) for j in range(6)])
orders = torch.tensor([[0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2], [0, 2, 1], [2, 1, 0]])
turns = torch.zeros(5, 4, 4)
for block, speed in ((0, 1), (2, 2)):
    turn = 2 * math.pi * speed * torch.arange(5.0) / 5
    rows = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], dim=-1)
    turns[:, block : block + 2, block : block + 2] = rows.reshape(5, 2, 2)
no_group = torch.linalg.qr(torch.randn(6, 6, 6, generator=generator)).Q
no_group[0] = torch.eye(6)


def compare(P):
    w, w_star = torch.randn(2, P.shape[1], generator=generator)
    W, W_star = P @ w, P @ w_star
    gradient = risk_gradient(W, W_star)
    single = gated_mean(w, W).sum(0) - gated_mean(w, W_star).sum(0)
    for _ in range(200):
        W = W - 0.02 * population.gradient(W, W_star)
    return gradient - P @ gradient[0], single - gradient[0], W - P @ W[0]


groups = [compare(P) for P in (shifts, torch.eye(3)[orders], turns)]
broken = compare(no_group)
for k, name in enumerate(("gradients", "one equation", "descent")):
    gaps = torch.cat([gaps[k].flatten() for gaps in groups])
    equation.check(name, measured=gaps, expected=0.0)
    if name != "one equation":
        equation.control("no group", name, measured=broken[k], expected=0.0)

# %% [markdown]
# ## The system in two dimensions
#
# For cyclic shifts and an orthonormal teacher, neuron $j$ has the entry $x$ in place $j$ and $y$
# elsewhere. With $\theta=\angle(w_1,w^*_1)$, $\theta'=\angle(w_1,w^*_2)$, $\phi=\angle(w_1,w_2)$,
# $\alpha=1/\lVert w_1\rVert$, $S=x-1+(K-1)y$ and
# $R=\alpha\sin\theta+(K-1)(\alpha\sin\theta'-\sin\phi)$,
#
# $$\begin{aligned}2\pi\dot x&=-(\pi-\phi)S-\phi(x-1)-\theta+Rx,\\
# 2\pi\dot y&=-(\pi-\phi)S-\phi y-(\theta'-\phi)+Ry.\end{aligned}$$
#
# ## Theorem 7(2): the diagonal
#
# For $x=y$ all students coincide, $\phi=0$, and the system is *linear*: $\dot x=-\frac K2(x-x_s)$
# with the printed $x_s$. All starts on the diagonal converge to it. The full Hessian there, in
# $K^2$ dimensions, has $(K-1)^2$ negative eigenvalues, all equal to
# $-K/(2\pi x_s\sqrt{K-1})$, and $K-1$ zeros: coinciding neurons can exchange norm at no cost.

# %%
diagonal = chapter.claim("tian2017.thm7saddle")
small = [K for K in (2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40) if largest_hessian >= K]
spectra, slopes, lines, ends, counts = {}, [], [], [], []
for K in small:
    x_s = torch.tensor([symmetric.diagonal_saddle(K)])
    W = symmetric.embed(x_s, x_s, K)[0]
    slopes.append(risk_gradient(W, torch.eye(K)).abs().max())
    starts = torch.tensor([1e-3, 0.2, 1.0])
    for rate in symmetric.velocity(starts, starts, K):
        lines.append(rate + K / 2 * (starts - x_s))
    x, y = symmetric.flow(starts, starts, K, 40 / K, 80)
    ends.append(torch.hypot(x[-1] - x_s, y[-1] - x_s))
    hessian = population.hessian(W, torch.eye(K)).reshape(K * K, K * K)
    eigenvalues = spectra[K] = torch.linalg.eigvalsh(hessian)
    counts.append([int((eigenvalues < -1e-8).sum()), int((eigenvalues.abs() <= 1e-8).sum())])
diagonal.check("saddle value", measured=slopes, expected=0.0, n=len(small))
skewed = torch.eye(5) + 0.2 * torch.randn(5, 5, generator=generator)
x_s = torch.tensor([symmetric.diagonal_saddle(5)])
diagonal.control(
    "a teacher that is not orthonormal",
    "saddle value",
    measured=risk_gradient(symmetric.embed(x_s, x_s, 5)[0], skewed),
    expected=0.0,
)
diagonal.check("linear flow", measured=torch.stack(lines), expected=0.0)
diagonal.check("arrival", measured=torch.stack(ends))
for column, name, expected in (
    (0, "negative directions", [(K - 1) ** 2 for K in small]),
    (1, "flat directions", [K - 1 for K in small]),
):
    diagonal.check(name, measured=[count[column] for count in counts], expected=expected)
_ = diagonal.check(
    "escape rate",
    measured=[spectra[K][0] for K in small],
    expected=[-symmetric.saddle_rates(K)[1] for K in small],
)

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.2))
kinds = (("negative", "teacher"), ("zero", "muted"), ("positive", "measured"))
rows = []
for K in (K for K in small if K <= 10):
    for value in torch.unique((spectra[K] / K).mul(1e6).round().div(1e6)).tolist():
        kind = 1 + (value > 1e-6) - (value < -1e-6)
        number = int(((spectra[K] / K - value).abs() < 2e-6).sum())
        rows.append((K, K * value, number))
        axes.plot(K, value, "o", color=COLOURS[kinds[kind][1]])
        if number > 1:
            axes.annotate(f" {number}", (K, value), fontsize=8, va="center")
for kind, colour in kinds:
    axes.plot([], [], "o", color=COLOURS[colour], label=kind)
axes.set(xlabel="width $K$", ylabel="eigenvalue of the Hessian / $K$", xlim=(1.5, 10.8))
axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
chapter.figure(
    "fig-tian2017-thm7-saddle",
    figure,
    caption=r"Eigenvalues of the full Hessian at the saddle, divided by $K$; the small numbers "
    r"are multiplicities. Below zero there is one value, with multiplicity $(K-1)^2$; it "
    r"includes the direction in which $x$ and $y$ separate.",
    alt="Dots for widths two to ten: one negative eigenvalue with multiplicity one, four, nine "
    "and so on, a zero eigenvalue, and positive ones up to one half of the width.",
    data=dict(zip(("width", "eigenvalue", "multiplicity"), zip(*rows, strict=True), strict=True)),
    claims=["tian2017.thm7saddle"],
)

# %% [markdown]
# ## Theorem 7(1): a proof for every width
#
# Let $u=y/x\in[0,1)$. The angles depend on $u$ alone, so at fixed $u$ the system is linear in
# $x$, and
#
# $$\begin{aligned}
# \dot u&=-\frac{(\pi-\phi)(1+(K-1)u)(1-u)}{2\pi}\Bigl(1-\frac{x_1(u)}x\Bigr),\\
# x_1&=\frac{\pi-\theta'-u(\pi-\theta)}{(\pi-\phi)(1+(K-1)u)(1-u)},\\
# \dot x&=\frac{\lvert A(u)\rvert}{2\pi}\bigl(x_2(u)-x\bigr),\\
# x_2&=\frac{\pi-\theta+\cos\theta\,(\sin\theta+(K-1)\sin\theta')}{\lvert A\rvert},
# \end{aligned}$$
#
# with $\lvert A\rvert=(\pi-\phi)(1+(K-1)u)+\phi+(K-1)\sin\phi$. To the right of the curve
# $x=x_1(u)$ the ratio $u$ falls, to its left it grows; the curve $x=x_2(u)$ separates growth of
# $x$ from decay. Everything follows from two inequalities for $0<u\le1$:
#
# **(i)** $x_1(u)<x_2(u)$, where $x_1(1)$ is the limit; and **(ii)** $x_2(u)<1$.
#
# *The region is kept.* On $y=0$ we have $\dot y=\frac14(1-x)\ge0$. On $x=1$, (ii) gives $\dot
# x<0$ for $u>0$. And $x$ stays above the smaller of its start and $\min x_2>0$, away from the
# origin, where the flow is not continuous. Elsewhere the field is $C^1$, so solutions are unique:
# the diagonal is invariant, and no other path reaches it in finite time.
#
# *The limit.* The risk, here $\mathcal R$, decreases along its gradient flow: the $K$ own
# entries move at the rate $\dot x$ and the $K(K-1)$ others at the rate $\dot y$, so
# $\dot{\mathcal R}=-K\dot x^2-K(K-1)\dot y^2$. So the path tends to equilibria. For
# $0<u<1$ an equilibrium needs $x_1=x=x_2$, which (i) forbids; for $u=0$ it needs $x=1$; on the
# diagonal it is the saddle. These are isolated, so the path converges to $(1,0)$ or to the
# saddle. Near the saddle $x\approx x_s=x_2(1)>x_1(1)$ by (i), so $u$ falls there and cannot tend
# to 1. Hence the path converges to $(1,0)$. $\square$
#
# *Proof of (ii).* With $c=\cos\theta$ and $p=(K-1)^{-1/2}$,
#
# $$p^2\lvert A\rvert\,(1-x_2)
# =\bigl[u(\pi-\phi)+\sin\phi-c\sin\theta'\bigr]+p^2(\theta-\sin\theta\cos\theta).$$
#
# The last term is positive. Fix $c$ and let $u$ vary in the bracket:
# $\sin\theta'=\sqrt{1-u^2c^2}$, and $\phi=2\psi$ with $\sqrt2\sin\psi=(1-u)c$. At $u=0$ the
# bracket is $c\sqrt{2-c^2}-c\ge0$. Its derivative is
# $(\pi-\phi)-2\tan\psi\,\bigl(1-(1-u)c^2\bigr)+uc^3/\sin\theta'$. Since $(1-u)c^2\ge2\sin^2\psi$,
# the middle term is at most
# $2\tan\psi\cos2\psi\le2\tan\psi\,(1-\tan^2\psi)\le4/\sqrt{27}<\frac\pi2\le\pi-\phi$. So the
# bracket increases. $\square$ A machine confirms it: ball arithmetic shows, on the whole square
# $0\le c,u\le1$, that the derivative without its last term, which is not negative, is positive.
#
# *Proof of (i), by machine.* The pair $(p,u)$ lies in a square, and $\tan\theta=u/p$: the angle
# $\theta$ is its polar angle. In polar coordinates $(p,u)=\rho(\cos\theta,\sin\theta)$ the
# difference becomes
#
# $$p^3\lvert A\rvert(\pi-\phi)(1+(K-1)u)\,(x_2-x_1)=H(\theta,\rho),$$
#
# and $H$ has no singular point on the *compact* region $0\le\theta\le\frac\pi2$, $0\le p,u\le1$:
# the factor $1-u$ cancels in $x_1$, and the limits $K\to\infty$ ($p=0$), $u\to1$, and both
# together are ordinary points. What remains is the zero at $\theta=0$, that is, at $(1,0)$
# itself. There we certify the derivative in $\theta$, on a rectangle that contains, with each
# point of the region, the segment to $\theta=0$. The certificates show $H\ge\frac32\sin\theta$:
# the first for $\theta\le\frac12$, the second for the rest. They hold for all real $K\ge2$, so no
# width is left out.
#
# *The equalities, by machine.* Exact algebra decides each equality used: the system against
# Equation 8, $\dot u$ and $\dot x$ with their curves, $H$ against $x_2-x_1$, and the two formulas
# of (ii). There $\theta$, $\theta'$, $\phi$, $x$ are variables, $u=\cos\theta'/\cos\theta$ and
# $p=\cos\theta'/\sin\theta$. The lines of code that give $H$ are those that the certificates use.

# %%
theorem = chapter.claim("tian2017.thm7")


def decide(weight):
    start = time.perf_counter()
    holds = symmetric.reduction_identities(weight)
    seconds = time.perf_counter() - start
    return holds, SimpleNamespace(proved=all(holds.values()), boxes=0, seconds=seconds)


certificates = symmetric.certify_separation()
names = ("two curves, small angles", "two curves, large angles")
for name, certificate in zip(names, certificates, strict=True):
    theorem.check(name, certificate=certificate)
too_much = symmetric.certify_separation(margin=Fraction(2), max_boxes=2000)
for name, certificate in zip(names, too_much, strict=True):
    theorem.control("the constant 2 in place of 3/2", name, certificate=certificate)
below_one = symmetric.certify_below_one()
theorem.check("below one, all widths", certificate=below_one)
steep = symmetric.certify_below_one(margin=Fraction(3, 2))
theorem.control("slope above 3/2", "below one, all widths", certificate=steep)
identities, outcome = decide(weight=1)
theorem.check("reduction in exact algebra", certificate=outcome)
_, altered = decide(weight=2)
theorem.control(
    "$2p^2\\phi$ for $p^2\\phi$ in $H$", "reduction in exact algebra", certificate=altered
)
theorem.note = (
    "By machine: the equalities from Eq. 8 to $H$ and the inequalities (i) and (ii), for all $K$. "
    "By hand: the limit argument (invariance, gradient flow, exclusion of the saddle)."
)
chapter.number("identities", len(identities), ".0f", tolerance=0.0)
chapter.number("boxes_below_one", below_one.boxes, ".0f", tolerance=0.0)
chapter.number("boxes", sum(c.boxes for c in certificates), ".0f", tolerance=0.0)
chapter.number("seconds", sum(c.seconds for c in certificates), ".1f")

u = torch.linspace(0, 1, 201)[1:]
gaps, below, scaled = [], [], {}
for K in [*widths, 10_000]:
    x_1, x_2 = symmetric.nullclines(u, K)
    below.append((1 - x_2).min())
    p, theta = (K - 1) ** -0.5, torch.atan(math.sqrt(K - 1) * u)
    phi = 2 * torch.asin((1 - u) * theta.cos() / math.sqrt(2))
    slope = (math.pi - phi) * (1 + (K - 1) * u)
    size = slope + phi + (K - 1) * phi.sin()
    values = zip(theta.tolist(), (p**2 + u**2).sqrt().tolist(), strict=True)
    H = torch.tensor([float(symmetric.separation(arb(t), arb(rho)).mid()) for t, rho in values])
    scaled[K] = H / theta.sin()
    gaps.append(H - p**3 * size * slope * (x_2 - x_1))
    x = 0.05 + torch.rand(len(u), generator=generator)
    x_rate, y_rate = symmetric.velocity(x, u * x, K)
    gaps.append((x_rate - size * (x_2 - x) / (2 * math.pi)) / K)
    ratio_rate = slope * (1 - u) * (1 - x_1 / x) / (2 * math.pi)
    gaps.append(((y_rate - u * x_rate) / x + ratio_rate) / K)
theorem.check("reduction", measured=torch.cat(gaps), expected=0.0)
theorem.check("below one", measured=below)
differences = []
for K in (2, 3, 5, 10, 20):
    x, y = torch.rand(2, 20, generator=generator)
    full = population.gradient(symmetric.embed(x, y, K), torch.eye(K))
    differences.append(full + symmetric.embed(*symmetric.velocity(x, y, K), K))
_ = theorem.check(
    "all neurons", measured=torch.cat([d.flatten() for d in differences]), expected=0.0
)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2))
drawn = [K for K in scaled if K in (2, 5, 10, 50, 10_000)]
colours = ("measured", "student", "teacher", "control", "bound")
for K, colour in zip(drawn, colours, strict=False):
    axes[0].plot(u, scaled[K], color=COLOURS[colour], label=f"$K={K:,}$".replace(",", r"\,"))
axes[0].axhline(1.5, color="black", linestyle="--", linewidth=1)
axes[0].annotate("certified bound 3/2", (0.45, 0.35))
axes[0].set(xlabel="ratio $u=y/x$", ylabel=r"$H/\sin\theta$", ylim=(0, None))
axes[0].legend()
x_1, x_2 = symmetric.nullclines(torch.linspace(0, 1, 200), 5)
ratio = torch.linspace(0, 1, 200)
axes[1].plot(x_1, ratio * x_1, color=COLOURS["student"], label=r"$\dot u=0$, $x=x_1(u)$")
axes[1].plot(x_2, ratio * x_2, color=COLOURS["measured"], label=r"$\dot x=0$, $x=x_2(u)$")
axes[1].plot([0, 0.45], [0, 0.45], color=COLOURS["muted"], linewidth=0.8)
starts = torch.tensor([[1e-3, 0.0], [1.0, 0.4], [0.6, 0.05], [0.3, 0.29]])
path = symmetric.flow(*starts.T, 5, 12.0, 200)
axes[1].plot(*path, color=COLOURS["second"], linewidth=1)
axes[1].plot(1, 0, "*", color=COLOURS["teacher"], markersize=11, clip_on=False)
axes[1].plot(*[symmetric.diagonal_saddle(5)] * 2, "o", color="black")
axes[1].set(xlabel="own entry $x$", ylabel="other entries $y$", xlim=(0, 1.05), ylim=(0, 0.45))
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside upper right", ncols=2)
chapter.figure(
    "fig-tian2017-thm7-curves",
    figure,
    caption=r"Left: $H/\sin\theta$ for five widths, up to $K=10\,000$, above the constant that "
    r"the certificates prove for all $K\ge2$. Right: the two curves for $K=5$. They meet "
    r"at the teacher (star) only. Left of the green curve $y/x$ grows, right of it $y/x$ "
    r"falls; paths (light blue) therefore end at the teacher. The blue curve ends at the "
    r"saddle (dot), the green one below it.",
    alt="Left: curves above a dashed line at three halves. Right: two curves in the plane that "
    "start together at the point one zero and separate; the green one stays closer to the "
    "origin; four paths lead to the star.",
    data={
        "width": [K for K in scaled for _ in u],
        "u": u.repeat(len(scaled)),
        "separation": torch.cat(list(scaled.values())),
    },
    claims=["tian2017.thm7"],
)

# %% [markdown]
# {number}`boxes` boxes are enough for (i), in {number}`seconds` seconds, and
# {number}`boxes_below_one` for (ii); all {number}`identities` equalities hold. Apart from the
# proof, we also follow the flow from a grid of starts in $\Omega$, and from starts $10^{-6}$
# beside the diagonal. The control starts on the other side of the diagonal.

# %%
side = torch.linspace(0, 1, grid)
x, y = torch.meshgrid(side, side, indexing="ij")
beside = torch.linspace(0.05, 1, grid)
x, y = torch.cat([x[x > y], beside]), torch.cat([y[x > y], beside - 1e-6])
distances = []
for K in widths:
    x_path, y_path = symmetric.flow(x, y, K, 200 / K, 250)
    distances.append(torch.hypot(x_path[-1] - 1, y_path[-1]))
theorem.check("grid of starts", measured=torch.stack(distances), n=len(widths) * len(x))
x_path, y_path = symmetric.flow(y, x, 6, 200 / 6, 250)
away = torch.hypot(x_path[-1] - 1, y_path[-1])
theorem.control("starts with $x<y$, $K=6$", "grid of starts", measured=away)
_ = chapter.number("starts", len(widths) * len(x), ",.0f")

# %% [markdown]
# All {number}`starts` starts arrive.
#
# ## Figure 8: field, detour, training curves
#
# The authors' settings: gradient descent with $\eta=0.01$, 1000 steps, from $(10^{-3},0)$, for
# $K=2,5,10$. (Part of the caption of (a, b) is lost in our copy of the text; we take $K=2$ and
# $K=5$.) The start points straight at the teacher, yet $y$ grows at first: it lies left of the
# curve $\dot u=0$. While all neurons explain the same part of the target they move together
# towards the saddle; then they specialise, and $y$ falls.

# %%
figure_eight = chapter.claim("tian2017.fig8")
arrows = torch.linspace(0.025, 0.975, 20)
feet = torch.stack(torch.meshgrid(arrows, arrows, indexing="xy")).flatten(1)
feet = feet[:, feet[0] > feet[1] + 1e-9]
ends = [symmetric.flow(*feet, K, 120 / K, 160) for K in (2, 5)]
figure_eight.check(
    "field leads to the teacher",
    measured=torch.stack([torch.hypot(x[-1] - 1, y[-1]) for x, y in ends]),
    n=2 * feet.shape[1],
)


def downturns(y):
    signs = y.diff().sign()
    return int(((signs[:-1] > 0) & (signs[1:] < 0)).sum())


def path_from(x, y, K):
    x, y = symmetric.descend(torch.tensor([x]), torch.tensor([y]), K, 0.01, 1000)
    return x[:, 0], y[:, 0]


paths = {K: path_from(1e-3, 0.0, K) for K in shown}
figure_eight.check("x grows", measured=torch.stack([x.diff().min() for x, _ in paths.values()]))
turns = [downturns(y) for _, y in paths.values()]
figure_eight.check("detour", measured=turns, expected=1)
figure_eight.control(
    "a start at $(0.9, 0.5)$, $K=2$",
    "detour",
    measured=downturns(path_from(0.9, 0.5, 2)[1]),
    expected=1,
)
errors = {K: torch.sqrt((x - 1) ** 2 + (K - 1) * y**2) for K, (x, y) in paths.items()}
steps = {K: int((error > 0.1).sum()) for K, error in errors.items()}
pairs = [(2, 5), (5, 10)]
figure_eight.check("faster with width", measured=[steps[a] / steps[b] for a, b in pairs])
figure_eight.control(
    "time in units of $1/K$",
    "faster with width",
    measured=[a * steps[a] / (b * steps[b]) for a, b in pairs],
)
for K, (_, y) in paths.items():
    chapter.number(f"detour_{K}", y.max(), ".3f", tolerance=1e-9)
    chapter.number(f"steps_{K}", steps[K], ".0f", tolerance=0.0)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.5), sharey=True)
table = []
for panel, K in zip(axes, (2, 5), strict=True):
    x_rate, y_rate = symmetric.velocity(*feet, K)
    length = torch.hypot(x_rate, y_rate)
    panel.quiver(
        *feet, x_rate / length, y_rate / length, length, cmap="cividis_r", scale=28, width=0.004
    )
    x_1, x_2 = symmetric.nullclines(ratio, K)
    panel.plot(x_1, ratio * x_1, color=COLOURS["student"], label=r"$\dot u=0$")
    panel.plot(x_2, ratio * x_2, color=COLOURS["measured"], label=r"$\dot x=0$")
    panel.plot(*paths[K], color=COLOURS["teacher"], label=r"path from $(10^{-3},0)$")
    panel.plot(1, 0, "*", color=COLOURS["teacher"], markersize=11, clip_on=False)
    panel.plot(*[symmetric.diagonal_saddle(K)] * 2, "o", color="black")
    panel.set(
        xlabel="own entry $x$", ylabel="other entries $y$" if K == 2 else "", title=f"$K={K}$"
    )
    panel.set(xlim=(0, 1.04), ylim=(0, 1), aspect="equal")
    columns = (feet[0], feet[1], x_rate, y_rate)
    table += [(K, *map(float, row)) for row in zip(*columns, strict=True)]
axes[0].legend(loc="upper left")
names = ("width", "x", "y", "x_rate", "y_rate")
chapter.figure(
    "fig-tian2017-fig8-field",
    figure,
    caption=r"Counterpart of Figure 8(a, b): direction of the flow on $\Omega$ (darker is "
    r"faster), with the saddle (dot), the teacher (star), the two curves of the proof, "
    r"and the path of Figure 8(c).",
    alt="Two triangular fields of arrows below the diagonal, first towards the saddle on the "
    "diagonal, then down to the star at one; the path from the origin follows the diagonal "
    "and bends to the star.",
    data=dict(zip(names, zip(*table, strict=True), strict=True)),
    claims=["tian2017.fig8", "tian2017.thm7"],
)

figure, axes = plt.subplots(1, 3, figsize=(7.4, 2.9), width_ratios=(1.2, 1, 1))
for K, colour in shown.items():
    axes[0].plot(*paths[K], color=COLOURS[colour], label=f"$K={K}$")
    axes[0].plot(*[symmetric.diagonal_saddle(K)] * 2, "o", color=COLOURS[colour])
    axes[1].semilogy(torch.arange(1001), errors[K], color=COLOURS[colour])
    axes[2].semilogy(0.01 * K * torch.arange(1001), errors[K], color=COLOURS[colour])
axes[0].plot(1, 0, "*", color="black", markersize=10, clip_on=False)
axes[0].set(xlabel="own entry $x$", ylabel="other entries $y$", ylim=(0, 0.6))
axes[0].legend(loc="upper right")
axes[1].set(xlabel=r"iteration $\tau$", ylabel=r"error $\Vert w_1-w^*_1\Vert$", ylim=(1e-6, 2))
axes[2].set(xlabel=r"rescaled time $K\eta\tau$", ylim=(1e-6, 2), xlim=(0, 50))
axes[2].tick_params(labelleft=False)
axes[1].set_xticks([0, 500, 1000])
chapter.figure(
    "fig-tian2017-fig8-paths",
    figure,
    caption=r"Counterpart of Figure 8(c, d). Left: the detour, with each width's saddle (dots). "
    r"Middle: per iteration, larger $K$ is faster, as in the paper. Right: the same "
    r"errors against $K\eta\tau$; the order is gone. The rates of the flow grow about like "
    r"$K$, and so does the inverse of the largest stable step.",
    alt="Left: three arcs from the origin to the star, the highest for width two. Middle: three "
    "error curves, width ten falls fastest. Right: in rescaled time the three curves nearly "
    "coincide.",
    data={
        "width": [K for K in shown for _ in range(1001)],
        "iteration": list(range(1001)) * len(shown),
        "x": torch.cat([paths[K][0] for K in shown]),
        "y": torch.cat([paths[K][1] for K in shown]),
        "error": torch.cat([errors[K] for K in shown]),
    },
    claims=["tian2017.fig8"],
)

# %% [markdown]
# The largest $y$ is {number}`detour_2`, {number}`detour_5` and {number}`detour_10` for
# $K=2,5,10$. The error falls below $0.1$ after {number}`steps_2`, {number}`steps_5` and
# {number}`steps_10` steps. "Faster with larger $K$" is true at a fixed step; it is a matter of
# the unit of time, not of an easier problem.
#
# **Beside the paper** (Figure 8).
#
# - *Paper:* (a, b) the field on $\Omega$ leads to $(1,0)$. *Here:* yes, from the foot of every
#   arrow; which $K$ the paper draws is lost.
# - *Paper:* (c) a detour: $x$ and $y$ grow together, then $y$ falls. *Here:* yes, for all three
#   widths.
# - *Paper:* (d) the larger $K$, the faster. *Here:* yes per iteration, no in the time $K\eta\tau$.
#
# ## Figure 6: symmetry and its breaking
#
# The risk is invariant under permutations of the coordinates, as the teacher's neurons are
# permuted among themselves. Its minimiser, as a list of neurons, is not: each permutation gives
# another one. For $K=2$ the permutation acts on the plane of $(x,y)$ as the reflection in the
# diagonal, and two starts on either side of it end at different minimisers.

# %%
drawing = chapter.claim("tian2017.fig6")
order = torch.tensor([1, 2, 3, 4, 0])
W = torch.randn(20, 5, 5, generator=generator)
eye, uneven = torch.eye(5), torch.diag(torch.arange(1.0, 6.0))
before, after = population.risk(W, eye), population.risk(W[..., order], eye)
drawing.check("symmetric risk", measured=after, expected=before)
drawing.control(
    "teacher neurons of different norms",
    "symmetric risk",
    measured=population.risk(W[..., order], uneven),
    expected=population.risk(W, uneven),
)
field = risk_gradient(W, eye)[..., order]
drawing.check("symmetric field", measured=risk_gradient(W[..., order], eye), expected=field)
drawing.check("another minimiser", measured=population.risk(eye[:, order], eye), expected=0.0)
drawing.check("solutions differ", measured=(eye[:, order] - eye).norm())
side = symmetric.diagonal_saddle(2) + torch.tensor([5e-7, -5e-7])
x_path, y_path = symmetric.flow(side, side.flip(0), 2, 60.0, 160)
measured = torch.stack([x_path[-1], y_path[-1]])
_ = drawing.check("two limits", measured=measured, expected=torch.eye(2))

# %% tags=["hide-input"]
a, b = torch.meshgrid(torch.linspace(-0.1, 1.2, 66), torch.linspace(-0.1, 1.2, 66), indexing="xy")
plane = population.risk(symmetric.embed(a, b, 2), torch.eye(2))
hat_a, hat_b = np.meshgrid(np.linspace(-1.5, 1.5, 61), np.linspace(-1.5, 1.5, 61))
hat = (hat_a**2 + hat_b**2 - 1) ** 2
figure, axes = plt.subplots(1, 2, figsize=(7.0, 3.4))
axes[0].contour(a, b, plane, levels=np.geomspace(2e-3, 1.5, 12), cmap="cividis", linewidths=0.9)
axes[0].plot([-0.1, 1.2], [-0.1, 1.2], color=COLOURS["muted"], linestyle="--", linewidth=1)
for k, colour in enumerate(("measured", "student")):
    axes[0].plot(x_path[:, k], y_path[:, k], color=COLOURS[colour])
axes[0].plot([1, 0], [0, 1], "*", color=COLOURS["teacher"], markersize=11)
axes[0].plot(*[symmetric.diagonal_saddle(2)] * 2, "o", color="black")
axes[0].set(xlabel="own entry $x$", ylabel="other entry $y$", title="$K=2$", aspect="equal")
axes[1].contour(hat_a, hat_b, hat, levels=np.geomspace(1e-2, 8, 10), cmap="cividis", linewidths=0.9)
axes[1].plot(np.cos(circle := np.linspace(0, 7, 200)), np.sin(circle), color=COLOURS["teacher"])
axes[1].plot([1, 0], [0, 1], "*", color=COLOURS["teacher"], markersize=11)
axes[1].set(xlabel="first coordinate", ylabel="second coordinate", title="Mexican hat")
axes[1].set_aspect("equal")
chapter.figure(
    "fig-tian2017-fig6",
    figure,
    caption=r"Counterpart of Figure 6. Left: the risk for $K=2$ in the plane of symmetric "
    r"students is a mirror image of itself. Two paths that start $10^{-6}$ on either side "
    r"of the diagonal leave the saddle (dot) for different minimisers (stars). Right: a "
    r"function with rotational symmetry; each minimiser is one point of a circle.",
    alt="Left: contour lines symmetric about the diagonal, two paths from the saddle to the stars "
    "at one zero and zero one. Right: circular contour lines around a ring of minimisers.",
    data={"x": a.flatten(), "y": b.flatten(), "risk": plane.flatten()},
    claims=["tian2017.fig6"],
)

# %% [markdown]
# ## Where it stops being true: $x<y$
#
# For $K=2$ the half $x<y$ is the mirror image of the theorem: paths end at the swapped teacher,
# $(0,1)$. For $K\ge3$ it is not. If $y>x$, each student has the *least* of its own teacher and
# equal parts of all others, and no permutation of the students puts that right: the diagonal is
# invariant, so the path keeps $x\le y$, while for $K\ge3$ a student of unit vectors has $y=0$ and
# $x=1$. The paths that we follow, four for each of several widths, all end at another critical
# point, near $(\frac2K-1,\frac2K)$. For $K=3,4,5$ it is a saddle of the full risk, which symmetric
# paths cannot leave. From $K=6$ to {number}`largest_width`, the largest width of this run, it is a
# **strict local minimum** with positive risk: all eigenvalues of the full Hessian are positive.

# %% tags=["hide-input"]
lower = {K: symmetric.lower_critical_point(K) for K in range(3, largest_hessian + 1)}
smallest, risks = {}, {}
for K, point in lower.items():
    W = symmetric.embed(*(torch.tensor([entry]) for entry in point), K)[0]
    hessian = population.hessian(W, torch.eye(K)).reshape(K * K, K * K)
    smallest[K] = float(torch.linalg.eigvalsh(hessian)[0])
    risks[K] = float(population.risk(W, torch.eye(K)))
chapter.number("first_minimum", min(K for K in lower if smallest[K] > 0), ".0f", tolerance=0.0)
chapter.number("risk_6", risks[6], ".4f", tolerance=1e-8)
chapter.number("curvature_6", smallest[6], ".4f", tolerance=1e-5)
starts = torch.tensor([[0.05, 0.3], [0.0, 1.0], [0.5, 0.55], [0.9, 1.0]])
x_path, y_path = symmetric.flow(*starts.T, 6, 60.0, 450)
followed = [K for K in (3, 4, 5, 6, 10, 20, 40) if K in lower]
landed = []
for K in followed:
    x_end, y_end = symmetric.flow(*starts.T, K, 200 / K, 120)
    landed.append(torch.hypot(x_end[-1] - lower[K][0], y_end[-1] - lower[K][1]).max())
chapter.number("landing_gap", max(landed), ".0e")
chapter.number("widths_followed", len(followed), ".0f", tolerance=0.0)
chapter.number("largest_width", largest_hessian, ".0f", tolerance=0.0)
step_limit = {K: symmetric.descend(*torch.tensor([[0.5], [0.1]]), K, 0.01, 100) for K in (200, 500)}
for K, (x_end, y_end) in step_limit.items():
    chapter.number(f"descent_{K}", torch.hypot(x_end[-1] - 1, y_end[-1]), ".0e")

figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2))
a, b = torch.meshgrid(torch.linspace(-0.9, 1.2, 64), torch.linspace(-0.1, 1.1, 49), indexing="xy")
plane = population.risk(symmetric.embed(a, b, 6), torch.eye(6))
axes[0].contour(a, b, plane, levels=np.geomspace(0.03, 30, 14), cmap="cividis", linewidths=0.9)
axes[0].plot([-0.1, 1.1], [-0.1, 1.1], color=COLOURS["muted"], linestyle="--", linewidth=1)
axes[0].plot(x_path, y_path, color=COLOURS["student"], linewidth=1.3)
axes[0].plot(*lower[6], "s", color=COLOURS["control"], label="local minimum")
axes[0].plot(1, 0, "*", color=COLOURS["teacher"], markersize=11, label="teacher")
axes[0].plot(*[symmetric.diagonal_saddle(6)] * 2, "o", color="black", label="saddle")
axes[0].set(xlabel="own entry $x$", ylabel="other entries $y$")
axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1)
axes[1].axhline(0, color="black", linewidth=0.8)
axes[1].plot(list(smallest), list(smallest.values()), "o-", color=COLOURS["control"])
axes[1].set(xlabel="width $K$", ylabel="smallest eigenvalue of the Hessian")
axes[1].set_xticks([3, 6, 10, 15, 20])
chapter.figure(
    "fig-tian2017-thm7-lower-half",
    figure,
    caption=r"The half $x<y$. Left: for $K=6$, paths (green) from above the diagonal end in a "
    r"local minimum (square) of positive risk. Right: the smallest eigenvalue of the full "
    r"Hessian at this point becomes positive at $K=6$.",
    alt="Left: contour lines with four paths above the diagonal that end in a square left of the "
    "axis. Right: the smallest eigenvalue rises from negative values and is positive from "
    "width six to the largest width.",
    data={
        "width": list(lower),
        "x": [point[0] for point in lower.values()],
        "y": [point[1] for point in lower.values()],
        "risk": list(risks.values()),
        "smallest_eigenvalue": list(smallest.values()),
    },
    claims=["tian2017.thm7"],
)

# %% [markdown]
# At $K=6$ the risk there is {number}`risk_6`, and the smallest eigenvalue of the Hessian is
# {number}`curvature_6`. The first width with a minimum is {number}`first_minimum`. At all
# {number}`widths_followed` widths that we follow, the paths end within {number}`landing_gap` of the
# point. So the condition $x_0>y_0$ of Theorem 7 cannot be weakened to
# $x_0\ne y_0$ for $K\ge3$; that needs no measurement, as the argument above shows.
#
# Three more limits.
#
# - **The step.** The theorem is about the flow (Eq. 15, $\eta\to0$). At the step $\eta=0.01$ of
#   Figure 8 it carries over for moderate widths only, as the flow has rates up to about $K/2$ and
#   a step is stable if it is below 2 over the rate. After 100 steps from $(0.5,0.1)$ the distance
#   to $(1,0)$ is {number}`descent_200` for $K=200$, but {number}`descent_500` for $K=500$, and it
#   keeps growing.
# - **The plane.** Noise that leaves the symmetric plane is the subject of Conjecture 2.
# - **The machine.** It decides the equalities and the two inequalities, for every width $K\ge2$
#   and the whole of $\Omega$. The argument with limits is by hand: invariance, gradient flow,
#   exclusion of the saddle.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-symmetric-escape
# A path starts at $(x_s+\delta,\,x_s-\delta)$. About how long does it stay near the saddle? How
# does this time depend on $K$ for large $K$?
# ```
#
# ```{solution} exercise-symmetric-escape
# :class: dropdown
# The difference $x-y$ grows like $e^{\lambda t}$ with $\lambda=K/(2\pi x_s\sqrt{K-1})$, so the
# time is about $\lambda^{-1}\log(1/\delta)$. For large $K$, $x_s\approx1/(\pi\sqrt K)$ and
# $\lambda\approx K/2$: the time falls like $2K^{-1}\log(1/\delta)$.
# ```
