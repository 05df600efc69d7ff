"""Drivers: the few operations that a service must offer. They hold no rules; `holdfast.backends` does."""
