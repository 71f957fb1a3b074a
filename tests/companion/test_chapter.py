import json

import matplotlib.pyplot as plt
import pytest

from companion.chapter import Chapter, open_chapter
from companion.errors import UsageError
from companion.figures import read_cards

VALUES = {"seed": 3, "n": 10, "scale": 0.5, "loud": False, "device": "cpu", "levels": [0.1]}
TEXTS = {"caption": "A line.", "alt": "A straight line that rises from one to three."}


@pytest.fixture
def chapter(tiny, tmp_path):
    return Chapter(tiny.chapter, VALUES, tmp_path / "records", tiny.project)


def line():
    figure, axes = plt.subplots(figsize=(2, 1.5))
    axes.plot([1, 2], [1, 2])
    axes.set(xlabel="x", ylabel="y")
    return figure


def decide(chapter):
    evidence = chapter.claim("tian2017.sum")
    evidence.check("sum", measured=1.0, expected=1.0)
    evidence.control("one too many", "sum", measured=2.0, expected=1.0)
    return evidence


def stored(chapter, name):
    return json.loads((chapter.folder / name).read_text())


def test_a_chapter_records_its_verdicts(chapter, capsys):
    decide(chapter)
    chapter.verdicts()
    (record,) = stored(chapter, "verdicts.json")
    assert (record["id"], record["verdict"]) == ("tian2017.sum", "verified")
    assert stored(chapter, "numbers.json") == {}
    assert capsys.readouterr().out == "tian2017.sum  verified\n"


def test_an_inconclusive_verdict_says_why(chapter, capsys):
    chapter.claim("tian2017.sum").check("sum", measured=1.0, expected=1.0)
    chapter.verdicts()
    assert capsys.readouterr().out == "tian2017.sum  inconclusive: no negative control\n"


def test_a_claim_is_the_same_evidence_each_time(chapter):
    assert chapter.claim("tian2017.sum") is chapter.claim("tian2017.sum")


def test_a_claim_must_exist_and_belong_to_the_chapter(chapter):
    with pytest.raises(UsageError, match=r"unknown claim 'tian2017\.sun'; did you mean tian2017\."):
        chapter.claim("tian2017.sun")
    with pytest.raises(UsageError, match=r"tian2017\.later is decided by 'not yet', not by 'topic"):
        chapter.claim("tian2017.later")


def test_a_stored_table_is_read_as_numbers(chapter, tiny):
    file = tiny.project.notebooks / "topic" / "results" / "long.csv"
    file.parent.mkdir()
    file.write_text("n,share\n10,0.5\n20,1e-3\n")
    assert chapter.stored_table("long") == {"n": [10.0, 20.0], "share": [0.5, 1e-3]}
    for text in ("n,share\n10\n", "n\nten\n", ""):
        file.write_text(text)
        with pytest.raises(UsageError, match="topic/tiny: no table 'long' to read"):
            chapter.stored_table("long")
    with pytest.raises(UsageError, match="topic/tiny: no table 'short' to read"):
        chapter.stored_table("short")


def test_no_claim_of_the_chapter_is_passed_over(chapter):
    with pytest.raises(UsageError, match=r"topic/tiny says nothing on tian2017\.sum"):
        chapter.verdicts()
    assert not (chapter.folder / "verdicts.json").exists()


def test_a_chapter_without_claims_has_no_verdicts(tiny, tmp_path):
    chapter = Chapter("topic/other", VALUES, tmp_path / "records", tiny.project)
    with pytest.raises(UsageError, match=r"no claim of claims\.yml names topic/other"):
        chapter.verdicts()


def test_numbers(chapter):
    assert chapter.number("pi_squared", 9.8696, ".2f", tolerance=1e-9) == 9.8696
    chapter.number("third", 1 / 3)
    assert stored(chapter, "numbers.json") == {
        "pi_squared": {"value": 9.8696, "text": "9.87", "tolerance": 1e-9},
        "third": {"value": 1 / 3, "text": "0.333", "tolerance": None},
    }


@pytest.mark.parametrize("name", ["third", "Third", "3rd", "a-b", "", "a b", "a\n"])
def test_a_number_has_a_new_and_plain_name(chapter, name):
    chapter.number("third", 1 / 3)
    with pytest.raises(UsageError, match="malformed or recorded twice"):
        chapter.number(name, 1.0)
    assert list(stored(chapter, "numbers.json")) == ["third"]


def test_a_figure_goes_on_record_with_its_claims(chapter):
    evidence = decide(chapter)
    chapter.figure("fig-b", line(), data={"x": [1, 2]}, claims=["tian2017.sum"], **TEXTS)
    chapter.figure("fig-a", line(), data={"x": [1, 2]}, **TEXTS)
    first, second = read_cards(chapter.folder / "figures")
    assert (first["id"], first["claims"], first["chapter"]) == (
        *("fig-b", ["tian2017.sum"], "topic/tiny"),
    )
    assert (first["parameters"], first["seed"]) == (VALUES, 3)
    assert "(src " in first["code_version"] and second["claims"] == []
    assert evidence.as_record()["figures"] == ["fig-b"]
    assert plt.get_fignums() == []


def test_a_figure_is_drawn_once_and_for_claims_of_the_chapter(chapter):
    chapter.figure("fig-a", line(), data={"x": [1, 2]}, **TEXTS)
    with pytest.raises(UsageError, match="'fig-a' is drawn twice"):
        chapter.figure("fig-a", line(), data={"x": [1, 2]}, **TEXTS)
    with pytest.raises(UsageError, match="is decided by"):
        chapter.figure("fig-b", line(), data={"x": [1]}, claims=["tian2017.later"], **TEXTS)
    plt.close("all")


def test_a_refused_figure_may_be_mended(chapter):
    with pytest.raises(UsageError, match="alt text"):
        chapter.figure(
            "fig-a", line(), data={"x": [1]}, claims=["tian2017.sum"], caption="A", alt=""
        )
    chapter.figure("fig-a", line(), data={"x": [1]}, claims=["tian2017.sum"], **TEXTS)
    assert chapter.claim("tian2017.sum").figures == ["fig-a"]
    plt.close("all")


@pytest.mark.parametrize("data", [{}, {"x": [1], "y": []}])
def test_without_pictures_the_rules_are_the_same(tiny, tmp_path, data):
    chapter = Chapter(tiny.chapter, VALUES, tmp_path / "records", tiny.project, pictures=False)
    with pytest.raises(UsageError, match="equally long"):
        chapter.figure("fig-a", line(), data=data, **TEXTS)
    with pytest.raises(UsageError, match="alt text"):
        chapter.figure("fig-b", line(), data={"x": [1]}, caption="A", alt="")
    chapter.figure("fig-c", line(), data={"x": [1]}, **TEXTS)
    assert not (chapter.folder / "figures").exists()
    plt.close("all")


def test_the_device_goes_on_record(chapter):
    assert chapter.device() == "cpu"
    assert stored(chapter, "device.json") == "cpu"


def test_a_device_that_is_not_there_is_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for device, words in (("cuda", "has no CUDA device"), ("tpu", "is not one of auto | cpu")):
        values = VALUES | {"device": device}
        chapter = Chapter(tiny.chapter, values, tmp_path / "records", tiny.project)
        with pytest.raises(UsageError) as refusal:
            chapter.device()
        assert words in str(refusal.value)
    auto = Chapter(tiny.chapter, VALUES | {"device": "auto"}, tmp_path / "records", tiny.project)
    assert auto.device() == "cpu"


def test_open_chapter_takes_what_the_notebook_holds(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("COMPANION_OUTPUT", str(tmp_path / "there"))
    chapter = open_chapter(tiny.chapter, VALUES | {"other": 1})
    assert (chapter.parameters, chapter.folder) == (VALUES, tmp_path / "there")
    monkeypatch.delenv("COMPANION_OUTPUT")
    folder = tiny.project.output / "interactive" / tiny.chapter
    assert open_chapter(tiny.chapter, VALUES).folder == folder
    assert tiny.state().state == "never run"
    with pytest.raises(UsageError, match="run the parameters cell first: n, levels not set"):
        open_chapter(tiny.chapter, {k: v for k, v in VALUES.items() if k not in ("n", "levels")})
    with pytest.raises(UsageError, match="unknown chapter 'topic/tin'; did you mean topic/tiny"):
        open_chapter("topic/tin", VALUES)
