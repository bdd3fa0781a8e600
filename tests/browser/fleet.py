"""Simulated cameras for the page: deterministic, and as varied as a real fleet."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from restream.domain.life.cause import Cause

Document = dict[str, Any]

SITES = ("North gate", "Main building", "Warehouse A", "Warehouse B", "Parking", "Laboratory", "Canteen", "Power plant")
PLACES = ("Entrance", "Corridor", "Loading dock", "Stairs", "Roof", "Fence", "Lift", "Ramp", "Server room", "Yard")
TYPES = ("HIKVISION", "DAHUA", "COMMON", "TRASSIR", "VEI")


def stamp(at: datetime) -> str:
    """As the service writes times."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(seconds: float) -> str:
    return stamp(datetime.now(UTC) - timedelta(seconds=seconds))


def verdict(health: str, fault: str = "none", code: str = "", since_s: float = 600, **numbers: Any) -> Document:
    """A verdict as the API has it; texts and hints are those of the service where it has them."""
    facts = Cause(code).facts if code in set(Cause) else None
    text = numbers.pop("text", facts.text if facts else code.replace("_", " "))
    reasons = [{"code": code, "text": text, **numbers}] if code else []
    hint = facts.hint if facts else ""
    return {"health": health, "fault": fault, "reasons": reasons, "hint": hint, "since": ago(since_s)}


def failed(cause: Cause, since_s: float = 600) -> Document:
    return verdict("down", cause.facts.side, cause, since_s)


def camera(number: int, **changes: Any) -> Document:
    """A healthy camera."""
    dice = random.Random(number)
    site = SITES[number // 16 % len(SITES)]
    return {
        "id": str(number),
        "name": f"{PLACES[number % len(PLACES)]} {number // len(PLACES) + 1}",
        "site": site,
        "host": f"10.{number // 4096}.{number // 16 % 256}.{10 + number % 16 // 8}",
        "camera_type": TYPES[number // 16 % len(TYPES)],
        "path": f"cam{number}",
        "media_server": "default",
        "node": "site-a",
        "engine": "ffmpeg",
        "phase": "running",
        "since": ago(dice.randint(100, 90_000)),
        "verdict": verdict("healthy", since_s=dice.randint(100, 90_000)),
        "detail": "",
        "restarts": dice.choice((0, 0, 0, 1, 2)),
        "failures": 0,
        "next_retry": None,
        "video": "h264",
        "audio": dice.choice(("aac", None)),
        "bitrate_bps": dice.randint(800_000, 6_000_000),
        "readers": dice.choice((0, 0, 1, 1, 2, 5)),
        "rtt_ms": None,
        "loss_ratio": None,
    } | changes


_DEAD: Document = {"bitrate_bps": None, "readers": None, "video": None, "audio": None}


def down(number: int, cause: Cause, since_s: float = 600, **changes: Any) -> Document:
    held = cause is Cause.AUTH_FAILED
    more = {"phase": "held" if held else "backoff", "failures": 3, "next_retry": ago(-240 if not held else -800)}
    return camera(number, verdict=failed(cause, since_s), **(_DEAD | more | changes))


def fleet(count: int) -> dict[str, Document]:
    """`count` cameras, a few in a hundred of them in trouble of every kind; a recorder with 8 of them is away."""
    cameras = [camera(number) for number in range(1, count + 1)]
    troubles = [
        lambda n: down(n, Cause.AUTH_FAILED, 7200),
        lambda n: down(n, Cause.NOT_FOUND, 86_000),
        lambda n: down(n, Cause.REFUSED, 300),
        lambda n: down(n, Cause.TIMEOUT, 55),
        lambda n: down(n, Cause.STALLED, 12),
        lambda n: camera(n, verdict=verdict("degraded", "network", "srt_loss", 90, ratio_10s=0.034, ratio_60s=0.02)),
        lambda n: camera(
            n, verdict=verdict("degraded", "camera", "bitrate_low", 900, bitrate_bps=210_000, usual_bps=2_400_000)
        ),
        lambda n: camera(n, verdict=verdict("degraded", "camera", "restarts", 400, restarts_1h=7), restarts=31),
        lambda n: camera(n, verdict=verdict("unknown", "none", "starting", 4), phase="starting", **_DEAD),
        lambda n: camera(n, verdict=verdict("disabled", "none", "disabled", 80_000), phase="disabled", **_DEAD),
    ]
    for position, index in enumerate(range(2, count, max(3, min(count // 20, 61)))):
        cameras[index] = troubles[position % len(troubles)](index + 1)
    # One recorder is one host: its eight cameras fail together.
    for number in range(32, min(40, count + 1)):
        cameras[number - 1] = down(number, Cause.UNREACHABLE, 130)
    return {each["id"]: each for each in cameras}


def host() -> Document:
    return {
        "time": ago(1),
        "cpu_percent": 37.5,
        "cores": 16,
        "load": [5.2, 4.9, 4.4],
        "memory": {"total_bytes": 64 << 30, "used_bytes": 23 << 30, "available_bytes": 41 << 30, "percent": 36.0},
        "swap": {"total_bytes": 8 << 30, "used_bytes": 0, "percent": 0.0},
        "disks": [
            {"mount": "/", "total_bytes": 100 << 30, "used_bytes": 41 << 30, "percent": 41.0},
            {"mount": "/archive", "total_bytes": 4 << 40, "used_bytes": (4 << 40) * 88 // 100, "percent": 88.0},
        ],
        "network": [
            {"interface": "eth0", "received_bps": 812_000_000, "sent_bps": 640_000_000, "errors": 0, "drops": 12}
        ],
        "temperatures": [{"sensor": "Package id 0", "celsius": 61.0, "high_celsius": 90.0}],
        "publishers": {"processes": 480, "cpu_percent": 310.0, "rss_bytes": 9 << 30},
        "service": {"cpu_percent": 9.3, "rss_bytes": 180 << 20, "open_files": 2140},
    }


def look(**changes: Any) -> Document:
    """The last look at a camera that answers."""
    said = ("401 Unauthorized", "200 OK")
    steps = [
        {"stage": "describe", "request": "DESCRIBE", "answer": f"RTSP/1.0 {each}", "took_s": 0.012} for each in said
    ]
    return {
        "by": "rtsp",
        "at": ago(125),
        "took_s": 0.031,
        "cause": None,
        "detail": "",
        "steps": steps,
        "choice": ["track 0 (video H264) is taken", "track 1 (audio PCMU) is left alone: it is not the first audio"],
        "login": ["SHA-256", "MD5"],
        "software": "Camera 1.0",
        "clock_offset_s": -3605.0,
    } | changes


def details(summary: Document) -> Document:
    """`GET /api/cameras/{id}` of a camera."""
    running = summary["phase"] == "running"
    path, dice = summary["path"], random.Random(summary["id"])
    health = summary["verdict"]["health"]
    steps = range(360)
    usual = summary["bitrate_bps"]
    bitrate = [round(usual * dice.uniform(0.9, 1.1)) if usual and step > 40 else None for step in steps]
    window = {"uptime_ratio": 0.99312 if running else 0.871, "restarts": 3, "flaps": 2, "longest_outage_s": 184.0}
    command = ["ffmpeg", "-hide_banner", "-rtsp_transport", "tcp", "-f", "concat", "-i", "pipe:0", "-c", "copy"]
    return summary | {
        "row": {
            "id": summary["id"],
            "name": summary["name"],
            "site": summary["site"],
            "camera_type": summary["camera_type"],
            "source": f"rtsp://***:***@{summary['host']}:554/Streaming/Channels/101",
            "enabled": True,
            "options": {},
        },
        "media": {
            "video": {"codec": "h264", "width": 1920, "height": 1080, "fps": 25.0, "profile": "Main"},
            "audio": {"codec": "aac", "sample_rate_hz": 16000, "channels": 1} if summary["audio"] else None,
        }
        if running
        else None,
        "probe": look() if running else None,
        "probing": False,
        "command": [*command, "-f", "rtsp", f"rtsp://127.0.0.1:8554/{path}"] if running else None,
        "command_stdin": f"ffconcat version 1.0\nfile 'rtsp://***:***@{summary['host']}:554/'" if running else None,
        "command_reasons": ["video h264 is copied: RTSP carries it"] if running else [],
        "pid": 4242 if running else None,
        "process": {"cpu_percent": 1.2, "rss_bytes": 21 << 20} if running else None,
        "progress": None,
        "stream": None,
        "players": {
            "rtsp": f"rtsp://127.0.0.1:8554/{path}",
            "hls": f"http://127.0.0.1:8888/{path}/",
            "webrtc": f"http://127.0.0.1:8889/{path}/",
            "srt": f"srt://127.0.0.1:8890?streamid=read:{path}",
        },
        "server": {"path": {"inbound_bytes": 812_345_678}, "srt": None, "publisher": {"remote_address": "127.0.0.1:1"}}
        if running
        else None,
        "availability": {"1h": window | {"known_s": 3600.0}, "24h": window | {"known_s": 86_400.0}},
        "timeline": [
            {"since": ago(80_000), "health": "healthy"},
            {"since": ago(52_000), "health": "down"},
            {"since": ago(50_500), "health": "healthy"},
            {"since": ago(30_000), "health": "degraded"},
            {"since": ago(24_000), "health": "healthy"},
            {"since": summary["verdict"]["since"], "health": health},
        ],
        "history": {
            "step_s": 10,
            "until": ago(0),
            "bitrate_bps": bitrate,
            "readers": [1 + step // 90 if running else None for step in steps],
            "rtt_ms": None,
            "loss_ratio": None,
            "camera_loss_ratio": None,
            "jitter_s": None,
            "fps": None,
            "key_frame_s": None,
        },
        "stderr_tail": [] if running else ["[rtsp @ 0x5581] method DESCRIBE failed: 401 Unauthorized", "pipe:0: error"],
    }


def node(name: str, **changes: Any) -> Document:
    """One of the services that share the cameras."""
    known: Document = {
        "name": name,
        "state": "alive",
        "heard": ago(1),
        "lease_s": 8.0,
        "cameras": 30,
        "shown": 30,
        "health": {"healthy": 29, "down": 1},
        "down": ["redis"],
        "room": None,
        "weight": 1.0,
        "sites": ["North"],
        "version": "0.1.0",
        "cpu_percent": 37.5,
        "memory_percent": 42.0,
        "url": None,
        "problem": "",
    }
    return known | changes
