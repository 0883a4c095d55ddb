"""Search over HTTP, and a page to look at."""
