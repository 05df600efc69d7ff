"""Which libraries are imported where: none but the core ones at start, each other one in its own module."""

import json
import subprocess
import sys
from pathlib import Path

from tests.architecture.source_tree import SOURCE, imports, modules
from tests.architecture.test_layers import write_tree

# A library is imported in modules that bear its name, such as drivers/obstore/, and in these or below them.
HOMES = {
    "aiohttp": ("holdfast.drivers.fsspec.gcsfs", "holdfast.drivers.fsspec.web"),
    "azure": ("holdfast.drivers.fsspec.adlfs",),
    "blake3": ("holdfast.checksums",),
    "click": ("holdfast.cli",),
    "cryptography": ("holdfast.drivers.gcs",),
    "httpx": ("holdfast.drivers.fsspec.web",),  # webdav4's
    "obstore": ("holdfast.testing.stand_ins",),
    "pydantic_core": ("holdfast.file_schema",),
    "pylibmagic": ("holdfast.inspection.magic",),
    "pytest": ("holdfast.testing",),
    "rich": ("holdfast.cli",),
    "starlette": ("holdfast.contrib.fastapi",),  # which is made of it
    "yarl": ("holdfast.drivers.fsspec.gcsfs", "holdfast.drivers.fsspec.web"),
}
# SQLAlchemy has a test of its own, with the layers; it brings typing_extensions.
EVERYWHERE = {"holdfast", "sqlalchemy", "typing_extensions"} | sys.stdlib_module_names

# What `import holdfast` loads on top of its two dependencies, by top-level name.
ADDED = """
import json, sys
import sqlalchemy.orm, sqlalchemy.ext.mutable, sqlalchemy.dialects.postgresql, obstore.store
before = {name.partition(".")[0] for name in sys.modules}
import holdfast
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} - before - sys.stdlib_module_names)))
"""

# What it leaves to whoever needs it; nor does it compile a pattern, since most programs use few of them.
LATE = {
    *("hmac", "mimetypes", "queue", "unicodedata", "sqlalchemy.ext.compiler"),
    *("holdfast.admission", "holdfast.disposition", "holdfast.rules", "holdfast.saving"),
    *("holdfast.signed_urls", "holdfast.tokens"),
    *(module for module in modules() if module.startswith("holdfast.inspection.")),
    *(module for module in modules() if module.startswith(("holdfast.backends.", "holdfast.orm."))),
} - {f"holdfast.orm.{module}" for module in ("column", "filelist", "refusal")}
NEEDED = """
import json, re, sys
import sqlalchemy.orm
def refuse(text, flags=0):
    raise AssertionError(f"{text!r} is compiled at import: make it a late_pattern")
re.compile = refuse
before = set(sys.modules)
import holdfast
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def strays(root: Path = SOURCE) -> list[str]:
    """Return a sentence for each library that is imported outside its module."""
    known = modules(root)
    return [
        f"{module} imports {library}"
        for module in known
        for library in sorted({target.partition(".")[0] for target in imports(module, known)} - EVERYWHERE)
        if not is_home(module, library)
    ]


def is_home(module: str, library: str) -> bool:
    """Return whether a part of the module's path begins with the library's name, or the table says so."""
    if any(part == library or part.startswith(f"{library}_") for part in module.split(".")):
        return True
    return any(f"{module}.".startswith(f"{home}.") for home in HOMES.get(library, ()))


def test_import_holdfast_loads_the_core_only() -> None:
    """No optional library is loaded before it is used."""
    answer = subprocess.run([sys.executable, "-c", ADDED], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == ["holdfast"]


def test_import_holdfast_loads_what_every_program_needs() -> None:
    """What only some programs use, or only later, is loaded by its first use; no pattern is compiled before that."""
    answer = subprocess.run([sys.executable, "-c", NEEDED], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert LATE.isdisjoint(json.loads(answer.stdout)), "import it inside the function that needs it"


def test_each_library_has_one_home() -> None:
    """A library is imported in the module that bears its name, so that one file knows it."""
    assert strays() == [], f"move the import, or give the library a home in HOMES, in {__file__}"


def test_a_stray_import_is_caught(tmp_path: Path) -> None:
    """The same import is fine in the library's module and found elsewhere, even inside a function."""
    late = "def f():\n    import fsspec.asyn"
    good = {"drivers/fsspec.py": late, "drivers/fsspec_pool.py": late, "checksums.py": "import blake3"}
    assert strays(write_tree(tmp_path / "good", good)) == []
    assert strays(write_tree(tmp_path / "bad", good | {"keys.py": late})) == ["holdfast.keys imports fsspec"]
