"""What a file column accepts: sizes, types, and the application's own rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

from holdfast import inspection
from holdfast.errors import ConfigurationError, FileRejectedError


class Candidate(NamedTuple):
    """A file that wants to be accepted, as far as it is known.

    Attributes:
        filename: What a person called it.
        content_type: For a validator the type that the row would record; empty before that is known.
        size: Bytes, None while that is not known.
        head: Its first bytes, `holdfast.inspection.HEAD_SIZE` of them if it has that many.
    """

    filename: str
    content_type: str
    size: int | None
    head: bytes


Validator: TypeAlias = Callable[[Candidate], str | None]
"""A rule of the application's: returns why a file is refused, or None."""

Sniffer: TypeAlias = Callable[[bytes], str | None]
"""Tells a media type from first bytes, None if it knows nothing of them."""

_FORM = 'StoredObject(backend="…", max_size=10_000_000, accept=["image/*", "application/pdf"])'


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one column.

    Attributes:
        max_size: Bytes of one file.
        accept: Media types: ``image/png``, or ``image/*`` for all images but SVG, or ``*/*``. A wildcard of one kind
            admits nothing that a browser may run (HTML, SVG and other XML, JavaScript), nor what only says that it is
            of that kind: name such types.
        validators: Rules of the application's, asked last.
        field: Name of the attribute, for errors.
        sniff: Tells the type from the first bytes.

    Raises:
        ConfigurationError: A rule is no rule; the message shows the right form.

    Example:
        >>> rules = Rules(accept=("image/*",))
        >>> rules.accepted_type(Candidate("cat.gif", "", None, b"GIF89a..."), "image/gif")
        'image/gif'
        >>> rules.accepted_type(Candidate("cat.php", "", None, b"GIF89a..."), "image/gif")
        Traceback (most recent call last):
        holdfast.errors.FileRejectedError: the content of 'cat.php' is image/gif, which does not go with its name
    """

    max_size: int | None = None
    accept: tuple[str, ...] = ()
    validators: tuple[Validator, ...] = ()
    field: str | None = None
    sniff: Sniffer = inspection.sniff

    @classmethod
    def of(
        cls,
        max_size: int | None = None,
        accept: Sequence[str] | None = None,
        validators: Sequence[Validator] | None = None,
        sniff: Sniffer | None = None,
    ) -> Rules:
        """Return the rules that were written down, or left out."""
        if accept is not None and not accept:
            raise _misconfigured('accept is empty: leave it out, or write ["*/*"] for all types')
        return cls(
            max_size,
            () if accept is None else tuple(_patterns(accept)),
            () if validators is None else _callables(validators),
            sniff=inspection.sniff if sniff is None else sniff,
        )

    def __post_init__(self) -> None:
        if self.max_size is not None and (type(self.max_size) is not int or self.max_size < 0):
            raise _misconfigured(f"max_size is a whole number of bytes, not {self.max_size!r}")
        object.__setattr__(self, "accept", _patterns(self.accept))
        object.__setattr__(self, "validators", _callables(self.validators))
        if not callable(self.sniff):
            raise _misconfigured(f"sniff is a function of the first bytes, not {self.sniff!r}")

    def __bool__(self) -> bool:
        return self.max_size is not None or self.reads_content

    @property
    def reads_content(self) -> bool:
        """Whether the first bytes of a file matter."""
        return bool(self.accept or self.validators)

    @property
    def is_quick(self) -> bool:
        """Whether a look at the first bytes takes microseconds; it may be anything if others' code does it."""
        return self.sniff is inspection.sniff and not self.validators

    def named(self, field: str) -> Rules:
        """Return the same rules, with the name of an attribute for errors."""
        return replace(self, field=field)

    def check_size(self, size: int, filename: str | None = None) -> None:
        """Refuse a file that is too large.

        Raises:
            FileRejectedError: It is.
        """
        if self.max_size is not None and size > self.max_size:
            message = f"the file {filename or ''!r} is larger than {self.max_size} bytes"
            raise self._refusal(message, "too_large", filename, self.max_size, size)

    def check_declared(self, filename: str, content_type: str | None, size: int | None) -> str:
        """Refuse what can be refused before there is any content, as for an upload ticket.

        Args:
            filename: What the client calls the file.
            content_type: What it says its type is.
            size: What it says its size is.

        Returns:
            The type as far as can be told now; `accepted_type` has the last word.

        Raises:
            FileRejectedError: The file would be refused whatever is in it.
        """
        if size is not None:
            self.check_size(size, filename)
        if not self.accept:
            return _as_declared(content_type, filename)
        from holdfast.inspection.agreement import claimed  # noqa: PLC0415  # for rules on types only
        from holdfast.inspection.media_types import UNKNOWN, normal  # noqa: PLC0415  # for rules on types only
        from holdfast.inspection.patterns import admits, admits_some  # noqa: PLC0415  # for rules on types only

        claim = claimed(content_type, filename)
        if claim is None:
            message = f"the type {normal(content_type)} does not go with the name {filename!r}"
            raise self._refusal(message, "type_mismatch", filename, self.accept, normal(content_type))
        # The bytes may show that the zip archive is a DOCX.
        if claim != UNKNOWN and not admits(self.accept, claim) and not admits_some(self.accept, claim):
            raise self._not_accepted(filename, claim)
        return claim

    def accepted_type(self, candidate: Candidate, declared: str | None = None) -> str:
        """Apply all rules to a file.

        Args:
            candidate: The file. Its `content_type` counts for nothing: the bytes are looked at.
            declared: Type that a client or the application claims. Case and parameters are ignored.

        Returns:
            The type for the row. With `accept` it is the one that the bytes, the claim and the extension agree on;
            without, it is the declared one, or what the name suggests.

        Raises:
            FileRejectedError: ``too_large``, ``type_mismatch``, ``type_not_accepted``, or ``invalid`` from a validator.
        """
        if candidate.size is not None:
            self.check_size(candidate.size, candidate.filename)
        kind = self._found(candidate, declared) if self.accept else _as_declared(declared, candidate.filename)
        candidate = candidate._replace(content_type=kind)
        for validator in self.validators:
            reason = validator(candidate)
            if reason is not None:
                raise self._refusal(reason, "invalid", candidate.filename, None, None)
        return kind

    def _found(self, candidate: Candidate, declared: str | None) -> str:
        from holdfast.inspection.agreement import agreed, is_shown  # noqa: PLC0415  # for rules on types only
        from holdfast.inspection.media_types import UNKNOWN, normal  # noqa: PLC0415  # for rules on types only
        from holdfast.inspection.patterns import admits  # noqa: PLC0415  # for rules on types only

        sniffed = self.sniff(candidate.head)
        kind = agreed(sniffed, declared, candidate.filename)
        if kind is None:
            name, found = candidate.filename, sniffed or UNKNOWN
            by_name = agreed(sniffed, None, name) is None
            against = "which does not go with its name" if by_name else f"which was declared as {normal(declared)}"
            message = f"the content of {name!r} is {found}, {against}"
            raise self._refusal(message, "type_mismatch", name, self.accept, found)
        shown = is_shown(kind, sniffed)
        if not admits(self.accept, kind, is_shown=shown):
            raise self._not_accepted(candidate.filename, kind if shown else sniffed or UNKNOWN)
        return kind

    def _not_accepted(self, filename: str, kind: str) -> FileRejectedError:
        message = f"the file {filename!r} is {kind}, and only {', '.join(self.accept)} is accepted"
        return self._refusal(message, "type_not_accepted", filename, self.accept, kind)

    def _refusal(self, message: str, code: str, filename: str | None, limit: Any, found: Any) -> FileRejectedError:
        limit = list(limit) if isinstance(limit, tuple) else limit
        return FileRejectedError(message, code=code, field=self.field, filename=filename, limit=limit, found=found)


def _as_declared(declared: str | None, filename: str) -> str:
    if declared:
        return declared
    from holdfast.inspection.extensions import guessed_type  # noqa: PLC0415  # where nothing was declared only

    return guessed_type(filename)


def _patterns(accept: Any) -> tuple[str, ...]:
    if isinstance(accept, str) or not isinstance(accept, Sequence):
        raise _misconfigured(f"accept is a list of media types, not {accept!r}")
    patterns = tuple(each.strip().lower() if isinstance(each, str) else each for each in accept)
    if not patterns:
        return ()
    from holdfast.inspection.patterns import is_pattern  # noqa: PLC0415  # for rules on types only

    for each, given in zip(patterns, accept, strict=True):
        if not isinstance(each, str) or not is_pattern(each):
            raise _misconfigured(f"accept holds {given!r}, which is no media type")
    return patterns


def _callables(validators: Any) -> tuple[Validator, ...]:
    if not isinstance(validators, Sequence) or not all(map(callable, validators)):
        raise _misconfigured(f"validators is a list of functions, not {validators!r}")
    try:
        hash(tuple(validators))
    except TypeError:
        raise _misconfigured("validators holds one without a hash, which SQLAlchemy needs") from None
    return tuple(validators)


def _misconfigured(problem: str) -> ConfigurationError:
    return ConfigurationError(f"{problem}. Write {_FORM}.")


NO_RULES = Rules()
