"""Downloads from a real server on this machine: whole, cut, changed, refused, and what a user is told."""

import fcntl
import hashlib
import http.server
import re
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flowfeat.errors import InputError
from flowfeat.networks.zoo import FAMILY
from flowfeat.weights import download as module
from flowfeat.weights.download import download, weights_folder
from flowfeat.weights.published import PUBLISHED, PublishedFile

BYTES = b"PK\x03\x04" + bytes(range(256)) * 1000
CHANGED = b"PK\x03\x04" + bytes(reversed(range(256))) * 1000
NAME = "net_20220625_212801-88d61800.pth"


@dataclass
class Remote:
    """What the server does, and what it was asked and sent."""

    data: bytes = BYTES
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    cut: int | None = None
    stall: bool = False
    ranges: bool = True
    if_range: bool = True
    length: bool = True
    status: int = 200
    moved_to: str = ""
    port: int = 0
    asked: list[Any] = field(default_factory=list)
    sent: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/weights/{NAME}"

    def published(self, data: bytes | None = None) -> PublishedFile:
        digest = hashlib.sha256(self.data if data is None else data).hexdigest()
        return PublishedFile(self.url, digest[:8], "flownet2", (), {})

    def unchecked(self) -> PublishedFile:
        return PublishedFile(self.url, None, "flownet2", (), {})


@pytest.fixture
def remote(monkeypatch) -> Iterator[Remote]:
    monkeypatch.setenv("no_proxy", "*")
    remote = Remote()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            remote.asked.append(self.headers)
            _answer(self, remote)
            self.close_connection = True

        def log_message(self, format, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    remote.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield remote
    remote.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


def _answer(handler: http.server.BaseHTTPRequestHandler, remote: Remote) -> None:
    if handler.path.startswith("/moved/"):
        handler.send_response(302)
        handler.send_header("Location", remote.moved_to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    condition = handler.headers.get("If-Range")
    same = not remote.if_range or condition in (None, *remote.headers.values())
    status, begin, size = remote.status, 0, len(remote.data)
    if asked and remote.ranges and same and status == 200:
        begin = int(asked[1])
        status = 206 if begin < size else 416
    body = remote.data[begin:] if status in (200, 206) else b""
    handler.send_response(status)
    for name, value in remote.headers.items():
        handler.send_header(name, value)
    if status == 206:
        handler.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
    if remote.length:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    sent = body[: remote.cut]
    remote.sent += len(sent)
    handler.wfile.write(sent)
    if remote.stall:
        remote.closing.wait()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def told(*parts: str) -> Iterator[None]:
    with pytest.raises(InputError) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


def cut_download(remote: Remote, folder: Path, after: int = 100_000) -> None:
    remote.cut = after
    with told(remote.url, "run again", f"{after:,} of {len(remote.data):,} bytes", f"{NAME}.part"):
        download(remote.published(), folder)
    assert (folder / f"{NAME}.part").read_bytes() == remote.data[:after]
    assert not (folder / NAME).exists()
    remote.cut, remote.sent = None, 0


def test_a_whole_file_arrives_with_progress_and_nothing_beside_it(remote, tmp_path):
    seen = []
    path = download(remote.published(), tmp_path / "new" / "folder", lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "new" / "folder" / NAME
    assert path.read_bytes() == BYTES
    assert files(path.parent) == [NAME]
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] == (len(BYTES), len(BYTES))


@pytest.mark.parametrize(
    "headers", [{"ETag": '"1"'}, {"Last-Modified": "Sat, 25 Jun 2022 21:28:01 GMT", "ETag": 'W/"1"'}]
)
def test_a_cut_download_goes_on_where_it_broke(remote, tmp_path, headers):
    remote.headers = headers
    cut_download(remote, tmp_path)
    seen = []
    path = download(remote.published(), tmp_path, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == BYTES
    assert files(tmp_path) == [NAME]
    assert remote.sent == len(BYTES) - 99_999
    assert remote.asked[-1]["Range"] == "bytes=99999-"
    assert seen[0][0] > 100_000
    assert seen[-1] == (len(BYTES), len(BYTES))


def test_it_can_be_cut_many_times(remote, tmp_path):
    remote.cut = 60_000
    for _ in range(4):
        with told("run again"):
            download(remote.published(), tmp_path)
    assert download(remote.published(), tmp_path).read_bytes() == BYTES


def test_a_server_without_ranges_sends_all_of_it_again(remote, tmp_path):
    cut_download(remote, tmp_path)
    remote.ranges = False
    assert download(remote.published(), tmp_path).read_bytes() == BYTES
    assert remote.sent == len(BYTES)


def test_without_a_version_nothing_is_added_to_a_part(remote, tmp_path):
    remote.headers = {"ETag": 'W/"1"'}
    cut_download(remote, tmp_path)
    assert download(remote.published(), tmp_path).read_bytes() == BYTES
    assert remote.asked[-1]["Range"] is None


@pytest.mark.parametrize("if_range", [True, False])
@pytest.mark.parametrize("changed", [CHANGED, CHANGED[:1000]], ids=["as long", "shorter"])
def test_a_part_of_a_file_that_changed_is_not_mixed_with_the_new_one(remote, tmp_path, if_range, changed):
    cut_download(remote, tmp_path)
    remote.data, remote.headers, remote.if_range = changed, {"ETag": '"2"'}, if_range
    # Without a checksum, so that nothing but the version tells.
    assert download(remote.unchecked(), tmp_path).read_bytes() == changed
    assert files(tmp_path) == [NAME]


def test_a_damaged_version_file_begins_again(remote, tmp_path):
    cut_download(remote, tmp_path)
    (tmp_path / f"{NAME}.part.version").write_bytes(b'"1"\r\nX: \xff')
    assert download(remote.published(), tmp_path).read_bytes() == BYTES


def test_a_part_that_is_whole_is_not_fetched_again(remote, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(BYTES)
    (tmp_path / f"{NAME}.part.version").write_text('"1"')
    assert download(remote.published(), tmp_path).read_bytes() == BYTES
    assert remote.sent == 1


@pytest.mark.parametrize("cut", [None, 100_000])
def test_a_wrong_checksum_leaves_nothing(remote, tmp_path, cut):
    if cut:
        cut_download(remote, tmp_path, cut)
    published = remote.published(b"something else")
    assert published.sha256_prefix is not None
    with told(remote.url, published.sha256_prefix, hashlib.sha256(BYTES).hexdigest()[:8], "--weights"):
        download(published, tmp_path)
    assert files(tmp_path) == []


def test_a_page_in_place_of_a_checkpoint_is_refused(remote, tmp_path):
    remote.data = b"<!DOCTYPE html><html>Please log in</html>"
    with told(remote.url, "no checkpoint"):
        download(remote.unchecked(), tmp_path)
    assert files(tmp_path) == []


def test_an_existing_file_is_verified_and_not_fetched(remote, tmp_path):
    (tmp_path / NAME).write_bytes(BYTES)
    assert download(remote.published(), tmp_path) == tmp_path / NAME
    (tmp_path / NAME).write_bytes(CHANGED)
    with told(str(tmp_path / NAME), "SHA-256", "remove"):
        download(remote.published(), tmp_path)
    assert (tmp_path / NAME).read_bytes() == CHANGED
    assert remote.asked == []


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_a_server_that_refuses(remote, tmp_path, status):
    remote.status = status
    with told(remote.url, f"the server answers {status}", "--weights"):
        download(remote.published(), tmp_path)
    assert files(tmp_path) == []


def test_a_server_that_is_gone_keeps_the_part(remote, tmp_path):
    cut_download(remote, tmp_path)
    remote.status = 503
    with told("503", f"{NAME}.part is kept"):
        download(remote.published(), tmp_path)
    remote.status = 200
    assert download(remote.published(), tmp_path).read_bytes() == BYTES
    assert remote.asked[-1]["Range"] == "bytes=99999-"


def test_nobody_listens(remote, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        remote.port = taken.getsockname()[1]
        with told(remote.url, "refused", "--weights"):
            download(remote.published(), tmp_path)
    assert files(tmp_path) == []


def test_a_server_that_falls_silent(remote, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SILENCE", 0.2)
    remote.cut, remote.stall = 100_000, True
    with told(remote.url, "timed out", "run again"):
        download(remote.published(), tmp_path)
    assert f"{NAME}.part" in files(tmp_path)


def test_a_server_that_does_not_say_how_much_it_sends(remote, tmp_path):
    remote.length = False
    seen = []
    path = download(remote.published(), tmp_path, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == BYTES
    assert seen[-1] == (len(BYTES), None)


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/net.pth", "file:///etc/passwd", "data:,PK"])
def test_redirects_lead_nowhere_but_to_http(remote, tmp_path, target):
    moved = PublishedFile(f"http://127.0.0.1:{remote.port}/moved/{NAME}", None, "flownet2", (), {})
    remote.moved_to = target
    with told(moved.url):
        download(moved, tmp_path)
    assert files(tmp_path) == []


def test_redirects_are_followed_and_ranges_with_them(remote, tmp_path):
    url = f"http://127.0.0.1:{remote.port}/moved/{NAME}"
    moved = PublishedFile(url, remote.published().sha256_prefix, "flownet2", (), {})
    remote.moved_to, remote.cut = remote.url, 100_000
    with told(moved.url, "run again"):
        download(moved, tmp_path)
    remote.cut = None
    assert download(moved, tmp_path).read_bytes() == BYTES
    assert remote.asked[-1]["Range"] == "bytes=99999-"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/net.pth", "net.pth"])
def test_only_http_is_fetched(tmp_path, url):
    with told(url, "only http and https"):
        download(PublishedFile(url, None, "flownet2", (), {}), tmp_path)


def test_another_process_is_fetching_the_same_file(remote, tmp_path):
    with (tmp_path / f"{NAME}.part").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with told("another process"):
            download(remote.published(), tmp_path)
    assert remote.asked == []
    assert download(remote.published(), tmp_path).read_bytes() == BYTES


def test_a_full_disk(remote, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with told(str(tmp_path / NAME), "cannot be written", "room"):
            download(remote.published(), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert download(remote.published(), tmp_path).read_bytes() == BYTES


def test_a_folder_that_is_a_file(remote, tmp_path):
    (tmp_path / "file").touch()
    with told(str(tmp_path / "file"), "another folder"):
        download(remote.published(), tmp_path / "file")


def test_the_folder_is_the_users(monkeypatch):
    for name in ("FLOWFEAT_WEIGHTS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert weights_folder() == Path.home() / ".cache" / "flowfeat" / "weights"
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert weights_folder() == Path("/cache/flowfeat/weights")
    monkeypatch.setenv("FLOWFEAT_WEIGHTS", "/models")
    assert weights_folder() == Path("/models")


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_table_agrees_with_its_addresses(name):
    published = PUBLISHED[name]
    assert published.url.startswith("https://")
    parts = re.fullmatch(r"(.+?)(?:_\d{8}_\d{6}-([0-9a-f]{8}))?\.pth", published.file_name)
    assert parts is not None
    assert parts[1] == name
    assert parts[2] == published.sha256_prefix
    assert published.model in FAMILY
    assert published.trained_on
    assert all(0 < error < 10 for error in published.endpoint_errors.values())


def test_every_file_is_another():
    assert len({published.file_name for published in PUBLISHED.values()}) == len(PUBLISHED)
