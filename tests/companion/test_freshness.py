import json
import shutil

import pytest

from companion import freshness
from companion.errors import UsageError
from companion.freshness import (
    chapter_state,
    failure_folder,
    finished_runs,
    ingredients,
    prune,
    read_run,
    run_key,
    store,
)
from companion.project import Project, code_version, digest, find_project, source_hash

VALUES = {"seed": 1}


def pretend_run(tiny, name: str, finished: str) -> None:
    """A finished run under another key."""
    folder = store(tiny.project, tiny.chapter) / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"finished": finished, "ingredients": {}}))


def rewrite(tiny, name: str, old: str, new: str) -> None:
    file = tiny.root / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_never_run_then_fresh(tiny, executed):
    assert (tiny.state().state, tiny.state().folder) == ("never run", None)
    shutil.copytree(executed, tiny.project.output)
    state = tiny.state()
    assert (state.state, state.reason, state.folder.name) == ("fresh", "", state.key)


SOURCE = "notebooks/topic/tiny.py"
CHANGES = {
    "source": (SOURCE, 'print("sum", n)', 'print("total", n)'),
    "a comment": (SOURCE, "the total", "The total"),
    "src": ("src/mathematics/sums.py", "ONE = 1", "ONE = 2"),
    "versions": ("requirements.lock", "numpy==2.4.6", "numpy==2.4.7"),
    "claims": ("claims.yml", "within: 1.0e-12", "within: 1.0e-9"),
    "source, parameters": (SOURCE, "n: int = 10 ", "n: int = 11 "),
}


@pytest.mark.parametrize("what", [what for what in CHANGES if what != "a comment"])
def test_a_change_makes_it_stale_and_is_named(finished, what):
    before = finished.state()
    name, old, new = CHANGES[what]
    rewrite(finished, name, old, new)
    state = finished.state()
    assert (state.state, state.reason) == ("stale", f"changed: {what}")
    assert state.folder == before.folder and state.key != before.key
    rewrite(finished, name, new, old)
    assert finished.state().state == "fresh"


def test_another_profile_is_other_parameters(finished):
    state = chapter_state(finished.project, finished.chapter, "paper")
    assert (state.state, state.reason) == ("stale", "changed: parameters")
    assert state.parameters["n"] == 100
    with pytest.raises(UsageError, match="unknown profile"):
        chapter_state(finished.project, finished.chapter, "papr")


def test_other_installed_versions_make_it_stale(finished, monkeypatch):
    monkeypatch.setattr(freshness, "installed_versions", lambda: {"torch": "0.0"})
    assert finished.state().reason == "changed: versions"


def test_files_of_src_count_by_name_and_content(finished):
    new = finished.root / "src" / "mathematics" / "new.py"
    new.write_text("")
    assert finished.state().state == "fresh"  # nobody imports it
    new.unlink()
    for litter in ("mathematics/__pycache__/sums.pyc", "it.egg-info/PKG-INFO"):
        file = finished.root / "src" / litter
        file.parent.mkdir()
        file.write_text("x")
    assert finished.state().state == "fresh"
    moved = finished.root / "src" / "mathematics" / "sums.py"
    moved.rename(moved.with_name("more.py"))
    assert finished.state().reason == "changed: src"


def test_what_others_claim_does_not_count(finished):
    rewrite(finished, "claims.yml", "Nobody looks at this one yet.", "Somebody may.")
    rewrite(finished, "CITATION.cff", "0.0.1", "0.0.2")
    assert finished.state().state == "fresh"


def test_every_ingredient_sets_the_key(tiny):
    parts = ingredients(tiny.project, tiny.chapter, VALUES)
    assert set(parts) == {"source", "parameters", "src", "claims", "versions"}
    keys = {run_key(parts)} | {run_key(parts | {name: "other"}) for name in parts}
    assert len(keys) == 1 + len(parts)
    assert ingredients(tiny.project, tiny.chapter, {"seed": 2})["parameters"] != parts["parameters"]


def test_a_table_that_the_source_names_is_an_ingredient(tiny):
    source = tiny.project.source_file(tiny.chapter)
    table = tiny.project.table_file(tiny.chapter, "long")
    table.parent.mkdir()
    table.write_text("n\n1\n")
    assert "tables" not in ingredients(tiny.project, tiny.chapter, VALUES)
    source.write_text(source.read_text() + '\nrows = chapter.stored_table("long")\n')
    first = ingredients(tiny.project, tiny.chapter, VALUES)
    table.write_text("n\n2\n")
    second = ingredients(tiny.project, tiny.chapter, VALUES)
    assert first["tables"] != second["tables"] and run_key(first) != run_key(second)
    table.unlink()
    assert "tables" not in ingredients(tiny.project, tiny.chapter, VALUES)


def test_a_failure_counts_as_long_as_nothing_changed(finished):
    rewrite(finished, *CHANGES["source"])
    folder = failure_folder(finished.project, finished.chapter)
    folder.mkdir(parents=True)
    record = {"key": finished.state().key, "error": "cell 3: ValueError: no"}
    (folder / "failure.json").write_text(json.dumps(record))
    assert (finished.state().state, finished.state().reason) == ("failed", record["error"])
    (folder / "failure.json").write_text(json.dumps(record | {"key": "another"}))
    assert finished.state().state == "stale"
    (folder / "failure.json").write_text('{"key": ')
    assert finished.state().state == "stale"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"finished": ""}', '"finished"'])
def test_a_record_that_names_no_end_is_no_run(finished, text):
    folder = finished.state().folder
    (folder / "run.json").write_text(text)
    assert read_run(folder) is None and finished.state().state == "never run"


def test_a_hidden_folder_is_no_run(finished):
    folder = finished.state().folder
    folder.rename(folder.with_name(f".run-{folder.name}"))
    assert finished.state().state == "never run"


def test_pruning_keeps_the_newest(finished):
    for number in range(4):
        pretend_run(finished, f"old{number}", f"2001-01-0{number + 1}")
    pretend_run(finished, "newest", "2999-01-01")
    prune(finished.project, finished.chapter)
    names = [folder.name for folder, _ in finished_runs(finished.project, finished.chapter)]
    assert names == ["newest", finished.state().key]
    assert not [name for name in finished.tree() if "/old" in name or "/.run-" in name]


def test_a_deletion_cut_short_leaves_no_half_result(finished, monkeypatch):
    for number in range(3):
        pretend_run(finished, f"new{number}", f"2999-01-0{number + 1}")
    monkeypatch.setattr(freshness.shutil, "rmtree", lambda *_, **__: None)
    prune(finished.project, finished.chapter)
    names = [folder.name for folder, _ in finished_runs(finished.project, finished.chapter)]
    assert names == ["new2", "new1"] and finished.state().state == "stale"


# --- the checkout ---------------------------------------------------------------------------


def test_chapters_are_the_visible_sources(tiny):
    for name in (".#tiny.py", "notes.txt", "tiny.ipynb", "deeper/x.py"):
        file = tiny.project.notebooks / "topic" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    (tiny.project.notebooks / ".hidden").mkdir()
    (tiny.project.notebooks / ".hidden" / "x.py").write_text("")
    assert tiny.project.chapters() == [tiny.chapter]


@pytest.mark.parametrize("name", ["topic/tin", "../topic/tiny", "topic/tiny.py", "", "/etc/passwd"])
def test_an_unknown_chapter_is_refused(tiny, name):
    with pytest.raises(UsageError, match=r"unknown chapter .*\(valid: topic/tiny\)") as refusal:
        tiny.project.source_file(name)
    assert ("did you mean topic/tiny?" in str(refusal.value)) == (name not in ("", "/etc/passwd"))


def test_find_project(tiny, monkeypatch, tmp_path):
    assert find_project() == Project(tiny.root)
    monkeypatch.setenv("COMPANION_ROOT", str(tmp_path))
    find_project.cache_clear()
    with pytest.raises(UsageError, match="no checkout of the book"):
        find_project()
    monkeypatch.delenv("COMPANION_ROOT")
    monkeypatch.chdir(tiny.root / "src" / "mathematics")
    find_project.cache_clear()
    assert find_project() == Project(tiny.root)


def test_find_project_falls_back_to_the_package(tiny, monkeypatch, tmp_path, book):
    monkeypatch.delenv("COMPANION_ROOT")
    monkeypatch.chdir(tmp_path)
    find_project.cache_clear()
    assert find_project() == book


def test_digest_tells_where_texts_end():
    assert len({digest(texts) for texts in (["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""])}) == 4
    assert digest(["a"]) == digest([b"a"])


def test_code_version(tiny, monkeypatch, book):
    assert f"(src {source_hash(tiny.project)[:12]})" in code_version(tiny.project)
    assert "+" not in code_version(tiny.project)
    (tiny.root / ".git").mkdir()  # not a repository that git could read
    assert "+" not in code_version(tiny.project)
    monkeypatch.setenv("PATH", "")
    assert f"(src {source_hash(book)[:12]})" in code_version(book)
