"""Turns the promises of a procedure into assertions: `requires` where a call begins, `ensures` where it ends."""

from __future__ import annotations

from lockstep.pram.copying import Body, Copier, Names
from lockstep.pram.errors import Span
from lockstep.pram.syntax import Assert, Called, Ensures, Proc, Requires, Snapshot, Statement, returns


def promised(proc: Proc, body: Body, copier: Copier, names: Names, at: Span) -> Body:
    """Return the body of a call between its assertions. `old` in an `ensures` means memory as it is where the call begins."""
    if not proc.promises:
        return body
    label = f"{proc.name}.{copier.number}"
    before: list[Statement] = []
    after: list[Statement] = []
    for promise in proc.promises:
        condition, place = copier.expression(promise.condition, names), copier.place(promise.at)
        if isinstance(promise, Requires):
            before.append(Assert(condition, place, word="requires"))
        else:
            after.append(Assert(condition, place, label, word="ensures"))
    if any(isinstance(promise, Ensures) for promise in proc.promises):
        before.append(Snapshot(label, at))
    inner: Body = (Called(proc.name, body, at),) if returns(body) else body
    return (*before, *inner, *after)
