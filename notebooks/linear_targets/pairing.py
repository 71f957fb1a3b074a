# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Neurons that pair up
#
# Train both layers of a network with $K=2m$ neurons on a linear target with $m$ outputs, from a
# tiny start. At the end the neurons come in $m$ pairs: two that point against each other, with
# output weights that do the same. {cite:t}`linear2025` finds this pattern in experiments and
# builds its theorem for several outputs on it. The chapter repeats the experiments and adds the
# reason: with $2m$ neurons, algebra leaves no other exact solution, and the tiny start only
# makes the two members of a pair equally long.
#
# ```{claim} linear2025.fig3
# ```
#
# **What would count against it.** A run that ends at zero risk without pairs; runs that end at a
# positive risk more often than rarely; pairs that are not opposite in both layers.

# %% tags=["parameters", "hide-input"]
seed: int = 3  # seed of all random numbers; 0..4294967295
outputs: list[int] = [3, 5, 10]  # numbers m of outputs; 2..20; paper [3, 5, 10, 15]
n_runs: int = 16  # runs for the smallest m, fewer for larger ones; 10..1_000; paper 30
n_steps: int = 2_000  # iterations of gradient descent; 1_000..100_000; paper 5_000
dimension: int = 100  # dimension d of the inputs; 40..1_000; paper 100
# memory: 5e8 bytes
# time: 6 + 1e-4 * n_steps * n_runs * len(outputs) / 6 seconds

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import linear_training as training
from shallow_relu.flows import gradient_descent

chapter = open_chapter("linear_targets/pairing", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)

# %% [markdown]
# ## Why there is no other solution
#
# Let $\sum_ja_j\,\sigma(w_j\cdot x)=Bx$ for all $x$, with $K=2m$ neurons, $w_j\ne0$, $a_j\ne0$
# and $\operatorname{rank}B=m$. Use $\sigma(t)=\frac12(t+|t|)$ and separate odd from even
# functions of $x$:
#
# $$\sum_ja_j\,|w_j\cdot x|=0\quad\text{for all }x,\qquad\tfrac12\sum_ja_jw_j^\top=B .$$
#
# Put two neurons into one class if they lie on one line through the origin. The functions
# $|e\cdot x|$ of different lines are linearly independent, each having its kink elsewhere. So
# the first equation says that $\sum_{j\in C}a_j\lVert w_j\rVert=0$ within every class $C$. A
# class of one neuron is impossible. Therefore at most $m$ classes exist; each adds a matrix of
# rank at most one to $B$, and the rank of $B$ requires all $m$ of them, with two neurons each.
# In a class $\{i,j\}$ with direction $e$,
#
# $$a_i\lVert w_i\rVert=-a_j\lVert w_j\rVert ,$$
#
# (a vanishing neuron can be left out; then fewer than $2m$ remain, too few for rank $m$) and
# $w_i,w_j$ point in opposite directions, since otherwise the class would add nothing to $B$. So
# **neurons pair up, up to scale, at every exact solution**, for every start and every way of
# training.
#
# What the tiny start adds is the scale. The flow conserves
# $\lVert a_j\rVert^2-\lVert w_j\rVert^2$, which is nearly zero from a tiny start. Then
# $\lVert a_j\rVert=\lVert w_j\rVert$ at the end, and the pair is opposite in both layers:
# $w_i=-w_j$ and $a_i=-a_j$.
#
# ## Experiment
#
# As in the paper, rows of $B$ are the unit vectors $e_1,\dots,e_m$, both layers start at
# $10^{-8}$ times Xavier, and $\eta=0.1$. Gradient descent never leaves the span of start and
# target, so we follow it there, with $3m$ coordinates in place of $d$.

# %%
pairing = chapter.claim("linear2025.fig3")
runs = [max(6, n_runs * 3 // m) for m in outputs]


def start(m, scale, batch, width=None):
    """Start of both layers as one state, and the target, in coordinates of their span."""
    width = width or 2 * m
    W = scale * training.xavier_normal(width, dimension, generator, batch=(batch,))
    A = scale * training.xavier_normal(width, m, generator, batch=(batch,))
    W, B = training.span_coordinates(W, torch.eye(dimension)[:m])
    return torch.cat([W, A], dim=-1), B


def pair_errors(state, B):
    """Are there pairs? Length of $w_i + w_j$, of $a_i + a_j$, and both defects up to scale."""
    W, A = state[..., : B.shape[-1]], state[..., B.shape[-1] :]
    partner, paired = training.antipodal_partners(W)
    norm = torch.linalg.vector_norm(W, dim=-1, keepdim=True)

    def defect(rows):
        other = rows.gather(-2, partner[..., None].expand_as(rows))
        return torch.linalg.vector_norm(rows + other, dim=-1).amax(dim=-1)

    up_to_scale = torch.maximum(defect(W / norm), defect(A * norm))
    return paired, defect(W), defect(A), up_to_scale


def descend(state, B):
    end = gradient_descent(
        training.joint_gradient, state, (B,), step=0.1, n_steps=n_steps, tolerance=1e-12
    )
    return end.state, B


def train(m, scale, batch):
    end, B = descend(*start(m, scale, batch))
    q = B.shape[-1]
    return training.risk(end[..., :q], end[..., q:], B), *pair_errors(end, B)


small = [train(m, 1e-8, batch) for m, batch in zip(outputs, runs, strict=True)]
large = [train(m, 1.0, batch) for m, batch in zip(outputs, runs, strict=True)]
risk, paired, neurons, output_weights, _ = (torch.cat(part) for part in zip(*small, strict=True))
risk_large, paired_large, neurons_large, _, scaled_large = (
    torch.cat(part) for part in zip(*large, strict=True)
)

# %% [markdown]
# Every network of the first group starts tiny, every one of the second at full scale. A run
# counts as a success if its risk is below $10^{-5}$ (it starts at $m/2$) and all its neurons are
# in pairs, a pair being two neurons that each point most nearly against the other.

# %%
success = paired & (risk < 1e-5)
n = len(success)
pairing.check("success", successes=success.sum(), n=n)
pairing.check("all paired", measured=paired[risk < 1e-5].double().mean(), n=n)
pairing.check("neurons", measured=neurons[success], n=n)
pairing.check("output weights", measured=output_weights[success], n=n)
success_large = paired_large & (risk_large < 1e-5)
pairing.check("up to scale", measured=scaled_large[risk_large < 1e-9], n=n)
pairing.check("pairs at full scale", successes=success_large.sum(), n=n)
pairing.control("start of full scale", "neurons", measured=neurons_large[success_large])
chapter.number("runs", n, ".0f", tolerance=1e-9)
chapter.number("share_of_pairs", success.double().mean(), ".0%")
chapter.number("largest_defect", neurons[success].max(), ".1g")
chapter.number("defect_at_full_scale", neurons_large[success_large].median(), ".2g")
chapter.number("scaled_defect", scaled_large[risk_large < 1e-9].max(), ".0e")

# %% [markdown]
# Of {number}`runs` tiny starts {number}`share_of_pairs` end in pairs, for all three values of
# $m$, and the sums $w_i+w_j$ are at most {number}`largest_defect` long. From full scale the
# neurons pair up as well, but the sums $w_i+w_j$ are about {number}`defect_at_full_scale` long.
# Up to scale the pairs are exact there too ({number}`scaled_defect` where the risk is below
# $10^{-9}$), as the algebra demands. The paper reports the pattern beyond $m=10$ without a
# figure; the `paper` setting adds $m=15$.
#
# Are there pairs when algebra does not demand them? With $K=2m+2$ it does not.

# %%
end, B = descend(*start(3, 1e-8, runs[0], width=8))
wide_risk = training.risk(end[..., : B.shape[-1]], end[..., B.shape[-1] :], B)
wide_paired = pair_errors(end, B)[0][wide_risk < 1e-5]
chapter.number("wide_runs", len(wide_paired), ".0f")
chapter.number("wide_paired", wide_paired.double().mean(), ".0%")
pairing.control("two neurons more", "all paired", measured=wide_paired.double().mean())

# %% tags=["hide-input"]
MARKERS = "osD^vP*XdH"
NAMES = ["measured", "teacher", "student", "control", "bound", "second", "muted", "theory"]
more = plt.get_cmap("tab20").colors
TINTS = [*(COLOURS[name] for name in NAMES), *(more[k] for k in (10, 18, 8, 16))]


def draw_trajectories(m, name, paper_figure):
    """Two coordinates of every neuron and of every output weight; one mark for each pair."""
    state, B = start(m, 1e-8, 1)
    state, B, q = state[0], B[0], B.shape[-1]
    times = [0, *range(300, 1100, 10), n_steps]
    path = training.descent_path(
        lambda s: training.joint_gradient(s, B), state, step=0.1, times=times
    )
    partner, _ = training.antipodal_partners(path[-1, :, :q])
    label = [
        sorted({min(i, int(p)) for i, p in enumerate(partner)}).index(min(j, int(partner[j])))
        for j in range(2 * m)
    ]
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.5))
    shown = ((q, q + 1, "a"), (0, 1, "w"))
    for panel, (first, second, symbol) in zip(axes, shown, strict=True):
        for j in range(2 * m):
            colour = TINTS[label[j] % len(TINTS)]
            x, y = path[:, j, first], path[:, j, second]
            panel.plot(x, y, color=colour, linewidth=0.9, alpha=0.8)
            mark = MARKERS[label[j] % 10] if m == 3 else "*"
            size, edge = (7, "white") if m == 3 else (9, colour)
            panel.plot(x[-1], y[-1], mark, color=colour, markersize=size, markeredgecolor=edge)
            i = int(partner[j])
            if m > 3 and i > j:
                panel.plot(
                    [path[-1, j, first], path[-1, i, first]],
                    [path[-1, j, second], path[-1, i, second]],
                    "--",
                    color=colour,
                    linewidth=0.8,
                )
        side = 1.1 * float(path.abs().max())
        panel.set(xlim=(-side, side), ylim=(-side, side), aspect="equal")
        panel.set(xlabel=f"first coordinate of ${symbol}_j$")
        panel.set(ylabel=f"second coordinate of ${symbol}_j$")
    chapter.figure(
        name,
        figure,
        caption=rf"Counterpart of Figure {paper_figure}: trajectories of the output weights (left) "
        rf"and of the neurons (right), two of their coordinates, for $m={m}$ and $K={2 * m}$ from "
        r"$10^{-8}$ times Xavier. Both members of a pair have one "
        + ("symbol and colour." if m == 3 else "colour, and a dashed line joins them.")
        + " At the end they are opposite in both layers.",
        alt=f"Two panels in which {2 * m} curves leave the origin and end at marks; the marks come "
        "in pairs that are mirror images through the origin, in both panels alike.",
        data={
            "neuron": [j for j in range(2 * m) for _ in times],
            "iteration": times * (2 * m),
            "pair": [label[j] for j in range(2 * m) for _ in times],
            **{f"w{i + 1}": path[:, :, i].T.flatten() for i in (0, 1)},
            **{f"a{i + 1}": path[:, :, q + i].T.flatten() for i in (0, 1)},
        },
        claims=["linear2025.fig3"],
    )


for m, paper_figure in zip(outputs, ("3", "7", "8"), strict=False):
    draw_trajectories(m, f"fig-linear2025-pairs-{m}", paper_figure)

# %% [markdown]
# ## Where it stops being true
#
# With two neurons more than needed the solution is no longer forced into pairs: of
# {number}`wide_runs` runs with $m=3$, $K=8$ that reach a risk below $10^{-5}$,
# {number}`wide_paired` consist of pairs only. And pairs are exact only where the risk is zero;
# before that they are approximate.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-balance
# Show that the flow on both layers conserves $\lVert a_j\rVert^2-\lVert w_j\rVert^2$ for each
# neuron, and that one step of gradient descent changes it by a term of order $\eta^2$.
# ```
#
# ```{solution} exercise-balance
# :class: dropdown
# The network does not change under $w_j\to\lambda w_j$, $a_j\to a_j/\lambda$ for $\lambda>0$.
# Differentiating the risk in $\lambda$ at 1 gives $w_j\cdot\nabla_{w_j}R=a_j\cdot\nabla_{a_j}R$.
# Hence the flow changes both squared norms at the same rate. A step of gradient descent adds
# $\eta^2(\lVert\nabla_{a_j}R\rVert^2-\lVert\nabla_{w_j}R\rVert^2)$.
# ```
