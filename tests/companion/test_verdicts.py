import json
import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mpmath import betainc, mp

from companion.claims import TESTS, CheckRule, Claim
from companion.errors import UsageError
from companion.verdicts import (
    VERDICTS,
    Evidence,
    evaluate,
    flatten,
    headline,
    proportion_interval,
)

NAN, INF = math.nan, math.inf
PROOF = SimpleNamespace(proved=True, boxes=3, seconds=0.25)
NO_PROOF = SimpleNamespace(proved=False, boxes=3, seconds=0.25)


def rule(test: str, threshold: float | None = None, **changes) -> CheckRule:
    fields = {"name": test, "meaning": "what is measured", "strength": TESTS[test]}
    return CheckRule(**fields | {"test": test, "threshold": threshold, "deciding": True} | changes)


RULES = {
    "close": rule("within", 0.1),
    "often": rule("interval_holds", 0.5),
    "proof": rule("certificate"),
    "bound": rule("at_most", 1.0),
    "aside": rule("within", 0.1, deciding=False),
    "scores": rule("at_most", 5.0, strength="statistical"),
}


def evidence(kind: str = "identity") -> Evidence:
    rules = {name: CheckRule(**{**r.__dict__, "name": name}) for name, r in RULES.items()}
    words = ("tian2017.x", "tian2017", "Theorem 1", "Title", kind, "Statement.", "topic/tiny")
    return Evidence(Claim(*words, checks=rules))


# --- one comparison -------------------------------------------------------------------------

PASSING = [
    (rule("within", 0.1), {"measured": 1.05, "expected": 1}),
    (rule("within", 0.1), {"measured": torch.tensor([1.0, 2.0]), "expected": torch.tensor([1, 2])}),
    (rule("within", 0.1), {"measured": np.ones((2, 3)), "expected": 1.0}),
    (rule("within", 0.0), {"measured": [True, False], "expected": [1, 0]}),
    (rule("within", 0.1), {"measured": torch.tensor(1.0, requires_grad=True), "expected": 1.0}),
    (rule("relative", 0.1), {"measured": 1050.0, "expected": 1000.0}),
    (rule("relative", 0.1), {"measured": 0.0, "expected": 0.0}),
    (rule("relative", 0.1), {"measured": -1050.0, "expected": -1000.0}),
    (rule("at_most", 1.0), {"measured": [0.5, 1.0]}),
    (rule("at_most", 1.0), {"measured": -INF}),
    (rule("at_least", 1.0), {"measured": (1.0, 7)}),
    (rule("equal"), {"measured": 3, "expected": 3}),
    (rule("equal"), {"measured": np.array([True, True]), "expected": True}),
    (rule("equal"), {"measured": [INF, 2], "expected": [INF, 2]}),
    (rule("interval_holds", 0.5), {"interval": (0.4, 0.6)}),
    (rule("interval_holds"), {"interval": torch.tensor([0.4, 0.6]), "expected": 0.6}),
    (rule("interval_above", 0.5), {"interval": (0.5, INF), "measured": 0.7}),
    (rule("interval_below", 0.5), {"interval": (-INF, 0.5)}),
    (rule("interval_above", 0.9), {"successes": 100, "n": 100}),
    (rule("interval_below", 0.1), {"successes": 0, "n": 100}),
    (rule("interval_holds", 0.5), {"successes": torch.tensor(51), "n": np.int64(100)}),
    (rule("certificate"), {"certificate": PROOF}),
]
FAILING = [
    (rule("within", 0.1), {"measured": 1.2, "expected": 1}),
    (rule("within", 0.1), {"measured": [1.0, 1.2, 1.0], "expected": 1}),
    (rule("within", 0.1), {"measured": NAN, "expected": 1}),
    (rule("within", 0.1), {"measured": [1.0, NAN], "expected": 1}),
    (rule("within", 0.1), {"measured": 1.0, "expected": NAN}),
    (rule("within", 0.1), {"measured": INF, "expected": 1}),
    (rule("within", 0.1), {"measured": INF, "expected": INF}),
    (rule("within", NAN), {"measured": 1, "expected": 1}),
    (rule("relative", 0.1), {"measured": 1e-300, "expected": 0.0}),
    (rule("relative", 0.1), {"measured": 1.2, "expected": 1.0}),
    (rule("relative", 0.1), {"measured": 1.0, "expected": INF}),
    (rule("at_most", 1.0), {"measured": [0.5, 1.5]}),
    (rule("at_most", 1.0), {"measured": [0.5, NAN]}),
    (rule("at_most", 1.0), {"measured": [NAN, 0.5]}),
    (rule("at_most", 1.0), {"measured": INF}),
    (rule("at_least", 1.0), {"measured": [1.5, 0.5]}),
    (rule("at_least", 1.0), {"measured": [NAN, 2.0]}),
    (rule("equal"), {"measured": [1, 2, 3], "expected": [1, 2, 4]}),
    (rule("equal"), {"measured": NAN, "expected": NAN}),
    (rule("equal"), {"measured": [INF, 3], "expected": [INF, 4]}),
    (rule("equal"), {"measured": [1, 2], "expected": [NAN, 2]}),
    (rule("interval_holds", 0.5), {"interval": (0.6, 0.7)}),
    (rule("interval_holds", 0.5), {"interval": (NAN, 0.7)}),
    (rule("interval_holds", 0.5), {"interval": (0.4, 0.6), "measured": NAN}),
    (rule("interval_above", 0.5), {"interval": (0.4, 0.6)}),
    (rule("interval_above", 0.5), {"interval": (0.6, NAN)}),
    (rule("interval_below", 0.5), {"interval": (0.4, 0.6)}),
    (rule("interval_above", 0.9), {"successes": 95, "n": 100}),
    (rule("interval_holds", 0.5), {"successes": 30, "n": 100}),
    (rule("interval_below", 0.5), {"interval": (NAN, 0.4)}),
    (rule("interval_below"), {"interval": (0.1, 0.4), "expected": NAN}),
    (rule("certificate"), {"certificate": NO_PROOF}),
]
UNFIT = [
    (rule("within", 0.1), {"measured": 1.0}),
    (rule("within", 0.1), {"expected": 1.0}),
    (rule("within", 0.1), {"measured": [], "expected": 1.0}),
    (rule("within", 0.1), {"measured": [], "expected": []}),
    (rule("within", 0.1), {"measured": [1.0, 2.0], "expected": [1.0, 2.0, 3.0]}),
    (rule("relative", 0.1), {"measured": torch.ones(2), "expected": torch.ones(3)}),
    (rule("at_most", 1.0), {"measured": []}),
    (rule("at_least", 1.0), {"measured": torch.empty(0)}),
    (rule("at_most", 1.0), {}),
    (rule("equal"), {"measured": 1}),
    (rule("interval_holds", 0.5), {"measured": 0.5}),
    (rule("interval_holds"), {"interval": (0.4, 0.6)}),
    (rule("interval_above", 0.5), {"interval": (0.9, 0.6)}),
    (rule("interval_above", 0.5), {"interval": (0.9,)}),
    (rule("interval_below"), {"interval": (0.4, 0.6)}),
    (rule("interval_holds"), {"successes": 5, "n": 10}),
    (rule("interval_holds", 0.5), {"successes": 11, "n": 10}),
    (rule("interval_holds", 0.5), {"successes": -1, "n": 10}),
    (rule("interval_holds", 0.5), {"successes": 0, "n": 0}),
    (rule("interval_holds", 0.5), {"successes": 5}),
    (rule("interval_holds", 0.5), {"successes": 5.0, "n": 10}),
    (rule("interval_holds", 0.5), {"successes": np.array([3, 5]), "n": 10}),
    (rule("interval_holds", 0.5), {"successes": 5, "n": 10, "measured": 0.5}),
    (rule("interval_holds", 0.5), {"successes": 5, "n": 10, "interval": (0.4, 0.6)}),
    (rule("at_least", 0.5), {"successes": 5, "n": 10}),
    (rule("certificate"), {"measured": 1.0}),
]


def label(value) -> str | None:
    return value.test if isinstance(value, CheckRule) else None


@pytest.mark.parametrize(("demand", "measurement"), PASSING, ids=label)
def test_what_fits_passes(demand, measurement):
    assert evaluate(demand, **measurement).passed is True


@pytest.mark.parametrize(("demand", "measurement"), FAILING, ids=label)
def test_what_does_not_fit_fails(demand, measurement):
    assert evaluate(demand, **measurement).passed is False


@pytest.mark.parametrize(("demand", "measurement"), UNFIT, ids=label)
def test_a_measurement_that_does_not_suit_the_test_is_refused(demand, measurement):
    with pytest.raises(ValueError):
        evaluate(demand, **measurement)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (3, 10), (10, 10), (41, 200)])
@pytest.mark.parametrize("level", [0.9, 0.999])
def test_the_interval_of_a_share_has_the_right_binomial_tails(successes, n, level):
    # By definition: at each end, the tail beyond the count has probability (1 - level) / 2.
    low, high = proportion_interval(successes, n, level)
    tail = (1 - level) / 2
    with mp.workdps(30):
        if successes == 0:
            assert low == 0
        else:
            at_least = betainc(successes, n - successes + 1, 0, low, regularized=True)
            assert float(at_least) == pytest.approx(tail, rel=1e-6)
        if successes == n:
            assert high == 1
        else:
            at_most = 1 - betainc(successes + 1, n - successes, 0, high, regularized=True)
            assert float(at_most) == pytest.approx(tail, rel=1e-6)


def test_a_counted_share_brings_its_own_interval():
    check = evaluate(RULES["often"], successes=30, n=100)
    assert (check.measured, check.n) == (0.3, 100)
    assert check.interval == proportion_interval(30, 100)
    with pytest.raises(ValueError, match="often: 11 of 10 is not a proportion"):
        evaluate(rule("interval_holds", 0.5, name="often"), successes=11, n=10)
    with pytest.raises(ValueError, match="0 of 0 is not a proportion"):
        evaluate(RULES["often"], successes=0, n=0)
    with pytest.raises(ValueError, match="not between 0 and 1"):
        proportion_interval(1, 2, level=1.0)
    tried = evidence()
    tried.check("often", successes=50, n=100)
    tried.control("a hypothesis broken", "often", successes=20, n=100)
    tried.hypothesis("it meets the assumption", "often", successes=49, n=100)
    tried.violation("it breaks the claim", "often", successes=48, n=100)
    assert tried.verdict() == "corrected"


def test_every_kind_of_test_was_tried():
    for cases in (PASSING, FAILING, UNFIT):
        assert {demand.test for demand, _ in cases} == set(TESTS)


def test_the_worst_of_many_decides_and_is_reported():
    check = evaluate(RULES["close"], measured=[1.0, 5.0, 2.0], expected=[1.0, 2.0, 2.0])
    assert (check.measured, check.expected, check.detail["largest_distance"]) == (5.0, 2.0, 3.0)
    assert evaluate(rule("equal"), measured=[1, 2, 9], expected=[1, 2, 4]).measured == 9
    assert evaluate(rule("at_most", 1), measured=[3, 7, 5]).measured == 7
    assert evaluate(rule("at_least", 1), measured=[3, 2, 5]).measured == 2


@pytest.mark.parametrize(
    ("values", "flat"),
    [
        (3, [3.0]),
        (True, [1.0]),
        (np.float32(0.5), [0.5]),
        (np.arange(4).reshape(2, 2), [0, 1, 2, 3]),
        (torch.tensor(2), [2.0]),
        ([torch.tensor([1.0, 2.0]), [3, (4,)]], [1, 2, 3, 4]),
        ([], []),
    ],
)
def test_flatten(values, flat):
    assert flatten(values) == flat
    assert all(type(number) is float for number in flatten(values))


# --- from comparisons to a verdict ----------------------------------------------------------


def sound(e, name="close"):
    e.check(name, **GOOD[name])


def caught(e, name="close"):
    e.control("a hypothesis broken", name, **BAD[name])


GOOD = {
    "close": {"measured": 1.0, "expected": 1.0},
    "often": {"interval": (0.4, 0.6)},
    "proof": {"certificate": PROOF},
    "bound": {"measured": 0.0},
    "aside": {"measured": 1.0, "expected": 1.0},
    "scores": {"measured": 2.0},
}
BAD = {
    "close": {"measured": 2.0, "expected": 1.0},
    "often": {"interval": (0.7, 0.8)},
    "proof": {"certificate": NO_PROOF},
    "bound": {"measured": 2.0},
    "aside": {"measured": 2.0, "expected": 1.0},
    "scores": {"measured": 9.0},
}


def counterexample(e, *, holds=True, breaks=True):
    e.hypothesis("it meets the assumption", "bound", **(GOOD if holds else BAD)["bound"])
    e.violation("it breaks the claim", "close", **(GOOD if breaks else BAD)["close"])


@dataclass
class Case:
    name: str
    steps: list
    verdict: str
    why: str = ""
    kind: str = "identity"


CASES = [
    Case("check and control", [sound, caught], "verified"),
    Case("interval", [lambda e: sound(e, "often"), lambda e: caught(e, "often")], "supported"),
    Case("scores", [lambda e: sound(e, "scores"), lambda e: caught(e, "scores")], "supported"),
    Case("proof", [lambda e: sound(e, "proof"), lambda e: caught(e, "proof")], "certified"),
    Case("weakest decides", [lambda e: sound(e, "proof"), sound, caught], "verified"),
    Case("interval is weakest", [lambda e: sound(e, "often"), sound, caught], "supported"),
    Case(
        "an aside sets nothing",
        [lambda e: sound(e, "proof"), lambda e: sound(e, "aside"), lambda e: caught(e, "proof")],
        "certified",
    ),
    Case(
        "only asides",
        [lambda e: sound(e, "aside"), lambda e: caught(e, "aside")],
        "inconclusive",
        "no deciding check",
    ),
    Case(
        "an aside fails",
        [sound, lambda e: e.check("aside", **BAD["aside"]), caught],
        "inconclusive",
        "failed: aside",
    ),
    Case("nothing at all", [], "inconclusive", "nothing was measured"),
    Case("control alone", [caught], "inconclusive", "nothing was measured"),
    Case("no control", [sound], "inconclusive", "no negative control"),
    Case(
        "control passes",
        [sound, lambda e: e.control("nothing broken", "close", **GOOD["close"])],
        "inconclusive",
        "did not fail: close: nothing broken",
    ),
    Case(
        "one of two controls passes",
        [sound, caught, lambda e: e.control("nothing broken", "close", **GOOD["close"])],
        "inconclusive",
        "did not fail",
    ),
    Case(
        "control is nan",
        [sound, lambda e: e.control("b", "close", measured=NAN, expected=1.0)],
        "inconclusive",
        "measured nothing",
    ),
    Case(
        "control with a nan interval",
        [lambda e: sound(e, "often"), lambda e: e.control("b", "often", interval=(NAN, NAN))],
        "inconclusive",
        "measured nothing",
    ),
    Case(
        "control grows without bound",
        [lambda e: sound(e, "bound"), lambda e: e.control("b", "bound", measured=INF)],
        "verified",
    ),
    Case(
        "check fails",
        [lambda e: e.check("close", **BAD["close"]), caught],
        "inconclusive",
        "failed: close",
    ),
    Case(
        "check is nan",
        [lambda e: e.check("close", measured=NAN, expected=1.0), caught],
        "inconclusive",
        "failed: close",
    ),
    Case(
        "shortfall",
        [sound, caught, lambda e: setattr(e, "shortfall", "too few boxes")],
        "inconclusive",
        "too few boxes",
    ),
    Case("numbers on a conjecture", [sound, caught], "supported", kind="conjecture"),
    Case(
        "proof of a conjecture",
        [lambda e: sound(e, "proof"), lambda e: caught(e, "proof")],
        "certified",
        kind="conjecture",
    ),
    Case("counterexample", [counterexample], "refuted"),
    Case("counterexample to a conjecture", [counterexample], "refuted", kind="conjecture"),
    Case("counterexample and correction", [counterexample, sound, caught], "corrected"),
    Case(
        "correction without control", [counterexample, sound], "inconclusive", "no negative control"
    ),
    Case(
        "correction fails",
        [counterexample, lambda e: e.check("close", **BAD["close"]), caught],
        "inconclusive",
        "failed: close",
    ),
    Case(
        "counterexample without hypotheses",
        [lambda e: e.violation("it breaks", "close", **GOOD["close"])],
        "inconclusive",
        "needs its hypotheses",
    ),
    Case(
        "correction without hypotheses",
        [lambda e: e.violation("it breaks", "close", **GOOD["close"]), sound, caught],
        "inconclusive",
        "needs its hypotheses",
    ),
    Case(
        "hypotheses not met",
        [lambda e: counterexample(e, holds=False)],
        "inconclusive",
        "failed: it meets the assumption",
    ),
    Case(
        "nothing is broken",
        [lambda e: counterexample(e, breaks=False)],
        "inconclusive",
        "failed: it breaks the claim",
    ),
    Case(
        "hypotheses of no counterexample",
        [sound, caught, lambda e: e.hypothesis("it meets", "bound", **GOOD["bound"])],
        "inconclusive",
        "breaks nothing",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict(case):
    gathered = evidence(case.kind)
    for step in case.steps:
        step(gathered)
    assert gathered.verdict() == case.verdict
    assert case.why in gathered.why()
    assert bool(gathered.why()) == (case.verdict == "inconclusive")


def test_every_verdict_is_reached():
    assert {case.verdict for case in CASES} == set(VERDICTS) - {"not tested"}


def test_a_comparison_is_made_once_and_must_be_listed():
    gathered = evidence()
    sound(gathered)
    with pytest.raises(UsageError, match="made twice"):
        sound(gathered)
    with pytest.raises(UsageError, match=r"no check 'closer' in claims.yml \(valid: close, "):
        gathered.check("closer", measured=1.0, expected=1.0)


# --- records --------------------------------------------------------------------------------


def refuse(name):
    raise AssertionError(f"{name} is not JSON")


def test_a_record_is_strict_json_whatever_was_measured():
    gathered = evidence()
    gathered.check("close", measured=torch.tensor([1.0, NAN]), expected=1.0, n=torch.tensor(7))
    gathered.check("often", interval=np.array([-INF, INF]), measured=np.float32(0.5), n=np.int64(7))
    gathered.check("bound", measured=np.array([INF]), n=7)
    gathered.check(
        "proof", certificate=SimpleNamespace(proved=True, boxes=np.int64(3), seconds=INF)
    )
    counterexample(gathered)
    caught(gathered)
    text = json.dumps(gathered.as_record(), allow_nan=False)
    record = json.loads(text, parse_constant=refuse)
    checks = {check["name"]: check for check in record["checks"]}
    assert checks["close"]["measured"] == "nan"
    assert checks["often"]["interval"] == ["-inf", "inf"]
    assert [checks[name]["n"] for name in ("close", "often", "bound")] == [7, 7, 7]
    assert record["verdict"] == "inconclusive" and record["why"] == "failed: close, bound"


def test_a_record_keeps_zero_and_false():
    gathered = evidence()
    gathered.check("close", measured=0.0, expected=0.0)
    gathered.check("bound", measured=2.0)
    first, second = gathered.as_record()["checks"]
    assert first["measured"] == 0.0 and first["expected"] == 0.0
    assert second["passed"] is False and "expected" not in second


def test_headline():
    gathered = evidence()
    sound(gathered, "aside")
    sound(gathered, "close")
    assert headline(gathered.as_record())["name"] == "close"
    counterexample(gathered)
    assert headline(gathered.as_record())["name"] == "it breaks the claim"
    assert headline(evidence().as_record()) == {}
