"""Pictures: measured with numpy and Pillow, decoded by a worker process that stays (extra `pictures`)."""
