"""The parameters cell of a chapter, read as its typed interface.

A parameter is one line of the cell:

    n_samples: int = 20_000  # Gaussian inputs per estimate; 100..10_000_000; paper 1_000_000

The comment holds, between semicolons: the meaning (first), the range `low..high` or the choices
`a | b | c`, `unit ...`, and `paper ...` (the value at the paper's own scale). Two further comment
lines may state what a run costs, as expressions in the parameters:

    # memory: 8 * n_samples * dimension bytes
    # time: 2 + 3e-7 * n_samples * dimension seconds

Values that a person gives are data. They are never executed.
"""

from __future__ import annotations

import ast
import difflib
import io
import math
import operator
import re
import reprlib
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from companion.errors import UsageError

TYPES = ("int", "float", "bool", "str", "list[int]", "list[float]")
PROFILES = ("quick", "paper")
MEMORY_LIMIT = 8 * 2**30
TIME_LIMIT = 3600.0
_TEXT_LIMIT = 200
_LIST_LIMIT = 1000


@dataclass(frozen=True)
class Parameter:
    """One parameter of a chapter: what it is called, means, may be, and is by default."""

    name: str
    type: str
    default: Any
    meaning: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    paper: Any = None

    @property
    def valid(self) -> str:
        """The valid values, in words."""
        if self.choices:
            return " | ".join(self.choices)
        if self.type == "bool":
            return "true | false"
        if self.low is not None and self.high is not None:
            return f"{_show(self.low)}..{_show(self.high)}"
        return "any text"

    def of_profile(self, profile: str) -> Any:
        """The value under a profile."""
        return self.paper if profile == "paper" and self.paper is not None else self.default


@dataclass(frozen=True)
class Schema:
    """The interface of a chapter.

    Attributes:
        parameters: by name, in the order of the cell.
        memory: what a run is expected to need, an expression in bytes; may be empty.
        time: how long it is expected to take, an expression in seconds; may be empty.
    """

    parameters: Mapping[str, Parameter]
    memory: str = ""
    time: str = ""

    def estimate(self, values: Mapping[str, Any]) -> tuple[float, float]:
        """The memory in bytes and the time in seconds that a run with `values` should take."""
        return (
            evaluate_estimate(self.memory, values) if self.memory else 0.0,
            evaluate_estimate(self.time, values) if self.time else 0.0,
        )


def _show(value: Any) -> str:
    """A value as a person would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e16:
            return str(int(value))
        return repr(value)
    if isinstance(value, list | tuple):
        return ",".join(_show(entry) for entry in value)
    return str(value)


show_value = _show

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}


def evaluate_estimate(expression: str, values: Mapping[str, Any]) -> float:
    """The value of an arithmetic expression in the parameters; a list counts as its sum.

    Knows `+ - * / **` with constant powers, `len(name)` and `max(name)`; nothing else is run.

    Raises:
        UsageError: the expression contains anything else.
    """

    def walk(node: ast.AST) -> float:
        match node:
            case ast.Expression(body=body):
                return walk(body)
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name) if name in values:
                value = values[name]
                return float(sum(value)) if isinstance(value, list) else float(value)
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]) if name in values:
                return float(len(values[name]))
            case ast.Call(func=ast.Name(id="max"), args=[ast.Name(id=name)]) if name in values:
                return float(max(values[name]))
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int() as power)):
                return walk(left) ** power
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](walk(left), walk(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -walk(operand)
        raise UsageError(f"cannot read the estimate {expression!r}")

    try:
        return walk(ast.parse(expression, mode="eval"))
    except OverflowError:
        return math.inf
    except (SyntaxError, ZeroDivisionError, TypeError, ValueError):
        raise UsageError(f"cannot read the estimate {expression!r}") from None


def read_schema(cell: str, where: str = "parameters cell") -> Schema:
    """Read a parameters cell.

    Raises:
        UsageError: a line breaks the rules above; one line per problem.
    """
    try:
        comments, body = _comments_by_line(cell), ast.parse(cell).body
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        raise UsageError(f"{where}: not Python: {' '.join(str(error).split())}") from None
    problems: list[str] = []
    parameters: dict[str, Parameter] = {}
    for node in body:
        if not (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.value is not None
        ):
            problems.append(f"{where}: line {node.lineno} is not 'name: type = value  # meaning'")
            continue
        name = node.target.id
        if name in parameters:
            problems.append(f"{where}: {name} stands twice")
        try:
            parameter = _read_parameter(
                name,
                ast.unparse(node.annotation),
                _literal(ast.unparse(node.value)),
                comments.get(node.end_lineno or node.lineno, ""),
            )
        except (ValueError, SyntaxError) as error:
            problems.append(f"{where}: {name}: {error}")
            continue
        parameters[name] = parameter
    if problems:
        raise UsageError(problems)
    costs = {"memory": "", "time": ""}
    for text in comments.values():
        found = re.fullmatch(r"(memory|time):\s*(.+?)\s+(bytes|seconds)", text)
        if found:
            costs[found[1]] = found[2]
    schema = Schema(parameters, **costs)
    schema.estimate({name: parameter.default for name, parameter in parameters.items()})
    return schema


def _comments_by_line(cell: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(cell).readline)
    return {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _read_parameter(name: str, kind: str, default: Any, comment: str) -> Parameter:
    if kind not in TYPES:
        raise ValueError(f"type {kind} is not one of {', '.join(TYPES)}")
    meaning, *fields = [field.strip() for field in comment.split(";")]
    if not meaning:
        raise ValueError("has no meaning: write it in the comment")
    low = high = None
    choices: tuple[str, ...] = ()
    unit = paper_text = ""
    for text in fields:
        span = re.fullmatch(r"(\S+?)\.\.(\S+)", text)
        if text.startswith("unit "):
            unit = text.removeprefix("unit ").strip()
        elif text.startswith("paper "):
            paper_text = text.removeprefix("paper ").strip()
        elif span:
            low, high = (_range_end(end) for end in span.groups())
        elif "|" in text:
            choices = tuple(choice.strip() for choice in text.split("|"))
        else:
            raise ValueError(f"cannot read {text!r} in its comment")
    if (low is None or high is None) and ("int" in kind or "float" in kind):
        raise ValueError("a number needs a range low..high")
    draft = Parameter(name, kind, None, meaning, low, high, choices, unit)
    paper = check_value(draft, _literal(paper_text)) if paper_text else None
    return Parameter(
        name, kind, check_value(draft, default), meaning, low, high, choices, unit, paper
    )


def _literal(text: str) -> Any:
    """The value of a literal; nothing is run."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        raise ValueError(f"{_quote(text)} is not a plain value") from None


def _range_end(text: str) -> float:
    value = _literal(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{_quote(text)} cannot end a range")
    return float(value)


def check_value(parameter: Parameter, value: Any) -> Any:
    """`value` as the parameter's type: text is read, anything else is checked.

    Raises:
        ValueError: wrong type, out of range, not finite; the message does not name the parameter.
    """
    if parameter.type.startswith("list["):
        return _check_list(parameter, value)
    if parameter.type in ("int", "float"):
        return _check_number(parameter, parameter.type, value)
    if parameter.type == "bool":
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        if not isinstance(value, bool):
            raise ValueError(f"{_quote(value)} is not true or false")
        return value
    if not isinstance(value, str):
        raise ValueError(f"{_quote(value)} is not a text")
    if parameter.choices and value not in parameter.choices:
        raise ValueError(f"{_quote(value)} is not one of {parameter.valid}")
    if len(value) > _TEXT_LIMIT or not value.isprintable():
        raise ValueError(f"is not a printable text of at most {_TEXT_LIMIT} characters")
    return value


def _quote(value: Any) -> str:
    """What was given, short enough for one line, however large or deeply nested it is."""
    if isinstance(value, int) and abs(value) >= 10**50:
        return "a number of more than 50 digits"
    text = repr(value) if isinstance(value, str | int | float) else reprlib.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_list(parameter: Parameter, value: Any) -> list[Any]:
    if isinstance(value, str):
        inner = value.strip()
        if inner.startswith("[") and inner.endswith("]"):
            inner = inner[1:-1]
        value = [entry.strip() for entry in inner.split(",")] if inner.strip() else []
    if not isinstance(value, list | tuple):
        raise ValueError(f"{_quote(value)} is not a list of numbers")
    if not value:
        raise ValueError("is an empty list")
    if len(value) > _LIST_LIMIT:
        raise ValueError(f"has more than {_LIST_LIMIT} entries")
    kind = parameter.type.removeprefix("list[").removesuffix("]")
    return [_check_number(parameter, kind, entry) for entry in value]


_NUMBER = re.compile(r"[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?", re.ASCII)


def _check_number(parameter: Parameter, kind: str, value: Any) -> int | float:
    noun = "a whole number" if kind == "int" else "a number"
    refused = ValueError(f"{_quote(value)} is not {noun}")
    if isinstance(value, str):
        # Decimal keeps digits of whole numbers that a float would lose.
        if not _NUMBER.fullmatch(value.strip()) or len(value) > _TEXT_LIMIT:
            raise refused
        try:
            number: Decimal | int | float = Decimal(value.strip().replace("_", ""))
        except InvalidOperation:
            raise refused from None
        # The ends of a range are floats: 0.1 has to meet them as one.
        number = float(number) if kind == "float" else number
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise refused
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{_quote(value)} is not finite")
    else:
        number = value
    low, high = parameter.low, parameter.high
    if low is not None and high is not None and not low <= number <= high:
        raise ValueError(f"{_quote(value)} is out of range {parameter.valid}")
    if kind == "int":
        if number != int(number):
            raise refused
        return int(number)
    return float(number)


def split_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """`["seed=7", ...]` as a mapping of texts.

    Raises:
        UsageError: an entry is not `name=value`, or a name is given twice.
    """
    values: dict[str, str] = {}
    problems = []
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            problems.append(f"{_quote(assignment)} is not name=value")
        elif name.strip() in values:
            problems.append(f"parameter {name.strip()!r} is given twice")
        else:
            values[name.strip()] = value
    if problems:
        raise UsageError(problems)
    return values


def read_values_file(text: str, where: str) -> dict[str, Any]:
    """The mapping of names to values in a YAML text.

    Raises:
        UsageError: it is not a plain mapping.
    """
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{where}: not YAML: {' '.join(str(error).split())[:200]}") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise UsageError(f"{where}: not a mapping of parameter names to values")
    return values


def resolve(schema: Schema, *layers: Mapping[str, Any], profile: str = "quick") -> dict[str, Any]:
    """All parameters' values: the profile's, overlaid by each layer in turn.

    Raises:
        UsageError: unknown names, wrong types, values out of range; one line per problem.
    """
    if profile not in PROFILES:
        raise UsageError(f"unknown profile {_quote(profile)} (valid: {', '.join(PROFILES)})")
    values = {name: p.of_profile(profile) for name, p in schema.parameters.items()}
    problems = []
    for layer in layers:
        for name, value in layer.items():
            parameter = schema.parameters.get(name)
            if parameter is None:
                near = difflib.get_close_matches(name, schema.parameters, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                valid = ", ".join(schema.parameters)
                problems.append(f"unknown parameter {_quote(name)}{hint} (valid: {valid})")
                continue
            try:
                values[name] = check_value(parameter, value)
            except ValueError as error:
                article = {"int": "an int", "float": "a float", "bool": "a bool", "str": "a text"}
                what = article.get(parameter.type, parameter.type)
                problems.append(
                    f"parameter {name!r}: {error} ({what}: {parameter.meaning}; "
                    f"valid: {parameter.valid})"
                )
    if problems:
        raise UsageError(problems)
    return values
