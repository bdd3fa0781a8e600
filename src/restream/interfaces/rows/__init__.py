"""Rows of the cameras table as files: CSV that spreadsheets write, statements of SQL."""
