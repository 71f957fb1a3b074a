# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One neuron finds its teacher
#
# One ReLU neuron $w$ learns one ReLU neuron $w^*$ from Gaussian inputs. The risk is not convex,
# and its gradient jumps at the origin. {cite:t}`tian2017` proves convergence from a ball around
# the teacher by a Lyapunov function, and asks how often a random start falls into that ball. Both
# theorems are true, and much more is true: the Lyapunov function decreases *everywhere*, at a
# rate that we can name, and every start converges but those exactly opposite to the teacher. What
# does not hold is the link to initialisation in practice.
#
# ```{claim} tian2017.thm5
# ```
#
# ```{claim} tian2017.thm6
# ```
#
# ```{claim} tian2017.thm6practice
# ```
#
# ```{claim} tian2017.fig5
# ```
#
# ```{claim} tian2017.eq16
# ```
#
# **What would count against them.** A point of the ball where $V$ does not decrease; a start in
# the ball that does not arrive; a dimension and an $\varepsilon$ for which fewer than
# $(1-\varepsilon)/2$ of the starts succeed; a risk that grows along its own gradient flow.

# %% tags=["parameters", "hide-input"]
seed: int = 3  # seed of all random numbers; 0..4294967295
n_draws: int = 100_000  # points drawn from each ball; 1_000..10_000_000; paper 1_000_000
n_starts: int = 1_000  # starts that the flow follows, for each ball; 100..100_000; paper 20_000
dimensions: list[int] = [
    2,
    5,
    10,
    50,
]  # dimensions d; 2..1000; paper [2, 5, 10, 50, 200]
# memory: 1e9 + 20 * n_draws * max(dimensions) bytes
# time: 8 + len(dimensions) * (1.2e-8 * n_draws * max(dimensions) + 1e-3 * n_starts) seconds

# %% tags=["hide-input"]
import math
from fractions import Fraction
from time import perf_counter
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import torch

from companion import open_chapter
from companion.figures import COLOURS
from companion.verdicts import proportion_interval
from shallow_relu import one_neuron, population
from shallow_relu.intervals import slope_interval
from shallow_relu.one_neuron import lyapunov, lyapunov_decrease, probability_in_region

chapter = open_chapter("teacher_student/one_neuron_convergence", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)

# %% [markdown]
# ## Why the distance to the teacher decreases
#
# Measure lengths in units of $\lVert w^*\rVert$. The flow stays in the plane of $w$ and $w^*$, so
# the norm $r$ and the angle $\theta=\angle(w,w^*)$ describe it:
#
# $$\dot r=\tfrac12\Bigl(\frac{h(\theta)}\pi-r\Bigr),\qquad
# \dot\theta=-\frac{(\pi-\theta)\sin\theta}{2\pi r}.$$
#
# **One line for all $w$.** Write $a=w\cdot x$, $b=w^*\cdot x$ and $b^+=\sigma(b)$. The gradient
# is $\mathbb E[\mathbf 1\{a>0\}(a-b^+)\,x]$, and $V=\frac12\lVert w-w^*\rVert^2$, so
#
# $$-\dot V=\mathbb E\bigl[\mathbf 1\{a>0\}\,(a-b)(a-b^+)\bigr].$$
#
# For $b\ge0$ the product is $(a-b)^2$; for $b<0$ it is $a^2+a\lvert b\rvert$. It is never
# negative, and the mean vanishes only if $w=w^*$. So $\dot V<0$ everywhere except at $0$ and at
# $w^*$, and not only in the ball.
#
# **The rate.** The mean has the closed form
#
# $$-\dot V=V-\frac1{2\pi}\bigl[r(\sin\theta-\theta\cos\theta)+\theta-\sin\theta\cos\theta\bigr],$$
#
# with both parts of the bracket at least 0. Hence $-\dot V\le V$. In $\Omega$ also $-\dot
# V\ge\frac12V$, because
#
# $$\begin{aligned}
# 4\pi\bigl(-\dot V-\tfrac12V\bigr)&=\pi\Bigl(r-\frac{h(\theta)}\pi\Bigr)^2+D(\theta),\\
# D(\theta)&=\pi-2\theta+\sin2\theta-\frac{h(\theta)^2}\pi.
# \end{aligned}$$
#
# 1. *Angles up to 1.4.* $D(0)=D'(0)=0$ and $D''>0$ on $[0,\frac14]$, so $D>0$ on $(0,\frac14]$;
#    and $D>0$ on $[\frac14,1.4]$. At $\theta=0$ the square is positive unless $w=w^*$.
# 2. *Angles from 1.38 to $\frac\pi2$.* There $D$ becomes negative. But $\Omega$ is
#    $r<2\cos\theta$, and $h>2\pi\cos\theta$ says that the worst norm $h/\pi$ lies beyond. So the
#    left side decreases in $r$, and at the end $r=2\cos\theta$ it is
#    $4\theta\cos^2\theta+(\pi-2\theta)-\sin(\pi-2\theta)>0$.
#
# Three inequalities in one variable remain, and ball arithmetic proves them. Exact algebra decides
# the equalities, from Equation 6 on; as a control we ask for the rate $\frac13$. Since $V(t)\le
# V(0)\,e^{-t/2}$, the flow cannot leave $\Omega$ and converges to $w^*$.

# %% tags=["hide-input"]
theorem_five = chapter.claim("tian2017.thm5")
certificates = one_neuron.certify_half_rate()
names = ("small angles", "middle angles", "large angles")
for name, certificate in zip(names, certificates, strict=True):
    theorem_five.check(name, certificate=certificate)
beyond = one_neuron.certify_half_rate(last_angle=Fraction(157, 100))[1]
theorem_five.control("the half-plane in place of the ball", "middle angles", certificate=beyond)
chapter.number("boxes", sum(c.boxes for c in certificates), ".0f", tolerance=0.0)


def decide(rate):
    start = perf_counter()
    holds = one_neuron.half_rate_identities(rate)
    seconds = perf_counter() - start
    return holds, SimpleNamespace(proved=all(holds.values()), boxes=0, seconds=seconds)


identities, outcome = decide(Fraction(1, 2))
theorem_five.check("identities", certificate=outcome)
_, altered = decide(Fraction(1, 3))
theorem_five.control("the rate 1/3 in place of 1/2", "identities", certificate=altered)
chapter.number("identities", len(identities), ".0f", tolerance=0.0)

r = 3 * torch.rand(300, generator=generator) + 1e-3
theta = math.pi * torch.rand(300, generator=generator)
pairs = zip(r.tolist(), theta.tolist(), strict=True)
integral = [one_neuron.lyapunov_decrease_by_integration(*pair) for pair in pairs]
theorem_five.check("expectation", measured=lyapunov_decrease(r, theta), expected=integral)
everywhere = lyapunov_decrease(
    torch.logspace(-3, 1, 400)[:, None], torch.linspace(0.01, math.pi, 400)
)
theorem_five.check("decrease everywhere", measured=everywhere.min(), n=everywhere.numel())

# A grid of the ball: share of the largest norm, and angle.
theta = torch.linspace(0, math.pi / 2, 802)[:-1]
norms = 2 * theta.cos() * torch.linspace(0, 1, 401)[1:-1, None]
theta = theta.expand_as(norms)
away = lyapunov(norms, theta) > 1e-6
rate = lyapunov_decrease(norms, theta)[away] / lyapunov(norms, theta)[away]
theorem_five.check("rate in the ball", measured=rate.min(), n=rate.numel())
corner = torch.tensor([1e-6, math.pi / 2 - 1e-6])
sharp = lyapunov_decrease(*corner) / lyapunov(*corner)
theorem_five.check("rate is sharp", measured=sharp, expected=0.5)
chapter.number("slowest_rate", rate.min(), ".6f", tolerance=1e-6)

r, theta = norms.flatten()[::97], theta.flatten()[::97]
r_end, theta_end, _ = one_neuron.flow(r, theta, 0.4, 300)
theorem_five.check("arrival", measured=(2 * lyapunov(r_end, theta_end)).sqrt(), n=len(r))
r_end, theta_end, _ = one_neuron.flow(torch.tensor([0.5]), torch.tensor([math.pi]), 0.4, 300)
_ = theorem_five.control(
    "a start opposite to the teacher",
    "arrival",
    measured=(2 * lyapunov(r_end, theta_end)).sqrt(),
)

# %% [markdown]
# {number}`boxes` boxes are enough, and all {number}`identities` equalities hold. The rate
# $\frac12$ is sharp: it is approached, and not reached, at the boundary of $\Omega$ near the
# origin (smallest rate on the grid: {number}`slowest_rate`). Near the teacher the rate is 1.

# %% tags=["hide-input"]
x, y = torch.meshgrid(torch.linspace(-1.2, 2.4, 145), torch.linspace(0, 1.6, 65), indexing="xy")
r, theta = torch.hypot(x, y), torch.atan2(y, x)
rate = lyapunov_decrease(r, theta) / lyapunov(r, theta)
rate[lyapunov(r, theta) < 1e-9] = 1.0
figure, axes = plt.subplots(figsize=(6.4, 3.4))
levels = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
shade = axes.contourf(x, y, rate.clamp(0, 1), levels=levels, cmap="cividis")
axes.contour(x, y, rate, levels=[0.5], colors="white", linewidths=1.2)
circle = np.linspace(0, math.pi, 200)
axes.plot(1 + np.cos(circle), np.sin(circle), color=COLOURS["bound"], label=r"boundary of $\Omega$")
axes.plot(1, 0, "*", color=COLOURS["teacher"], markersize=11, label="teacher $w^*$", clip_on=False)
axes.plot(0, 0, "o", color="white", markeredgecolor="black", label="origin", clip_on=False)
axes.set(xlabel=r"part of $w$ along $w^*$, $r\cos\theta$", ylabel=r"part across, $r\sin\theta$")
axes.set_aspect("equal")
axes.grid(False)
axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=3)
figure.colorbar(
    shade, ax=axes, shrink=0.75, label=r"rate $-\dot V/V$", ticks=[0, 0.25, 0.5, 0.75, 1]
)
chapter.figure(
    "fig-tian2017-thm5-rate",
    figure,
    caption=r"The relative rate $-\dot V/V$ in the plane of $w$ and $w^*$. White: the rate "
    r"$\frac12$. It touches the ball $\Omega$ (orange) at the origin only. Outside of the ball the "
    r"rate is smaller but still positive, down to 0 where $w$ is small and opposite to $w^*$.",
    alt="Half-plane shaded by the rate: near one around the teacher, a white line of rate one "
    "half that meets the semicircle of the ball at the origin, and dark, small rates left of "
    "the origin.",
    data={"along": x.flatten(), "across": y.flatten(), "rate": rate.flatten()},
    claims=["tian2017.thm5"],
)

# %% [markdown]
# ## Outside of the ball
#
# The angle never grows: $\dot\theta<0$ unless $\theta\in\{0,\pi\}$. So $h(\theta)\ge
# h(\theta_0)>0$, and the equation for $r$ keeps the norm between $\min(r_0,h(\theta_0)/\pi)$ and
# $\max(r_0,1)$. Then $\theta\to0$, and $r\to h(0)/\pi=1$. Hence **every start converges to $w^*$
# except those at $\theta=\pi$ exactly**, which collapse to the origin. The approach to
# $\theta=\pi$ costs little: with $\delta=\pi-\theta$ we have $\dot\delta\approx\delta^2/(2\pi r)$
# while $r\approx r_0e^{-t/2}$, so the delay grows only like $2\log(1/\delta_0)$.

# %% tags=["hide-input"]
gaps = torch.logspace(-1.5, math.log10(3.0), 16)
# In the time s of `flow` the angle needs about 2 pi / gap to turn away from pi.
r, theta, arrival_times = torch.ones(16), math.pi - gaps, torch.zeros(16)
while (late := lyapunov(r, theta) > 1e-6).any():
    r, theta, lap = one_neuron.flow(r, theta, 0.2, 1)
    arrival_times += torch.where(late, lap, 0)
slope, low, high = slope_interval((1 / gaps[:6]).log().tolist(), arrival_times[:6].tolist())
chapter.number("delay_slope", slope, ".2f", tolerance=1e-3)

starts = [(1.0, 3.05), (1.5, 2.6), (0.7, 2.2), (2.0, 1.5), (0.2, 2.8), (0.4, 1.2)]
figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.1), width_ratios=(1.5, 1))
r, theta = torch.tensor(starts).T
path = [(r * theta.cos(), r * theta.sin())]
for _ in range(400):
    r, theta, _ = one_neuron.flow(r, theta, 0.1, 3)
    path.append((r * theta.cos(), r * theta.sin()))
paths = torch.stack([torch.stack(point) for point in path])  # [points, 2, starts]
for along, across in paths.permute(2, 1, 0):
    axes[0].plot(along, across, color=COLOURS["student"], linewidth=1.2)
    axes[0].plot(along[0], across[0], "o", color=COLOURS["student"])
axes[0].plot(1 + np.cos(circle), np.sin(circle), color=COLOURS["bound"])
axes[0].plot(1, 0, "*", color=COLOURS["teacher"], markersize=11, clip_on=False)
axes[0].set(xlabel=r"along $w^*$, $r\cos\theta$", ylabel=r"across, $r\sin\theta$")
axes[0].set_aspect("equal")
axes[1].semilogx(gaps, arrival_times, "o-", color=COLOURS["measured"])
axes[1].set(xlabel=r"$\pi-\theta_0$", ylabel="arrival time $t$ ($V<10^{-6}$)")
axes[1].set_xticks([0.03, 0.1, 0.3, 1, 3], ["0.03", "0.1", "0.3", "1", "3"])
axes[1].minorticks_off()
columns = {
    "path": [k for k in range(len(starts)) for _ in path],
    **{name: paths[:, k].T.flatten() for k, name in enumerate(("along", "across"))},
}
chapter.figure(
    "fig-tian2017-thm5-outside",
    figure,
    caption=r"Left: paths of the flow from starts in and out of the ball (orange) to the teacher "
    r"(star). A start behind the origin first shrinks, turns around the origin, then "
    r"grows. Right: the arrival time from $r_0=1$ grows only logarithmically as the start "
    r"becomes opposite.",
    alt="Left: six green paths end in the star at one; those from the left pass close to the "
    "origin. Right: arrival time falls slowly as the angle from the opposite direction grows.",
    data=columns,
    claims=["tian2017.thm5"],
)

# %% [markdown]
# The slope of the right panel over its first six dots is {number}`delay_slope` per unit of
# $\log(1/\delta_0)$.
#
# ## Theorem 6: how often a random start succeeds
#
# The proof is short. A point of the ball of radius $r$ with $w\cdot w^*>0$ misses $\Omega$ only
# if $w\cdot w^*<\frac12\lVert w\rVert^2\le\frac12r^2$. That slab has a share of at most $\frac
# r2\,\Gamma(\frac d2+1)/(\sqrt\pi\,\Gamma(\frac{d+1}2))\le\frac r2\sqrt{(d+1)/(2\pi)}$ of the
# ball, which is $\varepsilon/2$ at the largest radius that the theorem admits. We compute the
# share $P(w^{(0)}\in\Omega)$ exactly, by one integral, and by drawing points; and we follow the
# flow.

# %%
theorem_six = chapter.claim("tian2017.thm6")
figure_five = chapter.claim("tian2017.fig5")
epsilons = [0.1, 0.5]
grid = [(d, e) for d in (1, 2, 3, 5, 10, 30, 100, 300, 1000) for e in (0.01, 0.1, 0.3, 0.5, 1.0)]
exact = {(d, e): probability_in_region(d, one_neuron.admitted_radius(d, e)) for d, e in grid}
excess = [share - (1 - e) / 2 for (_, e), share in exact.items()]
for evidence, name in ((theorem_six, "share in the ball"), (figure_five, "radius of Theorem 6")):
    twice = [probability_in_region(d, 2 * one_neuron.admitted_radius(d, e)) for d, e in grid]
    evidence.check(name, measured=min(excess), n=len(grid))
    short = min(share - (1 - e) / 2 for (_, e), share in zip(grid, twice, strict=True))
    evidence.control("twice the radius", name, measured=short, n=len(grid))

followed = min(n_starts, n_draws)
cells, outside, r_all, theta_all = [], 0, [], []
for d in dimensions:
    for e in epsilons:
        radius = one_neuron.admitted_radius(d, e)
        r, theta = one_neuron.uniform_starts(d, radius, n_draws, generator)
        share = probability_in_region(d, radius)
        inside = int((r < 2 * theta.cos()).sum())
        interval = proportion_interval(inside, n_draws, level=0.9999)
        outside += not interval[0] <= share <= interval[1]
        cells.append((d, e, radius, share, inside / n_draws, *interval))
        r_all.append(r[:followed])
        theta_all.append(theta[:followed])
theorem_six.check("draws in the region", measured=outside, expected=0, n=n_draws)
r_end, theta_end, _ = one_neuron.flow(torch.stack(r_all), torch.stack(theta_all), 0.4, 300)
arrived = (lyapunov(r_end, theta_end) < 1e-6).sum(dim=1).tolist()
margins = [
    tuple(p - (1 - e) / 2 for p in (k / followed, *proportion_interval(k, followed)))
    for k, (_, e, *_) in zip(arrived, cells, strict=True)
]
middle, *interval = min(margins, key=lambda margin: margin[1])
theorem_six.check("flow succeeds", measured=middle, interval=interval, n=followed)
chapter.number("least_success", min(arrived) / followed, ".4f")
chapter.number("least_excess", min(excess), ".1e", tolerance=1e-6)

# %% [markdown]
# The smallest excess of the exact share over the bound, in 45 cases with $d$ up to 1000, is
# {number}`least_excess`: the bound is true, and tight as a bound on the share in $\Omega$. As a
# bound on success it is loose: the flow succeeded in at least a fraction {number}`least_success`
# of the starts, in every setting. The few others start within a few degrees of $\theta=\pi$, are
# still turning when we stop, and count as failures. In dimension 1, where half of the starts are
# opposite, the bound is sharp as $\varepsilon\to0$.
#
# ## Norm and entries
#
# The abstract words the theorem by the standard deviation of the start: at most of order
# $\varepsilon/\sqrt d$. Section 6.1 adds that this explains common initialisations, of order
# $1/\sqrt d$. But it is the *radius* in Theorem 6 that is of order $\varepsilon/\sqrt d$. A uniform
# point of a ball of radius $r$ has entries of standard deviation $r/\sqrt{d+2}$, so the theorem
# admits entries of order $\varepsilon/d$ only. Let the entries have standard deviation
# $C\varepsilon/\sqrt d$. Then the radius over the admitted one is
#
# $$\frac{C\varepsilon\sqrt{(d+2)/d}}{\varepsilon\sqrt{2\pi/(d+1)}}>C\sqrt{\frac d{2\pi}},$$
#
# so **any constant** $C$ fails for $d\ge2\pi/C^2$. This is no matter of a loose proof: at a norm
# near $C\varepsilon\lVert w^*\rVert$ the share of $\Omega$ is about $(1-C^2\varepsilon^2/4)^{d/2}$,
# exponentially small.
#
# To be fair: read literally, the guarantee is true. The flow converges with probability at least
# $(1-\varepsilon)/2$ from such a start, because for $d\ge2$ it converges almost surely from every
# start with a density. What fails is the route by Theorem 6 and $\Omega$.

# %%
practice = chapter.claim("tian2017.thm6practice")
sizes = [2**k for k in range(1, 11)]
admitted = [one_neuron.entry_spread(d, one_neuron.admitted_radius(d, 0.5)) for d in sizes]
spread, *_ = slope_interval([math.log(d) for d in sizes[4:]], [math.log(s) for s in admitted[4:]])
practice.check("entry spread", measured=spread, expected=-1.0)
practice.control(
    "the radius itself, as the paper reads it",
    "entry spread",
    measured=slope_interval(
        [math.log(d) for d in sizes[4:]],
        [math.log(one_neuron.admitted_radius(d, 0.5)) for d in sizes[4:]],
    )[0],
    expected=-1.0,
)


def spread_radius(d, e):  # radius at which the entries have standard deviation e / sqrt(d)
    return e * math.sqrt((d + 2) / d)


def too_large(C, d):
    return spread_radius(d, C) / one_neuron.admitted_radius(d, 1.0)  # for every epsilon


least = {C: math.ceil(2 * math.pi / C**2) for C in (1.0, 0.1, 0.01, 0.001)}
practice.check("any constant", measured=[too_large(C, d) for C, d in least.items()])
practice.control(
    "a quarter of this dimension",
    "any constant",
    measured=[too_large(C, d // 4) for C, d in least.items()],
)
usual_radius, usual_excess = spread_radius(100, 1.0), too_large(1.0, 100)
usual = probability_in_region(100, usual_radius)
spread_cases = [(100, 0.1), (1000, 0.1), (100, 0.5)]
shares = {(d, e): probability_in_region(d, spread_radius(d, e)) for d, e in spread_cases}
practice.hypothesis(
    "uniform start whose entries have standard deviation $\\varepsilon/\\sqrt d$",
    "entries of the start",
    measured=[
        math.sqrt(d) / e * one_neuron.entry_spread(d, spread_radius(d, e))
        for d, e in [(100, 1.0), *spread_cases]
    ],
    expected=1.0,
)
practice.violation(
    "Theorem 6 does not admit it, at $\\varepsilon=1$ and $d=100$",
    "too wide",
    measured=usual_excess,
)
practice.violation(
    "its share in $\\Omega$ is below $(1-\\varepsilon)/2$, at $\\varepsilon=0.1$ and $0.5$",
    "share at smaller spread",
    measured=[2 * share / (1 - e) for (_, e), share in shares.items()],
)
practice.violation(
    "at $\\varepsilon=1$ its share in $\\Omega$ is far below one half",
    "usual start in the region",
    measured=usual,
)
chapter.number("usual_excess", usual_excess, ".2f", tolerance=1e-9)
for (d, e), share in shares.items():
    chapter.number(f"share_{d}_{10 * e:.0f}", share, ".2g", tolerance=1e-6)
chapter.number("usual_share", usual, ".1e", tolerance=1e-6)
r, theta = one_neuron.uniform_starts(100, usual_radius, n_starts, generator)
r_end, theta_end, _ = one_neuron.flow(r, theta, 0.4, 300)
chapter.number("usual_success", (lyapunov(r_end, theta_end) < 1e-6).double().mean(), ".3f")

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2))
fine = [1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50, 80]
for e, colour in zip(epsilons, ("measured", "student"), strict=True):
    curve = [probability_in_region(d, one_neuron.admitted_radius(d, e)) for d in fine]
    axes[0].semilogx(fine, curve, color=COLOURS[colour], label=rf"share, $\varepsilon={e}$")
    axes[0].axhline((1 - e) / 2, color=COLOURS[colour], linestyle="--", linewidth=1)
    dots = [(d, p, p - low, high - p) for d, eps, _, _, p, low, high in cells if eps == e]
    d, p, below, above = zip(*dots, strict=True)
    axes[0].errorbar(d, p, [below, above], fmt="o", color=COLOURS[colour], capsize=2)
axes[0].set(xlabel="dimension $d$", ylabel=r"$P(w^{(0)}\in\Omega)$", ylim=(0.2, 0.55))
axes[0].set_xticks([1, 3, 10, 30, 80], ["1", "3", "10", "30", "80"])
axes[0].minorticks_off()
axes[0].legend(loc="center right")
by_norm = [probability_in_region(d, one_neuron.admitted_radius(d, 0.5)) for d in sizes]
by_entry = [probability_in_region(d, spread_radius(d, 1.0)) for d in sizes]
normal = [one_neuron.probability_in_region_gaussian(d, d**-0.5) for d in sizes]
axes[1].loglog(
    sizes, by_norm, color=COLOURS["student"], label=r"radius of Thm 6, $\varepsilon=0.5$"
)
axes[1].loglog(sizes, by_entry, color=COLOURS["teacher"], label=r"entries $1/\sqrt{d}$, uniform")
axes[1].loglog(sizes, normal, "--", color=COLOURS["bound"], label=r"entries $1/\sqrt{d}$, normal")
axes[1].set(xlabel="dimension $d$", ylabel=r"$P(w^{(0)}\in\Omega)$", ylim=(1e-12, 3))
axes[1].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
chapter.figure(
    "fig-tian2017-thm6-share",
    figure,
    caption=r"Left: the exact share of starts in $\Omega$ at the radius of Theorem 6 (lines), "
    r"with draws and their 99.99% intervals (dots), above the bound $(1-\varepsilon)/2$ "
    r"(dashed). Right: the same share when the *entries* have standard deviation $1/\sqrt "
    r"d$: it falls exponentially. The flow itself converges from almost all of these "
    r"starts.",
    alt="Left: two curves with dots fall towards dashed bounds 0.45 and 0.25 from above. Right: "
    "the share stays near 0.3 at the radius of the theorem, but drops to tiny values for "
    "entries of order one over root d.",
    data={
        "dimension": sizes,
        "radius_of_theorem_6": by_norm,
        "entries_uniform": by_entry,
        "entries_normal": normal,
    },
    claims=["tian2017.thm6", "tian2017.thm6practice"],
)

# %% [markdown]
# Entries of standard deviation $1/\sqrt d$ at $d=100$: the radius is {number}`usual_excess` times
# the largest one that the theorem admits for any $\varepsilon\le1$. The share in $\Omega$ is
# {number}`usual_share`, while the flow succeeds from a fraction {number}`usual_success` of the
# same starts.
#
# Entries of standard deviation $\varepsilon/\sqrt d$, as in the abstract: for $\varepsilon=0.1$ the
# share in $\Omega$ is {number}`share_100_1` at $d=100$ and {number}`share_1000_1` at $d=1000$,
# against $0.45$; for $\varepsilon=0.5$ it is {number}`share_100_5` at $d=100$, against $0.25$.
#
# So common initialisations do work for one neuron. The reason is the angle argument above, not
# the ball.
#
# ## Figure 5: balls of other radii
#
# Section 6.1 ("Random Initialization") says that a radius $r\ge\gamma\lVert w^*\rVert$ with
# $\gamma>1$ has an exponentially small success rate, "$(r/\lVert w^*\rVert)^d\le\gamma^{-d}$". We
# read "success rate" as the share of starts in $\Omega$; the true success rate of the flow is 1 for
# $d\ge2$, at every radius. The fraction is upside down:
# $r/\lVert w^*\rVert$ exceeds 1, and so does its power. What holds is
# $P(w^{(0)}\in\Omega)\le(\lVert w^*\rVert/r)^d\le\gamma^{-d}$, the ratio of two volumes, with
# equality at the left once the ball contains $\Omega$ ($r\ge2\lVert w^*\rVert$). Nothing special
# happens at $\gamma=1$: at every *fixed* radius the share is exponentially small, about
# $(1-r^2/4)^{d/2}$ for $r\le\sqrt2$.

# %% tags=["hide-input"]
spaces = (1, 2, 5, 10, 50, 100)
broad = [(d, g) for d in spaces for g in (2.0, 2.5, 4.0)]
near = [(d, g) for d in spaces for g in (1.01, 1.1, 1.2, 1.3, 1.4)]
figure_five.check(
    "wide balls",
    measured=[probability_in_region(d, g) for d, g in broad],
    expected=[g**-d for d, g in broad],
)
figure_five.control(
    "a ball that does not contain the region",
    "wide balls",
    measured=[probability_in_region(d, 1.5) for d in spaces],
    expected=[1.5**-d for d in spaces],
)
figure_five.check(
    "balls beyond the teacher", measured=[probability_in_region(d, g) * g**d for d, g in near]
)
figure_five.check(
    "small balls", measured=[probability_in_region(d, 1e-4) for d in (*spaces, 300, 1000)]
)
figure_five.hypothesis(
    "$r=\\gamma\\lVert w^*\\rVert$ with $\\gamma>1$",
    "radius beyond the teacher",
    measured=[g for _, g in near + broad],
)
figure_five.violation(
    "the printed fraction exceeds $\\gamma^{-d}$, and 1",
    "printed fraction",
    measured=[g ** (2 * d) for d, g in near + broad],
)

radii = np.geomspace(0.01, 4, 60)
figure, axes = plt.subplots(figsize=(6.4, 3.4))
shares = {d: [probability_in_region(d, float(r)) for r in radii] for d in (2, 10, 50, 200)}
drawn = ("measured", "student", "teacher", "control")
for (d, share), colour in zip(shares.items(), drawn, strict=True):
    axes.loglog(radii, share, color=COLOURS[colour], label=f"$d={d}$")
    tail = radii[radii >= 1]
    axes.loglog(tail, tail ** -float(d), ":", color=COLOURS[colour], linewidth=1.2)
    edge = one_neuron.admitted_radius(d, 0.5)
    axes.plot(edge, probability_in_region(d, edge), "o", color=COLOURS[colour])
axes.axhline(0.5, color=COLOURS["muted"], linewidth=0.8)
axes.set(
    xlabel=r"radius of the ball, $r/\Vert w^*\Vert$",
    ylabel=r"$P(w^{(0)}\in\Omega)$",
    ylim=(1e-9, 2),
)
axes.set_xticks([0.01, 0.1, 1, 4], ["0.01", "0.1", "1", "4"])
axes.minorticks_off()
axes.legend(loc="lower left")
chapter.figure(
    "fig-tian2017-fig5",
    figure,
    caption=r"Counterpart of Figure 5: the share of a ball around the origin that lies in "
    r"$\Omega$. Small balls: nearly one half (grey). Dots: the radius of Theorem 6 for "
    r"$\varepsilon=0.5$, where the share is at least $0.25$. Dotted: $(\lVert "
    r"w^*\rVert/r)^d$, the bound with the fraction the right way up, which is exact from "
    r"$r=2\lVert w^*\rVert$ on.",
    alt="Four curves start at one half for small radius and fall steeply near radius one, the "
    "steeper the larger the dimension; beyond radius two they coincide with dotted power "
    "laws.",
    data={
        "radius": np.tile(radii, len(shares)),
        "dimension": [d for d in shares for _ in radii],
        "share": [p for share in shares.values() for p in share],
    },
    claims=["tian2017.fig5", "tian2017.thm6"],
)

# %% [markdown]
# **Beside the paper** (Figure 5, Section 6.1).
#
# - *Paper:* nearly half of the points of a small ball lie in $\Omega$. *Here:* yes, in every
#   dimension (left end of the curves).
# - *Paper:* at the radius of Theorem 6 the share is at least $(1-\varepsilon)/2$. *Here:* yes; the
#   smallest excess is {number}`least_excess`.
# - *Paper:* beyond $\lVert w^*\rVert$ the success rate is exponentially small in $d$. *Here:* the
#   share in $\Omega$ is; the flow succeeds all the same, by the angle.
# - *Paper:* the bound $(r/\lVert w^*\rVert)^d$. *Here:* its inverse, $(\lVert w^*\rVert/r)^d$
#   (dotted).
#
# ## Equation 16: a sign
#
# By the chain rule the risk changes at the rate $+\nabla R\cdot\dot w$, and $\dot w=-\nabla R$.
# The printed middle term has a minus in front, which would make the risk grow; the printed last
# term and the conclusion are right. We check with three neurons.

# %% tags=["hide-input"]
equation = chapter.claim("tian2017.eq16")
W, W_star, other = torch.randn(3, 50, 3, 4, generator=generator)
slope = population.gradient(W, W_star)
velocity = -slope
energy = slope.square().sum(dim=(1, 2))


leaf = W.clone().requires_grad_()
(automatic,) = torch.autograd.grad(population.risk(leaf, W_star).sum(), leaf)


def derivative(direction):
    return (automatic * direction).sum(dim=(1, 2))


equation.check("derivative along the flow", measured=derivative(velocity), expected=-energy)
equation.control(
    "another direction", "derivative along the flow", measured=derivative(other), expected=-energy
)
equation.hypothesis("gradient flow, Eq. 15", "velocity", measured=velocity + slope, expected=0.0)
equation.violation(
    "the printed middle term is positive",
    "printed middle term",
    measured=-(slope * velocity).sum(dim=(1, 2)),
)
step, path, losses = 0.01, W, []
for _ in range(201):  # fourth-order steps, and Simpson's rule for the integral
    half = path - step / 2 * (k1 := population.gradient(path, W_star))
    middle = path - step / 2 * (k2 := population.gradient(half, W_star))
    last = path - step * (k3 := population.gradient(middle, W_star))
    losses.append((population.risk(path, W_star), k1.square().sum(dim=(1, 2))))
    path = path - step / 6 * (k1 + 2 * k2 + 2 * k3 + population.gradient(last, W_star))
risks, squares = (torch.stack(column) for column in zip(*losses, strict=True))
weights = torch.tensor([1.0, *[4.0, 2.0] * 99, 4.0, 1.0])[:, None] * step / 3
change = risks[-1] - risks[0]
_ = equation.check("loss along a path", measured=change, expected=-(weights * squares).sum(dim=0))

# %% [markdown]
# ```{admonition} Errata
# :class: warning
# **Section 6.1** prints $(r/\lVert w^*\rVert)^d\le\gamma^{-d}$ for $r\ge\gamma\lVert w^*\rVert$.
# Smallest counterexample: $d=1$, $r=2\lVert w^*\rVert$, $\gamma=2$, where it says $2\le\frac12$.
# Corrected: $P(w^{(0)}\in\Omega)\le(\lVert w^*\rVert/r)^d\le\gamma^{-d}$.
#
# **Abstract and Section 6.1** speak of entries of standard deviation $O(\varepsilon/\sqrt d)$ and
# $O(1/\sqrt d)$. Theorem 6 does not admit them: at standard deviation $C\varepsilon/\sqrt d$ the
# radius is too large from $d=2\pi/C^2$ on. Corrected: the *radius* is $O(\varepsilon/\sqrt d)$, the
# entries $O(\varepsilon/d)$. The flow converges from the wider starts too, for another reason.
#
# **Equation 16** has the middle term $-\nabla R\cdot\dot w$, which is positive wherever the
# gradient is not zero. Corrected: $+\nabla R\cdot\dot w$. The conclusion stands.
# ```
#
# ## Where it stops being true
#
# - **The rate $\frac12$, outside of the ball.** Drop $r<2\cos\theta$ and $D$ turns negative
#   before $\frac\pi2$: the certificate fails. The decrease itself remains, at a rate that tends
#   to 0 near the origin at $\theta=\pi$.
# - **The opposite half-line.** At $\theta=\pi$ the teacher's neuron is never active together with
#   the student's. Then $\dot r=-r/2$ and the neuron dies. This has probability 0 for $d\ge2$, and
#   $\frac12$ for $d=1$.
# - **Twice the radius of Theorem 6.** Already then the share in $\Omega$ drops below
#   $(1-\varepsilon)/2$.
# - **More neurons.** The identity for $-\dot V$ uses that one gate multiplies one residual. With
#   several neurons the distance to the teacher can grow: see the starts with $x<y$ in
#   [](symmetry_breaking).
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-one-neuron-norm
# Start at $\theta=\frac\pi2$ with a tiny norm. Show from the polar equations that the norm grows
# at first although $w$ is orthogonal to the teacher. What does the neuron fit?
# ```
#
# ```{solution} exercise-one-neuron-norm
# :class: dropdown
# $h(\frac\pi2)=1$, so $\dot r=\frac12(\frac1\pi-r)>0$ for $r<\frac1\pi$. Half of the inputs that
# activate $w$ also activate $w^*$; on these the target is positive, and the neuron grows to fit
# its mean.
# ```
