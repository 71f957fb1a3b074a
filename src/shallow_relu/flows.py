r"""Gradient flow and gradient descent for many networks at once.

A batch of `B` states is followed by one vectorised loop. Every network has its own time, its own
step and its own end; one that has ended leaves the batch, so the slow ones do not pay for the
rest. The gradient is any function `gradient(state, *constants)`: the state is `[B, ...]`, and the
constants are tensors `[B, ...]` too, which are cut down together with the batch. With
`population.gradient` the state is the student's neurons `[B, K, d]`, and the constants are
teacher and output weights, in the order of that function's arguments.

Nothing here is random: equal arguments give equal results.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from shallow_relu import population

Gradient = Callable[..., Tensor]
# (state, slope, step, constants) -> (state, slope, which steps count, factors for the next steps)
Advance = Callable[
    [Tensor, Tensor, Tensor, Sequence[Tensor]], tuple[Tensor, Tensor, Tensor, Tensor]
]

# A step of the flow may err by this share of its own length. Without the bound an explicit method
# hovers at a distance of about its accuracy around a minimum and never ends there.
_SHARE_OF_STEP = 0.1


@dataclass(frozen=True)
class Trajectories:
    """Where the networks of a batch ended.

    Attributes:
        state: The last state.
        gradient_norm: Norm of the gradient there.
        time: Time, or number of steps, that was needed.
        stopped: Whether the gradient norm fell to the tolerance. Otherwise the time was up, or
            the flow ran into a jump of the gradient.
        observed: The observation at the times asked for; the last one, for times after the end.
    """

    state: Float[Tensor, "B ..."]
    gradient_norm: Float[Tensor, " B"]
    time: Float[Tensor, " B"]
    stopped: Bool[Tensor, " B"]
    observed: Float[Tensor, "B times"]


def gradient_flow(
    gradient: Gradient,
    start: Float[Tensor, "B ..."],
    constants: Sequence[Tensor] = (),
    *,
    until: float,
    tolerance: float = 0.0,
    accuracy: float = 1e-6,
    observe: Gradient | None = None,
    times: Sequence[float] = (),
    smallest_step: float = 1e-9,
) -> Trajectories:
    r"""Follow $\dot W = -\nabla R(W)$ by the Runge-Kutta pair of Bogacki and Shampine.

    Order 3 with an error estimate of order 2. The step of each network is such that the estimate
    stays below `accuracy` per step, relative to $\max(1, \|W\|_\infty)$, and below a tenth of the
    step's length. The second bound matters near the end: it keeps the method stable there, and
    the gradient falls as it does along the flow.

    Args:
        gradient: Gradient of the risk, `gradient(state, *constants)`.
        start: Initial states.
        constants: Further arguments of `gradient` and `observe`, with the batch in front.
        until: Time at which to stop at the latest.
        tolerance: A network ends as soon as its gradient norm is not above this.
        accuracy: Bound on the error estimate of one step.
        observe: What to record, `observe(state, *constants)` of shape `[B]`, such as the risk.
        times: When to record it, increasing, in `[0, until]`.
        smallest_step: A network whose steps would have to be shorter ends there. This happens
            where the gradient jumps: a neuron that reaches zero in finite time.

    Raises:
        ValueError: The times do not increase or lie outside of `[0, until]`.
    """

    def advance(
        state: Tensor, slope: Tensor, step: Tensor, fixed: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        h = _as_column(step, state)
        second = gradient(state - h / 2 * slope, *fixed)
        third = gradient(state - 3 * h / 4 * second, *fixed)
        move = h * (2 * slope + 3 * second + 4 * third) / 9
        new = state - move
        new_slope = gradient(new, *fixed)
        error = _largest(h * (-5 * slope / 72 + second / 12 + third / 9 - new_slope / 8))
        size = _largest(state).clamp(min=1)
        bound = torch.minimum(accuracy * size, _SHARE_OF_STEP * _largest(move))
        ratio = error / bound.clamp(min=torch.finfo(bound.dtype).tiny)
        accepted = ratio <= 1
        moves = _as_column(accepted, state)
        factor = (0.9 * ratio.clamp(min=1e-6) ** (-1 / 3)).clamp(0.2, 4)
        # A state that is not finite has no ratio to go by: take a much smaller step.
        factor = torch.where(torch.isfinite(ratio), factor, 0.2)
        state, slope = torch.where(moves, new, state), torch.where(moves, new_slope, slope)
        return state, slope, accepted, factor

    plan = _plan(until, observe, times)
    return _follow(
        gradient, advance, start, constants, plan, tolerance, observe, 1e-3, smallest_step
    )


def implicit_gradient_flow(
    gradient: Gradient,
    start: Float[Tensor, "B ..."],
    constants: Sequence[Tensor] = (),
    *,
    until: float,
    accuracy: float = 1e-4,
    first_step: float = 0.1,
    max_steps: int = 1000,
) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
    r"""Follow $\dot W = -\nabla R(W)$ to very long times, where `gradient_flow` is held up.

    Near a minimum the steps of an explicit method are bounded by the largest curvature, however
    slow the flow has become. A linearly implicit Euler step solves $(I + h H) \Delta = -h \nabla R$
    with the Hessian $H$ by differences and has no such bound. Each step is compared with two of
    half its length; their extrapolation has order 2. A Hessian costs as many gradients as there
    are parameters.

    Args:
        gradient: Gradient of the risk, `gradient(state, *constants)`.
        start: Initial states.
        constants: Further arguments of `gradient`, with the batch in front.
        until: Time at which to stop.
        accuracy: Bound on the error estimate of one step, relative to $\max(1, \|W\|_\infty)$.
        first_step: First step to try.
        max_steps: Number of attempts at most; networks that need more end early.

    Returns:
        The last states and their times.
    """
    state, B = start.clone(), len(start)
    n = start[0].numel()
    identity = torch.eye(n, dtype=start.dtype, device=start.device)
    time, pace = state.new_zeros(B), state.new_full((B,), first_step)
    shift = 1e-6 * identity.reshape(n, *start.shape[1:])
    for _ in range(max_steps):
        live = (time < until).nonzero().squeeze(-1)
        if len(live) == 0:
            break
        now, fixed = state[live], [constant[live] for constant in constants]
        h = torch.minimum(pace[live], until - time[live])[:, None]
        many = [constant.repeat_interleave(n, dim=0) for constant in fixed]
        forward = gradient((now[:, None] + shift).flatten(0, 1), *many)
        slope = gradient(now, *fixed)
        H = (forward.reshape(len(live), n, n) - slope.reshape(-1, 1, n)) / 1e-6
        H = (H + H.mT) / 2

        def implicit(g: Tensor, step: Tensor, H: Tensor = H) -> Tensor:
            move = torch.linalg.solve(identity + step[..., None] * H, step * g.flatten(1))
            return move.reshape(g.shape)

        whole = now - implicit(slope, h)
        halfway = now - implicit(slope, h / 2)
        twice = halfway - implicit(gradient(halfway, *fixed), h / 2)
        error = _largest(twice - whole) / (accuracy * _largest(now).clamp(min=1))
        accepted = error <= 1  # false where it is not finite
        new = 2 * twice - whole
        state[live] = torch.where(_as_column(accepted, now), new, now)
        time[live] = torch.where(accepted, time[live] + h[:, 0], time[live])
        factor = (0.9 * error.clamp(min=1e-6) ** -0.5).clamp(0.2, 4)
        pace[live] = h[:, 0] * torch.where(torch.isfinite(error), factor, 0.2)
    return state, time


def gradient_descent(
    gradient: Gradient,
    start: Float[Tensor, "B ..."],
    constants: Sequence[Tensor] = (),
    *,
    step: float,
    n_steps: int,
    tolerance: float = 0.0,
    observe: Gradient | None = None,
    times: Sequence[float] = (),
) -> Trajectories:
    r"""Follow $W^{(\tau+1)} = W^{(\tau)} - \eta \nabla R(W^{(\tau)})$.

    Args:
        gradient: Gradient of the risk, `gradient(state, *constants)`.
        start: Initial states.
        constants: Further arguments of `gradient` and `observe`, with the batch in front.
        step: Step size $\eta$.
        n_steps: Largest number of steps.
        tolerance: A network ends as soon as its gradient norm is not above this.
        observe: What to record, `observe(state, *constants)` of shape `[B]`, such as the risk.
        times: After how many steps to record it, increasing, in `[0, n_steps]`.

    Raises:
        ValueError: The times do not increase or lie outside of `[0, n_steps]`.
    """

    def advance(
        state: Tensor, slope: Tensor, unit: Tensor, fixed: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        new = state - step * slope
        return new, gradient(new, *fixed), unit > 0, torch.ones_like(unit)

    plan = _plan(float(n_steps), observe, times)
    return _follow(gradient, advance, start, constants, plan, tolerance, observe, 1.0, 0.0)


def joint_gradient(
    state: Float[Tensor, "B K columns"],
    W_star: Float[Tensor, "B M d"],
    a_star: Float[Tensor, "B M"],
) -> Float[Tensor, "B K columns"]:
    """Gradient of the population risk when the output weights learn too.

    Args:
        state: Neurons, and in the last column their output weights.
        W_star: Teacher neurons.
        a_star: Output weights of the teacher.
    """
    W, a = state[..., :-1], state[..., -1]
    along_a = population.output_gradient(W, W_star, a, a_star)
    return torch.cat([population.gradient(W, W_star, a, a_star), along_a[..., None]], dim=-1)


def _as_column(values: Tensor, state: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (state.ndim - 1))


def _largest(state: Tensor) -> Tensor:
    return state.flatten(1).abs().amax(dim=1)


def _plan(until: float, observe: Gradient | None, times: Sequence[float]) -> list[float]:
    """The times to record, checked, and the last time of all."""
    grid = [float(time) for time in times] if observe is not None else []
    if any(earlier >= later for earlier, later in itertools.pairwise(grid)):
        raise ValueError("times to record must increase")
    if grid and not (grid[0] >= 0 and grid[-1] <= until):
        raise ValueError(f"times to record must lie in [0, {until}], not {grid[0]}..{grid[-1]}")
    return [*grid, float(until)]


def _follow(
    gradient: Gradient,
    advance: Advance,
    start: Tensor,
    constants: Sequence[Tensor],
    plan: Sequence[float],
    tolerance: float,
    observe: Gradient | None,
    first_step: float,
    smallest_step: float,
) -> Trajectories:
    """The loop of both methods: record, let finished networks go, advance the others."""
    n_times = len(plan) - 1
    milestones = start.new_tensor([*plan, math.inf])
    state, fixed = start.clone(), [constant.clone() for constant in constants]
    slope = gradient(state, *fixed)
    time = state.new_zeros(len(state))
    pace = torch.full_like(time, first_step)
    where = torch.arange(len(state), device=state.device)
    passed = torch.zeros_like(where)  # how many milestones lie behind
    final, norms, ends = start.clone(), torch.zeros_like(time), torch.zeros_like(time)
    stopped = torch.zeros_like(where, dtype=torch.bool)
    observed = start.new_full((len(start), n_times), math.nan)

    while len(where) > 0:
        due = (time >= milestones[passed]) & (passed < n_times)
        if observe is not None and due.any():
            observed[where[due], passed[due]] = observe(state[due], *(c[due] for c in fixed))
            passed = passed + due
        norm = torch.linalg.vector_norm(slope.flatten(1), dim=1)
        small = norm <= tolerance
        done = small | (time >= plan[-1]) | (pace < smallest_step)
        if done.any():
            out = where[done]
            final[out], norms[out], ends[out] = state[done], norm[done], time[done]
            stopped[out] = small[done]
            if observe is not None:
                last = observe(state[done], *(c[done] for c in fixed))[:, None]
                late = torch.arange(n_times, device=state.device) >= passed[done][:, None]
                observed[out] = torch.where(late, last, observed[out])
            state, slope, time, pace, where, passed, *fixed = (
                values[~done] for values in (state, slope, time, pace, where, passed, *fixed)
            )
            continue
        target = milestones[passed]
        clipped = pace >= target - time
        step = torch.where(clipped, target - time, pace)
        state, slope, accepted, factor = advance(state, slope, step, fixed)
        time = torch.where(accepted, torch.where(clipped, target, time + step), time)
        # A step cut short by a milestone says nothing against the longer one.
        pace = torch.where(accepted & clipped, torch.maximum(pace, factor * step), factor * step)
    return Trajectories(final, norms, ends, stopped, observed)
