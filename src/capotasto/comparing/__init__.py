"""The comparison: every way to make a base do a task, on one split, for one budget of time."""
