"""HTTP: what every request passes on its way to an endpoint, from the outermost layer in."""
