"""``holdfast sweep``: dry unless it is told otherwise, and never more than was shown."""

import shlex
import sys

from holdfast.drivers.local.folders import TEMPORARY

OTHER = """
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
    from holdfast import FileObject, StoredObject

    class Base(DeclarativeBase):
        pass

    class Photo(Base):
        __tablename__ = "photo"
        id: Mapped[int] = mapped_column(primary_key=True)
        file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
"""


def test_a_dry_run_and_what_it_says_to_run(shop):
    """It deletes nothing, and shows the command that does; that command deletes what was shown."""
    held, left, more = shop.add(), shop.store("left.txt", b"123"), shop.store("more.txt", b"1234567")
    shop.storage.put("by/hand.txt", b"?")
    done = shop.run("sweep", "--grace", "0s", "--storage", "docs")
    assert done.status == 0, done
    first, *found, alone, dry, command = done.out.splitlines()
    assert first == "docs: 2 objects of no row, 10 bytes"
    assert sorted(line.split()[0] for line in found) == sorted([left, more])
    assert alone == "docs: left alone: 1 not made by Holdfast (--all-keys includes them)"
    assert dry == "Dry run, nothing was deleted. To delete:"
    assert "docs: asking for each once more\n" in done.err
    assert "deleting" not in done.err
    assert len(shop.keys()) == 4

    words = shlex.split(command)
    assert words == ["python", "-m", "holdfast.cli", "sweep", "--grace", "0s", "--storage", "docs", "--delete"]
    done = shop.start([sys.executable, *words[1:]], shop.folder, {})
    assert (done.status, shop.keys()) == (0, sorted([held, "by/hand.txt"])), done
    assert "Done: 2 objects deleted (10 bytes)." in done.out
    assert "docs: deleting\n" in done.err
    done = shop.run("sweep", "--grace", "0s", "--delete")
    assert (done.status, done.out.splitlines()[-1]) == (0, "Nothing to delete among 2 objects.")


def test_nothing_to_do(shop):
    """A line; what is young is left alone."""
    shop.add(), shop.store()
    done = shop.run("sweep")
    assert done.out.splitlines() == [
        "docs: left alone: 2 younger than the grace period",
        "Dry run: there is nothing to delete among 2 objects.",
    ]


def test_the_first_twenty_are_shown(shop):
    """The rest is counted, in objects and bytes."""
    for number in range(23):
        shop.store(f"{number}.txt", b"x" * 1000)
    done = shop.run("sweep", "--grace", "0s")
    assert "docs: 23 objects of no row, 23.0 kB" in done.out
    assert done.out.count("no row holds its 1000 bytes") == 20
    assert "… and 3 more" in done.out


def test_keys_of_others(shop):
    """They go with --all-keys only."""
    shop.storage.put("by/hand.txt", b"?")
    assert shop.run("sweep", "--grace", "0s", "--delete").status == 0
    assert shop.keys() == ["by/hand.txt"]
    assert shop.run("sweep", "--grace", "0s", "--delete", "--all-keys").status == 0
    assert shop.keys() == []


def test_since(shop):
    """A date or a duration; what is older is not looked at."""
    key = shop.store(age=3600.0)
    for since in ("1m", "2999-01-01"):
        done = shop.run("sweep", "--grace", "0s", "--delete", "--since", since)
        assert (shop.keys(), done.status) == ([key], 2 if since > "2" else 0), done
    assert "lies in the future" in done.err
    assert shop.run("sweep", "--grace", "0s", "--delete", "--since", "2020-01-01").status == 0
    assert shop.keys() == []


def test_unfinished_uploads(shop):
    """They are found, and deleted with the rest."""
    shop.add()
    left = shop.folder / "files" / TEMPORARY / "left"
    left.write_bytes(b"half")
    done = shop.run("sweep", "--grace", "0s")
    assert "docs: 1 unfinished upload\n" in done.out, done
    assert f"  {TEMPORARY}/left" in done.out
    assert left.exists()
    done = shop.run("sweep", "--grace", "0s", "--delete")
    assert "Done: 0 objects deleted (0 bytes), 1 unfinished upload cleared." in done.out
    assert not left.exists()


def test_the_outbox_is_drained(shop):
    """What waits there goes, however young; a dry run leaves it."""
    key = shop.add()
    shop.drop(key)
    assert shop.run("sweep").status == 0
    assert shop.keys() == [key]
    done = shop.run("sweep", "--delete")
    assert "outbox: 1 file deleted" in done.out, done
    assert shop.keys() == []


def test_a_shared_storage_is_refused(shop):
    """Until its other tables are given, or the word is given that they hold no files."""
    key = shop.store()
    shop.write("shop/other.py", OTHER)
    shop.write("shop/models.py", (shop.folder / "shop/models.py").read_text() + "\nimport shop.other\n")
    sweep = ("sweep", "--grace", "0s", "--delete")
    done = shop.run(*sweep)
    assert (done.status, done.out, shop.keys()) == (2, "", [key])
    assert "error: files may be held by columns that this sweep was not shown: photo.file ('docs')" in done.err
    assert "(--app once more, --storage, or --shared)" in done.err
    assert shop.run(*sweep, "--shared").status == 0
    assert shop.keys() == []

    with shop.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE photo (id INTEGER PRIMARY KEY, file JSON)")
    shop.store()
    done = shop.run(*sweep, "--app", "shop.models:Base", "--app", "shop.other:Base")
    assert (done.status, shop.keys()) == (0, []), done


def test_json(shop):
    """The report, with command and status."""
    shop.store()
    done = shop.run("sweep", "--grace", "0s", "--json")
    assert (done.json["command"], done.json["status"], done.json["delete"]) == ("sweep", 0, False)
    assert done.json["counts"]["unreferenced"] == 1


def test_something_could_not_be_deleted(shop):
    """Status 1, and the error."""
    shop.store("a.txt")
    shop.write(
        "shop/storage.py",
        """
        from pathlib import Path
        from holdfast import StorageBackend, storages
        from holdfast.drivers.local import LocalDriver

        class Stubborn(LocalDriver):
            def delete(self, keys):
                raise PermissionError(13, "no")

        def register():
            storages.register_backend(StorageBackend("docs", Stubborn(Path(__file__).parent.parent / "files")))
        """,
    )
    done = shop.run("sweep", "--grace", "0s", "--delete")
    assert done.status == 1, done
    assert "docs: 1 object could not be deleted" in done.out
    assert "Not everything could be done: 0 objects deleted" in done.out
    assert "failed" not in done.err  # once is enough


def test_a_password_in_the_command(shop):
    """The command that deletes is shown without it."""
    shop.store()
    url = shop.url.replace("sqlite:///", "sqlite://")  # SQLite takes no password: the connection fails
    done = shop.run("sweep", "--database", url.replace("://", "://me:s3cret@host"))
    assert done.status == 2
    assert "s3cret" not in done.out + done.err
    assert "Traceback" not in done.err
