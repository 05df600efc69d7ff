"""Settings that go to a service as headers of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from holdfast.object_settings import ObjectSettings


def check_headers(settings: ObjectSettings) -> None:
    """Refuse settings that cannot stand in a request: obstore panics at some, and signatures are wrong with others.

    Raises:
        ConfigurationError: One holds characters beyond ASCII.
    """
    for name, value in settings.to_dict().items():
        if name != "tags" and not value.isascii():
            message = f"object_settings: {name}={value!r} must be ASCII, as all headers"
            if name == "content_disposition":
                message += "; a file name in it is written as filename*=UTF-8''… (RFC 8187)"
            raise ConfigurationError(message)
