import re

import pytest
import yaml

from companion.claims import KINDS, NOT_YET, PAPERS, TESTS, get_claim, read_claims
from companion.errors import UsageError

# The statements, figures and tables that the five papers number, by paper.
INVENTORY = {
    "lightman2026": """
        rem2.1 asm2.3 prop2.4 thm3.1 thm3.1ext rem3.2 thm4.1 rem4.2 eq13 lem5.1 thm5.2 thm5.3
        rem5.4 cor6.1 rem6.2 sec7.3i sec7.3ii sec7.4-2 sec7.4-3
    """,
    "linear2025": """
        eq5 eq6 eq8 eq9 a4 appC fig1 lem3 lem4 fig6 lem5 thm1 appD fig5 sec4.1 fig2 fig4 thm6
        fig3 thm2 lem7 lem8 lem9 lem10 lem11 fig9
    """,
    "tian2017": """
        thm1 eq6 eq7 eq8 thm2 eq9 prop1 thm3 sec5.3 conj1 thm4 thm5 thm6 eq16 eq17 thm7
        thm7saddle conj2 prop2 fig5 fig7 fig8 fig9 fig10
    """,
    "chen2024": """
        eq1.2 thm3.1 thm3.1snr scaling thm3.2value thm3.2rate thm3.2min thm3.2deg thm3.2inv
        eq3.31 thm3.3 def3.4 thm3.5 rem3.6 fig1 fig2
    """,
    "dana2025": """
        lem1 lem2 lem5 lem6 thm1 lem3 cor1 lem7 prop1 prop2 lem4 thm2 conj1 prop3 c2 fig1 fig2
        fig3 fig4 fig5
    """,
}

IDS = [f"{paper}.{name}" for paper, names in INVENTORY.items() for name in names.split()]

GOOD = {
    "id": "tian2017.sum",
    "paper": "tian2017",
    "number": "Theorem 0",
    "title": "Sums",
    "kind": "identity",
    "statement": "The sum of ones.",
    "chapter": "topic/tiny",
    "checks": {"sum": {"within": 1e-12, "meaning": "sum against n"}},
}


def entry(**changes):
    """A good entry, changed; None removes a field."""
    merged = GOOD | changes
    return {key: value for key, value in merged.items() if value is not None}


def with_check(**check):
    return entry(checks={"sum": check})


def read(tmp_path, *entries, text=None):
    file = tmp_path / "claims.yml"
    file.write_text(yaml.safe_dump(list(entries)) if text is None else text)
    return read_claims(file)


REFUSALS = [
    *((entry(**{key: None}), f": no {key}") for key in ("number", "title", "statement", "chapter")),
    (entry(title=""), "no title"),
    (entry(kind=None), "kind None is not one of identity, "),
    (entry(kind="theorem"), "kind 'theorem' is not one of"),
    (entry(kind=["identity"]), "is not one of"),
    (entry(paper="knuth1997"), "does not fit the id"),
    (entry(paper="chen2024"), "paper 'chen2024' does not fit the id"),
    (entry(id="tian2017"), "does not fit the id"),
    (entry(proof="trivial"), "unknown key 'proof'"),
    (entry(checks=["sum"]), "checks is not a mapping"),
    (entry(checks={"sum": 1e-12}), "check 'sum' is not a mapping"),
    (with_check(meaning="m"), "needs exactly one of within, "),
    (with_check(meaning="m", within=1, relative=1), "needs exactly one of"),
    (with_check(meaning="m", inside=1), "unknown key 'inside'"),
    (with_check(meaning="m", within="1e-12"), "within needs a finite number, not '1e-12'"),
    (with_check(meaning="m", within=True), "within needs a finite number, not True"),
    (with_check(meaning="m", within=None), "within needs a finite number, not None"),
    (with_check(meaning="m", within=float("inf")), "within needs a finite number, not inf"),
    (with_check(meaning="m", at_least=float("nan")), "at_least needs a finite number, not nan"),
    (with_check(meaning="m", equal=3), "write 'equal: true'"),
    (with_check(meaning="m", equal=False), "write 'equal: true'"),
    (with_check(meaning="m", certificate="yes"), "write 'certificate: true'"),
    (with_check(meaning="m", interval_holds=False), "write 'interval_holds: true'"),
    (with_check(meaning="m", interval_above=float("inf")), "write 'interval_above: true'"),
    (with_check(within=1), "has no meaning"),
    (with_check(meaning="m", within=1, deciding="no"), "deciding is true or false, not 'no'"),
    (with_check(meaning="m", within=1, statistical=1), "statistical is true or false, not 1"),
    ({"paper": "tian2017"}, "an entry without id"),
    ("tian2017.sum", "an entry without id"),
]


@pytest.mark.parametrize(("raw", "words"), REFUSALS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_rule_is_kept(tmp_path, raw, words):
    with pytest.raises(UsageError) as refusal:
        read(tmp_path, raw)
    assert sum(words in line for line in refusal.value.lines) == 1, refusal.value.lines
    assert all(line.startswith("claims.yml: ") for line in refusal.value.lines)


def test_all_problems_are_told_at_once(tmp_path):
    with pytest.raises(UsageError) as refusal:
        read(tmp_path, entry(title=None), GOOD, entry(kind="x"))
    told = "\n".join(refusal.value.lines)
    assert "no title" in told and "kind 'x'" in told and told.count("listed twice") == 2


@pytest.mark.parametrize("text", ["{a: 1}", "", "just words", "[1, 2", "- id: [}", "- &a *a"])
def test_a_file_that_is_no_list_of_claims_is_refused(tmp_path, text):
    with pytest.raises(UsageError, match=r"claims\.yml"):
        read(tmp_path, text=text)


def test_a_threshold_given_twice_is_refused(tmp_path):
    text = yaml.safe_dump([GOOD]) + "  checks: {sum: {within: 1.0e+9, meaning: m}}\n"
    with pytest.raises(UsageError, match="'checks' stands twice"):
        read(tmp_path, text=text)


def test_what_a_good_entry_says(tmp_path):
    checks = {
        "a": {"within": 1, "meaning": "m"},
        "b": {"at_most": 5.0, "statistical": True, "deciding": False, "meaning": "m"},
        "c": {"interval_holds": 0.5, "meaning": "m"},
        "d": {"interval_above": True, "meaning": "m"},
        "e": {"certificate": True, "meaning": "m"},
        "f": {"equal": True, "meaning": "m"},
    }
    claim = read(tmp_path, entry(checks=checks), entry(id="tian2017.b", checks=None))[GOOD["id"]]
    rules = [claim.rule(name) for name in "abcdef"]
    assert [r.strength for r in rules] == [
        *("numerical", "statistical", "statistical", "statistical", "exact", "numerical")
    ]
    assert [r.threshold for r in rules] == [1.0, 5.0, 0.5, None, None, None]
    assert [r.deciding for r in rules] == [True, False, True, True, True, True]
    with pytest.raises(UsageError, match=r"no check 'g' in claims.yml \(valid: a, b, c"):
        claim.rule("g")


def test_an_unknown_claim_is_named_with_the_nearest(tmp_path):
    claims = read(tmp_path, GOOD)
    with pytest.raises(UsageError, match=r"'tian2017\.sun'; did you mean tian2017\.sum"):
        get_claim(claims, "tian2017.sun")
    with pytest.raises(UsageError, match=r"'zzz'$"):
        get_claim(claims, "zzz")


# --- the real list --------------------------------------------------------------------------


def test_the_list_holds_the_whole_inventory(book):
    claims = read_claims(book.claims_file)
    assert len(IDS) == len(set(IDS)) == 105
    assert not set(IDS) - set(claims)
    assert {claim.paper for claim in claims.values()} == set(PAPERS)
    assert {claim.kind for claim in claims.values()} <= set(KINDS)
    assert {rule.test for claim in claims.values() for rule in claim.checks.values()} <= set(TESTS)


def test_claims_name_chapters_that_exist(book):
    claims = read_claims(book.claims_file).values()
    named = {claim.chapter for claim in claims} - {NOT_YET}
    assert named <= set(book.chapters())


def test_every_chapter_decides_a_claim(book):
    claims = read_claims(book.claims_file).values()
    assert set(book.chapters()) <= {claim.chapter for claim in claims}


def test_a_claim_with_a_chapter_has_a_check_that_decides_it(book):
    owned = [c for c in read_claims(book.claims_file).values() if c.chapter != NOT_YET]
    assert owned
    for claim in owned:
        assert any(rule.deciding for rule in claim.checks.values()), claim.id


def test_a_chapter_looks_at_its_own_claims_and_at_no_others(book):
    for chapter in book.chapters():
        text = book.source_file(chapter).read_text(encoding="utf-8")
        owned = {c.id for c in read_claims(book.claims_file).values() if c.chapter == chapter}
        for name in owned:
            assert f'chapter.claim("{name}")' in text, f"{chapter} never opens {name}"
        opened = set(re.findall(r'chapter\.claim\("([^"]+)"\)', text))
        assert opened == owned
