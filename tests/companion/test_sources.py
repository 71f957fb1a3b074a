import json
import subprocess
import sys

import pytest

from companion.project import source_hash
from companion.sources import chapter_source_hash, chapter_sources

TREE = {
    "mathematics/__init__.py": "",
    "mathematics/sums.py": "def late():\n    from mathematics import deeper\n",
    "mathematics/deeper.py": "from . import beside\nfrom .inner.leaf import x as y\n",
    "mathematics/beside.py": "import numpy, mathematics.far.away\n",
    "mathematics/inner/__init__.py": "",
    "mathematics/inner/leaf.py": "from .. import above\n",
    "mathematics/above.py": "",
    "mathematics/far/away.py": "from mathematics import no_module_but_a_name\n",
    "mathematics/table.csv": "1\n",
    "mathematics/unused.py": "from other import thing\n",
    "other/thing.py": "",
    "other/table.csv": "",
    "companion/__init__.py": "",
    "companion/run.py": "",
    "companion/pages.py": "",
    "companion/assets/page.css": "",
}
UNUSED = {
    "mathematics/unused.py",
    "other/thing.py",
    "other/table.csv",
    "companion/pages.py",
    "companion/assets/page.css",
}


@pytest.fixture
def tree(tiny):
    for name, text in TREE.items():
        file = tiny.root / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tiny


def _used(tiny) -> set[str]:
    files = chapter_sources(tiny.project, tiny.chapter)
    assert files == sorted(files)
    return {file.relative_to(tiny.root / "src").as_posix() for file in files}


def test_what_is_imported_however_indirectly_counts(tree):
    assert _used(tree) == set(TREE) - UNUSED


@pytest.mark.parametrize("name", TREE)
def test_only_files_that_count_change_the_hash(tree, name):
    before = chapter_source_hash(tree.project, tree.chapter), source_hash(tree.project)
    with (tree.root / "src" / name).open("a") as file:
        file.write("# changed\n")
    after = chapter_source_hash(tree.project, tree.chapter), source_hash(tree.project)
    assert (before[0] != after[0]) == (name not in UNUSED)
    assert before[1] != after[1]


def test_without_python_everything_counts(tree):
    (tree.root / "src" / "mathematics" / "deeper.py").write_text("from . import (")
    assert _used(tree) == set(TREE)


LOADED = """
import ast, json, sys
from companion.project import find_project
project = find_project()
found = {}
for chapter in project.chapters():
    for name in [n for n in sys.modules if n.split(".")[0] in ("companion", "shallow_relu")]:
        del sys.modules[name]
    tree = ast.parse(project.source_file(chapter).read_text())
    tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    exec(compile(tree, chapter, "exec"), {})
    import companion
    companion.open_chapter
    found[chapter] = [
        module.__file__
        for name, module in sys.modules.items()
        if name.split(".")[0] in ("companion", "shallow_relu") and module.__file__
    ]
print(json.dumps(found))
"""


def test_every_module_that_a_chapter_loads_counts(book):
    told = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, cwd=book.root
    )
    for chapter, files in json.loads(told.stdout).items():
        known = {str(file) for file in chapter_sources(book, chapter)}
        assert files and set(files) <= known, chapter


def test_no_module_is_imported_by_a_computed_name(book):
    sources = [*(book.root / "src" / "shallow_relu").rglob("*.py"), *book.notebooks.rglob("*.py")]
    assert len(sources) > 50
    for file in sources:
        text = file.read_text(encoding="utf-8")
        assert "importlib" not in text and "__import__" not in text, file
