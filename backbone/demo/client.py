"""A few calls to the program's own HTTP door, for the demo."""

import urllib.request
from typing import Any

import orjson

SECONDS_MAX = 30


class Client:
    """Speaks JSON with one server on this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        # No proxy: the server is on loopback, whatever the environment says of others.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> Any:
        """The answer's JSON; raises urllib.error.HTTPError for a refusal."""
        return self._call(urllib.request.Request(f"{self._address}{path}"))

    def post(self, path: str, body: Any, media_type: str, **headers: str) -> Any:
        """The same for a POST of JSON; headers by their names with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._call(
            urllib.request.Request(
                f"{self._address}{path}",
                orjson.dumps(body),
                {"Content-Type": media_type, **named},
                method="POST",
            )
        )

    def _call(self, request: urllib.request.Request) -> Any:
        with self._opener.open(request, timeout=SECONDS_MAX) as answer:
            return orjson.loads(answer.read())
