"""Pure rules of the product: no asyncio, no clock, no I/O, no third-party imports.

Time (`now`, seconds of a monotonic clock) and random numbers (`draw`, uniform in [0, 1)) are arguments.
"""
