"""The list of all claims: `claims.yml`, read and checked."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from companion.errors import UsageError

KINDS = (
    "identity",
    "inequality",
    "convergence",
    "probability",
    "scaling",
    "conjecture",
    "experiment",
)
# In the order in which the book treats them, on every page that lists them.
PAPERS = ("tian2017", "linear2025", "lightman2026", "chen2024", "dana2025")
NOT_YET = "not yet"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # the first is ten times faster
    """Refuses a key that stands twice: YAML would let the second threshold win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As usual, after a look at the keys."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1:
                line = node.start_mark.line + 1
                raise yaml.YAMLError(f"{key!r} stands twice in the entry at line {line}")
        return super().construct_mapping(node, deep)


# What a check compares, and how strong its evidence is when it passes.
TESTS = {
    "within": "numerical",  # |measured - expected| <= threshold
    "relative": "numerical",  # |measured - expected| <= threshold * |expected|
    "at_most": "numerical",  # measured <= threshold
    "at_least": "numerical",  # measured >= threshold
    "equal": "numerical",  # measured == expected, for integers and truths
    # The expected value of these stands here, or comes with the measurement (write: true).
    "interval_holds": "statistical",  # low <= expected <= high
    "interval_above": "statistical",  # low >= expected
    "interval_below": "statistical",  # high <= expected
    "certificate": "exact",  # a proof by machine, whole domain
}
NEEDS_THRESHOLD = ("within", "relative", "at_most", "at_least")


@dataclass(frozen=True)
class CheckRule:
    """What one check of a claim measures and when it passes, fixed before any run.

    Attributes:
        name: its name within the claim.
        test: one of `TESTS`.
        threshold: the tolerance or bound; for intervals the expected value, if it is fixed.
        meaning: what is measured, for the reader.
        strength: `numerical`, `statistical` or `exact`.
        deciding: whether it sets how strong the verdict is; others must pass all the same.
    """

    name: str
    test: str
    threshold: float | None
    meaning: str
    strength: str
    deciding: bool


@dataclass(frozen=True)
class Claim:
    """One numbered statement, figure or testable sentence of a paper.

    Attributes:
        id: `paper.name`; never changes.
        paper: key of the paper.
        number: how the paper numbers it.
        title: a few words.
        kind: one of `KINDS`.
        statement: what the paper says, in our words.
        chapter: the chapter that decides it, or `NOT_YET`.
        hypotheses: what the paper assumes.
        correction: what is true instead, for claims that are false as stated.
        untested: why there is nothing to test, for drawings and the like.
        checks: the rules by name.
    """

    id: str
    paper: str
    number: str
    title: str
    kind: str
    statement: str
    chapter: str
    hypotheses: str = ""
    correction: str = ""
    untested: str = ""
    checks: Mapping[str, CheckRule] = field(default_factory=dict)

    def rule(self, name: str) -> CheckRule:
        """The rule of the check called `name`.

        Raises:
            UsageError: the claim has no such check.
        """
        if name not in self.checks:
            valid = ", ".join(self.checks) or "none"
            raise UsageError(f"{self.id}: no check {name!r} in claims.yml (valid: {valid})")
        return self.checks[name]


def _read_rule(claim: str, name: str, raw: Any, problems: list[str]) -> CheckRule | None:
    where = f"{claim}: check {name!r}"
    if not isinstance(raw, dict):
        problems.append(f"{where} is not a mapping")
        return None
    known = {"meaning", "statistical", "deciding", *TESTS}
    problems += [f"{where}: unknown key {key!r}" for key in raw if key not in known]
    tests = [test for test in TESTS if test in raw]
    if len(tests) != 1:
        problems.append(f"{where} needs exactly one of {', '.join(TESTS)}")
        return None
    test, threshold = tests[0], raw[tests[0]]
    if test in NEEDS_THRESHOLD:
        if not _is_number(threshold):
            problems.append(f"{where}: {test} needs a finite number, not {threshold!r}")
            return None
        threshold = float(threshold)
    elif threshold is True:
        threshold = None
    elif test.startswith("interval") and _is_number(threshold):
        threshold = float(threshold)
    else:
        problems.append(f"{where}: write '{test}: true'")
        return None
    problems += [
        f"{where}: {key} is true or false, not {raw[key]!r}"
        for key in ("statistical", "deciding")
        if not isinstance(raw.get(key, True), bool)
    ]
    if not raw.get("meaning"):
        problems.append(f"{where} has no meaning")
    strength = "statistical" if raw.get("statistical") else TESTS[test]
    deciding = bool(raw.get("deciding", True))
    return CheckRule(name, test, threshold, str(raw.get("meaning", "")), strength, deciding)


def _is_number(value: Any) -> bool:
    """Whether `value` is a finite number, truths excepted."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _read_claim(raw: Any, problems: list[str]) -> Claim | None:
    if not isinstance(raw, dict) or "id" not in raw:
        problems.append(f"an entry without id: {str(raw)[:60]}")
        return None
    claim = str(raw["id"])
    required = {"id", "paper", "number", "title", "kind", "statement", "chapter"}
    optional = {"hypotheses", "correction", "untested", "checks"}
    problems += [f"{claim}: no {key}" for key in sorted(required) if not raw.get(key)]
    problems += [f"{claim}: unknown key {key!r}" for key in raw if key not in required | optional]
    if raw.get("kind") not in KINDS:
        problems.append(f"{claim}: kind {raw.get('kind')!r} is not one of {', '.join(KINDS)}")
    if raw.get("paper") not in PAPERS or not claim.startswith(f"{raw.get('paper')}."):
        problems.append(f"{claim}: paper {raw.get('paper')!r} does not fit the id")
    checks = raw.get("checks") or {}
    if not isinstance(checks, dict):
        problems.append(f"{claim}: checks is not a mapping")
        checks = {}
    rules = {
        str(name): rule
        for name, value in checks.items()
        if (rule := _read_rule(claim, str(name), value, problems))
    }
    texts = {key: str(raw.get(key) or "").strip() for key in required | optional - {"checks"}}
    texts.pop("checks", None)
    return Claim(**texts, checks=rules)


def read_claims(file: Path) -> dict[str, Claim]:
    """All claims by id, in the order of the file.

    Raises:
        UsageError: the file breaks a rule; one line per problem.
    """
    return dict(_parse(file.name, file.read_text(encoding="utf-8")))


@functools.lru_cache(maxsize=4)
def _parse(name: str, text: str) -> dict[str, Claim]:
    try:
        raw = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: {' '.join(str(error).split())}") from None
    if not isinstance(raw, list):
        raise UsageError(f"{name} is not a list of claims")
    problems: list[str] = []
    claims: dict[str, Claim] = {}
    for entry in raw:
        claim = _read_claim(entry, problems)
        if claim is None:
            continue
        if claim.id in claims:
            problems.append(f"{claim.id}: listed twice")
        claims[claim.id] = claim
    if problems:
        raise UsageError([f"{name}: {problem}" for problem in problems])
    return claims


def get_claim(claims: Mapping[str, Claim], name: str) -> Claim:
    """The claim with this id.

    Raises:
        UsageError: there is none; the line names the nearest one.
    """
    if name not in claims:
        near = difflib.get_close_matches(name, claims, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"unknown claim {name!r}{hint}")
    return claims[name]
