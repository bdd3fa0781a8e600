"""What is fuzzed of pictures: the answers of the process that decodes, and what was stored of a camera's past."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec

from restream.adapters.pictures.messages import FromPictureWorker, PictureDone
from restream.domain.pictures.measure import PictureMeasure
from restream.domain.pictures.memory import PictureMemory

_ANSWERS = msgspec.msgpack.Decoder(FromPictureWorker)


def picture_answers(data: bytes) -> None:
    """As of a worker that hostile bytes have taken over."""
    try:
        answer = _ANSWERS.decode(data)
    except msgspec.DecodeError:
        return
    if isinstance(answer, PictureDone):
        _judge(PictureMemory(), PictureMeasure.from_mapping(answer.measure))


def picture_memory(data: bytes) -> None:
    """As of a store that somebody else has written."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    memory = PictureMemory.from_mapping(document)
    stored = json.dumps(memory.to_mapping())
    assert json.dumps(PictureMemory.from_mapping(json.loads(stored)).to_mapping()) == stored
    _judge(memory, memory.last)


def _judge(memory: PictureMemory, measure: PictureMeasure | None) -> None:
    if measure is None:
        return
    for _ in range(3):
        memory = memory.observe(measure, moving_bytes=True)
        assert all(each.numbers for each in memory.findings)
    json.dumps(memory.accept(measure).to_mapping())


PICTURE_TARGETS: tuple[Callable[[bytes], None], ...] = (picture_answers, picture_memory)
