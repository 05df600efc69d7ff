"""Settings of objects: what is taken, what is refused, what goes over what."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import FileObject, StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.abilities import Abilities
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ConfigurationError
from holdfast.object_settings import ObjectSettings

TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=8)
SETTINGS = st.builds(
    ObjectSettings,
    storage_class=st.none() | TEXTS,
    tags=st.dictionaries(TEXTS, TEXTS),
    cache_control=st.none() | TEXTS,
)


class Recording(LocalDriver):
    """Local disk that is told settings and keeps them in mind."""

    abilities = Abilities(settings=frozenset({"storage_class", "tags"}))
    told = ()

    def put_many(self, puts):
        self.told = (*self.told, *(put.options.settings for put in puts))
        return super().put_many(puts)


@given(SETTINGS)
def test_a_mapping_and_back(settings):
    """What says nothing is left out; what says something comes back."""
    assert ObjectSettings.of(settings.to_dict()).to_dict() == settings.to_dict()
    assert set(settings.to_dict()) == settings.given


@given(SETTINGS, SETTINGS)
def test_the_upper_ones_win(upper, lower):
    """A field of the file goes before the storage's; tags are merged."""
    merged = upper.over(lower)
    assert merged.storage_class == ((upper.storage_class or lower.storage_class) or None)
    assert merged.tags == {**lower.tags, **upper.tags}


def test_none_counts_as_not_given():
    """So that an unset environment variable does no harm."""
    assert ObjectSettings.of({"storage_class": None, "tags": None}) == ObjectSettings.of(None) == ObjectSettings()


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"storageclass": "COLD"}, "did you mean 'storage_class'"),
        ({"storage_class": 1}, "storage_class=1 must be printable text"),
        ({"cache_control": "x\r\nX-Evil: 1"}, "printable"),
        ({"tags": ["a"]}, "tags must be a mapping"),
        ({"tags": {"a": "b\n"}}, "printable"),
        ("COLD", "must be a mapping, not str"),
    ],
)
def test_what_cannot_be(value, complaint):
    """A slip of the pen, another type, a second header."""
    with pytest.raises(ConfigurationError, match=complaint):
        ObjectSettings.of(value)


def test_a_storage_without_them_refuses(tmp_path):
    """At once where the storage is declared, and before anything is written where the file is."""
    with pytest.raises(ConfigurationError, match=r"'docs' has no tags among its object_settings \(there are: none\)"):
        ObstoreBackend("docs", tmp_path.as_uri(), object_settings={"tags": {"a": "b"}})
    storage = ObstoreBackend("docs", tmp_path.as_uri())
    with pytest.raises(ConfigurationError, match="has no storage_class"):
        storage.put("x", b"bytes", object_settings={"storage_class": "COLD"})
    assert list(storage.list()) == []


async def test_those_of_the_file_over_those_of_the_storage(tmp_path):
    """By put, by a file that is made with them, by a save; each through both halves."""
    driver = Recording(tmp_path, durable=False)
    storage = StorageBackend("docs", driver, object_settings={"storage_class": "COOL", "tags": {"a": "1"}})
    storage.put("x", b"bytes")
    await storage.put_async("y", b"bytes", object_settings={"storage_class": "COLD"})
    file = FileObject(backend=storage, filename="z", content=b"bytes", object_settings={"tags": {"b": "2"}})
    for twin in (copy.copy(file), pickle.loads(pickle.dumps(file))):
        assert twin.object_settings == file.object_settings
    file.save()
    await file.save_async(b"more", object_settings={"tags": {"a": "3"}})
    assert [(told.storage_class, told.tags) for told in driver.told] == [
        ("COOL", {"a": "1"}),
        ("COLD", {"a": "1"}),
        ("COOL", {"a": "1", "b": "2"}),
        ("COOL", {"a": "3"}),
    ]
