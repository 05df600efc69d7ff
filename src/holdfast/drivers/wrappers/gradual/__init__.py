"""A storage that is moving: what is new lies in one, what is old still in another."""

from holdfast.drivers.wrappers.gradual.driver import GradualDriver
from holdfast.drivers.wrappers.gradual.pair import Pair

__all__ = ["GradualDriver", "Pair"]
