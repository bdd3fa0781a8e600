"""What the supervisor needs from the world, as verbs. Adapters translate their library's errors into the ones here."""
