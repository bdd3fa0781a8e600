"""The behaviours that cameras in the field are known for, by name: for tests, and for `--behaviour` in a shell.

Redirects to another camera are not in here, since they need its address.
"""

from collections.abc import Mapping

from restream.demo.behaviours.answers import AnswersWith, KnowsOnly, Redirects, RefusesTransport, SetsHeader
from restream.demo.behaviours.behaviour import METHODS, Behaviour
from restream.demo.behaviours.datagrams import HasIntruder, TellsServerPorts
from restream.demo.behaviours.descriptions import (
    DescribesAs,
    absolute_controls,
    aggregate_control,
    back_channel_before_audio,
    line_feeds_only,
    metadata_first,
    private_controls,
    second_rtpmap_first,
    without_controls,
    without_parameter_sets,
)
from restream.demo.behaviours.login import ChecksLogin, LoginScheme
from restream.demo.behaviours.media import ChangesCodec, DelaysKeyFrames, FillsUp, SendsFrameEvery, SendsNo
from restream.demo.behaviours.network import (
    HasWrongClock,
    JumpsTimestamps,
    LosesPackets,
    ReordersPackets,
    RepeatsPackets,
    SendsNoReports,
)
from restream.demo.behaviours.sessions import ExpiresSessions, LimitsSessions
from restream.demo.behaviours.wire import (
    AnswerPlace,
    InterleavesAnswers,
    RenumbersChannels,
    SendsStrayBytes,
    SwitchesToUdp,
)

_BASIC, _MD5, _SHA256 = LoginScheme
_EMPTY_SDP = (("Content-Type", "application/sdp"), ("Content-Length", "0"))

BEHAVIOURS: Mapping[str, tuple[Behaviour, ...]] = {
    # login
    "basic_only": (ChecksLogin((_BASIC,)),),
    "sha256_only": (ChecksLogin((_SHA256,)),),
    "sha256_then_md5": (ChecksLogin((_SHA256, _MD5)),),
    "md5_then_sha256": (ChecksLogin((_MD5, _SHA256)),),
    "digest_then_basic": (ChecksLogin((_MD5, _BASIC)),),
    "qop_auth": (ChecksLogin(qop=True),),
    "login_for_options": (ChecksLogin(exempt=()),),
    "stale_nonces": (ChecksLogin(nonce_uses=1),),
    "new_nonce_at_setup": (ChecksLogin(nonce_uses=1, tells_stale=False),),
    "no_challenge": (ChecksLogin(challenges=False),),
    "closes_after_401": (ChecksLogin(closes=True),),
    "forbidden": (ChecksLogin(status=403, challenges=False, refuses_everybody=True),),
    "locks_account": (ChecksLogin(locks_after=3),),
    # statuses
    "describe_503": (AnswersWith(503, at=("DESCRIBE",)),),
    "describe_500": (AnswersWith(500, at=("DESCRIBE",)),),
    "describe_400": (AnswersWith(400, at=("DESCRIBE",)),),
    "describe_400_closes": (AnswersWith(400, at=("DESCRIBE",), closes=True),),
    "describe_551": (AnswersWith(551, at=("DESCRIBE",)),),
    "options_501": (AnswersWith(501, at=("OPTIONS",)),),
    "setup_453": (AnswersWith(453, at=("SETUP",)),),
    "play_454": (AnswersWith(454, at=("PLAY",)),),
    "audio_setup_500": (AnswersWith(500, at=("SETUP",), track=1),),
    "audio_setup_400": (AnswersWith(400, at=("SETUP",), track=1),),
    "redirect_loop": (Redirects("{uri}"),),
    # transports, and the connection
    "udp_only": (RefusesTransport("tcp"),),
    "tcp_only": (RefusesTransport("udp"),),
    "tcp_answered_as_udp": (SwitchesToUdp(),),
    "udp_ports_untold": (TellsServerPorts(),),
    "udp_from_other_ports": (TellsServerPorts("9-10"),),
    "udp_intruder": (HasIntruder(),),
    "renumbers_channels": (RenumbersChannels(),),
    "stray_line_ends": (SendsStrayBytes(),),
    "stray_bytes": (SendsStrayBytes(b"\0\xff"),),
    "frames_before_answers": (InterleavesAnswers(AnswerPlace.BEFORE),),
    "frames_in_answers": (InterleavesAnswers(AnswerPlace.AFTER_STATUS),),
    # sessions
    "one_session": (LimitsSessions(1, freed_after_s=4),),
    "one_session_at_describe": (LimitsSessions(1, freed_after_s=4, at=("DESCRIBE", "SETUP")),),
    "session_of_10_s": (ExpiresSessions(10),),
    "no_get_parameter": (KnowsOnly(METHODS[:-1]),),
    # descriptions
    "empty_sdp": (AnswersWith(200, at=("DESCRIBE",), headers=_EMPTY_SDP),),
    "no_sdp": (AnswersWith(200, at=("DESCRIBE",)),),
    "metadata_and_back_channel": (DescribesAs(back_channel_before_audio), DescribesAs(metadata_first)),
    "second_rtpmap_first": (DescribesAs(second_rtpmap_first),),
    "line_feeds_only": (DescribesAs(line_feeds_only),),
    "no_parameter_sets": (DescribesAs(without_parameter_sets),),
    "absolute_controls": (DescribesAs(absolute_controls),),
    "private_controls": (DescribesAs(private_controls),),
    "aggregate_control": (DescribesAs(aggregate_control),),
    "no_controls": (DescribesAs(without_controls),),
    "no_content_base": (SetsHeader("Content-Base", None, ("DESCRIBE",)),),
    "private_content_base": (SetsHeader("Content-Base", "rtsp://192.0.2.64/stream/", ("DESCRIBE",)),),
    "relative_content_base": (SetsHeader("Content-Base", "stream", ("DESCRIBE",)),),
    # media
    "key_frame_after_20_s": (DelaysKeyFrames(20),),
    "frame_every_5_s": (SendsFrameEvery(5),),
    "constant_4_mbit": (FillsUp(4_000_000),),
    "video_stops": (SendsNo("video", after_s=10),),
    "no_audio": (SendsNo("audio"),),
    "no_media": (SendsNo(),),
    "other_codec": (ChangesCodec(),),
    "loses_packets": (LosesPackets(50),),
    "repeats_packets": (RepeatsPackets(10),),
    "reorders_packets": (ReordersPackets(),),
    "clock_a_day_late": (HasWrongClock(-86_400),),
    "clock_of_1970": (HasWrongClock(-1_700_000_000),),
    "timestamps_jump": (JumpsTimestamps(1 << 31, after_s=10),),
    "no_sender_reports": (SendsNoReports(),),
}
