"""What a version must meet before people search with it."""
