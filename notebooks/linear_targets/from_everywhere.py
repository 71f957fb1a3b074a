# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From everywhere
#
# Theorem 1 of {cite:t}`linear2025` asks for a start with
# $\lVert w_1+w_2\rVert\le\frac12\lVert\beta\rVert$. What happens outside this ball? The paper
# motivates the condition with Figure 1: from small weights gradient descent finds the global
# minimum, from weights near $1.5\,\beta$ a saddle; so the start matters. We follow the flow of
# the population risk from random starts outside the ball. In two or more dimensions it gets
# through from practically everywhere, though it may take long. On the line it does not, and
# there we know exactly when.
#
# ```{claim} linear2025.sec1.3
# ```
#
# **What would count against our reading.** A share of starts, outside the ball and in two or more
# dimensions, that end at positive risk. On the line: one start that ends otherwise than the rule
# says.

# %% tags=["parameters", "hide-input"]
seed: int = 5  # seed of all random numbers; 0..4294967295
trials: int = 160  # starts for each dimension; 160..10_000
step: float = 1.0  # step size of gradient descent near 1.5 beta; 0.1..1.0; paper 0.1
scale: float = 1.0  # standard deviation of the entries of the start, for beta of norm 1; 0.5..5.0
until: float = 2000.0  # time up to which all flows are followed; 100.0..1e6
# memory: 5e8 bytes
# time: 6 + 0.02 * trials + 0.003 * until + 2 / step seconds

# %%
import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import population
from shallow_relu.flows import gradient_descent, gradient_flow
from shallow_relu.linear_saddles import distance_to_minimum, escape_time, risk_gradient
from shallow_relu.linear_starts import is_trapped, trapping_probability

chapter = open_chapter("linear_targets/from_everywhere", globals())
claim = chapter.claim("linear2025.sec1.3")
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)

# %% [markdown]
# ## Random starts outside the ball
#
# Let $\lVert\beta\rVert=1$ and draw $w_1,w_2$ with independent normal entries; starts inside
# the ball are drawn again. We follow the flow until time {number}`until`. A few are then still
# on their way, slow because they pass near the ray of saddles. These we continue by an
# implicit method until the risk is below $\frac18$. All saddles have risk $\frac14$ and the
# risk never grows, so from there no saddle can be reached any more.

# %%
chapter.number("until", until, ".0f", tolerance=0.0)


def random_starts(d, n, scale):
    """Normal starts with |w_1 + w_2| > 1/2, and the target."""
    W = scale * torch.randn(20 * n, 2, d, generator=generator)
    W = W[torch.linalg.vector_norm(W.sum(1), dim=-1) > 0.5][:n]
    return W, torch.eye(d)[0].expand(len(W), d)


def follow(W, beta):
    """Where the flow is at the end, and whether that is the global minimum."""

    run = gradient_flow(risk_gradient, W, (beta,), until=until, tolerance=1e-6, accuracy=1e-4)
    return run, distance_to_minimum(run.state, beta) < 1e-2


def arrive(W, beta):
    """Times of arrival, infinite for none, and how many starts were late."""
    run, arrived = follow(W, beta)
    times = run.time.clone()
    for i in torch.nonzero(~arrived).flatten().tolist():
        times[i] += escape_time(run.state[i], beta[i])
    return times, int((~arrived).sum())


times, late = {}, {}
for d in (2, 3, 10):
    times[d], late[d] = arrive(*random_starts(d, trials, scale))
reached = {d: torch.isfinite(times[d]) for d in times}

names = {2: "two dimensions", 3: "three dimensions", 10: "ten dimensions"}
for d, name in names.items():
    claim.check(name, successes=reached[d].sum(), n=trials)
    chapter.number(f"reached_{d}", int(reached[d].sum()), ".0f")
    chapter.number(f"late_{d}", late[d], ".0f")
    chapter.number(f"median_{d}", times[d].median(), ".0f")
    chapter.number(f"longest_{d}", times[d].max(), ".0f")
chapter.number("trials", trials, ".0f", tolerance=0.0)

# %% [markdown]
# Of {number}`trials` starts in each dimension, {number}`reached_2`, {number}`reached_3` and
# {number}`reached_10` reach the global minimum for $d=2$, $3$ and $10$; {number}`late_2`,
# {number}`late_3` and {number}`late_10` of them needed more than {number}`until`. The median
# times are {number}`median_2`, {number}`median_3` and {number}`median_10`, the longest
# {number}`longest_2`, {number}`longest_3` and {number}`longest_10`.
#
# Why? Put $s=\frac12(w_1+w_2)$. Its norm never grows, and the only stationary points are $W^*$
# and the ray. Next to the ray a small part $u$ of $s$ across $\beta$ grows,
# $\dot u\propto u^2$ (see the chapter on the saddles). So only exceptional starts can stay
# there. This is an argument, not a proof; the numbers above have exact 99.9% intervals. The
# time is another matter: $u$ grows slowly when it is small, which happens with a probability
# of order $u^{d-1}$. So the tail of the time is heavy in low dimension.
#
# Now the starts of Figure 1(b), which the paper says converge to a saddle. Here we run gradient
# descent itself, with the step size {number}`step`, until the gradient vanishes up to rounding.

# %%
noise = torch.randn(trials, 2, 10, generator=generator)
noise = 0.1 * noise / torch.linalg.vector_norm(noise, dim=-1, keepdim=True)
beta = torch.eye(10)[0].expand(trials, 10)
near = 1.5 * beta[:, None] + noise
leaf = near.clone().requires_grad_()
teacher, teacher_weights = population.linear_teacher(beta)
signs = torch.tensor([1.0, -1.0]).expand(trials, 2)
population.risk(leaf, teacher, signs, teacher_weights).sum().backward()
settings = {"step": step, "n_steps": int(100_000 / step), "tolerance": 1e-9}
run = gradient_descent(risk_gradient, near, (beta,), **settings)
at_minimum = distance_to_minimum(run.state, beta) < 1e-6
claim.hypothesis(
    "the update is gradient descent on the population risk",
    "population gradient",
    measured=risk_gradient(near, beta),
    expected=leaf.grad,
)
claim.hypothesis(
    "outside the ball", "outside", measured=torch.linalg.vector_norm(near.sum(1), dim=-1)
)
claim.hypothesis("near $1.5\\,\\beta$", "near", measured=torch.linalg.vector_norm(noise, dim=-1))
claim.violation(
    "starts near $1.5\\,\\beta$, $d=10$", "not a saddle", successes=at_minimum.sum(), n=trials
)
chapter.number("step", step, "g", tolerance=0.0)
chapter.number("near_arrived", at_minimum.sum(), ".0f")
chapter.number("near_median", run.time.median(), ",.0f", tolerance=0.02)
chapter.number("near_longest", run.time.max(), ",.0f", tolerance=0.02)

# %% [markdown]
# {number}`near_arrived` of {number}`trials` pass the saddles and end at the global minimum.
# The median run takes {number}`near_median` iterations and the longest {number}`near_longest`.
# A run that is stopped earlier sees a plateau and looks as in the paper's figure.
#
# ```{admonition} Errata
# :class: warning
# **Section 1.3 of the paper** says that the start decides whether gradient descent converges
# to the global minimum or to a saddle, with Figure 1 as the example. Weights near $1.5\,\beta$
# pass the saddle instead. A counterexample in two dimensions is $w_1=w_2=1.5\,\beta+u_0e$ with
# a unit vector $e\perp\beta$ and a small $u_0>0$ (see {doc}`saddles`). For $d\ge2$ all random
# starts outside the ball that we tried reach the minimum, and the start decides how long it
# takes. What remains true: a start with both neurons on the line of $\beta$ can end in a
# saddle, and for $d=1$ the start decides.
# ```
#
# ## Where it stops being true: the line
#
# For $d=1$ there is no direction across $\beta$. The flow is linear in each quadrant of
# $(w_1,w_2)$, and every start can be followed by hand. With $\beta=1$, a start is trapped
# exactly if
#
# - $w_1,w_2$ have one sign and $\lvert w_1+w_2\rvert>1$, or
# - $w_1<0<w_2$ and the larger of $\lvert w_1\rvert,\lvert w_2\rvert$ exceeds $1$ plus twice the
# smaller.
#
# We compare this rule with the flow, and its probability, an integral, with counting.

# %%
line = torch.randn(3 * trials, 2, 1, generator=generator)
_, free = follow(line, torch.ones(len(line), 1))
trapped = is_trapped(line[..., 0])
claim.check("line", measured=(trapped == free).double().sum(), expected=0, n=len(line))
claim.control(
    "trapped outside the ball",
    "line",
    measured=((line.sum((1, 2)).abs() > 0.5) == free).double().sum(),
    expected=0,
)
probability = trapping_probability(1.0)
trap = {"successes": (~free).sum(), "n": len(line)}
claim.check("line, probability", **trap, expected=probability)
claim.control(
    "weights three times as large",
    "line, probability",
    **trap,
    expected=trapping_probability(3.0),
)
claim.control("one dimension", "two dimensions", successes=free.sum(), n=len(line))
chapter.number("probability", probability, ".3f", tolerance=1e-7)
chapter.number("share", 1 - free.double().mean(), ".3f")
chapter.number("probability_large", trapping_probability(1e3), ".2f", tolerance=1e-6)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.4), width_ratios=(1.15, 1))
rank = 1 - torch.arange(1, trials + 1) / (trials + 1)
for d, colour in zip(names, ("teacher", "measured", "student"), strict=True):
    ordered = times[d].sort().values
    axes[0].loglog(ordered, rank, color=COLOURS[colour], drawstyle="steps", label=f"$d={d}$")
axes[0].set(xlabel="time $t$ of the flow", ylabel="share of starts not yet there")
axes[0].legend(loc="lower left")
grid = torch.linspace(-4, 4, 201)
plane = torch.stack(torch.meshgrid(grid, grid, indexing="xy"), dim=-1)
shade = is_trapped(plane).double()
axes[1].contourf(grid, grid, shade, levels=[0.5, 1.5], colors=[COLOURS["bound"]], alpha=0.35)
for kind, colour, name in ((free, "student", "free"), (~free, "control", "trapped")):
    x, y = line[kind, :, 0].T
    axes[1].plot(x, y, ".", color=COLOURS[colour], markersize=3, label=name)
axes[1].plot(1, -1, "*", color="black", markersize=10)
axes[1].set(xlabel="$w_1$", ylabel="$w_2$", xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
axes[1].legend(loc="lower right", fontsize=8, frameon=True)
table = [
    ("time", d, float(t), float(r))
    for d in names
    for t, r in zip(times[d].sort().values, rank, strict=True)
]
table += [
    ("line, trapped" if stuck else "line, free", 1, *map(float, w))
    for w, stuck in zip(line[..., 0], ~free, strict=True)
]
columns = ("panel", "d", "time_or_first", "share_or_second")
chapter.figure(
    "fig-linear2025-from-everywhere",
    figure,
    caption=r"Left: share of random starts outside the ball that are not yet at the global minimum "
    r"($d=2,3,10$); all arrive, and the tail is heavier in low dimension. Right: "
    r"the line, "
    r"$d=1$. Shaded: starts that the rule calls trapped; dots: what the flow does. Star: the "
    r"minimum.",
    alt="Left: three falling step curves on log-log axes, the one for two dimensions with the "
    "longest "
    "tail. Right: a plane with shaded regions in three quadrants; all dots marked trapped lie in "
    "them, all others outside.",
    data=dict(zip(columns, zip(*table, strict=True), strict=True)),
    claims=["linear2025.sec1.3"],
)

# %% [markdown]
# For standard normal weights the probability of a trap is {number}`probability` (measured:
# {number}`share`); for very large weights it tends to {number}`probability_large`. In higher
# dimension the same trap exists for starts with both neurons on the line of $\beta$: an exact
# coincidence, which rounding errors end.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-large-starts-on-the-line
# Show that for very large starts on the line the probability of a trap tends to
# $\frac12+\frac1\pi\arctan\frac12$.
# ```
#
# ```{solution} exercise-large-starts-on-the-line
# :class: dropdown
# For large weights the $1$ in the rule does not matter. All starts of one sign are trapped,
# half of the plane. In the quadrant $w_1<0<w_2$ those are trapped whose larger modulus exceeds
# twice the smaller: two wedges of angle $\arctan\frac12$, hence $2\arctan\frac12/(2\pi)$ of
# the plane.
# ```
