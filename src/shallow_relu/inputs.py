r"""Random inputs $x \in R^d$ of several laws, all centred with $E \|x\|^2 = d$.

Numbers are drawn on the CPU and then moved, so that every device sees the same data.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

ROTATION_INVARIANT = ("gaussian", "sphere", "student")
PRODUCT = ("uniform", "laplace", "rademacher")
LAWS = (*ROTATION_INVARIANT, *PRODUCT, "stretched")
_DEGREES_OF_FREEDOM = 10


def draw_inputs(
    law: str,
    n: int,
    d: int,
    generator: torch.Generator,
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "n d"]:
    r"""Draw $n$ independent inputs.

    Args:
        law: One of `LAWS`. Rotation-invariant: `gaussian` $N(0, I)$, `sphere` (uniform on the
            sphere of radius $\sqrt d$), `student` (multivariate t with 10 degrees of freedom,
            scaled). Independent entries: `uniform`, `laplace`, `rademacher` ($\pm 1$).
            `stretched`: Gaussian whose variances rise linearly over the entries by a factor 9.
        n: Number of inputs.
        d: Dimension.
        generator: Source of randomness, on the CPU.
        dtype: Type of the result.
        device: Where the result lives.

    Raises:
        ValueError: The law is unknown.
    """
    if law not in LAWS:
        raise ValueError(f"law {law!r} is not one of {', '.join(LAWS)}")

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=dtype) * 2 - 1

    if law == "uniform":
        x = uniform(n, d) * math.sqrt(3)
    elif law == "laplace":
        flat = uniform(n, d)
        # The inverse of the distribution function; variance 2 before the scaling.
        x = -torch.sign(flat) * torch.log1p(-flat.abs()) / math.sqrt(2)
    elif law == "rademacher":
        x = torch.where(uniform(n, d) < 0, -1.0, 1.0).to(dtype)
    else:
        x = normal(n, d)
    if law == "sphere":
        x = x * (math.sqrt(d) / torch.linalg.vector_norm(x, dim=-1, keepdim=True))
    elif law == "student":
        freedom = _DEGREES_OF_FREEDOM
        spread = normal(n, freedom).square().sum(dim=-1, keepdim=True)
        x = x * torch.sqrt((freedom - 2) / spread)
    elif law == "stretched":
        variances = torch.linspace(1, 9, d, dtype=dtype) if d > 1 else torch.ones(1, dtype=dtype)
        x = x * torch.sqrt(variances / variances.mean())
    return x.to(device)


def positive_part_moment(law: str) -> float:
    r"""Mean $E \max(x_i, 0)$ of one entry, for the laws with independent entries of variance 1.

    Raises:
        ValueError: The entries of this law are not independent, or it is unknown.
    """
    moments = {
        "gaussian": 1 / math.sqrt(2 * math.pi),
        "uniform": math.sqrt(3) / 4,
        "laplace": 1 / (2 * math.sqrt(2)),
        "rademacher": 0.5,
    }
    if law not in moments:
        raise ValueError(f"law {law!r} is not one of {', '.join(moments)}")
    return moments[law]
