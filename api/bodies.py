"""Request bodies: read up to a limit, in the media types that this door takes."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from schemas.canonical import parsed
from schemas.errors import Malformed, TooLarge, UnsupportedMedia

JSON = "application/json"


def media_type(headers: Mapping[str, str]) -> str:
    """The body's media type in lower case, without parameters; empty if none is named."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, bytes_max: int) -> bytes:
    """The whole body; raises TooLarge before more than `bytes_max` bytes are held."""
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > bytes_max:
            raise TooLarge(f"a body has at most {bytes_max} bytes: send it in parts")
        chunks.append(chunk)
    return b"".join(chunks)


async def read_object(request: Request, bytes_max: int) -> dict[str, Any]:
    """A JSON object; raises UnsupportedMedia, TooLarge or Malformed."""
    if media_type(request.headers) != JSON:
        raise UnsupportedMedia("send application/json")
    value = parsed(await read_body(request, bytes_max))
    if not isinstance(value, dict):
        raise Malformed("the body is a JSON object")
    return value
