"""A server of WebSockets by a library that, as most, knows only the upgrade of HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import websockets

WEBSOCKET = "websocket.demo.test"


@contextlib.contextmanager
def websocket_echo() -> Iterator[str]:
    """A server's address; it greets, then gives every message back."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(15)

    async def echo(connection: Any) -> None:
        await connection.send("hello")
        async for message in connection:
            await connection.send(message)

    async def start() -> Any:
        return await websockets.serve(echo, "127.0.0.1", 0, ping_interval=None)

    server = run(start())
    try:
        yield f"127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
    finally:
        server.close()
        run(server.wait_closed())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
