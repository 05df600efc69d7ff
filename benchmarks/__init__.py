"""Races between Holdfast, its peers and the bare libraries."""
