"""Secrets of the configuration: as they are, or in files of their own.

A key is a secret by its type, `SecretText`; nothing here lists them. A file is given as `{file: /path}`, as the key's
variable with `_FILE` behind it, or as a credential of systemd that is called like the key (`$CREDENTIALS_DIRECTORY`,
systemd.exec(5)).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

MOST_BYTES = 64 << 10
"""No file of a secret is longer."""
_SUFFIX = "_file"
_FILE = "file"


class SecretSourceError(Exception):
    """Where a secret stands cannot be told, or there are two such places; the message is one line without it."""


def read_secret(name: str) -> str:
    """The secret in a file, without one line end behind it. Raises ValueError, one line without the content."""
    if not name.isprintable() or not Path(name).is_absolute():
        raise ValueError("expected the absolute path of a file with the secret")
    try:
        # A pipe would keep us waiting for whoever writes it.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError(f"{name}: is no regular file")
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{name}: cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise ValueError(f"{name}: is longer than {MOST_BYTES >> 10} KiB")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{name}: is no UTF-8 text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError(f"{name}: is empty")
    if any(character < " " and character != "\t" for character in text):
        raise ValueError(f"{name}: has more than one line, or control characters")
    return text


def _from_file(value: Any) -> Any:
    """What `{file: …}` stands for; everything else is left as it is."""
    if not isinstance(value, Mapping):
        return value
    name = value.get(_FILE)
    if len(value) != 1 or not isinstance(name, str):
        raise ValueError("expected the secret, or {file: /path/of/a/file}")
    return read_secret(name)


SecretText = Annotated[SecretStr, BeforeValidator(_from_file)]
"""A key that is a secret; `{file: /path}` is read when the configuration is."""


def is_secret(annotation: Any) -> bool:
    """Whether a key of this type holds a secret."""
    return annotation is SecretStr or any(is_secret(each) for each in get_args(annotation))


def secret_values(model: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[str, SecretStr]]:
    """Every secret that is set, with its key (`alerts.webhooks.0.url`)."""
    for name in type(model).model_fields:
        yield from _secrets_of(getattr(model, name), (*path, name))


def _secrets_of(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, SecretStr]]:
    if isinstance(value, SecretStr):
        yield ".".join(path), value
    elif isinstance(value, BaseModel):
        yield from secret_values(value, path)
    elif isinstance(value, Mapping | tuple | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, each in items:
            yield from _secrets_of(each, (*path, str(name)))


def from_environment(model: type[BaseModel], given: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """What the environment gives of a model, with its files of secrets and systemd's credentials as `{file: …}`.

    `document` is what the configuration file gives. Raises SecretSourceError for a secret that is given twice.
    """
    folded = _folded(model, given, ())
    for path, name in _credentials(model):
        _put(folded, path, name)
    for path, field, value in _raw_secrets(model, folded, ()):
        there = _at(document, path)
        if value is None or there is None or isinstance(value, Mapping) == isinstance(there, Mapping):
            continue
        default = field.get_default(call_default_factory=True)
        # The commented file repeats the defaults.
        if not isinstance(default, SecretStr) or there != default.get_secret_value():
            key = ".".join(path)
            raise SecretSourceError(
                f"{key}: is given as a value and as a file, by configuration and environment: keep one"
            )
    return folded


def dsn_of_environment() -> tuple[str, str] | None:
    """The DSN that wins over the configuration, and the variable that it comes from; None: there is none.

    Raises SecretSourceError.
    """
    plain, file = os.environ.get("PG_DSN"), os.environ.get("PG_DSN_FILE")
    if plain and file:
        raise SecretSourceError("PG_DSN: PG_DSN_FILE is set too: keep one")
    if not file:
        return ("PG_DSN", plain) if plain else None
    try:
        return "PG_DSN_FILE", read_secret(file)
    except ValueError as error:
        raise SecretSourceError(f"PG_DSN_FILE: {error}") from None


def _model_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model of a section, and whether there is a whole mapping of such."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    inner = [each for each in get_args(annotation) if isinstance(each, type) and issubclass(each, BaseModel)]
    return (inner[0], True) if inner else (None, False)


def _folded(model: type[BaseModel], given: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """With `token_file: x` as `token: {file: x}`."""
    folded: dict[str, Any] = {}
    files: dict[str, Any] = {}
    for name, value in given.items():
        field, key = model.model_fields.get(name), name.removesuffix(_SUFFIX)
        secret = model.model_fields.get(key) if field is None and key != name else None
        if secret is not None and is_secret(secret.annotation):
            files |= {key: {_FILE: value}} if value is not None else {}
            continue
        folded[name] = value
        inner, many = _model_of(field.annotation) if field is not None else (None, False)
        if inner is None or not isinstance(value, Mapping):
            continue
        folded[name] = (
            {
                each: _folded(inner, keys, (*path, name, each)) if isinstance(keys, Mapping) else keys
                for each, keys in value.items()
            }
            if many
            else _folded(inner, value, (*path, name))
        )
    for key in files:
        if folded.get(key) is not None:
            raise SecretSourceError(
                f"{'.'.join((*path, key))}: its variable is set, and the one with _FILE too: keep one"
            )
    return {**folded, **files}


def _raw_secrets(
    model: type[BaseModel], given: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], FieldInfo, Any]]:
    """Secrets of a document that is not validated yet, with their fields."""
    for name, value in given.items():
        field = model.model_fields.get(name)
        if field is None:
            continue
        inner, many = _model_of(field.annotation)
        if is_secret(field.annotation):
            yield (*path, name), field, value
        elif inner is not None and isinstance(value, Mapping):
            for each, keys in value.items() if many else (("", value),):
                if isinstance(keys, Mapping):
                    yield from _raw_secrets(inner, keys, (*path, name, *((each,) if many else ())))


def _credentials(model: type[BaseModel]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Credentials of systemd that are called like a key, and their files; others are somebody else's."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return
    try:
        names = sorted(each.name for each in Path(directory).iterdir())
    except OSError as error:
        raise SecretSourceError(f"CREDENTIALS_DIRECTORY: cannot be read: {error.strerror}") from None
    for name in names:
        path = tuple(name.split("."))
        if len(path) < 2 or path[0] not in model.model_fields:
            continue
        if not _names_a_secret(model, path):
            raise SecretSourceError(f"credential {ascii(name)[1:-1]}: there is no such key, or it is no secret")
        yield path, str(Path(directory).absolute() / name)


def _names_a_secret(model: type[BaseModel], path: tuple[str, ...]) -> bool:
    field = model.model_fields.get(path[0])
    if field is None:
        return False
    if len(path) == 1:
        return is_secret(field.annotation)
    inner, many = _model_of(field.annotation)
    rest = path[2:] if many else path[1:]
    return inner is not None and bool(rest) and _names_a_secret(inner, rest)


def _put(given: dict[str, Any], path: tuple[str, ...], file: str) -> None:
    key, place = ".".join(path), given
    for name in path[:-1]:
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            raise SecretSourceError(f"{key}: there is a credential for it, and another value in the environment")
    if place.get(path[-1]) is not None:
        raise SecretSourceError(f"{key}: its variable is set, and there is a credential for it too: keep one")
    place[path[-1]] = {_FILE: file}


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document
