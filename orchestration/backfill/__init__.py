"""Backfills: what a changed model leaves to do is done in chunks, at night if need be, until nothing is missing."""
