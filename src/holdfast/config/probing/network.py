"""The network as a storage was told to use it: its proxy, and the certificates it trusts."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, build_opener

from holdfast.backends.option_values import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping


class Network(NamedTuple):
    """What a storage trusts, beyond what this machine does.

    Attributes:
        proxy: URL of its proxy.
        excludes: Hosts that it reaches without the proxy, with commas between.
        certificate: PEM text of a certificate authority.
        bundle: Path of a file with such.
        unchecked: Whether it takes any certificate.
    """

    proxy: str | None = None
    excludes: str = ""
    certificate: str | None = None
    bundle: str | None = None
    unchecked: bool = False

    @property
    def trusts_more(self) -> bool:
        """Whether it takes certificates that others refuse."""
        return bool(self.certificate or self.bundle or self.unchecked)

    def opener(self, url: str, *, trusting: bool = False) -> OpenerDirector:
        """Return what opens a URL; `trusting` the certificates that the storage trusts, else those of everybody."""
        host = f".{urlsplit(url).hostname}"
        bypass = any(host.endswith(f".{each.strip().lstrip('.')}") for each in self.excludes.split(",") if each.strip())
        proxies = {"http": self.proxy, "https": self.proxy} if self.proxy and not bypass else None
        return build_opener(ProxyHandler(proxies), HTTPSHandler(context=self._context() if trusting else None))

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.bundle, cadata=self.certificate)
        if self.unchecked:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


def network_of(native: Any) -> Network:
    """Return the network of a store of obstore or a file system of s3fs; of others, this machine's."""
    if options := getattr(native, "client_options", None):
        return _of_obstore(options)
    verify = mapping("client_kwargs", getattr(native, "client_kwargs", None)).get("verify")
    return Network(bundle=verify if isinstance(verify, str) else None, unchecked=verify is False)


def _of_obstore(options: Mapping[str, Any]) -> Network:
    certificate = options.get("root_certificate")
    return Network(
        proxy=options.get("proxy_url"),
        excludes=options.get("proxy_excludes") or "",
        certificate=certificate.decode() if isinstance(certificate, bytes) else certificate,
        unchecked=str(options.get("allow_invalid_certificates")).lower() == "true",
    )
