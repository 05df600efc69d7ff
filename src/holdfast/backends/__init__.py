"""Storages: what users register and hold. Each is a `StorageBackend` over a driver."""
