"""Reference pages for people, made from what the service itself goes by: docs/api.md and docs/configuration.md.

`python -m restream.reference` writes them; a test fails while they are not current.
"""
