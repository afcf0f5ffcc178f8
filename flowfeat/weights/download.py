"""Fetching published checkpoints: a cut connection is taken up where it broke; a file is there whole or not at all."""

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from io import BufferedWriter
from pathlib import Path
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from flowfeat.errors import InputError
from flowfeat.weights.containers import holds_weights
from flowfeat.weights.published import PublishedFile

Report = Callable[[int, int | None], None]
"""Is told how many bytes are there, and of how many, where the server says it."""

_BLOCK = 1 << 16  # small, because what a broken connection had not yet handed over is lost
_SILENCE = 30.0  # seconds that a server may take between two bytes
_OTHERWISE = "download it elsewhere and give the file with --weights"


def weights_folder() -> Path:
    """Where fetched checkpoints are kept: $FLOWFEAT_WEIGHTS, or flowfeat/weights in the user's cache."""
    if chosen := os.environ.get("FLOWFEAT_WEIGHTS"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flowfeat" / "weights"


def download(published: PublishedFile, folder: Path, progress: Report | None = None) -> Path:
    """The checkpoint as a file in `folder`, checked; fetched where it is not there yet.

    What a broken connection leaves stays beside it as `<name>.part`, and the next call goes on from there.

    Raises:
        InputError: where it cannot be fetched or written, or is not what was published.
    """
    if urlsplit(published.url).scheme not in ("http", "https"):
        raise InputError(f"{published.url}: only http and https addresses are fetched; {_OTHERWISE}")
    path = folder / published.file_name
    part = path.with_name(f"{path.name}.part")
    version = path.with_name(f"{path.name}.part.version")
    try:
        if path.exists():
            if fault := _fault(path, published):
                raise InputError(f"{path}: {fault}; remove the file and run again")
            return path
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            _claim(file, part)
            if path.exists():  # finished by another process since
                part.unlink(missing_ok=True)
            else:
                _complete(published, file, part, version, progress)
                part.replace(path)
                version.unlink(missing_ok=True)
    except OSError as fault:
        reason = fault.strerror or fault
        raise InputError(f"{path}: it cannot be written ({reason}); make room, or give another folder") from fault
    return path


def _claim(file: BufferedWriter, part: Path) -> None:
    """Keep other processes from adding to the same part. Raises InputError where one does."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{part}: another process is fetching this file; wait until it is done") from None
    except OSError:
        pass  # a file system without locks


def _complete(
    published: PublishedFile, file: BufferedWriter, part: Path, version: Path, progress: Report | None
) -> None:
    """Bring the part to its whole length and check it. Raises InputError; a part that is of no use is removed."""
    try:
        _fetch(published.url, file, part, version, progress)
        file.flush()
        # Without it, a power cut after the rename can leave an empty file under the final name.
        os.fsync(file.fileno())
        if fault := _fault(part, published):
            file.truncate(0)
            raise InputError(f"{published.url}: {fault}; what came was removed: run again, or {_OTHERWISE}")
    finally:
        with contextlib.suppress(OSError):
            if part.stat().st_size == 0:
                part.unlink()
                version.unlink(missing_ok=True)


def _fetch(url: str, file: BufferedWriter, part: Path, version: Path, progress: Report | None) -> None:
    """Add to the part what is missing. Raises InputError where the connection does not last so long."""
    done = file.tell()
    known = version.read_text(errors="replace") if version.exists() else ""
    if not (known.isascii() and known.isprintable()):
        known = ""
    # To a part of which it is not known of what version it is, nothing can be added. It is asked for from its last
    # byte on, because a server has no answer to what lies behind the end of a part that is already whole.
    response, start = _open(url, part, max(done - 1, 0) if known else 0, known)
    with response:
        total = None if response.length is None else start + response.length
        # In this order: a part must never lie beside the version of another.
        file.truncate(start)
        version.write_text(_version(response))
        done = start
        while done != total:
            try:
                block = response.read(_BLOCK)
            except (OSError, HTTPException) as fault:
                raise InputError(_broken(url, part, done, total, _reason(fault))) from fault
            if not block:
                break
            file.write(block)
            done += len(block)
            if progress:
                progress(done, total)
    if total is not None and done < total:
        raise InputError(_broken(url, part, done, total, "the server closed the connection"))


def _open(url: str, part: Path, start: int, known: str) -> tuple[HTTPResponse, int]:
    """The file from byte `start` on if it still is the known version, or else from 0 on, and which of the two.

    Raises InputError.
    """
    headers = {"Range": f"bytes={start}-", "If-Range": known} if start else {}
    try:
        response: HTTPResponse = _opener().open(request.Request(url, headers=headers), timeout=_SILENCE)
    except (OSError, HTTPException) as fault:
        if isinstance(fault, HTTPError):
            fault.close()
            if start and fault.code == 416:  # what is there now is shorter
                return _open(url, part, 0, "")
        kept = f"{part} is kept: run again to go on from there" if start else "run again"
        raise InputError(f"{url}: it cannot be fetched ({_reason(fault)}); {kept}, or {_OTHERWISE}") from fault
    if not start or response.status != 206:
        return response, 0
    # Some servers know ranges and not If-Range.
    span = response.headers.get("Content-Range", "")
    if re.match(rf"bytes {start}-", span) and _version(response) == known:
        return response, start
    response.close()
    return _open(url, part, 0, "")


def _opener() -> request.OpenerDirector:
    """Like urllib's own, without what would follow a redirect to FTP."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPRedirectHandler,
        request.HTTPErrorProcessor,
        request.HTTPDefaultErrorHandler,
        request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _version(response: HTTPResponse) -> str:
    """What tells this version of the remote file from others, byte by byte; nothing where the server does not say."""
    tag = response.headers.get("ETag", "")
    # A weak tag says that two versions are as good as the same.
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _fault(path: Path, published: PublishedFile) -> str | None:
    """What is wrong with a whole file, or nothing."""
    if published.sha256_prefix is None:  # then all that can be found is that it is something else altogether
        return None if holds_weights(path) else "this is no checkpoint, and maybe the page of a proxy"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()[: len(published.sha256_prefix)]
    if found == published.sha256_prefix:
        return None
    return f"its SHA-256 must begin with {published.sha256_prefix} and begins with {found}"


def _broken(url: str, part: Path, done: int, total: int | None, reason: str) -> str:
    size = "an unknown number" if total is None else f"{total:,}"
    return f"{url}: the connection broke ({reason}); {done:,} of {size} bytes are in {part}: run again to go on"


def _reason(fault: OSError | HTTPException) -> str:
    if isinstance(fault, HTTPError):
        return f"the server answers {fault.code} {fault.reason}"
    cause = fault.reason if isinstance(fault, URLError) else fault
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(text.split())
