"""The configuration's secrets as parts of the running service hold them: SIGHUP replaces them in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from restream.config.addresses import without_login
from restream.config.secret_files import secret_values
from restream.config.settings import Settings
from restream.domain.camera.secret import ReplaceableSecret, Secret


class SecretsInUse:
    """By key, as `secret_values` has them (`redis.url`)."""

    def __init__(self, settings: Settings) -> None:
        self._held = {key: ReplaceableSecret(each.get_secret_value()) for key, each in secret_values(settings)}

    def of(self, key: str) -> Secret | None:
        """What whoever holds it uses from now on, whatever it becomes; None: there was none at the start."""
        return self._held.get(key)

    def adopt(self, settings: Settings) -> None:
        """The new ones are used by whoever asks next. Another place of an address waits for the next start."""
        found = dict(secret_values(settings))
        for key, held in self._held.items():
            new = found.get(key)
            if new is not None and without_login(SecretStr(held.reveal())) == without_login(new):
                held.replace(new.get_secret_value())


def lasting(value: Any) -> Any:
    """What of a section or a value of the configuration stays when its secrets are replaced; only for comparisons."""
    if isinstance(value, SecretStr):
        return without_login(value)
    if isinstance(value, BaseModel):
        return {name: lasting(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {name: lasting(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [lasting(each) for each in value]
    return value
