"""A wall clock that a test can set: Python imports this at its start when its directory is on PYTHONPATH.

CHAOS_CLOCK names a file of eight bytes, the offset in seconds. Only `time.time` is moved, which is the one wall clock
the service reads; the monotonic clock, and what runs beside the service, go on as they are.
"""

import mmap
import os
import struct
import time
from pathlib import Path

_real = time.time
with Path(os.environ["CHAOS_CLOCK"]).open("rb") as _file:
    _offset = mmap.mmap(_file.fileno(), 8, prot=mmap.PROT_READ)


def _set_time() -> float:
    return _real() + struct.unpack("d", _offset[:8])[0]


time.time = _set_time
