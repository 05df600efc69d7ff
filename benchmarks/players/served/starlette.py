"""Files of a folder, by Starlette's FileResponse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import FileResponse

if TYPE_CHECKING:
    from pathlib import Path


def application(folder: Path) -> Any:
    """Return the ASGI application."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await FileResponse(folder / scope["path"][1:], media_type="image/png")(scope, receive, send)

    return answer
