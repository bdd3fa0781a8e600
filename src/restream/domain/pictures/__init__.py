"""What a camera's pictures tell: rules over small measures of sampled key frames, without I/O and without pixels."""
