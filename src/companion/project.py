"""Where things lie in a checkout of the book."""

from __future__ import annotations

import difflib
import functools
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from companion.errors import UsageError

ROOT_VARIABLE = "COMPANION_ROOT"
OUTPUT_VARIABLE = "COMPANION_OUTPUT"  # where a run's records go


@dataclass(frozen=True)
class Project:
    """The paths of one checkout.

    Attributes:
        root: the folder that holds `claims.yml` and `notebooks/`.
    """

    root: Path

    @property
    def claims_file(self) -> Path:
        """The list of all claims."""
        return self.root / "claims.yml"

    @property
    def lock_file(self) -> Path:
        """The pinned versions of all dependencies."""
        return self.root / "requirements.lock"

    @property
    def notebooks(self) -> Path:
        """The chapters' sources, one folder a topic."""
        return self.root / "notebooks"

    @property
    def book(self) -> Path:
        """The prose pages."""
        return self.root / "book"

    @property
    def output(self) -> Path:
        """Executed chapters, as the build uses them."""
        return self.root / "_output"

    @property
    def runs(self) -> Path:
        """Executed chapters, as readers asked for them."""
        return self.root / "_runs"

    @property
    def build(self) -> Path:
        """The staged sources and the site."""
        return self.root / "_build"

    @property
    def html(self) -> Path:
        """The finished site."""
        return self.build / "html"

    def chapters(self) -> list[str]:
        """The names of all chapters, such as `teacher_student/population_gradient`, sorted."""
        files = self.notebooks.glob("[!.]*/[!.]*.py")
        return sorted(f"{file.parent.name}/{file.stem}" for file in files)

    def source_file(self, chapter: str) -> Path:
        """The text source of a chapter.

        Raises:
            UsageError: there is no such chapter; the line names the nearest ones.
        """
        known = self.chapters()
        if chapter not in known:
            near = difflib.get_close_matches(chapter, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"unknown chapter {chapter!r}{hint} (valid: {', '.join(known)})")
        return self.notebooks / f"{chapter}.py"

    def pair_file(self, chapter: str) -> Path:
        """The committed `.ipynb` of a chapter, which need not exist yet."""
        return self.source_file(chapter).with_suffix(".ipynb")

    def table_file(self, chapter: str, name: str) -> Path:
        """A committed table of measurements that are too long for a chapter to repeat."""
        return self.source_file(chapter).parent / "results" / f"{name}.csv"

    def table_files(self, chapter: str) -> list[Path]:
        """The tables that a chapter's source names and that are there."""
        source = self.source_file(chapter).read_text(encoding="utf-8")
        names = sorted(set(re.findall(r"stored_table\(\s*\"([a-z0-9_]+)\"", source)))
        files = [self.table_file(chapter, name) for name in names]
        return [file for file in files if file.is_file()]


@functools.cache
def find_project() -> Project:
    """The checkout that holds the working folder, or else the one that this package lies in.

    The environment variable `COMPANION_ROOT` takes precedence.

    Raises:
        UsageError: none of them is a checkout of the book.
    """
    named = os.environ.get(ROOT_VARIABLE)
    here = Path.cwd()
    places = [Path(named)] if named else [here, *here.parents, *Path(__file__).parents]
    for place in places:
        if (place / "claims.yml").is_file() and (place / "notebooks").is_dir():
            return Project(place.resolve())
    raise UsageError(f"no checkout of the book (a folder with claims.yml) at or above {places[0]}")


def digest(texts: Iterable[str | bytes]) -> str:
    """A hash of several texts and of where one ends and the next begins."""
    total = hashlib.sha256()
    for text in texts:
        data = text.encode() if isinstance(text, str) else text
        total.update(f"{len(data)}:".encode() + data)
    return total.hexdigest()


def digest_files(root: Path, files: Iterable[Path]) -> str:
    """A hash of the names (below `root`) and the contents of some files."""
    parts: list[str | bytes] = []
    for file in sorted(files):
        parts += [file.relative_to(root).as_posix(), file.read_bytes()]
    return digest(parts)


def source_files(project: Project) -> list[Path]:
    """The files of `src/`, without what Python and installers leave there."""
    return sorted(
        file
        for file in (project.root / "src").rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        and not any(part.endswith(".egg-info") for part in file.parts)
    )


def source_hash(project: Project) -> str:
    """A hash of everything in `src/`: the version of the code as a whole."""
    return digest_files(project.root, source_files(project))


def code_version(project: Project) -> str:
    """What to quote as the version of the code: release, commit if known, source hash.

    The source hash is what counts: it also tells apart two states of an uncommitted tree.
    """
    from importlib.metadata import version

    release = version("shallow-relu-companion")
    commit = ""
    git = shutil.which("git")
    if git and (project.root / ".git").exists():
        asked = subprocess.run(
            [git, "-C", str(project.root), "rev-parse", "--short=10", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0:
            commit = f"+{asked.stdout.strip()}"
    return f"{release}{commit} (src {source_hash(project)[:12]})"


def toc_files(project: Project) -> list[str]:
    """All pages that `_toc.yml` names, in its order."""
    toc = yaml.safe_load((project.root / "_toc.yml").read_text(encoding="utf-8"))

    def files(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [str(node[key]) for key in ("root", "file") if key in node]
            return own + [name for value in node.values() for name in files(value)]
        if isinstance(node, list):
            return [name for entry in node for name in files(entry)]
        return []

    return files(toc)
