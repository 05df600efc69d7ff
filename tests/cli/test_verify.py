"""``holdfast verify``: what it says, and its status."""

import pytest


def test_all_is_well(shop):
    """One line, and status 0; what phases there were goes to standard error, a line for each."""
    shop.add("a.txt"), shop.add("b.txt")
    done = shop.run("verify")
    assert (done.status, done.out) == (0, "All is well: 2 files in 2 rows, 2 objects stored.\n"), done
    assert done.err.splitlines() == ["docs: listing objects", "reading rows", "docs: comparing"]


def test_a_missing_and_a_truncated_file(shop):
    """Each is named with its row, and the status is 1."""
    missing, cut = shop.add("gone.txt"), shop.add("cut.txt", b"123456")
    shop.storage.delete(missing)
    shop.storage.put(cut, b"123")
    done = shop.run("verify")
    assert done.status == 1, done
    assert done.out.splitlines() == [
        "docs: 1 missing (restore these from a backup, or set the column to NULL)",
        f"  {missing}  there is no such object  in document.file [1]",
        "docs: 1 truncated",
        f"  {cut}  it has 3 bytes, the row says 6  in document.file [2]",
        "2 problems: 2 files in 2 rows, 1 object stored.",
    ]


def test_a_changed_file(shop):
    """Only --deep reads the files; its line holds the beginnings of both checksums."""
    key = shop.add("a.txt", b"right")
    shop.storage.put(key, b"wrong")
    assert shop.run("verify").status == 0
    done = shop.run("verify", "--deep")
    assert done.status == 1
    assert "docs: 1 corrupt\n" in done.out
    assert f"  {key}  the bytes have sha256:8810ad581e59…, expected sha256:" in done.out
    assert "1 problem: 1 file in 1 row, 1 object stored, 1 read (5 bytes)." in done.out


def test_a_sample(shop):
    """A share of the files is read; without --deep there is nothing to sample."""
    for number in range(40):
        shop.add(f"{number}.txt")
    done = shop.run("verify", "--deep", "--sample", "20%", "--json")
    assert 0 < done.json["counts"]["hashed"] < 30
    done = shop.run("verify", "--sample", "20%")
    assert done.status == 2
    assert "--sample goes with --deep" in done.err


def test_files_of_no_row(shop):
    """They are status 3 as soon as they are older than the grace period."""
    shop.add()
    key = shop.store("left.txt")
    assert shop.run("verify").status == 0
    done = shop.run("verify", "--grace", "0s")
    assert done.status == 3
    assert f"docs: 1 unreferenced (holdfast sweep shows what it would delete)\n  {key}" in done.out
    assert "Every row has its file; a sweep is due: 1 file in 1 row, 2 objects stored." in done.out


def test_a_shared_file(shop):
    """Two rows with one file are a problem."""
    shop.add(key=shop.add())
    done = shop.run("verify")
    assert done.status == 1
    assert "docs: 1 shared (" in done.out
    assert "and 1 other" in done.out


def test_many_findings(shop):
    """The first ten are written out, and the rest counted; JSON has all of them."""
    for number in range(12):
        shop.storage.delete(shop.add(f"{number}.txt"))
    done = shop.run("verify")
    assert done.out.count("there is no such object") == 10
    assert "… and 2 more" in done.out
    assert len(shop.run("verify", "--json").json["storages"]["docs"]["findings"]) == 12


def test_json(shop):
    """One document on standard output, whatever the application prints and logs; all else on standard error."""
    shop.storage.delete(shop.add())
    shop.write(
        "shop/storage.py",
        """
        import logging, sys
        from pathlib import Path
        from holdfast import storages
        print("printed on import")
        logging.basicConfig(stream=sys.stdout)

        def register():
            print("printed by setup")
            logging.getLogger("holdfast").warning("logged by setup")
            storages.register_backend((Path(__file__).parent.parent / "files").as_uri(), key="docs")
        """,
    )
    done = shop.run("verify", "--json")
    assert (done.status, done.json["status"], done.json["command"]) == (1, 1, "verify"), done
    assert (done.json["ok"], done.json["counts"]["missing"]) == (False, 1)
    for text in ("printed on import", "printed by setup", "warning: logged by setup"):
        assert text in done.err


def test_an_error_as_json(shop):
    """It is a document, too."""
    done = shop.run("verify", "--json", "--storage", "nowhere")
    assert (done.status, done.json["status"]) == (2, 2)
    assert "'nowhere'" in done.json["error"]
    assert "'nowhere'" in done.err


def test_a_storage_that_is_down(shop):
    """It is named, and the status is 1."""
    shop.add()
    shop.write(
        "shop/storage.py",
        """
        from holdfast import storages

        def register():
            storages.register_backend(
                "s3://bucket/", key="docs", aws_endpoint="http://127.0.0.1:9", aws_allow_http=True,
                aws_access_key_id="k", aws_secret_access_key="s", retry_config={"max_retries": 0},
            )
        """,
    )
    done = shop.run("verify")
    assert done.status == 1, done
    assert "docs: list in storage 'docs' failed" in done.out
    assert "Not everything could be looked at: docs" in done.out
    assert "failed" not in done.err  # once is enough


def test_only_some_storages(shop):
    """--storage leaves the others out."""
    shop.storage.delete(shop.add())
    shop.write("shop/more.py", "from holdfast import storages\nstorages.register_backend('memory://', key='more')\n")
    shop.write("shop/models.py", (shop.folder / "shop/models.py").read_text() + "\nimport shop.more\n")
    assert shop.run("verify", "--storage", "more").status == 0
    assert shop.run("verify", "--storage", "more", "--storage", "docs").status == 1


def test_a_key_that_deceives(shop):
    """What would turn the letters around in a terminal is shown as a sign of its own."""
    shop.storage.put("evil\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe", b"x")
    done = shop.run("verify", "--grace", "0s")
    assert "  evil\ufffdgnp.exe  " in done.out, done


@pytest.mark.parametrize("how", ["work", "setup"])
def test_ctrl_c(shop, how):
    """Status 130, no traceback, and how to go on."""
    for number in range(3):
        shop.add(f"{number}.txt")
    stop = "os.kill(os.getpid(), signal.SIGINT)"
    shop.write(
        "shop/storage.py",
        f"""
        import os, signal
        from pathlib import Path
        from holdfast import StorageBackend, storages
        from holdfast.drivers.local import LocalDriver

        class Stopping(LocalDriver):
            def list(self, prefix, after):
                for info in super().list(prefix, after):
                    {stop}
                    yield info

        def register():
            storages.register_backend(StorageBackend("docs", Stopping(Path(__file__).parent.parent / "files")))
            {stop if how == "setup" else ""}
        """,
    )
    done = shop.run("verify", "--resume", "state.json")
    assert done.status == 130, done
    assert "Interrupted. The same command goes on from state.json." in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert "with --resume FILE" in shop.run("verify").err
