"""What all parts of the suite share: competitors in turns, ceilings, records.

A comparison has several competitors that compute the same thing. They are first checked to agree;
then, in each of several rounds, every one of them and both ceilings are measured one after another.
Quoted are medians over the rounds; a ratio is the median of the quotients within a round, so that
a slower spell of the machine slows both sides.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.benchmark import Timer

from companion.freshness import chapter_state
from companion.project import Project

Record = dict[str, Any]


@dataclass(frozen=True)
class Effort:
    """How much time to spend.

    Attributes:
        quick: whether sizes are tiny, for the test of the suite.
        rounds: rounds of every comparison.
        seconds: least time of one measurement.
    """

    quick: bool = False
    rounds: int = 3
    seconds: float = 0.1


QUICK = Effort(quick=True, rounds=3, seconds=0.002)


@dataclass(frozen=True)
class Competitor:
    """One way to compute something.

    Attributes:
        name: what it is called.
        work: does it, and returns what is compared with the others.
        share: the part of the whole that it does; its time is divided by it.
        of_whole: takes from the whole result the part that it computes.
        note: what a reader has to know, such as what the share is.
        missing: why it is not measured; then there is no work.
    """

    name: str
    work: Callable[[], Any] | None
    share: float = 1.0
    of_whole: Callable[[Any], Any] | None = None
    note: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Count:
    """Operations and bytes, counted on paper.

    Attributes:
        flops: additions, multiplications, divisions, roots and arc tangents, each as one.
        bytes: what the calls read and write, each array each time, wherever it lies.
        formula: how both were counted, for the page.
    """

    flops: float
    bytes: float
    formula: str


def seconds_of(work: Callable[[], Any], effort: Effort) -> float:
    """Wall seconds of one call, with one thread."""
    timer = Timer("work()", globals={"work": work}, num_threads=1)
    return timer.blocked_autorange(min_run_time=effort.seconds).median


# --- ceilings -------------------------------------------------------------------------------


@functools.cache
def square_matrices(order: int, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    """Two factors and the place of their product."""
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(order, order, generator=generator).to(dtype) for _ in "ab")
    return left, right, torch.empty_like(left)


@functools.cache
def copied_arrays(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """An array of so many bytes, and another one."""
    return torch.zeros(size, dtype=torch.uint8), torch.ones(size, dtype=torch.uint8)


def product_rate(order: int, dtype: torch.dtype, effort: Effort) -> float:
    """Operations a second of a product of two square matrices: 2 order^3 of them."""
    left, right, out = square_matrices(order, dtype)
    return 2 * order**3 / seconds_of(lambda: torch.mm(left, right, out=out), effort)


def copy_rate(size: int, effort: Effort) -> float:
    """Bytes a second of a copy: each byte is read once and written once."""
    source, target = copied_arrays(size)
    return 2 * size / seconds_of(lambda: target.copy_(source), effort)


def side_product(dtype: torch.dtype, effort: Effort) -> float:
    """The rate of a product that is measured beside a competitor."""
    return product_rate(64 if effort.quick else 1024, dtype, effort)


def side_copy(effort: Effort) -> float:
    """The rate of a copy that is measured beside a competitor."""
    return copy_rate(2**16 if effort.quick else 2**26, effort)


# --- comparisons ----------------------------------------------------------------------------


def largest_difference(found: Any, wanted: Any) -> float:
    """Largest difference of two results, over the largest entry of the second one."""
    pairs = zip(found, wanted, strict=True) if isinstance(found, tuple) else [(found, wanted)]
    return max(
        float((one - other).abs().max() / other.abs().max().clamp(min=1e-300))
        for one, other in pairs
    )


def compare(
    name: str,
    size: Mapping[str, Any],
    ours: Competitor,
    others: Sequence[Competitor],
    effort: Effort,
    *,
    count: Count | None = None,
    dtype: torch.dtype = torch.float64,
    tolerance: float = 1e-9,
    same: bool = True,
) -> list[Record]:
    """Measure ours and the others in turns; one record each.

    Args:
        name: what is computed.
        size: the sizes, by their symbols.
        ours: what the package does.
        others: what one could do instead.
        effort: how long.
        count: operations and bytes of ours.
        dtype: precision of the computation, and of the product that it is related to.
        tolerance: largest difference from ours, relative to the largest entry.
        same: whether there are results to compare; files on the disk are none.

    Raises:
        SystemExit: a competitor computes something else.
    """
    whole, differences = ours.work(), {}
    for other in others if same else ():
        if other.work is not None:
            wanted = other.of_whole(whole) if other.of_whole else whole
            differences[other.name] = largest_difference(other.work(), wanted)
            if not differences[other.name] <= tolerance:
                raise SystemExit(
                    f"{name} {dict(size)}: {other.name} differs by {differences[other.name]:.1e}"
                )
    del whole
    ways = [way for way in (ours, *others) if way.work is not None]
    times: dict[str, list[float]] = {way.name: [] for way in ways}
    products, copies = [], []
    for _ in range(effort.rounds):
        if count is not None:
            products.append(side_product(dtype, effort))
            copies.append(side_copy(effort))
        for way in ways:
            times[way.name].append(seconds_of(way.work, effort) / way.share)
    records = []
    for way in (ours, *others):
        record: Record = {"name": name, "size": dict(size), "competitor": way.name}
        record |= {"ours": way is ours, "precision": str(dtype).removeprefix("torch.")}
        record |= {"note": way.note or way.missing, "seconds": None, "ratio": None}
        if way.work is not None:
            own = times[way.name]
            record |= spread(own)
            record["ratio"] = median_quotient(own, times[ours.name])
            record["difference"] = differences.get(way.name, 0.0)
        if way is ours and count is not None:
            record |= {"flops": count.flops, "bytes": count.bytes, "counted": count.formula}
            record["to_product"] = statistics.median(
                time * rate / count.flops for time, rate in zip(own, products, strict=True)
            )
            record["to_copy"] = statistics.median(
                time * rate / count.bytes for time, rate in zip(own, copies, strict=True)
            )
        records.append(record)
    return records


def median_quotient(above: Sequence[float], below: Sequence[float]) -> float:
    """Median over the rounds of the quotient within a round."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def spread(times: Sequence[float]) -> Record:
    """Median, smallest and largest of the rounds."""
    return {"seconds": statistics.median(times), "lowest": min(times), "highest": max(times)}


def single(name: str, size: Mapping[str, Any], times: Sequence[float], **more: Any) -> Record:
    """A record of something that has no competitor here."""
    shared = {"name": name, "size": dict(size), "competitor": "", "ours": True}
    return {**shared, **spread(times), **more}


def fresh_run(project: Project, chapter: str) -> Path:
    """The finished run of a chapter in the book, to compare with; an old one would not do."""
    state = chapter_state(project, chapter)
    if state.state != "fresh" or state.folder is None:
        raise SystemExit(f"{chapter} is not fresh ({state.state}); run `make book` first")
    return state.folder
