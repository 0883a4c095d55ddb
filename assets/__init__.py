"""The Dagster assets: each fetches what its stage needs, calls it, and records what it did."""
