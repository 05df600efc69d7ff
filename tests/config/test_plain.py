"""Settings objects, whatever their fields hold."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

import pytest
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, RootModel, SecretStr, computed_field, field_serializer
from pydantic_settings import BaseSettings

from holdfast.config import check, load
from holdfast.errors import ConfigurationError


class Kind(Enum):
    """A choice."""

    S3 = "s3"


class Text(StrEnum):
    """A choice that is text."""

    S3 = "s3"


@dataclass
class Chosen:
    """Settings with a choice."""

    STORAGE_BACKEND: Any
    S3_BUCKET: str = "b"


@pytest.mark.parametrize("kind", [Kind.S3, Text.S3])
def test_enumerations(kind):
    """What a member stands for, not its name."""
    assert load(Chosen(kind))[0].native.config["bucket"] == "b"


class Masked(BaseSettings):
    """Settings that may be dumped into a log."""

    storage_backend: str = "s3"
    s3_bucket: str = "b"
    aws_access_key_id: str = "AKIA"
    aws_secret_access_key: SecretStr = Field(SecretStr("canary"), exclude=True)
    aws_session_token: str = "token"

    @field_serializer("aws_session_token")
    def mask(self, value):
        return "****"


def test_fields_that_a_dump_leaves_out_or_masks():
    """They are asked for themselves."""
    config = load(Masked())[0].native.config
    assert (config["secret_access_key"], config["session_token"]) == ("canary", "token")


class Computed(BaseModel):
    """Settings with a field that is made of others, and with fields that no one declared."""

    model_config = ConfigDict(extra="allow")
    bucket_name: str = "b"

    @computed_field
    @property
    def storage_uri(self) -> str:
        return f"s3://{self.bucket_name}/"


def test_computed_and_additional_fields():
    """They are fields, too."""
    (storage,) = load(Computed(storage_options={"region": "eu-central-1"}))
    assert (storage.native.config["bucket"], storage.native.config["region"]) == ("b", "eu-central-1")


@dataclass
class Table:
    """One storage."""

    uri: Any
    aws_region: str = "eu-central-1"


class Model(BaseModel):
    """One storage."""

    uri: AnyUrl
    aws_region: str = "eu-central-1"


@dataclass
class Many:
    """Several storages."""

    storages: Any = field(default_factory=dict)


class Root(RootModel[dict[str, dict[str, Model]]]):
    """All of it."""


@pytest.mark.parametrize(
    "settings",
    [
        Many({"docs": Table("s3://bucket/")}),
        Many({"docs": Model(uri="s3://bucket/")}),
        {"storages": {"docs": Table("s3://bucket/")}},
        Root({"storages": {"docs": Model(uri="s3://bucket/")}}),
    ],
)
def test_classes_within_classes(settings):
    """A table may be a class of its own."""
    config = load(settings)[0].native.config
    assert (config["bucket"], config["region"]) == ("bucket", "eu-central-1")


def test_secrets_of_pydantic_in_a_mapping():
    """They are taken as they are, do not show, and do not count as written down."""
    table = {"uri": "s3://b/", "access_key_id": "a", "aws_secret_access_key": SecretStr("canary-${X}")}
    (storage,) = load({"storages": {"docs": table}})
    assert storage.native.config["secret_access_key"] == "canary-${X}"
    with pytest.raises(ConfigurationError) as caught:
        load({"storages": {"docs": {**table, "max_concurrency": SecretStr("canary")}}})
    assert "canary" not in str(caught.value)
    report = check({"storages": {"docs": {**table, "aws_endpoint": "http://127.0.0.1:9"}}})
    assert report.storages["docs"].notes == []


def test_paths(tmp_path):
    """They are text."""
    assert str(load({"storages": {"docs": {"type": "local", "path": tmp_path}}})[0].native) == str(tmp_path)


@pytest.mark.parametrize("value", [object(), 5, [Path("/x")]])
def test_what_is_no_text(value):
    """It is refused, not turned into some text."""
    with pytest.raises(ConfigurationError, match="uri must be text, not"):
        load({"storages": {"docs": {"uri": value}}})


def test_what_holds_itself():
    """It ends, and is an error."""
    table: dict[str, Any] = {"uri": "memory://"}
    table["options"] = {"table": table}
    with pytest.raises(ConfigurationError):
        load({"storages": {"docs": table}})
    with pytest.raises(ConfigurationError):
        load(Many({"docs": table}))
