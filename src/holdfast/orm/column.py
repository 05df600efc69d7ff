"""The column type that holds files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import JSON, TypeDecorator
from sqlalchemy.sql.operators import json_getitem_op, json_path_getitem_op

from holdfast import rowvalue
from holdfast.errors import ColumnValueError, ConfigurationError, FileStateError, HoldfastError
from holdfast.file import FileObject
from holdfast.orm.filelist import FileList
from holdfast.orm.refusal import refused
from holdfast.registry import named_storage
from holdfast.schemes import KeyScheme, check_scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.operators import OperatorType
    from sqlalchemy.types import TypeEngine

    from holdfast.backends.base import StorageBackend
    from holdfast.rules import Rules, Sniffer, Validator


class _StoredJSON(TypeDecorator[Any]):
    """JSON, on PostgreSQL JSONB; what ``column["size"]`` is."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return JSONB on PostgreSQL, JSON elsewhere."""
        if dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415  # 100 ms that others need not pay

            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(JSON(none_as_null=True))

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> Any:
        """Compare as JSON does."""
        return self.impl_instance.coerce_compared_value(op, value)


class _Comparator(TypeDecorator.Comparator[Any], JSON.Comparator[Any]):
    """The operators of a file column."""

    def operate(self, op: OperatorType, *other: Any, **kwargs: Any) -> Any:
        """Make what is inside a file's JSON plain JSON, and take JSON null for unset."""
        result = super().operate(op, *other, **kwargs)
        if other and other[0] is None:
            from holdfast.orm.json_null import UNSET, unset  # noqa: PLC0415  # it needs SQLAlchemy's compiler extension

            if op in UNSET:
                return unset(self.expr, result, op)
        if op in {json_getitem_op, json_path_getitem_op}:
            result.type = _StoredJSON(none_as_null=True)
        return result


class StoredObject(_StoredJSON):
    """A column of files: JSON in the row (JSONB on PostgreSQL), bytes in a storage. Unset is SQL NULL.

    It works with every `Session` and `AsyncSession` without any set-up: content is uploaded before the row is
    flushed, and files that no row needs are deleted after the commit.

    Args:
        backend: Name of the storage for files that name none.
        multiple: Hold a list of files; changes of the list in place are seen.
        key_scheme: How keys of new files are made, see `holdfast.schemes`; the storage's scheme if left out.
        strict: Refuse files that name another storage.
        max_size: Bytes of one file at most, whatever a client says about its length.
        accept: Media types of its files, such as ``["image/*", "application/pdf"]``. They are told from the bytes, and
            have to agree with the declared type and the extension; ``["*/*"]`` takes all that agree. A wildcard like
            ``image/*`` admits nothing that a browser may run, such as SVG.
        validators: Rules of the application's: functions that get a `holdfast.rules.Candidate` and return why it is
            refused, or None. Under an AsyncSession they run in a thread.
        sniff: What tells types from first bytes, in place of `holdfast.inspection.sniff`:
            `holdfast.inspection.magic.sniff` asks libmagic, too.

    Raises:
        ConfigurationError: An argument cannot work.

    Example:
        >>> from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
        >>> from holdfast import FileObject, StoredObject
        >>> class Base(DeclarativeBase): pass
        >>> class Document(Base):
        ...     __tablename__ = "document"
        ...     id: Mapped[int] = mapped_column(primary_key=True)
        ...     file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    """

    cache_ok = True
    comparator_factory = _Comparator
    # What its values are; an adapter for another library has classes of its own.
    _file_class: ClassVar[type[FileObject]] = FileObject
    _list_class: ClassVar[type[FileList]] = FileList

    def __init__(
        self,
        backend: str | StorageBackend | None = None,
        multiple: bool = False,  # noqa: FBT001, FBT002  # the documented signature
        *,
        key_scheme: KeyScheme | None = None,
        strict: bool = False,
        max_size: int | None = None,
        accept: Sequence[str] | None = None,
        validators: Sequence[Validator] | None = None,
        sniff: Sniffer | None = None,
    ) -> None:
        from holdfast.orm import tracking  # noqa: PLC0415  # the unit of work is loaded with the first column
        from holdfast.rules import Rules  # noqa: PLC0415  # as above

        super().__init__(none_as_null=True)
        check_scheme(key_scheme)
        self._rules = Rules.of(max_size=max_size, accept=accept, validators=validators, sniff=sniff)
        self.backend, _ = named_storage(backend)
        if strict and self.backend is None:
            message = 'StoredObject(strict=True) needs a storage to be strict about: StoredObject(backend="…")'
            raise ConfigurationError(message)
        self.multiple = multiple
        self.key_scheme = key_scheme
        self.strict = strict
        # SQLAlchemy makes the type's cache key of these.
        self.max_size, self.accept, self.validators = max_size, self._rules.accept, self._rules.validators
        self.sniff = sniff
        tracking.install()

    def __repr__(self) -> str:
        arguments = [f"backend={self.backend!r}"] if self.backend else []
        arguments += ["multiple=True"] if self.multiple else []
        # Functions have no form that a migration could hold; the database does not depend on them.
        arguments += [f"key_scheme={self.key_scheme!r}"] if isinstance(self.key_scheme, str) else []
        arguments += ["strict=True"] if self.strict else []
        arguments += [f"max_size={self.max_size!r}"] if self.max_size is not None else []
        arguments += [f"accept={list(self.accept)!r}"] if self.accept else []
        return f"StoredObject({', '.join(arguments)})"

    @property
    def rules(self) -> Rules:
        """What the column accepts."""
        return self._rules

    @property
    def hashable(self) -> bool:  # type: ignore[override]
        """Whether values can be hashed: a list cannot."""
        return not self.multiple

    @property
    def python_type(self) -> type[Any]:
        """The type of the values."""
        return list if self.multiple else FileObject

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> Any:
        """Compare files as files, and everything else as JSON does."""
        if isinstance(value, (FileObject, list)):
            return self
        return super().coerce_compared_value(op, value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what reads a row's text; one that is not JSON at all becomes a malformed file, like any other."""
        read = self.impl_instance.result_processor(dialect, coltype)
        to_value: Callable[[Any], Any] = partial(self.process_result_value, dialect=dialect)
        if not self.multiple and type(self).process_result_value is StoredObject.process_result_value:
            to_value = self._file_class.from_row  # one call instead of three: 5 % of a row's loading

        def process(value: Any) -> Any:
            try:
                found = value if read is None else read(value)
            except (ValueError, RecursionError):
                found = ""
            return None if found is None else to_value(found)

        return process

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the JSON for a row; every statement of every kind passes here.

        Raises:
            PendingFileError: The file was never uploaded.
            ColumnValueError: The value is not a file.
        """
        if value is None:
            return None
        if self.multiple and isinstance(value, (list, tuple)):
            return [_to_json(file) for file in value]
        if self.multiple:
            message = f"a column of several files takes a list of them, not {type(value).__name__}"
            raise refused(ColumnValueError(message))
        return _to_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the file, or the list of files, for a row's JSON."""
        if value is None:
            return None
        if not self.multiple:
            return self._file_class.from_row(value)
        values = value if isinstance(value, list) else [value]
        return self._list_class(self._file_class.from_row(item) for item in values)

    def compare_values(self, x: Any, y: Any) -> bool:
        """Return whether two values would be the same in a row; also called with SQLAlchemy's own symbols."""
        if x is y:
            return True
        if isinstance(x, FileObject) and isinstance(y, FileObject):
            return x.is_stored and y.is_stored and x.to_dict() == y.to_dict()
        if isinstance(x, list) and isinstance(y, list):
            return len(x) == len(y) and all(map(self.compare_values, x, y))
        return False


# Migrations name the type by the module that users import it from.
StoredObject.__module__ = "holdfast"


_CLAIMED = "a claimed upload goes into a row through an ORM session, which uses its ticket up: session.add(row)"


def _to_json(value: Any) -> dict[str, Any]:
    if not isinstance(value, FileObject):
        message = f"a file column takes a FileObject, not {type(value).__name__}"
        raise refused(ColumnValueError(message))
    try:
        value._key()
        if value._open_claim is not None:
            raise FileStateError(_CLAIMED)
        return rowvalue.parse(value.to_dict())  # what could not be read again is not written
    except HoldfastError as error:
        raise refused(error) from error
