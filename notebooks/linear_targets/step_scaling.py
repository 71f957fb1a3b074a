# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How to scale the step
#
# Let $f(x)=a_1\,\sigma(w_1\cdot x)+a_2\,\sigma(w_2\cdot x)$ with fixed output weights learn
# $\beta\cdot x$. The gradient in $w_j$ carries a factor $a_j$, and so does the effect of moving
# $w_j$: a step $\eta$ acts on neuron $j$ like $\eta a_j^2$. If the output weights differ a
# hundredfold, the neurons' speeds differ by $10^4$. {cite:t}`linear2025` therefore divides the
# step by $a_j^2$, and shows what this saves. Its theorem for several outputs forgets the
# division, and becomes false.
#
# ```{claim} linear2025.fig4
# ```
#
# ```{claim} linear2025.thm6
# ```
#
# **What would count against them.** For Figure 4: other counts of iterations, with the step size
# tuned as in the paper. For Theorem 6: for *every* constant $c_3$ a problem that meets all
# hypotheses and on which the distance grows, or for every $c_4$ one on which it falls too
# slowly. Our repair would fail if one random problem broke its bound.

# %% tags=["parameters", "hide-input"]
seed: int = 4  # seed of all random numbers; 0..4294967295
n_starts: int = 100  # random starts of Figure 4, scaled step; 20..10_000
n_problems: int = 60  # random problems for the repaired theorem; 8..2_000
finest_share: float = 0.9975  # unscaled steps, largest stable one tried; 0.9..0.9999; paper 0.9975
dimension: int = 100  # dimension d of the inputs; 10..1_000; paper 100
# memory: 5e8 bytes
# time: 10 + 0.01 * n_starts + 0.005 * n_problems seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import linear_training as training

chapter = open_chapter("linear_targets/step_scaling", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)

# %% [markdown]
# ## Figure 4
#
# As in the paper, $a=(100,-1)$, $d=100$, weights $0.01$ times Xavier, $\lVert\beta\rVert=1$.
# Near the minimum the Hessian is $\frac12a_j^2$ for neuron $j$, so a rule that divides the step
# by $|a_j|^p$ is stable for $\eta<4\cdot100^{p-2}$ when $p\le2$, and the slow neuron, with
# $|a_2|=1$, multiplies its risk by about $e^{-\eta}$ per step. After the fast neuron has
# settled, the risk is $\frac14$. Hence a rule that is not balanced needs at least
#
# $$\frac{1}{\eta}\,\ln\frac{1/4}{10^{-5}}\qquad\text{iterations, with }\eta\le4\cdot100^{p-2}.$$
#
# We follow each rule with several step sizes from the same starts and count until the risk is
# below $10^{-5}$. The best step size is chosen for each start separately, which favours the
# paper.

# %%
figure_four = chapter.claim("linear2025.fig4")
a = torch.tensor([[100.0], [-1.0]])
level = 1e-5
slow_law = math.log(0.25 / level) / 4  # times the largest ratio of squared weights left, over it
raw_starts = 0.01 * training.xavier_normal(2, dimension, generator, batch=(n_starts,))
starts, targets = training.span_coordinates(raw_starts, torch.eye(dimension)[:1])


def risks(power, steps, count, n_steps, every=1):
    """Risks `[times, starts, steps]` of the rule that divides the step by |a_j|^power."""
    pace = torch.tensor(steps)[None, :, None, None] / a.abs() ** power
    target = targets[:count, None]
    path = training.descent_path(
        lambda W: pace * training.neuron_gradient(W, a[None, None], target),
        starts[:count, None].expand(-1, len(steps), -1, -1),
        step=1.0,
        times=range(0, n_steps + 1, every),
    )
    return training.risk(path, a[None, None, None], target)


def iterations(risk, every=1):
    """First recorded iteration with a risk below the level; infinite where there is none."""
    below = risk < level
    first = every * below.to(torch.uint8).argmax(dim=0).double()
    return torch.where(below.any(dim=0), first, math.inf)


shares = [0.5, 0.9, 0.95, 0.97, 0.98, 0.99, finest_share, 1.01]
twice_steps = [1.9 + 0.01 * k for k in range(51)]
longest = round(1.01 * slow_law * 1e4 / finest_share)
twice = risks(2, twice_steps, n_starts, 6)
shown_twice = risks(2, [2.15], 1, 20)
once = risks(1, [0.04 * share for share in shares], 20, 600)
never = risks(0, [4e-4 * share for share in (0.9, *shares[-2:])], 1, longest, every=20)
count_twice = iterations(twice).min(dim=1).values
count_once = iterations(once).min(dim=1).values
count_never = iterations(never, every=20)

median = chapter.number("scaled_iterations", count_twice.median(), ".0f", tolerance=1e-9)
chapter.number("share_of_three", (count_twice <= 3).double().mean(), ".0%")
chapter.number("share_of_four", (count_twice <= 4).double().mean(), ".0%")
chapter.number("once_iterations", count_once.median(), ".0f", tolerance=0.02)
chapter.number("unscaled_iterations", count_never.min(), ",.0f", tolerance=0.02)
chapter.number("unscaled_law", slow_law * 1e4, ",.0f", tolerance=1e-9)

# %% [markdown]
# The tuned counts:
#
# - $\eta/a_j^2$, as in Theorem 1: {number}`scaled_iterations` iterations (median). Three suffice
#   in {number}`share_of_three` of the starts, four in {number}`share_of_four`.
# - $\eta/\lvert a_j\rvert$, as printed in Section 4.3: {number}`once_iterations`.
# - $\eta$ without scaling: {number}`unscaled_iterations`; the law says {number}`unscaled_law`.
#
# So the message of Figure 4 stands. What does not stand is the rule printed beside it: divided
# by $\lvert a_j\rvert$, the step needs hundreds of iterations; the rule of Theorem 1 does what
# the figure shows. The counts are off by little: four rather than three (the figure shows one
# trial, and some starts need only three), and more than twice "about $10^4$". Dividing by
# $a_j^2$ makes the Hessian at the minimum $\frac12I$, so $\eta=2$ is a Newton step; that is why
# so few iterations are enough.

# %%
spread = raw_starts.square().mean().sqrt() / (0.01 * math.sqrt(2 / (2 + dimension)))
late = torch.cat([once[-100:, :, -1].amax(dim=0), never[-5:, :, -1].amax(dim=0)])
figure_four.hypothesis(
    "output weights $(100,-1)$", "weights", measured=a[:, 0], expected=torch.tensor([100.0, -1.0])
)
figure_four.hypothesis("entries are 0.01 times Xavier", "spread", measured=spread, expected=1.0)
figure_four.hypothesis(
    "steps tuned up to the stability limit: 1 % beyond, no run stays below",
    "beyond the limit",
    measured=float(not (late < level).any()),
    expected=1,
)
figure_four.violation(
    r"step $\eta/\lvert a_j\rvert$: hundreds of iterations",
    "printed rule cost",
    measured=count_once,
)
figure_four.violation(
    "unscaled: more than twice $10^4$ iterations", "unscaled cost", measured=count_never.min()
)
figure_four.violation(
    r"step $\eta/a_j^2$: three iterations are not typical",
    "three suffice",
    successes=(count_twice <= 3).sum(),
    n=n_starts,
)
figure_four.check("scaled", measured=median, expected=4.0, n=n_starts)
figure_four.check("four suffice", successes=(count_twice <= 4).sum(), n=n_starts)
figure_four.check("divided once", measured=count_once, expected=100 * slow_law)
figure_four.check("unscaled", measured=count_never.min(), expected=1e4 * slow_law)
figure_four.control(
    r"step divided by $\lvert a_j\rvert$ only", "scaled", measured=count_once.median(), expected=4.0
)
figure_four.control(
    r"step divided by $\lvert a_j\rvert$ only",
    "four suffice",
    successes=(count_once <= 4).sum(),
    n=len(count_once),
)

# %% [markdown]
# ## Theorem 6
#
# With $A=[I_m,-I_m]^\top SQ$ and $s_\ell$ the entries of $S$, the risk is a sum over pairs
# $(w_\ell,w_{\ell+m})$, and the gradient of pair $\ell$ is $s_\ell^2$ times that of a single
# output with weights $\pm1$ and target $\tilde\beta_\ell$. The proof applies Theorem 1 to each
# pair and overlooks the factor. A plain step $\eta$ is the step $\eta s_\ell^2$ of Theorem 1,
# so for every $c_3$ we take $\eta=c_3$ and one $s_\ell$ with $\eta s_\ell^2=12$, and for every
# $c_4$ a small one. We run five constants $c_3$; since only $\eta s_\ell^2$ matters, each other
# one gives the same runs with another $S$.

# %%
theorem = chapter.claim("linear2025.thm6")


def problem(scales, d, size=1.0, batch=()):
    """Random Q, target and start on the boundary of the theorem's ball, for given scales."""
    m = scales.shape[-1]
    Q = torch.linalg.qr(torch.randn(*batch, m, m, generator=generator))[0]
    B = torch.randn(*batch, m, d, generator=generator)
    rows = Q @ B / scales[..., None]
    length = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    apart = torch.randn(*batch, m, d, generator=generator) * length / math.sqrt(d) * size
    total = torch.randn(*batch, m, d, generator=generator)
    total = 0.5 * length * total / torch.linalg.vector_norm(total, dim=-1, keepdim=True)
    start = torch.cat([apart + total / 2, total / 2 - apart], dim=-2)
    A = training.antipodal_output_weights(scales, Q)
    return A, B, start, training.antipodal_minimum(scales, Q, B)


def squared_distances(A, B, start, minimum, pace, n_steps):
    """Squared distances to the minimum `[times, *batch]` with the step `pace` of each neuron."""
    path = training.descent_path(
        lambda W: pace * training.neuron_gradient(W, A, B),
        start,
        step=1.0,
        times=range(n_steps + 1),
    )
    return (path - minimum).square().sum(dim=(-2, -1))


c3 = torch.tensor([1.0, 0.12, 1e-2, 1e-3, 1e-4])
large = torch.stack([torch.sqrt(12 / c3), torch.ones(5)], dim=-1)
A, B, start, minimum = problem(large, 5, batch=(5,))
pace = c3[:, None, None]
printed = squared_distances(A, B, start, minimum, pace, 12)
growth = (printed / printed[0]).amax(dim=0)

# The other failure: the second pair starts at its minimum, the first has a small scale.
small = torch.tensor([1e-1, 1e-2, 1e-3])
weak = problem(torch.stack([small, torch.ones(3)], dim=-1), 5, batch=(3,))
weak_start = weak[2].clone()
weak_start[:, [1, 3]] = weak[3][:, [1, 3]]
slow = squared_distances(weak[0], weak[1], weak_start, weak[3], torch.tensor(0.12), 200)
rate = (1 - (slow[-1] / slow[0]) ** (1 / 200)) / 0.12
chapter.number("smallest_growth", growth.min(), ".1e", tolerance=0.5)
chapter.number("slowest_rate", rate.min(), ".1e")

# %%
# Both counterexamples, the large scales and the small ones, one behind the other.
both = zip((A, B, start, minimum), (*weak[:2], weak_start, weak[3]), strict=True)
outer, targets_both, starts_both, minima = (torch.cat(part) for part in both)
both_scales = torch.cat([large, torch.stack([small, torch.ones(3)], dim=-1)])
sums = starts_both[:, :2] + starts_both[:, 2:]
ball = torch.linalg.vector_norm(sums, dim=-1)
ball = ball / torch.linalg.vector_norm(minima[:, :2], dim=-1)
rows = outer[:, :2] / both_scales[..., None]
theorem.hypothesis("start inside of the ball", "ball", measured=ball)
theorem.hypothesis(
    "output weights $[I,-I]^\\top SQ$",
    "pattern",
    measured=outer[:, :2] + outer[:, 2:],
    expected=0.0,
)
theorem.hypothesis(
    "$Q$ orthogonal, for the positive $S$",
    "pattern",
    measured=rows @ rows.mT,
    expected=torch.eye(2).expand(8, 2, 2),
)
theorem.hypothesis(
    "$W^*$ fits the target exactly",
    "minimum",
    measured=training.risk(minima, outer, targets_both),
)
theorem.hypothesis(
    r"step $\eta\le c_3$, for each of five constants $c_3$ and, with small scales, $c_3=0.12$",
    "step",
    measured=[*(pace.flatten() - c3), 0.12 - 0.12],
)
theorem.violation("the distance grows, for each $c_3$", "growth", measured=growth)
theorem.violation("no $c_4$ holds for small scales", "rate", measured=rate[1:])

# %% [markdown]
# The squared distance grows by {number}`smallest_growth` or more within 12 iterations, for each
# of the five constants; with small scales the rate $c_4$ that the data allow falls like
# $s_\ell^2$, down to {number}`slowest_rate`.
#
# **Repair.** Divide the step of neuron $\ell$ and of neuron $\ell+m$ by $s_\ell^2$. Then every
# pair obeys Theorem 1 with its constants, and so does their sum. We test the paper's own
# constants, $c_3=0.12$ and $c_4=0.3$ (those of its Lemmas 4 and 5), on random problems with
# $m=1,\dots,5$, scales from $10^{-2}$ to $10^2$ and random steps $\eta\le c_3$. We also test a
# sharper fact that the chapter on population convergence proves for one output: with $\eta=1$
# every iteration at least halves the squared distance. A second repair keeps the plain step but
# needs $\eta\le0.12/\max_\ell s_\ell^2$, and promises only the rate
# $0.3\,\eta\min_\ell s_\ell^2$.

# %%
worst = {"repaired": 0.0, "halving": 0.0, "plain": 0.0, "printed": 0.0}
times = torch.arange(1, 101)[:, None]
batch = (max(2, n_problems // 5),)
for m in range(1, 6):
    scales = 10 ** (4 * torch.rand(*batch, m, generator=generator) - 2)
    instance = problem(scales, 8, size=3.0, batch=batch)
    square = torch.cat([scales, scales], dim=-1)[..., None] ** 2
    largest, smallest = square.amax(dim=(1, 2)), square.amin(dim=(1, 2))
    eta = 0.12 * torch.rand(*batch, generator=generator).clamp(min=0.1)
    eta[0] = 0.12
    D = squared_distances(*instance, eta[:, None, None] / square, 100)
    bound = D[1:] / D[0] / (1 - 0.3 * eta) ** times
    worst["repaired"] = max(worst["repaired"], float(bound.max()))
    D = squared_distances(*instance, 1 / square, 12)
    worst["halving"] = max(worst["halving"], float((D[1:] / D[:-1]).max()))
    D = squared_distances(*instance, 0.12 / largest[:, None, None], 100)
    bound = D[1:] / D[0] / (1 - 0.3 * 0.12 * smallest / largest) ** times
    worst["plain"] = max(worst["plain"], float(bound.max()))
    D = squared_distances(*instance, torch.tensor(0.12), 3)
    bound = D[1:] / D[0] / (1 - 0.3 * 0.12) ** times[:3]
    worst["printed"] = max(worst["printed"], float(bound.max()))
for name in ("repaired", "halving", "plain"):
    theorem.check(name, measured=worst[name], n=5 * batch[0])
theorem.control("the update as printed", "repaired", measured=worst["printed"])
chapter.number("worst_repaired", worst["repaired"], ".3f")
chapter.number("worst_halving", worst["halving"], ".3f")

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.2))
grid = torch.arange(0, longest + 1, 20)
lines = [
    (r"$\eta$ (unscaled)", "control", grid, never[:, 0, 1]),
    (r"$\eta/\vert a_j\vert$", "bound", torch.arange(601), once[:, 0, 4]),
    (r"$\eta/a_j^2$", "measured", torch.arange(21), shown_twice[:, 0, 0]),
]
for label, colour, time, values in lines:
    shown = values > 1e-9
    axes[0].loglog(time[shown] + 1, values[shown], color=COLOURS[colour], label=label)
axes[0].axhline(level, color=COLOURS["muted"], linestyle=":", linewidth=1)
axes[0].set(xlabel=r"iteration $\tau+1$", ylabel="population risk $R$", ylim=(1e-8, 1e4))
axes[0].legend(loc="upper right")
pair = problem(torch.tensor([100.0, 1.0]), 5)
low = problem(torch.tensor([0.01, 1.0]), 5)
square = torch.tensor([1e4, 1.0, 1e4, 1.0])[:, None]
runs = [
    ("printed, $S=(100,1)$", "control", squared_distances(*pair, torch.tensor(0.12), 6)),
    ("printed, $S=(0.01,1)$", "bound", squared_distances(*low, torch.tensor(0.12), 100)),
    ("repaired, $S=(100,1)$", "measured", squared_distances(*pair, 0.12 / square, 100)),
]
for label, colour, values in runs:
    axes[1].semilogy(values / values[0], color=COLOURS[colour], label=label)
axes[1].semilogy(0.964 ** torch.arange(101), ":", color=COLOURS["theory"], label="bound of Thm 6")
axes[1].set(xlabel=r"iteration $\tau$", ylabel="squared distance, share of start")
axes[1].set(ylim=(1e-7, 1e8), xlim=(0, 100))
axes[1].legend(loc="upper right")
chapter.figure(
    "fig-linear2025-step-rules",
    figure,
    caption=r"Left, counterpart of Figure 4: risk with output weights $(100,-1)$ under three "
    r"step rules, each near its best step size; the dotted line is $10^{-5}$. Right: squared "
    r"distance to the minimum for Theorem 6 with $\eta=0.12$. As printed, the update explodes for "
    r"a large scale and stands still for a small one; divided by $s_\ell^2$ it stays below the "
    r"bound.",
    alt="Left: three falling risk curves on logarithmic axes; the scaled rule falls within four "
    "iterations, dividing once takes hundreds, the unscaled rule tens of thousands. Right: the "
    "printed update shoots up or stays flat, the repaired one falls below a dotted bound.",
    data={
        "curve": [label for label, _, time, _ in lines for _ in time[::5]]
        + [label for label, _, values in runs for _ in values],
        "iteration": [int(t) for _, _, time, _ in lines for t in time[::5]]
        + [t for _, _, values in runs for t in range(len(values))],
        "value": [float(v) for _, _, _, values in lines for v in values[::5]]
        + [float(v) for _, _, values in runs for v in values / values[0]],
    },
    claims=["linear2025.fig4", "linear2025.thm6"],
)

# %% [markdown]
# On the fresh problems the largest ratio of distance and bound is {number}`worst_repaired` (it
# must not exceed 1), and the worst factor of a step with $\eta=1$ is {number}`worst_halving`.

# %%
outside = torch.linalg.vector_norm(
    (a.abs() * raw_starts).sum(dim=1), dim=-1
)  # $|a_1| w_1 + |a_2| w_2$, in units of the target's norm
chapter.number("distance_from_ball", outside.min() / 0.5, ".1f")
chapter.number("inside_the_ball", (outside <= 0.5).double().mean(), ".0%")

# %% [markdown]
# ## Where it stops being true
#
# Theorem 1 asks for $\lVert a_1w_1+\lvert a_2\rvert w_2\rVert\le\frac12\lVert\beta\rVert$.
# With $a_1=100$ the start of Figure 4 is never inside this ball ({number}`inside_the_ball` of
# our starts; the nearest misses the radius by a factor {number}`distance_from_ball`). It
# converges all the same: the figure illustrates the scaling, not the theorem.
#
# ```{admonition} Errata
# :class: warning
# **Section 4.3** prints the scaled step as $\eta/a_j$. With $a=(100,-1)$ this needs
# $\frac{100}4\ln\frac{1/4}{10^{-5}}$ iterations. Corrected: $\eta/a_j^2$, as in Theorem 1, needs
# four, or three from some starts. Without scaling it is $\frac{10^4}4\ln\frac{1/4}{10^{-5}}$.
#
# **Theorem 6** omits the scaling, and no constants $c_3$, $c_4$ make it true. Smallest
# counterexample: one output and $S=(s)$, where the step $\eta$ acts like $\eta s^2$. Corrected:
# $W\leftarrow W-\eta\operatorname{diag}(S,S)^{-2}\nabla R(W)$, with the constants of Theorem
# 1.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-unscaled-step
# Output weights $(a_1,-a_2)$ with $a_1>a_2>0$. Show that under every stable constant step the
# error of the slow neuron keeps at least the share $1-2a_2^2/a_1^2$ per iteration near the
# minimum.
# ```
#
# ```{solution} exercise-unscaled-step
# :class: dropdown
# At the minimum the Hessian is $\frac12a_j^2I$ in $w_j$, without coupling. Stability needs
# $\frac12\eta a_1^2<2$, so $\eta<4/a_1^2$, and the slow error is multiplied by
# $1-\frac12\eta a_2^2>1-2a_2^2/a_1^2$.
# ```
