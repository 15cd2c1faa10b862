"""Lines of JSON that carry a checksum, as ``answers.jsonl`` and ``records.jsonl`` hold them.

A line is an object whose last field, ``crc``, is the CRC-32 of everything before it, in hexadecimal. It
detects accidental damage by a disk or a copy, not forgery. Lines without a checksum, which earlier versions
wrote, are accepted if they are JSON.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from reports.records.files import open_file
from reports.records.typed_json import DecodeError, decode_object, encode

_SEAL = re.compile(rb',?"crc":"([0-9a-f]{8})"\}\r?\n?\Z')
LONGEST_SEAL = 40
FIRST_LINES = 20
"""Damage may have removed the checksums of some of a file's first lines, but hardly of this many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that is not blank.

    Attributes:
        number: counted from 1, for messages.
        start: its first byte in the file, counted from 0.
        content: with its line end, if it has one.
        is_sound: undamaged: the checksum is right, or no line of the file has one and this line is JSON.
    """

    number: int
    start: int
    content: bytes
    is_sound: bool
    has_checksum: bool

    @property
    def is_torn(self) -> bool:
        """Whether it was cut while it was written: it has no line end."""
        return not self.is_sound and not self.content.endswith(b"\n")


def sealed(data: object) -> bytes:
    """Return an object as a line with its checksum. ``data`` is encoded to a JSON object."""
    body = encode(data)[:-1]
    comma = b"" if body == b"{" else b","
    return b'%s%s"crc":"%08x"}\n' % (body, comma, zlib.crc32(body))


def checked_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a file, each checked. Raises OSError, also for what is not a regular file."""
    with open_file(path) as file:
        has_checksums = any(_is_sound(content) for content in islice(file, FIRST_LINES))
        start = file.seek(0)
        for number, content in enumerate(file, start=1):
            if content.strip(b" \t\r\n"):
                is_sound = _is_sound(content) if has_checksums else _is_object(content)
                yield Line(
                    number=number,
                    start=start,
                    content=content,
                    is_sound=is_sound,
                    has_checksum=has_checksums,
                )
            start += len(content)


def _is_sound(content: bytes) -> bool:
    seal = _SEAL.search(content, max(0, len(content) - LONGEST_SEAL))
    return seal is not None and zlib.crc32(content[: seal.start()]) == int(seal[1], 16)


def _is_object(content: bytes) -> bool:
    try:
        decode_object(content)
    except DecodeError:
        return False
    return True
