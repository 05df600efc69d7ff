"""The databases of `tests/orm`."""

from tests.orm.conftest import each_database

__all__ = ["each_database"]
