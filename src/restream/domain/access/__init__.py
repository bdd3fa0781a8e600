"""Who asks, and what may be asked of whom."""
