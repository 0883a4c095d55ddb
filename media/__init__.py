"""Video bytes -> facts, shots, pictures and sound. One decode serves all; it runs in child processes."""
