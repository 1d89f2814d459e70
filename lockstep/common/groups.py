"""Groups of commands: a table of names under headings. Only the command that runs is imported."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True)
class Table:
    """Commands under the headings of a help page: each is a file or a folder of a package.

    package: `lockstep.commands`, for example. folder: where it lies.
    """

    package: str
    folder: Path
    headings: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> list[str]:
        return [name for names in self.headings.values() for name in names]

    def module_of(self, name: str) -> str:
        """The module of a command: its file, or `command` in its folder."""
        stem = name.replace("-", "_")
        return f"{self.package}.{stem}" + (".command" if (self.folder / stem).is_dir() else "")

    def function_of(self, name: str) -> Callable[..., None]:
        """The function that is the command."""
        function: Callable[..., None] = getattr(import_module(self.module_of(name)), name.replace("-", "_"))
        return function

    def summary_of(self, name: str) -> str:
        """The first line of a command's help, read from its file: to import all commands would take half a second."""
        below = self.module_of(name).removeprefix(f"{self.package}.").split(".")
        tree = ast.parse(self.folder.joinpath(*below).with_suffix(".py").read_text(encoding="utf-8"))
        stem = name.replace("-", "_")
        (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == stem)
        return (ast.get_docstring(function) or "").partition("\n")[0]

    def command(self, name: str) -> Any:
        """Import a command. A module with an `app` is a group of its own; its function is what the group says of itself."""
        group = getattr(import_module(self.module_of(name)), "app", None)
        if group is None:
            group = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
            group.command()(self.function_of(name))
        return typer.main.get_command(group)


def app_of(table: Table, completion: bool = False) -> typer.Typer:
    """Return the group of the commands of a table; its callback says what it is.

    completion: whether it offers to install completion for shells.
    """

    class Commands(TyperGroup):
        """The commands under their headings."""

        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            names: dict[str, Any] = dict.fromkeys(table.names)
            self.commands = names  # Typer suggests one of these for a name that it does not know

        def list_commands(self, ctx: Any) -> list[str]:
            return list(self.commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            return table.command(cmd_name) if cmd_name in self.commands else None

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            for heading, names in table.headings.items():
                with formatter.section(heading):
                    formatter.write_dl([(name, table.summary_of(name)) for name in names])

    return typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                       add_completion=completion)  # fmt: skip
