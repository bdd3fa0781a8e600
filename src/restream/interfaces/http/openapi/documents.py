"""The schemas of everything that is no camera: status, streams, host, events, third-party streams, messages, errors."""

from __future__ import annotations

from collections.abc import Mapping

from restream.domain.host_sample import MemorySample, NetworkSample, ServiceSample, TemperatureSample
from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Cause, Side
from restream.domain.news.component import ComponentState
from restream.interfaces.http.api import ACTIONS, EVENT_KINDS
from restream.interfaces.http.openapi.cameras import SCHEMAS as CAMERA_SCHEMAS
from restream.interfaces.http.openapi.cameras import SERVER_PATH, SERVER_SIDE
from restream.interfaces.http.openapi.vocabulary import (
    Schema,
    choice,
    counts,
    flag,
    like,
    many,
    moment,
    named,
    nullable,
    number,
    record,
    schema,
    table,
    text,
    whole,
)
from restream.interfaces.http.query import PHASES

ERROR = record("Every error, in words for people.", error=text("", "there is no such camera"))

COMPONENT = record(
    "Something the service depends on.",
    state=choice(ComponentState, "", "up"),
    since=moment(),
    detail=text("What an operator should read about it."),
)

_HEAD: Mapping[str, Schema] = {
    "instance": text("Of this start of the service: generations of another one do not compare.", "9f3a01c2"),
    "generation": whole("Rises with every cycle.", 4711),
    "time": moment("Of the cycle."),
    "interval_s": number("Between two cycles.", 2),
}

STATUS = record(
    "The fleet and the service in one cycle.",
    node=text("`node.name`, else the name of the host.", "site-a"),
    version=text("", "0.1.0"),
    **_HEAD,
    uptime_s=number("", 86400.5),
    stopping=flag("", False),
    cameras=whole("", 60),
    health=counts(Health, "Cameras by health.", healthy=58, down=2),
    phase=counts(PHASES, "Cameras by phase.", running=58, backoff=2),
    fault=counts(Side, "Cameras by fault.", none=58, camera=2),
    start_queue=whole("Cameras that wait for admission."),
    observed=nullable(moment("When the media server last answered.")),
    components=table(named("Component"), "By name: `database`, `mediamtx`, and every store that is configured."),
)

LATEST_STREAM = record(
    "One path of the media server in the classic form. The last three are null when it is no SRT.",
    name=text("", "cam7"),
    sourceType=nullable(text("As the media server calls it.", "rtspSession")),
    tracks=many(text("", "H264")),
    bytesReceived=whole("", 1_234_567),
    readers=whole("", 1),
    rtt=nullable(number("Round trip (ms).")),
    recvRateMbps=nullable(number("Rate (Mbit/s).")),
    linkCapacityMbps=nullable(number("Capacity of the link (Mbit/s).")),
)

STREAMS = record(
    "Every path of the media server, those of no camera too.",
    fresh=flag("False: the media server does not answer, these are its last data.", True),
    observed=nullable(moment("When it last answered.")),
    streams=many(
        record(
            "",
            **SERVER_PATH["properties"],
            camera=nullable(text("Id of the camera it belongs to.", "7")),
            managed=flag("Whether it belongs to a camera.", True),
            bitrate_bps=nullable(whole("Between the last two answers.", 2_100_000)),
            moved=moment("When its byte counter last moved."),
            **SERVER_SIDE,
        )
    ),
)

_SPACE: Mapping[str, Schema] = {
    "total_bytes": whole("", 100 << 30),
    "used_bytes": whole("", 41 << 30),
    "percent": number("", 41.0),
}

HOST = record(
    "The host the service runs on. Percentages are 0 to 100 of all cores, of a process those of one core.",
    time=moment("Of the measurement."),
    cpu_percent=number("", 12.5),
    cores=whole("", 8),
    load=many(number("", 0.75), "Over 1, 5 and 15 minutes.", minItems=3, maxItems=3),
    memory=like(MemorySample(16 << 30, 6 << 30, 10 << 30, 37.5)),
    swap=record("", **_SPACE),
    disks=many(record("", mount=text("", "/"), **_SPACE)),
    network=many(
        like(NetworkSample("eth0", 12e6, 11e6, 0, 0)),
        "Rates since the time before; errors and drops in all.",
    ),
    temperatures=many(like(TemperatureSample("Package id 0", 61.0, 90.0))),
    publishers=record(
        "All publishers together.", processes=whole("", 58), cpu_percent=number("", 40.1), rss_bytes=whole("", 1 << 31)
    ),
    service=like(ServiceSample(4.5, 90 << 20, 210)),
)

EVENT = record(
    "Something that happened: to a camera's publisher (`camera`), to its verdict (`health`), to a component.",
    id=whole("Rises, also over restarts of the service.", 1767607240000),
    node=text("Where it happened.", "site-a"),
    at=moment(),
    kind=choice(EVENT_KINDS, "", "health"),
    camera=nullable(text("Id; null for a component.", "7")),
    name=text("Of the camera or component.", "Gate"),
    before=text("Phase, health, or state of the component.", "healthy"),
    after=text("Likewise; `restarted` when the media server began anew.", "down"),
    cause=nullable(text(f"Code of a reason, or one of {', '.join(f'`{cause}`' for cause in Cause)}.", "refused")),
    side=choice(Side, "Where it broke.", "camera"),
    detail=text("", "the camera's host refuses the connection"),
    hint=text("What to do."),
    retry_in_s=nullable(number()),
)

VISIONAIRE = record(
    "What third-party stream servers tell.",
    interval_s=number("", 60),
    hosts=many(
        record(
            "",
            host=text("", "10.0.0.5"),
            url=text("", "http://10.0.0.5:4004"),
            fresh=flag("False: it does not answer, these are its last data.", True),
            observed=nullable(moment()),
            age_s=nullable(number("", 12.5)),
            response_time_s=number("", 0.0213),
            errors_total=whole(),
            error=text(),
            streams=many(
                record(
                    "",
                    stream_id=text("", "a1"),
                    name=text("", "Gate"),
                    node_num=text("", "0"),
                    state=text("", "RUNNING"),
                    active=flag("", True),
                    up=flag("Active and running.", True),
                    fps=nullable(number("", 25)),
                    width=nullable(whole("", 1920)),
                    height=nullable(whole("", 1080)),
                    error=text(),
                )
            ),
        )
    ),
)

SESSION = record(
    "What whoever asks may do.",
    token_required=flag("Reading needs the token.", True),
    authenticated=flag("The request carries the token or a session.", True),
    may_write=flag("", True),
)

ACCEPTED = record("The action is accepted.", id=text("", "7"), action=choice(ACTIONS, "", "restart"))

_TOPICS: Mapping[str, Schema] = {
    "cameras": many(named("Camera")),
    "status": named("Status"),
    "events": many(named("Event")),
    "streams": many(named("LatestStream")),
}

SNAPSHOT = record(
    "The first message: everything. Keys of topics that were not asked for are missing.",
    (*_TOPICS, "host"),
    type=schema("string", const="snapshot"),
    **_HEAD,
    **_TOPICS,
    host=nullable(named("Host")),
)

DELTA = record(
    "Every later message: whole cameras that changed, ids of those that went, new events. Comes every `interval_s`.",
    (*_TOPICS, "host", "removed"),
    type=schema("string", const="delta"),
    **_HEAD,
    **_TOPICS,
    removed=many(text(), "Ids of cameras."),
    host=nullable(named("Host")),
)

SCHEMAS: Mapping[str, Schema] = {
    **CAMERA_SCHEMAS,
    "Status": STATUS,
    "Component": COMPONENT,
    "Streams": STREAMS,
    "LatestStream": LATEST_STREAM,
    "Host": HOST,
    "Event": EVENT,
    "Visionaire": VISIONAIRE,
    "Session": SESSION,
    "Accepted": ACCEPTED,
    "Snapshot": SNAPSHOT,
    "Delta": DELTA,
    "Error": ERROR,
}
