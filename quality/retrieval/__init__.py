"""How well search finds what it should, by leg and by part of the corpus, and in which known ways it fails."""
