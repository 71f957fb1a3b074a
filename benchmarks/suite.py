"""How fast is it? All measurements of the page *How fast it is*, into one file.

    python benchmarks/suite.py [--only PART ...] [--quick] [--out benchmarks/results.json]

The parts: ceilings, gradient, ensembles, sampling, certificates, overheads, growth. With `--only`
the other parts of the file stay as they are. One thread; wall times, so the machine should be
quiet. Nothing here passes or fails by a time; competitors that do not agree stop the suite.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from book_costs import certificates, overheads
from growth import growth
from hot_paths import ceilings, gradient, sample_checks
from measuring import QUICK, Effort, Record
from trainings import training_parts

from companion.benchmark_page import FORMAT, read_benchmarks
from companion.durable import write_durably
from companion.freshness import installed_versions
from companion.project import code_version, find_project

PARTS: dict[str, Callable[[Effort], list[Record]]] = {
    "ceilings": ceilings,
    "gradient": gradient,
    "ensembles": training_parts,
    "sampling": sample_checks,
    "certificates": certificates,
    "overheads": overheads,
    "growth": growth,
}


def processor() -> str:
    """The name of the processor, as far as the system tells it."""
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def circumstances() -> dict[str, Any]:
    """Machine, date, versions."""
    return {
        "format": FORMAT,
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "threads": torch.get_num_threads(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
        },
        "date": now(),
        "code_version": code_version(find_project()),
        "versions": installed_versions(),
    }


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def kept_parts(file: Path, only: list[str], machine: dict[str, Any]) -> dict[str, Any]:
    """The parts of a file that are not measured again.

    Raises:
        SystemExit: they were measured on another machine, or with other versions.
        RunError: the file is malformed.
    """
    if not only or not file.exists():
        return {}
    before = read_benchmarks(file)
    parts = {name: part for name, part in before["parts"].items() if name not in only}
    if parts and before["machine"] != machine:
        raise SystemExit(f"{file} is from another machine: measure all parts, or choose --out")
    return parts


def main() -> None:
    """Measure the chosen parts and write the file after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[], metavar="PART")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: a test of the suite")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results.json"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    results = circumstances()
    measured = kept_parts(chosen.out, chosen.only, results["machine"])
    for name in chosen.only or PARTS:
        load, begin = os.getloadavg()[0], time.perf_counter()
        records = PARTS[name](QUICK if chosen.quick else Effort())
        spent = time.perf_counter() - begin
        measured[name] = {
            "date": now(),
            "code_version": results["code_version"],
            "quick": chosen.quick,
            "load_before": load,
            "wall_seconds": round(spent, 1),
            "records": records,
        }
        parts = {part: measured[part] for part in PARTS if part in measured}
        write_durably(chosen.out, json.dumps(results | {"parts": parts}, indent=1) + "\n")
        print(f"{name}: {len(records)} records, {spent:.1f} s, load before {load:.1f}", flush=True)


if __name__ == "__main__":
    main()
