"""Fixtures for applications that store files, loaded by pytest itself."""
