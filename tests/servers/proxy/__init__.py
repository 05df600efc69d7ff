"""Proxies that watch what a client sends, and break it on cue.

Each runs in a thread with an event loop of its own, so that sync and async tests use it
alike.
"""

from .chaos import ChaosProxy
from .cutting import CuttingProxy
from .faults import Fault
from .http import CountingProxy, Request
from .mariadb import MariaDBProxy
from .postgres import PostgresProxy

__all__ = ["ChaosProxy", "CountingProxy", "CuttingProxy", "Fault", "MariaDBProxy", "PostgresProxy", "Request"]
