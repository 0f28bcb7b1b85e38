"""An object store that refuses, answers late, or answers with something else."""

from __future__ import annotations

import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, TYPE_CHECKING, ClassVar

import pytest

from sweeps.errors import SweepInputError
from sweeps.storage_path import check_writable
from sweeps.sweep_file import sweep_from_text
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
SWEEP = "study: s\nstorage_path: s3://bucket/runs\ndata: {source: digits}\nspace: {}\n"


def unchunked(stream: IO[bytes]) -> bytes:
    """Chunks, each after its length in hexadecimal digits, up to the empty one and the lines that follow it."""
    body = b""
    while size := int(stream.readline().split(b";")[0] or b"0", 16):
        body += stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass
    return body


class Store(BaseHTTPRequestHandler):
    """Keeps what is put, and misbehaves as it is told."""

    protocol_version = "HTTP/1.1"
    mood: ClassVar[str] = ""
    kept: ClassVar[dict[str, bytes]] = {}

    def _answer(self, code: int, body: bytes = b"", *, head: bool = False) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        if not head:
            self.wfile.write(body)

    def _body(self) -> bytes:
        """What was sent: in chunks of HTTP, and in those of S3 inside them."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = unchunked(self.rfile)
        return unchunked(io.BytesIO(sent)) if "aws-chunked" in self.headers.get("Content-Encoding", "") else sent

    def _handle(self) -> None:
        name = self.path.partition("?")[0]
        body = self._body()
        if self.mood == "refuses":
            self._answer(403, DENIED, head=self.command == "HEAD")
            return
        if self.mood == "slow":
            time.sleep(1.0)
        if self.command == "POST":  # a large object, in parts
            kind = "InitiateMultipartUploadResult" if "uploads" in self.path else "CompleteMultipartUploadResult"
            self._answer(200, f"<{kind}><UploadId>1</UploadId><ETag>1</ETag></{kind}>".encode())
        elif self.command == "PUT":
            self.kept[name] = body
            self._answer(200)
        elif self.command == "DELETE":
            self.kept.pop(name, None)
            self._answer(204)
        elif "list-type" in self.path:
            keys = "".join(
                f"<Contents><Key>{key.split('/', 2)[2]}</Key><Size>{len(value)}</Size></Contents>" for key, value in self.kept.items()
            )
            self._answer(200, f"<ListBucketResult><KeyCount>{len(self.kept)}</KeyCount>{keys}</ListBucketResult>".encode())
        elif name not in self.kept:
            self._answer(404, head=self.command == "HEAD")
        else:
            content = b"w" * len(self.kept[name]) if self.mood == "wrong" else self.kept[name]
            self._answer(200, content, head=self.command == "HEAD")

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _handle  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        """Say nothing."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A store at s3://bucket; give it a mood."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)

    def mood(name: str) -> None:
        Store.mood = name
        Store.kept.clear()

    yield mood
    server.shutdown()


def test_a_store_that_refuses_is_named_with_what_it_needs_before_anything_starts(store: Callable[[str], None]) -> None:
    store("refuses")
    with pytest.raises(
        SweepInputError, match=r"storage_path: checkpoints cannot be written there: s3://bucket/runs could not be written"
    ) as told:
        check_writable(sweep_from_text(SWEEP))
    assert "ACCESS_DENIED" in str(told.value) or "403" in str(told.value)


def test_a_slow_store_is_waited_for(store: Callable[[str], None]) -> None:
    store("slow")
    folder = open_folder("s3://bucket/runs", "test")
    folder.write("note", b"content")
    assert folder.read("note") == b"content"


def test_a_store_that_gives_back_other_bytes_is_refused_before_anything_starts(store: Callable[[str], None]) -> None:
    store("wrong")
    with pytest.raises(
        SweepInputError, match=r"s3://bucket/runs gives back other bytes than were written; checkpoints would be damaged there"
    ):
        check_writable(sweep_from_text(SWEEP))
