"""Migrations too long for the list in `storage.schema`, one file each."""
