"""The identity provider of the configuration that is in force."""

from __future__ import annotations

from collections.abc import Callable

from restream.adapters.oidc_provider import OidcProvider
from restream.config.oidc_section import OidcSection
from restream.config.settings import Settings
from restream.domain.camera.secret import Secret


def oidc_provider(section: OidcSection) -> OidcProvider:
    """Nothing is asked of it yet."""
    secret = Secret(section.client_secret.get_secret_value()) if section.client_secret is not None else None
    return OidcProvider(section.issuer, section.client_id, secret, scopes=section.scopes, trust=section.trust)


class ProviderInForce:
    """Another one as soon as the configuration is another."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._made: tuple[OidcSection, OidcProvider] | None = None

    def __call__(self) -> OidcProvider | None:
        """None: there is none."""
        section = self._settings().api.oidc
        if section is None:
            return None
        if self._made is None or self._made[0] != section:
            self._made = section, oidc_provider(section)
        return self._made[1]

    async def close(self) -> None:
        """Never raises."""
        if self._made is not None:
            await self._made[1].close()
