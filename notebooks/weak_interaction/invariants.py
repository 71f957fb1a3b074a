# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the flow keeps, and how fast it goes
#
# Two facts carry all that {cite:t}`dana2025` prove. Each neuron keeps the balance of its two
# layers, so that an output weight that is large at the start never changes its sign. And the
# exponential rate of the loss is the time average of one number, the local PL curvature. Both are
# statements on a flow. So we also ask what is left of them for steps of finite size, and where the
# flow itself ceases to exist.
#
# ```{claim} dana2025.lem1
# ```
#
# ```{claim} dana2025.lem2
# ```
#
# The formulas were lost in the text at hand and are reconstructed; the proofs leave no choice.
#
# **What would count against them.** A velocity for which $a_j\dot a_j\ne w_j\cdot\dot w_j$; an
# accurate flow along which the balance drifts, an output weight crosses zero, or the loss is not
# $L(0)\,e^{-t\bar\mu(t)}$.

# %% tags=["parameters", "hide-input"]
seed: int = 1  # seed of all random numbers; 0..4294967295
width: int = 5  # neurons K of the networks that are integrated; 2..20
points: int = 4  # data points n of the networks that are integrated; 2..20
until: float = 9.0  # time up to which they are integrated; 2.0..40.0
random_states: int = 200  # random networks behind the pointwise checks; 20..100_000
# memory: 3e8 + 2e4 * random_states bytes
# time: 6 + 0.02 * width * points * until + 1e-3 * random_states seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import curvature, good_starts, networks

chapter = open_chapter("weak_interaction/invariants", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)

# %% [markdown]
# ## The balance
#
# With the residuals $r_i=f(x_i)-y_i$, both $a_j\dot a_j$ and $w_j\cdot\dot w_j$ are
#
# $$-\frac{a_j}n\sum_ir_i\,\sigma(w_j\cdot x_i),$$
#
# the second because $\mathbf 1\{t>0\}\,t=\sigma(t)$. This needs nothing of the data, and not even
# the choice $\sigma'(0)=0$: at $w_j\cdot x_i=0$ any value of the gate is multiplied by zero. So
# $a_j^2-\lVert w_j\rVert^2$ is conserved. If it is positive, $\lvert a_j\rvert$ cannot fall below
# its square root. If it is zero, then
# $\lvert\dot a_j\rvert\le C\lVert w_j\rVert=C\lvert a_j\rvert$ with a constant $C$, as the loss
# does not grow, and $a_j$ cannot reach zero in finite time.
#
# We test the identity at random states on three kinds of inputs. Some neurons are put on the
# boundary of their gate. The control moves one layer twice as fast.

# %%
balance = chapter.claim("dana2025.lem1")
rate = chapter.claim("dana2025.lem2")


def some_inputs(kind, n, d, batch=()):
    """Orthogonal inputs, inputs of random direction, or inputs with a common part."""
    if kind == "orthogonal":
        return torch.cat(
            [
                networks.orthogonal_inputs(n, generator, batch=batch),
                torch.zeros(*batch, d - n, n),
            ],
            dim=-2,
        )
    X = networks.inputs_of_random_direction(d, n, generator, batch=batch)
    return X + torch.eye(d)[:, :1] if kind == "common part" else X


def random_problem(kind, n=6, d=8, K=5):
    """Random networks of any size, not only those of Assumption 1."""
    batch = (random_states,)
    X, y = some_inputs(kind, n, d, batch), networks.labels(n, generator, batch=batch)
    W, a = networks.start(K, d, generator, batch=batch)
    return W * torch.logspace(-1, 1, K)[:, None], a, X, y


def imbalance(W, a, X, y, speed=1.0):
    """Rate of change of the balance, relative to what could cancel."""
    W_dot, a_dot = networks.velocity(W, a, X, y)
    residual = (networks.outputs(W, a, X) - y).norm(dim=-1, keepdim=True)
    scale = a.abs() * W.norm(dim=-1) * residual
    return (a * a_dot - speed * (W * W_dot).sum(-1)).abs() / scale


def decay(W, a, X, y, h=1e-7):
    """Minus the derivative of log L along the velocity, over the curvature, minus one.

    By central differences; networks with a gate that opens or closes in between are left out.
    """
    W_dot, a_dot = networks.velocity(W, a, X, y)
    ahead, behind = ((W + s * W_dot, a + s * a_dot) for s in (h, -h))
    smooth = ((ahead[0] @ X > 0) == (behind[0] @ X > 0)).all(dim=-1).all(dim=-1)
    change = (networks.loss(*ahead, X, y) / networks.loss(*behind, X, y)).log()
    return (-change / (2 * h) / curvature.local_curvature(W, a, X, y) - 1)[smooth]


problems = [random_problem(kind) for kind in ("orthogonal", "random direction", "common part")]
found = [imbalance(*problem) for problem in problems]
W, a, X, y = problems[0]
found.append(imbalance(torch.cat([torch.zeros_like(W[..., :2]), W[..., 2:]], dim=-1), a, X, y))
balance.check("pointwise", measured=torch.stack(found), n=len(found) * found[0].numel())
balance.control("one layer twice as fast", "pointwise", measured=imbalance(*problems[1], 2.0))
decays = torch.cat([decay(*problem) for problem in problems])
rate.check("derivative", measured=decays.abs(), n=len(decays))
_ = rate.control("the factor $K$ left out", "derivative", measured=(5 * (1 + decays) - 1).abs())

# %% [markdown]
# ## Along accurate flows
#
# Now two flows, by a Runge-Kutta method of order 8: one on orthogonal inputs, where neurons die on
# points with the wrong label, and one on inputs with a large common part and positive labels, which
# interact strongly; its neurons start close to the common part, and starts from which a gate would
# close are drawn again: below we shall see why. Both start with $\lvert a_j\rvert\ge\lVert
# w_j\rVert$ and an active neuron of the right sign at every point. The integral $\int_0^t\mu$ is
# one more unknown of the equation, so that it knows nothing of the loss. A third flow starts with
# $\lvert a_j\rvert=\lVert w_j\rVert$.
#
# In the controls, output weights are smaller than their neurons: the start of the chapter on the
# collapse of the second layer, where a large label pulls a negative output weight through zero.

# %%
times = torch.linspace(0, until, 121)


def stays_open(W, a, X, y, step=0.02):
    """Whether no gate comes close to closing along small steps of gradient descent."""
    state = networks.join(W, a)
    for _ in range(round(until / step)):
        state = state - step * networks.joint_gradient(state, X, y)
        if (networks.split(state)[0] @ X).min() < 0.05:
            return False
    return True


def start_on(kind):
    """A good start of Assumption 1; with a common part, positive signs and open gates."""
    while True:
        X, y = some_inputs(kind, points, points), networks.labels(points, generator)
        W, a = networks.start(width, points, generator)
        if kind == "common part":
            X[0] += 2
            W = torch.cat([0.3 + W[:, :1].abs(), 0.1 * W[:, 1:]], dim=1)
            y, a = y.abs(), 0.3 + a.abs()
        covered = good_starts.is_covered(W, a, X, y)
        if covered and (kind == "orthogonal" or stays_open(W, a, X, y)):
            return W, a, X, y


def follow(W, a, X, y):
    """Neurons, output weights, loss and integral of the curvature at all times."""
    W, a, integral = curvature.flow_with_integral(W, a, X, y, times)
    return W, a, networks.loss(W, a, X, y), integral


def signed(a):
    return a[0].sign() * a


def kept(W, a):
    """Drift of the balance, sign relative to its bound, and order of the layers."""
    constant = networks.balance(W[0], a[0])
    drift = (networks.balance(W, a) - constant).abs()
    return drift, signed(a) / constant.abs().sqrt(), a.abs() - W.norm(dim=-1)


starts = [start_on("orthogonal"), start_on("common part")]
flows = [follow(*start) for start in starts]
drift, sign, order = (
    torch.cat([part.flatten() for part in parts])
    for parts in zip(*(kept(W, a) for W, a, *_ in flows), strict=True)
)
balance.check("balance kept", measured=drift, n=len(drift))
balance.check("sign kept", measured=sign, n=len(sign))
balance.check("order kept", measured=order, n=len(order))
W, a, X, y = start_on("orthogonal")
W, a, *_ = follow(W, a.sign() * W.norm(dim=-1), X, y)
balance.check("equal norms", measured=signed(a), n=a.numel())
small = torch.ones(2, 2), torch.tensor([0.1, -0.1]), torch.eye(2), torch.tensor([10.0, -1.0])
W, a, *_ = follow(*small)
_, sign, order = kept(W, a)
balance.control("small output weights", "sign kept", measured=sign)
balance.control("small output weights", "order kept", measured=order)
balance.control("small output weights", "equal norms", measured=signed(a))
mismatch = [(loss / loss[0]).log() + integral for _, _, loss, integral in flows]
rate.check("rate", measured=torch.stack(mismatch).abs(), n=2 * len(times))
_ = chapter.number("moved", (flows[0][1].square() - flows[0][1][0].square()).abs().max(), ".1f")

# %% [markdown]
# ## Steps of finite size
#
# One step of gradient descent changes the balance of a neuron by exactly
# $\eta^2(\dot a_j^2-\lVert\dot w_j\rVert^2)$: the terms of first order cancel. Summed over the
# steps and averaged over the neurons the drift is at most
#
# $$\sum_\tau\eta^2K\lVert\nabla L\rVert^2\approx\eta\,\bigl(L(0)-L(t)\bigr),$$
#
# since a step of size $\eta$ on $KL$ lowers the loss by about $\eta K\lVert\nabla L\rVert^2$. So
# small steps keep the balance up to $\eta L(0)$ on average, whatever the width, the dimension and
# the time. The steps of the paper's experiments have $\eta=1$, and are not small in this sense.

# %%
X, y = some_inputs("random direction", 20, 40), networks.labels(20, generator)
W, a = networks.start(20, 40, generator)
state, first_loss = networks.join(W, a), networks.loss(W, a, X, y)


def drift_after(step, time=10.0):
    """Drift of every balance after gradient descent of a given length, and sign changes."""
    moved = state
    for _ in range(round(time / step)):
        moved = moved - step * networks.joint_gradient(moved, X, y)
    V, b = networks.split(moved)
    return (networks.balance(V, b) - networks.balance(W, a)).abs(), int((a * b < 0).sum())


W_dot, a_dot = networks.velocity(W, a, X, y)
expected = 0.3**2 * (a_dot**2 - W_dot.square().sum(-1))
balance.check("one step", measured=drift_after(0.3, 0.3)[0] - expected.abs())
steps = [1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01]
drifts = {step: drift_after(step)[0] for step in steps}
ratio = drifts[0.02].max() / drifts[0.01].max()
balance.check("order of the drift", measured=ratio.log2(), expected=1)
small_steps = [drifts[step].mean() / (step * first_loss) for step in (0.05, 0.02, 0.01)]
balance.check("size of the drift", measured=small_steps)
balance.control("gradient descent with $\\eta=1$", "balance kept", measured=drifts[1.0])
chapter.number("drift_at_one", drifts[1.0].max(), ".2f")
chapter.number("gap_at_start", networks.balance(W, a).median(), ".2f", tolerance=1e-9)
_ = chapter.number("sign_changes", drift_after(1.0)[1], ".0f")

# %% [markdown]
# At $\eta=1$ the largest drift was {number}`drift_at_one`, against a median balance of
# {number}`gap_at_start` at the start; {number}`sign_changes` output weights changed their sign. The
# figure shows the balance along the flow on orthogonal inputs, where the squares themselves move
# by up to {number}`moved`, and the drift against the step.

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.3))
W, a, loss, integral = flows[0]
for j in range(width):
    label = j == 0
    axes[0].plot(times, a[:, j] ** 2, color=COLOURS["student"], label="$a_j^2$" if label else None)
    axes[0].plot(
        times,
        networks.balance(W, a)[:, j],
        "--",
        color=COLOURS["measured"],
        label=r"$a_j^2-\|w_j\|^2$" if label else None,
    )
axes[0].set(xlabel="time $t$", ylabel="squares of weights")
axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
mean = [float(drifts[step].mean()) for step in steps]
axes[1].loglog(steps, mean, "o", color=COLOURS["measured"], label="mean drift")
bound = [step * float(first_loss) for step in steps]
axes[1].loglog(steps, bound, color=COLOURS["bound"], label=r"$\eta L(0)$")
axes[1].set(xlabel=r"step $\eta$", ylabel="drift of the balance")
axes[1].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
chapter.figure(
    "fig-dana2025-lem1-balance",
    figure,
    caption=r"Left: $a_j^2$ of every neuron along an accurate flow, and the balance (dashed), "
    r"which stays. Right: mean drift of the balance after gradient descent up to $t=10$ with "
    r"$n=20$ points in dimension 40; to first order in the step it stays below $\eta L(0)$.",
    alt="Left: solid curves that move and dashed horizontal lines. Right: dots on a log-log plot "
    "that rise with slope one, below a parallel line.",
    data={"step": steps, "mean_drift": mean, "bound": bound},
    claims=["dana2025.lem1"],
)

# %% [markdown]
# ## Where it stops being true
#
# The paper fixes $\sigma'(0)=0$. On orthogonal inputs this gives a flow for all times: an inactive
# neuron stays inactive. Other inputs allow a neuron to be pushed to $w_j\cdot x_i=0$ from both
# sides. Then the equation with $\sigma'(0)=0$ has no solution that goes on from there: inactive,
# the neuron is at once driven back to the active side, and active, to the inactive one. Small
# steps of gradient descent jump to and fro and approach a *sliding* motion with a gate between $0$
# and $1$, a solution of the inclusion $\dot\theta\in-K\,\partial L(\theta)$ with Clarke's
# subdifferential.
#
# The smallest case: one neuron, $x_1=e_1$, $x_2=(c,s)$ with $c=0.9$, $c^2+s^2=1$, labels $-1$ and
# $1$, start $w=(0,\frac12)$, $a=1.2$. While $r_2<0$ the neuron slides: it sees $x_2$ without its
# part along $x_1$. So the motion is the flow on the inputs $0$ and $(0,s)$.
#
# Lemma 1 survives, since a gate at $w_1\cdot x_1=0$ does not matter to it. Lemma 2 survives with
# the velocity of the motion: by the chain rule along such curves {cite:p}`davis2020`,
# $-\frac{d}{dt}\log L=\lVert\dot\theta\rVert^2/(KL)$. But $K\lVert\nabla L\rVert^2/L$ with
# $\sigma'(0)=0$ is not that: it counts the whole of $x_2$.

# %%
c, s = 0.9, math.sqrt(1 - 0.9**2)
X, y = torch.tensor([[1.0, c], [0.0, s]]), torch.tensor([-1.0, 1.0])
W, a = torch.tensor([[0.0, 0.5]]), torch.tensor([1.2])
projected = torch.tensor([[0.0, 0.0], [0.0, s]])
sliding, slide_a, slide_loss, slide_integral = follow(W, a, projected, y)
log_loss = (slide_loss / slide_loss[0]).log()
naive_mu = curvature.local_curvature(sliding, slide_a, X, y)
naive = torch.cat([torch.zeros(1), torch.cumulative_trapezoid(naive_mu, times)])
state = networks.join(W, a)
path = [state]
for _ in times[1:]:
    for _ in range(round(until / 120 / 0.01)):
        state = state - 0.01 * networks.joint_gradient(state, X, y)
    path.append(state)
distance = (torch.stack(path) - networks.join(sliding, slide_a)).norm(dim=(-2, -1))
rate.check("limit of small steps", measured=distance)
still = (networks.join(W, a) - networks.join(sliding, slide_a)).norm(dim=(-2, -1))
rate.control("no motion", "limit of small steps", measured=still)
rate.check("sliding", measured=(log_loss + slide_integral).abs())
rate.control("sliding, with $\\sigma'(0)=0$", "rate", measured=(log_loss + naive).abs())
rate.control("$\\sigma'(0)=0$", "sliding", measured=(log_loss + naive).abs())
drift = networks.balance(sliding, slide_a) - networks.balance(W, a)
chapter.number("slide_drift", drift.abs().max(), ".0e")
chapter.number("true_decay", slide_integral[-1], ".3f", tolerance=1e-6)
_ = chapter.number("naive_decay", naive[-1], ".3f", tolerance=1e-6)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.3))
for (_, _, loss, integral), colour, label in zip(
    flows, ("measured", "second"), ("orthogonal", "common part"), strict=True
):
    axes[0].plot(times, (loss / loss[0]).log(), color=COLOURS[colour], label=label)
    axes[0].plot(times[::8], -integral[::8], "o", color=COLOURS[colour], markersize=4)
axes[0].plot([], [], "o", color=COLOURS["muted"], label=r"$-t\,\bar\mu(t)$")
axes[0].set(xlabel="time $t$", ylabel=r"$\log\,(L(t)/L(0))$")
axes[0].legend()
descent_loss = torch.stack([networks.loss(*networks.split(step), X, y) for step in path])
descent = (descent_loss / descent_loss[0]).log()
axes[1].plot(times, descent, color=COLOURS["measured"], label="gradient descent")
axes[1].plot(times[::8], -slide_integral[::8], "o", color=COLOURS["measured"], label="sliding")
axes[1].plot(times, -naive, "--", color=COLOURS["control"], label=r"$\mu$ with $\sigma'(0)=0$")
axes[1].set(xlabel="time $t$", ylabel=r"$\log\,(L(t)/L(0))$")
axes[1].legend()
chapter.figure(
    "fig-dana2025-lem2-rate",
    figure,
    caption=r"Left: the logarithm of the loss (curves) and minus the integral of the curvature "
    r"(dots) along two flows. Right: a neuron that slides. The loss of gradient descent follows "
    r"the sliding motion; the curvature with $\sigma'(0)=0$ promises more.",
    alt="Left: two falling curves with dots on them. Right: a curve with dots on it that levels "
    "off, and a dashed curve that falls well below.",
    data={
        "time": times,
        "log_loss": (flows[0][2] / flows[0][2][0]).log(),
        "minus_integral": -flows[0][3],
        "sliding_log_loss": log_loss,
        "sliding_naive": -naive,
    },
    claims=["dana2025.lem2"],
)

# %% [markdown]
# Along the sliding motion $\log(L(0)/L)$ reaches {number}`true_decay`, where $\int\mu$ with
# $\sigma'(0)=0$ gives {number}`naive_decay`. The balance drifts by {number}`slide_drift`. In the
# rest of this topic either the inputs are orthogonal, or the steps are small and no use is made of
# the equality in Eq. 5.
#
# ```{admonition} Errata
# :class: warning
# **Equation 3** with $\sigma'(0)=0$ is not a well-posed equation for inputs that interact: the
# neuron above has no solution. It should read $\dot\theta\in-K\,\partial L(\theta)$. Lemma 1 then
# holds as it stands, and Lemma 2 with $\mu=\lVert\dot\theta\rVert^2/(KL)$. Wherever a solution with
# $\sigma'(0)=0$ exists, Lemma 2 is right as stated. The lower bound on the curvature in Lemma 6 is
# not touched: see its chapter.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
