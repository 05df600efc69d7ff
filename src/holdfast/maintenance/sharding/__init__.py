"""Maintenance on several threads, processes or machines: the work is cut into shards, and any executor does them."""
