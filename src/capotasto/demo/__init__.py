"""The demonstration: three specialists on one base, from real data to a mixed batch in a fresh process."""
