"""The same trouble is the same error on every service and driver, and its text says what, where and what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from holdfast import StorageBackend, errors
from holdfast.backends.wrappers import ReadOnlyBackend
from holdfast.backends.wrapping import ADVICE
from holdfast.errors import StorageError
from tests.errors.answering import answering, silent
from tests.errors.places import PATIENCE, STORAGE, Place, Service
from tests.errors.services import SERVICES, close
from tests.servers.ports import HOST, free_port

KEY = "folder/no-such-object"
OPERATIONS: dict[str, Callable[[StorageBackend], Any]] = {
    "read": lambda storage: storage.read(KEY),
    "put": lambda storage: storage.put(KEY, b"x"),
    "list": lambda storage: list(storage.list()),
    "delete": lambda storage: storage.delete(KEY),
    "stat": lambda storage: storage.stat(KEY),
}


ASYNC: dict[str, Callable[[StorageBackend], Any]] = {
    "read": lambda storage: storage.read_async(KEY),
    "put": lambda storage: storage.put_async(KEY, b"x"),
}


class Trouble(NamedTuple):
    """A row of the table.

    Attributes:
        expected: What all services raise.
        at: Makes the trouble; gives the place to open.
        operations: Those that fail.
    """

    expected: type[StorageError]
    at: Callable[[Service, Place], Any]
    operations: tuple[str, ...] = ("read", "put", "list", "delete", "stat")


@contextmanager
def wrong_secret(service: Service, place: Place) -> Iterator[Place]:
    """A secret that is not the user's."""
    if service.wrong is None:
        with words("wrong secret")(service, place) as found:
            yield found
    else:
        yield place._replace(secret=service.wrong[1])


@contextmanager
def unknown_user(service: Service, place: Place) -> Iterator[Place]:
    """A user that the service does not know."""
    if service.wrong is None:
        with words("unknown user")(service, place) as found:
            yield found
    else:
        yield place._replace(user=service.wrong[0], secret=service.wrong[1])


@contextmanager
def missing_bucket(service: Service, place: Place) -> Iterator[Place]:
    """A bucket that does not exist."""
    if "missing bucket" in service.words:
        with words("missing bucket")(service, place) as found:
            yield found
    else:
        yield place._replace(bucket=service.missing)


@contextmanager
def as_it_is(_: Service, place: Place) -> Iterator[Place]:
    """No trouble with the place."""
    yield place


@contextmanager
def refused(_: Service, place: Place) -> Iterator[Place]:
    """A port where nobody listens."""
    yield place._replace(address=f"http://{HOST}:{free_port()}")


@contextmanager
def unknown_host(_: Service, place: Place) -> Iterator[Place]:
    """A name that no name server knows (RFC 6761 §6.4)."""
    yield place._replace(address="http://nowhere.invalid:9000")


@contextmanager
def never_answers(_: Service, place: Place) -> Iterator[Place]:
    """A server that accepts the connection and then is silent."""
    with silent() as address:
        yield place._replace(address=address, patience=PATIENCE)


def words(trouble: str) -> Callable[[Service, Place], Any]:
    """Return what has a service answer as the real one does in a certain trouble."""

    @contextmanager
    def at(service: Service, place: Place) -> Iterator[Place]:
        with answering(*service.words[trouble][:3]) as address:
            yield place._replace(address=address)

    return at


WORDED = ("expired token", "no permission", "precondition", "slow down", "too many requests", "out of order")

TABLE = {
    "wrong secret": Trouble(errors.AuthenticationError, wrong_secret),
    "unknown user": Trouble(errors.AuthenticationError, unknown_user),
    "expired token": Trouble(errors.AuthenticationError, words("expired token")),
    "no permission": Trouble(errors.AccessDeniedError, words("no permission")),
    "missing bucket": Trouble(errors.BucketNotFoundError, missing_bucket, ("read", "put", "list", "stat")),
    "missing object": Trouble(errors.NotFoundError, as_it_is, ("read", "stat")),
    "precondition": Trouble(errors.PreconditionFailedError, words("precondition"), ("read", "put")),
    "slow down": Trouble(errors.ThrottledError, words("slow down")),
    "too many requests": Trouble(errors.ThrottledError, words("too many requests")),
    "out of order": Trouble(errors.UnavailableError, words("out of order")),
    "never answers": Trouble(errors.StorageTimeoutError, never_answers),
    "connection refused": Trouble(errors.UnavailableError, refused),
    "unknown host": Trouble(errors.UnavailableError, unknown_host, ("read", "put")),
}


@pytest.fixture
def service(name: str) -> Service:
    """The service of that name."""
    return SERVICES[name]


@pytest.fixture
def place(request: pytest.FixtureRequest, service: Service) -> Place:
    """A fresh bucket on its server."""
    return service.place(request.getfixturevalue(service.fixture))


CASES = [
    pytest.param(name, trouble, id=f"{name}: {trouble}")
    for name, each in SERVICES.items()
    for trouble in TABLE
    if trouble not in each.spared and (trouble not in WORDED or trouble in each.words)
]


@pytest.mark.parametrize(("name", "trouble"), CASES)
async def test_the_same_trouble_is_the_same_error(service: Service, place: Place, trouble: str) -> None:
    """On every service, through every driver, in every operation, sync and async."""
    row = TABLE[trouble]
    found = {}
    with row.at(service, place) as changed:
        storage = service.open(changed)
        operations = [each for each in row.operations if each in (service.operations or OPERATIONS)]
        for operation in operations:
            found[operation] = raised_by(OPERATIONS[operation], storage)
        first = operations[0]
        try:
            found[f"{first}_async"] = await ASYNC[first](storage)
        except StorageError as error:
            found[f"{first}_async"] = error
        close(storage)
    kinds = {operation: type(error).__name__ for operation, error in found.items()}
    texts = "\n".join(f"{operation}: {error}" for operation, error in found.items())
    assert kinds == dict.fromkeys(found, row.expected.__name__), texts
    told = service.words[trouble].told if trouble in service.words else ()
    for operation, error in found.items():
        check_text(error, operation.removesuffix("_async"))
        if operation != "stat":  # the answer to a HEAD request has no words
            assert all(words in str(error) for words in told), error


@pytest.mark.parametrize("name", [name for name, each in SERVICES.items() if "taken key" not in each.spared])
async def test_a_taken_key(service: Service, place: Place) -> None:
    """It is not replaced, and the error says so."""
    storage = service.open(place)
    storage.put(KEY, b"first")
    with pytest.raises(errors.AlreadyExistsError, match="the key is taken and is not replaced") as caught:
        storage.put(KEY, b"second", if_absent=True)
    assert (caught.value.operation, caught.value.storage, caught.value.path) == ("put", STORAGE, KEY)
    assert storage.read(KEY) == b"first"
    close(storage)


@pytest.mark.parametrize("name", SERVICES)
async def test_read_only(service: Service, place: Place) -> None:
    """What would change something is refused before anything is sent, wherever the files lie."""
    storage = ReadOnlyBackend(STORAGE, service.open(place._replace(address="http://nowhere.invalid:9")))
    for operation in ("put", "delete"):
        error = raised_by(OPERATIONS[operation], storage)
        assert isinstance(error, errors.UnsupportedError)
        assert (error.operation, error.storage, error.path) == (operation, STORAGE, KEY)
    with pytest.raises(errors.UnsupportedError, match="read-only"):
        await storage.put_async(KEY, b"x")


def raised_by(operation: Callable[[StorageBackend], Any], storage: StorageBackend) -> StorageError | None:
    """Return the error of an operation; others than ours pass."""
    try:
        operation(storage)
    except StorageError as error:
        return error
    return None


def check_text(error: StorageError, operation: str) -> None:
    """Compare what an error says of itself with what was done."""
    assert (error.operation, error.storage) == (operation, STORAGE)
    assert error.path == (None if operation == "list" else KEY)
    text = str(error)
    assert repr(STORAGE) in text
    assert operation in text
    assert error.path is None or KEY in text
    assert text.endswith(ADVICE[type(error)])
    assert "\n" not in text
