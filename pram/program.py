"""Loads programs, and instantiates them with parameters and inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.pram import parameters
from lockstep.pram.access import MODES, Combining
from lockstep.pram.analysis import Analysis, analyse
from lockstep.pram.contracts.holding import require
from lockstep.pram.contracts.kinds import Contracts, promised
from lockstep.pram.declarations import Symbols
from lockstep.pram.errors import InputError, Key, PramError, Source, Span, did_you_mean, fail, shorten
from lockstep.pram.expression_text import expression_text
from lockstep.pram.inputs import cell_error, input_error, read_array, show_value
from lockstep.pram.instructions import rules_of
from lockstep.pram.job import MAX_CELLS, MAX_PROCESSORS, MAX_REGISTERS, Array, Job
from lockstep.pram.libraries import Library, Read, no_files
from lockstep.pram.lowering import MachineCode, lower
from lockstep.pram.parser import parse
from lockstep.pram.procedures import expand
from lockstep.pram.syntax import INF, Call, Claim, Expression, Number, ProgramText, Shared
from lockstep.pram.texts import read_text
from lockstep.pram.word import MAX_WORD_BITS, MIN_WORD_BITS, largest_word, least_word, wrap

Words = NDArray[np.int64]

#: The order of arrays in memory. So the inputs are one range of cells, and the outputs too.
ROLES = ("input", "inout", "output", "work", "local")


@dataclass(frozen=True)
class Program:
    """A parsed, analysed program.

    tree: with the bodies of procedures in the places of their calls. has_contracts: whether its jobs carry its contracts.
    """

    tree: ProgramText
    source: Source
    analysis: Analysis
    has_contracts: bool = True

    def __repr__(self) -> str:
        """Short, for printing."""
        return f"<Program {self.name}: {self.symbols.mode}, parameters {', '.join(self.given) or 'none'}>"

    @property
    def name(self) -> str:
        return self.tree.name

    @property
    def symbols(self) -> Symbols:
        return self.analysis.symbols

    @property
    def rules(self) -> tuple[Combining, ...]:
        """How its stores combine concurrent writes."""
        return rules_of(self.code.instructions, MODES[self.symbols.mode].combining)

    @property
    def claims(self) -> tuple[Claim, ...]:
        return self.symbols.claims

    @cached_property
    def contracts(self) -> Contracts:
        """What the program requires and ensures, and what it asserts on the way."""
        if not self.has_contracts:
            return Contracts()
        promises = promised(self.analysis.tree)
        requires, ensures = (tuple(c for c in promises if c.kind == kind) for kind in ("requires", "ensures"))
        return Contracts(requires, ensures, self.code.contracts)

    @cached_property
    def code(self) -> MachineCode:
        """The machine code, the same for every input size."""
        return lower(self.analysis)

    @cached_property
    def sha256(self) -> str:
        """The hash of its text and of the libraries that it uses."""
        return self.source.sha256

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the parameters that the user gives."""
        return tuple(p.name for p in self.symbols.params.values() if p.value is None)

    @property
    def has_inputs(self) -> bool:
        """Whether the program declares an input or inout."""
        return any(a.role in ("input", "inout") for a in self.symbols.arrays.values())

    @property
    def has_outputs(self) -> bool:
        """Whether the program declares an output or inout."""
        return any(a.role in ("output", "inout") for a in self.symbols.arrays.values())

    def instantiate(
        self, params: Mapping[str, Any], arrays: Mapping[str, Any] | None = None, word_bits: int | None = None
    ) -> Job:
        """Return the job for these parameters and inputs.

        Args:   params: a value for each given parameter. arrays: nested or flat lists for inputs and inouts, a number for a
                scalar. word_bits: overrides `word` and the default.
        Raises: PramError: something is missing, unknown, out of range or too large; nothing has been allocated. InputError:
                a given value is wrong; the reader of an input file adds its place in that file. Unmet: the input is not what the
                program requires.
        """
        return _Instantiation(self, params, arrays or {}, word_bits).job()

    def outline(self, params: Mapping[str, Any], largest_input: int, word_bits: int | None = None) -> Job:
        """Return a job for sizes and closed forms, which cannot be run.

        Its memory is a single 0 that is seen at every address, so that many cells need no space. Its word size is the one
        for inputs up to `largest_input`.
        Raises: PramError: the parameters are wrong, as for `instantiate`.
        """
        return _Instantiation(self, params, {}, word_bits).outline(largest_input)

    def layout(self, params: Mapping[str, Any]) -> tuple[Array, ...]:
        """Return the arrays for these parameters, in the order of their addresses."""
        return _Instantiation(self, params, {}, None).arrays

    def word_bits(self, params: Mapping[str, Any], largest_input: int, asked: int | None = None) -> int:
        """Return the word size for these parameters and inputs up to `largest_input`."""
        return _Instantiation(self, params, {}, asked).word_bits(largest_input)

    def values(self, params: Mapping[str, Any]) -> dict[str, int]:
        """Return the value of every parameter, also of those that the program computes."""
        return _Instantiation(self, params, {}, None).values


def load(path: str | Path) -> Program:
    """Read a program from a file.

    Raises: PramError: the file cannot be read, is not UTF-8, or is not a correct program.
    """
    return parse_program(read_text(path), str(path), read=read_text)


def parse_program(text: str, name: str = "<text>", used: tuple[Source, ...] = (), read: Read = no_files) -> Program:
    """Parse and analyse a program text.

    Args: used: libraries, as `Program.source.used` has them; they need not be read. read: returns the text of a file.
    """
    written, source = parse(text, name)
    library = Library(source, read, {each.name: each for each in used})
    tree = expand(written, source, library)
    source = replace(source, used=tuple(library.used.values()))
    return Program(tree, source, analyse(tree, source))


def _values_text(values: Mapping[str, int]) -> str:
    """Return ` (with n = 3, k = 2)` for messages, without the addresses and columns of arrays."""
    named = [f"{name} = {value}" for name, value in values.items() if name.isidentifier() and name != INF]
    return f" (with {', '.join(named)})" if named else ""


class _Instantiation:
    """Evaluates declarations in order, and checks every limit before memory is allocated."""

    def __init__(self, program: Program, params: Mapping[str, Any], given: Mapping[str, Any], word_bits: int | None) -> None:
        self.program, self.source, self.given, self.requested_bits = program, program.source, given, word_bits
        self.values = self._parameters(params)
        self.processors = self._processors()
        self.arrays = self._arrays()

    def job(self) -> Job:
        self._check_names()
        self._check_registers()
        data = {a.name: self._read(a) for a in self.arrays if a.is_input}
        bits = self.word_bits(max((int(np.abs(v).max()) for v in data.values() if v.size), default=0))
        for name, words in data.items():
            self._check_words(next(a for a in self.arrays if a.name == name), words, bits)
        memory = np.zeros(self._space(), np.int64)
        for array in self.arrays:
            if array.is_input:
                memory[array.base : array.base + array.size] = wrap(data[array.name], bits)
        job = self._job_on(memory, bits)
        require(job)
        return job

    def outline(self, largest_input: int) -> Job:
        self._check_registers()
        bits = self.word_bits(largest_input)
        return self._job_on(np.broadcast_to(np.zeros(1, np.int64), (self._space(),)), bits)

    def _job_on(self, memory: Words, bits: int) -> Job:
        program, symbols = self.program, self.program.symbols
        environment = self._environment() | {INF: largest_word(bits, symbols.signed)}
        derived = tuple(self._evaluate(e, environment) for e in program.code.derived)
        arrays = tuple(replace(a, signed_bits=bits) for a in self.arrays) if symbols.signed else self.arrays
        returned = [a for a in self.arrays if a.is_output]
        first = returned[0].base if returned else 0
        return Job(
            code=program.code.instructions, registers=program.code.registers, processors=self.processors, word_bits=bits,
            mode=symbols.mode, memory=memory, parameters=derived, inputs=sum(a.size for a in self.arrays if a.is_input),
            outputs=range(first, first + sum(a.size for a in returned)), arrays=arrays, values=environment,
            source=self.source, name=program.name, signed=symbols.signed, contracts=program.contracts,
        )  # fmt: skip

    # -- parameters ----------------------------------------------------------------------------

    def _parameters(self, params: Mapping[str, Any]) -> dict[str, int]:
        given = self.program.given
        for name in params:
            if name not in given:
                raise self._input_error(self._not_given(name), self.program.tree.at, "params", Key(name))
        values: dict[str, int] = {}
        for name, declaration in self.program.symbols.params.items():
            if declaration.value is not None:
                values[name] = self._evaluate(declaration.value, values)
            elif name not in params:
                raise self._input_error(f"missing parameter `{name}`", declaration.at, "params")
            else:
                values[name] = self._integer(name, params[name], declaration.at)
        return values

    def _not_given(self, name: str) -> str:
        if name in self.program.symbols.params:
            return f"parameter `{name}` is computed by the program and cannot be given"
        given = self.program.given
        names = f"its parameters are {', '.join(given)}" if given else "it takes none"
        return f"this program has no parameter `{shorten(name)}`{did_you_mean(name, given) or '; ' + names}"

    def _integer(self, name: str, value: Any, at: Span) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise self._input_error(f"parameter `{name}` must be an integer, not {show_value(value)}", at, "params", name)
        if value < 0 or int(value) >> parameters.MAX_PARAMETER_BITS:
            raise self._input_error(
                f"parameter `{name}` = {show_value(value)} is not in 0 .. 2^{parameters.MAX_PARAMETER_BITS} - 1",
                at,
                "params",
                name,
            )
        return int(value)

    def _evaluate(self, expression: Expression, values: Mapping[str, int]) -> int:
        try:
            return parameters.evaluate(expression, values, self.source)
        except PramError as error:
            (found,) = error.diagnostics
            raise self._error(f"{found.message}{_values_text(values)}", found.span) from None

    def _values_text(self) -> str:
        return _values_text(self.values)

    # -- sizes ---------------------------------------------------------------------------------

    def _processors(self) -> int:
        expression = self.program.symbols.procs
        count = self._evaluate(expression, self.values)
        if count < 1:
            why = f"procs is {count}{self._values_text()}; a machine has at least one processor"
            if not isinstance(expression, Number):
                why += f": write `procs {expression_text(Call('max', (Number(1), expression)))}`"
            raise self._error(why, expression.at)
        if count > MAX_PROCESSORS:
            raise self._error(f"procs is {count}{self._values_text()}; the limit is {MAX_PROCESSORS}", expression.at)
        return count

    def _check_registers(self) -> None:
        each, at = self.program.code.registers, self.program.symbols.procs.at
        if self.processors * each > MAX_REGISTERS:
            needed = f"{self.processors} processors{self._values_text()} with {each} registers each"
            raise self._error(f"{needed}: the limit is {MAX_REGISTERS} registers in all", at)

    def _arrays(self) -> tuple[Array, ...]:
        arrays, base = [], 0
        declared = self.program.symbols.arrays.values()
        for shared in (s for role in ROLES for s in declared if s.role == role):
            array = self._array(shared, base)
            arrays.append(array)
            base += array.size
            if base > MAX_CELLS:
                raise self._error(f"shared memory of {base} cells{self._values_text()}; the limit is {MAX_CELLS}", shared.at)
        flags = self.program.code.flags
        return (*arrays, *(Array(name, "flag", base + number, ()) for number, name in enumerate(flags)))

    def _array(self, shared: Shared, base: int) -> Array:
        shape = tuple(self._evaluate(d, self.values) for d in shared.dimensions)
        for extent, expression in zip(shape, shared.dimensions):
            if not 0 <= extent <= MAX_CELLS:
                raise self._error(
                    f"array `{shared.name}` has extent {extent}{self._values_text()}; it must be in 0 .. {MAX_CELLS}",
                    expression.at,
                )
        low, high = (None if e is None else self._evaluate(e, self.values) for e in (shared.low, shared.high))
        firsts = tuple(self._evaluate(first, self.values) for first in shared.firsts)
        return Array(shared.name, shared.role, base, shape, low, high, firsts)

    def _space(self) -> int:
        return sum(a.size for a in self.arrays)

    def _environment(self) -> dict[str, int]:
        bases = {f"&{a.name}": a.base for a in self.arrays}
        columns = {f"#{a.name}": a.shape[-1] for a in self.arrays if len(a.shape) > 1}
        rows = {f"##{a.name}": a.shape[1] for a in self.arrays if len(a.shape) == 3}
        return {**self.values, **bases, **columns, **rows}

    def word_bits(self, largest_input: int) -> int:
        """Return the requested or declared word size; by default, twice the bits of the largest number, and 2 more."""
        word = self.program.symbols.word
        if self.requested_bits is not None:
            bits, at = self.requested_bits, None
        elif word is not None:
            bits, at = self._evaluate(word.bits, self.values), word.at
        else:
            largest = max(self.processors, self._space(), largest_input, *self.values.values(), 0)
            return min(MAX_WORD_BITS, 2 * largest.bit_length() + 2)
        if not MIN_WORD_BITS <= bits <= MAX_WORD_BITS:
            raise self._error(
                f"word size {bits}{self._values_text() if at else ''} is not in {MIN_WORD_BITS} .. {MAX_WORD_BITS}", at
            )
        signed = self.program.symbols.signed
        for what, number, least, most in (("a pid", self.processors, "processors", 1 << bits - signed),
                                          ("an address", self._space(), "cells", 1 << bits)):  # fmt: skip
            if number > most:
                kind = "a signed word" if most < 1 << bits else "a word"
                raise self._error(
                    f"{number} {least}{self._values_text()}, but {what} is {kind} of {bits} bits, so there can be at most {most}",
                    at,
                )
        return bits

    # -- inputs --------------------------------------------------------------------------------

    def _check_names(self) -> None:
        wanted = {a.name: a for a in self.arrays if a.is_input}
        for name in self.given:
            if name not in wanted:
                names = f"; its inputs are {', '.join(wanted)}" if wanted else "; it takes none"
                message = f"array `{shorten(name)}` is not an input of this program{did_you_mean(name, wanted) or names}"
                raise self._input_error(message, self.program.tree.at, "arrays", Key(name))
        for name in wanted:
            if name not in self.given:
                kind = "array" if self.program.symbols.arrays[name].dimensions else "number"
                raise self._input_error(f"missing input {kind} `{name}`", self.program.symbols.arrays[name].at, "arrays")

    def _read(self, array: Array) -> Words:
        try:
            return read_array(array, self.given[array.name], self.program.symbols.signed)
        except InputError as error:
            raise self._at_declaration(array, error) from None

    def _check_words(self, array: Array, words: Words, bits: int) -> None:
        low, high = array.low, array.high
        signed = self.program.symbols.signed
        least, largest = least_word(bits, signed), largest_word(bits, signed)
        outside = (words < (least if low is None else low)) | (words > (largest if high is None else high))
        kind = "signed word" if signed else "word"
        for bad, what in (((words < least) | (words > largest), f"does not fit a {kind} of {bits} bits"),
                          (outside, f"is outside its declared range {low} .. {high}")):  # fmt: skip
            if bad.any():
                offset = int(np.argmax(bad))
                error = cell_error(array, self.given[array.name], offset, f"{words[offset]} {what}")
                raise self._at_declaration(array, error)

    def _at_declaration(self, array: Array, error: InputError) -> InputError:
        return error.with_place(self.source, self.program.symbols.arrays[array.name].at)

    def _input_error(self, message: str, at: Span, *path: str) -> InputError:
        """Return an error in the user's input. Its place is in the program, until a reader of an input file uses `path`."""
        return input_error(message, *path).with_place(self.source, at)

    def _error(self, message: str, at: Span | None = None) -> PramError:
        return fail(message, self.source, at)
