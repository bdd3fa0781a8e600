"""Alerts as letters to people."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from restream.domain.news.alert import Alert, AlertError
from restream.ports.mail import Letter, Mailer, MailError

_REMEMBERED = 200


class MailReceiver:
    """Sends one letter an alert; who has got it does not get it again when others were refused for a while."""

    def __init__(
        self,
        name: str,
        mailer: Mailer,
        to: tuple[str, ...],
        write: Callable[[Alert, str], Awaitable[Letter]],
    ) -> None:
        self._name, self._mailer, self._to, self._write = name, mailer, to, write
        self._left: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    @property
    def name(self) -> str:
        """As configured."""
        return self._name

    async def send(self, alert: Alert, delivery: str) -> None:
        """One try. Raises AlertError."""
        to = self._left.pop(delivery, self._to)
        try:
            refused = await self._mailer.send(await self._write(alert, delivery), to)
        except MailError as error:
            self._remember(delivery, to)
            raise AlertError(str(error), passing=error.passing) from None
        if not refused:
            return
        again = tuple(address for address, error in refused.items() if error.passing)
        text = "; ".join(f"{address}: {error}" for address, error in refused.items())
        if again:
            self._remember(delivery, again)
        raise AlertError(text, passing=bool(again))

    def _remember(self, delivery: str, to: tuple[str, ...]) -> None:
        self._left[delivery] = to
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)

    async def close(self) -> None:
        """Nothing is held."""
