"""What must be true of the rows of a lake, asked by Great Expectations: one suite a table, blocking or warning."""
