"""Trying storages out."""
