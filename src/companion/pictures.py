"""Pictures that only pages need: the book's preview and small copies of its figures."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

from companion.figures import COLOURS

THUMBNAIL_WIDTH = 640  # pixels


def save_preview(target: Path, title: str, counts: Mapping[str, int]) -> None:
    """Draw the picture that other sites show with a link to the book: its title and verdicts.

    Args:
        target: the png file, 1200 by 630 pixels.
        title: the book's title.
        counts: how many claims have each verdict.
    """
    import textwrap

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="white", layout="none")
    FigureCanvasAgg(figure)
    figure.text(0.06, 0.86, textwrap.fill(title, 34), fontsize=40, va="top", color="#222222")
    axes = figure.add_axes((0.06, 0.12, 0.88, 0.12))
    colours = [COLOURS[n] for n in ("measured", "student", "second", "bound", "teacher", "muted")]
    left = 0
    shown = [(verdict, count) for verdict, count in counts.items() if count]
    for (verdict, count), colour in zip(shown, itertools.cycle(colours), strict=False):
        axes.barh(0, count, left=left, color=colour, edgecolor="white", linewidth=3)
        axes.text(left + count / 2, 0.62, f"{count}\n{verdict}", ha="center", fontsize=13)
        left += count
    axes.set(xlim=(0, max(left, 1)), ylim=(-0.5, 0.5))
    axes.axis("off")
    figure.text(0.06, 0.45, f"{left} claims, verdicts computed by machine", fontsize=22)
    figure.savefig(target, metadata={"Software": None})


def save_thumbnail(picture: Path, target: Path) -> None:
    """Write a small copy of a picture for the gallery, with a palette of 64 colours.

    The palette covers the colours that occur, so that thin lines keep theirs.
    """
    from PIL import Image

    with Image.open(picture) as full:
        height = round(full.height * THUMBNAIL_WIDTH / full.width)
        small = full.convert("RGB").resize((THUMBNAIL_WIDTH, height), Image.Resampling.LANCZOS)
        small.quantize(64, method=Image.Quantize.MAXCOVERAGE).save(
            target, format="png", optimize=True
        )
