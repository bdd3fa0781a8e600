"""Every operation of the HTTP interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Side
from restream.interfaces.documents.answers import (
    AcceptedDocument,
    Action,
    AliveDocument,
    ErrorDocument,
    NotReadyDocument,
    ReadyDocument,
    StuckDocument,
)
from restream.interfaces.documents.bulk import BulkDocument, BulkRequestDocument
from restream.interfaces.documents.camera_details import CameraDetailsDocument
from restream.interfaces.documents.cameras import CameraDocument, PhaseName
from restream.interfaces.documents.csv_table import MEDIA_TYPE
from restream.interfaces.documents.events import EventDocument, EventKind
from restream.interfaces.documents.host_document import HostDocument
from restream.interfaces.documents.nodes import NodesDocument
from restream.interfaces.documents.status import StatusDocument
from restream.interfaces.documents.streams import LatestStreamDocument, StreamsDocument
from restream.interfaces.documents.values import Whole, about, one_of
from restream.interfaces.documents.visionaire import VisionaireDocument
from restream.interfaces.http.api import MOST_EVENT_ID, MOST_EVENTS
from restream.interfaces.http.bulk import MOST_AT_ONCE
from restream.interfaces.http.live import MOST_GENERATION, TOPICS
from restream.interfaces.http.openapi.access_operations import ACCESS
from restream.interfaces.http.openapi.alert_operations import ALERTS
from restream.interfaces.http.openapi.incident_operations import INCIDENTS
from restream.interfaces.http.openapi.operation import CAMERA_ID, Answer, Operation, Parameter, json, some
from restream.interfaces.http.openapi.picture_operations import PICTURES
from restream.interfaces.http.openapi.report_operations import REPORTS
from restream.interfaces.http.openapi.row_operations import ROWS
from restream.interfaces.http.query import MOST_CAMERAS, MOST_OFFSET, SORTS


def _up_to(most: int, default: int, told: str = "") -> Any:
    """A whole number."""
    return Annotated[int, Meta(ge=0, le=most), about(told, default=default)]


_ETAG = Annotated[str, about("Of this version.", 'W/"9f3a01c2-4711"')]
_KNOWN = Parameter("If-None-Match", Annotated[str, about("The `ETag` of the version at hand.")], "header")

_FILTERS = (
    Parameter("health", Annotated[list[Health], about("Verdicts that are wanted.")]),
    Parameter("phase", Annotated[list[PhaseName], about("Phases that are wanted.")]),
    Parameter("fault", Annotated[list[Side], about("Fault sides that are wanted.")]),
    Parameter("site", Annotated[list[str], about('Whole names of sites; `"A, B"` is one, `""` is none.')]),
    Parameter("host", Annotated[list[str], about("Hosts of cameras that are wanted.")]),
    Parameter("type", Annotated[list[str], about("Types of cameras that are wanted.")]),
    Parameter("engine", Annotated[list[str], about("Engines that are wanted: `ffmpeg`, `relay`, `pull`.")]),
    Parameter("server", Annotated[list[str], about("Names of media servers that are wanted.")]),
    Parameter("node", Annotated[list[str], about("Names of services that are wanted.")]),
    Parameter("q", Annotated[str, about("Words, each of them in id, name, site, host, path or type; any case.")]),
    Parameter("sort", Annotated[str, one_of(SORTS), about("`-` before a name reverses it.", default="worst")]),
    Parameter("limit", _up_to(MOST_CAMERAS, MOST_CAMERAS)),
    Parameter("offset", _up_to(MOST_OFFSET, 0)),
)

_ACTIONS: Mapping[Action, tuple[str, str]] = {
    Action.RESTART: (
        "Start a camera's publisher again, at once",
        "A camera that waits for its next try does not wait.",
    ),
    Action.PROBE: (
        "Look at a camera",
        "A stream that runs goes on, a camera that waits is tried at once. The answer is `probe` of its details.",
    ),
    Action.HOLD: ("Stop a camera until further notice", "Kept until `release` or a restart of the service."),
    Action.RELEASE: ("Let go of a camera that is on hold", "It starts again."),
}

CAMERAS = (
    Operation(
        *("get", "/api/cameras", "listCameras", "Cameras in short, filtered, sorted and paged"),
        tag="cameras",
        parameters=(*_FILTERS, _KNOWN),
        answers={
            200: json(
                "One page. Worst first, unless `sort` says otherwise.",
                list[CameraDocument],
                **{"ETag": _ETAG, "X-Total-Count": Annotated[Whole, about("Cameras on all pages.", 60)]},
            ),
            304: Answer("Nothing has changed since the version named by `If-None-Match`.", {}, {"ETag": _ETAG}),
        },
        errors=some(400),
    ),
    Operation(
        *("get", "/api/cameras.csv", "exportCameras", "The same list as a file for spreadsheets"),
        "UTF-8, a line of titles first. A text that a spreadsheet would take for a formula begins with an apostrophe.",
        tag="cameras",
        parameters=_FILTERS,
        answers={
            200: Answer(
                "One page of the list.",
                {MEDIA_TYPE: None},
                {"Content-Disposition": str, "X-Total-Count": Annotated[Whole, about("Cameras on all pages.", 60)]},
            )
        },
        errors=some(400),
    ),
    Operation(
        *("get", "/api/cameras/{id}", "getCamera", "Everything that is known of a camera"),
        tag="cameras",
        parameters=(CAMERA_ID,),
        answers={200: json("The camera.", CameraDetailsDocument)},
        errors=some(400, 404),
    ),
    Operation(
        *("get", "/api/cameras/{id}/snapshot.jpg", "getStill", "A still picture of a camera"),
        "Taken from the media server, never from the camera; the same picture for everybody who asks within seconds.",
        tag="cameras",
        parameters=(CAMERA_ID,),
        answers={200: Answer("The picture.", {"image/jpeg": None})},
        errors=some(400, 404, 504) | {503: "There is nothing to see now; `error` says why."},
    ),
    *(
        Operation(
            *("post", f"/api/cameras/{{id}}/{action}", f"{action}Camera", *_ACTIONS[action]),
            access="write",
            tag="cameras",
            parameters=(CAMERA_ID,),
            answers={202: json("Accepted. What comes of it shows in `phase` and `verdict`.", AcceptedDocument)},
            errors=some(400, 404, 409, 502),
        )
        for action in Action
    ),
    Operation(
        *("post", "/api/actions", "actOnCameras", "Ask for something to be done with many cameras"),
        f"At most {MOST_AT_ONCE} at once. With `dry_run` nothing is done, and 200 tells what would be. Restarts and "
        "probes follow one another as admission has room for them.",
        access="write",
        tag="cameras",
        body=Annotated[BulkRequestDocument, about("", {"action": "probe", "cameras": ["1"], "dry_run": True})],
        answers={
            202: json("Accepted, as far as `outcomes` says. What comes of it shows in each camera.", BulkDocument),
            200: json("What would be done.", BulkDocument),
        },
        errors=some(400, 408) | {413: "The body is larger than 1 MiB."},
    ),
)

FLEET = (
    Operation(
        *("get", "/api/status", "getStatus", "Counts of cameras, components, and the service itself"),
        answers={200: json("The status.", StatusDocument)},
        errors=some(400),
    ),
    Operation(
        *("get", "/api/events", "listEvents", "What happened lately"),
        parameters=(
            Parameter("since", _up_to(MOST_EVENT_ID, 0, "Only events with a greater id.")),
            Parameter("camera", Annotated[str, about("Only events of this camera.")]),
            Parameter("kind", EventKind),
            Parameter("limit", _up_to(MOST_EVENTS, 100, "The newest so many.")),
        ),
        answers={200: json("Events, oldest first.", list[EventDocument])},
        errors=some(400),
    ),
    Operation(
        *("get", "/api/streams", "listStreams", "Every path of the media server"),
        answers={200: json("The paths.", StreamsDocument)},
        errors=some(400),
    ),
    Operation(
        *("get", "/api/streams/latest", "listLatestStreams", "The classic array of streams"),
        answers={
            200: json(
                'The streams; `{"error": "no data"}` until the media server has answered for the first time.',
                list[LatestStreamDocument] | ErrorDocument,
            )
        },
        errors=some(400),
    ),
    Operation(
        *("get", "/api/host", "getHost", "The host the service runs on"),
        answers={200: json("The latest measurement.", HostDocument)},
        errors=some(400) | {503: "The host has not been measured yet."},
    ),
    Operation(
        *("get", "/api/nodes", "listNodes", "The services that share the cameras"),
        answers={200: json("The nodes; none where this service has all cameras.", NodesDocument)},
        errors=some(400),
    ),
    Operation(
        *("get", "/api/visionaire", "getVisionaire", "Third-party stream servers and their streams"),
        answers={200: json("The servers of `visionaire.hosts`.", VisionaireDocument)},
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
            Parameter(
                "topics", Annotated[list[Annotated[str, one_of(TOPICS)]], about("Default: cameras, status, events.")]
            ),
            Parameter("instance", Annotated[str, about("Of the last message.")]),
            Parameter("generation", _up_to(MOST_GENERATION, 0, "Of the last message.")),
        ),
        answers={101: Answer("The WebSocket is open.")},
        errors=some(400, 403, 426) | {503: "Too many clients are listening."},
    ),
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
        answers={200: json("It is.", AliveDocument), 503: json("It is stuck: no cycle completes.", StuckDocument)},
    ),
    Operation(
        *("get", "/readyz", "isReady", "Is the service in operation"),
        access="open",
        tag="operation",
        answers={
            200: json("It is.", ReadyDocument),
            503: json("It is being started or stopped, or it is stuck.", NotReadyDocument),
        },
    ),
    Operation(
        *("get", "/openapi.json", "getOpenApi", "This description, for programs"),
        access="open",
        tag="operation",
        answers={200: json("OpenAPI 3.1.", dict)},
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
        parameters=(Parameter("file", Annotated[str, Meta(min_length=1), about("", "css/base.css")], "path"),),
        answers={200: Answer("The file.", {"*/*": None}), **_FILE},
        errors={404: "There is no such file."},
    ),
)

OPERATIONS = (*CAMERAS, *PICTURES, *FLEET, *INCIDENTS, *ALERTS, *REPORTS, *LIVE, *ACCESS, *ROWS, *OPERATION, *PAGE)
