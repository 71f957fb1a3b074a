"""A small Sphinx extension: formulas without a network, the book's styles.

MathJax comes from the package sphinx-mathjax-offline. Of its 24 MB the book needs the
TeX-to-HTML component, its fonts, and the TeX extensions that MathJax loads on demand.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from jinja2 import FileSystemBytecodeCache

from companion.project import digest, find_project

ASSETS = Path(__file__).parent / "assets"
_MATHJAX_PACKAGE = "sphinx-mathjax-offline"
_MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts", "input/tex/extensions")


def _mathjax_source() -> Path:
    found = importlib.util.find_spec(_MATHJAX_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(f"the package {_MATHJAX_PACKAGE} is not installed")
    return Path(found.submodule_search_locations[0]) / "static" / "mathjax"


def copy_mathjax(app: Any, error: Exception | None) -> None:
    """Copy the part of MathJax that the book needs into the site, once."""
    if error is not None or app.builder.format != "html":
        return
    source, target = _mathjax_source(), Path(app.outdir) / "_static" / "mathjax"
    for part in _MATHJAX_PARTS:
        if (target / part).exists():
            continue
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (source / part).is_dir() else shutil.copy2
        copy(source / part, target / part)


def drop_thebe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Remove the scripts of live code: they point to another host, and the book is offline."""
    scripts = context.get("script_files")
    if scripts is not None:
        context["script_files"] = [
            script
            for script in scripts
            if "thebe" not in str(getattr(script, "filename", script) or "").lower()
            and "THEBE" not in str(getattr(script, "attributes", {}).get("body", ""))
        ]


def keep_templates(app: Any) -> None:
    """Keep compiled page templates between builds: compiling them is a good part of a small one."""
    environment = getattr(getattr(app.builder, "templates", None), "environment", None)
    if environment is not None:
        folder = find_project().build / "templates"
        folder.mkdir(parents=True, exist_ok=True)
        environment.bytecode_cache = FileSystemBytecodeCache(str(folder))


def _configure(app: Any, config: Any) -> None:
    config.mathjax_path = "mathjax/tex-chtml.js"
    config.html_static_path = [*config.html_static_path, str(ASSETS)]


def setup(app: Any) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", _configure)
    app.connect("builder-inited", keep_templates)
    app.connect("build-finished", copy_mathjax)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.add_css_file("companion.css")
    version = digest([file.read_bytes() for file in sorted(ASSETS.iterdir())])[:12]
    return {"version": version, "parallel_read_safe": True, "parallel_write_safe": True}
