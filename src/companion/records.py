"""The published records: `claims.json`, `figures.json`, `status.json`.

Readers script against these files. Field names stay; new fields may come.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.cite import book_facts, figure_bibtex, figure_citation, figure_page
from companion.claims import NOT_YET, Claim, read_claims
from companion.errors import RunError
from companion.figures import read_cards
from companion.freshness import read_run
from companion.project import Project
from companion.verdicts import headline

FORMAT = 1


@dataclass(frozen=True)
class ChapterResult:
    """A finished run of one chapter, as read from its folder."""

    chapter: str
    folder: Path
    run: Mapping[str, Any]
    verdicts: Sequence[Mapping[str, Any]]
    numbers: Mapping[str, Mapping[str, Any]]
    cards: Sequence[Mapping[str, Any]]


def read_result(chapter: str, folder: Path) -> ChapterResult:
    """The records of a finished run.

    Raises:
        RunError: the folder holds no finished run.
    """
    run = read_run(folder)
    if run is None:
        raise RunError(f"{chapter}: no finished run in {folder}")
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    numbers = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
    return ChapterResult(chapter, folder, run, verdicts, numbers, read_cards(folder / "figures"))


def chapter_address(chapter: str) -> str:
    """The page of a chapter, relative to the site's root."""
    return f"{chapter}.html"


def claim_anchor(claim: str) -> str:
    """The anchor of a claim on its chapter's page and in the ledger."""
    return claim.replace(".", "-").replace("_", "-").lower()


def claim_record(claim: Claim, verdict: Mapping[str, Any] | None) -> dict[str, Any]:
    """One entry of `claims.json`."""
    record: dict[str, Any] = {
        "id": claim.id,
        "paper": claim.paper,
        "number": claim.number,
        "title": claim.title,
        "kind": claim.kind,
        "hypotheses": claim.hypotheses,
        "statement": claim.statement,
        "correction": claim.correction,
        "verdict": "not tested",
        "why": claim.untested or ("no chapter yet" if claim.chapter == NOT_YET else ""),
        "measured": None,
        "expected": None,
        "tolerance": None,
        "interval": None,
        "n": None,
        "check": "",
        "chapter": None,
        "address": None,
        "figures": [],
        "evidence": None,
    }
    if verdict is None:
        return record
    row = headline(verdict)
    address = f"{chapter_address(claim.chapter)}#{claim_anchor(claim.id)}"
    kept = ("checks", "controls", "hypotheses", "violations", "note")
    return record | {
        "verdict": verdict["verdict"],
        "why": verdict["why"],
        "measured": row.get("measured"),
        "expected": row.get("expected"),
        "tolerance": row.get("threshold"),
        "interval": row.get("interval"),
        "n": row.get("n"),
        "check": row.get("meaning", ""),
        "chapter": claim.chapter,
        "address": address,
        "figures": verdict["figures"],
        "evidence": {name: verdict[name] for name in kept},
    }


def figure_record(card: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of `figures.json`."""
    files = {kind: f"figures/{name}" for kind, name in card["files"].items()}
    return {
        "id": card["id"],
        "caption": card["caption"],
        "alt": card["alt"],
        "chapter": card["chapter"],
        "address": f"{chapter_address(card['chapter'])}#{card['id']}",
        "permalink": figure_page(card["id"]),
        "files": files,
        "claims": card["claims"],
        "parameters": card["parameters"],
        "seed": card["seed"],
        "code_version": card["code_version"],
        "bibtex": figure_bibtex(card, facts),
        "citation": figure_citation(card, facts),
    }


def status_record(result: ChapterResult) -> dict[str, Any]:
    """One entry of `status.json`."""
    kept = (
        "chapter",
        "profile",
        "seconds",
        "peak_memory_bytes",
        "device",
        "machine",
        "versions",
        "parameters",
        "code_version",
        "finished",
    )
    return {name: result.run[name] for name in kept}


def collect(project: Project, results: Sequence[ChapterResult]) -> dict[str, Any]:
    """The three records as one mapping: `claims`, `figures`, `status`.

    Raises:
        RunError: a claim is decided twice, a figure id is used twice, or a chapter decides a
            claim that `claims.yml` gives to nobody or to another chapter.
    """
    claims = read_claims(project.claims_file)
    facts = book_facts(project)
    decided: dict[str, Mapping[str, Any]] = {}
    figures: dict[str, dict[str, Any]] = {}
    problems = []
    for result in results:
        for verdict in result.verdicts:
            claim = claims.get(verdict["id"])
            if claim is None or claim.chapter != result.chapter:
                problems.append(f"{result.chapter} decides {verdict['id']}, which is not its own")
            if verdict["id"] in decided:
                problems.append(f"{verdict['id']} is decided twice")
            decided[verdict["id"]] = verdict
        for card in result.cards:
            if card["id"] in figures:
                problems.append(f"figure {card['id']} is drawn by two chapters")
            figures[card["id"]] = figure_record(card, facts)
    if problems:
        raise RunError("; ".join(problems))
    return {
        "claims": [claim_record(claim, decided.get(claim.id)) for claim in claims.values()],
        "figures": list(figures.values()),
        "status": [status_record(result) for result in results],
    }


def research_crate(records: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The description of the published records that archives read (RO-Crate 1.1)."""
    described = {
        "claims.json": "All claims with verdicts and the comparisons behind them",
        "figures.json": "All figures with files, parameters and citation",
        "status.json": "When, where and how long each chapter ran",
    }
    figures = [
        {
            "@id": figure["files"]["csv"],
            "@type": "File",
            "name": f"Data of figure {figure['id']}",
            "encodingFormat": "text/csv",
        }
        for figure in records["figures"]
    ]
    files = [
        {"@id": name, "@type": "File", "name": text, "encodingFormat": "application/json"}
        for name, text in described.items()
    ]
    book = {
        "@id": "./",
        "@type": "Dataset",
        "name": facts["title"],
        "description": "Verdicts, figures and data of a reproducible companion to five papers",
        "version": facts["version"],
        "datePublished": facts["date"],
        "license": {"@id": "https://creativecommons.org/licenses/by/4.0/"},
        "author": [{"@type": "Organization", "name": author} for author in facts["authors"]],
        "hasPart": [{"@id": file["@id"]} for file in [*files, *figures]],
    }
    root = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    return {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [root, book, *files, *figures],
    }


def write_records(folder: Path, records: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write `claims.json`, `figures.json`, `status.json` and what archives read into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("claims", "figures", "status"):
        content = {"format": FORMAT, "book": facts["title"], "version": facts["version"]}
        text = json.dumps(content | {name: records[name]}, indent=1, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    crate = json.dumps(research_crate(records, facts), indent=1, ensure_ascii=False)
    (folder / "ro-crate-metadata.json").write_text(crate + "\n", encoding="utf-8")
