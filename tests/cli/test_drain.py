"""``holdfast drain``."""


def test_files_that_wait(shop):
    """They go, and the outbox is empty."""
    key = shop.add()
    shop.drop(key)
    done = shop.run("drain")
    assert (done.status, done.out, shop.keys()) == (0, "1 file deleted.\n", []), done
    done = shop.run("drain")
    assert (done.status, done.out) == (0, "Nothing to delete.\n")


def test_a_file_that_a_row_holds_again(shop):
    """It stays, and its entry goes."""
    key = shop.add()
    shop.note(key)
    done = shop.run("drain", "--json")
    assert done.json == {"command": "drain", "status": 0, "deleted": 0, "waiting": 0}, done
    assert shop.keys() == [key]


def test_files_that_go_on_waiting(shop):
    """Status 1, and the log says why."""
    shop.note("2026/11/21/x", backend="elsewhere")
    done = shop.run("drain")
    assert done.status == 1
    assert done.out.splitlines() == ["Nothing to delete.", "1 entry of the outbox still wait: see the log."]
    assert "warning: storage 'elsewhere' is not registered" in done.err


def test_files_that_cannot_be_deleted(shop):
    """Status 1, and each is told once, with the reason."""
    shop.drop(shop.add())
    shop.write(
        "shop/storage.py",
        """
        from pathlib import Path
        from holdfast import StorageBackend, storages
        from holdfast.drivers.local import LocalDriver

        class Stubborn(LocalDriver):
            def delete(self, keys):
                raise PermissionError(13, "not here")

        def register():
            storages.register_backend(StorageBackend("docs", Stubborn(Path(__file__).parent.parent / "files")))
        """,
    )
    done = shop.run("drain")
    assert (done.status, done.err.count("not here")) == (1, 1), done


def test_no_outbox(shop):
    """The error shows how to declare one."""
    models = (shop.folder / "shop/models.py").read_text()
    shop.write("shop/models.py", models.replace("outbox = Outbox(Base)", ""))
    done = shop.run("drain")
    assert done.status == 2
    assert "Outbox(Base.metadata)" in done.err
