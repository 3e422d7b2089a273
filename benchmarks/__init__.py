"""Fair comparisons with peers: the same rows, the same base, the same count of tokens, each run in a fresh process."""
