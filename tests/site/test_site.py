"""The site, opened from a plain folder in a real browser."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest

from companion.project import Project

pytestmark = pytest.mark.browser

MEBIBYTE = 2**20
LARGEST_CHAPTER, LARGEST_GALLERY = 1.5 * MEBIBYTE, 3 * MEBIBYTE
WIDTHS = {"desktop": 1280, "phone": 390}
# The theme says this once on every page before it reads the stored mode; it is harmless.
HARMLESS = ("Got invalid theme mode",)


def _watch(page: Any) -> list[str]:
    """Collects everything that a reader's browser would complain about."""
    problems: list[str] = []

    def heard(message: Any) -> None:
        if message.type == "error" and not message.text.startswith(HARMLESS):
            problems.append(f"console: {message.text}")

    def asked(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            problems.append(f"request to another host: {request.url}")

    page.on("console", heard)
    page.on("request", asked)
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    return problems


_LOST_PICTURES = """async () => {
  const lost = [];
  for (const picture of document.images) {
    picture.loading = "eager";
    try { await picture.decode(); } catch { lost.push(picture.src); }
  }
  return lost;
}"""
_BARE_PICTURES = (
    "() => [...document.querySelectorAll('article img')].filter(i => !i.alt).map(i => i.src)"
)
_SIDEWAYS = "() => document.documentElement.scrollWidth - window.innerWidth"


def _look(page: Any, file: Path, wait_for_formulas: Callable[[Any], None]) -> list[str]:
    """One page: loaded once, then seen at both widths."""
    page.goto(file.as_uri(), timeout=120_000)
    wait_for_formulas(page)
    seen = [f"picture not shown: {source}" for source in page.evaluate(_LOST_PICTURES)]
    seen += [f"picture without alt text: {source}" for source in page.evaluate(_BARE_PICTURES)]
    raw = page.locator(".math:not(:has(mjx-container))").count()
    broken = page.locator("mjx-merror, [data-mjx-error]").count()
    if raw or broken:
        seen.append(f"{raw} formulas are not typeset, {broken} have errors")
    for device, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        excess = page.evaluate(_SIDEWAYS)
        if excess > 1:
            seen.append(f"scrolls sideways by {excess} pixels on a {device}")
    return seen


def _weight(files: set[str]) -> int:
    """The bytes of some files as a host sends them: compressed, pictures and fonts excepted."""
    total = 0
    for name in files:
        data = Path(unquote(urlparse(name).path)).read_bytes()
        packed = name.endswith((".png", ".woff", ".woff2"))
        total += len(data) if packed else len(gzip.compress(data, 6))
    return total


def test_every_page_loads_whole_silent_and_light(
    site: Path,
    project: Project,
    browser: Any,
    pages: list[Path],
    wait_for_formulas: Callable[[Any], None],
) -> None:
    problems = []
    limits = {f"{chapter}.html": LARGEST_CHAPTER for chapter in project.chapters()}
    limits["gallery.html"] = LARGEST_GALLERY
    for file in pages:
        page = browser.new_page()
        heard = _watch(page)
        asked: set[str] = set()
        page.on("request", lambda request, asked=asked: asked.add(request.url.partition("?")[0]))
        name = str(file.relative_to(site))
        found = _look(page, file, wait_for_formulas)
        weight = _weight({url for url in asked if url.startswith("file:")})
        if weight > limits.get(name, LARGEST_GALLERY):
            found.append(f"weighs {weight / MEBIBYTE:.2f} MiB")
        problems += [f"{name}: {problem}" for problem in found + heard]
        page.close()
    assert problems == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("name", ["index", "status", "teacher_student/multilayer_gradient"])
def test_pages_follow_the_reader_into_the_dark(
    site: Path, browser: Any, name: str, scheme: str
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto((site / f"{name}.html").as_uri())
    assert page.evaluate("() => document.documentElement.dataset.theme") == scheme
    # Pictures are drawn on white, and stay on white.
    backgrounds = page.evaluate(
        "() => [...document.querySelectorAll('figure img')]"
        ".map(i => getComputedStyle(i).backgroundColor)"
    )
    if scheme == "dark":
        assert set(backgrounds) <= {"rgb(255, 255, 255)"}
    context.close()


@pytest.mark.parametrize(
    "query",
    ["Theorem 7", "tian2017.thm1", "closed form", "detour"],
    ids=["theorem", "claim", "words", "caption"],
)
def test_search_finds(address: str, browser: Any, query: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/search.html?q={query.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    assert page.locator("#search-results li a").count() > 0
    page.close()


def test_a_figure_can_be_cited_without_scripts(site: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "teacher_student" / "population_gradient.html").as_uri())
    page.locator("details.figure-cite, .figure-cite details").first.locator("summary").click()
    text = page.locator(".figure-cite pre").first.inner_text()
    assert text.startswith("@misc{fig-tian2017-")
    context.close()
