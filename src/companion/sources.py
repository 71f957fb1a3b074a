"""Which files of `src/` can change what a chapter computes: those it imports, however indirectly.

Import statements are read, not executed, wherever they stand; so no module may be imported by a
name that is computed (a test looks). What makes pages out of results does not count.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from companion.project import Project, digest_files, source_files

# What executes a chapter, whatever the chapter imports.
_EXECUTION = ("companion.run", "companion.worker", "companion.kernel")
_PAGES = "companion"  # the package whose files of other kinds belong to pages


def chapter_sources(project: Project, chapter: str) -> list[Path]:
    """The files of `src/` that a run of a chapter depends on, sorted.

    A module counts with the packages that hold it, and a package with its files of other kinds
    than Python. Where the chapter is no Python, all files count.
    """
    kept = source_files(project)
    root = project.root / "src"
    modules = {_module_name(file.relative_to(root)): file for file in kept if file.suffix == ".py"}
    packages = {file.relative_to(root).parts[0] for file in kept}
    try:
        waiting = list(_imported(project.source_file(chapter).read_bytes(), ""))
        waiting += _EXECUTION
        used: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in used or name.partition(".")[0] not in packages:
                continue
            used.add(name)
            if "." in name:
                waiting.append(name.rpartition(".")[0])
            if name in modules:
                file = modules[name]
                package = name if file.name == "__init__.py" else name.rpartition(".")[0]
                waiting += _imported(file.read_bytes(), package)
    except SyntaxError:
        return kept
    data = {name.partition(".")[0] for name in used} - {_PAGES}
    others = [
        file for file in kept if file.suffix != ".py" and file.relative_to(root).parts[0] in data
    ]
    return sorted([*(modules[name] for name in used if name in modules), *others])


def chapter_source_hash(project: Project, chapter: str) -> str:
    """A hash of the names and contents of `chapter_sources`."""
    return digest_files(project.root, chapter_sources(project, chapter))


def _module_name(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.lru_cache(maxsize=512)
def _imported(code: bytes, package: str) -> tuple[str, ...]:
    """The names that import statements may load; some of them are attributes, not modules."""
    return tuple(_names(ast.parse(code), package))


def _names(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            start = ".".join([*above, node.module or ""]).strip(".") if node.level else node.module
            yield start or ""
            yield from (f"{start}.{alias.name}" for alias in node.names)
