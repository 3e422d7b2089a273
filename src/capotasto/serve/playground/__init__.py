"""The files of the playground page."""
