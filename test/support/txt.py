"""TXT values and the quoted strings they travel in (RFC 1035, 3.3.14 and 5.1)."""

from __future__ import annotations

import re

STRING_MAX = 255
_STRING = r'"((?:[^"\\]|\\.)*)"'
_STRINGS = re.compile(rf"\s*{_STRING}(\s*{_STRING})*\s*")


def txt_value(text: str) -> str:
    """The value behind `text`: quoted strings are joined, anything else is the value itself."""
    if not _STRINGS.fullmatch(text):
        return text
    return re.sub(r"\\(.)", r"\1", "".join(re.findall(_STRING, text)))


def txt_quoted(value: str, size: int = STRING_MAX) -> str:
    """The value as quoted strings of at most `size` characters each."""
    pieces = [value[at : at + size] for at in range(0, len(value), size)] or [""]
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", piece) + '"' for piece in pieces)
