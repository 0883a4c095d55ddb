"""One file a table: its facts, and what must be true of them."""
