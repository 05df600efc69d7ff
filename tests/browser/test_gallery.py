"""The gallery in a real browser: what a person does with it, and what a stranger's file must not do."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Request, expect

from holdfast.testing.s3 import S3Bucket
from tests.browser import samples
from tests.servers.postgres import Database

IDLE = "document.querySelector('#uploads').children.length === 0"


async def add(page: Page, path: Path) -> None:
    """Choose a file, and wait until it is stored."""
    await page.set_input_files("#picker", str(path))
    await expect(page.locator("#news")).to_have_text(f"{path.name} is stored.")
    await page.wait_for_function(IDLE)


async def lines(page: Page, name: str) -> list[str]:
    """Return what a list of the panel shows."""
    return await page.locator(f"#{name} li").all_text_contents()


def rows(page: Page) -> Any:
    """Return the panel's list of rows."""
    return page.locator("#rows li")


def objects(page: Page) -> Any:
    """Return the panel's list of objects."""
    return page.locator("#objects li")


async def test_a_picture_is_stored_shown_and_deleted(page: Page, page_address: str, tmp_path: Path) -> None:
    """From choosing it to its end: one row, one object, a picture that has pixels, and then none of them."""
    await page.goto(page_address)
    before = await rows(page).count()
    await add(page, samples.picture(tmp_path / "sunset.png", (250, 120, 40)))
    shown = page.get_by_role("img", name="sunset.png")
    await expect(shown).to_be_visible()
    await page.wait_for_function("image => image.naturalWidth === 320", arg=await shown.element_handle())
    await expect(rows(page)).to_have_count(before + 1)
    assert sum("sunset.png" in line for line in await lines(page, "objects")) == 1
    await page.get_by_role("button", name="Delete sunset.png").click()
    await expect(page.locator("#news")).to_have_text("sunset.png was deleted.")
    await expect(page.locator("#objects", has_text="sunset.png")).to_have_count(0)
    await expect(rows(page)).to_have_count(before)


async def test_dropped_files(page: Page, page_address: str) -> None:
    """Files that are dropped on the page are stored as those that are chosen."""
    await page.goto(page_address)
    await page.evaluate("""() => {
        const files = new DataTransfer();
        for (const name of ["one.txt", "two.txt"]) files.items.add(new File([name], name, { type: "text/plain" }));
        const event = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
        document.getElementById("drop").dispatchEvent(event);
    }""")
    for name in ("one.txt", "two.txt"):
        await expect(page.locator("#rows", has_text=name)).to_have_count(1)


async def test_a_cancelled_upload_leaves_nothing(page: Page, page_address: str, tmp_path: Path) -> None:
    """Progress is shown while it goes on; when it is cancelled in the middle there is neither row nor object."""
    await page.goto(page_address)
    (tmp_path / "large.bin").write_bytes(b"x" * 20_000_000)
    network = await page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2_000_000}
    await network.send("Network.enable")
    await network.send("Network.emulateNetworkConditions", slow)
    await page.set_input_files("#picker", str(tmp_path / "large.bin"))
    await page.wait_for_function("document.querySelector('#uploads progress')?.value > 0")
    assert await page.locator("#uploads progress").get_attribute("aria-label") == "Progress of large.bin"
    await page.get_by_role("button", name="Cancel large.bin").click()
    await expect(page.locator("#news")).to_have_text("large.bin was cancelled.")
    assert await page.locator("#uploads li").count() == 0
    assert not [line for name in ("rows", "objects") for line in await lines(page, name) if "large.bin" in line]


async def test_a_video_seeks(page: Page, page_address: str, clip: Path) -> None:
    """A jump to the end asks for a part of the file, and the picture there appears without the middle."""
    await page.goto(page_address)
    await add(page, clip)
    ranges: list[str] = []
    page.on("request", lambda request: ranges.append(request.headers.get("range", "")))
    place = await page.evaluate("""async () => {
        const video = document.querySelector("video");
        if (video.readyState < 1) await new Promise((done) => { video.onloadedmetadata = done; });
        await new Promise((done) => { video.onseeked = done; video.currentTime = 55; });
        return [video.currentTime, video.readyState >= 2, video.error];
    }""")
    assert place == [55, True, None]
    assert any(int(asked.removeprefix("bytes=").partition("-")[0] or 0) > 40_000_000 for asked in ranges if asked)


async def test_an_odd_name_is_the_name_of_the_download(page: Page, page_address: str, tmp_path: Path) -> None:
    """Quotes, accents and a balloon: the file is saved under the name that it had, with its bytes."""
    await page.goto(page_address)
    (tmp_path / samples.ODD_NAME).write_bytes(b"odd")
    await add(page, tmp_path / samples.ODD_NAME)
    async with page.expect_download() as coming:
        await page.get_by_role("link", name=f"Download {samples.ODD_NAME}", exact=True).click()
    download = await coming.value
    # A double quote cannot be in a name on every system: Chromium writes another character for it.
    assert download.suggested_filename.replace("_", '"') == samples.ODD_NAME
    assert Path(await download.path()).read_bytes() == b"odd"


async def test_s12_a_page_of_a_stranger_does_not_run(page: Page, page_address: str, tmp_path: Path) -> None:
    """Opened by its address it is saved, and in a frame or as a script of the site it does nothing."""
    await page.goto(page_address)
    for name, content in (("page.html", samples.PAGE), ("image.svg", samples.DRAWING)):
        (tmp_path / name).write_bytes(content)
        await add(page, tmp_path / name)
        url = await page.get_by_role("link", name=f"Download {name}", exact=True).get_attribute("href")
        async with page.expect_download() as coming:
            await page.evaluate("url => { location.href = url }", url)
        assert (await coming.value).suggested_filename == name
        refused = await page.evaluate(
            """url => new Promise((done) => {
                const frame = document.createElement("iframe");
                frame.src = url;
                document.body.append(frame);
                const script = document.createElement("script");
                script.src = url;
                script.onload = () => done(false);
                script.onerror = () => done(true);
                document.body.append(script);
            })""",
            url,
        )
        assert refused, "the browser took it for a script"
        assert await page.title() == "Holdfast gallery"
        assert await page.evaluate("window.ran === undefined")


async def test_a_transaction_is_held_open(page: Page, page_address: str, tmp_path: Path) -> None:
    """Objects are there before others see their rows; a rollback brings back what was deleted, a commit does not."""
    await page.goto(page_address)
    kept, dropped = (samples.picture(tmp_path / f"{name}.png", (30, 120, 200)) for name in ("kept", "dropped"))
    await add(page, kept)
    rows_before, objects_before = await lines(page, "rows"), await lines(page, "objects")
    await page.get_by_role("button", name="Hold changes open").click()
    await expect(page.locator(".transaction.open")).to_be_visible()
    await page.get_by_role("button", name="Delete kept.png").click()
    await expect(page.locator("#objects .pending", has_text="kept.png")).to_have_count(1)
    await add(page, dropped)
    await expect(page.locator("#transaction")).to_contain_text("2 changes")
    assert await lines(page, "rows") == rows_before
    assert len(await lines(page, "objects")) == len(objects_before) + 1
    await page.get_by_role("button", name="Roll back").click()
    await expect(page.locator("#news")).to_have_text("Rolled back.")
    assert await lines(page, "rows") == rows_before
    # What a browser uploaded by itself stays for another claim, until the sweep takes it.
    await expect(page.locator("#objects .free", has_text="dropped.png")).to_have_count(1)
    await page.get_by_role("button", name="Hold changes open").click()
    await page.get_by_role("button", name="Delete kept.png").click()
    await page.get_by_role("button", name="Commit").click()
    await expect(page.locator("#objects", has_text="kept.png")).to_have_count(0)
    await expect(page.locator("#rows", has_text="kept.png")).to_have_count(0)


async def test_a_keyboard_is_enough(page: Page, page_address: str, tmp_path: Path) -> None:
    """Everything is reached by the tab key, has a name, and shows where the focus is."""
    await page.goto(page_address)
    await add(page, samples.picture(tmp_path / "reached.png", (90, 90, 90)))
    names: list[str] = []
    await page.evaluate("document.body.focus()")
    for _ in range(200):
        await page.keyboard.press("Tab")
        name, outline = await page.evaluate("""() => {
            const at = document.activeElement;
            if (at === document.body) return ["", ""];
            const seen = at.id === "picker" ? at.parentElement : at;
            const name = at.getAttribute("aria-label") || at.labels?.[0]?.innerText || at.innerText || at.title;
            const shown = at.controls ? "the player's own" : getComputedStyle(seen).outlineStyle;
            return [(name || "").trim(), shown];
        }""")
        if not name:
            continue  # the window itself, between the end and the beginning
        if names and name == names[0]:
            break
        names.append(name)
        assert outline != "none", f"the focus on {name!r} does not show"
    assert {"Download reached.png", "Delete reached.png", "Hold changes open"} <= set(names)
    assert any(name.startswith("Choose files") for name in names)
    await page.get_by_role("button", name="Delete reached.png").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("reached.png was deleted.")


@pytest.mark.s3
@pytest.mark.postgres
async def test_on_postgresql_and_a_bucket(  # noqa: PLR0917  # fixtures
    page: Page, galleries: Callable[..., str], postgres: Database, s3_bucket: S3Bucket, tmp_path: Path, clip: Path
) -> None:
    """The same page: the browser sends to the bucket itself, and shows what it gets from there."""
    rule = (
        b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
        b"<AllowedMethod>POST</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader>"
        b"</CORSRule></CORSConfiguration>"
    )
    s3_bucket.server.request("PUT", f"/{s3_bucket.name}", query={"cors": ""}, body=rule)
    address = galleries(
        "--database", postgres.url("asyncpg"), "--storage", f"{s3_bucket.url}gallery/", options=s3_bucket.options
    )
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    page.on("request", note)
    await page.goto(address)
    await add(page, samples.picture(tmp_path / "sunset.png", (250, 120, 40)))
    await add(page, clip)
    uploads = [request.url for request in sent if request.method == "PUT"]
    assert uploads
    assert all(url.startswith(s3_bucket.server.endpoint) for url in uploads)
    shown = page.get_by_role("img", name="sunset.png")
    await page.wait_for_function("image => image.naturalWidth === 320", arg=await shown.element_handle())
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="Download clip.webm").click()
    saved = await (await coming.value).path()
    assert await asyncio.to_thread(saved.read_bytes) == await asyncio.to_thread(clip.read_bytes)
    await page.get_by_role("button", name="Delete clip.webm").click()
    await expect(page.locator("#objects", has_text="clip.webm")).to_have_count(0)
