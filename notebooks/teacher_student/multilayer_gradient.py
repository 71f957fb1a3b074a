# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The gradient inside a deep network
#
# The last section of {cite:t}`tian2017` asks whether the method reaches deeper networks. Its answer
# is an identity: under every node of every layer the gradient has the same "student minus teacher"
# form as for one hidden layer, with diagonal matrices $Q$ that carry the layers above. We compare
# it with automatic differentiation and with difference quotients, and then ask what it does *not*
# say.
#
# ```{claim} tian2017.prop2
# ```
#
# ```{claim} tian2017.fig1
# ```
#
# **What would count against them.** One random network in which the formula and the derivative of
# the loss differ beyond rounding. For the drawing of the setting: a loss of the drawn networks that
# is not Eq. 2, or a gradient that sees more of the teacher than its outputs.

# %% tags=["parameters", "hide-input"]
seed: int = 11  # seed of all random numbers; 0..4294967295
depths: list[int] = [1, 2, 3, 4]  # numbers of hidden layers; 1..8; paper 1,2,3,4,5,6
width: int = 6  # width of the widest layer; 3..100; paper 20
dimension: int = 5  # dimension d of the inputs; 2..100; paper 20
n_samples: int = 200  # inputs of each pair of networks; 20..10_000; paper 1_000
pairs: int = 40  # random pairs of student and teacher for each depth; 5..1_000; paper 200
# memory: 5e8 + 100 * n_samples * width * max(depths) bytes
# time: 4 + 2e-3 * pairs * depths + 1e-8 * pairs * depths * n_samples * width * width seconds

# %%
import math
from statistics import median

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import multilayer, sampling
from shallow_relu.kernels import gated_mean

chapter = open_chapter("teacher_student/multilayer_gradient", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
claim = chapter.claim("tian2017.prop2")


def distance(measured, expected):
    """Largest relative distance of any layer; a layer without gradient has to agree exactly."""
    sizes = [float(part.norm()) or 1.0 for part in expected]
    return max(
        float((ours - theirs).norm()) / size
        for ours, theirs, size in zip(measured, expected, sizes, strict=True)
    )


def random_pair(widths):
    student, teacher = (multilayer.random_network(widths, dimension, generator) for _ in "st")
    return student, teacher, torch.randn(n_samples, dimension, generator=generator)


def by_autograd(student, teacher, x):
    leaves = [matrix.clone().requires_grad_() for matrix in student]
    return torch.autograd.grad(multilayer.loss(leaves, teacher, x), leaves)


# %% [markdown]
# ## How to read the indices
#
# The proposition fits the rest of the paper only if layers are numbered *from the top*: layer
# $c+1$ lies under layer $c$, so that $w_{jk}$ is the entry of $w_j$ that belongs to its input $k$,
# and $Q_j=I$ at the top starts the recursion
#
# $$Q_k=\sum_{j\in[c]}w_{jk}\,D_jQ_j,\qquad k\in[c+1].$$
#
# The sum runs over the nodes that $k$ feeds. Section 8 does not say how it numbers layers, and
# whoever numbers them from the input, as is usual, reads $w_{jk}$ and the recursion the wrong way
# round. The caption of Figure 1 counts from the top too: its first layer is the fixed weights of
# value 1, its second the ReLU neurons. With this reading, $Q_ju_j$ summed over the nodes of any
# layer is the output of the network, because a ReLU network is homogeneous of degree one in the
# outputs of each of its layers. So the bracket of Eq. 19 is the *same* residual $f-f^*$ at every
# depth.
#
# ## Against automatic differentiation and difference quotients
#
# Student and teacher have random weights and the same widths, which shrink by one node a layer
# from the input to the top. Difference quotients are taken along a random direction of all weights
# at once, with a step so small that hardly any gate opens or closes between the two ends. The few
# inputs with such a gate are left out, of the loss and of the formula; on the others the loss is a
# polynomial, and the quotient is exact to second order.


# %%
def gates(weights, x):
    return [layer > 0 for layer in multilayer.activations(weights, x)[1:]]


def difference_quotient(student, teacher, x, direction, step=1e-6):
    """Derivative of the loss along a direction, from two values, and the inputs it is about."""
    ends = [
        [w + sign * step * v for w, v in zip(student, direction, strict=True)] for sign in (1, -1)
    ]
    pairs_of_gates = zip(*(gates(end, x) for end in ends), strict=True)
    kept = torch.stack([(a == b).all(dim=1) for a, b in pairs_of_gates]).all(dim=0)
    high, low = (multilayer.loss(end, teacher, x[kept]) for end in ends)
    return (high - low) / (2 * step), x[kept]


autograd, quotient, residual, other_weights = ({d: [] for d in depths} for _ in range(4))
for depth in depths:
    for _ in range(pairs):
        student, teacher, x = random_pair([max(1, width - i) for i in range(depth)])
        formula, expected = (
            gradient(student, teacher, x) for gradient in (multilayer.block_gradient, by_autograd)
        )
        autograd[depth].append(distance(formula, expected))

        direction = [torch.randn(w.shape, generator=generator) for w in student]
        slope, kept = difference_quotient(student, teacher, x, direction)
        on_kept = multilayer.block_gradient(student, teacher, kept)
        along = sum((part * v).sum() for part, v in zip(on_kept, direction, strict=True))
        size = math.sqrt(sum(float(part.square().sum()) for part in on_kept)) or 1.0
        quotient[depth].append(float((along - slope).abs()) / size)

        ours, theirs = (multilayer.activations(net, x)[-1].sum(1) for net in (student, teacher))
        sums = multilayer.layer_residuals(student, teacher, x)
        residual[depth].append(distance(sums, [ours - theirs] * depth))

        # The control: the factors Q of the teacher's weights in place of the student's.
        mixed = [student[0], *teacher[1:]]
        swapped = multilayer.block_gradient(mixed, teacher, x)
        other_weights[depth].append(distance(swapped[:1], expected[:1]))


def everything(measured):
    return [value for depth in depths for value in measured[depth]]


count = pairs * len(depths)
claim.check("autograd", measured=everything(autograd), n=count)
claim.check("finite differences", measured=everything(quotient), n=count)
claim.check("same residual", measured=everything(residual), expected=0.0, n=count)
deep = [value for depth in depths if depth > 1 for value in other_weights[depth]]
claim.control("upper layers taken from the teacher", "autograd", measured=median(deep))

# One hidden layer, Q = I: the formula of the two-layered network, written out by hand.
student, teacher, x = random_pair([width])
bracket = torch.relu(x @ student[0].mT).sum(1) - torch.relu(x @ teacher[0].mT).sum(1)
by_hand = torch.stack([x.mT @ ((x @ w > 0) * bracket) for w in student[0]])
with_identity = multilayer.block_gradient(student, teacher, x)[0]
claim.check(
    "two layers", measured=with_identity / by_hand.norm(), expected=by_hand / by_hand.norm()
)
largest_distance = chapter.number("largest_distance", max(everything(autograd)), ".0e")

# The drawing of the setting, Figure 1, neuron by neuron.
drawing = chapter.claim("tian2017.fig1")
output, target = (sum(torch.relu(x @ w) for w in network[0]) for network in (student, teacher))
drawn = 0.5 * (output - target).square().sum()
ours = multilayer.loss(student, teacher, x)
drawing.check("one hidden layer", measured=ours, expected=drawn)
doubled = multilayer.loss([2 * student[0]], [2 * teacher[0]], x)
drawing.control("fixed weights of value 2", "one hidden layer", measured=doubled, expected=drawn)
renumbered = [teacher[0].flip(0)]
longer = [torch.cat([1.01 * teacher[0][:1], teacher[0][1:]])]
size = with_identity.norm()


def seen(other):
    return {
        "measured": multilayer.block_gradient(student, other, x)[0] / size,
        "expected": with_identity / size,
    }


drawing.check("outputs alone", **seen(renumbered))
drawing.control("one teacher neuron longer by a hundredth", "outputs alone", **seen(longer))

# %% [markdown]
# Two more controls read the indices the other way round. With square layers the entry $w_{kj}$ can
# stand in for $w_{jk}$, and the recursion can start at the input.


# %%
def misread_gradient(student, teacher, x, reading):
    """Eq. 19 with the indices of w exchanged, or with Q built up from the input."""
    layers = multilayer.activations(student, x)
    above, outputs = student[:0:-1], layers[:1:-1]
    if reading == "from the input":
        above, outputs = student[1:], layers[1:-1]
    factors = [torch.ones_like(layers[-1])]
    for matrix, output in zip(above, outputs, strict=True):
        factors.append((factors[-1] * (output > 0)) @ matrix.mT)
    if reading == "indices exchanged":
        factors = factors[::-1]
    error = multilayer.layer_residuals(student, teacher, x)[-1]
    return [
        ((output > 0) * factor * error[:, None]).mT @ below
        for below, output, factor in zip(layers, layers[1:], factors, strict=False)
    ]


misread = {"indices exchanged": [], "from the input": []}
for _ in range(pairs):
    student, teacher, x = random_pair([width] * 3)
    expected = by_autograd(student, teacher, x)
    for reading, values in misread.items():
        values.append(distance(misread_gradient(student, teacher, x, reading), expected))
for reading, values in misread.items():
    claim.control(reading, "autograd", measured=median(values), n=pairs)

# %% [markdown]
# ## What the formula does not say
#
# Theorem 1 turns the gradient of one hidden layer into a closed expression, because its inputs
# are Gaussian. Eq. 19 is a chain rule for any data. Above the first layer the inputs $X_c$ are
# outputs of ReLUs: not Gaussian, not even centred. How wrong is Theorem 1 there? We gate one random
# neuron by another, with the inputs that each layer of a random network sees, and compare with the
# formula after the best rescaling.

# %%
n_large, n_vectors, n_layers = 40_000, 30, 4
network = multilayer.random_network([width] * (n_layers - 1), dimension, generator)
law_error = torch.empty(n_layers, n_vectors)
for layer in range(n_layers):
    size = dimension if layer == 0 else width

    def draw(n, layer=layer):
        inputs = torch.randn(n, dimension, generator=generator)
        return multilayer.activations(network, inputs)[layer]

    e, w = torch.randn(2, n_vectors, size, generator=generator)
    mean, _ = sampling.gated_mean_estimate(e, w, draw, n_large)
    law_error[layer] = sampling.error_up_to_scale(mean, gated_mean(e, w))
medians = law_error.nanmedian(dim=1).values
for name, value, show in (("gaussian", medians[0], ".3f"), ("hidden", medians[1], ".2f")):
    chapter.number(f"{name}_error", value, show)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.2))
floor = 1e-17  # where exact agreement is drawn
tables = {
    "formula": (autograd, "measured", "o"),
    "sum over a layer": (residual, "second", "s"),
    "teacher's upper layers": (other_weights, "control", "x"),
}
for shift, (label, (table, colour, marker)) in zip((-0.15, 0, 0.15), tables.items(), strict=True):
    for depth in depths:
        axes[0].semilogy(
            [depth + shift] * pairs,
            [max(value, floor) for value in table[depth]],
            marker,
            markersize=3,
            alpha=0.5,
            color=COLOURS[colour],
            label=label if depth == depths[0] else None,
            rasterized=True,
        )
axes[0].set(xlabel="hidden layers", ylabel="relative distance", xticks=depths, ylim=(3e-18, 1e4))
axes[0].legend(loc="center right")
places = torch.arange(1, n_layers + 1)
axes[1].plot(
    places[:, None].expand_as(law_error), law_error, "o", color=COLOURS["muted"], alpha=0.3
)
axes[1].plot(places, medians, "D", color=COLOURS["measured"], label="median")
axes[1].set(xlabel="layer that sees the inputs", ylabel="error of Theorem 1 up to scale")
axes[1].set(xticks=places, ylim=(0, None))
axes[1].legend()
chapter.figure(
    "fig-tian2017-prop2",
    figure,
    caption=rf"Left: distance of Eq. 19 from automatic differentiation, {pairs} random pairs of "
    r"networks for each depth (worst layer), and of the sum over each layer from the residual "
    r"$f-f^*$; crosses: the matrices $Q$ of the teacher in place of the student's (at depth one "
    r"there is nothing above). Right: error of the Gaussian formula for one gated neuron, at the "
    r"inputs of each layer of a random network; above the first layer it does not apply.",
    alt="Left: dots near 1e-16 at all depths, crosses near one for two and more layers. Right: the "
    "error of Theorem 1 is near zero at the first layer and large at the layers above.",
    data={
        "depth": [depth for depth in depths for _ in range(pairs)],
        "formula": everything(autograd),
        "difference_quotient": everything(quotient),
        "layer_sum": everything(residual),
        "teacher_above": everything(other_weights),
    },
    claims=["tian2017.prop2"],
)

# %% [markdown]
# The largest distance over all networks and layers is {number}`largest_distance`. At the first
# layer Theorem 1 errs by {number}`gaussian_error` in the median, which is sampling error; one layer
# up the median error is {number}`hidden_error`, and that is bias.
#
# ## Where it stops being true
#
# - **Several outputs.** The proposition has one matrix $Q_j$ for each node. With $m$ outputs there
#   is one for each node *and* output, and the gradient is the sum over outputs.
# - **Biases.** The sum over a layer equals the output only for networks without biases. With them
#   the bracket has to be replaced by the residual itself.
# - **The population.** $Q_j$ depends on the gates and weights above and is correlated with $X_c$
#   and $D_j$. No expectation of Eq. 19 is given in the paper, and Theorem 1 does not provide one.
# - **Kinks.** Where a node is exactly zero on a sample the loss has no derivative; the formula then
#   means the convention $\sigma'(0)=0$.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-homogeneous-layers
# Show that $\sum_{j\in[c]}Q_ju_j$ is the output of the network for every layer $c$.
# ```
#
# ```{solution} exercise-homogeneous-layers
# :class: dropdown
# At the top it is true by definition. On each sample $u_j=D_j\sum_kw_{jk}u_k$, hence
# $\sum_jQ_ju_j=\sum_k\bigl(\sum_jw_{jk}D_jQ_j\bigr)u_k=\sum_kQ_ku_k$: the sum passes unchanged from
# layer $c$ to layer $c+1$.
# ```
