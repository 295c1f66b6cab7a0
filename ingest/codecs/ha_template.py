"""Home Assistant value templates, read safely: Jinja's parser, and an evaluator that cannot loop.

Understood are the forms that devices publish: `value`, `value_json.a['b'][0]`, filters (float,
int, round, default, is_defined, lower, replace, trim, min, max), `split`, arithmetic, comparisons,
if, set. A template with anything else is refused when the device describes itself, not when a value
comes.

Home Assistant puts a default in place of what is missing, `float(0)`; a key that is missing did not
change, so here a constant in its place, or a choice that hangs on it, is no value.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateError

from caretaker.vocabulary import Rejected
from ingest.strict_json import parse

MAX_LENGTH = 2_000
_MAX_TEXT = 10_000
_MAX_WHOLE = 2**53
_MAX_WORD = 64
_FORMAT = re.compile(r"%(?:0?\.?\d)?f|%d")
_PARSER = Environment(autoescape=False)  # noqa: S701  (it parses; nothing is ever rendered)
_ARITHMETIC: dict[type[nodes.Node], Callable[[Any, Any], Any]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
    nodes.Mul: operator.mul,
    nodes.Div: operator.truediv,
    nodes.FloorDiv: operator.floordiv,
    nodes.Mod: operator.mod,
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
}
_FILTERS = {"float", "int", "round", "default", "is_defined", "lower", "upper", "trim", "replace"}
_FILTERS |= {"string", "abs", "bool", "d", "multiply", "add", "iif", "from_json"}
_FILTERS |= {"is_number", "min", "max", "first", "last", "bitwise_and", "format"}
_FUNCTIONS = {"float", "int", "iif", "min", "max"}
_KEYWORDS = {"default", "precision"}
_METHODS = {"split", "get", "lower", "upper", "strip", "replace"}
_TESTS = {"defined", "none", "number", "undefined"}


class UnknownTemplateError(ValueError):
    """The template does more than this evaluator understands."""


MISSING: Any = object()
"""What is not there: it swallows further steps, as Jinja's undefined does."""


class Template:
    """A value template that was understood."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise UnknownTemplateError("too long")
        try:
            parsed = _PARSER.parse(text)
        except (TemplateError, RecursionError) as error:
            raise UnknownTemplateError(str(error)[:80]) from error
        own = {
            node.target.name
            for node in parsed.find_all(nodes.Assign)
            if isinstance(node.target, nodes.Name)
        }
        for node in parsed.find_all(nodes.Node):
            _check(node, own)
        self._body = parsed.body

    def render(self, value: str, value_json: Any) -> str | None:
        """Return the text a template makes of a message; None where it finds nothing.

        >>> Template("{{ value_json.a.b | float * 2 }}").render("", {"a": {"b": 2.5}})
        '5.0'
        >>> Template("{{ value.split(';')[1] }}").render("a;b", None)
        'b'
        >>> Template("{{ value_json.x }}").render("", {}) is None
        True
        """
        try:
            return _output(self._body, {"value": value, "value_json": value_json})
        except (TypeError, ValueError, KeyError, IndexError, ArithmeticError, RecursionError):
            return None


def _check(node: nodes.Node, own: set[str]) -> None:
    if not isinstance(node, _ALLOWED):
        raise UnknownTemplateError(type(node).__name__)
    if isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
        raise UnknownTemplateError("set of several")
    if isinstance(node, nodes.Name) and node.name not in {
        "value",
        "value_json",
        *_FUNCTIONS,
        *own,
    }:
        raise UnknownTemplateError(node.name)
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        raise UnknownTemplateError(node.name)
    if isinstance(node, nodes.Keyword) and node.key not in _KEYWORDS:
        raise UnknownTemplateError(node.key)
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise UnknownTemplateError(node.name)
    if isinstance(node, nodes.Call) and not (
        (isinstance(node.node, nodes.Getattr) and node.node.attr in _METHODS)
        or (isinstance(node.node, nodes.Name) and node.node.name in _FUNCTIONS)
    ):
        raise UnknownTemplateError("call")


def _output(body: list[nodes.Node], scope: dict[str, Any]) -> str | None:
    parts: list[Any] = []
    for node in body:
        if isinstance(node, nodes.Output):
            parts += [_value(child, scope) for child in node.nodes]
        elif isinstance(node, nodes.Assign):
            assert isinstance(node.target, nodes.Name)
            scope[node.target.name] = _value(node.node, scope)
        elif isinstance(node, nodes.If):
            chosen = _branch(node, scope)
            parts.append(MISSING if chosen is None else _output(chosen, scope))
    if any(part is MISSING or part is None for part in parts) or not parts:
        return None
    return "".join(str(part) for part in parts).strip()[:_MAX_TEXT]


def _branch(node: nodes.If, scope: Mapping[str, Any]) -> list[nodes.Node] | None:
    """Return the branch that applies; None where it hangs on what is missing."""
    for branch in (node, *node.elif_):
        chosen = _value(branch.test, scope)
        if chosen is MISSING:
            return None
        if chosen:
            return branch.body
    return node.else_


def _truth(value: Any) -> bool:
    return value is not MISSING and bool(value)


def _value(node: nodes.Node, scope: Mapping[str, Any]) -> Any:
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        return handler(node, scope)
    if isinstance(node, nodes.BinExpr):
        left, right = _value(node.left, scope), _value(node.right, scope)
        if left is MISSING or right is MISSING:
            return MISSING
        return _arithmetic(type(node), left, right)
    raise TypeError(type(node).__name__)


def _arithmetic(kind: type[nodes.Node], left: Any, right: Any) -> Any:
    """Return a sum or product that cannot grow without end, however often it is taken."""
    if kind is nodes.Add and isinstance(left, str) and isinstance(right, str):
        return (left + right)[:_MAX_TEXT]
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        raise TypeError("a sum or product of what is no number")
    if max(abs(left), abs(right)) > _MAX_WHOLE:
        left, right = float(left), float(right)
    return _ARITHMETIC[kind](left, right)


def _step(held: Any, key: Any) -> Any:
    """Return what stands in an object, list or text at a key; MISSING where there is nothing."""
    if isinstance(held, Mapping):
        return held.get(key, held.get(str(key), MISSING))
    if isinstance(held, list | str) and isinstance(key, int) and -len(held) <= key < len(held):
        return held[key]
    return MISSING


def _item(node: nodes.Getitem, scope: Mapping[str, Any]) -> Any:
    """Return what stands at a key, or a part of a text or list."""
    held = _value(node.node, scope)
    if not isinstance(node.arg, nodes.Slice):
        return _step(held, _value(node.arg, scope))
    ends = [None if end is None else _value(end, scope) for end in (node.arg.start, node.arg.stop)]
    if not isinstance(held, str | list) or node.arg.step is not None:
        return MISSING
    if any(not isinstance(end, int | None) for end in ends):
        return MISSING
    return held[slice(*ends)]


def _filter(node: nodes.Filter, scope: Mapping[str, Any]) -> Any:
    held = _value(node.node, scope) if node.node is not None else MISSING
    arguments = [_value(item, scope) for item in node.args]
    arguments += [_value(word.value, scope) for word in node.kwargs if word.key == "precision"]
    name = node.name
    if name in {"default", "d"} and held is MISSING:
        constant = not node.args or isinstance(node.args[0], nodes.Const)
        return MISSING if constant else arguments[0]
    if held is MISSING or name in {"default", "d", "is_defined"}:
        return held
    if name in {"float", "int"}:
        return _number(held, name)
    handler = _BY_FILTER.get(name)
    return handler(held, arguments) if handler else _text(str(held), name, arguments)


def _parsed(held: Any) -> Any:
    parsed = parse(str(held).encode())
    return MISSING if isinstance(parsed, Rejected) else parsed


def _number(held: Any, name: str) -> Any:
    """Return a number; a default in place of what is none would be no measured value."""
    try:
        number = float(held)
    except (TypeError, ValueError):
        return MISSING
    return int(number) if name == "int" else number


def _iif(held: Any, arguments: list[Any]) -> Any:
    if held is MISSING:
        return MISSING
    yes, no = [*arguments, True, False][:2] if len(arguments) < 2 else arguments[:2]
    return yes if held else no


def _formatted(how: str, arguments: list[Any]) -> Any:
    """Return one number written as `%.1f` says; anything wider is no value."""
    if not _FORMAT.fullmatch(how) or len(arguments) != 1 or arguments[0] is MISSING:
        return MISSING
    return how % float(arguments[0])


def _extreme(which: Callable[[list[Any]], Any], held: Any) -> Any:
    """Return the least or greatest of a list; a constant that stands in for nothing is none."""
    if not isinstance(held, list) or not held or MISSING in held:
        return MISSING
    return which(held)


_BY_FILTER: dict[str, Callable[[Any, list[Any]], Any]] = {
    "multiply": lambda held, arguments: float(held) * float(arguments[0]),
    "add": lambda held, arguments: float(held) + float(arguments[0]),
    "iif": _iif,
    "is_number": lambda held, _: _number(held, "float") is not MISSING,
    "from_json": lambda held, _: _parsed(held),
    "round": lambda held, arguments: round(float(held), int(arguments[0]) if arguments else 0),
    "abs": lambda held, _: abs(held),
    "min": lambda held, _: _extreme(min, held),
    "max": lambda held, _: _extreme(max, held),
    "first": lambda held, _: _step(held, 0),
    "last": lambda held, _: _step(held, -1),
    "format": lambda held, arguments: _formatted(str(held), arguments),
    "bitwise_and": lambda held, arguments: int(held) & int(arguments[0]),
    "bool": lambda held, _: _truth(held),
}


def _text(held: str, name: str, arguments: list[Any]) -> str:
    if name == "replace":
        new = str(arguments[1])[:_MAX_WORD]
        return held[:_MAX_TEXT].replace(str(arguments[0]), new)[:_MAX_TEXT]
    simple: dict[str, Callable[[str], str]] = {
        "lower": str.lower,
        "upper": str.upper,
        "trim": str.strip,
        "strip": str.strip,
        "string": str,
    }
    return simple[name](held)


def _call(node: nodes.Call, scope: Mapping[str, Any]) -> Any:
    arguments = [_value(item, scope) for item in node.args]
    if isinstance(node.node, nodes.Name):
        called, told = node.node.name, arguments[0]
        if called in {"min", "max"}:
            listed = told if isinstance(told, list) else arguments
            return _extreme(min if called == "min" else max, listed)
        return _iif(told, arguments[1:]) if called == "iif" else _number(told, called)
    assert isinstance(node.node, nodes.Getattr)
    held, name = _value(node.node.node, scope), node.node.attr
    if held is MISSING:
        return MISSING
    if name == "get":
        found = _step(held, arguments[0])
        return arguments[1] if found is MISSING and len(arguments) > 1 else found
    if name == "split":
        return str(held).split(str(arguments[0]) if arguments else None)
    return _text(str(held), name, arguments)


def _compare(node: nodes.Compare, scope: Mapping[str, Any]) -> Any:
    left = _value(node.expr, scope)
    for operand in node.ops:
        right = _value(operand.expr, scope)
        if MISSING in (left, right):
            return MISSING
        if operand.op in {"in", "notin"}:
            holds = (left in right) == (operand.op == "in")
        else:
            holds = _COMPARE[operand.op](left, right)
        if not holds:
            return False
        left = right
    return True


def _test(node: nodes.Test, scope: Mapping[str, Any]) -> bool:
    held = _value(node.node, scope)
    if node.name in {"defined", "undefined"}:
        return (held is not MISSING) == (node.name == "defined")
    if node.name == "none":
        return held is None
    return isinstance(held, int | float) and not isinstance(held, bool)


def _condition(node: nodes.CondExpr, scope: Mapping[str, Any]) -> Any:
    test = _value(node.test, scope)
    if test is MISSING:
        return MISSING
    if test:
        return _value(node.expr1, scope)
    return MISSING if node.expr2 is None else _value(node.expr2, scope)


def _either(node: nodes.Or, scope: Mapping[str, Any]) -> Any:
    left = _value(node.left, scope)
    return left if _truth(left) else _value(node.right, scope)


def _both(node: nodes.And, scope: Mapping[str, Any]) -> Any:
    left = _value(node.left, scope)
    return _value(node.right, scope) if _truth(left) else left


def _not(node: nodes.Not, scope: Mapping[str, Any]) -> Any:
    held = _value(node.node, scope)
    return MISSING if held is MISSING else not held


def _joined(node: nodes.Concat, scope: Mapping[str, Any]) -> Any:
    parts = [_value(part, scope) for part in node.nodes]
    return MISSING if MISSING in parts else "".join(map(str, parts))[:_MAX_TEXT]


def _dict(node: nodes.Dict, scope: Mapping[str, Any]) -> dict[Any, Any]:
    return {_value(pair.key, scope): _value(pair.value, scope) for pair in node.items}


_HANDLERS: dict[type[nodes.Node], Callable[[Any, Mapping[str, Any]], Any]] = {
    nodes.TemplateData: lambda node, _: node.data,
    nodes.Const: lambda node, _: node.value,
    nodes.Name: lambda node, scope: scope.get(node.name, MISSING),
    nodes.Getattr: lambda node, scope: _step(_value(node.node, scope), node.attr),
    nodes.Getitem: _item,
    nodes.Filter: _filter,
    nodes.Call: _call,
    nodes.Compare: _compare,
    nodes.Test: _test,
    nodes.CondExpr: _condition,
    nodes.Or: _either,
    nodes.And: _both,
    nodes.Not: _not,
    nodes.Concat: _joined,
    nodes.Dict: _dict,
    nodes.List: lambda node, scope: [_value(item, scope) for item in node.items],
    nodes.Tuple: lambda node, scope: [_value(item, scope) for item in node.items],
    nodes.Neg: lambda node, scope: -_value(node.node, scope),
    nodes.Pos: lambda node, scope: +_value(node.node, scope),
}
_ALLOWED: tuple[type[nodes.Node], ...] = (
    *_HANDLERS,
    *_ARITHMETIC,
    *(nodes.Output, nodes.Operand, nodes.If, nodes.Assign, nodes.Pair, nodes.Keyword, nodes.Slice),
)
