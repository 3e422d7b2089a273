"""Writing text: rows that join and leave between steps, each with its own adapter and settings."""
