"""What the `paper` profile of each chapter takes, and whether its verdicts are those of `quick`.

    python benchmarks/paper_profile.py [--processes 2]

Chapters whose run at the papers' sizes is not fresh are run. Times, peak memory and differing
verdicts go to `paper_profile.json`, from which the book makes a table. The wall time is that from
the first start to the last end of the runs; if they were not made in one go it means nothing, and
is left out.
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path

from measuring import fresh_run

from companion.build import run_stale
from companion.durable import write_durably
from companion.freshness import read_run
from companion.project import find_project

RESULTS = Path(__file__).with_name("paper_profile.json")


def verdicts(folder: Path) -> dict[str, str]:
    """The verdict of each claim of a finished run."""
    told = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    return {claim["id"]: claim["verdict"] for claim in told}


def main() -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    project = find_project()
    folders = run_stale(project, "paper", chosen.processes, print)
    runs, differing = {}, []
    for chapter, folder in sorted(folders.items()):
        runs[chapter] = read_run(folder) or {}
        expected = verdicts(fresh_run(project, chapter))
        differing += [
            {"claim": name, "quick": expected.get(name, ""), "paper": verdict}
            for name, verdict in verdicts(folder).items()
            if expected.get(name) != verdict
        ]
    started = min(datetime.fromisoformat(run["started"]) for run in runs.values())
    finished = max(datetime.fromisoformat(run["finished"]) for run in runs.values())
    worked = sum(run["seconds"] for run in runs.values())
    wall = (finished - started).total_seconds()
    record = {
        "machine": next(iter(runs.values()))["machine"],
        "date": finished.date().isoformat(),
        "code_version": next(iter(runs.values()))["code_version"],
        "processes": chosen.processes,
        "wall_seconds": round(wall) if wall < worked else None,
        "chapters": [
            {name: run[name] for name in ("chapter", "seconds", "peak_memory_bytes")}
            for run in runs.values()
        ],
        "other_verdicts": differing,
    }
    write_durably(RESULTS, json.dumps(record, indent=1) + "\n")
    print(f"{len(runs)} chapters, {worked:.0f} s in all, wall time {wall:.0f} s")
    for claim in differing:
        print(f"{claim['claim']}: {claim['quick']} in quick, {claim['paper']} in paper")


if __name__ == "__main__":
    main()
