# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How many random points a narrow network fits
#
# Corollary 1 of {cite:t}`dana2025` lets about $\sqrt d$ random points converge. Experiment 1 asks
# what happens beyond: networks of logarithmic width are trained on more and more points until they
# no longer interpolate in the given time. We repeat it: Figure 2, and the way the threshold moves
# with the dimension (Figure 3) and the width (Figure 4). The picture is reproduced, number by
# number, where the released data and the released program agree. The range that the text prints
# for Figure 2 belongs to a larger width than that of the program released later. The next chapter
# asks what the threshold is a threshold of.
#
# ```{claim} dana2025.fig2
# ```
#
# ```{claim} dana2025.fig2range
# ```
#
# ```{claim} dana2025.fig3
# ```
#
# ```{claim} dana2025.fig4
# ```
#
# ```{claim} dana2025.fig2stop
# ```
#
# **What would count against our reading.** Thresholds that differ from those of the released shares
# by more than chance; a network that interpolates $2500$ points with 38 neurons; weakly
# interacting data on which training stalls after the stop.

# %% tags=["parameters", "hide-input"]
seed: int = 1  # seed of all random numbers; 0..4294967295
networks_per_cell: int = 20  # networks at each size trained on this page; 8..200; paper 20
largest_dimension: int = 30  # dimensions 10, 20, ... up to this one; 20..100; paper 100
figure2_networks: int = 0  # networks at each n of Figure 2 trained here; 0..500; paper 80
device: str = "auto"  # where to train; auto | cpu | cuda
# memory: 4e8 + 2e6 * figure2_networks bytes
# time: 7 + 0.02 * networks_per_cell * (largest_dimension / 30) ** 4 + 15 * figure2_networks seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from companion.verdicts import proportion_interval
from shallow_relu import curvature, ensembles, interpolation, networks
from shallow_relu.interpolation import Counts, Estimate

chapter = open_chapter("weak_interaction/threshold", globals())
generator = torch.Generator().manual_seed(seed)
place = chapter.device()

# %% [markdown]
# ## The experiment
#
# Inputs have uniform directions; norms and absolute labels are uniform on $[1,2]$, and signs are
# fair. Neurons are uniform on a cube of side $2/\sqrt d$ and
# $\lvert a_j\rvert=\lVert w_j\rVert+b_j$ with an exponential $b_j$. A step of size $\eta=1$ on $KL$
# is repeated for the time $\frac{1.5}4\sqrt{nK}\log(nK)$. These are the settings of the later
# released program; a training succeeds if $L<\frac1{2n}$ before the time is up. Success is a yes or
# no, so single precision is enough: we check on the smallest size that double precision changes
# hardly any outcome.
#
# The sizes of the paper take minutes on two cores. Their results are stored, one row a network, and
# made again by `python benchmarks/interpolation_tables.py figure2 figure3 figure4`; on this page we
# train small sizes afresh and compare.


# %%
def count(d, K, points, networks_each, step=1.0, budgets=1.0, dtype=torch.float32):
    """Train at each number of points; counts of successes."""
    successes = []
    for n in points:
        drawn = interpolation.draw(K, d, n, generator, batch=networks_each, dtype=dtype)
        end = interpolation.train(tuple(x.to(place) for x in drawn), step=step, budgets=budgets)
        successes.append(int(end.reached.sum()))
    return Counts(list(points), successes, [networks_each] * len(successes))


def pooled(counts, low, high):
    """Successes and trials at all numbers of points between two."""
    rows = zip(counts.n, counts.successes, counts.trials, strict=True)
    chosen = [(k, t) for n, k, t in rows if low <= n <= high]
    return {"successes": sum(k for k, _ in chosen), "n": sum(t for _, t in chosen)}


def discrepancy(one, other):
    """Distance of two thresholds over their joint half-width."""
    half = [(e.high - e.low) / 2 for e in (one, other)]
    return abs(one.value - other.value) / (half[0] ** 2 + half[1] ** 2) ** 0.5


parts = interpolation.draw(30, 10, 30, generator, batch=64, dtype=torch.float64)
double = interpolation.train(parts).reached
single = interpolation.train(tuple(x.float() for x in parts)).reached
_ = chapter.number("precision", (double != single).sum(), ".0f")

# %% [markdown]
# At $d=10$, $K=30$, $n=30$, in the middle of the transition, {number}`precision` of 64 networks
# ended differently in double precision.
#
# ## Figure 2
#
# Shares of success at $d=100$ with exact intervals, and the sigmoid fitted by maximum likelihood.
# From the released shares the same fit gives the threshold 1656, with the interval from 1641 to
# 1672.

# %%
sharp, where = chapter.claim("dana2025.fig2"), chapter.claim("dana2025.fig2range")
table = chapter.stored_table("figure2")
stored = interpolation.tally(table)
rows = sorted(r for c in stored.values() for r in zip(c.n, c.successes, c.trials, strict=True))
figure2 = Counts(*map(list, zip(*rows, strict=True)))
if figure2_networks:
    here = [count(100, interpolation.rule_width(n), [n], figure2_networks) for n in figure2.n]
    figure2 = Counts(figure2.n, [c.successes[0] for c in here], [c.trials[0] for c in here])
released2 = Estimate(1656, 1641, 1672)
N2 = interpolation.threshold(figure2)
text = interpolation.tally(chapter.stored_table("figure2_text"))
text = {K: pooled(counts, 2500, 2500) for (_, K, _, _), counts in text.items()}
released_width = interpolation.rule_width(2500)
sharp.check("likely below", **pooled(figure2, 1300, 1450))
sharp.control("$n=2500$", "likely below", **text[released_width])
sharp.check("unlikely above", **pooled(figure2, 1850, 2100))
sharp.control("$n\\le1450$", "unlikely above", **pooled(figure2, 1300, 1450))
sharp.check("released threshold", measured=discrepancy(N2, released2))
longer = count(10, 30, [60], 12, step=0.1, budgets=10.0)
sharp.check("a network exists", successes=longer.successes[0], n=12)
shorter = count(10, 30, [60], 16)
sharp.control(
    "step $1$ and the paper's time", "a network exists", successes=shorter.successes[0], n=16
)

where.check("n = 2500, width of the released program", **text[released_width])
where.check("n = 2500, width of Theorem 1", **text[44])
wide = interpolation.tally(chapter.stored_table("figure2_wide"))
wide = {n: pooled(counts, n, n) for counts in wide.values() for n in counts.n}
where.check("four times the width, n = 2700", **wide[2700])
where.check("four times the width, n = 3300", **wide[3300])
where.control(
    "the simple width, $n=2500$", "four times the width, n = 2700", **text[released_width]
)
where.control("the range itself, $n=2700$", "n = 2500, width of the released program", **wide[2700])
where.shortfall = (
    "the formula of the width is lost: at two readings of the text nothing interpolates at the "
    "lower end of the range, at four times the width, which the first released program has in its "
    "runs at smaller dimensions, the range is right"
)
chapter.number("threshold", N2.value, ".0f", tolerance=0.02)
chapter.number("threshold_low", N2.low, ".0f")
chapter.number("threshold_high", N2.high, ".0f")
chapter.number("networks_in_figure2", sum(figure2.trials), ".0f")
ratio = [
    last / first * n
    for n, first, last in zip(table["n"], table["first_loss"], table["loss"], strict=True)
    if n == 2100
]
chapter.number("examples_lost", sum(ratio) / len(ratio), ".0f")
chapter.number("text_width", released_width, ".0f", tolerance=0)
for K, counted in text.items():
    chapter.number(f"at_{K}", counted["successes"], ".0f")
    chapter.number(f"of_{K}", counted["n"], ".0f")
chapter.number("longer", longer.successes[0], ".0f")
chapter.number("longer_of", longer.trials[0], ".0f")
chapter.number("shorter", shorter.successes[0], ".0f")
chapter.number("shorter_of", shorter.trials[0], ".0f")

# %% tags=["hide-input"]
figure, axis = plt.subplots(figsize=(6.4, 3.4))
ends = [proportion_interval(k, t) for k, t in zip(figure2.successes, figure2.trials, strict=True)]
share = [k / t for k, t in zip(figure2.successes, figure2.trials, strict=True)]
errors = [
    [max(0, s - e[0]) for s, e in zip(share, ends, strict=True)],
    [max(0, e[1] - s) for s, e in zip(share, ends, strict=True)],
]
axis.errorbar(
    figure2.n,
    share,
    yerr=errors,
    fmt="o",
    color=COLOURS["measured"],
    capsize=2,
    label="$K=36$ to $38$",
)
for K, counted in text.items():
    axis.plot(
        2500,
        counted["successes"] / counted["n"],
        "s",
        color=COLOURS["control"],
        label="38 and 44 neurons" if released_width == K else None,
    )
axis.plot(
    list(wide),
    [w["successes"] / w["n"] for w in wide.values()],
    "^",
    color=COLOURS["second"],
    label="four times the width",
)
axis.axvspan(N2.low, N2.high, color=COLOURS["measured"], alpha=0.25, linewidth=0, label="threshold")
axis.axvline(
    released2.value, color=COLOURS["teacher"], linestyle="--", label="threshold of released data"
)
axis.axvspan(2500, 3500, color=COLOURS["muted"], alpha=0.15, linewidth=0, label="range in the text")
axis.set(xlabel="number of points $n$", ylabel="share that interpolates", xlim=(1250, 3550))
axis.legend(loc="center right")
chapter.figure(
    "fig-dana2025-fig2",
    figure,
    caption=r"Share of networks that interpolate $n$ points in dimension $100$, with exact 99.9% "
    r"intervals. At the width of the later released program the fall is where its data have it. "
    r"At the lower end of the range in the text nothing interpolates at two readings of the width; "
    r"at four times the width the fall is inside the range.",
    alt="Points with error bars near one until 1500 fall to zero at 1800; squares at 2500 lie at "
    "zero; a triangle at 2700 lies high and one at 3300 at zero, inside a shaded range.",
    data={"n": figure2.n, "successes": figure2.successes, "networks": figure2.trials},
    claims=["dana2025.fig2", "dana2025.fig2range"],
)

# %% [markdown]
# Our threshold is {number}`threshold` ({number}`threshold_low` to {number}`threshold_high`), from
# {number}`networks_in_figure2` networks. The transition is there. The text, however, has $n$ from
# 2500 to 3500, 25 runs each and 500 networks. It takes the width from Lemma 5, and the formula is
# lost in the text at hand. With the {number}`text_width` neurons of the later released program
# {number}`at_38` of {number}`of_38` networks get through at $n=2500$, and {number}`at_44` of
# {number}`of_44` with 44 neurons, the bound of Theorem 1 for $\varepsilon=0.05$. With four times
# the width of that program the threshold is where the text says. The first released program has
# this width, $4\lfloor\log(n/\varepsilon)/\log\frac43\rfloor+1$, in its runs at $d=10$ to $90$; at
# $d=100$ it already has the simple one, with which we do not get the table that it comes with. That
# first table has 15 values of $n$ in the range of the text, with shares that are multiples of
# $\frac1{25}$: 375 networks, not 500.
#
# The right panel of the paper says that above the threshold one example is lost. At $n=2100$ the
# loss that remains is that of {number}`examples_lost` examples; near the threshold it is about one,
# but this is how failure is defined.
#
# ## Figures 3 and 4
#
# The same fit at other dimensions and other widths, beside the released thresholds.

# %%
in_d, in_width = chapter.claim("dana2025.fig3"), chapter.claim("dana2025.fig4")
released3 = {
    10: Estimate(29.5, 25.1, 33.9),
    20: Estimate(79.1, 68.9, 89.0),
    30: Estimate(144.5, 125.0, 162.6),
    40: Estimate(260.2, 233.7, 285.3),
    50: Estimate(400.4, 364.8, 434.3),
    100: Estimate(1260, 1169, 1347),
}
released4 = {50: Estimate(220.0, 212.9, 227.9), 100: Estimate(295.2, 287.1, 302.6)}
figure3 = {d: c for (d, _, _, _), c in interpolation.tally(chapter.stored_table("figure3")).items()}
figure4 = {K: c for (_, K, _, _), c in interpolation.tally(chapter.stored_table("figure4")).items()}
N3 = {d: interpolation.threshold(c) for d, c in figure3.items()}
N4 = {K: interpolation.threshold(c) for K, c in figure4.items()}
shares = (0.4, 0.6, 0.75, 0.9, 1.05, 1.2, 1.5)
here3 = {
    d: count(d, 30, [round(s * N3[d].value) for s in shares], networks_per_cell)
    for d in N3
    if d <= largest_dimension
}
guess = {20: 60, 40: 85, 80: 110}
here4 = {
    K: count(20, K, [round(s * N) for s in shares], networks_per_cell) for K, N in guess.items()
}
fresh3 = {d: interpolation.threshold(c) for d, c in here3.items()}
in_d.check(
    "released thresholds", measured=[discrepancy(N3[d], released3[d]) for d in N3], n=len(N3)
)
in_d.control(
    "twice as many points",
    "released thresholds",
    measured=[discrepancy(N3[20], Estimate(*(2 * e for e in released3[20])))],
)
in_d.check("again", measured=[discrepancy(fresh3[d], N3[d]) for d in fresh3], n=len(fresh3))
half = interpolation.threshold(count(20, 30, here3[20].n, networks_per_cell, budgets=0.3))
in_d.control("a third of the time", "again", measured=discrepancy(half, N3[20]))

slope4, fit4 = interpolation.exponent(list(figure4), list(figure4.values()))
slope3, fit3 = interpolation.exponent(list(figure3), list(figure3.values()))
again4, _ = interpolation.exponent(list(here4), list(here4.values()))
as_interval = lambda e: {"measured": e.value, "interval": (e.low, e.high)}  # noqa: E731
in_width.check("grows", **as_interval(slope4))
in_width.check("sublinear", **as_interval(slope4))
in_width.control("in $d$ in place of $K$", "sublinear", **as_interval(slope3))
in_width.check("again", **as_interval(again4))
in_width.check(
    "released thresholds", measured=[discrepancy(N4[K], released4[K]) for K in released4]
)
for name, found in (("d", slope3), ("k", slope4), ("k_here", again4)):
    chapter.number(f"exponent_in_{name}", found.value, ".2f")
    chapter.number(f"exponent_in_{name}_low", found.low, ".2f")
    chapter.number(f"exponent_in_{name}_high", found.high, ".2f")
chapter.number("fit_in_d", fit3, ".0e")
chapter.number("fit_in_k", fit4, ".0e")

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
for axis, ours, theirs in ((axes[0], N3, released3), (axes[1], N4, released4)):
    for found, colour, marker, name, shift in (
        (theirs, "teacher", "s", "released data", 0.97),
        (ours, "measured", "o", "stored table", 1.03),
    ):
        value = [e.value for e in found.values()]
        bars = [
            [e.value - e.low for e in found.values()],
            [e.high - e.value for e in found.values()],
        ]
        axis.errorbar(
            [shift * s for s in found],
            value,
            yerr=bars,
            fmt=marker,
            color=COLOURS[colour],
            capsize=2,
            label=name,
        )
axes[0].plot(
    list(fresh3),
    [e.value for e in fresh3.values()],
    "x",
    color=COLOURS["student"],
    markersize=7,
    label="this page",
)
line = [10, 100]
axes[0].plot(
    line, [N3[10].value * (d / 10) for d in line], ":", color=COLOURS["muted"], label="slope 1"
)
axes[1].plot(
    [50, 400], [N4[50].value, 8 * N4[50].value], ":", color=COLOURS["muted"], label="slope 1"
)
ticks = (
    ([10, 20, 30, 50, 100], [30, 100, 300, 1000]),
    ([50, 100, 200, 400], [200, 400, 800, 1600]),
)
for axis, size, (x, y) in zip(axes, ("dimension $d$", "width $K$"), ticks, strict=True):
    axis.set(xscale="log", yscale="log", xlabel=size, ylabel="threshold $N$")
    axis.set_xticks(x, [str(number) for number in x])
    axis.set_yticks(y, [str(number) for number in y])
    axis.minorticks_off()
    axis.legend(loc="upper left")
sizes = [*(("d", d, e) for d, e in N3.items()), *(("K", K, e) for K, e in N4.items())]
chapter.figure(
    "fig-dana2025-fig3-fig4",
    figure,
    caption=r"Thresholds with 99.9% intervals against the dimension ($K=30$, left) and the width "
    r"($d=30$, right), released data and ours. In the dimension they grow faster than linearly, in "
    r"the width more slowly.",
    alt="Two log-log panels. Left: points rise more steeply than a dotted line of slope one; "
    "squares, circles and crosses coincide. Right: points rise less steeply than the line.",
    data={
        "size": [s[0] for s in sizes],
        "value": [s[1] for s in sizes],
        "threshold": [s[2].value for s in sizes],
        "low": [s[2].low for s in sizes],
        "high": [s[2].high for s in sizes],
    },
    claims=["dana2025.fig3", "dana2025.fig4"],
)

# %% [markdown]
# All that we compare agrees with the released data; in the width these are $K=50$ and $100$. A
# power law does not fit well, neither in the dimension ($p=$ {number}`fit_in_d`) nor in the width
# ($p=$ {number}`fit_in_k`); its best exponent is {number}`exponent_in_d`
# ({number}`exponent_in_d_low` to {number}`exponent_in_d_high`) in the dimension and
# {number}`exponent_in_k` ({number}`exponent_in_k_low` to {number}`exponent_in_k_high`) in the
# width. On this page, for $d=20$ and $K=20,40,80$, it is {number}`exponent_in_k_here`
# ({number}`exponent_in_k_here_low` to {number}`exponent_in_k_here_high`). So the second figure is
# what the text says of it. The first is not linear: see the next chapter.
#
# ## The stopping rule
#
# At the stop all residuals are below one in absolute value, so every output has the sign of its
# label, and this remains so, since the loss never increases. But it does not force the loss to
# zero. Take three inputs in the plane, close to one ray: norms $1.2$, $1.8$, $1.2$, angles
# $-\frac1{1000}$, $0$, $\frac1{1000}$, labels $1$, $2$, $1$. A network with kinks between them
# interpolates. But at a random start nearly every neuron is active on all three or on none, and
# while this is so, the network is linear on them, $f(x)=c\cdot x$, and $2nL=\sum_ir_i^2$ is at
# least the residual of the best linear fit, close to $\frac2{17}$. The loss falls below one example
# and then settles there. This is so in a neighbourhood of these data too, which random data hit
# with a small but positive probability. With weak interaction the rule is right:
# $E_i\ge\lvert f(x_i)\rvert/\lVert x_i\rVert\ge(\lvert y_i\rvert-\rho)/C_x^+$ and Lemma 6 bounds
# the curvature from below.

# %%
stop = chapter.claim("dana2025.fig2stop")
tilt = 1e-3
angle = torch.tensor([-tilt, 0, tilt], dtype=torch.float64)
norm = torch.tensor([1.2, 1.8, 1.2], dtype=torch.float64)
X = norm * torch.stack([angle.cos(), angle.sin()])[None]
y = torch.tensor([[1.0, 2.0, 1.0]], dtype=torch.float64)
bends = torch.tensor([-math.pi / 2, -tilt / 2, tilt / 2], dtype=torch.float64)
features = (torch.stack([-bends.sin(), bends.cos()], dim=1) @ X[0]).relu()
by_hand = torch.linalg.solve(features.T, y[0]) @ features - y[0]


def split(W):
    """How many neurons are active on some of the three points and not on all, per network."""
    gates = W @ X > 0
    return (gates != gates[..., :1]).any(dim=-1).sum(dim=-1)


W, a = networks.start(30, 2, generator, batch=(8,), law="uniform")
whole = split(W) == 0
W, a = W[whole], a[whole]
X, y = X.expand(len(a), -1, -1).contiguous(), y.expand(len(a), -1).contiguous()
size = torch.cat([norm, y[0]])
stop.hypothesis("norms and labels", "norms and labels", measured=torch.cat([size - 1, 2 - size]))
stop.hypothesis("three neurons by hand", "can interpolate", measured=by_hand.square().sum())
stop.hypothesis("Assumption 1", "large output weights", measured=a.abs() - W.norm(dim=-1))
end, path = ensembles.train(W, a, X, y, step=0.1, n_steps=2000, target=1 / 6), []
for _ in range(20):
    path.append(6 * end.loss)
    end = ensembles.train(end.W, end.a, X, y, step=0.1, n_steps=200)
path.append(6 * end.loss)
stop.hypothesis("stopped", "below one example", measured=torch.stack(path))
best = y[0].square().sum() - (torch.linalg.pinv(X[0]) @ X[0] @ y[0]).square().sum()
stop.violation("the best linear fit", "loss that remains", measured=[best, *path[-1]])
stop.violation("linear on the points", "no split", measured=split(end.W), expected=0)
chapter.number("remains", path[-1].max(), ".4f")
chapter.number("starts", len(a), ".0f")
_ = chapter.number("best_linear", best, ".4f")


def after_the_stop(d, n, steps, step):
    """Curvature over the corrected bound from the stop on, and the last loss."""
    parts = interpolation.draw(30, d, n, generator, batch=6, dtype=torch.float64)
    end, X, y, above = interpolation.train(parts, step=step), parts[2], parts[3], []
    slack = X.square().sum(-2).amin(-1) - curvature.interaction(X)
    for _ in range(20):
        rho = (2 * n * end.loss).sqrt()
        share = (y.abs().amin(-1) - rho) / X.norm(dim=-2).amax(-1)
        value = curvature.local_curvature(end.W, end.a, X, y) / (2 / n * slack * share)
        above.append(value[rho > 1e-10])  # what is smaller is rounding
        end = ensembles.train(end.W, end.a, X, y, step=step, n_steps=steps)
    return torch.cat(above), 2 * n * end.loss


above, last = after_the_stop(1000, 6, 10, 0.5)
stop.check("corrected bound", measured=above, n=above.numel())
stop.control("twenty times the bound", "corrected bound", measured=above / 20)
stop.check("corrected convergence", measured=last, n=len(last))
stop.control("three points near a ray", "corrected convergence", measured=path[-1])
went_on = tried = 0
for n in (20, 25, 30):
    parts = interpolation.draw(30, 10, n, generator, batch=24)
    end = interpolation.train(parts, step=0.25, budgets=2.0)
    kept = end.reached
    more = ensembles.train(
        end.W[kept],
        end.a[kept],
        parts[2][kept],
        parts[3][kept],
        step=0.25,
        n_steps=3000,
        target=1e-2 / (2 * n),
    )
    went_on, tried = went_on + int(more.reached.sum()), tried + int(kept.sum())
stop.check("in the experiment", successes=went_on, n=tried)
chapter.number("went_on", went_on, ".0f")
_ = chapter.number("stopped", tried, ".0f")

# %% [markdown]
# Near the ray, $2nL$ of all {number}`starts` networks ends at {number}`remains` at most; the best
# linear fit has {number}`best_linear`. In the experiment itself the rule did little harm: of
# {number}`stopped` networks at $d=10$ that stopped, {number}`went_on` went on to a hundredth of the
# loss. So the counts of the experiment stand.
#
# ```{admonition} Errata
# :class: warning
# **Stopping rule**: $L<\frac1{2n}$ guarantees convergence on weakly interacting data
# ($\omega<(C_x^-)^2$), not on any data with these norms and labels, even where an interpolating
# network exists. Counterexample: the three points above, with norms $1.2$, $1.8$, $1.2$ and labels
# $1$, $2$, $1$. On random data of the experiment it is rarely wrong.
# ```
#
# ## Where it stops being true
#
# With ten times the time and a tenth of the step, {number}`longer` of {number}`longer_of` networks
# at $d=10$, $n=60$ interpolate, where {number}`shorter` of {number}`shorter_of` do at the paper's
# step and time; with a third of the time the threshold falls. So the threshold depends on the
# training as much as on the network: the next chapter.
#
# ## Rerun it
#
# ```bash
# python benchmarks/interpolation_tables.py figure2 --networks 80 --processes 2
# companion run weak_interaction/threshold --profile paper
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
