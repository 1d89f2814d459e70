"""Each decoding step of a task: as rows of text, and in a page that plays them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from lockstep.commands.task.solved import Solved, finish, sampling_by
from lockstep.common.console import table_width
from lockstep.common.paths import check_writable, writable_model_path
from lockstep.models.sampling import Sampling

if TYPE_CHECKING:
    from lockstep.common.tracing.decode_text import DecodeRows
    from lockstep.models.decode import Decoding
    from lockstep.models.transformer import Tokens
    from lockstep.tasks.kit import TaskModel
    from lockstep.tasks.pictures import Picture

Trace = Annotated[bool, typer.Option("--trace", help="Show each decoding step: the sequence, with masks as `·`, and its edits.")]


def _writable(path: Path | None) -> Path | None:
    """Refuse a page that cannot be written, before the decode."""
    if path is not None:
        check_writable(path, "--page")
    return path


PageFile = Annotated[
    Optional[Path],
    typer.Option(
        "--page", help="Write a page that plays the decoding steps, such as word.html.", show_default=False, callback=_writable
    ),
]


def _writable_job(path: Path | None) -> Path | None:
    return path and writable_model_path(path, "--export")


JobFile = Annotated[
    Optional[Path],
    typer.Option(
        "--export", help="Write the decode with its weights for other decoders, such as word.job.safetensors.", show_default=False,
        callback=_writable_job,
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Told:
    """How the decode of a task is told beside its answer: as rows, in a page, in a file. Its fields are options of the command."""

    trace: bool = False
    page: Path | None = None
    export: Path | None = None

    def finish(self, solved: Solved, as_json: bool, task: TaskModel, start: Tokens, longest: int, picture: Picture,
               decoding: Decoding | None, dtype: str, sampling: Sampling | None = None) -> None:  # fmt: skip
        """Write what was asked for, print the answer, and end as `finish` does.

        Args: decoding: what is exported. sampling: of a decode that draws its tokens.
        """
        if self.page is not None:
            write_task_page(self.page, task, start, longest, picture, solved, sampling)
        if self.export is not None and decoding is not None:
            write_task_job(self.export, task, start, longest, decoding, dtype)
        finish(solved, as_json, step_rows(task, start, longest, picture, dtype, sampling) if self.trace else None)


def step_rows(
    task: TaskModel, start: Tokens, longest: int, picture: Picture, dtype: str, sampling: Sampling | None = None
) -> DecodeRows:
    """A row for each decoding step of a decode."""
    from lockstep.common.tracing.decode_text import SIGNS, DecodeRows
    from lockstep.common.tracing.tasks import decoder_of, watched

    vocabulary = task.model(dtype).vocabulary

    def word(token: int) -> str:
        kind, value = vocabulary.split(token)
        return SIGNS.get(kind) or picture.sign(kind, value)

    rows = DecodeRows(start, word, table_width(), timed=False)
    for step in decoder_of(task, start, longest, sampling or sampling_by("auto"), dtype):
        rows.add(watched(step))
    return rows


def write_task_page(
    path: Path, task: TaskModel, start: Tokens, longest: int, picture: Picture, solved: Solved, sampling: Sampling | None = None
) -> None:
    """Write a page that plays the decode of a task, with what heads found.

    Raises: OSError: the page cannot be written.
    """
    from lockstep.common.tracing.page import page_of, write_page
    from lockstep.common.tracing.tasks import Shown, trace_task

    forms = {name.replace("_", " "): (text, solved.expected[name]) for name, text in solved.forms.items()}
    about = [f"{name.replace('_', ' ')} {value}" for name, value in solved.answer.items()]
    shown = Shown(solved.title, about, forms, picture)
    write_page(path, page_of(trace_task(task, start, longest, shown, sampling or sampling_by("indexed"))))
    print(f"wrote {path}", file=sys.stderr)


def write_task_job(path: Path, task: TaskModel, start: Tokens, longest: int, decoding: Decoding, dtype: str) -> None:
    """Write the interchange file of a decode (docs/interchange.md).

    Raises: OSError: the file cannot be written.
    """
    from lockstep.models.files import save_job

    metadata = {"process": "ap-mdm", "outputs": "{}", "expected": "{}", "word_tokens": "0", "word_bits": "0",
                "decoding_steps": str(decoding.steps), "final": json.dumps(decoding.tokens.tolist())}  # fmt: skip
    model = task.model(dtype)
    encodings = task.positions(longest).rows(slice(None), model.dtype)  # those of learned models are no integers
    save_job(path, model, start, encodings, metadata)
    print(f"wrote {path}", file=sys.stderr)
