"""One page of each kind against the accessibility rules of WCAG 2.2, A and AA, by axe-core."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The rules take seconds a page, minutes for the ledger: one page of each kind.
KINDS = [
    "404",
    "alignment/traps",
    "errata/lightman2026",
    "figures/fig-linear2025-lem9",
    "gallery",
    "index",
    "ledger",
    "notation",
    "papers/dana2025",
    "prf-prf",
    "references",
    "search",
    "weak_interaction/threshold",
]
_CHECK = "rules => axe.run(document, { runOnly: rules }).then(found => found.violations)"


def _violations(page: Any, rules: list[str]) -> list[str]:
    return [
        f"{rule['id']}: {node['html'][:120]}"
        for rule in page.evaluate(_CHECK, rules)
        for node in rule["nodes"][:3]
    ]


@pytest.mark.parametrize("name", KINDS)
def test_no_kind_of_page_violates_the_rules(
    site: Path, browser: Any, wait_for_formulas: Callable[[Any], None], name: str
) -> None:
    """All rules in the light scheme; those of colours in the dark one too."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.goto((site / f"{name}.html").as_uri(), timeout=120_000)
    wait_for_formulas(page)
    page.evaluate(AXE)
    found = _violations(page, LEVELS)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    page.wait_for_timeout(1000)  # colours fade from one scheme into the other
    found += [f"dark, {line}" for line in _violations(page, ["color-contrast"])]
    page.close()
    assert found == []


def test_the_rules_find_what_is_wrong(site: Path, browser: Any) -> None:
    """Negative control: a picture without alt text and pale letters are noticed."""
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.evaluate(
        "() => document.querySelector('article').insertAdjacentHTML('beforeend', "
        '\'<img src="_static/preview.png"><p style="color:#ddd;background:#fff">pale</p>\')'
    )
    page.evaluate(AXE)
    found = " ".join(_violations(page, LEVELS))
    assert "image-alt" in found and "color-contrast" in found
    page.close()
