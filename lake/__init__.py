"""The tables, what is missing in them, which models made them, and how they are read."""
