"""Values that stand elsewhere: in the environment, in a file, in a store of secrets.

``"${NAME}"`` and ``"${NAME:-otherwise}"`` inside any text; ``{ env = "NAME" }``, ``{ file = "/run/secrets/name" }`` and
``{ secret = "name" }`` in place of a value. What is found is taken as it is: it is not searched for references.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.config.forms.fetching import fetch, pick
from holdfast.config.forms.secret_names import is_secret
from holdfast.errors import ConfigurationError
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from holdfast.config.forms.described import Described

_INSIDE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KINDS = ("env", "file", "secret")
_BESIDE = ("default", "field")
_FREE = frozenset({"tags", "headers", "default_headers", "options", "target_options", "client_kwargs"})
"""Mappings whose names are the user's or a service's: a tag `env`, the option `secret` of s3fs."""

_PUBLIC = re.compile(r"|/.*|anon|cloud|cache|browser|google_default")  # tokens of gcsfs, which name where to look
_DEEPEST, _MOST = 16, 10_000


class Lookups(NamedTuple):
    """Where references lead.

    Attributes:
        environment: The variables.
        read_file: Returns the text of a file; None if there is no such file.
        secrets: Returns a secret by its name: text, or a mapping of fields.
    """

    environment: Mapping[str, str]
    read_file: Callable[[str], str | None]
    secrets: Callable[[str], Any] | None = None

    def __repr__(self) -> str:
        """Without the environment, which holds secrets."""
        return f"<{type(self).__name__}>"


def resolve(described: Described, lookups: Lookups) -> Described:
    """Return a description with the values in place of the references.

    Raises:
        ConfigurationError: A reference is malformed, or leads nowhere although a value is needed.
    """
    walk = _Walk(described, lookups)
    table = {name: walk.value(value, (name,)) for name, value in described.table.items()}
    return described._replace(
        table=table,
        origins={**described.origins, **walk.origins},
        secrets=described.secrets | walk.secrets,
        literal=tuple(dict.fromkeys(walk.literal)),
    )


class _Walk:
    def __init__(self, described: Described, lookups: Lookups) -> None:
        self._described, self._lookups = described, lookups
        self._seen = 0
        self.origins: dict[str, str] = {}
        self.secrets: set[str] = set()
        self.literal: list[str] = []

    def value(self, value: Any, path: tuple[str, ...], deeper: int = 0) -> Any:
        """Return a value without references; `path` are the names that lead to it, `deeper` the lists between them."""
        self._seen += 1
        if len(path) + deeper > _DEEPEST or self._seen > _MOST:
            message = f"{path[0]} is nested too deeply, or too long"
            raise self._described.complaint(message)
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, dict):
            for name in value:
                if not isinstance(name, str):
                    raise self._described.complaint(f"{'.'.join(path)} has a name that is no text: {name!r:.40}")
            if value.keys() & set(_KINDS) and path[-1] not in _FREE:
                return self._reference(value, path)
            return {name: self.value(each, (*path, name), deeper) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each, path, deeper + 1) for each in value]
        return value

    def _text(self, text: str, path: tuple[str, ...]) -> str | None:
        if text in self._described.secrets:  # the program says that it is one: it is taken as it is
            return text
        if "${" not in text:
            self._literal(text, path)
        whole = _INSIDE.fullmatch(text)
        if whole is not None and whole[1] is not None:
            return self._variable(whole, path)

        def found(match: re.Match[str]) -> str:
            if match[1] is None:
                return "${"
            value = self._variable(match, path)
            if value is None:
                name = match[1].partition(":-")[0]
                message = f"{path[-1]} needs the environment variable {name}, which is not set"
                raise self._described.complaint(message)
            return value

        return _INSIDE.sub(found, text)

    def _variable(self, match: re.Match[str], path: tuple[str, ...]) -> str | None:
        name, otherwise, default = match[1].partition(":-")
        if not _NAME.fullmatch(name) or not match[0].endswith("}"):
            message = (
                f"{path[-1]} holds ${{, which begins a reference such as ${{NAME}} or ${{NAME:-default}}; "
                "write $${ for the two characters themselves"
            )
            raise self._described.complaint(message)
        self._literal(default, path)
        return self._environment(name, path) or (default if otherwise else None)

    def _environment(self, name: str, path: tuple[str, ...]) -> str | None:
        self.origins[path[-1]] = f"the environment variable {name}"
        value = self._lookups.environment.get(name)
        return self._kept(value, path) if value else None

    def _reference(self, table: Mapping[str, Any], path: tuple[str, ...]) -> Any:
        name = path[-1]
        for each in table:
            self._checked(name, check_name, each, (*_KINDS, *_BESIDE), "a reference")
        kinds = [kind for kind in _KINDS if kind in table]
        target, field, default = table[kinds[0]], table.get("field"), table.get("default")
        if len(kinds) > 1 or not isinstance(target, str) or not target or not isinstance(field, str | None):
            message = f'{name} must hold one reference, such as {{ env = "NAME" }} or {{ file = "/run/secrets/name" }}'
            raise self._described.complaint(message)
        if kinds[0] == "env":
            found: Any = self._environment(target, path)
        elif kinds[0] == "file":
            self.origins[name] = f"the file {target}"
            found = (self._checked(name, self._lookups.read_file, target) or "").rstrip("\r\n")
        else:
            self.origins[name] = f"the secret {target!r}"
            found = self._checked(name, fetch, self._lookups.secrets, target)
        problem = ""
        if found is None or (isinstance(found, str) and not found.strip()):
            problem = "" if kinds[0] == "env" else f"{self.origins[name]} does not exist, or is empty"
            found = None
        elif field is not None:
            found = pick(self._kept(found, path), field)
            problem = f"what was found has no field {field!r}"
        if found is not None:
            return self._kept(found, path)
        self._literal(default, path)
        if problem and "default" not in table:
            raise self._described.complaint(f"{name}: {problem}")
        return default

    def _kept(self, value: Any, path: tuple[str, ...]) -> Any:
        """Take down a secret, so that no message shows it."""
        if is_secret(path) or "variable" not in self.origins[path[-1]]:
            values = value.values() if hasattr(value, "values") else [value]
            self.secrets |= {each for each in values if isinstance(each, str)}
        return value

    def _literal(self, text: Any, path: tuple[str, ...]) -> None:
        """Take down a secret that stands in the configuration itself, be it as a default."""
        if text and isinstance(text, str) and is_secret(path):
            self.secrets.add(text)
            if not _PUBLIC.fullmatch(text):
                self.literal.append(path[-1])

    def _checked(self, name: str, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except ConfigurationError as error:
            raise self._described.complaint(f"{name}: {error}") from None
