"""Finding the application, and what is said when it is not found."""

import sys
from textwrap import dedent

import pytest

PLAIN = '[project]\nname = "shop"\n'


def refused(done, text):
    """Check that the command was refused with a sentence, without a traceback."""
    assert done.status == 2, done
    assert text in done.err
    assert "Traceback" not in done.err


def test_the_options_are_enough(shop):
    """Without pyproject.toml, importing the module registers the storages."""
    shop.add()
    shop.write("pyproject.toml", PLAIN)
    models = (shop.folder / "shop/models.py").read_text()
    shop.write("shop/models.py", models + "\nfrom shop.storage import register\nregister()\n")
    for app in ("shop.models:Base", "shop.models:Base.metadata"):
        done = shop.run("verify", "--app", app, "--engine", "shop.db:engine")
        assert (done.status, done.out) == (0, "All is well: 1 file in 1 row, 1 object stored.\n"), done


def test_from_a_folder_below(shop):
    """The section is looked for upwards, and its folder is where modules are, too."""
    shop.add()
    below = shop.folder / "deep" / "er"
    below.mkdir(parents=True)
    (below / "pyproject.toml").write_text(PLAIN)  # it has no section
    done = shop.start([sys.executable, "-m", "holdfast.cli", "verify"], below, {})
    assert done.status == 0, done


def test_several_bases(shop):
    """A list in pyproject.toml; what is given twice counts once."""
    shop.add()
    project = (shop.folder / "pyproject.toml").read_text()
    several = '["shop.models:Base", "shop.models:Document", "shop.more:metadata"]'
    shop.write("pyproject.toml", project.replace('"shop.models:Base"', several))
    shop.write("shop/more.py", "from sqlalchemy import MetaData\nmetadata = MetaData()\n")
    assert shop.run("verify", "--json").json["counts"]["rows"] == 1


def test_an_async_setup(shop):
    """It is awaited."""
    shop.add()
    storage = (shop.folder / "shop/storage.py").read_text()
    shop.write("shop/storage.py", storage.replace("def register", "async def register"))
    assert shop.run("verify").status == 0


SLIPS = [
    (["--app", "shop.models"], "--app 'shop.models' is not of the form module:name"),
    (["--app", "shop.modles:Base"], "--app: there is no module 'shop.modles'"),
    (["--app", "shpo:Base"], "--app: there is no module 'shpo'"),
    (["--app", "shop.models:Bas"], "module 'shop.models' has no 'Bas'; did you mean 'Base'?"),
    (["--app", "shop.models:Base.meta"], "has no 'meta'; did you mean"),
    (["--app", "shop.storage:register"], "is neither a declarative base nor a MetaData but <function"),
    (["--app", "shop.broken:Base"], "--app: importing 'shop.broken' failed: KeyError: 'SECRET_KEY'"),
    (["--app", "shop.broken:Base"], "broken.py, line 2)"),
    (["--app", "shop.lacking:Base"], "--app: importing 'shop.lacking' failed: ModuleNotFoundError: No module"),
    (["--app", "shop.empty:metadata"], "these tables have no file columns"),
    (["--engine", "shop.models:Base"], "--engine 'shop.models:Base' is <"),
    (["--engine", "shop.db:engine", "--database", "sqlite://"], "--engine and --database name two databases"),
    (["--storage", "nowhere"], "no storage is registered under 'nowhere'"),
    (["--storage", "nowhere"], 'setup = "shop.storage:register"'),
    (["--grace", "1 day"], "'1 day' is not a duration such as 90s, 15m, 24h or 7d"),
    (["--concurrency", "0"], "0 is not in the range"),
]


def test_slips(shop):
    """Each is met with a sentence that shows the way."""
    shop.write("shop/broken.py", "import os\nos.environ['SECRET_KEY']\n")
    shop.write("shop/lacking.py", "import not_installed\n")
    shop.write("shop/empty.py", "from sqlalchemy import MetaData\nmetadata = MetaData()\n")
    outcomes = shop.run_each(*(["verify", *arguments] for arguments, _ in SLIPS))
    for done, (_, text) in zip(outcomes, SLIPS, strict=True):
        refused(done, text)


APP = "[tool.holdfast]\napp = 'shop.models:Base'\n"
PROJECTS = [
    (PLAIN, "which application? Give --app module:name"),
    (PLAIN, 'app = "shop.models:Base"'),
    ("[tool.holdfast", "pyproject.toml is not valid TOML"),
    ("[tool.holdfast]\nap = 'shop.models:Base'", "[tool.holdfast] has no setting 'ap'; there is app"),
    ("[tool.holdfast]\napp = 1", "are texts such as app"),
    (APP, "which database? Give --engine module:name"),
    (f"{APP}setup = 'shop.db:engine'", "'shop.db:engine' is not callable"),
    (f"{APP}setup = 'shop.failing:setup'", "setup in pyproject.toml: 'shop.failing:setup' failed: ZeroDivisionError"),
    (f"{APP}setup = 'shop.failing:setup'", "failing.py, line 2)"),
]


def test_slips_in_pyproject(shop):
    """They are named, too."""
    shop.write("shop/failing.py", "def setup():\n    1 / 0\n")
    outcomes = shop.run_each(*([f"pyproject.toml={project}", "verify"] for project, _ in PROJECTS))
    for done, (_, text) in zip(outcomes, PROJECTS, strict=True):
        refused(done, text)


def test_the_version():
    """The one that is installed."""
    import subprocess
    from importlib.metadata import version

    done = subprocess.run(
        [sys.executable, "-m", "holdfast.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"holdfast {version('holdfast')}\n"


@pytest.mark.parametrize("package", ["click", "rich"])
def test_without_the_packages(shop, package):
    """Importing the command names the extra."""
    program = f"import sys; sys.modules[{package!r}] = None; import holdfast.cli"
    done = shop.start([sys.executable, "-c", program], shop.folder, {})
    assert 'MissingExtraError: the command holdfast needs two packages: pip install "holdfast[cli]"' in done.err


def test_models_that_do_not_fit_together(shop):
    """SQLAlchemy's own words are passed on."""
    models = (shop.folder / "shop/models.py").read_text()
    relation = "\n    from sqlalchemy.orm import relationship\n    Document.other = relationship('Nobody')\n"
    shop.write("shop/models.py", models + dedent(relation))
    refused(shop.run("verify"), "error: the models do not fit together: ")
