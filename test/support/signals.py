"""The signals that end a program, as it finds them when it starts."""

from __future__ import annotations

import signal

END_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def take_end_signals() -> None:
    """Gives both their default again, for this process and for what it starts from here on.

    A shell that starts a program in the background has it ignore SIGINT; what is ignored stays
    ignored in every program below, whose tests then wait for an end that does not come.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
