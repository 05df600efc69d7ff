"""Storages from a configuration: files, the environment, settings objects."""

from holdfast.config.loading import configure, load
from holdfast.config.probing.checking import check, check_async
from holdfast.config.probing.report import CheckReport, StorageCheck

__all__ = ["CheckReport", "StorageCheck", "check", "check_async", "configure", "load"]
