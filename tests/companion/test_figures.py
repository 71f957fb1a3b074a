import csv
import json
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

from companion.errors import UsageError
from companion.figures import (
    COLOURS,
    PICTURES,
    check_figure,
    figure_files,
    read_cards,
    save_figure,
    screen_bundle,
    table_rows,
    use_style,
    write_table,
)

matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")

NAME = "fig-tian2017-sum"
TEXTS = {
    "caption": "Sums of ones.\n   They grow with $n$.",
    "alt": "A straight line that rises from one to three.",
}
DATA = {"n": [1, 2, 3], "sum": torch.tensor([1.0, 2.0, 1 / 3])}


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context():
        use_style()
        yield
    plt.close("all")


def drawing(**labels):
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([1, 2, 3], [1, 2, 3], color=COLOURS["measured"])
    axes.set(**{"xlabel": "$n$", "ylabel": "sum"} | labels)
    return figure


def save(folder, **changes):
    arguments = {"name": NAME, "figure": drawing(), "data": DATA, "card": {"order": 1}} | TEXTS
    return save_figure(folder, **arguments | changes)


REFUSALS = [
    ({"name": "Fig-1"}, "figure id 'Fig-1'"),
    ({"name": "fig-"}, "figure id"),
    ({"name": "fig-a_b"}, "figure id"),
    ({"name": "fig-../x"}, "figure id"),
    ({"name": "fig-a\n"}, "figure id"),
    ({"caption": "  \n"}, "no caption"),
    ({"alt": "A line."}, "the alt text must say"),
    ({"alt": " " * 50}, "the alt text must say"),
    ({"data": {}}, "equally long"),
    ({"data": {"n": []}}, "equally long"),
    ({"data": {"n": [1, 2], "sum": [1]}}, "equally long"),
    ({"data": {"n": 3}}, "column 'n'"),
    ({"data": {"n": torch.tensor(3)}}, "column 'n'"),
    ({"data": {"n": "abc"}}, "column 'n'"),
    ({"data": {"n": np.ones((2, 2))}}, "column 'n'"),
    ({"data": {"n": [(1, 2), (3, 4)]}}, "column 'n'"),
]


@pytest.mark.parametrize(("changes", "words"), REFUSALS)
def test_a_figure_that_readers_cannot_use_is_refused(tmp_path, changes, words):
    with pytest.raises(UsageError, match=words):
        save(tmp_path / "figures", **changes)
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize(
    ("labels", "axis"), [({"xlabel": ""}, "horizontal"), ({"ylabel": ""}, "vertical")]
)
def test_an_axis_without_a_name_is_refused(tmp_path, labels, axis):
    with pytest.raises(UsageError, match=f"panel 1 has no name on its {axis} axis"):
        save(tmp_path, figure=drawing(**labels))


def named(figure, text="name"):
    for axes in figure.axes:
        axes.set(xlabel=text, ylabel=text)
    return figure


def shared():
    figure, panels = plt.subplots(2, 2, sharex=True, sharey=True)
    for panel in panels[-1]:
        panel.set_xlabel("x")
    for panel in panels[:, 0]:
        panel.set_ylabel("y")
    return figure


def with_names_of_the_figure():
    figure, _ = plt.subplots(1, 2)
    figure.supxlabel("x")
    figure.supylabel("y")
    return figure


def with_colour_bar():
    figure, axes = plt.subplots()
    figure.colorbar(axes.imshow(np.eye(2)))
    axes.set(xlabel="x", ylabel="y")
    return figure


def with_twin():
    figure = drawing()
    figure.axes[0].twinx().set_ylabel("another scale")
    return figure


def without_axes():
    figure, axes = plt.subplots()
    axes.axis("off")
    return figure


def without_ticks():
    figure, axes = plt.subplots()
    axes.set(xticks=[], yticks=[])
    return figure


@pytest.mark.parametrize(
    "draw",
    [shared, with_names_of_the_figure, with_colour_bar, with_twin, without_axes, without_ticks],
)
def test_panels_that_need_no_name_of_their_own(draw):
    check_figure(NAME, draw(), **TEXTS)


def test_a_twin_has_to_name_its_own_axis():
    figure = drawing()
    figure.axes[0].twinx().plot([1, 2], [3, 4])
    with pytest.raises(UsageError, match="panel 2 has no name on its vertical axis"):
        check_figure(NAME, figure, **TEXTS)


def test_all_problems_of_a_figure_are_told():
    with pytest.raises(UsageError) as refusal:
        check_figure("x", drawing(xlabel="", ylabel=""), "", "")
    assert len(refusal.value.lines) == 5


def test_what_is_written(tmp_path):
    card = save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(figure_files(card))
    assert card["files"] == {kind: f"{NAME}.{kind}" for kind in (*PICTURES, "csv")}
    assert card["caption"] == "Sums of ones. They grow with $n$."
    assert (card["rows"], card["columns"], card["id"]) == (3, 2, NAME)
    assert json.loads((tmp_path / f"{NAME}.json").read_text()) == card
    assert read_cards(tmp_path) == [card]


def test_cards_come_in_the_order_of_drawing(tmp_path):
    for order, name in enumerate(("fig-c", "fig-a", "fig-b")):
        save(tmp_path, name=name, card={"order": order})
    assert [card["id"] for card in read_cards(tmp_path)] == ["fig-c", "fig-a", "fig-b"]
    assert read_cards(tmp_path / "nowhere") == []


def test_the_table_parses_back_to_the_same_numbers(tmp_path):
    chance = np.random.default_rng(1)
    data = {
        "x": chance.standard_normal(20) * 10.0 ** chance.integers(-300, 300, 20),
        "single": torch.rand(20, generator=torch.Generator().manual_seed(1)),
        "whole": range(20),
        'a "name", with a comma\n': ['text, and "more"', *["b"] * 19],
    }
    assert write_table(tmp_path / "t.csv", data) == (20, 4)
    raw = (tmp_path / "t.csv").read_bytes()
    assert b"\r" not in raw
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["x"]) for row in rows] == data["x"].tolist()
    assert [float(row["single"]) for row in rows] == data["single"].tolist()
    assert [int(row["whole"]) for row in rows] == list(range(20))
    assert [row['a "name", with a comma\n'] for row in rows] == data['a "name", with a comma\n']


def test_a_tensor_with_a_gradient_is_a_column():
    values = torch.ones(2, requires_grad=True)
    assert table_rows({"x": values, "y": (1, None)}) == (["x", "y"], [(1.0, 1), (1.0, None)])
    scalars = [torch.tensor(0.5), np.float64(0.5)]
    (first,), (second,) = table_rows({"x": scalars})[1]
    assert type(first) is type(second) is float


def test_the_same_drawing_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        save(tmp_path / folder)
    for kind in (*PICTURES, "csv", "json"):
        first, second = ((tmp_path / f / f"{NAME}.{kind}").read_bytes() for f in ("a", "b"))
        assert first == second, kind


def test_the_picture_for_print_is_opaque_at_300_dpi(tmp_path):
    with matplotlib.rc_context({"savefig.transparent": True, "savefig.facecolor": "none"}):
        use_style()
        save(tmp_path)
    with Image.open(tmp_path / f"{NAME}.png") as picture:
        assert picture.size == (900, 600)
        assert [round(dpi) for dpi in picture.info["dpi"]] == [300, 300]
        assert picture.convert("RGBA").getchannel("A").getextrema() == (255, 255)
        assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_the_picture_on_the_screen(tmp_path):
    bundle = screen_bundle(save(tmp_path), tmp_path)
    assert bundle["text/plain"] == f"Figure {NAME}: data of 2 columns"
    assert bundle["application/vnd.companion.figure+json"] == {"id": NAME}


def test_colours_differ_for_readers_who_see_few():
    assert len(set(COLOURS.values())) == len(COLOURS)
    grey = SimpleNamespace(**{n: sum(bytes.fromhex(c[1:])) / 3 for n, c in COLOURS.items()})
    assert grey.theory < grey.measured < grey.second
