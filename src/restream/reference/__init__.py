"""Reference pages for people, made from what the service itself goes by: docs/configuration.md.

`python -m restream.reference` writes them; a test fails while they are not current.
"""
