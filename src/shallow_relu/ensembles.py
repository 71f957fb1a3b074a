r"""Many independent networks, each trained on its own data by full-batch gradient descent.

The model and the shapes are those of `networks`; the step is $\eta$ on $K L$, so that $\tau$ steps
follow the flow for a time $\eta \tau$. A network is finished when its loss falls below a target;
finished networks leave the batch.

**How fast, and how to run many.** One step costs $4 K d n$ multiplications and additions, in two
matrix products; everything else is memory traffic and the overhead of a dozen calls. On a CPU it
pays to stack small networks, since one call then serves many of them: with one thread, and against
one network at a time, a factor of 16 at 8 KiB of arrays a network, 3 at 50 KiB, 1.5 at 170 KiB, 1.2
at 360 KiB, and nothing at 1 MiB (`benchmarks/ensemble_training.py`). A stack of more than
a few MiB gains nothing more. Hence the rule of `stack_size`: stacks of 2 MiB, so that networks
above 1 MiB go alone. On a GPU everything is one stack. Cores are used by processes of one thread
each (`in_processes`): the networks do not need each other.
"""

import itertools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from shallow_relu.networks import loss

STACK_BYTES = 2**21  # bytes of the arrays of all networks of a stack, on a CPU


@dataclass(frozen=True)
class Training:
    """Where the networks of an ensemble ended.

    Attributes:
        W: Neurons at the end.
        a: Output weights at the end.
        first_loss: Loss $L$ at the start.
        loss: Loss at the end.
        steps: Number of steps made.
        reached: Whether the loss fell below the target.
    """

    W: Float[Tensor, "B K d"]
    a: Float[Tensor, "B K"]
    first_loss: Float[Tensor, " B"]
    loss: Float[Tensor, " B"]
    steps: Int[Tensor, " B"]
    reached: Bool[Tensor, " B"]


def stack_size(K: int, d: int, n: int, itemsize: int, device: str = "cpu") -> int:
    """How many networks of this size to advance in one stack: see the head of the module.

    Args:
        K: Width.
        d: Dimension of the inputs.
        n: Number of inputs.
        itemsize: Bytes of one number.
        device: Type of the device.
    """
    if device != "cpu":
        return 2**62
    size = (d + 2 * K + 1) * n * itemsize
    return max(1, STACK_BYTES // size)


def train(
    W: Float[Tensor, "B K d"],
    a: Float[Tensor, "B K"],
    X: Float[Tensor, "B d n"],
    y: Float[Tensor, "B n"],
    *,
    step: float,
    n_steps: int,
    target: float = 0.0,
    stack: int | None = None,
) -> Training:
    r"""Train an ensemble by $\theta \leftarrow \theta - \eta K \nabla L(\theta)$.

    Args:
        W: Neurons at the start, on the device and in the precision that are to be used.
        a: Output weights at the start.
        X: Inputs as columns, other ones for each network.
        y: Labels.
        step: Step size $\eta$.
        n_steps: Largest number of steps.
        target: A network is finished when its loss is below this; it is looked at before each
            step and after the last.
        stack: Networks in a stack; `stack_size` by default. It changes rounding errors only.

    Raises:
        ValueError: The step or the number of steps is not positive.
    """
    if not step > 0 or n_steps < 1:
        raise ValueError(f"a training needs steps of positive size, not {n_steps} of {step}")
    B, K, d = W.shape
    size = stack or stack_size(K, d, X.shape[-1], W.element_size(), W.device.type)
    ends = [
        _descend(*(part[b : b + size] for part in (W, a, X, y)), step, n_steps, target)
        for b in range(0, B, size)
    ]
    return Training(*(torch.cat(parts) for parts in zip(*ends, strict=True)))


def _descend(
    W: Tensor, a: Tensor, X: Tensor, y: Tensor, step: float, n_steps: int, target: float
) -> tuple[Tensor, ...]:
    """Train one stack; whoever finishes leaves it."""
    W, a, made = W.clone(), a.clone(), 0
    end_W, end_a = torch.empty_like(W), torch.empty_like(a)
    first, last = loss(W, a, X, y), torch.empty_like(a[:, 0])
    steps = torch.zeros(len(W), dtype=torch.int64, device=W.device)
    where, reached = (
        torch.arange(len(W), device=W.device),
        torch.zeros_like(steps, dtype=torch.bool),
    )
    while len(where) > 0:
        # One network goes without its batch dimension: a plain product of matrices is faster.
        alone = len(where) == 1
        layers = (W[0], a[0], X[0], y[0]) if alone else (W, a, X, y)
        end, made = _advance(*layers, step, made, n_steps, target)
        end = end.reshape(-1)
        small = end < target
        out = small | (made == n_steps)
        index = where[out]
        end_W[index], end_a[index], last[index] = W[out], a[out], end[out]
        steps[index], reached[index] = made, small[out]
        W, a, X, y, where = (part[~out] for part in (W, a, X, y, where))
    return end_W, end_a, first, last, steps, reached


def _advance(
    W: Tensor,
    a: Tensor,
    X: Tensor,
    y: Tensor,
    step: float,
    made: int,
    n_steps: int,
    target: float,
) -> tuple[Tensor, int]:
    """Steps in place until a loss is below the target or all are made.

    Returns:
        The losses at the end, and the number of steps made in all.
    """
    K, n = W.shape[-2], X.shape[-1]
    X_T, Ky = X.mT.contiguous(), K * y[..., None, :]
    row, column = a[..., None, :], a[..., None]  # views: they follow the steps
    hidden = torch.empty(*W.shape[:-1], n, dtype=W.dtype, device=W.device)
    pull, rate = torch.empty_like(W), step / (n * K)
    while True:
        torch.matmul(W, X, out=hidden).relu_()
        residual = torch.matmul(row, hidden).sub_(Ky)  # K times the residual
        losses = residual.square().sum((-1, -2)).div_(2 * n * K**2)
        if made == n_steps or bool((losses < target).any()):
            return losses, made
        torch.matmul(hidden.sign_().mul_(residual), X_T, out=pull)
        # The sum of r_i relu(w_j x_i) over i is the product of w_j with what pulls at it.
        along_a = (W * pull).sum(-1)
        W.addcmul_(pull, column, value=-rate)
        a.sub_(along_a, alpha=rate)
        made += 1


# --- processes ------------------------------------------------------------------------------


def in_processes(
    function: Callable[..., Any], orders: Iterable[tuple[Any, ...]], processes: int = 1
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Call `function(*order)` for all orders in several processes of one thread each.

    The processes are spawned, so `function` has to be importable: not one of a notebook, where
    one process is the right number. With one process nothing is spawned.

    Args:
        function: What to call.
        orders: Its arguments.
        processes: How many processes.

    Yields:
        Each order with its result, as they come.
    """
    if processes == 1:
        for order in orders:
            yield order, function(*order)
        return
    waiting = iter(orders)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_one_thread) as pool:
        running: dict[Future[Any], tuple[Any, ...]] = {}
        while True:
            # Two orders a process keep all of them busy, and little is lost when one is stopped.
            for order in itertools.islice(waiting, 2 * processes - len(running)):
                running[pool.submit(function, *order)] = order
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()


def _one_thread() -> None:
    torch.set_num_threads(1)
