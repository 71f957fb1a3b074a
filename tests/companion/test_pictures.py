import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from companion.cite import plain_caption
from companion.figures import COLOURS, PRINT_DPI
from companion.pictures import THUMBNAIL_WIDTH, save_thumbnail


def test_a_small_copy_keeps_the_colours_of_thin_lines(tmp_path):
    figure = Figure(figsize=(6.4, 3.6), dpi=PRINT_DPI)
    axes = figure.subplots()
    shading = np.linspace(0, 1, 400).reshape(20, 20)
    axes.imshow(shading, cmap="magma", extent=(0, 1, 0, 0.5), aspect="auto")
    for place, colour in enumerate(COLOURS.values()):
        axes.plot([0, 1], [0.55 + 0.03 * place] * 2, color=colour, linewidth=1.6)
    figure.savefig(tmp_path / "full.png")
    save_thumbnail(tmp_path / "full.png", tmp_path / "small.png")
    small = Image.open(tmp_path / "small.png")
    assert small.width == THUMBNAIL_WIDTH and small.mode == "P"
    with Image.open(tmp_path / "full.png") as full:
        plain = full.convert("RGB").resize(small.size, Image.Resampling.LANCZOS)
    lost = np.abs(np.asarray(small.convert("RGB")).astype(int) - np.asarray(plain)).max(axis=2)
    assert (lost > 40).mean() == 0


@pytest.mark.parametrize(
    ("caption", "title"),
    [
        ("Left: the loss. Right: the rate.", "The loss."),
        ("Leftovers: the loss", "Leftovers: the loss"),
        ("The loss, below: a bound. More.", "The loss, below: a bound."),
    ],
)
def test_title_of_a_caption(caption, title):
    assert plain_caption(caption) == title
