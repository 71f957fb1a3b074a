# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Trained networks against the network that was built
#
# {cite:t}`chen2024` compare their bound with training: random starts, gradient descent with
# momentum, many runs, and the average of the last costs beside the bound. Their text says that
# the two come together as the clusters shrink. We run their experiment, many starts in one batch,
# and look at the single runs behind the average.
#
# The numbers of Table 1 are lost in the text at hand. The authors' released program has them, and
# the output stored in it; to reproduce that output to its last digits is the test that we run the
# same experiment. Two facts are visible only there. What the paper calls stochastic gradient
# descent is a step on the whole sample. And the plotted bound takes the centres from which the
# clusters were drawn in the place of the class means: a valid bound too, but another number.
#
# ```{claim} chen2024.table1
# ```
#
# ```{claim} chen2024.fig1
# ```
#
# ```{claim} chen2024.fig2
# ```
#
# ```{claim} chen2024.fig1limit
# ```
#
# **What would count against them.** Other digits. For Figure 1: a gap between bound and average
# that does not fall with the spread. For our correction: a share of runs that end neither near
# the bound nor at one of the levels that we predict.

# %% tags=["parameters", "hide-input"]
seed: int = 3  # seed of the fresh data (the released seeds are kept); 0..4294967295
networks: int = 50  # random starts for each setting; 40..10_000; paper 100
# memory: 3e8 + 3e5 * networks bytes
# time: 12 + 0.1 * networks seconds

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import clustered, constructions
from shallow_relu.biased_networks import linear_start, stack, train
from shallow_relu.intervals import mean_interval

chapter = open_chapter("constructive/trained_against_built", globals())
TABLE = {"step": 0.05, "momentum": 0.9, "max_epochs": 1000, "tolerance": 1e-4, "patience": 30}
DIMENSION, PER_CLASS, CLASSES = 4, 10, (2, 3, 4)
SPREADS = (0.02, 0.1, 0.2, 0.3, 0.5)


# %% [markdown]
# ## The released setting
#
# Each class has a random centre, columns of an orthogonal matrix, and ten inputs around it. The
# random numbers are drawn in the order of the released program and in its precision, 32 bits. The
# first claim compares with its stored output, of ten runs at the spread $\varsigma=0.2$. As
# controls we change one number of the table at a time.


# %%
def draw(Q, spread, generator):
    """Data in the order of the released program: centres, then one class after the other."""
    sizes = (PER_CLASS,) * Q
    centres = clustered.orthonormal_means(DIMENSION, Q, generator, dtype=torch.float32)
    noise = [torch.randn(PER_CLASS, DIMENSION, generator=generator).T for _ in range(Q)]
    return clustered.repeat_columns(centres, sizes) + spread * torch.cat(noise, 1), centres, sizes


def start(Q, number):
    generator = torch.Generator().manual_seed(number)
    return linear_start(DIMENSION, DIMENSION, Q, generator, dtype=torch.float32)


def answers(Q):
    return clustered.repeat_columns(torch.eye(Q), (PER_CLASS,) * Q)


def experiment(Q, spread, *, data=12345, first=1000, count=networks, **changed):
    """First and last costs of `count` starts, the plotted bound, and delta_P."""
    generator = torch.Generator().manual_seed(data)
    X, centres, sizes = draw(Q, spread, generator)
    around = centres.mT @ (X - clustered.repeat_columns(centres, sizes))
    bound = float(torch.linalg.matrix_norm(around)) / X.shape[1] ** 0.5
    targets = answers(Q)
    starts = stack([start(Q, first + i) for i in range(count)])
    ran = train(starts, X, targets, **{**TABLE, **changed})
    return ran.first.double(), ran.last.double(), bound, X, centres, sizes


table = chapter.claim("chen2024.table1")
STORED = torch.tensor(  # of the released program: bound, mean first, mean last, its deviation
    [
        [0.282703, 1.061712, 0.179298, 0.192021],
        [0.356829, 1.167314, 0.239968, 0.128257],
        [0.369157, 1.131323, 0.361447, 0.211027],
    ],
    dtype=torch.float64,
)


def summary(first, last, bound):
    return torch.tensor([bound, first.mean(), last.mean(), last.std()], dtype=torch.float64)


runs = {(Q, s): experiment(Q, s) for Q in CLASSES for s in SPREADS}
stored_runs = [runs[Q, 0.2] for Q in CLASSES]
ten = torch.stack([summary(first[:10], last[:10], b) for first, last, b, *_ in stored_runs])
table.check("bounds", measured=ten[:, 0], expected=STORED[:, 0])
table.check("first costs", measured=ten[:, 1], expected=STORED[:, 1])
table.check("last costs", measured=ten[:, 2:], expected=STORED[:, 2:], n=30)
averages = [
    constructions.construction_bound(X, torch.eye(Q), sizes)
    for Q, (*_, X, _, sizes) in ((Q, runs[Q, 0.2]) for Q in CLASSES)
]
table.control("averages in place of centres", "bounds", measured=averages, expected=STORED[:, 0])
other = experiment(3, 0.2, first=2000, count=10)[0].mean()
table.control("other starts", "first costs", measured=other, expected=STORED[1, 1])
for name, changed in (
    ("step 0.04", {"step": 0.04}),
    ("momentum 0.8", {"momentum": 0.8}),
    ("at most 200 epochs", {"max_epochs": 200}),
):
    last = experiment(3, 0.2, count=10, **changed)[1].mean()
    table.control(f"{name}, $Q=3$", "last costs", measured=last, expected=STORED[1, 2])
_ = chapter.number("largest_difference", (ten - STORED).abs().max(), ".0e")

# %% [markdown]
# The largest difference from the stored output is {number}`largest_difference`. The controls show
# that step, momentum and number of epochs are distinguished by it from one other value each.
#
# ## The figures of the paper
#
# Now all {number}`starts` starts. The gap between bound and average last cost falls from the spread
# $0.5$ to $0.3$ to $0.2$ for each number of classes, and at $0.2$ some runs end above the bound.

# %%
alignment, tracking = chapter.claim("chen2024.fig1"), chapter.claim("chen2024.fig2")
chapter.number("starts", networks, ".0f")


def distances(Q, spread):
    """Distances of the last costs from the bound, counted so that their mean is positive."""
    _, last, bound, *_ = runs[Q, spread]
    signed = bound - last
    return signed * signed.mean().sign()


def fall(Q, wide, narrow):
    """Mean fall of the gap between two spreads with its interval; the same starts in both."""
    return mean_interval(distances(Q, wide) - distances(Q, narrow))


falls = [fall(Q, *pair) for Q in CLASSES for pair in ((0.5, 0.3), (0.3, 0.2))]
mean, *interval = min(falls, key=lambda found: found[1])
alignment.check("gap falls", measured=mean, interval=interval, n=networks)
mean, *interval = fall(4, 0.1, 0.02)
alignment.control("from 0.1 to 0.02, $Q=4$", "gap falls", measured=mean, interval=interval)


def relative_gaps(spread):
    return [distances(Q, spread).mean() / runs[Q, spread][0].mean() for Q in CLASSES]


def runs_above(spread):
    return [(runs[Q, spread][1] > runs[Q, spread][2]).sum() for Q in CLASSES]


tracking.check("tracks", measured=relative_gaps(0.2), n=networks)
tracking.control("standard deviation 0.5", "tracks", measured=relative_gaps(0.5))
tracking.check("some runs above", measured=runs_above(0.2), n=networks)
tracking.control("standard deviation 0.5", "some runs above", measured=runs_above(0.5))
for Q, name in zip(CLASSES, ("two", "three", "four"), strict=True):
    _, last, bound, *_ = runs[Q, 0.2]
    chapter.number(f"mean_{name}", last.mean(), ".3f", tolerance=0.05)
    chapter.number(f"bound_{name}", bound, ".3f", tolerance=1e-5)
    chapter.number(f"below_{name}", 100 * (last < bound).double().mean(), ".0f")

# %% [markdown]
# At $\varsigma=0.2$ the average last costs are {number}`mean_two`, {number}`mean_three`,
# {number}`mean_four` for $Q=2,3,4$, the bounds {number}`bound_two`, {number}`bound_three`,
# {number}`bound_four`. On the scale of the paper's figure, which starts at the cost before
# training, they are close; relative to the cost itself they are not, for $Q=2$. Below the bound end
# {number}`below_two`, {number}`below_three` and {number}`below_four` percent of the runs.
#
# ## What the average is made of
#
# A network that gives the same answer to a whole group of classes can do no better than answer
# with the mean label of the group. If it forms $g$ groups, and its classes are tight, it costs
# $\sqrt{(Q-g)/Q}$. Gradient descent often stops there: a neuron that is zero on all
# inputs has no gradient. The histogram shows these levels. So the average is a mixture. Runs that
# separate all classes get better as the clusters shrink, as the bound does. Runs at a level do not.

# %%
limit = chapter.claim("chen2024.fig1limit")
*_, X, _, sizes = runs[4, 0.02]
*_, wide, _, _ = runs[4, 0.2]
tighter = clustered.noise_to_signal(X, sizes) / clustered.noise_to_signal(wide, sizes)
limit.hypothesis("the clustering increases", "clustering increases", measured=tighter)
smallest = torch.linalg.svdvals(clustered.class_means(X, sizes))[-1]
limit.hypothesis("random, independent class means", "independent means", measured=smallest)
class_of = torch.arange(4 * PER_CLASS) // PER_CLASS
limit.hypothesis(
    "labels are the standard basis",
    "labels",
    measured=answers(4),  # with which the networks were trained
    expected=torch.arange(4)[:, None] == class_of,
)
limit.hypothesis(
    "layers and training of the released program",
    "training",
    measured=ten[2, 2],
    expected=STORED[2, 2],
)
mean, *interval = (-value for value in fall(4, 0.2, 0.02))
limit.violation(
    "from 0.2 to 0.02 at $Q=4$",
    "gap grows",
    measured=mean,
    interval=interval[::-1],
    n=networks,
)
_, last, bound, *_ = runs[4, 0.02]
mean, *interval = mean_interval(last / bound)
limit.violation("at 0.02, $Q=4$", "mean over bound", measured=mean, interval=interval, n=networks)


def levels(Q):
    """Costs of networks that merge the classes into 1, ..., Q - 1 groups of tight classes."""
    return ((Q - torch.arange(1.0, Q)) / Q).sqrt()


def at_a_level(last, Q):
    return ((last[:, None] - levels(Q)).abs() < 0.05).any(dim=1)


fresh = {Q: experiment(Q, 0.05, data=seed, first=seed + 10_000) for Q in CLASSES}


def worst_mean(chosen):
    """Largest upper end, over Q, of the interval of the mean of the chosen last costs."""
    found = [mean_interval(last[chosen(last, Q)] / b) for Q, (_, last, b, *_) in fresh.items()]
    return max(found, key=lambda interval: interval[2])


mean, *interval = worst_mean(lambda last, Q: last < levels(Q).min() / 2)
limit.check("separating runs", measured=mean, interval=interval)
mean_all, *interval = worst_mean(lambda last, Q: last > 0)
limit.control("all runs", "separating runs", measured=mean_all, interval=interval)
for column, kind in ((1, ""), (0, "costs before training")):
    counted = 0
    for Q, found in fresh.items():
        costs = found[column]
        counted += int(((costs < 1.5 * found[2]) | at_a_level(costs, Q)).sum())
    counts = {"successes": counted, "n": networks * len(CLASSES)}
    if kind:
        limit.control(kind, "levels", **counts)
    else:
        limit.check("levels", **counts)
        chapter.number("sorted_share", 100 * counted / counts["n"], ".0f")
chapter.number("mean_over_bound", (last / bound).mean(), ".1f", tolerance=0.1)
chapter.number("median_over_bound", runs[3, 0.02][1].median() / runs[3, 0.02][2], ".2f")
chapter.number("stuck", 100 * at_a_level(last, 4).double().mean(), ".0f")
_ = chapter.number("separating", mean, ".2f")

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.6), width_ratios=[1, 1.25])
for Q in CLASSES:
    first, last, bound, *_ = runs[Q, 0.2]
    away = torch.linspace(-0.12, 0.12, networks)
    axes[0].plot(Q + away, last, ".", color=COLOURS["second"], markersize=3, zorder=1)
collected = [runs[Q, 0.2] for Q in CLASSES]
for index, colour, label in ((0, "muted", "mean first cost"), (1, "measured", "mean last cost")):
    means = [found[index].mean() for found in collected]
    reach = [found[index].std() for found in collected]
    axes[0].errorbar(
        CLASSES, means, yerr=reach, fmt="o-", capsize=3, color=COLOURS[colour], label=label
    )
bounds = [found[2] for found in collected]
axes[0].plot(CLASSES, bounds, "s--", color=COLOURS["bound"], label="bound")
axes[0].set(xlabel="number of classes $Q$", ylabel=r"cost $\mathcal{C}$", xticks=CLASSES)
axes[0].set(ylim=(0, 2.05), title=r"$\varsigma=0.2$, runs as points")
axes[0].legend(loc="upper left")
bins = torch.linspace(0, 1, 41)
stuck = runs[4, 0.02][1]
heights, _, _ = axes[1].hist(stuck, bins=bins, color=COLOURS["measured"])
axes[1].axvline(stuck.mean(), color=COLOURS["theory"], label="mean")
axes[1].axvline(runs[4, 0.02][2], color=COLOURS["bound"], linestyle="--", label="bound")
for index, level in enumerate(levels(4)):
    label = r"$\sqrt{(Q-g)/Q}$" if index == 0 else None
    axes[1].axvline(level, color=COLOURS["control"], linestyle=":", label=label)
axes[1].set(xlabel=r"last cost $\mathcal{C}$ of a run", ylabel="number of runs")
axes[1].set(title=r"$\varsigma=0.02$, $Q=4$")
axes[1].legend(loc="center right", frameon=True, framealpha=1)
chapter.figure(
    "fig-chen2024-fig2-runs",
    figure,
    caption=r"Left: the paper's comparison at the spread $0.2$, with one standard deviation of the "
    r"runs as bars; the small points are the last costs of single runs. Right: the last costs at "
    r"the spread $0.02$ for four classes. They lie near the bound or at levels of networks "
    r"that merge classes into $g=3,2,1$ groups; few lie near their mean.",
    alt="Left: first costs far above; last costs and bound rise together with the number of "
    "classes and come close for four, with single runs spread in bands. Right: a histogram with "
    "one tall group near zero and others at the levels; the mean lies between them where there are "
    "hardly any runs.",
    data={"last_cost_from": bins[:-1], "last_cost_to": bins[1:], "runs": heights},
    claims=["chen2024.fig2", "chen2024.fig1limit", "chen2024.table1"],
)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(7.6, 3.2), sharey=True)
columns = {"Q": [], "spread": [], "bound": [], "mean": [], "median": []}
for axis, Q in zip(axes, CLASSES, strict=True):
    bounds = torch.tensor([runs[Q, s][2] for s in SPREADS])
    means = torch.stack([runs[Q, s][1].mean() for s in SPREADS])
    medians = torch.stack([runs[Q, s][1].median() for s in SPREADS])
    apart = [runs[Q, s][1][runs[Q, s][1] < levels(Q).min() / 2].mean() for s in SPREADS]
    axis.loglog(SPREADS, bounds, "s--", color=COLOURS["bound"], label="bound")
    axis.loglog(SPREADS, means, "o-", color=COLOURS["measured"], label="mean")
    axis.loglog(SPREADS, medians, "^-", color=COLOURS["second"], label="median")
    axis.loglog(SPREADS[:3], apart[:3], ":", color=COLOURS["theory"], label="separating")
    axis.axvspan(0.2, 0.5, color=COLOURS["muted"], alpha=0.12, linewidth=0)
    axis.set(xlabel=r"spread $\varsigma$", title=f"$Q={Q}$")
    axis.set_xticks([0.02, 0.1, 0.5], labels=["0.02", "0.1", "0.5"])
    axis.minorticks_off()
    for name, values in zip(
        columns, ([Q] * len(SPREADS), SPREADS, bounds, means, medians), strict=True
    ):
        columns[name] += [float(value) for value in values]
axes[0].set(ylabel=r"last cost $\mathcal{C}$")
axes[0].legend(loc="upper left")
chapter.figure(
    "fig-chen2024-fig1-spread",
    figure,
    caption=r"Bound and last costs against the spread of the clusters. In the shaded range, that "
    r"of the released program, mean and bound approach each other as the spread falls. Further "
    r"left the mean (circles) levels off, at a height that the merged runs set, while the bound "
    r"goes on falling, with the runs that separate all classes (dotted) below it.",
    alt="Three log-log panels for two, three and four classes. The bound is a straight rising "
    "line; the mean flattens to the left and crosses it, at a larger spread for more classes.",
    data=columns,
    claims=["chen2024.fig1", "chen2024.fig1limit"],
)

# %% [markdown]
# At the spread $0.02$ and $Q=4$ the average is {number}`mean_over_bound` times the bound, and
# {number}`stuck` percent of the runs are at a level. On fresh data with fresh starts at the spread
# $0.05$, {number}`sorted_share` percent of all runs end below one and a half bounds or within
# $0.05$ of a level, and the runs that separate all classes end at {number}`separating` of the bound
# on average, at the worst $Q$.
#
# ## Where it stops being true
#
# The observation of the paper is correct in the range of its program, and the experiment is
# reproducible to the digit. The trend does not go on. Where mean and bound meet, they
# cross: the good runs are well below the bound, the stuck ones above, and their mixture happens to
# be near. With more classes there are more ways to merge them, and the crossing comes at a larger
# spread.
#
# ```{admonition} Errata
# :class: warning
# **Section 1** says, on the comparison with training, that the bound improves as the clustering
# increases. That it falls is true; that it comes closer to the trained networks, at every spread,
# is not; read as an observation it covers the spreads of the paper only. Counterexample: the
# released setting with $Q=4$ and the spread $0.02$ in the place of $0.2$. Corrected: the bound lies
# below the runs that merge classes and above the average of the others; at the smallest spread
# tested and $Q=4$ the average over all runs is far above the bound. **Figure 1** itself is
# reproduced.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
