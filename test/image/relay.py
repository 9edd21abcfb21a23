"""Debian's archive on the network of the tests, for steps of a build that an engine runs there.

As a program, on the machine's network: passes on what is asked at the listening socket that is its
standard input.
"""

from __future__ import annotations

import http.server
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

DEADLINE = 60
PASSED_ON = ("content-length", "content-type", "last-modified")


class _Handler(http.server.BaseHTTPRequestHandler):
    archive = ""

    def do_GET(self) -> None:
        try:
            answer = urllib.request.urlopen(self.archive + self.path, timeout=DEADLINE)
        except urllib.error.HTTPError as error:
            self.send_error(error.code)
            return
        except OSError as error:
            self.send_error(502, str(error))
            return
        with answer:
            self.send_response(200)
            for name, value in answer.headers.items():
                if name.lower() in PASSED_ON:
                    self.send_header(name, value)
            self.end_headers()
            shutil.copyfileobj(answer, self.wfile)


class Relay:
    """At each address of the tests' network, at `port`."""

    def __init__(self, log: Path) -> None:
        from .builds import ON_THE_HOST_NETWORK, mirror

        with socket.create_server(("0.0.0.0", 0)) as listener, log.open("w") as output:
            self.port: int = listener.getsockname()[1]
            archive = mirror().removesuffix("/debian")
            self._process = subprocess.Popen(
                [*ON_THE_HOST_NETWORK, sys.executable, __file__, archive],
                stdin=listener, stdout=output, stderr=output,
            )  # fmt: skip

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def _serve(archive: str) -> None:
    _Handler.archive = archive
    server = http.server.ThreadingHTTPServer(("", 0), _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=0)
    server.serve_forever()


if __name__ == "__main__":
    _serve(sys.argv[1])
