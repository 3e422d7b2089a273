"""What clients send and receive, one file for each family of endpoints."""
