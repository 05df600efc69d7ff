"""``holdfast check``: what it says, and its status."""

import json

import pytest

GOOD = """
[storages]
scratch = "memory://"
docs = { type = "local", path = "{folder}" }
"""
WRONG = """
[storages]
scratch = "memory://"
plain = { uri = "s3://b/", endpoint = "http://127.0.0.1:9", secret_access_key = "canary" }
"""


@pytest.fixture
def storages(shop):
    """Write a configuration beside the application."""
    shop.write("good.toml", GOOD.replace("{folder}", str(shop.folder / "other")))
    shop.write("wrong.toml", WRONG)
    shop.write("broken.toml", "[storages")
    shop.write("shop/secrets.py", "def fetch(name):\n    return {'address': 'memory://'}\n")
    shop.write("secret.toml", '[storages.docs]\nuri = { secret = "docs", field = "address" }\n')
    return shop


def test_what_it_says(storages):
    """A table, a line for what each lacks, and a verdict; the status says it again."""
    good, wrong, broken, app, secret, both = storages.run_each(
        ["check", "good.toml"],
        ["check", "wrong.toml"],
        ["check", "broken.toml"],
        ["check", "--json"],
        ["check", "secret.toml", "--secrets", "shop.secrets:fetch"],
        ["check", "good.toml", "--environment"],
    )
    assert good.status == 0, good
    lines = [line.split() for line in good.out.splitlines()]
    header = "storage put stat read range list sign upload create copy delete"
    assert lines[0] == header.split()
    assert lines[1] == ["scratch", "ok", "ok", "ok", "ok", "ok", "-", "-", "ok", "ok", "ok"]
    assert lines[2][0] == "docs"
    assert "scratch lacks: sign, upload, versions" in good.out
    assert good.out.splitlines()[-1] == "All is well: 2 storages tried."
    assert good.err == ""

    assert wrong.status == 1, wrong
    assert "plain: configuration: storage 'plain' in wrong.toml: endpoint=\"http://127.0.0.1:9\"" in wrong.out.replace(
        "aws_endpoint", "endpoint"
    )
    assert "secret_access_key stands in the configuration in plain text" in wrong.out
    assert wrong.out.splitlines()[-1] == "1 of 2 storages does not work."
    assert "canary" not in wrong.out + wrong.err

    assert broken.status == 2
    assert "error: broken.toml cannot be read" in broken.err

    assert app.status == 0, app
    assert app.json["storages"].keys() == {"docs"}
    assert (app.json["command"], app.json["ok"]) == ("check", True)
    assert secret.status == 0, secret
    assert both.status == 2
    assert "give one of them" in both.err
    assert [path.name for path in (storages.folder / "other").rglob("*") if path.is_file()] == []


def test_no_time(storages):
    """Nothing is tried in no time, and what was not tried is not well."""
    (none,) = storages.run_each(["check", "good.toml", "--timeout", "0s"])
    assert none.status == 2
    assert "timeout must be seconds above 0" in none.err


def test_the_environment(shop):
    """Storages that variables describe, in a process that has no application."""
    done = shop.run("check", "--environment", "--json", SHOP_STORAGE_URI="memory://")
    assert done.status == 0, done
    assert done.json["storages"].keys() == {"shop"}


def test_eighty_columns(storages):
    """The table fits a terminal of the usual width, whatever the names of the storages."""
    table = {"storages": {"documents-of-all-customers-since-2019": "memory://"}}
    storages.write("long.json", json.dumps(table))
    done = storages.run("check", "long.json", COLUMNS="80")
    assert done.status == 0, done
    table = done.out.split("documents-of-all-customers-since-2019 lacks")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table


def test_without_an_application(tmp_path, shop):
    """The message names the ways to say which storages are meant."""
    shop.write("pyproject.toml", "[project]")
    done = shop.run("check")
    assert done.status == 2
    assert "which storages? Give a configuration" in done.err


def test_storages_in_pyproject(shop):
    """``[tool.holdfast]`` may describe the storages itself, or name the file that does, for every command."""
    project = '[tool.holdfast]\napp = "shop.models:Base"\nengine = "shop.db:engine"\n'
    docs = f'docs = {{ uri = "{(shop.folder / "files").as_uri()}" }}\n'
    shop.add()
    shop.write("storages.toml", f"[storages]\n{docs}")
    here, there, other = shop.run_each(
        [f"pyproject.toml={project}[tool.holdfast.storages]\n{docs}", "check", "--json"],
        [f'pyproject.toml={project}storages = "storages.toml"\n', "verify"],
        [f"pyproject.toml={project}storages = 5\n", "verify"],
    )
    assert (here.status, list(here.json["storages"])) == (0, ["docs"]), here
    assert there.status == 0, there
    assert other.status == 2
    assert "storages must be a table" in other.err
