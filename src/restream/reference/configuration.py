"""The configuration model as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from restream.config.settings import FIXED, Settings
from restream.interfaces.http.openapi.schema import Schema
from restream.reference.table import cell, table

_HEAD = """\
# Configuration

Made by `python -m restream.reference` from the model that validates the configuration.

`etc/restream.yml` has every key with its default; `restream config` prints it. Any key can be overridden by its \
variable in the environment: an empty value means null, lists and mappings are written as JSON. `PG_DSN` wins over \
everything that names the database. An unknown key or a bad value is one line that names it, and exit code 2.

The file is the first of these: `--config FILE`, `$RESTREAM_CONFIG`, `etc/restream.yml`, \
`/etc/restream/restream.yml`; where there is none, the defaults hold. One that is named must be there. \
`restream check` says which was taken.

| | in a checkout | with a wheel |
|---|---|---|
| `etc/restream.yml` stands in | the checkout | the working directory |
| relative paths start at | the checkout | the directory of the file that was taken, or the one above where that is \
called `etc`; without a file the working directory |
| `etc/camera_types.yml`, `etc/restream_log.conf` are | those of the checkout | beside the file that was taken, else \
in `etc/` where relative paths start, else built in |

SIGHUP (`systemctl reload restream`) re-reads the file and the rest of the configuration; changes of keys marked \
**restart** take effect only at the next start of the service. A file that cannot be used changes nothing.

A *secret* may stand in a file of its own, so that it is in no environment, no unit and no `docker inspect`:

- in the file `token: {file: /run/secrets/token}`, also inside of `mediamtx.servers`, `alerts.webhooks` \
and `alerts.receivers`;
- in the environment the variable of the key with `_FILE` behind it, e.g. \
`export RESTREAM_HTTP__TOKEN_FILE=/run/secrets/token`, and `PG_DSN_FILE`;
- under systemd a credential that is called like the key: `LoadCredential=http.token:/etc/restream/http.token`.

The path is absolute. One line end behind the secret is no part of it. A file that is empty, longer than 64 KiB, of \
several lines, no UTF-8, or cannot be read is one line and exit code 2; so is a secret that is given as a value and as \
a file. Passwords of databases and Redis may stand beside their address, in `password`, as they are; inside of an \
address `@ / # ? %` are written as `%40 %2F %23 %3F %25`.

SIGHUP reads these files again, and a password that has changed is used without a restart, also where the key is \
marked **restart** (what is marked is its place: host, port, database, whether there is one at all):

| secret | used |
|---|---|
| `database`, `nodes`, `redis`: user and password | by the next connection; those that are there are left alone |
| `http.token`, `api.session_key` | at once; sessions of browsers end |
| `pull.token` | at once; it stands in `mediamtx.yml` too |
| `api.tokens`, `api.users` | at once; who comes and goes too; sessions of who went end |
| `influx.token`, `alerts.webhooks`, `alerts.receivers`, `smtp.password` | by the next message |
| `mediamtx`: `api_password`, `read_password` | at once |
| `mediamtx.publish_password` | at the next start of each publisher; streams go on |

Names end in units: `_s` seconds, `_ratio` and `_share` shares of one."""
_LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def configuration_page() -> str:
    """Markdown."""
    return "\n\n".join(_blocks()) + "\n"


def _blocks() -> Iterator[str]:
    yield _HEAD
    schema = Settings.model_json_schema()
    for name, info in Settings.model_fields.items():
        section = type(info.default)
        yield f"## {name}\n\n{section.__doc__}"
        keys = _keys((name,), section, resolved(schema["properties"][name], schema), schema)
        yield table(("key", "type", "default", "variable", "re-read", ""), keys)


def _keys(path: tuple[str, ...], model: type[BaseModel], known: Schema, schema: Schema) -> Iterator[list[str]]:
    """A line per key; the keys of a model inside follow as `outer.inner`."""
    for key, info in model.model_fields.items():
        here, told = (*path, key), known["properties"][key]
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _keys(here, inner, resolved(told, schema), schema)
            continue
        yield [
            f"`{'.'.join(here[1:])}`",
            kind(told, schema),
            f"`{json.dumps(shown(info), ensure_ascii=False)}`",
            f"`RESTREAM_{'__'.join(here).upper()}`",
            "**restart**" if fixed(*here[:2]) else "SIGHUP",
            cell(info.description or ""),
        ]


def fixed(section: str, key: str) -> bool:
    """Whether a change acts only at the next start of the service."""
    keys = FIXED.get(section, ())
    return keys is None or key in keys


def shown(info: FieldInfo) -> Any:
    """The default, as YAML and JSON have it."""
    default = info.get_default(call_default_factory=True)
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    plain = default is None or isinstance(default, bool | int | float | str | list | dict)
    return default if plain else list(default) if isinstance(default, tuple) else str(default)


def kind(told: Schema, schema: Schema) -> str:
    """The type in words, with its limits."""
    told = resolved(told, schema)
    if "anyOf" in told:
        return " or ".join(kind(each, schema) for each in told["anyOf"])
    if "enum" in told:
        return ", ".join(f"`{value}`" for value in told["enum"])
    if told["type"] == "array":
        return f"array of {kind(told['items'], schema)}"
    if told.get("format") == "password":
        return "secret"
    limits = ", ".join(f"{sign} {told[limit]}" for limit, sign in _LIMITS.items() if limit in told)
    return f"{told['type']} ({limits})" if limits else str(told["type"])


def resolved(told: Schema, schema: Schema) -> Schema:
    """A schema, or what it refers to."""
    name = told.get("$ref", "").rpartition("/")[2]
    found: Schema = schema["$defs"][name] if name else told
    return found
