"""What a column accepts: sizes, types, the application's own rules."""

import copy
import pickle

import pytest

from holdfast import inspection
from holdfast.errors import ConfigurationError, FileRejectedError
from holdfast.rules import NO_RULES, Candidate, Rules
from tests.inspection.samples import GIF, HTML, OOXML, PNG, WORD, zipped

IMAGES = Rules(accept=("image/*",), field="photo")
DOCX = f"{OOXML}wordprocessingml.document"


def candidate(name: str, head: bytes = b"", size: int | None = None) -> Candidate:
    """Return a file that nobody has looked at."""
    return Candidate(name, "", size, head)


def refusal(rules: Rules, *args: object) -> FileRejectedError:
    """Return the error that a file meets."""
    with pytest.raises(FileRejectedError) as caught:
        rules.accepted_type(*args)
    return caught.value


def test_a_file_that_keeps_the_rules() -> None:
    """Its type is what all agree on."""
    assert IMAGES.accepted_type(candidate("a.gif", GIF), "image/gif") == "image/gif"
    assert IMAGES.accepted_type(candidate("a", GIF)) == "image/gif"


def test_s7_what_a_candidate_says_of_its_type_is_not_believed() -> None:
    """Only its bytes are."""
    assert refusal(IMAGES, Candidate("a", "image/gif", 3, HTML), None).found == "text/html"
    assert IMAGES.accepted_type(Candidate("a", "text/html", 3, GIF)) == "image/gif"


def test_the_type_that_a_name_suggests() -> None:
    """Names are no URLs."""
    rules = Rules(max_size=1)
    assert rules.accepted_type(candidate("data:text/html,x.png")) == "image/png"
    assert rules.accepted_type(candidate("//[")) == "application/octet-stream"


@pytest.mark.parametrize(
    ("rules", "name", "head", "declared", "code", "found"),
    [
        (IMAGES, "shell.php", GIF, "image/gif", "type_mismatch", "image/gif"),
        (IMAGES, "x.png", HTML, "image/png", "type_mismatch", "text/html"),
        (IMAGES, "x", HTML, None, "type_not_accepted", "text/html"),
        (IMAGES, "x.png", bytes(9), "image/png", "type_mismatch", "application/octet-stream"),
        (IMAGES, "x", bytes(9), None, "type_not_accepted", "application/octet-stream"),
        (IMAGES, "x", bytes(9), "image/x-odd", "type_not_accepted", "application/octet-stream"),
        (IMAGES, "x.xpm", b"/* XPM */", "image/x-xpixmap", "type_not_accepted", "text/plain"),
        (IMAGES, "x", b"", None, "type_not_accepted", "text/plain"),
        (Rules(accept=("*/*",)), "x.png", HTML, "image/png", "type_mismatch", "text/html"),
    ],
)
def test_s11_a_refusal_by_type(  # noqa: PLR0917
    rules: Rules, name: str, head: bytes, declared: str | None, code: str, found: str
) -> None:
    """The error says what was found, and what would be accepted."""
    error = refusal(rules, candidate(name, head), declared)
    assert (error.code, error.found, error.filename, error.field) == (code, found, name, rules.field)
    assert error.limit == list(rules.accept)
    assert name in str(error)
    assert found in str(error)


def test_the_message_names_the_liar() -> None:
    """The name where the name is wrong, the declaration where that is."""
    assert "does not go with its name" in str(refusal(IMAGES, candidate("x.png", GIF), "image/gif"))
    assert "declared as image/png" in str(refusal(IMAGES, candidate("x.gif", GIF), "image/png"))


def test_s9_a_size_that_is_known() -> None:
    """The limit itself is allowed."""
    rules = Rules(max_size=3, field="file")
    assert rules.accepted_type(candidate("a", size=3), "x/y") == "x/y"
    rules.check_size(3)
    error = refusal(rules, candidate("a", size=4))
    assert error.to_dict() == {
        "message": "the file 'a' is larger than 3 bytes",
        "code": "too_large",
        "field": "file",
        "filename": "a",
        "limit": 3,
        "found": 4,
    }
    assert Rules(max_size=0).accepted_type(candidate("a", size=0)) == "application/octet-stream"


def test_without_accepted_types_the_declared_one_stays() -> None:
    """Or what the name suggests, as without any rules."""
    rules = Rules(max_size=100)
    assert not rules.reads_content
    assert rules.accepted_type(candidate("x.png", HTML), "Text/Odd; a=b") == "Text/Odd; a=b"
    assert rules.accepted_type(candidate("x.png", HTML)) == "image/png"
    assert rules.accepted_type(candidate("x", HTML)) == "application/octet-stream"


def test_validators() -> None:
    """They get the file with the type that the row would record, in order, and the first reason counts."""
    seen = []

    def look(found: Candidate) -> str | None:
        seen.append(found)
        return None if found.size else "it is empty"

    rules = Rules(accept=("image/png",), validators=(look, lambda _: "never asked"), field="photo")
    error = refusal(rules, Candidate("a.png", "", 0, PNG), None)
    assert (error.code, error.message, error.field, error.filename) == ("invalid", "it is empty", "photo", "a.png")
    assert seen == [Candidate("a.png", "image/png", 0, PNG)]
    assert rules.reads_content


def test_validators_are_not_asked_about_what_is_refused_already() -> None:
    """They may rely on the type."""
    refusal(Rules(accept=("image/png",), validators=(pytest.fail,)), candidate("a", HTML))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "declared", "size", "kind"),
    [
        ("a.png", "image/png", 10, "image/png"),
        ("a.png", None, None, "image/png"),
        ("a", None, 10, "application/octet-stream"),
        ("a.bin", "application/octet-stream", 10, "application/octet-stream"),
        ("a", "application/zip", 10, "application/zip"),  # the bytes may show a DOCX
    ],
)
def test_s8_what_may_be_accepted_gets_a_ticket(name: str, declared: str | None, size: int | None, kind: str) -> None:
    """Before there are bytes, only what cannot become right is refused."""
    assert Rules(10, ("image/png", DOCX)).check_declared(name, declared, size) == kind


@pytest.mark.parametrize(
    ("name", "declared", "size", "code"),
    [
        ("a.png", "image/png", 11, "too_large"),
        ("a.php", "image/png", 1, "type_mismatch"),
        ("a.php", None, 1, "type_not_accepted"),
        ("a", "text/html", 1, "type_not_accepted"),
        ("a.svg", "image/svg+xml", 1, "type_not_accepted"),
    ],
)
def test_s8_what_cannot_be_accepted_gets_no_ticket(name: str, declared: str | None, size: int, code: str) -> None:
    """By size, by type, or because name and type contradict each other."""
    with pytest.raises(FileRejectedError) as caught:
        Rules(10, ("image/*", DOCX)).check_declared(name, declared, size)
    assert caught.value.code == code


def test_without_accepted_types_any_declaration_will_do() -> None:
    """As at a save."""
    assert Rules(max_size=3).check_declared("a.php", "image/png", 3) == "image/png"
    assert NO_RULES.check_declared("a.php", None, None) is not None


def test_a_docx_may_be_named_as_an_archive() -> None:
    """The bytes have the last word."""
    rules = Rules(accept=(DOCX,))
    assert rules.accepted_type(candidate("a", zipped(*WORD)), "application/zip") == DOCX


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"max_size": -1}, "max_size is a whole number of bytes, not -1"),
        ({"max_size": "5MB"}, "max_size is a whole number of bytes, not '5MB'"),
        ({"max_size": 1.5}, "max_size is a whole number"),
        ({"max_size": True}, "max_size is a whole number"),
        ({"accept": "image/*"}, "accept is a list of media types, not 'image/*'"),
        ({"accept": []}, "accept is empty"),
        ({"accept": ["image/"]}, "'image/', which is no media type"),
        ({"accept": ["image/png", "*.png"]}, "'*.png', which is no media type"),
        ({"accept": [".png"]}, "'.png', which is no media type"),
        ({"accept": ["text/plain; charset=utf-8"]}, "no media type"),
        ({"accept": [None]}, "None, which is no media type"),
        ({"accept": 7}, "accept is a list"),
        ({"validators": len}, "validators is a list of functions"),
        ({"validators": ["x"]}, "validators is a list of functions"),
        ({"sniff": "magic"}, "sniff is a function"),
    ],
)
def test_rules_that_are_none(arguments: dict[str, object], complaint: str) -> None:
    """The error shows the right form."""
    with pytest.raises(ConfigurationError) as caught:
        Rules.of(**arguments)
    assert complaint in str(caught.value)
    assert 'accept=["image/*", "application/pdf"]' in str(caught.value)


def test_a_validator_needs_a_hash() -> None:
    """SQLAlchemy keeps types by what they are made of."""

    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, found: Candidate) -> None: ...

    with pytest.raises(ConfigurationError, match="hash"):
        Rules.of(validators=[Odd()])


def test_rules_are_values() -> None:
    """Equal, hashable, named, and true where there is anything to keep."""
    rules = Rules.of(3, ["IMAGE/PNG "], [len], None)
    assert rules == Rules(3, ("image/png",), (len,)) == copy.copy(rules) == pickle.loads(pickle.dumps(rules))
    assert len({rules, rules.named("x")}) == 2
    assert rules.named("x").field == "x"
    assert bool(rules)
    assert not NO_RULES
    assert not Rules(field="x")
    assert Rules.of() == NO_RULES
    assert rules.sniff is inspection.sniff


@pytest.mark.parametrize(
    ("rules", "expected"),
    [(IMAGES, True), (Rules(3), True), (Rules(validators=(len,)), False), (Rules(sniff=lambda _: None), False)],
)
def test_what_takes_microseconds(rules: Rules, expected: bool) -> None:
    """Only the library's own table is sure to; all else goes into a thread where an event loop runs."""
    assert rules.is_quick is expected
