import pytest
import torch

from shallow_relu import multilayer


def networks(widths, teacher_widths=None, d=4, n=30, seed=1):
    generator = torch.Generator().manual_seed(seed)
    student = multilayer.random_network(widths, d, generator)
    teacher = multilayer.random_network(teacher_widths or widths, d, generator)
    return student, teacher, torch.randn(n, d, generator=generator, dtype=torch.float64)


def reference_gradients(student, teacher, x):
    """Autograd through a network written with torch's own modules."""

    def module(weights):
        layers = []
        for matrix in weights:
            linear = torch.nn.Linear(*matrix.shape[::-1], bias=False, dtype=torch.float64)
            linear.weight.data.copy_(matrix)
            layers += [linear, torch.nn.ReLU()]
        return torch.nn.Sequential(*layers)

    network = module(student)
    with torch.no_grad():
        target = module(teacher)(x).sum(dim=1)
    (0.5 * (network(x).sum(dim=1) - target).square().sum()).backward()
    return [parameter.grad for parameter in network.parameters()]


@pytest.mark.parametrize("widths", [[3], [3, 5], [6, 4, 3], [3, 3, 3, 3]])
def test_block_formula_against_autograd(widths):
    student, teacher, x = networks(widths)
    formula = multilayer.block_gradient(student, teacher, x)
    for ours, oracle in zip(formula, reference_gradients(student, teacher, x), strict=True):
        torch.testing.assert_close(ours, oracle, rtol=0, atol=1e-11 * float(1 + oracle.norm()))
        assert float(oracle.norm()) > 1e-3


def test_teacher_of_other_widths():
    student, teacher, x = networks([5, 4], [3, 7])
    formula = multilayer.block_gradient(student, teacher, x)
    for ours, oracle in zip(formula, reference_gradients(student, teacher, x), strict=True):
        torch.testing.assert_close(ours, oracle, rtol=0, atol=1e-11 * float(1 + oracle.norm()))


def test_against_finite_differences_of_the_loss():
    student, teacher, x = networks([3, 3, 2], n=10, seed=2)
    formula = multilayer.block_gradient(student, teacher, x)
    step = 1e-6
    for layer, matrix in enumerate(student):
        for entry in range(matrix.numel()):
            ends = []
            for sign in (1, -1):
                moved = [weights.clone() for weights in student]
                moved[layer].view(-1)[entry] += sign * step
                ends.append(multilayer.loss(moved, teacher, x))
            slope = (ends[0] - ends[1]) / (2 * step)
            assert float(slope) == pytest.approx(float(formula[layer].view(-1)[entry]), abs=1e-6)


def test_residuals_of_all_layers_are_the_error_of_the_network():
    """A ReLU network is homogeneous of degree one in each layer's outputs."""
    student, teacher, x = networks([5, 4, 3], seed=3)
    error = sum(
        sign * multilayer.activations(network, x)[-1].sum(dim=1)
        for sign, network in ((1, student), (-1, teacher))
    )
    for residual in multilayer.layer_residuals(student, teacher, x):
        torch.testing.assert_close(residual, error, rtol=0, atol=1e-12)


def test_upward_factors_are_the_derivatives_of_the_output():
    student, _, x = networks([4, 3, 2], seed=4)
    hidden = multilayer.activations(student, x)[1].requires_grad_()
    output = multilayer.activations(student[1:], hidden)[-1].sum()
    (oracle,) = torch.autograd.grad(output, hidden)
    torch.testing.assert_close(multilayer.upward_factors(student, x)[0], oracle, rtol=0, atol=1e-13)


def test_depths_must_agree():
    student, _, x = networks([3, 3])
    with pytest.raises(ValueError, match="zip"):
        multilayer.block_gradient(student, student[:1], x)
