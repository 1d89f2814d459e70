"""Reads files as text."""

from __future__ import annotations

from pathlib import Path

from lockstep.pram.errors import Source, fail
from lockstep.pram.json_places import span_of


def read_text(path: str | Path) -> str:
    """Return a file's text, without a byte order mark and with LF line ends.

    Raises: PramError: the file cannot be read, or is not text.
    """
    nowhere = Source(str(path), "")
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise fail("no such file", nowhere) from None
    except IsADirectoryError:
        raise fail("this is a directory, not a file", nowhere) from None
    except OSError as error:
        raise fail(f"cannot be read: {error.strerror}", nowhere) from None
    return decode_text(data, str(path))


def decode_text(data: bytes, name: str) -> str:
    """Return the text of a file's bytes, as `read_text` does. Errors use `name`."""
    if is_model_file(data):
        raise fail("this is a model file, not a program or another text", Source(name, ""))
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        before, text = data[: error.start].decode("utf-8-sig"), data.decode("utf-8-sig", "replace")
        advice = "; it looks like UTF-16: save it as UTF-8" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise fail(
            f"not UTF-8 text: 0x{data[error.start]:02x} at byte {error.start + 1}{advice}",
            Source(name, text),
            span_of(before, len(before)),
        ) from None


def is_model_file(data: bytes) -> bool:
    """Return whether a file that starts with `data` is a safetensors file: eight bytes of a length, then JSON."""
    return data[8:10] == b'{"' and 0 in data[:8]
