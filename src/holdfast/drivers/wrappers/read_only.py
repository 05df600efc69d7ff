"""A storage that cannot be changed by mistake."""
# ruff: noqa: ARG002  # what is refused is refused whatever its arguments

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from holdfast.drivers.wrappers.wrapper import PLAIN_FILES, Wrapper
from holdfast.errors import UnsupportedError
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.drivers.abilities import Abilities
    from holdfast.drivers.body import Body
    from holdfast.drivers.optional import SignRequest
    from holdfast.drivers.protocol import Driver, Put, PutOptions
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo


class ReadOnlyError(Exception):
    """What a refused operation raises, before anything is read or sent."""


class ReadOnlyDriver(Wrapper):
    """Lets reads through and refuses everything else.

    Args:
        driver: The driver that is read.
    """

    # Who may only read may not let others write.
    offered = MappingProxyType(
        {
            **{name: how for name, how in Wrapper.offered.items() if name not in {"offer_upload", "finish_upload"}},
            **PLAIN_FILES,
        }
    )

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self._abilities = driver.abilities._replace(writable=False, atomic_create=False, settings=frozenset())

    @property
    def abilities(self) -> Abilities:
        """Those of the driver behind that reading needs."""
        return self._abilities

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Know the refusal."""
        return UnsupportedError if isinstance(error, ReadOnlyError) else self.driver.classify(error)

    def origin(self, key: str) -> tuple[Driver, str]:
        """Return the driver behind, which may be read."""
        return self._plain, key

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Refuse, without a look at the body."""
        _refuse()

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Refuse."""
        _refuse()

    def delete(self, keys: Sequence[str]) -> None:
        """Refuse."""
        _refuse()

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Refuse."""
        _refuse()

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Refuse."""
        _refuse()

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Refuse."""
        _refuse()

    def _put_many(self, puts: Sequence[Put]) -> list[ObjectInfo | Exception]:
        _refuse()

    def _sign(self, request: SignRequest) -> str:
        if request.method != "GET":
            _refuse()
        return super()._sign(request)

    async def _sign_async(self, request: SignRequest) -> str:
        if request.method != "GET":
            _refuse()
        return await super()._sign_async(request)

    def _clear(self, older_than: float, *, delete: bool) -> list[str]:
        if delete:
            _refuse()
        return super()._clear(older_than, delete=False)

    async def _clear_async(self, older_than: float, *, delete: bool) -> list[str]:
        if delete:
            _refuse()
        return await super()._clear_async(older_than, delete=False)

    def _clear_below(self, folder: str, older_than: float, *, delete: bool) -> list[str]:
        if delete:
            _refuse()
        return super()._clear_below(folder, older_than, delete=False)


def _refuse() -> NoReturn:
    message = "this storage is read-only"
    raise ReadOnlyError(message)
