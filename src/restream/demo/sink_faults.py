"""What can go wrong at the stand-in media server."""

from enum import StrEnum


class SinkFault(StrEnum):
    """One thing at a time; publishers that are already live go on, except under STOP_READING."""

    NONE = "none"
    REFUSE_401 = "refuse_401"
    REFUSE_400 = "refuse_400"
    REFUSE_503 = "refuse_503"
    HANG_ANNOUNCE = "hang_announce"
    STOP_READING = "stop_reading"
    API_HANG = "api_hang"


REFUSALS = {SinkFault.REFUSE_401: 401, SinkFault.REFUSE_400: 400, SinkFault.REFUSE_503: 503}
