"""The relay engine: worker processes of our own that hand RTP on, and the service's end of them."""
