"""Heads for frozen models, trained on pairs of pictures and sentences: a corpus's own space."""
