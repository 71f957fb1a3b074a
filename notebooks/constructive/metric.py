# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The nearest class mean, inside a ball
#
# What does the constructed network do with an input that it has not seen? Theorem 3.3 of
# {cite:t}`chen2024` answers: it projects the input on the span of the class means, measures the
# distance from each mean in a metric of its own, and chooses the nearest. This is a good
# description near the training data. For an *arbitrary* input, as the theorem has it, it is not
# right: the units that carry the signal were made active by a finite shift, and far out in some
# directions they fall silent.
#
# ```{claim} chen2024.thm3.3
# ```
#
# The formulas of this paper were lost in the text at hand. This one follows from the text: the
# proof lists the steps from $\lVert f(x)-y_q\rVert$ to the distance one by one, and each step below
# was checked numerically.
#
# **What would count against it.** One input, training or not, whose distances from the labels
# differ from its distances from the class means.

# %% tags=["parameters", "hide-input"]
seed: int = 3  # seed of all random numbers; 0..4294967295
dimension: int = 6  # dimension d of the inputs; 3..50
classes_count: int = 3  # number of classes Q, at most the dimension; 2..20
data_sets: int = 50  # random data sets for the identity; 5..10_000
directions: int = 4000  # random directions at each radius; 1000..1_000_000
# memory: 3e8 + 3000 * directions + 20_000 * data_sets bytes
# time: 6 + 0.0002 * directions + 0.005 * data_sets seconds

# %% tags=["hide-input"]
import math
from fractions import Fraction

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from companion.verdicts import proportion_interval
from shallow_relu import exact_clusters, induced_metric
from shallow_relu.biased_networks import Network, outputs
from shallow_relu.clustered import mean_projector
from shallow_relu.constructions import constructed_network
from shallow_relu.random_clusters import random_clusters

chapter = open_chapter("constructive/metric", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
d, Q = dimension, classes_count

# %% [markdown]
# ## Where it holds
#
# Let $u_k$ be the $Q$ *live* rows of $U$, those that span the range of $P$. Because
# $\tilde W_2P=\tilde W_2$, only live units reach the output, and
#
# $$f(x)=\tilde W_2\sum_k\bigl(\sigma(u_k\cdot x+\varrho)-\varrho\bigr)\,u_k .$$
#
# While $u_k\cdot x\ge-\varrho$ for all of them, the sum is $Px$, and
# $f(x)-y_q=\tilde W_2(Px-\bar x_q)$: the theorem. We test inputs in random directions with
# $\lVert Px\rVert$ up to the shift $\varrho=2\max\lVert x_{q,i}\rVert$, and with an arbitrary part
# orthogonal to the range of $P$.

# %%
theorem = chapter.claim("chen2024.thm3.3")


def unit_vectors(count):
    """Uniformly random directions as columns."""
    vectors = torch.randn(d, count, generator=generator)
    return vectors / torch.linalg.vector_norm(vectors, dim=0)


def compare(network, data, x):
    """Distances of outputs from labels, and of inputs from class means; columns are inputs."""
    W = induced_metric.induced_map(data.means, data.Y)
    by_network = induced_metric.distances_to_labels(outputs(network, x), data.Y)
    return by_network, induced_metric.distances(W, x, data.means)


data = random_clusters([3 + q for q in range(Q)], data_sets, generator, d=d)
network = constructed_network(data.inputs, data.Y, data.sizes)
shift = 2 * torch.linalg.vector_norm(data.inputs, dim=-2).amax(-1)[:, None, None]
e = unit_vectors(200)
in_range = torch.linalg.vector_norm(mean_projector(data.means) @ e, dim=-2, keepdim=True)
inside = torch.rand(200, generator=generator) * shift / in_range * e
for record, x, text in (
    (theorem.check, inside, ()),
    (theorem.control, 10 * shift * e, ("inputs of norm $10\\varrho$",)),
):
    by_network, by_metric = compare(network, data, x)
    record(*text, "identity", measured=by_network, expected=by_metric, n=by_metric.numel())
    chosen = [distances.argmin(dim=-2) for distances in (by_network, by_metric)]
    record(*text, "classes", measured=chosen[0], expected=chosen[1], n=chosen[0].numel())

# %% [markdown]
# The matrix $\tilde W_2$ has rank $Q$, so the distance is a metric on the range of $P$. In this
# metric any two class means are as far apart as their labels.

# %%
W = induced_metric.induced_map(data.means, data.Y)
twice = torch.cat([data.Y[..., :1], data.Y[..., :-1]], dim=-1)  # two classes share a label
apart = induced_metric.distances_to_labels(data.Y, data.Y)
for record, labels, map_, text in (
    (theorem.check, data.Y, W, ((), ())),
    (theorem.control, twice, torch.eye(d), (("two equal labels",), ("Euclidean distances",))),
):
    singular = torch.linalg.svdvals(induced_metric.induced_map(data.means, labels))
    record(*text[0], "non-degenerate", measured=singular[..., -1] / singular[..., 0], n=data_sets)
    between = induced_metric.distances(map_, data.means, data.means)
    record(*text[1], "class means", measured=between, expected=apart, n=apart.numel())

# %% [markdown]
# ## Where it stops
#
# If $u_k\cdot x<-\varrho$ for some live row, the unit is silent, and
# $f(x)-\tilde W_2x=\tilde W_2\sum_k\sigma(-\varrho-u_k\cdot x)\,u_k\ne0$. So the network is the
# linear map exactly where all live units are active, and the largest ball around the origin with
# this property has the radius $\varrho$: the input $-(1+\varepsilon)\varrho u_k$ is cut by
# $\varepsilon\varrho$. We measure that, in every live direction.

# %%
live, beyond = network.W1[:, :Q].mT, 1e-3
law = beyond * shift[..., 0] * torch.linalg.vector_norm(W @ live, dim=-2)
for record, factor, text in (
    (theorem.check, 1 + beyond, ()),
    (theorem.control, 1 - beyond, ("just inside",)),
):
    x = -factor * shift * live
    errors = torch.linalg.vector_norm(outputs(network, x) - W @ x, dim=-2)
    record(*text, "just beyond", measured=errors, expected=law, n=law.numel())

# %% [markdown]
# The error can change the class. Let $Q=d=2$, one input per class, $\bar X=Y=I$, and $\varrho=2$,
# twice the largest norm. Every orthogonal matrix makes $P=I$ diagonal; we take the rotation
#
# $$U=\frac15\begin{pmatrix}3&4\\-4&3\end{pmatrix},\qquad x=(-8,-9),\qquad Ux=(-12,1).$$
#
# The first unit is silent, and $f(x)=U^\top(-2,1)=(-2,-1)$. Its distances from the labels are
# $\sqrt{10}$ and $\sqrt8$, so the network chooses the second class. The metric is Euclidean here,
# the distances from the class means are $\sqrt{162}$ and $\sqrt{164}$, and the theorem would choose
# the first. All in exact arithmetic:

# %%
unit, shift_two = Fraction(1, 5), 2
U = [[3 * unit, 4 * unit], [-4 * unit, 3 * unit]]
identity, point, transpose = (
    [[1, 0], [0, 1]],
    [[-8], [-9]],
    [list(row) for row in zip(*U, strict=True)],
)
largest = max(sum(entry * entry for entry in x) ** 0.5 for x in zip(*identity, strict=True))
for text, name, measured, expected in (
    ("$Q=d=2$", "dimensions", len(U) - len(identity[0]), None),
    ("$\\bar X=I$", "rank of the means", exact_clusters.rank(identity), 2),
    ("$Y=I$", "labels", exact_clusters.rank(identity), 2),
    ("$UU^\\top=I$", "orthogonal", exact_clusters.product(U, transpose), identity),
    (
        "$UPU^\\top=I$",
        "diagonal",
        exact_clusters.product(exact_clusters.product(U, identity), transpose),
        identity,
    ),
    ("$\\varrho=2$, $\\max\\lVert x_{q,i}\\rVert=1$", "shift", shift_two / (2 * largest), None),
):
    theorem.hypothesis(text, name, measured=measured, expected=expected)
b2 = [-shift_two * sum(row) for row in transpose]  # W_2 is the transpose of U
example = exact_clusters.ExactNetwork(U, [shift_two] * 2, transpose, b2)


def squared_distances(place):
    """Squared distances of a point of the plane from both unit vectors."""
    return [(place[0] - 1) ** 2 + place[1] ** 2, place[0] ** 2 + (place[1] - 1) ** 2]


f = [row[0] for row in exact_clusters.outputs(example, point)]
to_labels, to_means = squared_distances(f), squared_distances([row[0] for row in point])
wrong = [abs(a**0.5 - b**0.5) for a, b in zip(to_labels, to_means, strict=True)]
theorem.violation("$x=(-8,-9)$, both classes", "wrong distance", measured=wrong)
chosen = [min(range(2), key=square.__getitem__) for square in (to_labels, to_means)]
theorem.violation("$x=(-8,-9)$", "wrong class", measured=chosen[0], expected=1 - chosen[1])

# %% [markdown]
# The picture shows the same in the plane, for two classes of several inputs with oblique class
# means and a first layer turned by 80 degrees. Beyond the two dotted lines a unit is silent. There
# the classes of the network depend on one coordinate only, and the border runs along the silent row
# of $U$, a direction that the data do not determine.

# %%
plane = random_clusters((12, 12), 1, generator, width=(0.25, 0.26)).one(0)
plane = plane._replace(means=torch.tensor([[2.0, 0.6], [0.4, 1.6]]), Y=torch.eye(2))
turned = math.radians(80)
U = torch.tensor([[math.cos(turned), math.sin(turned)], [-math.sin(turned), math.cos(turned)]])
reach = float(2 * torch.linalg.vector_norm(plane.inputs, dim=0).max())
W = induced_metric.induced_map(plane.means, plane.Y)
bent = Network(U, torch.full((2,), reach), W @ U.T, -reach * (W @ U.T).sum(-1))
ticks = torch.linspace(-4 * reach, 2 * reach, 241)
grid = torch.cartesian_prod(ticks, ticks).T
by_network, by_metric = compare(bent, plane, grid)
right = (by_network - by_metric).abs().amax(0) < 1e-9
same = by_network.argmin(0) == by_metric.argmin(0)
_ = chapter.number("changed_in_picture", (~same).double().mean(), ".0%")

# %% tags=["hide-input"]
size = (len(ticks), len(ticks))
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.7), sharey=True)
for panel, distances, title in (
    (axes[0], by_metric, "nearest class mean in the metric"),
    (axes[1], by_network, "nearest label of the network"),
):
    panel.contourf(
        ticks,
        ticks,
        distances.argmin(0).reshape(size).T,
        levels=[-0.5, 0.5, 1.5],
        colors=[COLOURS["second"], COLOURS["bound"]],
        alpha=0.45,
    )
    for row in U:
        # The line row . x = -reach.
        along = torch.tensor([-row[1], row[0]])
        ends = torch.stack([-reach * row - 9 * reach * along, -reach * row + 9 * reach * along])
        panel.plot(*ends.T, ":", color=COLOURS["theory"])
    turn = torch.linspace(0, 2 * math.pi, 200)
    panel.plot(reach * turn.cos(), reach * turn.sin(), color=COLOURS["muted"], linewidth=1)
    for q, marker in enumerate("os"):
        own = plane.inputs[:, 12 * q : 12 * (q + 1)]
        panel.plot(*own, marker, color=COLOURS["theory"], markersize=3, fillstyle="none")
    panel.set(title=title, xlabel="$x_1$", aspect="equal")
    panel.set(xlim=(ticks[0], ticks[-1]), ylim=(ticks[0], ticks[-1]))
    panel.grid(visible=False)
axes[0].set_ylabel("$x_2$")
coarse = slice(None, None, 60)
chapter.figure(
    "fig-chen2024-thm3-3-regions",
    figure,
    caption=r"Decision regions in the plane of two classes (circles and squares: training inputs). "
    r"Left: as Theorem 3.3 says. Right: the network. They agree between the dotted lines "
    r"$u_k\cdot x=-\varrho$, in particular in the disc of radius $\varrho$; beyond them the border "
    r"of the network has another direction.",
    alt="Two maps of the plane in two colours. Left: a straight border through the origin. Right: "
    "the same border near the centre, which bends where it crosses a dotted line.",
    data={
        "x1": grid[0].reshape(size)[coarse, coarse].flatten(),
        "x2": grid[1].reshape(size)[coarse, coarse].flatten(),
        "network": by_network.argmin(0).reshape(size)[coarse, coarse].flatten(),
        "metric": by_metric.argmin(0).reshape(size)[coarse, coarse].flatten(),
    },
    claims=["chen2024.thm3.3"],
)

# %% [markdown]
# The two maps differ on {number}`changed_in_picture` of the square shown.
#
# ## How often, in higher dimension
#
# Take an input of norm $r$ in a random direction of $\mathbb R^d$. One live unit is silent with
# probability $\frac12I_{1-\varrho^2/r^2}(\frac{d-1}2,\frac12)$, an incomplete beta function, and
# for $r\le\sqrt2\varrho$ no two are silent at once. So the share of directions with a wrong
# distance is $Q$ times this, and beyond that radius at most $Q$ times this. We fix one data set,
# choose the shift as $2$, $4$ or $8$ times the largest norm, and count.

# %%
single = random_clusters([20] * Q, 1, generator, d=d, width=(0.3, 0.31)).one(0)
largest = float(torch.linalg.vector_norm(single.inputs, dim=0).max())
radii, factors = torch.logspace(-0.3, 1.7, 17), (2, 4, 8)
wrong = torch.zeros(len(factors), len(radii), dtype=torch.long)
changed = torch.zeros_like(wrong)


def count(factor, radius):
    """How many inputs of this norm have a wrong distance, and how many the wrong class."""
    network = constructed_network(single.inputs, single.Y, single.sizes, shift=factor * largest)
    by_network, by_metric = compare(network, single, radius * largest * unit_vectors(directions))
    far = (by_network - by_metric).abs().amax(0) > 1e-9 * by_metric.amax()
    return int(far.sum()), int((by_network.argmin(0) != by_metric.argmin(0)).sum())


for i, factor in enumerate(factors):
    for k, radius in enumerate(radii.tolist()):
        wrong[i, k], changed[i, k] = count(factor, radius)
law = float(induced_metric.share_beyond(torch.tensor(1.3), d, Q))
theorem.check("share", successes=count(2, 2.6)[0], n=directions, expected=law)
theorem.control("twice the shift", "share", successes=count(4, 2.6)[0], n=directions, expected=law)
for name, radius in (("three", 3.0), ("ten", 10.0)):
    pair = count(2, radius)
    chapter.number(f"wrong_at_{name}", pair[0] / directions, ".0%")
    chapter.number(f"changed_at_{name}", pair[1] / directions, ".1%")
fresh = single.means[:, :1] + 0.31 * torch.randn(d, directions, generator=generator)
by_network, by_metric = compare(
    constructed_network(single.inputs, single.Y, single.sizes), single, fresh
)
_ = chapter.number("wrong_fresh", ((by_network - by_metric).abs().amax(0) > 1e-9).sum(), ".0f")

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
fine = torch.logspace(-0.3, 1.7, 300)
for i, (factor, marker) in enumerate(zip(factors, "os^", strict=True)):
    colour = list(COLOURS.values())[1 + i]
    for panel, counts in ((axes[0], wrong[i]), (axes[1], changed[i])):
        ends = torch.tensor([proportion_interval(int(k), directions) for k in counts])
        share = counts / directions
        bars = torch.stack([share - ends[:, 0], ends[:, 1] - share]).clamp(min=0)
        panel.errorbar(
            radii, share, bars, fmt=marker, color=colour, markersize=4, label=f"{factor} times"
        )
    bound = induced_metric.share_beyond(fine / factor, d, Q)
    exact = fine <= 2**0.5 * factor
    axes[0].plot(fine[exact], bound[exact], color=colour)
    axes[0].plot(fine[~exact], bound[~exact], "--", color=colour, linewidth=1)
axes[0].set(ylabel="share with a wrong distance", ylim=(-0.03, 1.03))
axes[1].set(ylabel="share with a wrong class", ylim=(-0.01, 0.45))
for panel in axes:
    panel.set(xscale="log", xlabel=r"norm of the input / largest training norm")
    panel.legend(title=r"shift $\varrho$", loc="upper left")
chapter.figure(
    "fig-chen2024-thm3-3-radius",
    figure,
    caption=r"Random directions in dimension $d=6$, $Q=3$ classes, with exact 99.9% intervals, for "
    r"shifts of 2, 4 and 8 times the largest training norm. Left: inputs whose distances differ "
    r"from those of the theorem; solid line: exact share, dashed: upper bound. Right: inputs that "
    r"get another class.",
    alt="Two panels with three rising sequences of points each. Each starts at zero and leaves it "
    "where the norm of the input exceeds the shift; in the left panel lines pass through them.",
    data={
        "factor": torch.tensor(factors).repeat_interleave(len(radii)),
        "radius": radii.repeat(len(factors)),
        "wrong_distance": wrong.flatten(),
        "wrong_class": changed.flatten(),
        "directions": [directions] * wrong.numel(),
    },
    claims=["chen2024.thm3.3"],
)

# %% [markdown]
# With the shift of the theorem, inputs of three times the largest training norm have wrong
# distances in {number}`wrong_at_three` of the directions and the wrong class in
# {number}`changed_at_three`; at ten times the norm it is {number}`wrong_at_ten` and
# {number}`changed_at_ten`.
#
# ## Where it stops being true
#
# Not near the data: of the fresh inputs drawn from one of the clusters, {number}`wrong_fresh` had a
# wrong distance. A larger shift moves the failure outwards, and costs nothing but digits. No finite
# shift removes it, because the network is constant along some rays and the linear map is not.
#
# ```{admonition} Errata
# :class: warning
# **Theorem 3.3** is stated for an arbitrary input $x\in\mathbb R^d$. Its proof drops the ReLU on
# the live rows, where Eq. 7.6 covers the others only. Smallest counterexample: $\bar X=Y=I$ in the
# plane, one input per class, $\varrho=2$, $U$ the rotation above, $x=(-8,-9)$; the network chooses
# another class than the metric. Corrected: for all $x$ with $u_k\cdot x\ge-\varrho$ on the live
# rows, in particular for $\lVert Px\rVert\le\varrho$, hence for inputs of up to twice the largest
# training norm.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
