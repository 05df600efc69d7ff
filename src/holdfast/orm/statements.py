"""The values of file columns in INSERT and UPDATE statements of the ORM: where they stand, and how to exchange them.

The only module that knows how SQLAlchemy keeps the values of a statement (the same in 2.0 and 2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Column, Select
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement, Null

from holdfast.errors import ColumnValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.orm import Mapper, ORMExecuteState

    from holdfast.orm.attachment import FileColumn

_NEW_ROW = ("excluded", "inserted", "new")  # what an upsert calls the row that could not be inserted

Values = dict[Any, Any]
"""Values of one row, by column or by name of the attribute or column."""


class ValuedStatement:
    """An INSERT or UPDATE, and its parameters.

    Args:
        execution: The execution under way.
        mapper: The mapper of its rows.
        columns: File columns that it may set.

    Attributes:
        statement: The INSERT or UPDATE; also where rows are selected *from* it.
        is_many: Whether it is executed with a list of parameters.
    """

    def __init__(self, execution: ORMExecuteState, mapper: Mapper[Any], columns: Sequence[FileColumn]) -> None:
        self._execution = execution
        self.statement: Any = getattr(execution.statement, "element", execution.statement)
        self._parameters = execution.parameters
        self._mapper = mapper
        self._columns = columns
        self.is_many = isinstance(self._parameters, (list, tuple))

    @property
    def parameters(self) -> list[Mapping[str, Any]]:
        """The parameters, one mapping for each execution."""
        if not self._parameters:
            return []
        return list(self._parameters) if self.is_many else [self._parameters]  # type: ignore[list-item,arg-type]

    def rows(self) -> list[Values]:
        """Return the values of each row, by column of the table, as far as the statement says them."""
        several = [self._named(self._as_mapping(values)) for group in self._multi_values() for values in group]
        given = self.parameters
        named = [self._named(parameters) for parameters in given] or [{}]
        if several:
            return several
        return [{**self._bound(parameters), **row} for parameters, row in zip(given or [{}], named, strict=True)]

    def files(self) -> list[dict[FileColumn, Any]]:
        """Return the new values of file columns, row by row; None and SQL expressions among them.

        Raises:
            ColumnValueError: The statement would give rows files of other rows.
        """
        names = getattr(self.statement, "_select_names", None) or ()
        rows = self.rows()
        found = [{column: row[column.column] for column in self._columns if column.column in row} for row in rows]
        for column in self._columns:
            values = [row[column] for row in found if column in row]
            values += [value for each, value in self.conflict_files() if each is column]
            if column.column in map(self._column, names) or any(_reads_other_rows(value, column) for value in values):
                message = (
                    f"{column.column} would get files of other rows by SQL, and a file belongs to one row only: "
                    "load the rows and assign the files, which copies or moves them"
                )
                raise ColumnValueError(message)
        fixed = {column for column, value in self._shared().items() if not self._is_bound(value)}
        if len(self.parameters) > 1 and any(column.column in fixed for column in self._columns):
            message = "a file in values() cannot go with several sets of parameters: put it into each of them"
            raise ColumnValueError(message)
        return found

    def refuse_doubles(self, row: Mapping[FileColumn, Any]) -> None:
        """Refuse an UPDATE that would leave one file in two columns: deleting one would take it from the other.

        Raises:
            ColumnValueError: A column is copied to another, and not set itself.
        """
        set_columns = {column.column for column in row}
        sources = [source for column, value in row.items() for source in _sources(value, self._columns)]
        if any(source not in set_columns for source in sources) or len(sources) != len(set(sources)):
            message = (
                f"one file would lie in two columns of {self._mapper.class_.__name__}: set the one that it comes from "
                "in the same statement, or load the row and assign the file, which copies it"
            )
            raise ColumnValueError(message)

    def wrapped(self, statement: Any) -> Any:
        """Return a statement in what rows were selected from it with, if they were."""
        if self.statement is self._execution.statement:
            return statement
        outer: Any = self._execution.statement
        outer = outer._generate()
        outer.element = statement
        return outer

    def with_files(self, values: Sequence[Mapping[FileColumn, Any]]) -> tuple[Any, Any]:
        """Return the statement and its parameters with other values, row by row."""
        by_column = [{column.column: value for column, value in row.items()} for row in values]
        statement = self.statement._generate()
        if self._multi_values():
            rows = iter(by_column)
            statement._multi_values = tuple(
                [self._replaced(self._as_mapping(row), next(rows)) for row in group] for group in self._multi_values()
            )
            return self.wrapped(statement), None
        if len(by_column) == 1:
            if statement._values:
                statement._values = type(statement._values)(self._replaced(statement._values, by_column[0], bind=True))
            if self._ordered_values():
                pairs = dict(self._ordered_values())
                statement._ordered_values = list(self._replaced(pairs, by_column[0], bind=True).items())
        named = {value.key: column for column, value in self._shared().items() if self._is_bound(value)}
        parameters = [
            {
                name: row.get(named[name], value) if name in named else value
                for name, value in self._replaced(given, row).items()
            }
            for given, row in zip(self.parameters, by_column, strict=False)
        ]
        if not parameters:
            return self.wrapped(statement), None
        return self.wrapped(statement), parameters if self.is_many else parameters[0]

    def conflict_files(self) -> Iterator[tuple[FileColumn, Any]]:
        """Yield the values that an upsert's SET has for file columns."""
        clause = getattr(self.statement, "_post_values_clause", None)
        entries = getattr(clause, "update_values_to_set", None) or getattr(clause, "update", None) or ()
        for key, value in dict(entries).items():
            column = self._column(key)
            yield from ((each, _unbound(value, {})) for each in self._columns if each.column is column)

    @property
    def may_skip_or_replace(self) -> bool:
        """Whether rows that are there already may be left, changed or replaced by an INSERT."""
        return getattr(self.statement, "_post_values_clause", None) is not None or bool(self.statement._prefixes)

    def sets_primary_key(self) -> bool:
        """Return whether an UPDATE with a condition changes primary keys."""
        named = {column for values in (self._shared(), *map(self._named, self.parameters)) for column in values}
        return any(key in named for key in (*self._mapper.primary_key, *self._mapper.local_table.primary_key))

    # --- names

    def _multi_values(self) -> Sequence[Any]:
        return getattr(self.statement, "_multi_values", ()) or ()

    def _as_mapping(self, values: Any) -> Values:
        if isinstance(values, (list, tuple)):
            return dict(zip(self._mapper.local_table.columns, values, strict=False))
        return dict(values)

    def _column(self, name: Any) -> Column[Any] | None:
        """Return the column that a key of values stands for: itself, its name, or the name of its attribute."""
        table: Any = self._mapper.local_table.columns
        column: Any = None if isinstance(name, str) else table.get(name.key)
        if column is None:
            name = name if isinstance(name, str) else name.key
            attribute = self._mapper.column_attrs.get(name)
            column = attribute.columns[0] if attribute is not None else table.get(name)
        return column if isinstance(column, Column) else None

    def _named(self, values: Mapping[Any, Any]) -> Values:
        return {column: value for key, value in values.items() if (column := self._column(key)) is not None}

    def _shared(self) -> Values:
        """Return what ``values()`` has for every execution."""
        return self._named({**(self.statement._values or {}), **dict(self._ordered_values() or ())})

    def _is_bound(self, value: Any) -> bool:
        """Return whether a value comes with each set of parameters."""
        return isinstance(value, BindParameter) and bool(self.parameters) and value.key in self.parameters[0]

    def _ordered_values(self) -> Any:
        return getattr(self.statement, "_ordered_values", None)

    def _bound(self, parameters: Mapping[str, Any]) -> Values:
        return {column: _unbound(value, parameters) for column, value in self._shared().items()}

    def _replaced(self, values: Mapping[Any, Any], new: Mapping[Any, Any], *, bind: bool = False) -> Values:
        def value_of(key: Any, value: Any) -> Any:
            column = self._column(key)
            if column is None or column not in new:
                return value
            replaced = new[column]
            if not bind or isinstance(replaced, ClauseElement):
                return replaced
            return BindParameter(None, replaced, type_=column.type, unique=True)

        return {key: value_of(key, value) for key, value in values.items()}


def _sources(value: Any, columns: Sequence[FileColumn]) -> set[Column[Any]]:
    """Return the file columns that an SQL expression reads."""
    if not isinstance(value, ClauseElement):
        return set()
    named = {part.key for part in visitors.iterate(value) if isinstance(part, Column)}
    return {column.column for column in columns if column.column.key in named}


def _unbound(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, Null):
        return None
    if isinstance(value, BindParameter):
        return parameters.get(value.key, value.value)
    return value


def _reads_other_rows(value: Any, column: FileColumn) -> bool:
    """Return whether an SQL expression can yield the file of another row; one on columns of its own row cannot."""
    if not isinstance(value, ClauseElement):
        return False
    table = column.column.table
    return any(
        isinstance(part, Select) or (isinstance(part, Column) and part.table.name not in {table.name, *_NEW_ROW})
        for part in visitors.iterate(value)
    )
