"""One figure: picture for the page and for print, the data behind it, and a card that cites it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from companion.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIME = "application/vnd.companion.figure+json"
PICTURES = ("svg", "pdf", "png")
PRINT_DPI = 300
SCREEN_DPI = 96
_ID = re.compile(r"fig-[a-z0-9]+(-[a-z0-9]+)*")
_SHORTEST_ALT = 30

# Okabe and Ito's colour-blind safe colours; one colour a concept, in every chapter.
COLOURS = {
    "theory": "#000000",
    "measured": "#0072B2",
    "teacher": "#D55E00",
    "student": "#009E73",
    "control": "#CC79A7",
    "bound": "#E69F00",
    "second": "#56B4E9",
    "muted": "#767676",
}

STYLE: dict[str, Any] = {
    "figure.figsize": (6.4, 3.6),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.transparent": False,
    "figure.dpi": SCREEN_DPI,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "mathtext.fontset": "cm",
    "axes.titlesize": 10.0,
    "axes.labelsize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "svg.fonttype": "path",
    "pdf.fonttype": 3,
}


def use_style() -> None:
    """Set the book's style for all figures drawn from now on."""
    import matplotlib

    cycle = [COLOURS[name] for name in ("measured", "teacher", "student", "control", "bound")]
    matplotlib.rcParams.update({**STYLE, "axes.prop_cycle": f"cycler('color', {cycle})"})


def table_rows(data: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """A mapping of equally long columns as a header and rows.

    Raises:
        UsageError: no columns, no rows, columns of different lengths, or one that is no column.
    """
    columns = {name: _entries(name, values) for name, values in data.items()}
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1 or lengths == {0}:
        sizes = {name: len(values) for name, values in columns.items()}
        raise UsageError(f"a figure's data needs equally long, non-empty columns, not {sizes}")
    return list(columns), list(zip(*columns.values(), strict=True))


def _entries(name: str, values: Any) -> list[Any]:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise UsageError(f"column {name!r} of a figure's data is a single value")
    # Numbers that come one by one in arrays or tensors are written as numbers.
    entries = [value.item() if hasattr(value, "item") else value for value in values]
    if any(isinstance(entry, list | tuple | dict) for entry in entries):
        raise UsageError(f"column {name!r} of a figure's data has entries that are no single value")
    return entries


def write_table(file: Path, data: Mapping[str, Any]) -> tuple[int, int]:
    """Write columns as csv; the numbers of rows and columns."""
    header, rows = table_rows(data)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return len(rows), len(header)


def check_figure(name: str, figure: Figure, caption: str, alt: str) -> None:
    """Refuse a figure that a reader could not use.

    Raises:
        UsageError: a malformed id, no caption, a short alt text, or an axis without a name.
    """
    problems = []
    if not _ID.fullmatch(name):
        problems.append(f"figure id {name!r} is not like fig-paper-what-it-shows")
    if not caption.strip():
        problems.append(f"{name}: no caption")
    if len(alt.strip()) < _SHORTEST_ALT:
        problems.append(f"{name}: the alt text must say what the figure shows")
    for number, axes in enumerate(figure.axes, start=1):
        shared = axes.get_label() == "<colorbar>" or not axes.axison
        hidden_x, hidden_y = (
            not (axis.get_visible() and any(t.get_visible() for t in axis.get_ticklabels()))
            for axis in (axes.xaxis, axes.yaxis)
        )
        if not (shared or hidden_x or axes.get_xlabel() or figure.get_supxlabel()):
            problems.append(f"{name}: panel {number} has no name on its horizontal axis")
        if not (shared or hidden_y or axes.get_ylabel() or figure.get_supylabel()):
            problems.append(f"{name}: panel {number} has no name on its vertical axis")
    if problems:
        raise UsageError(problems)


def save_figure(
    folder: Path,
    name: str,
    figure: Figure,
    *,
    caption: str,
    alt: str,
    data: Mapping[str, Any],
    card: Mapping[str, Any],
) -> dict[str, Any]:
    """Write a figure's pictures, its data and its card into `folder`.

    Args:
        folder: where the files go; made if missing.
        name: the figure's id, such as `fig-tian2017-fig7`.
        figure: the drawing.
        caption: Markdown with LaTeX; says what is seen.
        alt: plain text for those who cannot see it.
        data: columns of the table behind the drawing.
        card: more fields for the card (chapter, parameters, code version).

    Returns:
        The card.

    Raises:
        UsageError: the figure breaks a rule, or its data is empty.
    """
    import matplotlib

    check_figure(name, figure, caption, alt)
    table_rows(data)
    folder.mkdir(parents=True, exist_ok=True)
    rows, columns = write_table(folder / f"{name}.csv", data)
    # Without dates and with a fixed salt the same drawing gives the same bytes.
    empty_dates: dict[str, dict[str, None]] = {
        "svg": {"Date": None},
        "pdf": {"CreationDate": None},
        "png": {},
    }
    # One layout for all three: it is the slowest part of drawing.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    with matplotlib.rc_context({"svg.hashsalt": name}):
        for kind in PICTURES:
            figure.savefig(
                folder / f"{name}.{kind}", dpi=PRINT_DPI, metadata=empty_dates[kind] or None
            )
    full = {
        "id": name,
        "caption": " ".join(caption.split()),
        "alt": " ".join(alt.split()),
        "files": {kind: f"{name}.{kind}" for kind in (*PICTURES, "csv")},
        "rows": rows,
        "columns": columns,
        **card,
    }
    (folder / f"{name}.json").write_text(json.dumps(full, indent=1) + "\n", encoding="utf-8")
    return full


def screen_bundle(card: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What a notebook shows for a saved figure: a line of text, a picture, and its id."""
    import base64

    from PIL import Image

    picture = io.BytesIO()
    with Image.open(folder / card["files"]["png"]) as full:
        size = [round(side * SCREEN_DPI / PRINT_DPI) for side in full.size]
        full.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(picture, format="png")
    return {
        "text/plain": f"Figure {card['id']}: data of {card['columns']} columns",
        "image/png": base64.b64encode(picture.getvalue()).decode("ascii"),
        MIME: {"id": card["id"]},
    }


def read_cards(folder: Path) -> list[dict[str, Any]]:
    """All cards in `folder`, in the order in which the chapter drew the figures."""
    cards = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("fig-*.json")]
    return sorted(cards, key=lambda card: (card.get("order", 0), card["id"]))


def figure_files(card: Mapping[str, Any]) -> Sequence[str]:
    """The file names that belong to a card, the card itself included."""
    return [*card["files"].values(), f"{card['id']}.json"]
