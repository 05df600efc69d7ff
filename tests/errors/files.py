"""The services of the error table that keep files in folders, and the web."""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from holdfast import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from tests.errors.places import RETRIES, STORAGE, Answer, Place, Service
from tests.servers.ports import HOST

_WRONG = ("nobody-at-all", "not-the-secret-of-anybody")


def _login(place: Place) -> dict[str, Any]:
    parts = urlsplit(place.address)
    return {"host": parts.hostname, "port": parts.port, "username": place.user, "password": place.secret}


def _in_folder(protocol: str, of: Callable[[Place], Mapping[str, Any]]) -> Callable[[Place], StorageBackend]:
    def open_at(place: Place) -> StorageBackend:
        return FSSpecBackend(STORAGE, protocol, prefix=place.bucket, **of(place))

    return open_at


# --- SFTP


def _sftp_place(server: Any) -> Place:
    return Place(f"sftp://{HOST}:{server.port}", server.path("errors"), server.username, server.password)


def _paramiko(place: Place) -> dict[str, Any]:
    patience = dict.fromkeys(("timeout", "banner_timeout", "auth_timeout", "channel_timeout"), place.patience)
    return {**_login(place), **patience, "look_for_keys": False, "allow_agent": False}


def _sshfs(place: Place) -> dict[str, Any]:
    own = {"client_keys": None, "agent_path": None, "config": None, "known_hosts": None}
    return {**_login(place), **own, "connect_timeout": place.patience, "login_timeout": place.patience}


# --- FTP


def _ftp_place(site: Any) -> Place:
    return Place(f"ftp://{HOST}:{site.port}", "errors", site.username, site.password)


# --- the web

WEB_WORDS = {
    "wrong secret": Answer("401 Unauthorized"),
    "unknown user": Answer("401 Unauthorized"),
    "no permission": Answer("403 Forbidden"),
    "slow down": Answer("503 Service Unavailable"),
    "too many requests": Answer("429 Too Many Requests"),
    "out of order": Answer("500 Internal Server Error"),
}


def _webdav_place(server: Any) -> Place:
    return Place(server.base_url, "errors", server.username, server.password)


def _webdav(place: Place) -> StorageBackend:
    login = (place.user, place.secret)
    return FSSpecBackend(
        STORAGE, "webdav", prefix=place.bucket, base_url=place.address, auth=login, timeout=place.patience
    )


def _web_place(server: Any) -> Place:
    return Place(server.address, "errors")


def _web_through_fsspec(place: Place) -> StorageBackend:
    patience = aiohttp.ClientTimeout(total=None, sock_connect=place.patience, sock_read=place.patience)
    return FSSpecBackend(STORAGE, f"{place.address}/{place.bucket}", client_kwargs={"timeout": patience})


def _web_through_obstore(place: Place) -> StorageBackend:
    address = f"{place.address}/{place.bucket}"
    return ObstoreBackend(STORAGE, address, allow_http=True, read_timeout=place.patience, retry_config=RETRIES)


# --- here


def _here(folder: Any) -> Place:
    return Place("", str(PurePosixPath(folder) / "errors"))


_READS = frozenset({"read", "stat"})
_NET = frozenset({"connection refused", "unknown host", "never answers", "wrong secret", "unknown user"})
_NO_BUCKET = "missing bucket"  # a folder that is missing is made

FILE_SERVICES = {
    "SFTP through paramiko": Service(
        "rclone_sftp", _sftp_place, _in_folder("sftp", _paramiko), {}, _WRONG, spared=frozenset({_NO_BUCKET})
    ),
    "SFTP through sshfs": Service(
        "rclone_sftp", _sftp_place, _in_folder("sftp", _sshfs), {}, _WRONG, spared=frozenset({_NO_BUCKET})
    ),
    "FTP": Service(
        "pyftpdlib",
        _ftp_place,
        _in_folder("ftp", lambda place: {**_login(place), "timeout": place.patience}),
        {},
        _WRONG,
        spared=frozenset({_NO_BUCKET}),
    ),
    "WebDAV": Service("wsgidav", _webdav_place, _webdav, WEB_WORDS, _WRONG, spared=frozenset({_NO_BUCKET})),
    "HTTP through fsspec": Service(
        "plain_http",
        _web_place,
        _web_through_fsspec,
        WEB_WORDS,
        spared=frozenset({_NO_BUCKET, "taken key"}),
        operations=_READS,
    ),
    "HTTP through obstore": Service(
        "plain_http",
        _web_place,
        _web_through_obstore,
        WEB_WORDS,
        spared=frozenset({_NO_BUCKET, "taken key"}),
        operations=_READS,
    ),
    "disk": Service(
        "tmp_path",
        _here,
        lambda place: FSSpecBackend(STORAGE, "file", prefix=place.bucket),
        {},
        spared=_NET | {_NO_BUCKET},
    ),
    "disk through obstore": Service(
        "tmp_path",
        _here,
        lambda place: ObstoreBackend(STORAGE, f"file://{place.bucket}"),
        {},
        spared=_NET | {_NO_BUCKET},
    ),
    "memory": Service("tmp_path", _here, lambda _: FSSpecBackend(STORAGE, "memory"), {}, spared=_NET | {_NO_BUCKET}),
    "memory of obstore": Service(
        "tmp_path", _here, lambda _: ObstoreBackend(STORAGE, "memory://"), {}, spared=_NET | {_NO_BUCKET}
    ),
}
