"""From examples to token ids, and from ids to batches."""
