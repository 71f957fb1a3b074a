"""How long until a reader of a slow machine sees the first formula?

    python benchmarks/page_speed.py [--slowdown 4] [--repeats 3] [PAGE ...]

Pages of the built site come from a server on this machine, into an empty cache of a headless
Chromium whose processor is slowed down. Printed are medians: of the time from the start of the
navigation to the first formula in the text, and to the last one.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import shutil
import statistics
import threading

from playwright.sync_api import Browser, sync_playwright

from companion.project import find_project

PAGES = (
    "index",
    "ledger",
    "teacher_student/proof_of_conjecture_one",
    "weak_interaction/threshold",
    "linear_targets/correlation_inequality",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# A formula counts when it has a size; times are those of the page's own clock.
WATCH = """
window.firstFormula = null;
new MutationObserver(() => {
  if (window.firstFormula !== null) return;
  const formula = document.querySelector("article mjx-container");
  if (!formula || formula.getBoundingClientRect().width === 0) return;
  window.firstFormula = -1;
  requestAnimationFrame(() => setTimeout(() => (window.firstFormula = performance.now())));
}).observe(document, { childList: true, subtree: true });
"""


class Silent(http.server.SimpleHTTPRequestHandler):
    """A server that says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def milliseconds(browser: Browser, address: str, slowdown: float) -> tuple[float, float]:
    """Time to the first formula, and to the last."""
    context = browser.new_context()
    page = context.new_page()
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    page.add_init_script(WATCH)
    page.goto(address, timeout=120_000)
    page.wait_for_function("window.firstFormula > 0", timeout=120_000)
    first = page.evaluate("window.firstFormula")
    page.evaluate("MathJax.startup.promise")
    last = page.evaluate("performance.now()")
    context.close()
    return first, last


def main() -> None:
    """Measure the pages of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", default=PAGES, metavar="PAGE")
    parser.add_argument("--slowdown", type=float, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    handler = functools.partial(Silent, directory=str(find_project().html))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    arguments = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        for page in chosen.pages:
            address = f"http://127.0.0.1:{server.server_address[1]}/{page}.html"
            times = [milliseconds(browser, address, chosen.slowdown) for _ in range(chosen.repeats)]
            first, last = (statistics.median(column) for column in zip(*times, strict=True))
            print(f"{page}: first formula after {first:.0f} ms, last after {last:.0f} ms")
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
