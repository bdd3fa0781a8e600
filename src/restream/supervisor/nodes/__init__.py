"""Several services that share a table of cameras: what is ours, and until when."""
