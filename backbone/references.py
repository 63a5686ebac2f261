"""Who is meant on the command line: a subject, or any identifier `kind:value`."""

from typing import TYPE_CHECKING, Annotated

import typer

from backbone.settings import Settings

if TYPE_CHECKING:
    from store.drafts import Who

Ref = Annotated[str, typer.Argument(help="A subject s_…, or an identifier such as crm:1001.")]


def read_ref(ref: str, chosen: Settings) -> "Who":
    """The reference; raises Invalid."""
    from schemas.identifiers import is_subject, parse_identifier

    return ref if is_subject(ref) else parse_identifier(ref, chosen.phone_region, field="REF")
