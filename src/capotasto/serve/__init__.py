"""A server: requests over HTTP on one side, an engine that writes for them on the other."""
