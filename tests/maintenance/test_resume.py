"""An interrupted run goes on from its state file, and its report covers both parts."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from holdfast.errors import ConfigurationError
from holdfast.maintenance import checkpoint, pacing
from tests.maintenance.stacks import key, keys, lay, value

COUNT = 40


class InterruptedError_(BaseException):  # noqa: N801  # it stands for KeyboardInterrupt, which would end the test
    """Somebody pressed Ctrl-C."""


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in pages of ten, and note each of them."""
    for module in ("clearing", "comparing", "rows", "pacing"):
        monkeypatch.setattr(f"holdfast.maintenance.{module}.PAGE", 10)
    monkeypatch.setattr(pacing.pages, "__defaults__", (10,))
    monkeypatch.setattr(checkpoint, "_SECONDS", 0.0)


def interrupt(phase: str, storage: str, at: int):
    """Return a listener for progress that interrupts the run at a certain point."""

    def listen(event) -> None:
        if (event.phase, event.storage) == (phase, storage) and event.done >= at:
            raise InterruptedError_

    return listen


def rows(world, storage, *, broken: int = 0) -> list[str]:
    """Store files with their rows, the first of them with too few bytes."""
    names = sorted(lay(storage, key(), b"12345") for _ in range(COUNT))
    values = [{"number": n, "value": value(name, size=5, checksum=SHA)} for n, name in enumerate(names, 1)]
    with world.engine.begin() as connection:
        connection.execute(text("INSERT INTO item (id, file) VALUES (:number, :value)"), values)
    for name in names[:broken]:
        storage.put(name, b"123")
    return names


SHA = "sha256:5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"


async def test_a_deep_verify_goes_on(world, stacks, cellar, tmp_path: Path) -> None:
    """Files that were read are not read again, and what was found in them is in the final report."""
    names = rows(world, stacks, broken=3)
    lay(cellar, key())
    state = tmp_path / "state.json"
    with pytest.raises(InterruptedError_):
        await world.verify(deep=True, concurrency=5, state=state, progress=interrupt("compare", "stacks", 20))
    assert json.loads(state.read_text())["storages"]["stacks"]["after"] == names[19]
    stacks._plain.calls.clear()
    report = await world.verify(deep=True, state=state)
    assert stacks._plain.calls.count("read") == 20
    assert (report.counts["truncated"], report.counts["hashed"]) == (3, COUNT - 3)
    assert report.storages["stacks"].counts["objects"] == COUNT
    assert sorted(finding.key for finding in report.findings if finding.kind == "truncated") == names[:3]
    assert all(finding.rows for finding in report.findings if finding.kind == "truncated")
    assert not state.exists()
    assert (await world.verify(deep=True)).counts == report.counts


async def test_a_storage_that_was_finished_is_not_looked_at_again(world, stacks, cellar, tmp_path: Path) -> None:
    """The cellar comes first, by its name."""
    rows(world, stacks)
    lay(cellar, key())
    with pytest.raises(InterruptedError_):
        await world.verify(state=tmp_path / "s", progress=interrupt("compare", "stacks", 0))
    cellar._plain.calls.clear()
    report = await world.verify(state=tmp_path / "s")
    assert cellar._plain.calls == []
    assert report.storages["cellar"].counts["unreferenced"] == 1


async def test_a_sweep_goes_on(world, stacks, cellar, tmp_path: Path) -> None:
    """What was deleted before counts, and nothing that a row holds was or is."""
    held = set(rows(world, stacks))
    for _ in range(COUNT):
        lay(stacks, key(3600))
    state = tmp_path / "state.json"
    with pytest.raises(InterruptedError_):
        await world.sweep(state=state, progress=interrupt("delete", "stacks", 20))
    assert len(keys(stacks)) == 2 * COUNT - 20
    report = await world.sweep(state=state)
    assert report.counts["deleted"] == COUNT
    assert "goes on after" in report.notes[0]
    assert keys(stacks) == held
    assert not state.exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"run": 1}', "no json"])
async def test_another_file_is_not_taken_for_a_state(world, stacks, cellar, tmp_path: Path, content: str) -> None:
    """A wrong path must not be overwritten."""
    other = tmp_path / "notes.txt"
    other.write_text(content)
    with pytest.raises(ConfigurationError):
        await world.verify(state=other)
    assert other.read_text() == content


async def test_the_state_of_another_run_is_refused(world, stacks, cellar, tmp_path: Path) -> None:
    """A dry run's progress does not count for one that deletes."""
    rows(world, stacks)
    garbage = [lay(stacks, key(3600)) for _ in range(COUNT)]
    with pytest.raises(InterruptedError_):
        await world.sweep(state=tmp_path / "s", delete=False, progress=interrupt("delete", "stacks", 20))
    with pytest.raises(ConfigurationError, match="other arguments"):
        await world.sweep(state=tmp_path / "s")
    assert set(garbage) <= keys(stacks)


async def test_a_second_chunk_reads_the_rows_again(world, stacks, cellar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates are confirmed in chunks, each by a reading of its own."""
    monkeypatch.setattr("holdfast.maintenance.clearing.CHUNK", 20)
    adopted = max(lay(stacks, key(3600)) for _ in range(COUNT))
    told = []

    def adopt(event) -> None:
        if event.phase == "delete" and not told:
            told.append(event)
            world.insert(1, value(adopted))

    report = await world.sweep(progress=adopt)
    assert keys(stacks) == {adopted}
    assert report.counts["deleted"] == COUNT - 1
