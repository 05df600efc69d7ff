"""Trying storages out: what is found, and that nothing is left."""

import inspect
import json
import re
import socket
import threading

import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import ReadOnlyBackend
from holdfast.config import check, check_async
from holdfast.config.probing.probe import Probe
from holdfast.config.probing.report import STEPS, StorageCheck
from holdfast.errors import ConfigurationError, UnknownStorageError

KEY = "holdfast-check/"


def outcomes(report, key="docs"):
    """Return how each step of a storage went."""
    return {step.name: step.outcome for step in report.storages[key].steps}


def all_ok(**other):
    """Return the outcomes of a storage that can do everything, with exceptions."""
    return {**dict.fromkeys(STEPS, "ok"), **other}


@pytest.fixture(params=["obstore", "s3fs"])
def s3_storage(request, s3_bucket):
    """A storage on S3, through each driver."""
    if request.param == "obstore":
        options = dict(s3_bucket.obstore)
        return ObstoreBackend("docs", f"s3://{options.pop('bucket')}/", **options)
    options = dict(s3_bucket.s3fs)
    options |= {"username": options.pop("key"), "password": options.pop("secret")}
    return FSSpecBackend("docs", "s3", s3_bucket.name, **options)


def test_s3(s3_storage, s3_bucket):
    """Everything works, signed URLs too, and the bucket is as empty as before."""
    report = check(s3_storage)
    assert outcomes(report) == all_ok()
    assert report.ok
    assert s3_bucket.keys() == []


def test_rclone(rclone_bucket):
    """A server that replaces in spite of the condition is found out."""
    options = dict(rclone_bucket.obstore)
    report = check(ObstoreBackend("docs", f"s3://{options.pop('bucket')}/", **options))
    assert outcomes(report) == all_ok(create="lacks")
    assert report.ok
    (note,) = report.storages["docs"].notes
    assert note.startswith("the service replaces an object although it is told not to")
    assert rclone_bucket.keys() == []


def test_azure(azure_container):
    """As on S3."""
    server = azure_container.server
    storage = ObstoreBackend(
        "docs",
        f"az://{azure_container.name}/",
        account_name=server.account,
        account_key=server.key,
        endpoint=server.endpoint,
        allow_http=True,
    )
    report = check(storage)
    assert outcomes(report) == all_ok(), report.to_dict()
    assert list(storage.list()) == []


def test_local_disk(tmp_path):
    """No signed URLs, which is no failure; and no object is left."""
    storage = ObstoreBackend("docs", f"file://{tmp_path}/")
    report = check(storage)
    assert outcomes(report) == all_ok(sign="lacks", upload="lacks")
    assert report.ok
    assert "metadata" in report.storages["docs"].lacks
    assert list(storage.list()) == []


def test_a_read_only_storage(tmp_path):
    """It is only read: what lies there stays, and nothing is added."""
    inner = ObstoreBackend("docs", f"file://{tmp_path}/")
    inner.put("a.txt", b"bytes")
    report = check(ReadOnlyBackend("docs", inner))
    assert outcomes(report) == {"stat": "ok", "list": "ok", "range": "ok"}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.txt"]


def s3(server, bucket, **other):
    """Return the description of a storage on S3."""
    return {
        "uri": f"s3://{bucket}/",
        "aws_endpoint": server.endpoint,
        "aws_allow_http": True,
        "aws_access_key_id": server.access_key,
        "aws_secret_access_key": server.secret_key,
        **other,
    }


@pytest.mark.parametrize(
    ("bucket", "other", "advice"),
    [
        (None, {"aws_secret_access_key": "canary"}, "Check the credentials"),
        ("missing-bucket", {}, "Check the bucket's name"),
        (None, {"aws_endpoint": "http://127.0.0.1:9", "limits": {"retries": 0}}, "Check the endpoint"),
        (None, {"aws_allow_http": False}, "aws_allow_http"),
    ],
    ids=["credentials", "bucket", "unreachable", "http"],
)
def test_what_to_fix(s3_bucket, bucket, other, advice):
    """Each trouble is told with its cure, once, and without a secret."""
    report = check({"storages": {"docs": s3(s3_bucket.server, bucket or s3_bucket.name, **other), "a": "memory://"}})
    docs = report.storages["docs"]
    assert not report.ok
    assert report.storages["a"].ok
    (failed,) = docs.steps
    assert failed.outcome == "failed"
    assert advice in failed.detail
    text = json.dumps(report.to_dict())
    assert "canary" not in text
    assert s3_bucket.server.secret_key not in text


def test_secrets_in_plain_text(s3_bucket):
    """They are no failure, and are pointed out."""
    report = check({"storages": {"docs": s3(s3_bucket.server, s3_bucket.name)}})
    assert report.ok
    (note,) = report.storages["docs"].notes
    assert note.startswith("aws_secret_access_key stands in the configuration in plain text")


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "soon"])
def test_no_time(timeout):
    """It is refused: nothing would be tried."""
    with pytest.raises(ConfigurationError, match="timeout must be seconds above 0"):
        check({"storages": {"docs": "memory://"}}, timeout=timeout)


def test_time_beyond_all_clocks():
    """As long as can be."""
    assert check({"storages": {"docs": "memory://"}}, timeout=1e300).ok


def test_one_that_hangs():
    """It takes no more than its time, says where something may be left, and the others do not wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        hung = {"uri": "s3://b/", "aws_endpoint": endpoint, "aws_allow_http": True, "access_key_id": "a"}
        hung["aws_secret_access_key"] = "b"
        report = check({"storages": {"docs": hung, "a": "memory://"}}, timeout=0.1)
        assert report.storages["a"].ok
        docs = report.storages["docs"]
        assert docs.steps[0].detail.startswith("no answer within 0.1 s. Check the endpoint")
        assert any(KEY in note and "may be left" in note for note in docs.notes)
        running = [thread for thread in threading.enumerate() if thread.name == "holdfast-check-docs"]
        assert all(thread.daemon for thread in running)


def test_time_that_is_up_between_two_steps(tmp_path):
    """No further step is begun; what was written is deleted all the same."""

    class Slow(ObstoreBackend):
        def put(self, *arguments, **options):
            probe._end = 0.0
            return super().put(*arguments, **options)

    storage = Slow("docs", f"file://{tmp_path}/")
    probe = Probe(storage, StorageCheck("docs"), 30.0)
    probe.run()
    steps = {step.name: step.outcome for step in probe._check.steps}
    assert steps == all_ok(**dict.fromkeys(STEPS[1:-1], "failed"))
    assert not probe._check.ok
    assert re.fullmatch(r"no time left after put, 0\.\d s: raise --timeout", probe._check.steps[1].detail)
    assert list(storage.list()) == []


def test_a_read_only_storage_without_time():
    """That nothing was tried does not mean that all is well."""
    storage = ReadOnlyBackend("docs", ObstoreBackend("docs", "memory://"))
    probe = Probe(storage, StorageCheck("docs"), -1.0)
    probe.run()
    assert not probe._check.ok
    assert probe._check.steps[0].detail == "no time left, 0.0 s: raise --timeout"


async def test_in_async_code(registry):
    """The twin finds the same."""
    storage = registry.register_backend("memory://", key="docs")
    assert outcomes(await check_async(registry)) == outcomes(check(registry)) == outcomes(check(storage))
    assert inspect.iscoroutinefunction(check_async)


def test_only_some(registry):
    """By name; an unknown one is an error that lists the others."""
    registry.register_backend("memory://", key="a")
    registry.register_backend("memory://", key="b")
    assert check(registry, only=["b"]).storages.keys() == {"b"}
    with pytest.raises(UnknownStorageError, match="there is no storage 'c' \\(there are: 'a', 'b'\\)"):
        check(registry, only=["c"])
    with pytest.raises(ConfigurationError, match=re.escape("only=['b']")):
        check(registry, only="b")


def test_what_is_no_configuration():
    """It is an error, not a finding."""
    with pytest.raises(ConfigurationError, match="names no storage"):
        check({"storages": {}})
