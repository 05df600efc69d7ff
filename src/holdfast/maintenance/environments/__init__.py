"""Rows with their files go into another environment: another database, other storages."""
