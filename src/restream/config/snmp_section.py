"""A manager that is told by SNMP, as a receiver of alerts."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from restream.config.secret_files import SecretText
from restream.config.stream_sections import Section

PLAYPEN = "1.3.6.1.4.1.8072.9999.9999"
_OID = re.compile(r"1(\.(0|[1-9][0-9]{0,9})){5,30}")


class SnmpEntry(Section):
    """Where notifications are sent, and as whom."""

    address: str
    """`host:port`; without a port 162."""
    version: Literal["2c", "3"] = "2c"
    """3 with `user` and keys."""
    community: SecretText | None = None
    """Of version 2c; null: `public`, which is no secret."""
    user: str | None = Field(default=None, pattern=r"^[ -~]{1,32}$")
    """Of version 3."""
    auth: Literal["sha256", "sha512", "sha", "md5"] = "sha256"
    """Of version 3."""
    auth_key: SecretText | None = None
    """Of version 3, 8 characters at least; without one nothing is signed."""
    privacy: Literal["aes", "aes256", "des"] = "aes"
    """Of version 3."""
    privacy_key: SecretText | None = None
    """Of version 3, 8 characters at least; without one nothing is encrypted."""
    inform: bool = False
    """True: informs, which the manager confirms; false: traps, which may get lost."""
    oid: str = PLAYPEN
    """Below which the notifications are; the default is Net-SNMP's place for trying things out."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """An address alone is enough."""
        return {"address": value} if isinstance(value, str) else value

    @field_validator("version", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("address")
    @classmethod
    def _place(cls, value: str) -> str:
        host, colon, port = value.rpartition(":") if not value.endswith("]") else (value, "", "")
        host, port = (host, port) if colon else (value, "162")
        if not host or (":" in host and not host.startswith("[")) or any(each.isspace() for each in host):
            raise ValueError("expected host:port, like nms.example:162")
        if not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError("expected host:port, like nms.example:162")
        return f"{host}:{port}"

    @field_validator("oid")
    @classmethod
    def _numbers(cls, value: str) -> str:
        if not _OID.fullmatch(value) or any(int(each) >= 1 << 32 for each in value.split(".")):
            raise ValueError("expected an OID like 1.3.6.1.4.1.99999.1")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.version == "3") != (self.user is not None):
            raise ValueError("version 3 and user belong together")
        if self.privacy_key is not None and self.auth_key is None:
            raise ValueError("privacy_key needs auth_key")
        for key in (self.auth_key, self.privacy_key):
            if key is not None and len(key.get_secret_value()) < 8:
                raise ValueError("keys have 8 characters at least")
        return self
