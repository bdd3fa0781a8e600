"""The pull engine's words: its plan, and the path entry that points a media server at the directory."""
