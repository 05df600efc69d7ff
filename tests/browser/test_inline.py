"""Files that are shown when somebody opens their address, and what a stranger's file cannot do there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.async_api import Page, expect

from holdfast import FileObject, StorageBackend
from holdfast.drivers.local import LocalDriver
from holdfast.serving.asgi import FileResponse
from tests.browser import samples
from tests.serving.live import HOST, uvicorn_serving

Serve: TypeAlias = Callable[..., Awaitable[str]]

SITE = {"/": b"<!doctype html><title>site</title>", "/running": samples.PAGE}
"""Pages of the site itself, which may run."""


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Serve a site that shows files inline; return what adds one and gives its address."""
    storage = StorageBackend("inline", LocalDriver(tmp_path / "inline", durable=False))
    files: dict[str, FileObject] = {}

    async def site(scope: Any, receive: Any, send: Any) -> None:
        if file := files.get(scope["path"]):
            await FileResponse(file, disposition="inline")(scope, receive, send)
            return
        page = SITE.get(scope["path"])
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200 if page else 404, "headers": headers})
        await send({"type": "http.response.body", "body": page or b""})

    async with uvicorn_serving(site) as port:

        async def store(filename: str, content: bytes | Path, content_type: str | None = None) -> str:
            file = FileObject(backend=storage, filename=filename, content=content, content_type=content_type)
            files[f"/{filename}"] = await file.save_async()
            return f"http://{HOST}:{port}/{filename}"

        yield store


async def test_a_film_seeks_and_plays(page: Page, serve: Serve, clip: Path) -> None:
    """A jump to its last seconds asks for a part of the file, and from there it runs to its end."""
    starts: list[str] = []
    page.on("request", lambda request: starts.append(request.headers.get("range", "").removesuffix("-")))
    await page.goto(await serve("clip.webm", clip))
    film = page.locator("video")
    await expect(film).to_have_js_property("readyState", 4)
    await film.evaluate("film => { film.currentTime = 58 }")
    await expect(film).to_have_js_property("seeking", False)
    assert await film.evaluate("film => [film.currentTime, film.error]") == [58, None]
    assert any(int(start.removeprefix("bytes=")) > 40_000_000 for start in starts if start)
    await film.click()
    await expect(film).to_have_js_property("ended", True, timeout=30_000)


async def test_a_picture_is_shown(page: Page, serve: Serve, tmp_path: Path) -> None:
    """With its pixels."""
    await page.goto(await serve("sunset.png", samples.picture(tmp_path / "sunset.png", (250, 120, 40))))
    await expect(page.locator("img")).to_have_js_property("naturalWidth", 320)


@pytest.mark.parametrize(("name", "content_type"), [("a.webm", "video/webm"), ("a.png", "image/png")])
async def test_s12_a_page_that_is_called_a_film_or_a_picture_does_not_run(
    page: Page, serve: Serve, name: str, content_type: str
) -> None:
    """Neither opened by its address nor in a frame of the site: the browser believes the type."""
    address = await serve(name, samples.PAGE, content_type)
    await page.goto(address.replace(name, "running"))
    assert await page.title() == "ran"  # the same bytes, where they may
    await page.goto(address)
    assert await page.title() != "ran"
    assert await page.evaluate("[document.contentType, document.scripts.length]") == [content_type, 0]
    await page.goto(address.replace(name, ""))
    await page.evaluate(
        """url => new Promise((done) => {
            const frame = document.createElement("iframe");
            frame.src = url;
            frame.onload = done;
            document.body.append(frame);
        })""",
        address,
    )
    assert await page.evaluate("[document.title, window.ran === undefined]") == ["site", True]


@pytest.mark.parametrize(
    ("name", "content"), [("page.html", samples.PAGE), ("drawing.svg", samples.DRAWING)], ids=["html", "svg"]
)
async def test_s12_what_could_run_is_saved(page: Page, serve: Serve, name: str, content: bytes) -> None:
    """However much the application would like to show it."""
    address = await serve(name, content)
    await page.goto(address.replace(name, ""))
    async with page.expect_download() as coming:
        await page.evaluate("url => { location.href = url }", address)
    download = await coming.value
    assert download.suggested_filename == name
    assert Path(await download.path()).read_bytes() == content
    assert await page.title() == "site"
