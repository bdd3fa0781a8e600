#!/usr/bin/env python3
"""The service as systemd and start.sh run it; the same program as the installed `restream`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from restream.cli import main

if __name__ == "__main__":
    sys.exit(main())
