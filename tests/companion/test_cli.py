"""The command line as people use it: what it prints, and its exit codes."""

import json
import signal
import subprocess
import sys

import pytest

from companion.cli import main
from companion.freshness import store

CARD = {
    "id": "fig-tian2017-sum",
    "caption": "Sums grow with $n$. A second sentence.",
    "alt": "A straight line that rises from one to three.",
    "files": {"svg": "fig-tian2017-sum.svg"},
    "rows": 3,
    "columns": 2,
    "order": 1,
    "chapter": "topic/tiny",
    "claims": ["tian2017.sum"],
    "parameters": {"seed": 1, "a_b": 2},
    "seed": 1,
    "code_version": "0.1.0 (src 0123)",
}


@pytest.fixture
def with_figure(finished):
    """A finished run with a figure's card."""
    folder = store(finished.project, finished.chapter) / finished.state().key / "figures"
    folder.mkdir()
    (folder / f"{CARD['id']}.json").write_text(json.dumps(CARD))
    return finished


def told(capsys, *arguments, code=0):
    """What a command prints where it should, and nothing where it should not."""
    assert main(list(arguments)) == code
    captured = capsys.readouterr()
    quiet, text = (captured.err, captured.out) if code == 0 else (captured.out, captured.err)
    assert quiet == ""
    return text


BAD = [
    ([], "the following arguments are required: COMMAND"),
    (["fly"], "invalid choice: 'fly'"),
    (["list", "all"], "unrecognized arguments: all"),
    (["show"], "the following arguments are required: chapter"),
    (["show", "topic/tin"], "unknown chapter 'topic/tin'; did you mean topic/tiny? (valid: "),
    (["run"], "the following arguments are required: chapter"),
    (["run", "zzz"], "unknown chapter 'zzz' (valid: topic/tiny)"),
    (["run", "../../x"], "unknown chapter '../../x'"),
    (["run", "topic/tiny", "-p", "m=1"], "unknown parameter 'm'"),
    (["run", "topic/tiny", "-p", "sed=1"], "unknown parameter 'sed'; did you mean seed?"),
    (["run", "topic/tiny", "-p", "n=many"], "parameter 'n': 'many' is not a whole number"),
    (["run", "topic/tiny", "-p", "n=0"], "parameter 'n': '0' is out of range 1..1000"),
    (["run", "topic/tiny", "-p", "n"], "'n' is not name=value"),
    (["run", "topic/tiny", "-p"], "argument -p: expected one argument"),
    (["run", "topic/tiny", "n=3"], "unrecognized arguments: n=3"),
    (["run", "topic/tiny", "-f", "nowhere.yml"], "cannot read nowhere.yml: "),
    (["run", "topic/tiny", "-f", "book"], "cannot read book: "),
    (["run", "topic/tiny", "--profile", "papr"], "unknown profile 'papr' (valid: quick, paper)"),
    (["claims", "tian2017.sun"], "unknown claim 'tian2017.sun'; did you mean tian2017.sum?"),
    (["claims", "--paper", "knuth1997"], "invalid choice: 'knuth1997'"),
    (["figures", "all"], "unrecognized arguments: all"),
    (["cite"], "the following arguments are required: FIGURE_ID"),
    (["cite", "fig-x"], "unknown figure 'fig-x' (valid: none; run `companion build` first)"),
    (["status", "--profile", "papr"], "unknown profile 'papr'"),
    (["build", "--profile", "papr"], "unknown profile 'papr'"),
    (["build", "--jobs", "0"], "--jobs 0 is out of range 1..256"),
    (["build", "--jobs", "two"], "invalid int value: 'two'"),
    (["pair", "topic/tin"], "unknown chapter 'topic/tin'; did you mean topic/tiny?"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=lambda value: " ".join(value))
def test_bad_input_is_refused_in_one_line(tiny, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(tiny.root)
    before = tiny.tree()
    text = told(capsys, *arguments, code=2)
    assert text.count("\n") == 1 and text.startswith("companion: ") and words in text
    assert tiny.tree() == before


def test_each_problem_has_a_line(tiny, capsys, monkeypatch):
    monkeypatch.chdir(tiny.root)
    values = tiny.root / "values.yml"
    values.write_text("n: many\nloud: 3\n")
    text = told(capsys, "run", tiny.chapter, "-f", "values.yml", "-p", "m=1", code=2)
    assert [line.split(":")[1].strip() for line in text.splitlines()] == [
        *("parameter 'n'", "parameter 'loud'", "unknown parameter 'm' (valid")
    ]


def test_a_device_that_is_not_there(tiny, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    text = told(capsys, "run", tiny.chapter, "-p", "device=cuda", code=2)
    assert "device 'cuda': this machine" in text and text.count("\n") == 1


def test_an_absurd_size_needs_to_be_meant(tiny, capsys, monkeypatch):
    source = tiny.project.source_file(tiny.chapter)
    source.write_text(tiny.source.replace("memory: 8 * n", "memory: 8e9 * n"))
    before = tiny.tree()
    text = told(capsys, "run", tiny.chapter, "-p", "n=1000", code=2)
    assert "about 7.45e+03 GiB and 1 s (limits 8 GiB" in text and "--yes-really" in text
    assert tiny.tree() == before

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("companion.run.run_for_reader", stop)
    text = told(capsys, "run", tiny.chapter, "-p", "n=1000", "--yes-really", code=130)
    assert text == "companion: stopped; nothing unfinished was kept\n"


@pytest.mark.parametrize(
    "command", ["", "list", "show", "run", "status", "build", "claims", "figures", "cite", "pair"]
)
def test_help(tiny, capsys, command):
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: companion {command}".rstrip())


def test_list(tiny, capsys):
    assert told(capsys, "list").split() == ["topic/tiny", "A", "tiny", "chapter"]


def test_show(finished, capsys):
    text = told(capsys, "show", "topic/tiny")
    lines = text.splitlines()
    assert lines[0] == "topic/tiny: A tiny chapter"
    row = next(line.split() for line in lines if line.split()[:1] == ["n"])
    assert row == ["n", "int", "10", "100", "1..1000", "number", "of", "ones", "(terms)"]
    assert any(line.split()[:1] == ["tian2017.sum"] for line in lines)
    assert "tian2017.later" not in text and "state: fresh" in lines
    assert lines[-1].startswith("last run: ") and " s on cpu, " in lines[-1]


def test_show_before_any_run(tiny, capsys):
    text = told(capsys, "show", "topic/tiny")
    assert "state: never run" in text and "last run" not in text


def test_status(finished, capsys):
    assert told(capsys, "status").split() == ["topic/tiny", "fresh"]
    text = told(capsys, "status", "--profile", "paper")
    assert text.split(None, 2)[1:] == ["stale", "changed: parameters\n"]
    finished.set_cell("pass")
    assert told(capsys, "status").split(None, 2)[1:] == ["stale", "changed: source\n"]


def test_claims(finished, capsys):
    first, second = told(capsys, "claims").splitlines()
    assert first.split()[:2] == ["tian2017.sum", "verified"]
    assert second.split()[:3] == ["tian2017.later", "not", "tested"]
    assert told(capsys, "claims", "--paper", "chen2024") == ""
    text = told(capsys, "claims", "tian2017.sum")
    assert "The sum of $n$ ones is $n$." in text and text.endswith("verdict: verified\n")


def test_claims_before_any_run(tiny, capsys):
    assert told(capsys, "claims").count("not tested") == 2


def test_figures_and_cite(with_figure, capsys):
    assert told(capsys, "figures").split() == [CARD["id"], "topic/tiny"]
    entry = told(capsys, "cite", CARD["id"])
    assert entry.startswith(f"@misc{{{CARD['id']},\n") and entry.endswith("}\n}\n")
    assert "{{Sums grow with $n$.}}" in entry and r"seed=1, a\_b=2" in entry
    assert "of: A tiny book, version 0.0.1" in entry and "= {2026}" in entry
    assert "url" not in entry
    text = told(capsys, "cite", "fig-tian2017-sun", code=2)
    assert f"did you mean {CARD['id']}?" in text


def test_cite_gives_the_address_where_the_book_is_published(with_figure, capsys):
    config = with_figure.root / "_config.yml"
    config.write_text(config.read_text().replace('baseurl: ""', "baseurl: https://x.example/b/"))
    entry = told(capsys, "cite", CARD["id"])
    assert f"= {{https://x.example/b/figures/{CARD['id']}.html}}" in entry


def test_pair_writes_the_notebook_of_a_fresh_run(finished, capsys):
    assert told(capsys, "pair") == "topic/tiny: renewed\n"
    assert told(capsys, "pair", "topic/tiny") == "topic/tiny: unchanged\n"
    assert finished.project.pair_file("topic/tiny").exists()


def test_outside_of_a_checkout(tmp_path, tiny, capsys, monkeypatch):
    from companion.project import find_project

    monkeypatch.setenv("COMPANION_ROOT", str(tmp_path))
    find_project.cache_clear()
    assert "no checkout of the book" in told(capsys, "list", code=2)


def test_a_broken_claims_file_is_told_in_one_line(tiny, capsys):
    tiny.project.claims_file.write_text("- id: [\n")
    for command in (["claims"], ["status"], ["run", "topic/tiny"]):
        text = told(capsys, *command, code=2)
        assert text.startswith("companion: claims.yml: ") and text.count("\n") == 1
    assert not tiny.project.runs.exists()


def test_a_broken_parameters_cell_is_told_in_one_line(tiny, capsys):
    source = tiny.project.source_file(tiny.chapter)
    for old, new in (("n: int = 10", "n: int = 10 +"), ('tags=["parameters"]', "")):
        source.write_text(tiny.source.replace(old, new))
        text = told(capsys, "status", code=2)
        assert text.count("\n") == 1


@pytest.mark.parametrize("copies", [1, 500])
def test_a_listener_that_leaves_early_is_no_failure(tiny, copies):
    """`companion claims | head` must end well, whether the pipe is full or not."""
    first, _ = tiny.claims.split("- id: tian2017.later")
    many = (first.replace("tian2017.sum", f"tian2017.sum{n}") for n in range(copies))
    tiny.project.claims_file.write_text("".join(many))
    with tiny.start("claims") as command:
        command.stdout.close()
        told = command.stderr.read()
    assert (command.returncode, told) == (0, "")


def test_the_installed_command(tiny):
    from pathlib import Path

    program = Path(sys.executable).with_name("companion")
    ended = subprocess.run(
        [program, "list", "--nonsense"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "companion: companion: unrecognized arguments: --nonsense\n"


def test_main_leaves_a_stop_signal_to_the_command(tiny, capsys):
    told(capsys, "list")
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == 143
