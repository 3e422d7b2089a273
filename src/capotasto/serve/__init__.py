"""Answers for many askers at once: what a server asks of an engine, and the engines."""
