"""Several services, one table of cameras: nodes, leases, and who takes which camera."""
