import math

import pytest
import torch
from scipy.integrate import solve_ivp

from shallow_relu import population
from shallow_relu.flows import (
    gradient_descent,
    gradient_flow,
    implicit_gradient_flow,
    joint_gradient,
)

torch64 = {"dtype": torch.float64}


def students(seed, B, K, d, size=1.0):
    generator = torch.Generator().manual_seed(seed)
    return size * torch.randn(B, K, d, generator=generator, **torch64)


def linear(state, rates):
    """Gradient of a quadratic, whose flow is known."""
    return rates * state


def test_flow_of_a_quadratic_is_exponential():
    rates = torch.tensor([[0.1, 1.0, 9.0], [0.2, 5.0, 30.0]], **torch64)
    start = torch.ones(2, 3, **torch64)
    end = gradient_flow(linear, start, (rates,), until=3.0, accuracy=1e-7)
    torch.testing.assert_close(end.state, torch.exp(-3 * rates), rtol=0, atol=1e-5)
    assert end.time.tolist() == [3.0, 3.0]
    assert not end.stopped.any()


def test_stopping_times_of_a_stiff_quadratic():
    """The slow mode decides; the fast one must not keep the gradient up."""
    rates = torch.tensor([[0.5, 30.0], [1.0, 30.0]], **torch64)
    start = torch.ones(2, 2, **torch64)
    end = gradient_flow(linear, start, (rates,), until=1000.0, tolerance=1e-7)
    assert end.stopped.all()
    assert (end.gradient_norm <= 1e-7).all()
    expected = torch.log(rates[:, 0] / 1e-7) / rates[:, 0]
    torch.testing.assert_close(end.time, expected, rtol=0.01, atol=0)


def test_flow_agrees_with_an_independent_integrator():
    W, W_star = students(1, 1, 3, 3, size=0.3), torch.eye(3, **torch64)[None]

    def velocity(_, w):
        leaf = torch.tensor(w, **torch64).reshape(1, 3, 3).requires_grad_()
        (gradient,) = torch.autograd.grad(population.risk(leaf, W_star).sum(), leaf)
        return -gradient.flatten().numpy()

    oracle = solve_ivp(velocity, (0, 6), W.flatten().numpy(), rtol=1e-8, atol=1e-10)
    end = gradient_flow(population.gradient, W, (W_star,), until=6.0, accuracy=1e-7)
    torch.testing.assert_close(
        end.state.flatten(), torch.tensor(oracle.y[:, -1]), rtol=0, atol=1e-6
    )


def test_observations_do_not_disturb_the_flow_and_match_shorter_flows():
    W, W_star = students(2, 4, 2, 2, size=0.1), torch.eye(2, **torch64).expand(4, 2, 2)
    times = [0.0, 0.7, 3.0]
    options = {"accuracy": 1e-7, "observe": population.risk}
    seen = gradient_flow(
        population.gradient, W, (W_star,), until=3.0, times=times, **options
    ).observed
    torch.testing.assert_close(seen[:, 0], population.risk(W, W_star))
    for column, time in enumerate(times[1:], start=1):
        end = gradient_flow(population.gradient, W, (W_star,), until=time, accuracy=1e-7)
        torch.testing.assert_close(
            seen[:, column], population.risk(end.state, W_star), rtol=1e-4, atol=1e-12
        )
    assert (seen.diff(dim=1) < 0).all()


def test_a_network_that_has_ended_keeps_its_last_observation():
    rates = torch.tensor([[1.0], [0.01]], **torch64)
    end = gradient_flow(
        linear,
        torch.ones(2, 1, **torch64),
        (rates,),
        until=50.0,
        tolerance=1e-3,
        observe=lambda state, rates: state[:, 0],
        times=[1.0, 40.0, 50.0],
    )
    assert end.stopped.tolist() == [True, False]
    assert float(end.time[0]) == pytest.approx(math.log(1e3), rel=0.05)
    assert end.observed[0, 1] == end.observed[0, 2] == end.state[0, 0]
    assert float(end.observed[1, 1]) == pytest.approx(math.exp(-0.4), rel=1e-5)


def test_each_network_goes_its_own_way():
    """A network ends at the same place alone and in a batch."""
    W, W_star = students(3, 3, 2, 2, size=0.1), torch.eye(2, **torch64).expand(3, 2, 2)
    options = {"until": 30.0, "tolerance": 1e-2}
    together = gradient_flow(population.gradient, W, (W_star,), **options)
    again = gradient_flow(population.gradient, W, (W_star,), **options)
    assert together.state.equal(again.state)
    for b in range(3):
        alone = gradient_flow(population.gradient, W[b : b + 1], (W_star[:1],), **options)
        torch.testing.assert_close(alone.state[0], together.state[b], rtol=0, atol=1e-6)


def test_descent_step_by_step():
    W, W_star = students(4, 3, 2, 4), students(5, 1, 2, 4)
    teachers, by_hand = W_star.expand(3, 2, 4), W.clone()
    for _ in range(7):
        by_hand = by_hand - 0.3 * population.gradient(by_hand, teachers)
    end = gradient_descent(
        population.gradient,
        W,
        (teachers,),
        step=0.3,
        n_steps=7,
        observe=population.risk,
        times=[7.0],
    )
    assert end.state.equal(by_hand)
    assert end.time.tolist() == [7.0] * 3
    assert end.observed[:, 0].equal(population.risk(by_hand, teachers))


def test_descent_with_a_small_step_follows_the_flow():
    W, W_star = students(6, 2, 2, 2), torch.eye(2, **torch64).expand(2, 2, 2)
    flow = gradient_flow(population.gradient, W, (W_star,), until=2.0, accuracy=1e-7).state
    gaps = [
        gradient_descent(population.gradient, W, (W_star,), step=2.0 / n, n_steps=n)
        .state.sub(flow)
        .norm()
        for n in (40, 80)
    ]
    assert float(gaps[0]) < 0.05
    assert float(gaps[0] / gaps[1]) == pytest.approx(2, rel=0.1)


def test_joint_gradient_is_the_derivative_in_neurons_and_output_weights():
    state = students(7, 2, 3, 5).requires_grad_()
    W_star, a_star = students(8, 2, 2, 4), students(9, 2, 2, 1)[..., 0]
    risk = population.risk(state[..., :-1], W_star, state[..., -1], a_star).sum()
    (oracle,) = torch.autograd.grad(risk, state)
    torch.testing.assert_close(
        joint_gradient(state.detach(), W_star, a_star), oracle, rtol=0, atol=1e-12
    )


def test_a_neuron_that_reaches_zero_ends_the_flow_there():
    def radial(state):
        """A pull of fixed size: what a small neuron feels far from the teacher."""
        return state / state.norm(dim=-1, keepdim=True)

    end = gradient_flow(radial, torch.tensor([[0.3, 0.4]], **torch64), until=10.0)
    assert not end.stopped.any()
    assert float(end.time) == pytest.approx(0.5, abs=1e-6)
    assert float(end.state.norm()) < 1e-6


def test_times_are_checked():
    start = torch.ones(1, 1, **torch64)
    options = {"until": 1.0, "observe": lambda state: state[:, 0]}
    with pytest.raises(ValueError, match="increase"):
        gradient_flow(lambda w: w, start, times=[0.5, 0.5], **options)
    with pytest.raises(ValueError, match="lie in"):
        gradient_flow(lambda w: w, start, times=[2.0], **options)


def test_implicit_flow_solves_a_stiff_linear_system():
    rates = torch.tensor([1e-4, 1e-2, 1.0, 1e3], dtype=torch.float64)
    start = torch.ones(2, 4, dtype=torch.float64)
    speed = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    state, time = implicit_gradient_flow(
        lambda x, c: c * rates * x, start, [speed], until=5000.0, accuracy=1e-4, max_steps=5000
    )
    assert (time == 5000).all()
    torch.testing.assert_close(state, torch.exp(-speed * rates * 5000), atol=1e-3, rtol=0)


def test_implicit_flow_agrees_with_the_explicit_one():
    generator = torch.Generator().manual_seed(4)
    start = torch.randn(3, 2, 2, generator=generator, dtype=torch.float64)

    def gradient(x):
        return x**3 + 0.3 * x.flip(-1)

    explicit = gradient_flow(gradient, start, until=2.0, accuracy=1e-9).state
    state, _ = implicit_gradient_flow(gradient, start, until=2.0, accuracy=1e-5, max_steps=9000)
    torch.testing.assert_close(state, explicit, atol=1e-4, rtol=0)


def test_implicit_flow_ends_when_its_steps_are_used_up():
    start = torch.ones(1, 3, dtype=torch.float64)
    _, time = implicit_gradient_flow(lambda x: x, start, until=1e6, accuracy=1e-5, max_steps=30)
    assert 0 < time < 1e6
