"""What a terminal shows: tables, explanations, and the live table of a running service."""
