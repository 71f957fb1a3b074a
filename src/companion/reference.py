"""The committed verdicts and numbers of each chapter, for the regression test.

A verdict that changes, or a number that leaves its tolerance, is an error until someone has looked
at it and stored the new one with `companion accept`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from companion.durable import write_durably
from companion.project import Project
from companion.records import ChapterResult


def reference_file(project: Project, chapter: str) -> Path:
    """Where the reference of a chapter is committed."""
    return project.root / "tests" / "reference" / f"{chapter}.json"


def reference_of(result: ChapterResult) -> dict[str, Any]:
    """What is kept of a run: all verdicts, and the numbers that have a tolerance."""
    return {
        "verdicts": {verdict["id"]: verdict["verdict"] for verdict in result.verdicts},
        "numbers": {
            name: {"value": number["value"], "tolerance": number["tolerance"]}
            for name, number in result.numbers.items()
            if number["tolerance"] is not None
        },
    }


def write_reference(project: Project, result: ChapterResult) -> bool:
    """Store a run as the reference of its chapter; whether the file changed."""
    file = reference_file(project, result.chapter)
    text = json.dumps(reference_of(result), indent=1) + "\n"
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, text)
    return True


def differences(project: Project, result: ChapterResult) -> list[str]:
    """What differs between a run and the reference of its chapter; empty if nothing."""
    file = reference_file(project, result.chapter)
    if not file.exists():
        return [f"{result.chapter}: no reference (store it with: companion accept)"]
    wanted = json.loads(file.read_text(encoding="utf-8"))
    found = reference_of(result)
    lines = [
        f"{name}: {found['verdicts'].get(name)} instead of {wanted['verdicts'].get(name)}"
        for name in sorted({*found["verdicts"], *wanted["verdicts"]})
        if found["verdicts"].get(name) != wanted["verdicts"].get(name)
    ]
    for name in sorted({*found["numbers"], *wanted["numbers"]}):
        new, old = found["numbers"].get(name), wanted["numbers"].get(name)
        if new is None or old is None:
            lines.append(f"number {name}: {new} instead of {old}")
        elif not abs(new["value"] - old["value"]) <= old["tolerance"] * abs(old["value"]):
            lines.append(f"number {name}: {new['value']} instead of {old['value']}")
    return lines
