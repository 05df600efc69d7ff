"""Which of the two file systems for SFTP is meant.

Once sshfs is installed, it is what fsspec makes of ``"sftp"`` and ``"ssh"``, and the options of paramiko's file system
fail in it. The options tell which one they belong to.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARED = {"host", "port", "username", "password", "passphrase", "timeout", "known_hosts"}
_PARAMIKO = {
    *("allow_agent", "auth_strategy", "auth_timeout", "banner_timeout", "channel_timeout", "compress"),
    *("disabled_algorithms", "gss_auth", "gss_deleg_creds", "gss_host", "gss_kex", "gss_trust_dns", "host_key_policy"),
    *("key_filename", "look_for_keys", "pkey", "sock", "temppath", "transport_factory"),
}
_OF_PARAMIKO = ("holdfast.drivers.fsspec.sftp.paramiko_known_hosts", "KnownHostsFileSystem")


def file_system_class(options: Mapping[str, Any]) -> Any:
    """Return paramiko's class for options that only it has, else sshfs's, and paramiko's where sshfs is missing.

    Raises:
        ConfigurationError: There are options of both.
        MissingExtraError: The package for an option, or any for SFTP, is not installed.
    """
    paramikos = sorted(options.keys() & _PARAMIKO)
    others = sorted(name for name in options.keys() - _SHARED - _PARAMIKO if not _of_fsspec(name))
    if paramikos and others:
        message = (
            f"{paramikos[0]!r} is an option of paramiko's file system, {others[0]!r} of sshfs's: "
            "give those of one (key_filename= there is client_keys=[…] here)"
        )
        raise ConfigurationError(message)
    if paramikos:
        return _imported(*_OF_PARAMIKO, f"{paramikos[0]!r} needs paramiko")
    if others:
        return _imported("sshfs", "SSHFileSystem", f"{others[0]!r} needs sshfs")
    try:
        return _imported("sshfs", "SSHFileSystem", "")
    except MissingExtraError:
        return _imported(*_OF_PARAMIKO, "SFTP needs sshfs or paramiko")


def checks_host_key(fs: Any) -> bool:
    """Return whether a file system refuses a server that it does not know."""
    options = fs.storage_options
    if options.get("known_hosts") is not None:
        return True
    policy = options.get("host_key_policy")  # paramiko's; some accept any
    name = policy if isinstance(policy, str) else getattr(policy, "__name__", type(policy).__name__)
    return policy is not None and name not in {"auto_add", "warning", "AutoAddPolicy", "WarningPolicy"}


def _of_fsspec(name: str) -> bool:
    return name in {"skip_instance_cache", "use_listings_cache", "listings_expiry_time", "max_paths", "asynchronous"}


def _imported(module: str, name: str, what: str) -> Any:
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        message = f'{what}, which is not installed: pip install "holdfast[sftp]"'
        raise MissingExtraError(message) from error
