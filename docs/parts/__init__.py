"""The generated parts of the documentation, one file a part: each returns Markdown."""
