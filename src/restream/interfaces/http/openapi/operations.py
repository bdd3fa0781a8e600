"""Every operation of the HTTP interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Side
from restream.interfaces.http.api import ACTIONS, EVENT_KINDS, MOST_EVENT_ID, MOST_EVENTS, Action
from restream.interfaces.http.live import MOST_GENERATION, TOPICS
from restream.interfaces.http.openapi.operation import Answer, Operation, Parameter, json, some
from restream.interfaces.http.openapi.vocabulary import choice, many, named, number, record, schema, text, whole
from restream.interfaces.http.query import MOST_CAMERAS, MOST_OFFSET, PHASES, SORTS

_ETAG = text("Of this version.", 'W/"9f3a01c2-4711"')
_ID = Parameter("id", text("Id of a camera.", "1", minLength=1), "path")
_KNOWN = Parameter("If-None-Match", text("The `ETag` of the version at hand."), "header")

_FILTERS = (
    Parameter("health", many(choice(Health), "Verdicts that are wanted.")),
    Parameter("phase", many(choice(PHASES), "Phases that are wanted.")),
    Parameter("fault", many(choice(Side), "Fault sides that are wanted.")),
    Parameter("site", many(text(), "Sites that are wanted, whole names.")),
    Parameter("host", many(text(), "Hosts of cameras that are wanted.")),
    Parameter("q", text("Searched in id, name, site, host, path and type; any case.")),
    Parameter("sort", choice(SORTS, "`-` before a name reverses it.") | {"default": "worst"}),
    Parameter("limit", whole("", maximum=MOST_CAMERAS, default=MOST_CAMERAS)),
    Parameter("offset", whole("", maximum=MOST_OFFSET, default=0)),
)

_ACTIONS: Mapping[Action, tuple[str, str]] = {
    "restart": ("Start a camera's publisher again, at once", "A camera that waits for its next try does not wait."),
    "probe": ("Look at a camera anew", "What was known of its codecs is forgotten; then it is started again."),
    "hold": ("Stop a camera until further notice", "Kept until `release` or a restart of the service."),
    "release": ("Let go of a camera that is on hold", "It starts again."),
}

CAMERAS = (
    Operation(
        *("get", "/api/cameras", "listCameras", "Cameras in short, filtered, sorted and paged"),
        tag="cameras",
        parameters=(*_FILTERS, _KNOWN),
        answers={
            200: json(
                "One page. Worst first, unless `sort` says otherwise.",
                many(named("Camera")),
                **{"ETag": _ETAG, "X-Total-Count": whole("Cameras on all pages.", 60)},
            ),
            304: Answer("Nothing has changed since the version named by `If-None-Match`.", {}, {"ETag": _ETAG}),
        },
        errors=some(400),
    ),
    Operation(
        *("get", "/api/cameras/{id}", "getCamera", "Everything that is known of a camera"),
        tag="cameras",
        parameters=(_ID,),
        answers={200: json("The camera.", named("CameraDetails"))},
        errors=some(400, 404),
    ),
    Operation(
        *("get", "/api/cameras/{id}/snapshot.jpg", "getStill", "A still picture of a camera"),
        "Taken from the media server, never from the camera; the same picture for everybody who asks within seconds.",
        tag="cameras",
        parameters=(_ID,),
        answers={200: Answer("The picture.", {"image/jpeg": None})},
        errors=some(400, 404, 504) | {503: "There is nothing to see now; `error` says why."},
    ),
    *(
        Operation(
            *("post", f"/api/cameras/{{id}}/{action}", f"{action}Camera", *_ACTIONS[action]),
            access="write",
            tag="cameras",
            parameters=(_ID,),
            answers={202: json("Accepted. What comes of it shows in `phase` and `verdict`.", named("Accepted"))},
            errors=some(400, 404, 409),
        )
        for action in ACTIONS
    ),
)

FLEET = (
    Operation(
        *("get", "/api/status", "getStatus", "Counts of cameras, components, and the service itself"),
        answers={200: json("The status.", named("Status"))},
        errors=some(400),
    ),
    Operation(
        *("get", "/api/events", "listEvents", "What happened lately"),
        parameters=(
            Parameter("since", whole("Only events with a greater id.", maximum=MOST_EVENT_ID, default=0)),
            Parameter("camera", text("Only events of this camera.")),
            Parameter("kind", choice(EVENT_KINDS)),
            Parameter("limit", whole("The newest so many.", maximum=MOST_EVENTS, default=100)),
        ),
        answers={200: json("Events, oldest first.", many(named("Event")))},
        errors=some(400),
    ),
    Operation(
        *("get", "/api/streams", "listStreams", "Every path of the media server"),
        answers={200: json("The paths.", named("Streams"))},
        errors=some(400),
    ),
    Operation(
        *("get", "/api/streams/latest", "listLatestStreams", "The classic array of streams"),
        answers={
            200: json(
                'The streams; `{"error": "no data"}` until the media server has answered for the first time.',
                {"oneOf": [many(named("LatestStream")), named("Error")]},
            )
        },
        errors=some(400),
    ),
    Operation(
        *("get", "/api/host", "getHost", "The host the service runs on"),
        answers={200: json("The latest measurement.", named("Host"))},
        errors=some(400) | {503: "The host has not been measured yet."},
    ),
    Operation(
        *("get", "/api/visionaire", "getVisionaire", "Third-party stream servers and their streams"),
        answers={200: json("The servers of `visionaire.hosts`.", named("Visionaire"))},
        errors=some(400),
    ),
)

LIVE = (
    Operation(
        *("get", "/ws", "follow", "Follow the fleet over a WebSocket"),
        "JSON text messages: one `Snapshot`, then a `Delta` per cycle. With `instance` and `generation` of the last "
        "message it continues there, if it can, with a `Delta`. Close code 1013: read too slowly, or the service ends.",
        tag="live",
        parameters=(
            Parameter("topics", many(choice(TOPICS), "Default: cameras, status, events.")),
            Parameter("instance", text("Of the last message.")),
            Parameter("generation", whole("Of the last message.", maximum=MOST_GENERATION, default=0)),
        ),
        answers={101: Answer("The WebSocket is open.")},
        errors=some(400, 403, 426) | {503: "Too many clients are listening."},
    ),
)

ACCESS = (
    Operation(
        *("get", "/api/session", "getSession", "What whoever asks may do"),
        access="open",
        tag="access",
        answers={200: json("The session.", named("Session"))},
    ),
    Operation(
        *("post", "/api/login", "login", "Exchange the token for a cookie"),
        "For browsers: the cookie holds 12 h, and scripts cannot read it.",
        access="open",
        tag="access",
        body=record("", token=text("`http.token`.", "the token")) | {"additionalProperties": True},
        answers={204: Answer("Logged in.", {}, {"Set-Cookie": text()})},
        errors=some(403, 408, 413, 429) | {400: "The body is not as expected.", 401: "This is not the token."},
    ),
    Operation(
        *("post", "/api/logout", "logout", "Forget the cookie"),
        access="open",
        tag="access",
        answers={204: Answer("Logged out.", {}, {"Set-Cookie": text()})},
        errors=some(403),
    ),
)

_SILENT_S = number("For how long no cycle has completed (s); only where it is stuck.", 12.5)
_STUCK = json(
    "It is stuck: no cycle completes.", record("", status=schema("string", const="stuck"), silent_s=_SILENT_S)
)

OPERATION = (
    Operation(
        *("get", "/metrics", "getMetrics", "Metrics for Prometheus"),
        "docs/metrics.md lists them. Also on `metrics.port`.",
        tag="operation",
        answers={200: Answer("The metrics, all of one cycle.", {"text/plain": None})},
    ),
    Operation(
        *("get", "/livez", "isAlive", "Is the service alive"),
        "It is as long as cycles complete, at least one in three intervals (`mediamtx.interval_s`).",
        access="open",
        tag="operation",
        answers={200: json("It is.", record("", status=schema("string", const="alive"))), 503: _STUCK},
    ),
    Operation(
        *("get", "/readyz", "isReady", "Is the service in operation"),
        access="open",
        tag="operation",
        answers={
            200: json("It is.", record("", status=schema("string", const="ready"))),
            503: json(
                "It is being started or stopped, or it is stuck.",
                record("", ["silent_s"], status=choice(("starting", "stopping", "stuck")), silent_s=_SILENT_S),
            ),
        },
    ),
    Operation(
        *("get", "/openapi.json", "getOpenApi", "This description, for programs"),
        access="open",
        tag="operation",
        answers={200: json("OpenAPI 3.1.", schema("object"))},
    ),
)

_FILE = {
    304: Answer("The file has not changed."),
    206: Answer("The part that was asked for.", {"*/*": None}),
    412: Answer("The file has changed."),
    416: Answer("There is no such part."),
}

PAGE = (
    Operation(
        *("get", "/", "getPage", "The operators' page"),
        access="open",
        tag="page",
        answers={200: Answer("The page.", {"text/html": None}), **_FILE},
    ),
    Operation(
        *("get", "/static/{file}", "getFile", "The files of the page"),
        access="open",
        tag="page",
        parameters=(Parameter("file", text("", "css/base.css", minLength=1), "path"),),
        answers={200: Answer("The file.", {"*/*": None}), **_FILE},
        errors={404: "There is no such file."},
    ),
)

OPERATIONS: Sequence[Operation] = (*CAMERAS, *FLEET, *LIVE, *ACCESS, *OPERATION, *PAGE)
