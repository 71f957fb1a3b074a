"""Experiment 1 of dana2025 at the paper's scale, as tables that a chapter shows.

    python benchmarks/interpolation_tables.py figure2 [--networks 80] [--processes 2]

One row a network. A row is appended to the table as soon as its cell is finished, so a run that was
stopped goes on where it was, and asking for more networks adds to those that are there. Rows are
made round by round: a table that is not complete holds about as many networks for each number of
points. At the end the rows are sorted, and a card beside the table says how they were made.

Random numbers depend on the seed, the sizes and the number of the network alone. The studies:
figure2 (released program), figure2_text (number of points and width as printed, and 44 neurons, the
other reading of Lemma 5), figure2_wide (four times the width), figure3, figure4, flow (small steps
and long times).
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm import tqdm

from companion.durable import write_durably
from companion.project import code_version, find_project
from shallow_relu.ensembles import in_processes, stack_size
from shallow_relu.interpolation import rule_width, run_cell

SEED = 2025
COLUMNS = ("d", "K", "n", "step", "budgets", "network", "reached", "steps", "first_loss", "loss")
Cell = tuple[int, int, int, float, float]  # d, K, n, step, budgets


def released(n: int) -> Cell:
    """A cell of Figure 2 at the width of the rule."""
    return 100, rule_width(n), n, 1.0, 1.0


# What each study trains: a cell and the number of its networks.
STUDIES: dict[str, list[tuple[Cell, int]]] = {
    "figure2": [(released(n), 80) for n in range(1300, 2101, 50)],
    "figure2_text": [(released(2500), 20), ((100, 44, 2500, 1.0, 1.0), 20)],
    "figure2_wide": [((100, 4 * (rule_width(n) - 1) + 1, n, 1.0, 1.0), 8) for n in (2700, 3300)],
    "figure3": [
        ((d, 30, n, 1.0, 1.0), networks)
        for d, networks, points in (
            (10, 80, range(10, 61, 5)),
            (20, 80, range(40, 141, 10)),
            (30, 80, range(90, 241, 15)),
            (40, 60, range(160, 341, 20)),
            (50, 60, range(280, 521, 20)),
            (100, 20, range(1100, 1501, 50)),
        )
        for n in points
    ],
    "figure4": [
        ((30, K, n, 1.0, 1.0), networks)
        for K, networks, points in (
            (50, 40, range(170, 271, 20)),
            (100, 40, range(250, 371, 20)),
            (200, 20, range(290, 431, 20)),
            (400, 12, range(310, 471, 20)),
        )
        for n in points
    ],
    # Steps below the limit of stability and ten times the time; n as a share of K d.
    "flow": [
        ((d, K, round(share * K * d), step, 10.0), networks)
        for d, K, share, step, networks in (
            *((10, 20, share, 0.1, 20) for share in (0.5, 0.6, 0.7, 0.8, 0.9)),
            (10, 40, 0.6, 0.05, 12),
            (10, 80, 0.6, 0.04, 8),
            (20, 20, 0.5, 0.2, 20),
            (20, 40, 0.5, 0.1, 10),
            (40, 20, 0.5, 0.2, 10),
        )
    ],
}

Row = dict[str, str]


def read_rows(file: Path) -> dict[tuple[str, ...], Row]:
    """The rows of a table by what identifies a network; a torn last line is passed over."""
    if not file.exists():
        return {}
    whole = file.read_text(encoding="utf-8").rpartition("\n")[0]
    rows = csv.DictReader(io.StringIO(whole))
    return {tuple(row[name] for name in COLUMNS[:6]): row for row in rows}


def identity(cell: Cell, network: int) -> tuple[str, ...]:
    """What identifies a network, as text."""
    return (*(str(number) for number in cell), str(network))


def orders(study: str, networks: int, known: set[tuple[str, ...]]) -> Iterator[tuple[object, ...]]:
    """What is left to run, one stack an order, round by round."""
    waiting = {
        cell: [k for k in range(min(networks, most)) if identity(cell, k) not in known]
        for cell, most in STUDIES[study]
    }
    while any(waiting.values()):
        for cell, left in waiting.items():
            if left:
                d, K, n, step, budgets = cell
                count = min(stack_size(K, d, n, 4), len(left), 20)
                while left[:count] != list(range(left[0], left[0] + count)):
                    count -= 1
                yield (d, K, n, step, budgets, SEED, left[0], count)
                del left[:count]


def table_text(rows: list[Row]) -> str:
    """A table with its header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def run(study: str, networks: int, processes: int) -> None:
    """Add to the table of a study what it lacks."""
    project = find_project()
    folder = project.notebooks / "weak_interaction" / "results"
    folder.mkdir(exist_ok=True)
    file, card = folder / f"{study}.csv", folder / f"{study}.json"
    rows = read_rows(file)
    write_durably(file, table_text(list(rows.values())))
    begun, before, used = len(rows), time.perf_counter(), os.times()
    with file.open("a", encoding="utf-8") as stream:
        todo = list(orders(study, networks, set(rows)))
        for order, results in tqdm(in_processes(run_cell, todo, processes), study, len(todo)):
            for network, reached, steps, first, last in results:
                name = (*(str(part) for part in order[:5]), str(network))
                values = (*name, str(int(reached)), str(steps), f"{first:.5g}", f"{last:.5g}")
                rows[name] = dict(zip(COLUMNS, values, strict=True))
                csv.DictWriter(stream, COLUMNS, lineterminator="\n").writerow(rows[name])
            stream.flush()
            os.fsync(stream.fileno())
    after = os.times()
    write_durably(
        file, table_text([rows[key] for key in sorted(rows, key=lambda k: [*map(float, k)])])
    )
    spent = sum(after[:4]) - sum(used[:4])
    made = {
        "networks": len(rows) - begun,
        "code_version": code_version(project),
        "device": "cpu",
        "torch": torch.__version__,
        "precision": "float32",
        "processes": processes,
        "wall_seconds": round(time.perf_counter() - before),
        "processor_seconds": round(spent),
    }
    log = json.loads(card.read_text(encoding="utf-8"))["runs"] if card.exists() else []
    text = {"study": study, "seed": SEED, "runs": [*log, made]}
    write_durably(card, json.dumps(text, indent=1) + "\n")
    print(f"{study}: {len(rows)} networks, {made['wall_seconds']} s, processor {spent:.0f} s")


def main() -> None:
    """Run the studies of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", choices=STUDIES, metavar="STUDY")
    parser.add_argument("--networks", type=int, default=10**6, help="at most, for each cell")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for study in chosen.studies:
        run(study, chosen.networks, chosen.processes)


if __name__ == "__main__":
    main()
