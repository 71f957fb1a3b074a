# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Traps: open sets of starts that never reach zero risk
#
# From its landscape theorems {cite:t}`lightman2026` concludes that subgradient descent, started
# almost anywhere, finds an aligned global minimum, "unconditionally". The landscape theorem fails
# (see {doc}`spurious_critical_points`), and so does the conclusion: two traps catch open sets of
# starts for ever. The first is rare, and we say how rare. We keep two sentences apart: the
# corollary's literal one, that the limit *function* depends on $w^*\cdot x$ alone, and the
# advertised one, that the limits have zero risk. The traps refute the second. They do not refute
# the first.
#
# ```{claim} lightman2026.cor6.1
# ```
#
# ```{claim} lightman2026.cor6.1b
# ```
#
# ```{claim} lightman2026.rem6.2
# ```
#
# **What would count against our reading.** A locked start whose risk falls below that of the zero
# function under steps that diminish; counts that miss the formula for the probability; a run whose
# end is stuck at a function that is not aligned, which would refute the literal sentence too.

# %% tags=["parameters", "hide-input"]
seed: int = 3  # seed of all random numbers; 0..4294967295
width: int = 12  # width K of the locked network; 8..200
starts: int = 100  # random starts of wide networks; 70..10_000
narrow_starts: int = 100  # random starts for each of the widths 1 to 4; 50..10_000
n_steps: int = 1_000  # steps of descent; 1_000..1_000_000
counted: int = 200_000  # random starts that are counted, not trained; 20_000..100_000_000
# memory: 4e8 + 100 * counted bytes
# time: 5 + 4e-5 * n_steps * starts + 3e-5 * n_steps * narrow_starts seconds

# %%
import math

import matplotlib.pyplot as plt
import mpmath
import torch
from scipy.optimize import brentq

from companion import open_chapter
from companion.figures import COLOURS
from companion.verdicts import proportion_interval
from shallow_relu import both_layers, flows, population, single_index
from shallow_relu import single_index_saddles as saddles
from shallow_relu import single_index_traps as traps

chapter = open_chapter("alignment/traps", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
literal = chapter.claim("lightman2026.cor6.1")
advertised = chapter.claim("lightman2026.cor6.1b")


def normal(*shape):
    return torch.randn(*shape, generator=generator)


def uniform(*shape):
    return torch.rand(*shape, generator=generator)


def teachers(d, s_plus, s_minus):
    """Teacher networks, one for each pair of slopes."""
    w_star = torch.eye(d)[0]
    a_star = torch.stack([s_plus, s_minus], dim=1)
    return torch.stack([w_star, -w_star]).expand(len(a_star), 2, d), a_star


def risk(state, W_star, a_star):
    return population.risk(state[..., :-1], W_star, state[..., -1], a_star)


# %% [markdown]
# ## Trap 1: locked neurons
#
# Since $a_j\,\partial_{a_j}R=w_j\cdot\nabla_{w_j}R$, the flow conserves $a_j^2-\lVert w_j\rVert^2$
# for every neuron; a step of descent of size $\eta$ changes it by
# $\eta^2[(\partial_{a_j}R)^2-\lVert\nabla_{w_j}R\rVert^2]$. Let $\varphi\ge0$, and let every neuron
# be *locked*, $a_j<-\lVert w_j\rVert$. No $a_j$ can reach zero. So $f\le0\le f^*$ at all times, and
# $R\ge\frac12\mathbb E[(f^*)^2]=\frac14(s_+^2+s_-^2)$. As $\frac d{dt}\lVert
# w_j\rVert^2=-2a_jG(w_j)\le-a_j^2\lVert w_j\rVert^2$, all neurons shrink to zero and $f\to0$.
#
# The limit is a local minimum at which all $w_j=0$. There the risk is not differentiable, and
# zero is one of its Clarke subgradients: convergence to Clarke critical points is not contradicted.
# We take $\varphi=\sigma$, a width that satisfies the corollary, and two step rules: steps
# $\eta_\tau=\frac1{20}(1+\tau/100)^{-3/4}$ with infinite sum and finite sum of squares, which the
# convergence theorem needs, and constant steps $0.1$.

# %%
d = 3
W = normal(width, d)
locked = width**-0.25 * torch.cat([W, -(W.norm(dim=1, keepdim=True) + 1)], dim=1)
W_star, a_star = teachers(d, torch.ones(2), torch.zeros(2))
sizes = torch.stack(
    [traps.diminishing(0.05, n_steps, delay=100), torch.full((n_steps,), 0.1)], dim=1
)
run = traps.descend(locked.expand(2, -1, -1), W_star, a_star, sizes, every=10)
zero_function = 0.25

margin = float((-locked[:, -1] - locked[:, :-1].norm(dim=1)).min())
power = math.log(sizes[0, 0] / sizes[-1, 0]) / math.log1p((n_steps - 1) / 100)
rows = (
    ("K - (2k + d + 1), k = 1", "$K\\ge2k+d+1$", "width", width - (2 * 1 + d + 1), None),
    ("|w*|", "$\\lVert w^*\\rVert=1$", "target", W_star[0, 0].norm(), 1),
    ("|s_+ - s_-|", "$s_+\\ne s_-$", "slopes", (a_star[0, 0] - a_star[0, 1]).abs(), None),
    (
        "radius of a ball of locked starts",
        "no null set: a ball of locked starts",
        "ball",
        margin / 2,
        None,
    ),
    ("power of the steps, above 1/2", "steps: finite sum of squares", "squares", power, None),
    ("power of the steps, at most 1", "steps: infinite sum", "sum", power, None),
)
for text, hypothesis, name, value, expected in rows:
    shown = advertised.hypothesis(hypothesis, name, measured=value, expected=expected)
    print(f"{text:36} {float(value):5.2f}  {'met' if shown.passed else 'NOT MET'}")
advertised.violation("locked: risk", "risk", measured=run.risk[:, 0] / zero_function)

state = normal(30, 5, 5)
constants = teachers(4, normal(30), normal(30))
slope = flows.joint_gradient(state, *constants)
kept = state[..., -1] * slope[..., -1] - (state[..., :-1] * slope[..., :-1]).sum(-1)
advertised.check("invariant", measured=kept.abs())
balance = state[..., -1].square() - state[..., :-1].square().sum(-1)
after = state - 0.1 * slope
change = after[..., -1].square() - after[..., :-1].square().sum(-1) - balance
law = 0.01 * (slope[..., -1].square() - slope[..., :-1].square().sum(-1))
advertised.check("one step", measured=change, expected=law)

s_plus, s_minus = 1.5 * uniform(30).repeat(3), 1.5 * uniform(30).repeat(3)
W = 6**-0.25 * normal(30, 6, 4)
size = W.norm(dim=2, keepdim=True)
start = torch.cat([W, -(size + 0.3)], dim=2)
free = torch.cat([W, size], dim=2)
slow_steps = traps.diminishing(0.03, n_steps // 4, delay=100)[:, None].expand(-1, 30)
sizes = torch.cat([slow_steps, slow_steps, 7 * slow_steps], dim=1)
constants = teachers(4, s_plus, s_minus)
fresh = traps.descend(torch.cat([start, free, start]), *constants, sizes, every=10)
over_floor = (fresh.risk / ((s_plus**2 + s_minus**2) / 4)).split(30, dim=1)
weights = fresh.output_weights.split(30, dim=1)
advertised.check("locked for ever", measured=over_floor[0], n=30)
advertised.check("negative for ever", measured=weights[0], n=30)
advertised.control("positive output weights", "locked for ever", measured=over_floor[1])
advertised.control("steps seven times as long", "negative for ever", measured=weights[2])
scale = width**0.25
chapter.number("above", run.risk[-1, 0] / zero_function - 1, ".0e")
chapter.number("start_weight", scale * run.output_weights[0, 0], ".2f", tolerance=1e-9)
chapter.number("diminishing_weight", scale * run.output_weights[-1, 0], ".2f", tolerance=1e-3)
chapter.number("constant_weight", scale * run.output_weights[-1, 1], ".2f")

# %% [markdown]
# With diminishing steps the risk ends above $\frac14$, by {number}`above` of it, and the largest
# output weight moves from {number}`start_weight` to {number}`diminishing_weight`. Constant steps
# *leak*: a neuron that has reached zero is thrown to and fro across it, and each step costs a
# little of $a_j^2-\lVert w_j\rVert^2$. Their largest output weight is at {number}`constant_weight`
# by then; with patience it may reach zero and get free.
#
# ## How rare?
#
# For independent standard normal $a_j$ and $w_j$ the share $\lVert w\rVert^2/(\lVert
# w\rVert^2+a^2)$ has a beta law, and a neuron is locked with probability $q_d=\frac12I_{1/2}(\frac
# d2,\frac12)$: all $K$ of them with probability $q_d^K$. We count starts first. Then we train
# networks of width one to four, narrower than the corollary asks, because at its widths no trap
# would be seen. At the end of training we keep apart the locked runs, stuck for ever, and runs that
# are merely slow.

# %%
for d_counted, k in ((2, 1), (3, 2)):
    W, a = normal(counted, k, d_counted), normal(counted, k)
    hits, p = int(traps.is_locked(W, a).sum()), traps.lock_probability(d_counted, k)
    name = f"locked, d={d_counted}"
    advertised.check(name, successes=hits, n=counted, expected=p)
hits = int(traps.is_locked(normal(counted, 1, 2) / math.sqrt(2), normal(counted, 1)).sum())
advertised.control(
    "neurons of variance $1/d$",
    "locked, d=2",
    successes=hits,
    n=counted,
    expected=traps.lock_probability(2),
)
widths = torch.arange(1, 5).repeat_interleave(narrow_starts)
present = torch.arange(4) < widths[:, None]  # neurons beyond the width are zero and stay so
start = (widths**-0.25)[:, None, None] * normal(len(widths), 4, 3) * present[..., None]
one = torch.ones(len(widths))
sizes = traps.diminishing(0.3, n_steps // 2, delay=300)
end = traps.descend(start, *teachers(2, one, 0 * one), sizes, every=n_steps).risk[-1]
below = start[..., -1] < -start[..., :-1].norm(dim=2)
is_locked = (below | ~present).all(dim=1)
is_slow = (end > 0.05 * zero_function) & ~is_locked
counts = [
    (k, int(is_locked[widths == k].sum()), int(is_slow[widths == k].sum())) for k in range(1, 5)
]
stuck_locked = end[is_locked] / zero_function
advertised.check("locked runs are stuck", measured=stuck_locked, n=len(stuck_locked))
for d_shown, k in ((2, 5), (3, 6), (10, 13)):
    p = traps.lock_probability(d_shown, k)
    chapter.number(f"rare_{d_shown}", p, ".0e", tolerance=1e-12)
for d_shown in (2, 3, 10):
    chapter.number(f"q_{d_shown}", traps.lock_probability(d_shown), ".4f", tolerance=1e-12)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
for column, name, style in ((0, "diminishing steps", "-"), (1, "constant steps", "--")):
    weights = scale * run.output_weights[:, column]
    axes[0].plot(run.steps, weights, style, color=COLOURS["student"], label=name)
axes[0].axhline(0, color=COLOURS["muted"], linewidth=0.8)
axes[0].set(xlabel=r"step $\tau$", ylabel=r"largest $a_j$, times $K^{1/4}$", ylim=(-1.8, 0.1))
axes[0].legend(loc="upper left", bbox_to_anchor=(0, 0.92))
widths = [k for k, _, _ in counts]
intervals = [proportion_interval(hits, narrow_starts) for _, hits, _ in counts]
shares = [hits / narrow_starts for _, hits, _ in counts]
slow_shares = [slow / narrow_starts for _, _, slow in counts]
reach = [
    [share - low for share, (low, _) in zip(shares, intervals, strict=True)],
    [high - share for share, (_, high) in zip(shares, intervals, strict=True)],
]
line = [traps.lock_probability(2, k) for k in widths]
axes[1].plot(widths, line, color=COLOURS["theory"], label=r"$q_2^K$")
axes[1].errorbar(
    widths, shares, reach, fmt="o", color=COLOURS["measured"], capsize=3, label="locked for ever"
)
axes[1].plot(
    [k + 0.12 for k in widths], slow_shares, "x", color=COLOURS["muted"], label="not locked, slow"
)
axes[1].set(xlabel="width $K$", ylabel="share of starts", xticks=widths)
axes[1].legend()
chapter.figure(
    "fig-lightman2026-cor6-1-locked",
    figure,
    caption=r"Left: the largest output weight of a locked network; zero would set it free. Right: "
    r"share of random starts that are locked, with exact 99.9% intervals, and share of runs that "
    r"are not locked but still have a large risk at the end; $d=2$, $\varphi=\sigma$.",
    alt="Left: a flat curve and one that rises slowly, both below zero. Right: dots with intervals "
    "fall along a curve towards zero; crosses show slow runs.",
    data={"width": widths, "locked": shares, "slow": slow_shares, "formula": line},
    claims=["lightman2026.cor6.1b"],
)

# %% [markdown]
# A neuron is locked with probability {number}`q_2` in dimension $2$, {number}`q_3` in $3$ and
# {number}`q_10` in $10$. At the smallest widths that the corollary admits for $\varphi=\sigma$
# (taking $k=1$) the whole network is locked with probability {number}`rare_2`, {number}`rare_3` and
# {number}`rare_10` in these dimensions: positive, and exponentially small in the width. The slow
# runs are a matter of patience: they are not locked, and no statement about limits concerns them.
#
# ## Trap 2: all neurons on one side
#
# This one has no dead neurons, no locked neurons, and lies where the risk is twice continuously
# differentiable. Let $0<s_-<s_+$ and let all $K=N$ neurons point along $w^*$ with coefficients
# $c_j>0$, $\sum_jc_j=s_+$. The error $-s_-\sigma(-w^*\cdot x)$ is not felt on the side of the
# neurons: the point is critical, with $R=\frac14s_-^2$. Tilt the neurons by small angles
# $\epsilon_j$, balanced so that the linear part still fits. Then
#
# $$R-\tfrac14s_-^2\ge\frac1{6\pi}\sum_jc_j\epsilon_j^3\,(2c_j-s_-)\,(1+O(\epsilon)).$$
#
# For the proof, the error on the other side is felt by $h(\pi-\epsilon)\approx\epsilon^3/3$, and
# near the kinks the square of $\sum_jc_j\sigma(t+y_j)-s_+\sigma(t)$ integrates to at least
# $\frac13\sum_jc_j^2\lvert y_j\rvert^3$, because on each side of $t=0$ it is a sum of terms of one
# sign. Two tilted neurons meet the bound. An unbalanced part of size $\delta$ costs order
# $\delta^2$ and gains at most order $\delta\epsilon^2$, so it does not matter at order three. So
# this is a local minimum if $2\min_jc_j>s_-$, and not if $c_1=c_2<\frac12s_-$: for equal
# coefficients the threshold is $s_-/s_+=2/N$.

# %%
equal = torch.full((5,), 0.2)


def excess(coefficients, tilts, s_minus):
    network = traps.one_sided(3, coefficients, tilts)
    teacher, a_star = single_index.teacher(torch.eye(3)[0], 1.0, s_minus)
    W, a = network
    return float(population.risk(W, teacher, a, a_star)) - s_minus**2 / 4


over_bound = []
for _ in range(20):
    tilts = 1e-3 * normal(5, 2)
    tilts = tilts - tilts.mean(dim=0)
    bound = traps.tilt_bound(equal, tilts.norm(dim=1), 0.25)
    over_bound.append(excess(equal, tilts, 0.25) / float(bound))
advertised.check("tilts cost", measured=over_bound, n=20)
numbers, thresholds = (2, 3, 4, 5, 7, 10), []
for n in numbers:
    tilts = torch.zeros(n, 2)
    tilts[:2, 0] = torch.tensor([3e-3, -3e-3])
    c = torch.full((n,), 1 / n)
    thresholds.append(brentq(lambda s, c=c, t=tilts: excess(c, t, s), 0.5 / n, 4 / n))
advertised.check("threshold", measured=thresholds, expected=[2 / n for n in numbers])
advertised.control(
    "one neuron fewer",
    "threshold",
    measured=thresholds,
    expected=[2 / (n - 1) for n in numbers],
)

# %% [markdown]
# Now training: seven neurons in the plane, from random starts in a small ball around the one-sided
# network, for several slopes $s_-$. Seven is what the corollary asks for with $k=2$, $d=2$.

# %%
slopes = torch.tensor([0.1, 0.15, 0.2, 0.4, 0.6, 0.8])
s_minus = slopes.repeat_interleave(6)
constants = teachers(2, torch.ones(36), s_minus)
W, a = traps.one_sided(2, torch.full((7,), 1 / 7), torch.zeros(7, 1))
start = torch.cat([W, a[:, None]], dim=1) + 0.02 * normal(36, 7, 3)
ball = traps.descend(start, *constants, torch.full((n_steps * 3 // 5,), 0.6), every=n_steps)
relative = (ball.risk[-1] / (s_minus**2 / 4)).reshape(6, 6)
advertised.hypothesis("one side: $K\\ge2k+d+1$", "one-sided width", measured=7 - (2 * 2 + 2 + 1))
advertised.hypothesis("one side: $s_+\\ne s_-$", "one-sided slopes", measured=1 - slopes[:3])
advertised.hypothesis("one side: a ball of starts", "one-sided ball", measured=0.02)
advertised.violation("one side: risk", "one-sided risk", measured=relative[:3])
chapter.number("one_sided_above", relative[:3].max() - 1, ".0e")
_ = chapter.number("escaped", (relative[-1] < 0.5).sum(), ".0f")

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
smooth = torch.linspace(1.9, 10.5, 60)
axes[0].plot(smooth, 2 / smooth, color=COLOURS["theory"], label="$2/N$")
axes[0].plot(numbers, thresholds, "o", color=COLOURS["measured"], label="two tilted neurons")
axes[0].fill_between(smooth, 0, 2 / smooth, color=COLOURS["second"], alpha=0.25, linewidth=0)
axes[0].text(2.6, 0.2, "local minima")
axes[0].set(xlabel="neurons $N$", ylabel=r"slope $s_-/s_+$", ylim=(0, 1.1))
axes[0].legend()
shown = slopes[:, None].expand(6, 6)
axes[1].plot(shown.flatten(), relative.flatten(), "o", color=COLOURS["measured"], alpha=0.6)
axes[1].axvline(2 / 7, color=COLOURS["theory"], linestyle=":")
axes[1].set(xlabel=r"slope $s_-/s_+$", ylabel=r"risk at the end over $s_-^2/4$", ylim=(-0.05, 1.1))
chapter.figure(
    "fig-lightman2026-cor6-1-one-sided",
    figure,
    caption=r"Left: slope $s_-$ at which tilting two of $N$ equal neurons begins to pay, and "
    r"$2/N$. Right: end of training from a small ball around the one-sided network with $N=7$; "
    r"below the threshold (dotted) all runs are stuck at $R=s_-^2/4$.",
    alt="Left: dots on a falling curve, the region below shaded. Right: dots at height one left of "
    "a dotted line; to the right some are at zero.",
    data={"slope": shown.flatten(), "relative_risk": relative.flatten()},
    claims=["lightman2026.cor6.1b"],
)

# %% [markdown]
# The runs at $s_-\le0.2$ end within {number}`one_sided_above` of $R=\frac14s_-^2$. At $s_-=0.8$,
# {number}`escaped` of the 6 runs have left for zero risk by the end.
#
# ## The literal sentence
#
# In both traps the limit function, $0$ or $s_+\sigma(w^*\cdot x)$, depends on $w^*\cdot x$ alone.
# It satisfies the corollary's last sentence, without any of the meaning that the paper gives to it.
# Is there a limit that is not aligned? We found none. We measure $\mathbb
# E\operatorname{Var}(f(x)\mid w^*\cdot x)$ at the end of training from random starts at a width
# that the corollary admits. This is evidence, not a proof; the paper's proof rests on Theorem 5.3,
# which is false.

# %%
d, k, s = 2, 7, (1.0, 0.5)
constants = teachers(d, torch.full((starts,), s[0]), torch.full((starts,), s[1]))
start = k**-0.25 * normal(starts, k, d + 1)
long = traps.descend(start, *constants, traps.diminishing(0.3, n_steps, delay=500), every=n_steps)


def misaligned(state):
    return traps.misalignment(state[..., :-1], state[..., -1], torch.eye(d)[0])


off = misaligned(long.state)
literal.check("not aligned", successes=int((off > 0.01).sum()), n=starts)
literal.control(
    "random starts, not trained",
    "not aligned",
    successes=int((misaligned(start) > 0.01).sum()),
    n=starts,
)
one_sided_end = ball.state[: 3 * 6]
literal.check("traps are aligned", measured=misaligned(one_sided_end), n=18)
literal.control("random starts", "traps are aligned", measured=misaligned(start).max())
stuck = int((long.risk[-1] > 0.01).sum())
advertised.check("random starts get through", successes=stuck, n=starts)
chapter.number("stuck_random", stuck, ".0f", tolerance=0)
chapter.number("worst_misalignment", off.max(), ".0e")
chapter.number("worst_risk", long.risk[-1].max(), ".0e")
dead = (long.state[..., -1].abs() < 1e-3).sum(1).double().mean()
_ = chapter.number("dead_at_end", dead, ".1f")

# %% [markdown]
# The largest misalignment at the end is {number}`worst_misalignment`, the largest risk
# {number}`worst_risk`. On average {number}`dead_at_end` neurons of a network have
# $\lvert a_j\rvert<10^{-3}$ then; Remark 6.2 wants $d+1=3$.
#
# ## Remark 6.2: smoothness, and who stays dead
#
# The first sentence, that ReLU objectives are not $C^2$, is true of the population risk for one
# reason only: at $w_j=0$ it has a kink, and that is where trap 1 ends. Elsewhere, with all
# $w_j\ne0$, it is $C^2$, unlike an empirical risk: the kernel is twice differentiable across
# $\theta=0$ and $\theta=\pi$. It is not three times differentiable there: the third derivative
# along a rotation jumps from $-\frac1\pi$ to $\frac1\pi$ at $\theta=0$. What is false is the last
# sentence, that with $K\ge2k+d+1$ at least $d+1$ neurons are dead at any critical point where $k$
# neurons suffice for the target. Let $K=8$, $d=3$, $k=2$, and put four neurons on each side with
# the right sums: $R=0$, critical, and none is dead. There are also such points with positive risk:
# all neurons in the stray direction of Theorem 5.2.

# %%
remark = chapter.claim("lightman2026.rem6.2")
turns = [1e-2, 1e-3]


def hessian(t):
    pair = torch.tensor([[1.0, 0.0], [math.cos(t), math.sin(t)], [-0.4, 0.9]])
    W_star, a_star = single_index.teacher(torch.eye(2)[0], 1.0, 0.5)
    return both_layers.joint_hessian(pair, W_star, torch.tensor([1.0, -0.7, 0.5]), a_star)


gaps = [float((hessian(t) - hessian(0)).abs().max()) for t in turns]
remark.check("Hessian", measured=math.log10(gaps[0] / gaps[1]), expected=1)
mpmath.mp.dps = 40


def rotated(t):
    return saddles.profile(abs(t)) / (2 * mpmath.pi)


def jump(place):
    """Of the third derivative along a rotation, at an angle."""
    step = mpmath.mpf("1e-9")
    return float(mpmath.diff(rotated, place + step, 3) - mpmath.diff(rotated, place - step, 3))


remark.check("third derivative", measured=jump(0), expected=2 / math.pi)
remark.control("at $\\theta=1$", "third derivative", measured=jump(1), expected=2 / math.pi)
W_star, a_star = single_index.teacher(torch.eye(3)[0], 1.0, 0.5)
aligned = W_star.repeat_interleave(4, dim=0)
a = a_star.repeat_interleave(4) / 4
point = saddles.isolated_neuron(1.0, 0.5)
stray = torch.tensor([[math.cos(point.angle), math.sin(point.angle), 0.0]]).expand(8, 3)
for name, W, weights in (
    ("zero risk", aligned, a),
    ("stray", stray, torch.full((8,), point.coefficient / 8)),
):
    largest = torch.cat(
        [
            population.gradient(W, W_star, weights, a_star).flatten(),
            population.output_gradient(W, W_star, weights, a_star),
        ]
    )
    remark.hypothesis(f"{name}: critical", "critical", measured=largest.abs())
    remark.hypothesis(f"{name}: $K\\ge2k+d+1$", "width", measured=8 - (2 * 2 + 3 + 1))
    remark.hypothesis(f"{name}: two neurons suffice", "needed", measured=len(W_star), expected=2)
    missing = int((weights == 0).sum()) - (3 + 1)
    remark.violation(f"{name}: dead neurons", "dead", measured=missing)
v, a1 = torch.tensor([[0.6, 0.8, 0.0]]), 0.5
kink = both_layers.error_correlation(torch.cat([v, -v]), aligned[:1], W_star, a[:1], a_star)
_ = chapter.number("kink", a1 * kink.sum(), ".3f", tolerance=1e-9)

# %% [markdown]
# At a zero neuron with $a_j=\frac12$, beside one aligned neuron, the two one-sided slopes along a
# line add to {number}`kink` instead of zero.
#
# ## Where it stops being true
#
# Trap 1 needs $\varphi\ge0$ (or $\varphi\le0$, with the signs turned), all neurons locked, and
# diminishing steps whose first ones are short against the inverse curvature: a long first step can
# throw an output weight across zero (one of our controls). From a scaled start, $a_j$ small against
# $\lVert w_j\rVert$, no neuron is locked. Trap 2 needs $s_+s_->0$ and all active neurons near one
# side. Of our random starts at width seven, $s=(1,\frac12)$, {number}`stuck_random` ended with a
# risk above $0.01$; at these slopes seven active neurons admit no trap 2, so this does not measure
# how rare it is. So a fair summary of the corollary is: from random starts at width seven in the
# plane descent does seem to find zero risk, but "almost every" and "unconditional" are false.
#
# ```{admonition} Errata
# :class: warning
# **Corollary 6.1**: the limits need not be global minima. Counterexamples: (1) $\varphi=\sigma$ and
# all $a_j<-\lVert w_j\rVert$; then $R\ge\frac14$ for ever. (2) $0<s_-<\frac2Ks_+$ and all $K$
# neurons equal along $w^*$. Both attract open sets. The literal sentence, on the function's
# alignment, is neither proved nor refuted. **Remark 6.2**: the first sentence holds because of the
# kink at zero neurons only: elsewhere the population risk is $C^2$. No width keeps neurons dead:
# critical points with no dead neuron exist for every $K$.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
