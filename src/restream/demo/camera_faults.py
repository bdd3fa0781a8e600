"""What can go wrong at a simulated camera, by name: each fault is a row of behaviours that come before its own."""

from collections.abc import Mapping
from enum import StrEnum

from restream.demo.behaviours.answers import BUT_OPTIONS, AnswersRaw, AnswersWith, RefusesTransport
from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.behaviours.login import ChecksLogin
from restream.demo.behaviours.media import ChangesCodec, SendsNo


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


_GARBAGE = b"\x16\x03\x01\x02\x00\x01 this is no RTSP \xff\xfe\r\n\r\n"
_HANGS = (AnswersRaw(), SendsNo())

# What is not in here (REFUSE, DROP, RESET) happens to connections, not in them.
BEHAVIOURS_OF_FAULTS: Mapping[Fault, tuple[Behaviour, ...]] = {
    Fault.SILENT: _HANGS,
    Fault.FREEZE: _HANGS,
    Fault.UNAUTHORIZED: (ChecksLogin(refuses_everybody=True),),
    Fault.NOT_FOUND: (AnswersWith(404, at=("DESCRIBE",)),),
    Fault.UDP_ONLY: (RefusesTransport("tcp"),),
    Fault.SERVER_ERROR: (AnswersWith(503, at=BUT_OPTIONS),),
    Fault.HANG_DESCRIBE: (AnswersRaw(at=("DESCRIBE",)),),
    Fault.HANG_SETUP: (AnswersRaw(at=("SETUP",)),),
    Fault.HANG_PLAY: (AnswersRaw(at=("PLAY",)),),
    Fault.NO_PACKETS: (SendsNo(),),
    Fault.CODEC_CHANGE: (ChangesCodec(),),
    Fault.SILENT_AUDIO: (SendsNo("audio"),),
    Fault.GARBAGE: (AnswersRaw(_GARBAGE),),
}
DROPPING = {
    Fault.REFUSE,
    Fault.UNAUTHORIZED,
    Fault.NOT_FOUND,
    Fault.UDP_ONLY,
    Fault.SERVER_ERROR,
    Fault.HANG_DESCRIBE,
    Fault.HANG_SETUP,
    Fault.HANG_PLAY,
    Fault.GARBAGE,
    Fault.DROP,
}
