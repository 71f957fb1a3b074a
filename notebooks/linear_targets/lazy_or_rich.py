# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lazy, or just badly started?
#
# Wide networks can fit a sample while their neurons barely move: training is *lazy*, and kernel
# theory describes it. Narrow networks move far. {cite:t}`linear2025` trains three widths on the
# same kind of data, finds that the widest generalises badly, and concludes that lazy theory
# cannot explain why the narrow ones do well. The measurement can be repeated. But width changes
# a second thing: a wide network *starts* as a large random function. We take that away and keep
# everything else.
#
# ```{claim} linear2025.fig9
# ```
#
# **What would count against it.** Other test losses at the paper's setting. And for the
# conclusion: a network that is just as wide and as lazy, and generalises. (Such a network starts
# otherwise than the paper's, so it says nothing about the measurement, only about the
# conclusion.)

# %% tags=["parameters", "hide-input"]
seed: int = 9  # seed of all random numbers; 0..4294967295
n_repeats: int = 2  # repetitions with fresh data and start; 2..100; paper 5
speed: int = 100  # factor on the step 0.001, a tenth of it for wide networks; 1..200; paper 1
dimension: int = 100  # dimension d of the inputs; 10..500; paper 100
n_samples: int = 1_000  # samples n; 100..100_000; paper 1_000
wide: int = 100  # width K of the widest network, even; 20..1_000; paper 100
n_steps: int = 60_000  # largest number of iterations; 1_000..10_000_000; paper 2_000_000
# memory: 1e9 bytes
# time: 8 + 4e-9 * n_samples * dimension * n_repeats * (5e5 / speed + 600 * wide) seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import linear_training as training
from shallow_relu.intervals import mean_interval

chapter = open_chapter("linear_targets/lazy_or_rich", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
beta = torch.eye(dimension)[:1]

# %% [markdown]
# ## The experiment
#
# Output weights are $\pm1$ in equal numbers, $d=100$, $n=1000$, and gradient descent stops when
# the training loss is below $10^{-4}$. The test loss is the population risk, in closed form. It
# splits exactly into an odd part, $\frac12\lVert\frac12\sum_ja_jw_j-\beta\rVert^2$, and an even
# part; the target is odd, so any even part is error. The paper's text says "default PyTorch
# initialisation" here. In its Section 4 "the default initialization" is Xavier's, so the words may
# mean that; we try both. We take larger steps than the paper. This changes the number of
# iterations and hardly the end, as one run with twice the step confirms; the `paper` setting uses
# the paper's step.
#
# The control, *zero function*, starts with $K/2$ Xavier neurons, each present twice with output
# weights $+1$ and $-1$. Width, scale of the neurons, data and step are as before; only $f(x)=0$
# at the start.


# %%
def xavier(K):
    return training.xavier_normal(K, dimension, generator)


def torch_default(K):
    return (2 * torch.rand(K, dimension, generator=generator) - 1) / math.sqrt(dimension)


def doubled(K):
    return xavier(K)[: K // 2].repeat(2, 1)


def signs(K):
    return torch.cat([torch.ones(K // 2), -torch.ones(K // 2)])


def run(K, start):
    """One run: path, training loss, test loss, its even share, movement, start and inputs."""
    x, W = torch.randn(n_samples, dimension, generator=generator), start(K)
    return {**fit(W, x), "start": W, "inputs": x}


def fit(W, x, multiple=1.0):
    """Train from `W` on the inputs, with a multiple of the step."""
    K, a = len(W), signs(len(W))
    step = 1e-3 * (speed if K <= 6 else max(1, speed // 10))
    path, count, loss = training.fit_sample(
        W, a, x, x[:, 0], step=multiple * step, loss=1e-4, n_steps=n_steps, keep=60
    )
    test = training.risk(path[-1], a[:, None], beta)
    odd = training.odd_risk(path[-1], a[:, None], beta)
    at_start = training.risk(W, a[:, None], beta) - training.odd_risk(W, a[:, None], beta)
    movement = torch.linalg.vector_norm(path[-1] - W) / torch.linalg.vector_norm(W)
    return {
        "path": path,
        "iterations": count,
        "loss": loss,
        "test": float(test),
        "even": float(1 - odd / test),
        "even_at_start": float(at_start),
        "movement": float(movement),
        "spread": float(W.std()),
        "width": len(W),
    }


settings = {
    "K = 2, Xavier": (2, xavier),
    "K = 6, Xavier": (6, xavier),
    f"K = {wide}, Xavier": (wide, xavier),
    f"K = {wide}, PyTorch": (wide, torch_default),
    f"K = {wide}, zero function": (wide, doubled),
}
results = {name: [run(*s) for _ in range(n_repeats)] for name, s in settings.items()}
two, six, hundred, default, zero = results.values()
twice_the_step = fit(default[0]["start"], default[0]["inputs"], multiple=2.0)


def initial_even_part(start, count=60):
    """Risk of the even part of networks at their start, over its mean for Xavier's start."""
    mean = wide / 8 * (1 - 2 / math.pi) * 2 * dimension / (wide + dimension)
    a = signs(wide)[:, None]
    starts = (start(wide) for _ in range(count))
    risks = [training.risk(W, a, beta) - training.odd_risk(W, a, beta) for W in starts]
    return torch.stack(risks) / mean


def values(runs, key):
    return torch.tensor([float(run[key]) for run in runs])


# %%
claim = chapter.claim("linear2025.fig9")
claim.hypothesis(
    "widest network: $K=100$", "width", measured=values(default, "width"), expected=wide
)
claim.hypothesis("$d=100$, $n=1000$", "data", measured=[dimension, n_samples], expected=[100, 1000])
claim.hypothesis(
    "PyTorch's default start",
    "default start",
    measured=values(default, "spread"),
    expected=1 / math.sqrt(3 * dimension),
)
claim.hypothesis(
    "training loss below $10^{-4}$",
    "fitted",
    measured=torch.cat([values(runs, "loss") for runs in results.values()]),
)
claim.violation(
    "not about 4 with the start that the text names",
    "test loss by default",
    measured=values(default, "test"),
)
claim.violation(
    "six neurons: not of the order of the training loss",
    "six above training",
    measured=values(six, "test") / 1e-4,
)
claim.note = (
    'Read "default" as Xavier\'s start, as Section 4 does: then the printed losses at K=2 and 100 '
    "are right, and what fails is the comparison at K=6 and the conclusion."
)
claim.hypothesis(
    "the step is small enough not to matter",
    "twice the step",
    measured=twice_the_step["test"] / default[0]["test"],
    expected=1,
)
claim.check("two neurons", measured=values(two, "test").mean(), expected=2e-4, n=n_repeats)
claim.check("six neurons", measured=values(six, "test").mean(), expected=1.1e-3, n=n_repeats)
claim.check("six above training", measured=values(six, "test") / 1e-4, n=n_repeats)
claim.check("hundred neurons", measured=values(hundred, "test").mean(), expected=4, n=n_repeats)
claim.check(
    "barely move", measured=torch.cat([values(hundred, "movement"), values(zero, "movement")])
)
ratio = values(zero, "test").mean() / values(hundred, "test").mean()
claim.check("zero function", measured=ratio)
claim.check("lazy and good", measured=values(zero, "test"), n=n_repeats)
mean, *interval = mean_interval(initial_even_part(xavier))
claim.check("initial even part", measured=mean, interval=interval, n=60)
claim.check("even part", measured=values(hundred, "even"))
claim.control(
    "PyTorch's default start",
    "hundred neurons",
    measured=values(default, "test").mean(),
    expected=4,
)
claim.control("two neurons", "barely move", measured=values(two, "movement"))
claim.control("two neurons", "six above training", measured=values(two, "test") / 1e-4)
claim.control("Xavier's start as it is", "lazy and good", measured=values(hundred, "test"))
smaller = values(default, "test").mean() / values(hundred, "test").mean()
claim.control("PyTorch's start, smaller but not zero", "zero function", measured=smaller)
mean, *interval = mean_interval(initial_even_part(torch_default))
claim.control("PyTorch's start", "initial even part", measured=mean, interval=interval)
for name, runs in zip(("two", "six", "hundred", "default", "zero"), results.values(), strict=True):
    chapter.number(f"test_{name}", values(runs, "test").mean(), ".2g", tolerance=0.5)
    chapter.number(f"movement_{name}", values(runs, "movement").mean(), ".0%", tolerance=0.2)
chapter.number("even_share", values(hundred, "even").mean(), ".0%", tolerance=0.05)
chapter.number("even_kept", values(hundred, "even").mean() * values(hundred, "test").mean(), ".1f")
chapter.number("even_at_start", values(hundred, "even_at_start").mean(), ".1f", tolerance=0.2)
chapter.number("six_over_training", values(six, "test").mean() / 1e-4, ".0f")
chapter.number("factor", 1 / ratio, ".0f", tolerance=0.5)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 4, figsize=(9.0, 2.7), sharey=True)
table = {name: [] for name in ("panel", "neuron", "point", "along", "across")}
shown = [name for name in settings if "PyTorch" not in name]
for panel, name in zip(axes, shown, strict=True):
    path = results[name][0]["path"][..., [0, 1]]
    K = path.shape[1]
    for j in range(K):
        colour = "#CC0000" if j < K // 2 else "#0033CC"
        wide_line = 0.9 if K < 20 else 0.5
        panel.plot(path[:, j, 0], path[:, j, 1], color=colour, linewidth=wide_line)
        panel.plot(*path[-1, j], "o", color=colour, markersize=5 if K < 20 else 2)
        for p in (0, len(path) - 1) if K >= 20 else range(len(path)):
            for key, value in zip(table, (name, j, p, *path[p, j].tolist()), strict=True):
                table[key].append(value)
    for sign in (1, -1):
        panel.annotate("", (sign, 0), (0, 0), arrowprops={"arrowstyle": "->", "linewidth": 1.4})
    panel.set(title=name, xlabel=r"along $\beta$", xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
axes[0].set_ylabel(r"one direction orthogonal to $\beta$")
chapter.figure(
    "fig-linear2025-widths",
    figure,
    caption=r"Counterpart of Figure 9, and the control on the right: neurons with output weight "
    r"$+1$ (red) and $-1$ (blue) in training on a sample, points at the end; arrows are "
    r"$\pm\beta$. Both wide networks barely move. The third generalises badly, the fourth well.",
    alt="Four panels of trajectories. With two and six neurons they end near the arrows. In the "
    "panels with wide networks the neurons form a cloud around the origin and hardly move.",
    data=table,
    claims=["linear2025.fig9"],
)

# %% tags=["hide-input"]
figure, panel = plt.subplots(figsize=(6.4, 2.7))
rows = range(len(results))[::-1]
for row, runs in zip(rows, results.values(), strict=True):
    tests, evens = values(runs, "test"), values(runs, "even")
    place = torch.full((n_repeats,), float(row))
    panel.plot(tests, place + 0.1, "o", color=COLOURS["measured"], label="test loss")
    panel.plot(tests * evens, place - 0.1, "s", color=COLOURS["bound"], label="its even part")
panel.axvline(1e-4, color=COLOURS["muted"], linestyle=":", linewidth=1)
panel.set(xscale="log", yticks=list(rows), yticklabels=list(results), ylabel="network and start")
panel.set(xlabel="population risk at the end (dotted: training loss)", xlim=(5e-5, 200))
handles, labels = panel.get_legend_handles_labels()
panel.legend(handles[:2], labels[:2], loc="lower right")
chapter.figure(
    "fig-linear2025-initial-function",
    figure,
    caption=r"Test loss of the five settings, and the part of it that comes from the even part of "
    r"the network. At $K=100$ the loss with Xavier's start is mostly even part, left over from the "
    r"initial function. With a zero initial function the same lazy network is many times better.",
    alt="Dots on a logarithmic axis for five settings, close to the training loss for two neurons, "
    "some ten times higher for six, highest for the two wide networks with a random initial "
    "function, and between six and these for the wide network that starts at zero.",
    data={
        "setting": [name for name in results for _ in range(n_repeats)],
        "test": torch.cat([values(runs, "test") for runs in results.values()]),
        "even_share": torch.cat([values(runs, "even") for runs in results.values()]),
        "movement": torch.cat([values(runs, "movement") for runs in results.values()]),
        "iterations": torch.cat([values(runs, "iterations") for runs in results.values()]),
    },
    claims=["linear2025.fig9"],
)

# %% [markdown]
# | network and start | test loss | movement of the neurons |
# |---|---|---|
# | $K=2$, Xavier | {number}`test_two` | {number}`movement_two` |
# | $K=6$, Xavier | {number}`test_six` | {number}`movement_six` |
# | $K=100$, Xavier | {number}`test_hundred` | {number}`movement_hundred` |
# | $K=100$, PyTorch's default | {number}`test_default` | {number}`movement_default` |
# | $K=100$, zero function | {number}`test_zero` | {number}`movement_zero` |
#
# The paper's numbers at $K=2$ and $K=100$ come back with Xavier's start, which it presumably used.
# At $K=6$ the test loss varies from start to start and is about {number}`six_over_training` times
# the training loss, more than "the same order"; the paper's own number is 11 times.
#
# The conclusion does not follow. At $K=100$ {number}`even_share` of the test loss is even part.
# For normal entries and balanced output weights the even part of the initial function has the
# mean risk
#
# $$\frac K8\Bigl(1-\frac2\pi\Bigr)\,\mathbb E\lVert w_j\rVert^2,\qquad
# \mathbb E\lVert w_j\rVert^2=\frac{2d}{K+d}\text{ for Xavier's start.}$$
#
# Here it starts at {number}`even_at_start`; a thousand samples do not pin it down in $10^4$
# weights, and {number}`even_kept` of it stays. That would be so in any regime that keeps most of
# what it starts with. PyTorch's default has $\mathbb E\lVert w_j\rVert^2=\frac13$, hence its
# smaller loss. With zero initial function the same width and scale give a network whose neurons
# move {number}`movement_zero` and whose test loss is {number}`factor` times smaller. What the
# comparison shows is the cost of a large random initial function, not the cost of laziness.
#
# ## Where it stops being true
#
# The control is not as good as $K=2$: its test loss stays well above {number}`test_two`. Lazy
# training with $K=100$ does lose something against two neurons that find $\pm\beta$. The
# experiment in the paper attributes far more than that to laziness.
#
# ```{admonition} Errata
# :class: warning
# **Appendix G.2.** If "default PyTorch initialisation" means the one of PyTorch's linear layers,
# the test loss at $K=100$ is not about $4$; with Xavier's start it is. At $K=6$ it is not of the
# order of the training loss. And that
# lazy theory cannot explain the difference between the widths does not follow: smallest
# counterexample, the same network with its neurons doubled, $a_j=\pm1$, so that $f=0$ at the
# start. Corrected: the loss at $K=100$ measures the initial function, above all its even part.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-zero-function
# A doubled network has $f=0$. Show that its neurons nevertheless have a non-zero gradient, and
# that the two copies of a neuron move in opposite directions in the first step.
# ```
#
# ```{solution} exercise-zero-function
# :class: dropdown
# The gradient in $w_j$ is $a_j$ times $\frac1n\sum_ir_i\,\mathbf 1\{w_j\cdot x_i>0\}\,x_i$
# with $r_i=-y_i$. The copies share the second factor and have opposite $a_j$.
# ```
