"""Retries, timeouts and a limit of requests at once, for drivers that have none of their own."""

from holdfast.drivers.wrappers.limits.driver import LimitedDriver
from holdfast.drivers.wrappers.limits.policy import Policy

__all__ = ["LimitedDriver", "Policy"]
