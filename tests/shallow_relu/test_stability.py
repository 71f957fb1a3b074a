import torch

from shallow_relu import ensembles, networks, stability


def problem(K=6, d=5, n=7, batch=(3,)):
    generator = torch.Generator().manual_seed(2)
    W, a = networks.start(K, d, generator, batch=batch)
    X = networks.inputs_of_random_direction(d, n, generator, batch=batch)
    return W, a, X, networks.labels(n, generator, batch=batch)


def test_the_kernel_is_the_product_of_jacobians():
    W, a, X, _ = problem()
    for b in range(3):
        at_w, at_a = torch.autograd.functional.jacobian(
            lambda w, s, b=b: s @ torch.relu(w @ X[b]) / len(s), (W[b], a[b])
        )
        J = torch.cat([at_w.flatten(1), at_a], dim=1)
        torch.testing.assert_close(stability.tangent_kernel(W, a, X)[b], len(a[b]) * J @ J.T)


def test_a_step_above_the_limit_leaves_an_interpolating_network_and_one_below_returns():
    W, a, X, _ = (part[:1] for part in problem())
    y = networks.outputs(W, a, X)
    limit = float(2 / stability.sharpness(W, a, X))
    near = W + 1e-5 * torch.randn(W.shape, generator=torch.Generator().manual_seed(0)).double()
    start = networks.loss(near, a, X, y).item()
    small = ensembles.train(near, a, X, y, step=0.9 * limit, n_steps=40).loss.item()
    large = ensembles.train(near, a, X, y, step=1.1 * limit, n_steps=40).loss.item()
    assert small < start < large / 100
