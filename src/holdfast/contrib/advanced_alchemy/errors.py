"""Errors that are Holdfast's and the library's own at once, so that what an application catches is still caught."""

from __future__ import annotations

from advanced_alchemy.exceptions import ImproperConfigurationError

from holdfast.errors import ConfigurationError, FileStateError, SourceTypeError, UnknownStorageError


class UnknownBackendError(UnknownStorageError, ImproperConfigurationError):
    """No storage is registered under that key."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.detail = message


class RegistrationError(ConfigurationError, ImproperConfigurationError):
    """A storage cannot be registered like that."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.detail = message


class TwoContentsError(SourceTypeError, ValueError):
    """A file was given content and the path of content."""


class NoContentError(FileStateError, TypeError):
    """There is nothing to save."""
