"""The site, opened from a plain folder in a real browser."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

WIDTHS = {"desktop": 1280, "phone": 390}
# The theme says this once on every page before it reads the stored mode; it is harmless.
HARMLESS = ("Got invalid theme mode",)


def _pages(site: Path) -> list[Path]:
    hidden = {"_static", "_sources", "_images"}
    pages = [page for page in site.rglob("*.html") if not hidden & set(page.parts)]
    return sorted(page for page in pages if page.name not in ("genindex.html", "prf-prf.html"))


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


def _wait_for_formulas(page: Any) -> None:
    page.wait_for_function(
        "() => !document.querySelector('.math') || "
        "(window.MathJax?.startup?.promise && document.querySelector('mjx-container'))"
    )
    page.evaluate("() => window.MathJax?.startup?.promise")


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


def _look(page: Any, file: Path) -> list[str]:
    """One page: loaded once, then seen at both widths."""
    page.goto(file.as_uri())
    _wait_for_formulas(page)
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


def test_every_page_loads_whole_and_silent(site: Path, browser: Any) -> None:
    problems = []
    for file in _pages(site):
        page = browser.new_page()
        heard = _watch(page)
        found = _look(page, file)
        problems += [f"{file.relative_to(site)}: {problem}" for problem in found + heard]
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


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site behind a server on this machine, as search engines of the page need one."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    handler = partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("query", ["population gradient", "tian2017.thm1", "closed form"])
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
