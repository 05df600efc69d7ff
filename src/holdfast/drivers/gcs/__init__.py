"""Signed URLs of Google Cloud Storage, made here."""
