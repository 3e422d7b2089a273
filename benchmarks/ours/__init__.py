"""Capotasto's side of every comparison, through its public names."""
