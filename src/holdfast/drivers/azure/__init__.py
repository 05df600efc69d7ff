"""Signed URLs of Azure Blob Storage, made here."""
