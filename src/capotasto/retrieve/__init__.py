"""Documents made searchable, and questions answered from what is found in them."""
