"""Many ways to one task on the same rows (prompting, retrieval, training), and what to make of their results."""
