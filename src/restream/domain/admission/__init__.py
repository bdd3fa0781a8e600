"""Who may start now: windows that find how many at once are good, and the queue before them."""
