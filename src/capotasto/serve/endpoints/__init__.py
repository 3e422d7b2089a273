"""What the server can be asked, one file for each family: a function for each endpoint, and the table of them."""
