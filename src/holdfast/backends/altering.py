"""Changing objects where they lie: their content type, their metadata, and how the service keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.backends.copying import Copying
from holdfast.drivers import threads
from holdfast.drivers.altering import Alters, Change
from holdfast.errors import UnsupportedError
from holdfast.keys import validate_key
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.object_settings import ObjectSettingsLike
    from holdfast.objects import ObjectInfo

_ALTER = "alter"


class Altering(Copying):
    """The part of a `StorageBackend` that changes objects where they lie."""

    def check_alter(self, object_settings: ObjectSettingsLike = None) -> None:
        """Say whether objects can be changed like that, without asking the service.

        Raises:
            UnsupportedError: Objects of this storage cannot be changed where they lie; the message says why.
            ConfigurationError: The service does not have one of the settings.
        """
        settings = self._checked(ObjectSettings.of(object_settings))
        driver = self._alters()
        with self._wrapping(_ALTER, None, expected=(UnsupportedError,)):
            driver.check_alter(settings)

    def alter(
        self,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        object_settings: ObjectSettingsLike = None,
    ) -> tuple[ObjectInfo, bool]:
        """Give an object another content type, other metadata or other settings, with the same bytes.

        At no moment is it missing, or half of it changed. Tags that are not named stay.

        Args:
            key: The object.
            content_type: Media type; left as it is if left out.
            metadata: All of its metadata; left as it is if left out.
            object_settings: Storage class, tags, encryption …

        Returns:
            What the storage says of it now, and whether there was anything to change.

        Raises:
            NotFoundError: There is no such object.
            UnsupportedError: Objects of this storage cannot be changed where they lie.
            ConfigurationError: The service does not have one of the settings.
        """
        validate_key(key)
        change = Change(content_type, metadata, self._checked(ObjectSettings.of(object_settings)))
        driver = self._alters()
        with self._wrapping(_ALTER, key):
            changed = driver.alter(key, change)
        return self.stat(key), changed

    async def alter_async(
        self,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        object_settings: ObjectSettingsLike = None,
    ) -> tuple[ObjectInfo, bool]:
        """Like `alter`."""
        validate_key(key)
        change = Change(content_type, metadata, self._checked(ObjectSettings.of(object_settings)))
        driver = self._alters()
        with self._wrapping(_ALTER, key):
            changed = await threads.run_to_end(threads.blocking.submit(driver.alter, key, change))
        return await self.stat_async(key), changed

    def _alters(self) -> Alters:
        if not isinstance(self._plain, Alters):
            message = (
                f"objects of storage {self.key!r} cannot be changed where they lie: S3, Google Cloud Storage, Azure "
                f"and obstore's memory can do that; where a storage stands on others, change the objects of those"
            )
            raise UnsupportedError(message, operation=_ALTER, storage=self.key)
        return self._plain
