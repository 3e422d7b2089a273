"""The search for good settings: many trials over one base, of which ever fewer go on."""
