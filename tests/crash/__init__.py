"""Processes that are killed: what a transaction, a drain or a sweep was doing then must leave every file in its row."""
