"""A test's backend as the only program of a container: backend.py NAME, at port 80."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.backend import Backend  # noqa: E402

PORT = 80

# The first process of a container has no default action for it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
backend = Backend(sys.argv[1], host="0.0.0.0")
backend.port = PORT
backend.start()
signal.pause()
