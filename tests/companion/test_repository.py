"""Rules that the repository keeps: versions, addresses, contents."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from jaxtyping import TypeCheckError
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from companion.build import check_toc
from companion.claims import PAPERS
from companion.errors import UsageError
from companion.project import toc_files


@pytest.fixture(scope="module")
def pyproject(book):
    return tomllib.loads((book.root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tracked(book) -> list[Path]:
    """All text files under version control."""
    asked = subprocess.run(
        ["git", "-C", str(book.root), "ls-files", "-z"], capture_output=True, check=False
    )
    if asked.returncode:
        pytest.skip("not a git checkout: there is no list of tracked files")
    files = [book.root / name for name in asked.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file() and b"\0" not in file.read_bytes()]


def read_yaml(file: Path):
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def pins(book) -> dict[str, set[str]]:
    """The versions that the lock gives each package (there may be one a Python version)."""
    found: dict[str, set[str]] = {}
    for line in book.lock_file.read_text(encoding="utf-8").splitlines():
        if line and not line.lstrip().startswith("#"):
            pin = Requirement(line)
            (specifier,) = pin.specifier
            assert specifier.operator == "==", line
            found.setdefault(canonicalize_name(pin.name), set()).add(specifier.version)
    return found


def direct(pyproject) -> list[Requirement]:
    groups = pyproject["project"]["optional-dependencies"]
    lines = [*pyproject["project"]["dependencies"], *groups["book"], *groups["test"]]
    return [Requirement(line) for line in lines]


def test_every_direct_dependency_is_pinned_to_a_version_that_suits(book, pyproject):
    locked = pins(book)
    for requirement in direct(pyproject):
        versions = locked.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement.name} is not in requirements.lock"
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_the_conda_environment_is_the_same(book, pyproject):
    environment = read_yaml(book.root / "environment.yml")
    assert environment["name"] == pyproject["project"]["name"]
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (python,) = [entry for entry in plain if entry.startswith("python")]
    wanted = SpecifierSet(pyproject["project"]["requires-python"])
    assert SpecifierSet(python.removeprefix("python")) == wanted
    (by_pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    # Nothing is listed a second time: both lines refer to the files that say it.
    assert by_pip == ["-c requirements.lock", "-e .[book,test]"]


def test_the_makefile_supports_the_same_pythons(book, pyproject):
    makefile = (book.root / "Makefile").read_text(encoding="utf-8")
    low, high = re.search(
        r"\((3, \d+)\) <= sys\.version_info\[:2\] <= \((3, \d+)\)", makefile
    ).groups()
    wanted = SpecifierSet(pyproject["project"]["requires-python"])
    (first, last) = (text.replace(", ", ".") for text in (low, high))
    assert first in wanted and last in wanted
    before, after = (f"3.{int(text[2:]) + step}" for text, step in ((first, -1), (last, 1)))
    assert before not in wanted and after not in wanted


def test_the_citation_file(book, pyproject):
    citation = read_yaml(book.root / "CITATION.cff")
    needed = {"cff-version", "message", "title", "authors", "version", "date-released", "license"}
    assert needed <= set(citation)
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["version"] == pyproject["project"]["version"]
    assert citation["license"] == pyproject["project"]["license"]
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(citation["date-released"]))
    assert citation["title"] == read_yaml(book.root / "_config.yml")["title"]
    assert all(author.get("name") for author in citation["authors"])


def test_the_change_log_knows_the_version(book, pyproject):
    text = (book.root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {pyproject['project']['version']}" in text


def test_every_chapter_is_in_the_table_of_contents_once(book):
    check_toc(book)
    listed = toc_files(book)
    assert len(listed) == len(set(listed))
    pages = {file.stem for file in book.book.glob("*.md")} - {"404"}
    pages |= {"ledger", "gallery", "status", "errata", "benchmarks"}
    pages |= {f"{kind}/{paper}" for kind in ("papers", "errata") for paper in PAPERS}
    assert set(listed) == pages | set(book.chapters())


def test_pages_list_the_papers_in_the_order_of_the_table_of_contents(book):
    listed = [name.removeprefix("papers/") for name in toc_files(book) if "papers/" in name]
    assert list(PAPERS) == listed


def test_a_chapter_missing_or_listed_twice_is_refused(tiny):
    check_toc(tiny.project)
    toc = tiny.root / "_toc.yml"
    good = toc.read_text()
    for text, count in ((good + "- file: topic/tiny\n", 2), (good.replace("tiny", "x"), 0)):
        toc.write_text(text)
        with pytest.raises(UsageError, match=f"lists topic/tiny {count} times; once is right"):
            check_toc(tiny.project)


# Built from parts, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile(
    "|".join(rf"(?<![\w.}}])/{top}/[\w.]" for top in ("work", "home", "root", "Users", "tmp"))
    + r"|(?<!\w)[A-Z]:\\\\?Users"
)
OTHER_HOSTS = re.compile(r"https?://(?:[\w.-]*pypi|download\.pytorch|files\.pythonhosted)[\w./-]*")


def test_the_patterns_find_what_they_should():
    assert MACHINE_PATHS.search("see /ho" + "me/ada/x") and not MACHINE_PATHS.search("a/home/x")
    assert not MACHINE_PATHS.search("$(HOME)/x ~/x {root}/tmp") and OTHER_HOSTS.search(
        "https://" + "pypi.org/simple"
    )


def test_no_file_names_a_place_on_somebodys_machine(book, tracked):
    found = []
    for file in tracked:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if MACHINE_PATHS.search(line) or OTHER_HOSTS.search(line):
                found.append(f"{file.relative_to(book.root)}:{number}: {line.strip()[:80]}")
    assert not found


def test_nothing_generated_is_tracked(book, tracked):
    names = [file.relative_to(book.root).as_posix() for file in tracked]
    generated = ("_build/", "_output/", "_runs/", ".venv/")
    assert not [name for name in names if name.startswith(generated) or "__pycache__" in name]


def test_text_files_end_with_one_line_end(book, tracked):
    for file in tracked:
        text = file.read_bytes()
        assert not text or (text.endswith(b"\n") and not text.endswith(b"\n\n")), file
        assert b"\r" not in text, file


def test_shapes_in_signatures_are_checked_while_testing():
    from shallow_relu.kernels import angle

    with pytest.raises(TypeCheckError):
        angle("no tensor", "at all")
