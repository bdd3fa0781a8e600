"""Pictures of cameras, taken now and then: whose turn it is, what they show, and which are kept."""
