"""What errors say of the texts of other libraries: one line with the service's own words."""

import pytest

from holdfast.backends.texts import summary

XML = "<?xml version='1.0'?>\n<Error>\n  <Code>{}</Code><Message>{}</Message><RequestId>17</RequestId></Error>"
JSON = '{{"error": {{"code": 403, "message": "{1}", "errors": [{{"reason": "{0}", "domain": "global"}}]}}}}'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"Error: 403: {XML.format('AccessDenied', 'Not you.')}", "Error: 403: AccessDenied: Not you."),
        (f"Error: 403: {XML.format('A', 'This &amp; that.')}\n\nDebug source: …", "Error: 403: A: This & that."),
        (XML.format("A", "Not you.\nRequestId:1\nTime:2"), "A: Not you."),
        (f"Not you.\nErrorCode:A\nContent: {XML.format('A', 'Not you.')}", "A: Not you."),
        (XML.format("A", ""), "A."),
        ("Error: 500: <Error></Error>", "Error: 500."),
        (f"Error: 403: {JSON.format('forbidden', 'Not you')}", "Error: 403: forbidden: Not you."),
        ('Error: 403: {"error": {"status": "DENIED", "message": "Not you"}}', "Error: 403: DENIED: Not you."),
        (
            'Error: {"error": "invalid_grant", "error_description": "Too old"}\nmore',
            "Error: invalid_grant: Too old.",
        ),
        ('Error: 403: {"error": {"code": 403, "mess', "Error: 403."),
        ('Error: 403: {"error": {"errors": "none", "message": "Not you"}}', "Error: 403: Not you."),
        ("502: <html><head><title>Bad Gateway</title></head>", "502: Bad Gateway."),
        ("502 Bad Gateway: <!DOCTYPE html><TITLE>Bad Gateway</TITLE>", "502 Bad Gateway."),
        ("the first line\nthe second", "the first line."),
        ("", "ValueError."),
    ],
)
def test_the_services_code_and_message(text: str, line: str) -> None:
    """They are taken out of the answer, whatever form it has."""
    assert summary(ValueError(text)) == line


def test_the_cause_says_more() -> None:
    """A library that keeps the message drops the code, which is in the error below."""
    error = ValueError("Not you")
    error.__cause__ = ValueError("An error occurred (AccessDenied) when calling it: Not you")
    assert summary(error) == "An error occurred (AccessDenied) when calling it: Not you."


@pytest.mark.parametrize("text", ["x" * 5000, XML.format("A", "x" * 5000), JSON.format("x" * 5000, "x" * 5000)])
def test_it_stays_short(text: str) -> None:
    """However much a service says."""
    line = summary(ValueError(f"Error {'y' * 5000}: {text}"))
    assert len(line) < 650
    assert line.endswith("…")


@pytest.mark.parametrize("answer", [XML.format("A", "sig=canary"), JSON.format("A", "at http://user:canary@host")])
def test_no_secret_of_the_answer(answer: str) -> None:
    """What the service repeats of a request is looked through as well."""
    assert "canary" not in summary(ValueError(f"Error: {answer}"))


def test_no_half_of_a_secret() -> None:
    """A text is looked through before it is cut."""
    for length in range(250, 320):
        assert "canary" not in summary(ValueError(f"{'x' * length}://user:canary-canary@host"))
        assert "canary" not in summary(ValueError(f"{'x' * length} token=canary-canary"))
