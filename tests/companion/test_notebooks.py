import copy
import json
from pathlib import Path

import nbformat
import pytest

from companion.notebooks import (
    VERDICTS_MIME,
    chapter_title,
    pair_from_run,
    pair_problems,
    read_source,
    write_pair,
)
from companion.project import Project

REAL_CHAPTERS = Project(Path(__file__).resolve().parents[2]).chapters()
PICTURE = "iVBORw0KGgo="


@pytest.fixture
def source(tiny):
    return read_source(tiny.project.source_file(tiny.chapter))


@pytest.fixture
def ran(finished):
    return nbformat.read(finished.state().folder / "notebook.ipynb", as_version=4)


def problems(tiny) -> list[str]:
    return pair_problems(
        tiny.project.source_file(tiny.chapter), tiny.project.pair_file(tiny.chapter)
    )


def paired(tiny, source, ran):
    pair = pair_from_run(source, ran)
    write_pair(tiny.project.pair_file(tiny.chapter), pair)
    return pair


def test_a_source_is_read(source, tiny):
    assert [cell["id"] for cell in source.cells] == [f"tiny-{n:03d}" for n in range(1, 6)]
    assert [cell.cell_type for cell in source.cells] == [
        *("markdown", "code", "code", "markdown", "code")
    ]
    assert [cell.metadata.get("tags", []) for cell in source.cells] == [
        *([], ["parameters"], [], [], ["nbval-check-output"])
    ]
    nbformat.validate(source)
    assert chapter_title(tiny.source) == "A tiny chapter"
    assert chapter_title("x = 1\n") == "untitled"


def test_ids_are_valid_however_long_the_name_is(tiny):
    file = tiny.project.source_file(tiny.chapter)
    longer = file.with_name(f"{'a_long_name_' * 12}.py")
    longer.write_text(tiny.source)
    notebook = read_source(longer)
    nbformat.validate(notebook)
    assert len({cell["id"] for cell in notebook.cells}) == len(notebook.cells)


def test_a_pair_has_the_source_and_its_text_outputs(finished, source, ran):
    pair = paired(finished, source, ran)
    assert [cell["id"] for cell in pair.cells] == [cell["id"] for cell in source.cells]
    assert [cell.source for cell in pair.cells] == [cell.source for cell in source.cells]
    assert pair.cells[2].outputs[0].text == "sum 10\n"
    assert pair.cells[4].outputs[0].data == {
        "text/plain": "tian2017.sum  verified",
        VERDICTS_MIME: {"chapter": "topic/tiny"},
    }
    assert problems(finished) == []
    text = finished.project.pair_file(finished.chapter).read_text()
    assert "papermill" not in text and str(finished.root) not in text
    assert text.endswith("}\n") and not text.endswith("\n\n")
    stored = json.loads(text)
    # nbval takes a cell without a number for one that was never run.
    counts = [cell["execution_count"] for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    nbformat.validate(nbformat.from_dict(stored))


def test_pictures_warnings_and_counters_are_dropped(source, ran):
    both = {"text/plain": "<Figure>", "image/png": PICTURE, "application/x+json": {}}
    new = nbformat.v4.new_output
    ran.cells[3].outputs = [
        new("display_data", both, metadata={"needs_background": "light"}),
        new("display_data", {"image/png": PICTURE}),
        new("execute_result", {"text/plain": "3", "text/html": "<b>3</b>"}, execution_count=9),
        new("stream", name="stderr", text="a warning"),
        new("stream", name="stdout", text="said"),
    ]
    kept = pair_from_run(source, ran).cells[2].outputs
    assert [output.get("data", output.get("text")) for output in kept] == [
        {"text/plain": "<Figure>"},
        {"text/plain": "3"},
        "said",
    ]
    assert kept[0].metadata == {} and kept[1].execution_count == 2
    assert "image/png" in ran.cells[3].outputs[0].data  # the run itself is left as it was


def test_a_pair_is_stable_to_the_byte(finished, source, ran):
    file = finished.project.pair_file(finished.chapter)
    assert write_pair(file, pair_from_run(source, ran)) is True
    before, when = file.read_bytes(), file.stat().st_mtime_ns
    assert write_pair(file, pair_from_run(source, ran)) is False
    again = nbformat.read(file, as_version=4)
    assert write_pair(file, pair_from_run(source, again)) is False
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (before, when)
    assert not [path for path in file.parent.iterdir() if path.name.startswith(".")]


def test_a_run_of_another_source_makes_no_pair(source, ran):
    other = copy.deepcopy(source)
    other.cells[2].source += "\n"
    with pytest.raises(ValueError, match="other cells than the source"):
        pair_from_run(other, ran)
    ran.cells.pop()
    with pytest.raises(ValueError, match="other cells than the source"):
        pair_from_run(source, ran)


def test_a_missing_pair_is_told(tiny):
    assert problems(tiny) == ["topic/tiny: no .ipynb (make it with: companion pair topic/tiny)"]


EDITS = {
    "code": ("print(", "print( "),
    "prose": ("The total is", "The sum is"),
    "tag": ('tags=["parameters"]', 'tags=["parameters", "hide-input"]'),
    "kind": ("# %% [markdown]\n# The total", "# %%\n# The total"),
    "a cell more": ("# The total", "# A word.\n\n# %% [markdown]\n# The total"),
}


@pytest.mark.parametrize("what", EDITS)
def test_a_drift_is_noticed(finished, source, ran, what):
    paired(finished, source, ran)
    old, new = EDITS[what]
    assert old in finished.source
    text = finished.source.replace(old, new)
    finished.project.source_file(finished.chapter).write_text(text)
    (problem,) = problems(finished)
    assert problem.startswith("topic/tiny: .py and .ipynb differ")


def test_a_cell_to_compare_must_have_an_output(finished, source, ran):
    ran.cells[-1].outputs = []
    paired(finished, source, ran)
    assert problems(finished) == ["topic/tiny: cell 5 is to be compared but has no stored output"]


def test_a_stored_picture_is_noticed(finished, source, ran):
    pair = paired(finished, source, ran)
    picture = nbformat.v4.new_output("display_data", {"image/png": PICTURE, "text/plain": "x"})
    pair.cells[2].outputs.append(picture)
    write_pair(finished.project.pair_file(finished.chapter), pair)
    assert problems(finished) == ["topic/tiny: cell 3 stores image/png"]


@pytest.mark.parametrize("chapter", REAL_CHAPTERS)
def test_the_real_pairs_have_no_problems(book, chapter):
    assert pair_problems(book.source_file(chapter), book.pair_file(chapter)) == []


def test_no_pair_without_a_source(book):
    pairs = {f"{p.parent.name}/{p.stem}" for p in book.notebooks.glob("[!.]*/[!.]*.ipynb")}
    assert pairs <= set(book.chapters()) == set(REAL_CHAPTERS)
