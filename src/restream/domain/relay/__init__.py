"""What the relay decides: how a camera is relayed, which packets go on, and what a camera's end means."""
