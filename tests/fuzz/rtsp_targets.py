"""Everything that reads what a camera says over RTSP: any bytes, in any pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from restream.adapters.rtsp.wire import Carried, Event
from restream.domain.camera.options import RtspTransport
from restream.domain.camera.secret import Secret
from restream.domain.rtsp.announcement import announcement
from restream.domain.rtsp.authentication import Authenticator, digest
from restream.domain.rtsp.challenges import MAX_CHALLENGES, parse_challenges
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.codecs import audio_stream, video_stream
from restream.domain.rtsp.description import MAX_MEDIA, read_description
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.directory import Directory, DirectoryTalk
from restream.domain.rtsp.events import ConnectionWanted, Failed, Finished, PortPair, RtspEvent
from restream.domain.rtsp.failure import Stage
from restream.domain.rtsp.media_session import Interleaved, MediaSession, parse_transport
from restream.domain.rtsp.message_reader import MAX_BODY_BYTES, MAX_HEAD_BYTES, MessageReader
from restream.domain.rtsp.messages import Headers, InterleavedFrame, Message, Response
from restream.domain.rtsp.picture import read_h264, read_h265
from restream.domain.rtsp.publisher import PublisherEvent, RtspPublisher
from restream.domain.rtsp.tracks import choose_tracks
from restream.domain.rtsp.udp_transport import parse_over_udp
from restream.domain.rtsp.url import Credentials, RtspUrl, base_url, control_url, redirect_target

_URL = RtspUrl(False, "10.0.0.1", None, "/live")
_ADMIN = Credentials("admin", Secret("sEcret-w0rd"))
_LOSS = b"\xf1"
_WAITS = {b"\xf2": 20.0, b"\xf3": 0.5}


def _messages(pieces: list[bytes]) -> list[Message]:
    reader = MessageReader()
    found: list[Message] = []
    for piece in pieces:
        reader.receive(piece)
        while message := reader.next_message():
            found.append(message)
        assert len(reader._buffer) - reader._at <= MAX_HEAD_BYTES + MAX_BODY_BYTES + len(piece) + 64
    if last := reader.finish():
        found.append(last)
    return found


def _cut(data: bytes, step: int) -> list[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


def rtsp_messages(data: bytes) -> None:
    """Any cut gives the same messages."""
    whole = _messages([data])
    assert _messages(_cut(data, 1)) == whole
    assert _messages(_cut(data, max(2, len(data) // 5))) == whole
    for message in whole:
        assert isinstance(message, InterleavedFrame) or repr(message)


def rtsp_challenges(data: bytes) -> None:
    values = data.decode("latin-1").split("\n")
    found = parse_challenges(values)
    assert len(found) <= MAX_CHALLENGES
    for challenge in found:
        if challenge.scheme == "digest" and challenge.strength is not None:
            assert digest(challenge, _ADMIN, "PLAY", _URL.reveal(), "c", 1).startswith("Digest ")
    login = Authenticator(_ADMIN, lambda: "c")
    login.refused(Response(401, "", Headers(("www-authenticate", value) for value in values)))
    assert all(name.isprintable() and len(name) <= 40 for name in login.offered)
    authorization = login.authorize("PLAY", _URL.reveal())
    assert authorization is None or "sEcret" not in authorization


def rtsp_description(data: bytes) -> None:
    description = read_description(data)
    if description is None:
        return
    assert len(description.media) <= MAX_MEDIA
    for media in description.media:
        for encoding in media.formats:
            video, audio = video_stream(media, encoding), audio_stream(encoding)
            assert video.width >= 0 and video.height >= 0 and audio.sample_rate_hz >= 0
    choice = choose_tracks(description, _URL)
    assert all(reason.isprintable() and len(reason) < 400 for reason in choice.reasons)
    assert len(choice.tracks) <= 2 and len(choice.reasons) == len(description.media)


def rtsp_pictures(data: bytes) -> None:
    for begin in (b"", b"\x67", b"\x42\x01\x01\x01\x60\0\0\3\0\x90"):
        for found in (read_h264(begin + data), read_h265(begin + data)):
            assert 0 <= found.width <= 16384 and 0 <= found.height <= 16384
            assert found.fps is None or 0 < found.fps <= 500


def rtsp_headers(data: bytes) -> None:
    """URLs and parameters of headers."""
    text = data.decode("latin-1")
    first, second, third = (text + "\n\n\n").split("\n")[:3]
    for url in (control_url(base_url(_URL, first, second, third), third), (redirect_target(_URL, first) or (_URL,))[0]):
        text = url.reveal()
        assert text.isascii() and text.isprintable() and " " not in text and str(url).isascii()
    channels = parse_transport(first, Interleaved(0, 1))
    assert channels is None or all(0 <= channel <= 255 for channel in channels)
    origin = parse_over_udp(first)
    assert origin is None or origin.ports is None or all(0 < port <= 65535 for port in origin.ports)
    assert origin is None or len(origin.address) < 80
    session = MediaSession()
    session.heard(second)
    assert 2 <= session.timeout_s <= 600 and len(session.id) <= 256


def rtsp_client(data: bytes) -> None:
    """A whole conversation: any cut gives the same events, and what is told is fit to be shown."""
    whole = _talk(data, lambda piece: [piece])
    assert _talk(data, lambda piece: _cut(piece, 1)) == whole
    assert _talk(data, lambda piece: _cut(piece, 7)) == whole


_WISHES = {
    b"d": Conversation(Goal.DESCRIBE),
    b"u": Conversation(transports=(RtspTransport.UDP,), ports=lambda place: PortPair(2 * place + 2, 2 * place + 3)),
    b"e": Conversation(
        transports=(RtspTransport.TCP, RtspTransport.UDP), ports=lambda place: PortPair(2 * place + 2, 2 * place + 3)
    ),
}
"""By the first byte of what is said, which is none of RTSP."""


def _talk(data: bytes, cut: Callable[[bytes], list[bytes]]) -> list[RtspEvent]:
    client = RtspClient(_URL, _ADMIN, _WISHES.get(data[:1], Conversation()), lambda: "c")
    now = 0.0
    client.start(now)
    events = _take(client)
    _connect(client, events, now)
    for part in _parts(data):
        before = len(events)
        now += 1.0
        if part == _LOSS:
            client.lost("end of file", now)
        elif part in _WAITS:
            now += _WAITS[part]
            client.due(now)
        else:
            for piece in cut(part):
                client.receive(piece, now)
                events += _take(client)
        events += _take(client)
        # What was still to come belonged to the connection before.
        _connect(client, events[before:], now)
        ended = [event for event in events if isinstance(event, Failed | Finished)]
        assert len(ended) <= 1 and (client.deadline is None) == bool(ended)
    failures = [event.failure for event in events if isinstance(event, Failed)]
    assert all(each.words.isprintable() and len(each.words) <= 200 for each in failures)
    assert "sEcret" not in repr(events) + repr(client.said)
    return events


def _parts(data: bytes) -> list[bytes]:
    """What happens: the bytes 0xf1 to 0xf4 are a loss, a long and a short wait, and nothing."""
    return [part for part in re.split(rb"([\xf1-\xf4])", data) if part not in (b"", b"\xf4")]


def _connect(client: RtspClient, events: Sequence[RtspEvent], now: float) -> None:
    if any(isinstance(event, ConnectionWanted) for event in events):
        client.connected(now)


def _take(client: Carried[Event]) -> list[Event]:
    """Events; what is sent has whole lines, and no password."""
    sent = client.data_to_send()
    assert b"sEcret" not in sent
    assert sent.count(b"\n") == sent.count(b"\r\n") == sent.count(b"\r")
    return list(client.events())


def rtsp_publisher(data: bytes) -> None:
    """What a camera describes is announced, and what a server answers: any cut gives the same events."""
    described, _, answered = data.partition(b"\xf0")
    description = read_description(described)
    tracks = choose_tracks(description, _URL).tracks if description else ()
    sdp = announcement(tracks)
    assert all(line[1:2] == b"=" for line in sdp.splitlines()) and sdp.count(b"\nm=") == len(tracks)
    whole = _publish(sdp, len(tracks), answered, lambda piece: [piece])
    assert _publish(sdp, len(tracks), answered, lambda piece: _cut(piece, 1)) == whole
    assert _publish(sdp, len(tracks), answered, lambda piece: _cut(piece, 7)) == whole


def _publish(sdp: bytes, tracks: int, data: bytes, cut: Callable[[bytes], list[bytes]]) -> list[PublisherEvent]:
    channels = [Interleaved(3 * place, 3 * place + 1 + len(data) % 2) for place in range(tracks)]
    publisher = RtspPublisher(_URL, _ADMIN, sdp, channels, lambda: "c")
    now = 0.0
    publisher.start(now)
    events = _take(publisher)
    publisher.connected(now)
    for part in _parts(data):
        before = len(events)
        now += 1.0
        if part == _LOSS:
            publisher.lost("end of file", now)
        elif part in _WAITS:
            now += _WAITS[part]
            publisher.due(now)
        else:
            for piece in cut(part):
                publisher.receive(piece, now)
                events += _take(publisher)
        events += _take(publisher)
        if any(isinstance(event, ConnectionWanted) for event in events[before:]):
            publisher.connected(now)
        ended = [event for event in events if isinstance(event, Failed | Finished)]
        assert len(ended) <= 1
        assert (publisher.deadline is None) == (bool(ended) or publisher.stage is Stage.RECORDING)
    failures = [event.failure for event in events if isinstance(event, Failed)]
    assert all(each.words.isprintable() and len(each.words) <= 200 for each in failures)
    assert "sEcret" not in repr(events) + repr(publisher.said)
    return events


def rtsp_directory(data: bytes) -> None:
    """Somebody asks the directory: any cut gives the same answers, and a camera's URL is given once."""
    whole = _asked([data])
    assert _asked(_cut(data, 1)) == whole
    assert whole.count(b"sEcret") <= 1 and whole.isascii()


def _asked(pieces: list[bytes]) -> bytes:
    directory = Directory(why=lambda place: f"held: {place}")
    directory.open("default/cam1", Secret("rtsp://admin:sEcret@10.0.0.1/"), lambda: None)
    talk, said = DirectoryTalk(directory.find), b""
    for piece in pieces:
        if not talk.is_over:
            talk.receive(piece)
            said += talk.data_to_send()
    return said


RTSP_TARGETS = (
    *(rtsp_messages, rtsp_challenges, rtsp_description, rtsp_pictures, rtsp_headers),
    *(rtsp_client, rtsp_publisher, rtsp_directory),
)
