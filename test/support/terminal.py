"""What a terminal obeys, and what shows something else than there is."""

from __future__ import annotations

import re

ORDERS = "\x1b]0;owned\x07\nforged line\r\x7f\u009b31m\u202egnp.exe\u200b\u2028\ufeff"
"""All of it, as somebody outside may put it into a value."""

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]"
)


def obeyed(text: str) -> str | None:
    """The surroundings of the first thing in the text that does not belong into lines of text."""
    found = _OBEYED.search(text)
    if found is None and "\nforged" not in text:
        return None
    at = found.start() if found else text.index("\nforged")
    return repr(text[max(0, at - 100) : at + 100])
