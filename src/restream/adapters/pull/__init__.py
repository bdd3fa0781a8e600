"""The pull engine: media servers that fetch cameras themselves, and the port where they ask for them."""
