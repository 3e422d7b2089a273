"""One run from a data file to a judged adapter on disk."""
