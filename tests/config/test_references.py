"""Values that stand in the environment, in files and in stores of secrets."""

import pytest

from holdfast.config import load
from holdfast.config.forms.declaration import declare
from holdfast.config.forms.described import Described
from holdfast.config.forms.references import Lookups, resolve
from holdfast.errors import ConfigurationError

FILES = {"/run/secrets/key": "from-file\n", "/empty": "\n", "/run/secrets/json": '{"access": "from-json", "number": 5}'}
SECRETS = {"text": "from-store", "fields": {"access": "from-field"}, "bytes": b"from-bytes", "none": None}


def read_file(name):
    """Return a file of these."""
    if name == "/closed":
        raise ConfigurationError(f"the file {name} cannot be read: Permission denied")
    return FILES.get(name)


LOOKUPS = Lookups({"NAME": "from-env", "EMPTY": "", "TRICK": "${NAME}"}, read_file, SECRETS.__getitem__)


def resolved(**table):
    """Return a storage's table with the values in place of the references."""
    return resolve(Described("docs", table, "storages.toml"), LOOKUPS)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("plain", "plain"),
        ("${NAME}", "from-env"),
        ("a-${NAME}-b", "a-from-env-b"),
        ("${NONE}", None),
        ("${EMPTY}", None),
        ("${NONE:-otherwise}", "otherwise"),
        ("${EMPTY:-otherwise}", "otherwise"),
        ("a${NONE:-}b", "ab"),
        ("$NAME", "$NAME"),
        ("$${NAME}", "${NAME}"),
        ("$${NAME} ${NAME}", "${NAME} from-env"),
        ("${TRICK}", "${NAME}"),  # what is found is not searched again
        ({"env": "NAME"}, "from-env"),
        ({"env": "NONE"}, None),
        ({"env": "NONE", "default": 5}, 5),
        ({"file": "/run/secrets/key"}, "from-file"),
        ({"file": "/run/secrets/json", "field": "access"}, "from-json"),
        ({"file": "/missing", "default": 5}, 5),
        ({"file": "/empty", "default": None}, None),
        ({"file": "/run/secrets/json", "field": "other", "default": 5}, 5),
        ({"secret": "none", "default": 5}, 5),
        ({"secret": "text"}, "from-store"),
        ({"secret": "bytes"}, "from-bytes"),
        ({"secret": "fields", "field": "access"}, "from-field"),
        ({"a": ["${NAME}", {"b": {"env": "NAME"}}]}, {"a": ["from-env", {"b": "from-env"}]}),
        (5, 5),
    ],
)
def test_what_a_reference_stands_for(written, found):
    """Text with ``${NAME}`` in it, and tables in place of a value."""
    assert resolved(option=written).table == {"option": found}


def test_a_tag_named_env_is_no_reference():
    """Mappings whose names are the user's hold values, which may be references."""
    tags = {"env": "production", "file": "${NAME}"}
    found = resolved(object_settings={"tags": tags}).table
    assert found == {"object_settings": {"tags": {"env": "production", "file": "from-env"}}}


def test_s3fs_has_an_option_named_secret():
    """As above."""
    assert resolved(options={"key": "a", "secret": {"env": "NAME"}}).table["options"]["secret"] == "from-env"


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("s3://${NONE}/", "option needs the environment variable NONE, which is not set"),
        ("${}", r"write \$\${ for the two characters themselves"),
        ("${NAME", r"write \$\${ for the two characters themselves"),
        ("${A B}", r"write \$\${ for the two characters themselves"),
        ({"env": "NAME", "defalt": "x"}, "'defalt' is not an option of a reference; did you mean 'default'"),
        ({"env": "NAME", "file": "/x"}, "option must hold one reference"),
        ({"env": 5}, "option must hold one reference"),
        ({"file": "/missing"}, "option: the file /missing does not exist, or is empty"),
        ({"file": "/empty"}, "option: the file /empty does not exist, or is empty"),
        ({"file": "/closed", "default": 5}, "option: the file /closed cannot be read: Permission denied"),
        ({"env": "NAME", "field": "other"}, "option: what was found has no field 'other'"),
        ({"secret": "none"}, "option: the secret 'none' does not exist, or is empty"),
        ({"secret": "missing"}, "option: fetching the secret 'missing' failed with KeyError"),
        ({"secret": "fields", "field": "other"}, "option: what was found has no field 'other'"),
        ({"secret": "text", "field": "access"}, "option: what was found has no field 'access'"),
    ],
)
def test_references_that_lead_nowhere(written, complaint):
    """The storage, the option and where it was looked for are named."""
    with pytest.raises(ConfigurationError, match=f"storage 'docs' in storages.toml: .*{complaint}"):
        resolved(option=written)


def test_secrets_without_a_function():
    """The message says what to hand over."""
    described = Described("docs", {"option": {"secret": "text"}}, "storages.toml")
    with pytest.raises(ConfigurationError, match="secrets=fetch"):
        resolve(described, LOOKUPS._replace(secrets=None))


def test_the_text_of_a_failed_fetch_is_not_shown():
    """A client may put what it received into its exceptions: not even the traceback leads to them."""

    def fetch(name):
        raise RuntimeError("can" + "ary")

    with pytest.raises(ConfigurationError, match="failed with RuntimeError") as caught:
        load({"storages": {"docs": {"uri": {"secret": "text"}}}}, secrets=fetch)
    error = caught.value
    while error is not None:
        assert "canary" not in str(error)
        error = error.__cause__ or error.__context__


def test_an_async_function_for_secrets():
    """It is refused; its coroutine is not left behind."""

    async def fetch(name):
        return "text"

    with pytest.raises(ConfigurationError, match="the function for secrets is async"):
        load({"storages": {"docs": {"uri": {"secret": "text"}}}}, secrets=fetch)
    with pytest.raises(ConfigurationError, match="secrets must be a function"):
        load({"storages": {"docs": "memory://"}}, secrets={"text": "x"})


def test_what_a_description_shows():
    """Neither it, nor what it means, nor where references lead shows a secret, in a debugger or a report of errors."""
    found = resolved(uri="s3://b/", aws_secret_access_key="canary")
    assert repr(found) == "<Described 'docs' in storages.toml>"
    assert repr(declare(found)) == "<Declaration 'docs' in storages.toml>"
    assert "from-env" not in repr(LOOKUPS)


def test_where_values_come_from():
    """An error about an option tells the variable or file behind it."""
    found = resolved(region="${NAME}", token={"file": "/run/secrets/key"}, other="x")
    assert found.origins == {"region": "the environment variable NAME", "token": "the file /run/secrets/key"}
    assert str(found.complaint("region is wrong")).endswith("region is wrong (region is the environment variable NAME)")


def test_secrets_are_blotted_out():
    """No message shows what came from a file or a store, nor what is called a secret."""
    found = resolved(region={"file": "/run/secrets/key"}, aws_secret_access_key="canary", password="${NAME}")
    message = str(found.complaint("from-file canary from-env stays"))
    assert message.startswith("storage 'docs' in storages.toml: … … … stays")


def test_secrets_in_plain_text_are_noted():
    """Those that stand in the configuration itself, not those that stand elsewhere."""
    found = resolved(aws_secret_access_key="canary", password="${NAME}", token={"file": "/run/secrets/key"})
    assert found.literal == ("aws_secret_access_key",)


def test_without_end():
    """What is nested without end, or is a list of lists of lists, is refused before it is walked."""
    deep = "x"
    for _ in range(100):
        deep = [deep]
    wide = "x"
    for _ in range(8):
        wide = [wide] * 10
    for value in (deep, wide):
        with pytest.raises(ConfigurationError, match="nested too deeply, or too long"):
            resolved(option=value)
