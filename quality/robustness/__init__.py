"""How far an encoder's vectors, and what they find, move when pictures and queries are not quite as they should be."""
