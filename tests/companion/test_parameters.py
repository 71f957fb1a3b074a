import math
import random
import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from companion import run as run_module
from companion.cli import main
from companion.errors import UsageError
from companion.notebooks import parameters_cell
from companion.parameters import (
    check_value,
    evaluate_estimate,
    read_schema,
    read_values_file,
    resolve,
    show_value,
    split_assignments,
)

CELL = """\
seed: int = 1  # seed of all random numbers; 0..4294967295
shift: float = -0.5  # a shift; -2.5..-1e-3; unit radians; paper -1
tolerance: float = 1e-3  # a tolerance; 1e-12..1
loud: bool = False  # whether to say it aloud; paper True
device: str = "cpu"  # where; auto | cpu | cuda
title: str = "no. #1; a # b"  # a text
sizes: list[int] = [
    1_0,
    20,
]  # sizes; 1..1_000; paper [100, 200]
levels: list[float] = [0.5]  # levels; -1..1
# memory: 8 * sizes * len(sizes) + max(levels) bytes
# time: 1 + 2e-3 * max(sizes) ** 2 / 10 - -seed seconds
# a comment that is none of these
"""
SCHEMA = read_schema(CELL)
DEFAULTS = resolve(SCHEMA)


def short(value) -> str:
    return repr(value)[:20] if not isinstance(value, int) or value < 1e20 else "huge"


def schema_of(line: str):
    return read_schema(line + "\n", "topic/tiny")


# --- the cell -------------------------------------------------------------------------------


def test_a_cell_is_read():
    assert DEFAULTS == {
        "seed": 1,
        "shift": -0.5,
        "tolerance": 1e-3,
        "loud": False,
        "device": "cpu",
        "title": "no. #1; a # b",
        "sizes": [10, 20],
        "levels": [0.5],
    }
    by_name = SCHEMA.parameters
    assert [p.type for p in by_name.values()] == [
        *("int", "float", "float", "bool", "str", "str", "list[int]", "list[float]")
    ]
    assert (by_name["shift"].low, by_name["shift"].high) == (-2.5, -1e-3)
    assert (by_name["shift"].unit, by_name["shift"].meaning) == ("radians", "a shift")
    assert by_name["sizes"].meaning == "sizes" and by_name["title"].meaning == "a text"
    assert by_name["device"].choices == ("auto", "cpu", "cuda")
    assert [p.valid for p in by_name.values()] == [
        *("0..4294967295", "-2.5..-0.001", "1e-12..1", "true | false", "auto | cpu | cuda"),
        *("any text", "1..1000", "-1..1"),
    ]


def test_the_paper_profile():
    paper = resolve(SCHEMA, profile="paper")
    assert (paper["shift"], paper["loud"], paper["sizes"]) == (-1.0, True, [100, 200])
    assert paper["seed"] == 1
    assert type(paper["shift"]) is float
    with pytest.raises(UsageError, match=r"unknown profile 'papr' \(valid: quick, paper\)"):
        resolve(SCHEMA, profile="papr")


BAD_CELLS = [
    ("n: int = 1", "n: has no meaning"),
    ("n: int = 1  #", "n: has no meaning"),
    ("n: int = 1  # ; 0..2", "n: has no meaning"),
    ("n: int = 1  # m", "a number needs a range"),
    ("n: list[float] = [1]  # m", "a number needs a range"),
    ("n: int = 1  # m; 0-2", "cannot read '0-2'"),
    ("n: int = 1  # m; zero..2", "'zero' is not a plain value"),
    ("n: int = 1  # m; None..2", "'None' cannot end a range"),
    ("n: int = 1  # m; [0]..2", "'[0]' cannot end a range"),
    ("n: int = 1  # m; 0..1e999", "'1e999' cannot end a range"),
    ("n: int = 1  # m; 5..2", "out of range 5..2"),
    ("n: int = 3  # m; 0..2", "3 is out of range 0..2"),
    ("n: int = 1  # m; 0..2; paper 3", "3 is out of range 0..2"),
    ("n: int = 1  # m; 0..2; paper three", "'three' is not a plain value"),
    ("n: int = 1.5  # m; 0..2", "1.5 is not a whole number"),
    ("n: int = True  # m; 0..2", "True is not a whole number"),
    ("n: float = 1j  # m; 0..2", "1j is not a number"),
    ("n: int = 2**3  # m; 0..9", "is not a plain value"),
    ("n: int = f()  # m; 0..9", "is not a plain value"),
    ("n: float = float('nan')  # m; 0..9", "is not a plain value"),
    ("n: complex = 1  # m; 0..9", "type complex is not one of int, "),
    ("n: str = 'b'  # m; a | c", "'b' is not one of a | c"),
    ("n: list[int] = []  # m; 0..9", "is an empty list"),
    ("n = 1  # m; 0..9", "line 1 is not 'name: type = value"),
    ("n: int  # m; 0..9", "line 1 is not 'name: type = value"),
    ("import os", "line 1 is not 'name: type = value"),
    ("n.m: int = 1  # m; 0..9", "line 1 is not 'name: type = value"),
    ("n: int = 1 +  # m; 0..9", "not Python"),
    ("n: list[int] = [1  # m; 0..9", "not Python"),
    ("n: str = 'a  # m", "not Python"),
    ("n: int = 1  # m; 0..9\nn: int = 2  # m; 0..9", "n stands twice"),
    ("n: int = 1  # m; 0..9\n# time: k * n seconds", "cannot read the estimate 'k * n'"),
    ("n: str = 'a'  # m\n# time: 2 * n seconds", "cannot read the estimate '2 * n'"),
]


@pytest.mark.parametrize(("cell", "words"), BAD_CELLS)
def test_a_bad_cell_is_refused_in_one_line(cell, words):
    with pytest.raises(UsageError) as refusal:
        schema_of(cell)
    assert len(refusal.value.lines) == 1
    assert words in refusal.value.lines[0] and "\n" not in refusal.value.lines[0]


def test_all_problems_of_a_cell_are_told():
    with pytest.raises(UsageError) as refusal:
        schema_of("a: int = 1\nb: float = 1  # m\nc = 3")
    assert len(refusal.value.lines) == 3


def test_estimates():
    memory, seconds = SCHEMA.estimate(DEFAULTS)
    assert memory == 8 * 30 * 2 + 0.5
    assert seconds == pytest.approx(1 + 2e-3 * 400 / 10 + 1)


@pytest.mark.parametrize(
    "expression",
    [
        "open('x')",
        "n.real",
        "n if n else 1",
        "[n][0]",
        "n ** n",
        "1 / 0",
        "'a'",
        "n(",
        "lambda: 1",
        "print(n)",
        "m",
    ],
)
def test_an_estimate_is_arithmetic_only(expression):
    with pytest.raises(UsageError, match="cannot read the estimate"):
        evaluate_estimate(expression, {"n": 2})


def test_an_estimate_beyond_all_floats_is_infinite():
    assert evaluate_estimate("n ** 500", {"n": 1e9}) == math.inf


def test_parameters_cell():
    other = '# %% tags=["other"]\nx = 1\n'
    tagged = '# %% tags=["hide-input", "parameters"]\nn: int = 1\n'
    assert parameters_cell(other + tagged + other) == "n: int = 1"
    for text in (other, tagged + tagged, ""):
        with pytest.raises(UsageError, match="cells are tagged 'parameters'"):
            parameters_cell(text)


# --- values ---------------------------------------------------------------------------------


ACCEPTED = [
    ("seed", "7", 7),
    ("seed", " 20_000 ", 20000),
    ("seed", "1e5", 100000),
    ("seed", "+3.0", 3),
    ("seed", 7.0, 7),
    ("seed", 4294967295, 4294967295),
    ("shift", "-.5", -0.5),
    ("shift", "-1e-3", -1e-3),
    ("shift", -2, -2.0),
    ("loud", "TRUE", True),
    ("loud", "false", False),
    ("loud", True, True),
    ("device", "cuda", "cuda"),
    ("title", "__import__('os').system('x')", "__import__('os').system('x')"),
    ("sizes", "1,2, 3", [1, 2, 3]),
    ("sizes", "[1, 2]", [1, 2]),
    ("sizes", [4, 5.0, "6"], [4, 5, 6]),
    ("sizes", "9", [9]),
    ("levels", "-1,0.25", [-1.0, 0.25]),
    ("levels", (0,), [0.0]),
]
REFUSED = [
    ("seed", "seven", "'seven' is not a whole number"),
    ("seed", "", "'' is not a whole number"),
    ("seed", "7.5", "'7.5' is not a whole number"),
    ("seed", "-1", "'-1' is out of range 0..4294967295"),
    ("seed", "4294967296", "out of range"),
    ("seed", "1e400", "out of range"),
    ("seed", "1e999999999999999999999999", "is not a whole number"),
    ("seed", "1e-999999999", "is not a whole number"),
    ("seed", "9" * 150, "out of range"),
    ("seed", "9" * 5000, "is not a whole number"),
    ("seed", 10**5000, "a number of more than 50 digits is out of range"),
    ("seed", "nan", "'nan' is not a whole number"),
    ("seed", "inf", "is not a whole number"),
    ("seed", "0x10", "is not a whole number"),
    ("seed", "1 2", "is not a whole number"),
    ("seed", "1+1", "is not a whole number"),
    ("seed", "٣", "is not a whole number"),
    ("seed", True, "True is not a whole number"),
    ("seed", None, "None is not a whole number"),
    ("seed", [7], "[7] is not a whole number"),
    ("seed", {"a": 1}, "is not a whole number"),
    ("seed", math.nan, "nan is not finite"),
    ("shift", math.inf, "inf is not finite"),
    ("shift", -math.inf, "-inf is not finite"),
    ("shift", "nan", "'nan' is not a number"),
    ("shift", "-Infinity", "is not a number"),
    ("shift", "-1e400", "out of range"),
    ("shift", "-1e-400", "out of range"),
    ("shift", "0", "out of range -2.5..-0.001"),
    ("tolerance", "0e999999999", "out of range"),
    ("loud", "yes", "'yes' is not true or false"),
    ("loud", 1, "1 is not true or false"),
    ("device", "tpu", "'tpu' is not one of auto | cpu | cuda"),
    ("device", "CPU", "is not one of"),
    ("device", 0, "0 is not a text"),
    ("title", "a\nb", "is not a printable text"),
    ("title", "\x1b[31m", "is not a printable text"),
    ("title", "a" * 201, "at most 200 characters"),
    ("sizes", "", "is an empty list"),
    ("sizes", [], "is an empty list"),
    ("sizes", "1,,2", "'' is not a whole number"),
    ("sizes", "1,b", "'b' is not a whole number"),
    ("sizes", "1,2000", "'2000' is out of range 1..1000"),
    ("sizes", ",".join("1" * 1001), "has more than 1000 entries"),
    ("sizes", 3, "3 is not a list of numbers"),
    ("sizes", {1: 2}, "is not a list of numbers"),
    ("sizes", [[1]], "[1] is not a whole number"),
    ("levels", "[0.1, nan]", "'nan' is not a number"),
    ("levels", [math.nan], "nan is not finite"),
]


@pytest.mark.parametrize(("name", "given", "value"), ACCEPTED, ids=short)
def test_a_good_value_is_taken(name, given, value):
    taken = resolve(SCHEMA, {name: given})
    assert taken == DEFAULTS | {name: value}
    assert type(taken[name]) is type(value)


@pytest.mark.parametrize(("name", "given", "words"), REFUSED, ids=short)
def test_a_bad_value_is_refused_in_one_line(name, given, words):
    with pytest.raises(UsageError) as refusal:
        resolve(SCHEMA, {name: given})
    (line,) = refusal.value.lines
    assert words in line and line.isprintable() and len(line) < 300
    assert line.startswith(f"parameter {name!r}: ") and SCHEMA.parameters[name].valid in line


def test_an_unknown_name_is_told_with_the_nearest_and_all_valid_ones():
    with pytest.raises(UsageError) as refusal:
        resolve(SCHEMA, {"sede": "1", "zzzz": "1", "n\nm": "1"})
    first, second, third = refusal.value.lines
    assert "unknown parameter 'sede'; did you mean seed?" in first
    assert "did you mean" not in second and "(valid: seed, shift, tolerance, " in second
    assert third.isprintable()


def test_later_layers_win_and_all_problems_are_told():
    assert resolve(SCHEMA, {"seed": 2, "loud": True}, {"seed": "3"})["seed"] == 3
    assert resolve(SCHEMA, {"shift": -2}, profile="paper")["shift"] == -2.0
    with pytest.raises(UsageError) as refusal:
        resolve(SCHEMA, {"seed": "x", "loud": "x"}, {"device": "x"})
    assert len(refusal.value.lines) == 3


@given(st.floats(-2.5, -1e-3), st.integers(0, 4294967295), st.lists(st.floats(-1, 1), min_size=1))
def test_a_value_shown_can_be_typed_again(shift, seed, levels):
    values = DEFAULTS | {"shift": shift, "seed": seed, "levels": levels}
    typed = {name: show_value(value) for name, value in values.items()}
    assert resolve(SCHEMA, split_assignments([f"{k}={v}" for k, v in typed.items()])) == values


def test_code_is_data(tmp_path):
    trap = tmp_path / "trap"
    code = f"__import__('pathlib').Path({str(trap)!r}).touch()"
    for parameter in SCHEMA.parameters.values():
        if parameter.name != "title":
            with pytest.raises(ValueError):
                check_value(parameter, code)
    with pytest.raises(UsageError, match="not YAML"):
        read_values_file(f"seed: !!python/object/apply:eval [{code!r}]", "values.yml")
    assert check_value(SCHEMA.parameters["title"], code) == code
    assert not trap.exists()


def test_assignments():
    assert split_assignments(["a=1", " b =x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    with pytest.raises(UsageError) as refusal:
        split_assignments(["a", "=1", "b=1", "b=2", "x" * 100])
    first, second, third, fourth = refusal.value.lines
    assert "'a' is not name=value" in first and "'=1' is not" in second
    assert "'b' is given twice" in third and len(fourth) < 90


def test_a_file_of_values():
    text = "seed: 7\nloud: true\nsizes: [1, 2]\nshift: -1.5\ndevice: auto\n"
    taken = resolve(SCHEMA, read_values_file(text, "values.yml"))
    assert (taken["seed"], taken["loud"], taken["sizes"]) == (7, True, [1, 2])
    assert read_values_file("", "values.yml") == {}
    assert read_values_file("# nothing\n", "values.yml") == {}


LAUGHS = "a: &a [1, 1]\n" + "".join(
    f"{y}: &{y} [*{x}, *{x}, *{x}, *{x}, *{x}, *{x}, *{x}, *{x}]\n"
    for x, y in zip("abcdefghijklm", "bcdefghijklmn", strict=True)
)


@pytest.mark.parametrize(
    "text",
    ["- 1", "seed", "7", "1: 2", "{seed: 1", "seed: [", "\0", "on: 1", "[" * 400, "seed: 1: 2"],
)
def test_a_file_that_is_no_mapping_is_refused(text):
    with pytest.raises(UsageError, match=r"values\.yml: not ") as refusal:
        read_values_file(text, "values.yml")
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-02",
        ".nan",
        "-.inf",
        "~",
        "{}",
        "!!binary aGVsbG8=",
        "&x [*x]",
        f"0x{'f' * 5000}",
    ],
)
def test_odd_values_of_a_file_are_refused(value):
    for name in ("seed", "sizes", "loud"):
        with pytest.raises(UsageError, match=f"parameter '{name}'"):
            resolve(SCHEMA, read_values_file(f"{name}: {value}", "values.yml"))


def test_a_file_that_would_fill_the_memory_when_written_out_is_refused():
    text = LAUGHS + "sizes: *n\nseed: *n\n"
    with pytest.raises(UsageError, match="unknown parameter 'a'"):
        resolve(SCHEMA, read_values_file(text, "values.yml"))


# --- a thousand bad requests ----------------------------------------------------------------

FUZZ = 1000
WORDS = [
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1e999",
    "1e9999999999999999999999",
    "None",
    "seven",
    "0x7",
    "7,",
    "[",
    "]",
    "[]",
    "{}",
    "1;2",
    "true1",
    "\n",
    "\t7\0",
    "７",
    "1__import__",
    "__import__('os').system('touch owned')",
    "$(touch owned)",
    "`touch owned`",
    "../../x",
    "9" * 400,
    "%s",
    "{n}",
    "é",
    "\ud800",
    "🙂",
    "=",
    "==1",
    "-",
    "--",
    "1e",
    ".",
    "_",
    "+-1",
]


def _noise(chance: random.Random) -> str:
    letters = string.printable + "äß∞٣\x00\x1b"
    return "".join(chance.choices(letters, k=chance.randrange(1, 30)))


def _good(chance: random.Random) -> str:
    return chance.choice(["seed=3", "n=12", "scale=0.25", "loud=true", "device=cpu", "levels=0,1"])


def _bad(chance: random.Random) -> list[str]:
    """Options at least one of which is wrong, whatever stands beside it."""
    name = chance.choice(["seed", "n", "scale", "loud", "device", "levels"])
    word = chance.choice(WORDS)
    number = chance.choice(["-1e3", "1e30", "0.5e9", "-7", "100000", str(chance.uniform(1e4, 1e9))])
    wrong_number = {"loud": "maybe", "device": "gpu"}.get(name, number)
    unknown = chance.choice([f"{name}x", name.upper(), f"-{name}", _noise(chance).replace("=", "")])
    (options,) = chance.choices(
        [
            ["-p", f"{name}={word}" if word.strip() not in ("", "７") else f"{name}= x"],
            ["-p", f"{name}={wrong_number}"],
            ["-p", f"{name}={_noise(chance)}!"],
            ["-p", f"{unknown or 'x'}={chance.randrange(9)}"],
            ["-p", _noise(chance).replace("=", "") or "x"],
            ["-p", "seed=1", "-p", "seed=2"],
            ["-p"],
            ["--profile", _noise(chance) + "!"],
            ["-f", f"no-such-file-{_noise(chance)}".replace("/", "")],
            [_noise(chance) + "!"],
            ["--sure"],
        ],
        weights=[10, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1],
    )
    return options


def test_a_thousand_bad_requests_are_refused_cleanly(tiny, capsys, monkeypatch):
    def never(*_, **__):
        raise AssertionError("a bad request was run")

    monkeypatch.setattr(run_module, "run_for_reader", never)
    monkeypatch.setattr(run_module, "run_into", never)
    monkeypatch.chdir(tiny.root)
    values = tiny.root / "values.yml"
    chance, before = random.Random(20261122), None
    for number in range(FUZZ):
        options = _bad(chance)
        for _ in range(chance.randrange(3)):
            options += ["-p", _good(chance)]
        if chance.random() < 0.15:
            bad = {
                chance.choice(["seed", "n", "loud", "levels", "m"]): chance.choice(
                    [None, math.nan, math.inf, [], {}, "x", [["1"]], -5, 1e300, "!!"]
                )
            }
            values.write_text(yaml.safe_dump(bad))
            options = ["-f", "values.yml"]
        elif not values.exists():
            values.write_text("{}")
        before = before or tiny.tree()
        code = main(["run", tiny.chapter, *options])
        told = capsys.readouterr()
        assert code == 2, options
        assert told.out == "", options
        lines = told.err.removesuffix("\n").split("\n")
        assert lines and all(line.startswith("companion: ") for line in lines), (options, lines)
        assert all(line.isprintable() for line in lines), (options, lines)
        assert "Traceback" not in told.err
        if number % 50 == 0:
            assert tiny.tree() == before
    assert tiny.tree() == before
    assert not tiny.project.runs.exists() and not tiny.project.output.exists()
