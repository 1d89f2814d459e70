"""How mutants are planted: in memory, inside a `with`, and gone after it. Files are never touched.

Each planting says where it is and what it changes, and gives a context manager.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import CodeType, FunctionType
from typing import Any, Protocol

from lockstep.compiler import compile as pipeline
from lockstep.compiler.circuit import Circuit
from lockstep.models.transformer import Transformer


class Planting(Protocol):
    """Where it is and what it changes, in words; and the mutant itself."""

    @property
    def where(self) -> str: ...

    @property
    def change(self) -> str: ...

    def planted(self) -> Any: ...


# -- functions ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rewrite:
    """A function in whose text `old`, which is there once, is `new`.

    Its code object is exchanged, so that whoever has imported the function runs the mutant.
    """

    function: Any
    old: str
    new: str

    @property
    def target(self) -> FunctionType:
        """The function itself, where a property or a class method is given."""
        inner = getattr(self.function, "fget", None) or getattr(self.function, "__func__", None) or self.function
        found = getattr(inner, "__wrapped__", inner)
        assert isinstance(found, FunctionType), self.function
        return found

    @property
    def where(self) -> str:
        return f"{self.target.__module__}.{self.target.__qualname__}"

    @property
    def change(self) -> str:
        return f"{_line(self.old)} -> {_line(self.new) or '(nothing)'}"

    @contextmanager
    def planted(self) -> Iterator[None]:
        function = self.target
        code = function.__code__
        function.__code__ = self._mutated(function)
        try:
            yield
        finally:
            function.__code__ = code

    def _mutated(self, function: FunctionType) -> CodeType:
        text = textwrap.dedent(inspect.getsource(function))
        if (count := text.count(self.old)) != 1:
            raise ValueError(f"{self.where} has {self.old!r} {count} times, not once")
        return compiled(text.replace(self.old, self.new), function)


def compiled(text: str, like: FunctionType) -> CodeType:
    """The code of a function's text, to take the place of the code of `like`: the same free variables, no decorators."""
    (definition,) = ast.parse(text).body
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    free = like.__code__.co_freevars
    outer = ast.parse(f"def outer({', '.join(free)}):\n  return {definition.name}").body[0]
    assert isinstance(outer, ast.FunctionDef)
    outer.body.insert(0, definition)
    module = ast.fix_missing_locations(ast.Module([outer], []))
    futures = like.__code__.co_flags & 0x1FF0000  # `from __future__ import annotations`
    whole = compile(module, like.__code__.co_filename, "exec", flags=futures, dont_inherit=True)
    found = _nested(_nested(whole, "outer"), definition.name)
    if found.co_freevars != free:
        raise ValueError(f"{like.__qualname__}: free variables {found.co_freevars}, not {free}")
    return found


def _nested(code: CodeType, name: str) -> CodeType:
    return next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)


def _line(text: str) -> str:
    return " ".join(text.split())


# -- tables and attributes -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """Another row in a table."""

    table: MutableMapping[str, Any]
    called: str
    key: str
    value: Any
    change: str

    @property
    def where(self) -> str:
        return f"{self.called}[{self.key!r}]"

    @contextmanager
    def planted(self) -> Iterator[None]:
        before = self.table[self.key]
        self.table[self.key] = self.value
        try:
            yield
        finally:
            self.table[self.key] = before


@dataclass(frozen=True)
class Attribute:
    """Another value of an attribute of a module or a class."""

    owner: Any
    name: str
    value: Any
    change: str

    @property
    def where(self) -> str:
        module = getattr(self.owner, "__module__", "")
        return f"{module + '.' if module else ''}{self.owner.__name__}.{self.name}"

    @contextmanager
    def planted(self) -> Iterator[None]:
        before = self.owner.__dict__[self.name]
        setattr(self.owner, self.name, self.value)
        try:
            yield
        finally:
            setattr(self.owner, self.name, before)


# -- circuits and weights --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rebuilt:
    """A construction whose circuits are tampered with after they are built, before they are checked and assembled."""

    construction: str
    tamper: Callable[[Circuit], None]
    change: str

    @property
    def where(self) -> str:
        return f"circuit of {self.construction}"

    def planted(self) -> Any:
        table = pipeline.DERIVED_CONSTRUCTIONS if self.construction in pipeline.DERIVED_CONSTRUCTIONS else pipeline.CONSTRUCTIONS
        row = table[self.construction]

        def build(code: Any, widths: Any) -> Circuit:
            circuit = row.build(code, widths)
            self.tamper(circuit)
            return circuit

        changed = replace(row, build=build)
        return Entry(table, "CONSTRUCTIONS", self.construction, changed, "").planted()  # type: ignore[arg-type]


@dataclass(frozen=True)
class Reweighted:
    """A compiler whose models are tampered with after they are assembled."""

    tamper: Callable[[Transformer, Circuit], Transformer]
    where: str
    change: str

    def planted(self) -> Any:
        whole = pipeline.assemble

        def assemble(circuit: Circuit, *dtype: Any) -> Transformer:
            return self.tamper(whole(circuit, *dtype), circuit)

        return Attribute(pipeline, "assemble", assemble, "").planted()
