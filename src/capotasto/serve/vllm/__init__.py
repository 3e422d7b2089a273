"""Rows written on vLLM servers: what travels, to which of them, and what when one is lost."""
