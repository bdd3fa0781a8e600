"""Reading of parameter sets bit by bit (Exp-Golomb codes of ITU-T H.264 §9.1)."""

from __future__ import annotations

MAX_BYTES = 1024
"""Parameter sets have some hundred bytes; what lies behind is not read."""
_MAX_ZEROS = 31


class OutOfBitsError(Exception):
    """There is no such bit, or no such code."""


class BitReader:
    """Bits from the front. Every method raises OutOfBitsError where there are none left."""

    def __init__(self, data: bytes) -> None:
        data = data[:MAX_BYTES]
        self._bits = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    @classmethod
    def of_nal_unit(cls, nal_unit: bytes) -> BitReader:
        """Without the bytes that keep start codes out of the data (H.264 §7.4.1.1)."""
        return cls(nal_unit[:MAX_BYTES].replace(b"\0\0\3", b"\0\0"))

    def u(self, count: int) -> int:
        """An unsigned number of so many bits."""
        if not 0 <= count <= self._left:
            raise OutOfBitsError
        self._left -= count
        return (self._bits >> self._left) & ((1 << count) - 1)

    def flag(self) -> bool:
        """One bit."""
        return self.u(1) == 1

    def ue(self) -> int:
        """An unsigned Exp-Golomb code, of 32 bits at most."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > _MAX_ZEROS:
                raise OutOfBitsError
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed one."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)

    def skip_ue(self, count: int) -> None:
        """Some codes that say nothing to us."""
        for _ in range(count):
            self.ue()
