"""The published records, and each chapter's verdicts and numbers against the stored ones."""

import csv
import json
import math
import re
from pathlib import Path

import pytest

from companion.claims import read_claims
from companion.freshness import chapter_state
from companion.project import Project, find_project
from companion.records import read_result
from companion.reference import differences
from companion.verdicts import VERDICTS

CHAPTERS = find_project().chapters()
FAILURES = re.compile("failed|a negative control|no |nothing|the counterexample|a counterexample")


def _records(site: Path, name: str) -> list[dict]:
    # Strict JSON: NaN and Infinity are refused.
    def refuse(constant: str) -> None:
        raise AssertionError(f"{name}.json holds {constant}")

    text = (site / f"{name}.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=refuse)
    assert content["format"] == 1
    return content[name]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_keeps_its_verdicts_and_numbers(site: Path, project: Project, chapter: str) -> None:
    state = chapter_state(project, chapter)
    assert state.state == "fresh"
    assert differences(project, read_result(chapter, state.folder)) == []


def test_every_claim_is_published_with_the_stable_fields(site: Path, project: Project) -> None:
    claims = _records(site, "claims")
    assert [claim["id"] for claim in claims] == list(read_claims(project.claims_file))
    fields = {"id", "paper", "kind", "statement", "verdict", "measured", "expected"}
    fields |= {"tolerance", "interval", "chapter", "address", "figures"}
    for claim in claims:
        assert fields <= set(claim)
        assert claim["verdict"] in VERDICTS


def test_claims_with_a_chapter_are_decided_and_others_say_why_not(site: Path) -> None:
    for claim in _records(site, "claims"):
        if claim["chapter"]:
            assert claim["verdict"] != "not tested", claim["id"]
            if claim["verdict"] == "inconclusive":
                # A chapter may say what it lacks; a check that failed is another matter.
                assert not FAILURES.match(claim["why"]), claim["id"]
                continue
            assert claim["evidence"]["controls"] or claim["verdict"] == "refuted", claim["id"]
        else:
            assert claim["verdict"] == "not tested"
            assert claim["why"], claim["id"]


def test_addresses_and_anchors_exist(site: Path) -> None:
    for record in _records(site, "claims") + _records(site, "figures"):
        if record["address"]:
            page, _, anchor = record["address"].partition("#")
            assert f'id="{anchor}"' in (site / page).read_text(encoding="utf-8"), record["id"]


def test_every_figure_has_files_data_alt_text_and_citation(site: Path) -> None:
    figures = _records(site, "figures")
    assert figures
    for figure in figures:
        assert figure["caption"] and len(figure["alt"]) >= 30
        assert (site / figure["permalink"]).is_file()
        for kind in ("svg", "pdf", "png", "csv"):
            assert (site / figure["files"][kind]).stat().st_size > 0
        with (site / figure["files"]["csv"]).open(encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        assert rows and all(len(row) == len(header) for row in rows)
        assert re.match(rf"@misc{{{figure['id']},", figure["bibtex"])
        assert figure["bibtex"].count("{") == figure["bibtex"].count("}")


def test_status_tells_time_device_and_versions(site: Path, project: Project) -> None:
    status = _records(site, "status")
    assert [row["chapter"] for row in status] == project.chapters()
    for row in status:
        assert math.isfinite(row["seconds"]) and row["seconds"] > 0
        assert row["device"] and row["versions"]["torch"] and row["profile"] == "quick"
