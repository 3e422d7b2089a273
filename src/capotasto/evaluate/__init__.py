"""Judging: what a base says with and without an adapter, and how sure we are of it."""
