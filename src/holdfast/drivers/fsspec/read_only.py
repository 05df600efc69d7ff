"""Services that are only read."""
# ruff: noqa: ARG002  # what is refused is refused whatever its arguments

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from holdfast.drivers.fsspec.reopening import Reopening
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions
    from holdfast.objects import ObjectInfo


class ReadOnly(Reopening):
    """Base of their drivers: refuses to write before anything is read or sent."""

    refusal: ClassVar[str]
    """What is read-only, and what to do about it."""

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Refuse, without a look at the body."""
        self._refuse_to_write()

    def delete(self, keys: Sequence[str]) -> None:
        """Refuse."""
        self._refuse_to_write()

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:  # it has none
        """Refuse."""
        self._refuse_to_write()

    def _refuse_to_write(self) -> NoReturn:
        raise NotImplementedError(self.refusal)
