"""Requests to S3 of our own, for what a library has no call for."""
