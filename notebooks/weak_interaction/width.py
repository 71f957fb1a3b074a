# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How wide is wide enough
#
# The proof of convergence in {cite:t}`dana2025` begins with a good start: every data point finds an
# active neuron whose output weight has the sign of its label. Lemma 5 says how many neurons make
# this likely: a number of order $\log n$ is enough, and on orthogonal inputs it is also needed.
# Both are right. We replace the bounds by the exact probability, which shows the sharp constant.
#
# ```{claim} dana2025.lem5
# ```
#
# **What would count against it.** A sample size at which $4\log(n/\varepsilon)$ neurons fail more
# often than $\varepsilon$; orthogonal inputs on which fewer than $2\log n$ neurons succeed more
# often than four times in five.

# %% tags=["parameters", "hide-input"]
seed: int = 1  # seed of all random numbers; 0..4294967295
starts: int = 4_000  # random networks behind each share; 1_000..1_000_000
points: int = 100  # data points n in the sampled checks; 20..1_000
# memory: 2e8 + 8e3 * points * points bytes
# time: 4 + 3e-8 * starts * points * points seconds

# %% tags=["hide-input"]
import itertools
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import good_starts, networks

chapter = open_chapter("weak_interaction/width", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)

# %% [markdown]
# ## Two formulas
#
# A neuron serves a point if it is active there and its output weight has the right sign: two fair
# coins, probability $\frac14$. A point is missed by all neurons with probability $(3/4)^K$, and
# some point is missed with probability at most $n(3/4)^K$. This holds for any inputs.
#
# On orthogonal inputs more can be said. The signs of all $w_j\cdot x_i$ are then independent, since
# turning over one coordinate changes no law. Fix the number $k$ of neurons with $a_j>0$. A point
# with a positive label is missed if $k$ coins fail, and different points use different coins. With
# $n_+$ positive and $n_-$ negative labels,
#
# $$\mathbb P(\mathcal E)=\sum_{k=0}^K\binom Kk2^{-K}\bigl(1-2^{-k}\bigr)^{n_+}
# \bigl(1-2^{-(K-k)}\bigr)^{n_-}.$$
#
# The paper's proof of the second part treats the points as independent, which would give
# $(1-(3/4)^K)^n$. They are not, since they share the signs of the output weights: few positive ones
# are bad for all points with a positive label at once, and good for the others. The conclusion
# survives, as the exact formula shows.

# %%
lemma = chapter.claim("dana2025.lem5")


def share_of_good_starts(K, X):
    """Number of good starts among `starts` networks with Gaussian neurons."""
    good = 0
    for _ in range(starts // 200):
        W, a = networks.start(K, X.shape[0], generator, batch=(200,))
        y = networks.labels(X.shape[1], generator, batch=(200,))
        y[:, : X.shape[1] // 2] = y[:, : X.shape[1] // 2].abs()
        y[:, X.shape[1] // 2 :] = -y[:, X.shape[1] // 2 :].abs()
        good += int(good_starts.is_covered(W, a, X, y).sum())
    return {"successes": good, "n": 200 * (starts // 200)}


orthogonal = torch.eye(points)
sampled = {K: share_of_good_starts(K, orthogonal) for K in (12, 16, 20, 24, 28)}
half = points // 2
exact = {K: good_starts.cover_probability(K, half, points - half) for K in sampled}
lemma.check("exact formula", **sampled[20], expected=exact[20])
lemma.control(
    "independent points",
    "exact formula",
    **sampled[20],
    expected=good_starts.independent_points(20, points),
)

# %% [markdown]
# ## Enough
#
# We evaluate the exact formula at $K=\lceil4\log(n/\varepsilon)\rceil$ for sample sizes up to
# $10^{12}$, three shares of positive labels and several $\varepsilon$; and the union bound, which
# needs no orthogonality, at the same widths. It settles the first part for every $n$:
# $n(3/4)^K\le\varepsilon$ means $K\ge\log(n/\varepsilon)/\log\frac43$, and
# $1/\log\frac43\approx3.48<4$.

# %%
sizes = [2, 5, 10, 30, 100, 1e3, 1e4, 1e6, 1e9, 1e12]
levels = [0.5, 0.2, 0.05, 0.01, 1e-3]
cases = list(itertools.product(sizes, levels))


def surplus(n, epsilon, K):
    """Smallest excess of the probability over the promise, over three shares of labels."""
    splits = [(n, 0), (n / 2, n / 2), (n - 1, 1)]
    return min(good_starts.cover_probability(K, *split) for split in splits) - (1 - epsilon)


widths = [good_starts.sufficient_width(n, epsilon) for n, epsilon in cases]
lemma.check(
    "sufficient width",
    measured=[surplus(*case, K) for case, K in zip(cases, widths, strict=True)],
    n=3 * len(cases),
)
lemma.control(
    "half of the width",
    "sufficient width",
    measured=[surplus(*case, K // 2) for case, K in zip(cases, widths, strict=True)],
)
lemma.check(
    "union bound",
    measured=[
        good_starts.union_bound(K, n) - (1 - epsilon)
        for (n, epsilon), K in zip(cases, widths, strict=True)
    ],
    n=len(cases),
)
plane = networks.inputs_of_random_direction(2, points, generator)
rule = good_starts.sufficient_width(points, 0.05)
lemma.check("other inputs", **share_of_good_starts(rule, plane))
lemma.control("five neurons", "other inputs", **share_of_good_starts(5, plane))

# %% [markdown]
# ## Needed, on orthogonal inputs
#
# Let $K\le2\log n$. One sign has at least $n/2$ labels, and with probability at least $\frac12$ at
# most $K/2$ neurons have this sign. Then a point is missed with probability at least
# $2^{-K/2}\ge n^{-\log2}$, and all are served with probability at most
# $(1-n^{-\log2})^{n/2}\le\exp(-\frac12n^{1-\log2})$. So
#
# $$\mathbb P(\mathcal E)\le\tfrac12+\tfrac12\exp\bigl(-\tfrac12n^{1-\log2}\bigr)<\tfrac45
# \qquad(n\ge2,\ K\le2\log n).$$
#
# For $\varepsilon\le\frac15$, therefore, $\mathbb P(\mathcal E)\ge1-\varepsilon$ implies
# $K>2\log n$, and this is the third part. The same argument with $K=c\log n$ and any $c<2/\log2$
# gives a probability that tends to zero; for $c>2/\log2$ it tends to one. So the sharp constant is
# $2/\log2\approx2.885$. The check evaluates the formula at all label splits up to $n=60$, and at
# larger $n$ up to $10^{300}$.

# %%
small = [(n, m) for n in range(2, 61) for m in range(n // 2 + 1)]
large = [(n, n / 2) for n in (1e2, 1e3, 1e4, 1e6, 1e12, 1e30, 1e100, 1e300)]


def chance(n, positive, factor):
    K = max(1, math.floor(factor * math.log(n)))
    return good_starts.cover_probability(K, positive, n - positive)


lemma.check(
    "necessary width", measured=[chance(*case, 2) for case in small + large], n=len(small + large)
)
lemma.control(
    "$K=4\\log n$", "necessary width", measured=[chance(*case, 4) for case in small + large]
)
on_a_ray = torch.ones(1, 1000) * (1 + torch.rand(1000, generator=generator))
few = math.floor(2 * math.log(1000))
W, a = networks.start(few, 1, generator, batch=(starts,))
served = good_starts.is_covered(W, a, on_a_ray, torch.ones(1000))
chapter.number("ray_share", served.double().mean(), ".3f")
lemma.control("inputs on one ray", "necessary width", measured=served.double().mean())
lemma.check("below the sharp constant", measured=chance(1e300, 5e299, 2.5))
lemma.control("$K=3\\log n$", "below the sharp constant", measured=chance(1e300, 5e299, 3))
lemma.check("above the sharp constant", measured=chance(1e300, 5e299, 3.4))
lemma.control("$K=2.8\\log n$", "above the sharp constant", measured=chance(1e300, 5e299, 2.8))
chapter.number("exact_width", good_starts.smallest_width(1000, 0.05), ".0f", tolerance=0)
chapter.number("rule_width", math.ceil(math.log(1000 / 0.05) / math.log(4 / 3)), ".0f", tolerance=0)
chapter.number("theorem_width", good_starts.sufficient_width(1000, 0.05), ".0f", tolerance=0)

# %% [markdown]
# For $n=1000$ and $\varepsilon=0.05$ the exact formula asks for {number}`exact_width` neurons, the
# union bound for {number}`rule_width`, the theorem for {number}`theorem_width`.
#
# The next figure shows the probability against the width, and the smallest width that does,
# divided by $\log n$. Dots are shares of good starts with 99.9% intervals.

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.3))
range_of_widths = list(range(1, 61))
rows = []
for n, style in ((1e2, "-"), (1e4, "--"), (1e6, ":")):
    curve = [good_starts.cover_probability(K, n / 2, n / 2) for K in range_of_widths]
    bound = [max(0.0, good_starts.union_bound(K, n)) for K in range_of_widths]
    name = rf"$n=10^{{{math.log10(n):.0f}}}$"
    axes[0].plot(range_of_widths, curve, style, color=COLOURS["theory"], label=name)
    axes[0].plot(range_of_widths, bound, style, color=COLOURS["bound"])
    rows += [(n, K, p, b) for K, p, b in zip(range_of_widths, curve, bound, strict=True)]
for K, count in sampled.items():
    axes[0].plot(K, count["successes"] / count["n"], "o", color=COLOURS["measured"])
axes[0].plot([], [], color=COLOURS["bound"], label="union bound")
axes[0].set(xlabel="width $K$", ylabel=r"probability of a good start")
axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
exponents = torch.linspace(1, 100, 60).tolist()
for epsilon, name in ((0.05, "measured"), (0.5, "student")):
    ratio = [good_starts.smallest_width(10**e, epsilon) / (e * math.log(10)) for e in exponents]
    axes[1].plot(exponents, ratio, color=COLOURS[name], label=rf"$\varepsilon={epsilon}$")
axes[1].axhline(2 / math.log(2), color=COLOURS["theory"], linestyle="--", label=r"$2/\log2$")
axes[1].axhline(1 / math.log(4 / 3), color=COLOURS["bound"], linestyle=":", label=r"$1/\log(4/3)$")
axes[1].set_xscale("log")
axes[1].set(xlabel=r"$\log_{10}n$", ylabel=r"smallest width over $\log n$", ylim=(2, 6))
axes[1].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
chapter.figure(
    "fig-dana2025-lem5-width",
    figure,
    caption=r"Left: the exact probability of a good start on orthogonal inputs with as many "
    r"positive as negative labels, the union bound below it, and shares of good starts at $n=100$ "
    r"(dots). Right: the smallest width that succeeds with probability $1-\varepsilon$, over "
    r"$\log n$: it tends to $2/\log2$, below the constant of the union bound.",
    alt="Left: three rising sigmoid curves for sample sizes 100, 10000 and a million, each a "
    "little to the left of its union bound, with dots on the first. Right: two curves that "
    "approach the dashed line at 2.885 from above and below the dotted line at 3.476.",
    data=dict(
        zip(("n", "width", "probability", "union_bound"), zip(*rows, strict=True), strict=True)
    ),
    claims=["dana2025.lem5"],
)

# %% [markdown]
# ## Where it stops being true
#
# The necessity is a matter of geometry. Put all points on one ray, with labels of one sign: then
# one neuron serves all or none, and $\mathbb P(\mathcal E)=1-(3/4)^K$ for every $n$. For a thousand
# points and $\lfloor2\log1000\rfloor=13$ neurons the share of good starts was {number}`ray_share`.
# Such points interact as strongly as points can; orthogonal inputs are the other extreme. Two of
# the controls below use this and the false assumption of independent points.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise} The sharp constant
# :label: exercise-good-starts
#
# Show that $2/\log2$ is sharp: for $K=c\log n$ with $c>2/\log2$ the probability of a good start on
# orthogonal inputs tends to one.
# ```
#
# ```{solution} exercise-good-starts
# :class: dropdown
#
# Let $\frac{1}{\log2}<c'<\frac c2$. By the law of large numbers both signs have at least
# $c'\log n$ neurons with probability tending to one. Then a point is missed with probability at
# most $2^{-c'\log n}=n^{-c'\log2}$, and some point is missed with probability at most
# $n^{1-c'\log2}\to0$.
# ```
