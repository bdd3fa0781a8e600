"""The operations on what a camera has shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from restream.interfaces.documents.pictures import PicturesDocument
from restream.interfaces.documents.values import about
from restream.interfaces.http.openapi.operation import CAMERA_ID, Answer, Operation, Parameter, json, some

PICTURES: Sequence[Operation] = (
    Operation(
        *("get", "/api/cameras/{id}/pictures", "getPictures", "What the pictures of a camera have shown"),
        "Where `pictures.enabled` is set a key frame of every camera is looked at now and then.",
        tag="cameras",
        parameters=(CAMERA_ID,),
        answers={200: json("What was found, and the pictures that are kept.", PicturesDocument)},
        errors=some(400, 404, 503),
    ),
    Operation(
        *("get", "/api/cameras/{id}/pictures/{picture}.jpg", "getPicture", "A picture of a camera that is kept"),
        tag="cameras",
        parameters=(CAMERA_ID, Parameter("picture", Annotated[str, about("Its name.", "1767607240000")], "path")),
        answers={200: Answer("The picture.", {"image/jpeg": None})},
        errors=some(400, 404, 503),
    ),
    Operation(
        *(
            "post",
            "/api/cameras/{id}/pictures/accept",
            "acceptPicture",
            "Say that a camera's picture is right as it is",
        ),
        "The last picture is what others are compared with from now on; what was found in it ends.",
        access="write",
        tag="cameras",
        parameters=(CAMERA_ID,),
        answers={200: json("What is known of its pictures now.", PicturesDocument)},
        errors=some(400, 404, 409, 503),
    ),
)
