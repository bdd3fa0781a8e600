"""Size, profile and frame rate of a video, from the parameter sets in a session description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from restream.domain.rtsp.bits import BitReader, OutOfBitsError

MAX_SIDE = 16_384
"""Pixels; what is beyond is misread."""
_FASTEST_FPS = 500.0


class Picture(NamedTuple):
    """What a parameter set tells. 0 pixels, None: it does not."""

    width: int = 0
    height: int = 0
    fps: float | None = None
    profile: str | None = None


# As ffprobe calls them.
_H264_PROFILES: Mapping[int, str] = {
    44: "CAVLC 4:4:4",
    66: "Baseline",
    77: "Main",
    88: "Extended",
    100: "High",
    110: "High 10",
    118: "Multiview High",
    122: "High 4:2:2",
    128: "Stereo High",
    144: "High 4:4:4",
    244: "High 4:4:4 Predictive",
}
_H264_INTRA: Mapping[int, str] = {110: "High 10 Intra", 122: "High 4:2:2 Intra", 244: "High 4:4:4 Intra"}
_H264_WITH_CHROMA = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}
_H265_PROFILES: Mapping[int, str] = {1: "Main", 2: "Main 10", 3: "Main Still Picture", 4: "Rext", 9: "Scc"}
# Horizontal and vertical steps of the cropping, by chroma format.
_CHROMA_STEPS = ((1, 1), (2, 2), (2, 1), (1, 1))


def h264_profile(profile_idc: int, constraints: int) -> str | None:
    """Name of a profile; `constraints` is the byte after `profile_idc`, as in `profile-level-id`."""
    if profile_idc == 66 and constraints & 0x40:
        return "Constrained Baseline"
    if constraints & 0x10 and profile_idc in _H264_INTRA:
        return _H264_INTRA[profile_idc]
    return _H264_PROFILES.get(profile_idc)


def h265_profile(profile_idc: int) -> str | None:
    """Name of a profile."""
    return _H265_PROFILES.get(profile_idc)


def read_h264(sps: bytes) -> Picture:
    """A sequence parameter set of H.264 (§7.3.2.1.1), with its NAL header. Never raises."""
    if len(sps) < 4 or sps[0] & 0x1F != 7:
        return Picture()
    bits = BitReader.of_nal_unit(sps[1:])
    try:
        return _h264(bits)
    except OutOfBitsError:
        return Picture()


def _h264(bits: BitReader) -> Picture:
    profile_idc, constraints = bits.u(8), bits.u(8)
    bits.u(8)
    bits.ue()
    chroma = 1
    if profile_idc in _H264_WITH_CHROMA:
        chroma = min(bits.ue(), 3)
        separate = chroma == 3 and bits.flag()
        bits.skip_ue(2)
        bits.flag()
        if bits.flag():
            for index in range(8 if chroma != 3 else 12):
                if bits.flag():
                    _skip_h264_scaling_list(bits, 16 if index < 6 else 64)
        chroma = 0 if separate else chroma
    bits.ue()
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.flag()
        bits.skip_ue(2)
        bits.skip_ue(min(bits.ue(), 255))
    bits.ue()
    bits.flag()
    width, height = 16 * (bits.ue() + 1), 16 * (bits.ue() + 1)
    frames_only = bits.flag()
    if not frames_only:
        height *= 2
        bits.flag()
    bits.flag()
    if bits.flag():
        left, right, top, bottom = (bits.ue() for _ in range(4))
        across, down = _CHROMA_STEPS[chroma]
        width -= across * (left + right)
        height -= down * (1 if frames_only else 2) * (top + bottom)
    fps = None
    try:
        if bits.flag():
            _skip_colours(bits)
            fps = _rate(bits, 2)
    except OutOfBitsError:
        pass
    return _checked(width, height, fps, h264_profile(profile_idc, constraints))


def _skip_h264_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_colours(bits: BitReader) -> None:
    """The front of the VUI, the same in both codecs (H.264 §E.1.1, H.265 §E.2.1)."""
    if bits.flag() and bits.u(8) == 255:
        bits.u(32)
    if bits.flag():
        bits.flag()
    if bits.flag():
        bits.u(4)
        if bits.flag():
            bits.u(24)
    if bits.flag():
        bits.skip_ue(2)


def _rate(bits: BitReader, ticks: int) -> float | None:
    """Frames per second of the timing; a frame lasts so many ticks."""
    if not bits.flag():
        return None
    units, scale = bits.u(32), bits.u(32)
    fps = round(scale / (units * ticks), 3) if units else 0.0
    return fps if 0 < fps <= _FASTEST_FPS else None


def _checked(width: int, height: int, fps: float | None, profile: str | None) -> Picture:
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        width = height = 0
    return Picture(width, height, fps, profile)


def read_h265(sps: bytes) -> Picture:
    """A sequence parameter set of H.265 (§7.3.2.2.1), with its NAL header. Never raises."""
    if len(sps) < 4 or sps[0] >> 1 & 0x3F != 33:
        return Picture()
    bits = BitReader.of_nal_unit(sps[2:])
    try:
        return _h265(bits)
    except OutOfBitsError:
        return Picture()


def _h265(bits: BitReader) -> Picture:
    bits.u(4)
    layers = bits.u(3)
    bits.flag()
    profile = h265_profile(_h265_profile_tier_level(bits, layers))
    bits.ue()
    chroma = min(bits.ue(), 3)
    if chroma == 3:
        bits.flag()
    width, height = bits.ue(), bits.ue()
    if bits.flag():
        left, right, top, bottom = (bits.ue() for _ in range(4))
        across, down = _CHROMA_STEPS[chroma]
        width -= across * (left + right)
        height -= down * (top + bottom)
    fps = None
    try:
        _skip_h265_to_vui(bits, layers)
        if bits.flag():
            _skip_colours(bits)
            bits.u(3)
            if bits.flag():
                bits.skip_ue(4)
            fps = _rate(bits, 1)
    except OutOfBitsError:
        pass
    return _checked(width, height, fps, profile)


def _h265_profile_tier_level(bits: BitReader, layers: int) -> int:
    """Skip it (§7.3.3), and return the profile."""
    bits.u(3)
    profile = bits.u(5)
    compatible = bits.u(32)
    bits.u(56)
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.u(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.u(88 * has_profile + 8 * has_level)
    return profile or next((number for number in range(1, 32) if compatible >> 31 - number & 1), 0)


def _skip_h265_to_vui(bits: BitReader, layers: int) -> None:
    bits.skip_ue(2)
    order_bits = min(bits.ue(), 12) + 4
    bits.skip_ue(3 * (layers + 1) if bits.flag() else 3)
    bits.skip_ue(6)
    if bits.flag() and bits.flag():
        _skip_h265_scaling_lists(bits)
    bits.u(2)
    if bits.flag():
        bits.u(8)
        bits.skip_ue(2)
        bits.flag()
    _skip_h265_reference_sets(bits)
    if bits.flag():
        bits.u(min(bits.ue(), 32) * (order_bits + 1))
    bits.u(2)


def _skip_h265_scaling_lists(bits: BitReader) -> None:
    """§7.3.4."""
    for size in range(4):
        for _ in range(6 if size < 3 else 2):
            if not bits.flag():
                bits.ue()
                continue
            bits.skip_ue(min(64, 1 << (4 + 2 * size)) + (size > 1))


def _skip_h265_reference_sets(bits: BitReader) -> None:
    """§7.3.7."""
    pictures = 0
    for index in range(min(bits.ue(), 64)):
        if index and bits.flag():
            bits.u(1)
            bits.ue()
            kept = 0
            for _ in range(pictures + 1):
                used = bits.flag()
                kept += 1 if used or bits.flag() else 0
            pictures = kept
            continue
        negative, positive = min(bits.ue(), 16), min(bits.ue(), 16)
        for _ in range(negative + positive):
            bits.ue()
            bits.flag()
        pictures = negative + positive
