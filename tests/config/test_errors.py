"""What a configuration that cannot work says, and that it changes nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.backends.base import StorageBackend
from holdfast.config import configure, load
from holdfast.config.forms.declaration import declare
from holdfast.config.forms.described import Described
from holdfast.config.forms.flat import Names, described_by
from holdfast.config.forms.tables import described_in
from holdfast.errors import ConfigurationError, MissingExtraError

GOOD = 'a = "memory://"\n'


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ('uri = "s3://b/"\nregoin = "x"', "'regoin' is not an option of S3; did you mean .*region"),
        ('uri = "s3://b/"\nmax_concurency = 5', "did you mean 'max_concurrency'"),
        ('uri = "s3://b/"\nmax_concurrency = "many"', "max_concurrency must be a whole number from 1, not 'many'"),
        ('uri = "s3://b/"\nchecksum = "md6"', "md6"),
        ('uri = "s3://b/"\nkey_scheme = "{nmae}"', "'nmae'"),
        ('uri = "s3://b/"\nobject_settings = { storage_clas = "x" }', "'storage_class'"),
        ('uri = "s3://b/"\naws_endpoint = "localhost:9000"', "needs a scheme"),
        ('uri = "s3://b/"\naws_endpoint = "http://localhost:9000"', "aws_allow_http"),
        ('uri = "s3://b/"\nlimits = { retry = 5 }', "'retry' is not an option of limits; did you mean 'retries'"),
        ('uri = "s3://b/"\nlimits = { timeout = 0 }', "timeout must be seconds above 0"),
        ('uri = "s3://b/"\nread_only = "maybe"', "read_only='maybe' is neither true nor false"),
        ('uri = "s3://b/"\nbucket = "b"', "uri and bucket say the same thing"),
        ('uri = "s3://b/"\ndriver = "boto"', "driver is 'boto'; there are obstore and fsspec"),
        ('uri = "s3://b/"\noptions = 5', "options must be a table, not int"),
        ('uri = "s3://b/"\nregion = "x"\noptions = { region = "y" }', "'region' is given twice"),
        ('uri = "s4://b/"', "s4"),
        ('uri = "bucket"', "uri needs a scheme"),
        ("uri = 5", "uri must be text, not int"),
        ('type = "s3"', 'type = "s3" needs bucket = "name"'),
        ('type = "azure"', 'needs container = "name"'),
        ('type = "local"\npath = "uploads"', "local disk needs an absolute path"),
        ('region = "x"', "which storage?"),
    ],
)
def test_what_is_wrong_is_said(write, registry, table, complaint):
    """The storage, the file and the option are named, and what comes near; no storage is registered."""
    path = write("storages.toml", f"[storages]\n{GOOD}[storages.docs]\n{table}\n")
    with pytest.raises(ConfigurationError, match=f"storage 'docs' in .*storages.toml: .*{complaint}"):
        configure(path, registry=registry)
    assert registry.all() == {}


def test_all_that_is_wrong_is_said(write):
    """Not one error after the other, but a line for each storage."""
    path = write("storages.toml", '[storages]\na = "s4://b/"\nb = "s3://"\nc = "memory://"\n')
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    first, second = str(caught.value).splitlines()
    assert "storage 'a'" in first
    assert "storage 'b'" in second


def test_the_variable_behind_an_option_is_named(monkeypatch):
    """In the environment it is the variable that has to be corrected."""
    monkeypatch.setenv("ENDPOINT", "localhost:9000")
    with pytest.raises(ConfigurationError, match="aws_endpoint is the environment variable ENDPOINT"):
        load({"storages": {"docs": {"uri": "s3://b/", "aws_endpoint": "${ENDPOINT}"}}})


def test_a_secret_does_not_show(write):
    """Not even where it was taken for something else."""
    path = write("secret", "canary-in-a-file\n")
    with pytest.raises(ConfigurationError) as caught:
        load({"storages": {"docs": {"uri": "s3://b/", "aws_endpoint": {"file": str(path)}}}})
    assert "canary" not in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        load({"storages": {"docs": {"uri": "s3://b/", "regoin": "x", "aws_secret_access_key": "canary"}}})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("storages.toml", "[storages", "storages.toml cannot be read: "),
        ("storages.json", "{", "storages.json cannot be read: "),
        ("storages.yaml", "a: [", "storages.yaml cannot be read: line 1: "),
        ("storages.json", "[1]", "must hold a table, not list"),
        ("storages.json", "[" * 100_000, "nested too deeply"),
        (
            "storages.toml",
            "[storage]\nbackend = []",
            "'backend' is not an option of .storage.; did you mean 'backends'",
        ),
        ("storages.toml", "[[storage.backends]]\ntype='s3'", "storage.backends, number 1 needs a name"),
        ("storages.toml", "[other]", "names no storage"),
        ("pyproject.toml", "tool = 1", "tool must be a table"),
        ("pyproject.toml", "[tool]\nholdfast = 1", "holdfast must be a table"),
        ("pyproject.toml", '[tool.holdfast]\nstorages = "pyproject.toml"', "name the file that holds the storages"),
        ("storages.toml", "storages = 5", "storages must be a table"),
        ("storages.toml", "[storages]\na = 5", "storages.a must be a table"),
        ("storages.ini", "", "is not a path to a .toml, .json, .yaml or .env file"),
        (".env", "A=b", "names no storage"),
        (".env", "PUBLIC_STORAGE_URI=s3://b\nPUBLIC_STORAGE_OPTIONS={", "PUBLIC_STORAGE_OPTIONS is not JSON"),
        (".env", "PUBLIC_STORAGE_URI=s3://b\nPUBLIC_STORAGE_OPTION={}", "did you mean PUBLIC_STORAGE_OPTIONS"),
        (".env", "A_STORAGE_URI=s3://b\nB_STORAGE_URI=s3://b\nB_STORAGE_KEY=a", "two storages of the name 'a'"),
    ],
)
def test_files_that_are_none(write, name, text, complaint):
    """The file is named."""
    with pytest.raises(ConfigurationError, match=complaint):
        load(write(name, text))


def test_a_line_of_yaml_is_not_shown(write):
    """PyYAML quotes the line that it stumbles over, which may hold a secret."""
    with pytest.raises(ConfigurationError) as caught:
        load(write("storages.yaml", "password: 'canary\n  b: }{"))
    assert "canary" not in str(caught.value)


class BytesPath:
    """A path that is bytes, as `os.fspath` may return."""

    def __fspath__(self):
        return b"missing.toml"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("a\0.toml", r"'a\\x00.toml' is not a path"),
        (BytesPath(), "missing.toml cannot be read: No such file"),
        (".envrc", "is not a path"),
    ],
)
def test_names_of_files(name, complaint):
    """Whatever they are, it is an error that says so."""
    with pytest.raises(ConfigurationError, match=complaint):
        load(name)
    with pytest.raises(ConfigurationError, match=r"the file 'a\\x00' cannot be read"):
        load({"storages": {"docs": {"uri": {"file": "a\0"}}}})


def test_a_registry_that_fails(registry):
    """Then none of the storages is registered."""

    def stand_in(storage):
        if storage.key == "b":
            raise RuntimeError("no")
        return storage

    registry._substitute = stand_in
    with pytest.raises(RuntimeError):
        configure({"storages": {"a": "memory://", "b": "memory://"}}, registry=registry)
    assert registry.all() == {}


def test_a_file_that_is_missing(tmp_path):
    """It is named, too."""
    with pytest.raises(ConfigurationError, match=r"missing\.toml cannot be read: No such file or directory"):
        load(tmp_path / "missing.toml")


def test_a_url_is_no_configuration():
    """The message says what a URL is for, without the password in it."""
    with pytest.raises(ConfigurationError, match=r"storages\.register_backend\(\"sftp://…\"") as caught:
        load("sftp://user:canary@host/")
    assert "canary" not in str(caught.value)


def test_a_missing_package(registry):
    """It stays the error that it is, with the command in it."""
    with pytest.raises(MissingExtraError, match=r"storage 'docs' .*pip install"):
        configure({"storages": {"docs": {"fs": "smb"}}}, registry=registry)


NAMES = """
storage storages backends key type uri fs bucket container path prefix driver options checksum max_concurrency
key_scheme object_settings limits read_only cache mirror retries timeout env file secret field default
"""
WORDS = """
s3 gcs azure local memory minio s3://b/ memory:// file:///x gs://b az://c ${X} /abs {id} obstore fsspec
"""
VARIABLES = """
STORAGE_BACKEND S3_BUCKET GCS_BUCKET AZURE_CONTAINER UPLOAD_DIR STORAGE_URI STORAGE_OPTIONS STORAGE_KEY
STORAGE_READ_ONLY A_STORAGE_URI A_STORAGE_OPTIONS A_STORAGE_OBJECT_SETTINGS
AWS_ENDPOINT_URL STORAGE_CHECKSUM A_STORAGE_MAX_CONCURRENCY
"""
names, words, variables = (st.sampled_from(text.split()) for text in (NAMES, WORDS, VARIABLES))
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
tables = st.dictionaries(names, words | junk, max_size=6)


@given(junk | st.fixed_dictionaries({"storages": st.dictionaries(st.text(), tables, max_size=3) | junk}))
def test_any_mapping(data):
    """Whatever stands in a configuration, it is storages or a ConfigurationError."""
    if not isinstance(data, dict):
        return
    try:
        found = load(data)
    except ConfigurationError:
        return
    assert all(isinstance(storage, StorageBackend) for storage in found)


@given(tables)
def test_any_table(table):
    """The pure half knows no other error, either."""
    try:
        for described in described_in({"storages": {"x": table}}, "junk"):
            declare(described)
    except ConfigurationError:
        return


@given(st.dictionaries(variables, words | st.text(max_size=8) | junk.map(lambda value: json.dumps(value, default=str))))
def test_any_environment(values):
    """As above, with single names."""
    try:
        for described in described_by(Names(values, "junk", "the variable")):
            assert isinstance(described, Described)
            declare(described)
    except ConfigurationError:
        return
