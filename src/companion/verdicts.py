"""From measured numbers to a verdict. Nobody types a verdict in.

A claim's checks and thresholds stand in `claims.yml` before any run. A chapter measures; this
module compares and concludes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from companion.claims import CheckRule, Claim
from companion.errors import UsageError

VERDICTS = {
    "certified": "proved by machine: exact algebra or ball arithmetic on the whole domain",
    "verified": "every check inside the tolerance that was stated before the run",
    "supported": "statistical or asymptotic evidence, consistent with the claim",
    "corrected": "false or misprinted as stated: counterexample shown, correction checked",
    "refuted": "counterexample shown, no correction known",
    "inconclusive": "budget or hypotheses not met, or a check failed without a counterexample",
    "not tested": "nothing in it can be measured, or no chapter does so yet; the ledger says why",
}
_STRENGTHS = ("statistical", "numerical", "exact")
_VERDICT_OF = {"statistical": "supported", "numerical": "verified", "exact": "certified"}
LEVEL = 0.999  # confidence level of the interval of a counted share


def proportion_interval(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Exact (Clopper-Pearson) interval of a probability.

    Args:
        successes: how often it happened, `0..n`.
        n: number of independent trials, at least 1.
        level: confidence level.

    Raises:
        ValueError: the counts or the level make no sense.
    """
    from scipy.stats import binomtest  # slow to import; only chapters that count pay for it

    if not 0 < level < 1:
        raise ValueError(f"confidence level {level} is not between 0 and 1")
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is not a proportion")
    interval = binomtest(successes, n).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Check:
    """One comparison that was made.

    Attributes:
        name: the check's name in `claims.yml`, or what a hypothesis says.
        test: the kind of comparison, as in `companion.claims.TESTS`.
        measured: the number that was obtained (the worst one of many).
        expected: what the claim predicts, where it predicts a number.
        threshold: the tolerance or bound.
        interval: the confidence interval, for statistical tests.
        n: the number of samples or cases behind it.
        passed: the outcome.
        strength: `statistical`, `numerical` or `exact`.
        deciding: whether it sets how strong the verdict is.
        meaning: what is measured, in words.
        detail: anything else worth keeping (boxes and seconds of a certificate, for one).
    """

    name: str
    test: str
    measured: float | None
    passed: bool
    strength: str
    expected: float | None = None
    threshold: float | None = None
    interval: tuple[float, float] | None = None
    n: int | None = None
    deciding: bool = True
    meaning: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    def _ipython_display_(self) -> None:
        """Say nothing at the end of a cell: the table of verdicts shows every check."""

    def as_record(self) -> dict[str, Any]:
        """The check as plain data, without empty fields and fit for strict JSON."""
        raw = asdict(self)
        record = {key: _plain(value) for key, value in raw.items() if value not in (None, {}, "")}
        return record

    @property
    def is_void(self) -> bool:
        """Whether nothing was measured: the number, or an end of its interval, is nan."""
        return any(math.isnan(n) for n in (self.measured, *(self.interval or ())) if n is not None)


def _plain(value: Any) -> Any:
    """`value` with tuples as lists and non-finite numbers as text (JSON has neither)."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return value


def flatten(values: Any) -> list[float]:
    """Numbers, arrays or tensors as a flat list of floats."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    if hasattr(values, "reshape"):
        values = values.reshape(-1).tolist()
    if isinstance(values, Iterable) and not isinstance(values, str):
        return [number for value in values for number in flatten(value)]
    return [float(values)]


def _worst_distance(rule: CheckRule, measured: Any, expected: Any) -> tuple[float, float, float]:
    """The pair (measured, expected) that lies furthest apart, and how far."""
    found, wanted = flatten(measured), flatten(expected)
    if len(wanted) == 1:
        wanted = wanted * len(found)
    if len(found) != len(wanted) or not found:
        raise ValueError(f"{rule.name}: {len(found)} measured, {len(wanted)} expected values")
    worst = (-1.0, 0.0, 0.0)
    for number, target in zip(found, wanted, strict=True):
        # Two infinities are equal, though their difference is not a number.
        same = rule.test == "equal" and number == target
        distance = 0.0 if same else abs(number - target)
        if rule.test == "relative":
            distance = distance / abs(target) if target else (math.inf if distance else 0.0)
        if math.isnan(distance):
            return math.nan, number, target
        worst = max(worst, (distance, number, target))
    return worst


def _share(rule: CheckRule, successes: Any, n: Any) -> tuple[float, tuple[float, float]]:
    """A counted share and its exact interval."""
    if not rule.test.startswith("interval"):
        raise ValueError(f"{rule.name}: successes are for a test with an interval")
    try:
        counts = operator.index(successes), operator.index(n)
    except TypeError:
        raise ValueError(f"{rule.name}: {successes!r} of {n!r} is not a count") from None
    try:
        interval = proportion_interval(*counts)
    except ValueError as error:
        raise ValueError(f"{rule.name}: {error}") from None
    return counts[0] / counts[1], interval


def evaluate(
    rule: CheckRule,
    *,
    measured: Any = None,
    expected: Any = None,
    interval: Sequence[float] | None = None,
    n: int | None = None,
    successes: int | None = None,
    certificate: Any = None,
) -> Check:
    """Compare what was measured with what the rule demands.

    Args:
        rule: the rule from `claims.yml`.
        measured: a number, array or tensor; of many numbers the worst one decides.
        expected: what the claim predicts; a number or as many as measured.
        interval: `(low, high)`, for the tests that begin with `interval`.
        n: samples or cases behind the number.
        successes: for the same tests, how many of `n` independent trials succeeded; in place of
            `measured` and `interval`, which are then the share and its `proportion_interval`.
        certificate: an object with `proved`, `boxes` and `seconds`, for `certificate`.

    Raises:
        ValueError: the arguments do not fit the rule's test.
    """
    if successes is not None:
        if measured is not None or interval is not None:
            raise ValueError(f"{rule.name}: successes come without measured and interval")
        measured, interval = _share(rule, successes, n)
    common = {
        "name": rule.name,
        "test": rule.test,
        "threshold": rule.threshold,
        "n": None if n is None else int(n),
        "strength": rule.strength,
        "deciding": rule.deciding,
        "meaning": rule.meaning,
    }
    if rule.test == "certificate":
        if certificate is None:
            raise ValueError(f"{rule.name}: a certificate is needed")
        detail = {"boxes": int(certificate.boxes), "seconds": round(certificate.seconds, 3)}
        proved = bool(certificate.proved)
        return Check(measured=float(proved), passed=proved, detail=detail, **common)
    if rule.test.startswith("interval"):
        expected = rule.threshold if expected is None else expected
        if interval is None or expected is None:
            raise ValueError(f"{rule.name}: an interval and an expected value are needed")
        low, high = (float(end) for end in interval)
        if low > high:
            raise ValueError(f"{rule.name}: the interval ({low}, {high}) is upside down")
        target = float(expected)
        middle = None if measured is None else float(measured)
        broken = any(math.isnan(number) for number in (low, high, middle or 0.0))
        passed = (
            not broken
            and {
                "interval_holds": low <= target <= high,
                "interval_above": low >= target,
                "interval_below": high <= target,
            }[rule.test]
        )
        return Check(
            measured=middle, expected=target, interval=(low, high), passed=passed, **common
        )
    if measured is None:
        raise ValueError(f"{rule.name}: nothing was measured")
    if rule.test in ("within", "relative"):
        if expected is None:
            raise ValueError(f"{rule.name}: an expected value is needed")
        distance, number, target = _worst_distance(rule, measured, expected)
        passed = distance <= rule.threshold  # False for nan
        detail = {"largest_distance": distance}
        return Check(measured=number, expected=target, passed=passed, detail=detail, **common)
    numbers = flatten(measured)
    if not numbers:
        raise ValueError(f"{rule.name}: nothing was measured")
    broken = any(math.isnan(number) for number in numbers)
    if rule.test == "equal":
        if expected is None:
            raise ValueError(f"{rule.name}: an expected value is needed")
        _, number, target = _worst_distance(rule, measured, expected)
        return Check(measured=number, expected=target, passed=number == target, **common)
    worst = max(numbers) if rule.test == "at_most" else min(numbers)
    passed = worst <= rule.threshold if rule.test == "at_most" else worst >= rule.threshold
    return Check(measured=math.nan if broken else worst, passed=passed and not broken, **common)


@dataclass
class Evidence:
    """What a chapter gathers on one claim.

    Attributes:
        claim: the claim.
        checks: comparisons that must pass if the claim (or its correction) is true.
        controls: the same comparisons with a hypothesis broken on purpose; they must fail.
        hypotheses: for a counterexample, each hypothesis of the claim with its outcome.
        violations: comparisons that show the counterexample breaking the claim.
        shortfall: why the claim could not be decided, if so.
        figures: ids of the figures that show it.
        note: a sentence for the ledger.
    """

    claim: Claim
    checks: list[Check] = field(default_factory=list)
    controls: list[Check] = field(default_factory=list)
    hypotheses: list[Check] = field(default_factory=list)
    violations: list[Check] = field(default_factory=list)
    shortfall: str = ""
    figures: list[str] = field(default_factory=list)
    note: str = ""

    def check(self, name: str, **measurement: Any) -> Check:
        """Make the comparison `name` of `claims.yml` (arguments as in `evaluate`)."""
        return self._keep(self.checks, evaluate(self.claim.rule(name), **measurement))

    def control(self, broken: str, name: str, **measurement: Any) -> Check:
        """Make the comparison `name` with a hypothesis broken on purpose: it must fail.

        Args:
            broken: what was broken, in words.
            name: the check of `claims.yml` that has to notice.
            **measurement: as in `evaluate`.
        """
        check = evaluate(self.claim.rule(name), **measurement)
        return self._keep(self.controls, _renamed(check, f"{name}: {broken}", broken))

    def hypothesis(self, text: str, name: str, **measurement: Any) -> Check:
        """State that the counterexample meets a hypothesis of the claim, by comparison `name`."""
        check = evaluate(self.claim.rule(name), **measurement)
        return self._keep(self.hypotheses, _renamed(check, text, text))

    def violation(self, text: str, name: str, **measurement: Any) -> Check:
        """State that the counterexample breaks the claim's conclusion, by comparison `name`."""
        check = evaluate(self.claim.rule(name), **measurement)
        return self._keep(self.violations, _renamed(check, text, text))

    @staticmethod
    def _keep(where: list[Check], check: Check) -> Check:
        if any(check.name == other.name for other in where):
            raise UsageError(f"the comparison {check.name!r} was made twice")
        where.append(check)
        return check

    def verdict(self) -> str:
        """The verdict that the numbers earn, a key of `VERDICTS`."""
        if self.shortfall or not (self.checks or self.violations):
            return "inconclusive"
        counterexample = bool(self.violations or self.hypotheses)
        if counterexample:
            shown = all(check.passed for check in self.violations + self.hypotheses)
            if not (shown and self.violations and self.hypotheses):
                return "inconclusive"
            if not self.checks:
                return "refuted"
        sound = all(check.passed for check in self.checks)
        # A control that measured nothing fails for the wrong reason.
        caught = bool(self.controls) and not any(c.passed or c.is_void for c in self.controls)
        if not (sound and caught):
            return "inconclusive"
        if counterexample:
            return "corrected"
        deciding = [check.strength for check in self.checks if check.deciding]
        if not deciding:
            return "inconclusive"
        strength = min(deciding, key=_STRENGTHS.index)
        if self.claim.kind == "conjecture" and strength == "numerical":
            strength = "statistical"  # numbers support a conjecture; only a proof settles it
        return _VERDICT_OF[strength]

    def why(self) -> str:
        """One line for an inconclusive verdict, naming what went wrong; else empty."""
        if self.verdict() != "inconclusive":
            return ""
        if self.shortfall:
            return self.shortfall
        failed = [c.name for c in self.checks + self.violations + self.hypotheses if not c.passed]
        missed = [check.name for check in self.controls if check.passed]
        void = [check.name for check in self.controls if check.is_void]
        if failed:
            return f"failed: {', '.join(failed)}"
        if missed:
            return f"a negative control did not fail: {', '.join(missed)}"
        if void:
            return f"a negative control measured nothing: {', '.join(void)}"
        if self.violations and not self.hypotheses:
            return "a counterexample needs its hypotheses, one by one"
        if self.checks and self.hypotheses and not self.violations:
            return "the counterexample breaks nothing"
        if not (self.checks or self.violations):
            return "nothing was measured"
        if not any(check.deciding for check in self.checks):
            return "no deciding check"
        return "no negative control"

    def as_record(self) -> dict[str, Any]:
        """The verdict and all that it rests on, as plain data."""
        return {
            "id": self.claim.id,
            "verdict": self.verdict(),
            "why": self.why(),
            "checks": [check.as_record() for check in self.checks],
            "controls": [check.as_record() for check in self.controls],
            "hypotheses": [check.as_record() for check in self.hypotheses],
            "violations": [check.as_record() for check in self.violations],
            "figures": self.figures,
            "note": self.note,
        }


def _renamed(check: Check, name: str, meaning: str) -> Check:
    return Check(**{**check.__dict__, "name": name, "meaning": meaning})


def headline(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The comparison of a verdict record that stands for it in one line of the ledger."""
    rows = record["violations"] or record["checks"]
    deciding = [row for row in rows if row["deciding"]]
    return (deciding or rows or [{}])[0]
