"""What can go wrong at a simulated camera."""

from enum import StrEnum


class Fault(StrEnum):
    """One thing at a time.

    A fault takes effect at once. Faults of the opening dialogue (REFUSE, UNAUTHORIZED, NOT_FOUND, UDP_ONLY,
    SERVER_ERROR, HANG_*, GARBAGE) drop live sessions, so that their clients meet the fault when they come back.
    SILENT, FREEZE and NO_PACKETS keep them open without a packet; media goes on when the fault ends. DROP and RESET
    happen once, then NONE is back.
    """

    NONE = "none"
    REFUSE = "refuse"
    SILENT = "silent"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    UDP_ONLY = "udp_only"
    SERVER_ERROR = "server_error"
    FREEZE = "freeze"
    HANG_DESCRIBE = "hang_describe"
    HANG_SETUP = "hang_setup"
    HANG_PLAY = "hang_play"
    NO_PACKETS = "no_packets"
    DROP = "drop"
    RESET = "reset"
    CODEC_CHANGE = "codec_change"
    SILENT_AUDIO = "silent_audio"
    GARBAGE = "garbage"


HANGS = {Fault.HANG_DESCRIBE: "DESCRIBE", Fault.HANG_SETUP: "SETUP", Fault.HANG_PLAY: "PLAY"}
MUTE = {Fault.SILENT, Fault.FREEZE, Fault.NO_PACKETS}
DROPPING = {
    Fault.REFUSE,
    Fault.UNAUTHORIZED,
    Fault.NOT_FOUND,
    Fault.UDP_ONLY,
    Fault.SERVER_ERROR,
    Fault.GARBAGE,
    Fault.DROP,
    *HANGS,
}
