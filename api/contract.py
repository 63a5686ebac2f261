"""The contract of this door: OpenAPI for programs, and a page for people that needs no internet."""

from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Response

from api.access import anybody
from api.answers import answer

_STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color-scheme: light dark }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .25rem }
h2 { margin-top: 3rem } td, th { text-align: left; vertical-align: top; padding-right: 1.5rem }
"""
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def router(described: Callable[[], dict[str, Any]]) -> APIRouter:
    """The routes of the contract; `described` gives its OpenAPI, once all routes are there."""
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(anybody)])

    @routes.get("/openapi.json")
    async def openapi() -> Response:
        return answer(described())

    @routes.get("/docs")
    async def docs() -> Response:
        page = "".join(_page(described()))
        return Response(page, media_type="text/html", headers=_HEADERS)

    return routes


def _page(described: dict[str, Any]) -> Iterator[str]:
    info = described["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style><h1>{title}</h1>"
    yield from (f"<p>{escape(part)}</p>" for part in info["description"].split("\n\n"))
    yield '<p>For programs: <a href="/openapi.json">/openapi.json</a></p>'
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(operation['summary'])}.</p>"
            yield from _parameters(operation.get("parameters", ()))
            yield from _examples("Send", operation.get("requestBody", {}))
            for status, response in operation["responses"].items():
                yield from _examples(f"{status}: {response['description']}", response)
    yield "</html>"


def _parameters(parameters: Iterable[dict[str, Any]]) -> Iterator[str]:
    rows = [
        f"<tr><td><code>{escape(p['name'])}</code><td>{escape(p['in'])}"
        f"<td>{escape(p.get('description', ''))}"
        for p in parameters
    ]
    if rows:
        yield f"<table><tr><th>parameter<th>in<th>what it is{''.join(rows)}</table>"


def _examples(what: str, part: dict[str, Any]) -> Iterator[str]:
    for media_type, content in part.get("content", {}).items():
        yield f"<h3>{escape(what)}</h3><p><code>{escape(media_type)}</code></p>"
        if (example := content.get("example")) is not None:
            shown = example if isinstance(example, str) else _indented(example)
            yield f"<pre>{escape(shown)}</pre>"


def _indented(example: Any) -> str:
    return orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()
