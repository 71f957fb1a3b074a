"""A small Sphinx extension: formulas without a network, the book's styles, what machines read.

MathJax comes from the package sphinx-mathjax-offline. Of its 24 MB the book needs the loader, the
TeX input, the HTML output with its fonts, and the TeX extensions that are loaded on demand; its
menu, a third of the combined file that Sphinx loads by default, is left out.
"""

from __future__ import annotations

import html
import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any

from jinja2 import FileSystemBytecodeCache

from companion.cite import book_facts, page_metadata
from companion.project import digest, find_project

_NOT_FOUND = "404"
_TAG = re.compile(r"<[^>]+>")
_ID = re.compile(r' id="([^"]*)"')
_TITLE_IN_SUMMARY = re.compile(r'<p( class="(?:collapsed|expanded) admonition-title">[^<]*)</p>')
ASSETS = Path(__file__).parent / "assets"
_MATHJAX_PACKAGE = "sphinx-mathjax-offline"
_MATHJAX_PARTS = (
    "startup.js",
    "core.js",
    "input/tex.js",
    "input/tex/extensions",
    "output/chtml.js",
    "output/chtml/fonts",
    "a11y/assistive-mml.js",
)
_MATHJAX_LOADED = ("core", "input/tex", "output/chtml", "a11y/assistive-mml")
# Each of these asks for the next: browsers fetch them at once when told.
_MATHJAX_FETCHED = (
    "core.js",
    "input/tex.js",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "a11y/assistive-mml.js",
)


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


def drop_icon_script(app: Any, error: Exception | None) -> None:
    """Empty the script that draws the icons again: the icon font, which is there, draws them."""
    if error is None and app.builder.format == "html":
        script = Path(app.outdir) / "_static" / "scripts" / "fontawesome.js"
        if script.exists() and script.stat().st_size:
            script.write_text("", encoding="utf-8")


def describe_page(
    app: Any, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Add what reference managers and previews read; let pictures below the fold wait."""
    facts = book_facts(find_project())
    title = _TAG.sub("", str(context.get("title") or facts["title"]))
    described = page_metadata(html.unescape(title), facts, f"{page}.html")
    tags = [f'<meta name="{name}" content="{html.escape(text)}">' for name, text in described]
    up = "../" * page.count("/")
    root = f"{facts['address']}/" if facts["address"] else up
    tags.append(f'<meta property="og:image" content="{root}_static/preview.png">')
    tags.append(f'<meta property="og:title" content="{html.escape(html.unescape(title))}">')
    tags.append(f'<link rel="icon" type="image/svg+xml" href="{up}_static/favicon.svg">')
    if any("mathjax" in str(getattr(script, "filename", "")) for script in _scripts(context)):
        tags += [
            f'<link rel="preload" as="script" href="{up}_static/mathjax/{part}">'
            for part in _MATHJAX_FETCHED
        ]
    context["metatags"] = context.get("metatags", "") + "\n".join(tags)
    if context.get("body"):
        context["body"] = valid_html(context["body"]).replace("<img ", '<img loading="lazy" ')


def _scripts(context: dict[str, Any]) -> list[Any]:
    return list(context.get("script_files") or [])


def valid_html(body: str) -> str:
    """Mend what other extensions write against the standards.

    Ids given twice (the first element keeps it: browsers go there), a `p` in a `summary`, and
    references that are no items of their list.
    """
    seen: set[str] = set()

    def once(found: re.Match[str]) -> str:
        known = found[1] in seen
        seen.add(found[1])
        return "" if known else found[0]

    tags = _TAG.sub(lambda tag: _ID.sub(once, tag[0]), body)
    tags = tags.replace('role="doc-biblioentry"', 'role="listitem"')
    return _TITLE_IN_SUMMARY.sub(r"<span\1</span>", tags)


def write_sitemap(app: Any, error: Exception | None) -> None:
    """List all pages for search engines, if the book has an address."""
    address = book_facts(find_project())["address"]
    if error is not None or app.builder.format != "html" or not address:
        return
    pages = "".join(
        f"<url><loc>{html.escape(address)}/{page}.html</loc></url>\n"
        for page in sorted(app.env.found_docs)
        if page != _NOT_FOUND
    )
    (Path(app.outdir) / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n',
        encoding="utf-8",
    )


def keep_templates(app: Any) -> None:
    """Keep compiled page templates between builds: compiling them is a good part of a small one."""
    environment = getattr(getattr(app.builder, "templates", None), "environment", None)
    if environment is not None:
        folder = find_project().build / "templates"
        folder.mkdir(parents=True, exist_ok=True)
        environment.bytecode_cache = FileSystemBytecodeCache(str(folder))


def _configure(app: Any, config: Any) -> None:
    config.mathjax_path = "mathjax/startup.js"
    config.mathjax3_config = {
        **(config.mathjax3_config or {}),
        "loader": {"load": [*_MATHJAX_LOADED]},
    }
    config.html_static_path = [*config.html_static_path, str(ASSETS)]


def setup(app: Any) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", _configure)
    app.connect("builder-inited", keep_templates)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", drop_icon_script)
    app.connect("build-finished", write_sitemap)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("html-page-context", describe_page, priority=900)
    app.add_css_file("companion.css")
    app.add_js_file("companion.js", loading_method="defer")
    # Sphinx writes nothing if no page has changed: a change of what this extension adds to all
    # pages has to count as one.
    parts = [*sorted(ASSETS.iterdir()), Path(__file__)]
    version = digest([file.read_bytes() for file in parts])[:12]
    return {
        "version": version,
        "env_version": version,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
