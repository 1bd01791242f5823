"""Conditions as text, such as ``status == 'done' and minutes > 5``, for every engine.

The text is read by Python's own parser and only ever becomes comparisons of columns: it cannot
call, subscript or reach anything. A missing value equals nothing, and is neither smaller nor
larger than anything: then ``!=`` holds, as in pandas. The engines differ in this, so what is
unknown is filled: below each negation, and once at the end where the engine's ``and`` and ``or``
keep what is unknown apart from what is true, for each filling costs a look at all rows. pandas
cannot join the missing values of its several kinds of booleans: there each comparison is filled.
"""

from __future__ import annotations

import ast
import operator
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import attrs
import narwhals as nw

from activitysmith_jupyter.exceptions import PayloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from narwhals.dtypes import DType

__all__ = ["condition"]

_QUOTED: Final = re.compile(r"`([^`]+)`")
_ORDER: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.eq,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
# The parser and the engines go down by recursion, and nobody writes a condition as deep by hand.
_LONGEST: Final = 2000
_DEEPEST: Final = 60
_GRAMMAR: Final = (
    "Columns (in backticks where they are no names), numbers, texts, + - * / %, "
    "== != < <= > >=, in [...], is None, and, or, not"
)


def condition(
    text: object,
    schema: Mapping[str, DType],
    label: str,
    unknown: Callable[[str], PayloadError],
    *,
    joins_missing: bool = False,
) -> nw.Expr:
    """Return a condition as a narwhals expression.

    Parameters
    ----------
    text : str
        For example ``"region in ['north', 'east'] and not returned"``.
    schema : mapping
        The frame's columns.
    label : str
        The metric, for errors.
    unknown : callable
        Makes the error for a column that is not there.
    joins_missing : bool, default False
        Whether the engine's ``and`` and ``or`` take missing values.

    Raises
    ------
    PayloadError
        The text is no condition, names an unknown column, or compares what cannot be compared.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        rule = f"must be a condition of at most {_LONGEST} characters"
        raise PayloadError(label, text, rule, _GRAMMAR)
    quoted: dict[str, str] = {}

    def placeholder(match: re.Match[str]) -> str:
        name = f"_quoted_{len(quoted)}_"
        quoted[name] = match[1]
        return name

    try:
        tree = ast.parse(_QUOTED.sub(placeholder, text).strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise PayloadError(label, text, "is no condition", _GRAMMAR) from None
    if _is_deeper(tree, _DEEPEST):
        raise PayloadError(label, text, f"nests deeper than {_DEEPEST} levels")
    return _Reader(text, schema, label, unknown, quoted, joins_missing).truth(tree.body)


def _is_deeper(node: ast.AST, levels: int) -> bool:
    return levels < 0 or any(_is_deeper(each, levels - 1) for each in ast.iter_child_nodes(node))


def _filled(truth: nw.Expr) -> nw.Expr:
    return truth.fill_null(value=False)


@attrs.frozen
class _Reader:
    _text: str
    _schema: Mapping[str, DType]
    _label: str
    _unknown: Callable[[str], PayloadError]
    _quoted: Mapping[str, str]
    _joins_missing: bool

    def truth(self, node: ast.expr) -> nw.Expr:
        """Return where the condition holds; nowhere is that missing."""
        held = self._joined(node)
        return _filled(held) if self._joins_missing else held

    def _leaf(self, held: nw.Expr) -> nw.Expr:
        return held if self._joins_missing else _filled(held)

    def _joined(self, node: ast.expr) -> nw.Expr:
        """Return where the condition holds; what is unknown may be missing still."""
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = [self._joined(value) for value in values]
                joined = parts[0]
                for part in parts[1:]:
                    joined = joined & part if isinstance(op, ast.And) else joined | part
                return joined
            case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
                return self._joined(left) & self._joined(right)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self._joined(left) | self._joined(right)
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                return ~self.truth(operand)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [left, *comparators]
                joined = self._comparison(sides[0], ops[0], sides[1])
                for index in range(1, len(ops)):
                    joined &= self._comparison(sides[index], ops[index], sides[index + 1])
                return joined
            case ast.Name():
                name = self._column(node)
                if self._schema[name] != nw.Boolean:
                    kind = self._schema[name]
                    raise self._refused(f"{name!r} is {kind}, and only Boolean is a condition")
                return self._leaf(nw.col(name))
        raise self._refused(f"cannot use {ast.unparse(node)!r} as a condition", _GRAMMAR)

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> nw.Expr:
        if isinstance(op, ast.In | ast.NotIn):
            among = self._columns(left).is_in(self._constants(right, left))
            return ~_filled(among) if isinstance(op, ast.NotIn) else self._leaf(among)
        if isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise self._refused("'is' only goes with None")
            missing: nw.Expr = self._columns(left).is_null()
            return ~missing if isinstance(op, ast.IsNot) else missing
        self._check_comparable(left, right)
        first, second = self._operand(left, right), self._operand(right, left)
        if not isinstance(first, nw.Expr) and not isinstance(second, nw.Expr):
            raise self._refused("compares no column")
        compared: nw.Expr = _ORDER[type(op)](first, second)
        return ~_filled(compared) if isinstance(op, ast.NotEq) else self._leaf(compared)

    def _operand(self, node: ast.expr, other: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
            return self._moment(node.value, other)
        return self._value(node)

    def _columns(self, node: ast.expr) -> nw.Expr:
        value = self._value(node)
        if not isinstance(value, nw.Expr):
            raise self._refused("compares no column")
        return value

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Name():
                return nw.col(self._column(node))
            case ast.Constant(value=str() | int() | float() as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                try:
                    return _ARITHMETIC[type(op)](self._number(left), self._number(right))
                except (ArithmeticError, ValueError) as error:
                    raise self._refused(f"cannot be computed: {error}") from None
        raise self._refused(f"cannot use {ast.unparse(node)!r}", _GRAMMAR)

    def _number(self, node: ast.expr) -> Any:
        """Return what can be computed with; texts, which Python would repeat or fill, are not."""
        value = self._value(node)
        if isinstance(value, str):
            raise self._refused(f"computes with the text {value!r}")
        return value

    def _constants(self, node: ast.expr, other: ast.expr) -> list[Any]:
        try:
            values = ast.literal_eval(node)
        except (ValueError, TypeError):
            values = None
        if not isinstance(values, list | tuple | set):
            raise self._refused("'in' needs a list of constants")
        for value in values:
            self._check_comparable(other, ast.Constant(value))
        return [self._moment(value, other) for value in values]

    def _column(self, node: ast.Name) -> str:
        name = self._quoted.get(node.id, node.id)
        if name not in self._schema:
            raise self._unknown(name)
        return name

    def _dtype(self, node: ast.expr) -> DType | None:
        return self._schema[self._column(node)] if isinstance(node, ast.Name) else None

    def _moment(self, value: Any, other: ast.expr) -> Any:
        """Return text beside a column of dates as a date."""
        dtype = self._dtype(other)
        if not isinstance(value, str) or dtype is None or not dtype.is_temporal():
            return value
        try:
            return date.fromisoformat(value) if dtype == nw.Date else datetime.fromisoformat(value)
        except ValueError:
            raise self._refused(f"{value!r} is no ISO 8601 date") from None

    def _check_comparable(self, left: ast.expr, right: ast.expr) -> None:
        for one, other in ((left, right), (right, left)):
            dtype = self._dtype(one)
            if dtype is None or not isinstance(other, ast.Constant):
                continue
            textual = isinstance(other.value, str)
            if (textual and (dtype.is_numeric() or dtype == nw.Boolean)) or (
                not textual and dtype == nw.String
            ):
                rule = f"compares {ast.unparse(one)!r}, which is {dtype}, with {other.value!r}"
                raise self._refused(rule)

    def _refused(self, rule: str, hint: str = "") -> PayloadError:
        return PayloadError(self._label, self._text, rule, hint)
