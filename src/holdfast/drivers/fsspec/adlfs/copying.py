"""Copies that Azure makes by itself, inside an account, asked for through adlfs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError

from holdfast import errors
from holdfast.drivers.abilities import HEADERS
from holdfast.drivers.beside import ELSEWHERE, beside, refused
from holdfast.drivers.fsspec.adlfs.container import IF_ABSENT, Container, about_put
from holdfast.drivers.optional import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.protocol import Driver, PutOptions
    from holdfast.objects import ObjectInfo

_PAUSE = 0.2  # seconds between two looks at a copy that Azure makes in the background


class Copying(Container):
    """The part of the driver that copies from other containers."""

    def can_copy_from(self, origin: Driver) -> bool:
        """Copy from any container of the same account."""
        return beside(self, origin) is not None

    def copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        """Copy inside Azure, which takes headers from the original only, and no encryption scope."""
        there = beside(self, origin)
        if there is None:
            return ELSEWHERE
        if unsaid := options.settings.given & {*HEADERS, "encryption_key"}:
            return Refusal(f"a copy cannot be told {' and '.join(sorted(unsaid))}", lasting=True)
        about = {name: value for name, value in about_put(target, options).items() if name != "content_settings"}
        if options.if_absent:
            about |= IF_ABSENT
        if source.etag:
            about |= {"source_etag": f'"{source.etag}"', "source_match_condition": MatchConditions.IfNotModified}
        original = self.native.service_client.get_blob_client(there.bucket, there.folder + source.key)
        try:
            self._call(copied, original, self._blob(target), about)
        except HttpResponseError as error:
            kind = self.classify(error)
            if kind in {errors.PreconditionFailedError, errors.AlreadyExistsError}:
                raise FileExistsError(target) from error
            if (refusal := refused(error, kind)) is None:
                raise
            return refusal
        return None


async def copied(source: Any, target: Any, about: Mapping[str, Any], **limits: Any) -> None:
    """Copy a blob and wait until Azure has done it.

    Args:
        source: Client of the original.
        target: Client of the copy.
        about: What the copy is to have.
        **limits: What every request is sent with.

    Raises:
        OSError: Azure gave it up.
    """
    answer = await target.start_copy_from_url(source.url, **about, **limits)
    status, told = answer["copy_status"], None
    while status == "pending":
        await asyncio.sleep(_PAUSE)
        found = (await target.get_blob_properties(**limits)).copy
        status, told = found.status, found.status_description
    if status != "success":
        with suppress(AzureError):  # a blob without bytes is there
            await target.delete_blob(**limits)
        message = f"Azure ended the copy as {status}: {told}"
        raise OSError(message)
