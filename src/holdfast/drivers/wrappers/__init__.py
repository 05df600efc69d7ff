"""Drivers that stand in front of others."""
