"""Services that need an account: how they are made, and what they need."""

import sys

import pytest
from fsspec.registry import _registry

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import ConfigurationError, MissingExtraError, UnsupportedError


def test_b15_github():
    """GitHub is declared without asking it anything, and refuses to be written without asking either."""
    storage = FSSpecBackend("docs", "github", "docs", org="fsspec", repo="filesystem_spec", sha="2026.9.0")
    assert not storage.abilities.writable
    with pytest.raises(ConfigurationError, match=r"needs org=… and repo=…"):
        FSSpecBackend("docs", "github", "docs")
    for call in [lambda: storage.put("x", b"bytes"), lambda: storage.delete("x")]:
        with pytest.raises(UnsupportedError, match="read-only"):
            call()


def test_b15_dropbox():
    """Dropbox is declared without asking it anything."""
    storage = FSSpecBackend("docs", "dropbox", "/docs", token="made-up")
    assert storage.abilities.writable
    assert storage._plain._fs is None


@pytest.mark.parametrize(
    ("fs", "module", "options"),
    [("github", "requests", {"org": "o", "repo": "r"}), ("dropbox", "dropbox", {"token": "t"})],
)
def test_b15_b18_a_missing_package(fs, module, options, monkeypatch):
    """Without its package each names the command that installs it."""
    monkeypatch.delitem(_registry, fs, raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] in {module, "dropboxdrivefs"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.github", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "holdfast\[{fs}\]"'):
        FSSpecBackend("docs", fs, "/docs", **options)
