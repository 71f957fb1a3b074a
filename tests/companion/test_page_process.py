"""What the processes around a run load, and what they spare themselves."""

import subprocess
import sys

import pytest


def loaded(code: str) -> set[str]:
    """The modules that a fresh process has after `code`."""
    program = f"import sys\n{code}\nprint(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.split())


@pytest.mark.parametrize("name", ["cli", "worker", "page_process", "run"])
def test_the_processes_around_a_run_do_not_load_what_only_a_chapter_needs(name):
    found = loaded(f"import companion.{name}")
    assert found.isdisjoint({"companion.chapter", "numpy", "torch", "matplotlib", "nbformat"})


def test_the_package_offers_its_two_names_when_asked():
    found = loaded("from companion import Chapter, open_chapter\nassert open_chapter.__doc__")
    assert "companion.chapter" in found
    import companion

    with pytest.raises(AttributeError, match="'companion' has no attribute 'close"):
        companion.close_chapter  # noqa: B018


def test_sphinx_is_loaded_before_anything_is_built(tiny):
    folder = tiny.root / "page"
    code = (
        "import pathlib\n"
        "from companion import page_process as page\n"
        "from companion.project import find_project\n"
        f"folder = pathlib.Path({str(folder)!r}); folder.mkdir()\n"
        "page._lighten()\n"
        f"page._import_sphinx(page._stage_empty(find_project(), {tiny.chapter!r}, folder))\n"
    )
    found = loaded(code)
    assert {
        "sphinx_book_theme",
        "myst_nb.sphinx_ext",
        "sphinx_proof",
        "sphinx.domains.std",
    } <= found
    assert "sqlalchemy" not in found and not (folder / "_build").exists()


def test_the_page_process_ends_with_the_run(tiny):
    work = tiny.root / "work"
    work.mkdir()
    command = [sys.executable, "-m", "companion.page_process", str(work), tiny.chapter]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        told, _ = process.communicate(timeout=60)
    assert (process.returncode, told) == (0, b"")
