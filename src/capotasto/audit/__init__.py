"""Auditing: what an adapter does besides its task, and what its data hold that should not be learnt."""
