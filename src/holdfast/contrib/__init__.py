"""Holdfast beside other libraries: one module for each, of the library's name."""
