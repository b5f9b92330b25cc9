"""A local web server that misbehaves on request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class WebServer:
    """What the server holds, how it behaves, and which requests it got."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    status: int | None = None
    cut_after: int | None = None
    ranges: bool = True
    requests: list[str | None] = field(default_factory=list)

    def add(self, name: str, content: bytes) -> str:
        self.files["/" + name] = content
        return f"{self.address}/{name}"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """An HTTP server on 127.0.0.1 for one test."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.requests.append(asked)
            if state.status is not None:
                self.send_error(state.status)
                return
            whole = state.files[self.path]
            start = 0
            if asked is not None and state.ranges:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(whole):
                    self.send_error(416)
                    return
            body = whole[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
            self.end_headers()
            self.wfile.write(body if state.cut_after is None else body[: state.cut_after])

        def log_message(self, *args: object) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
