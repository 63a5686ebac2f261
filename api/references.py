"""Who is meant by `{ref}` in a path: a subject, or an identifier that is an opaque code.

No personal value ever stands in a URL, because access logs keep URLs; phones and e-mail addresses
are looked up by POST.
"""

from api.gather import Gatherer
from api.lanes import Lane
from schemas.errors import Invalid, NotFound
from schemas.identifiers import is_subject, parse_identifier
from store.drafts import Who
from store.subjects import Subjects


def read_ref(ref: str, region: str) -> Who:
    """A path's reference; raises Invalid for an identifier that may not stand in a URL."""
    if is_subject(ref):
        return ref
    identifier = parse_identifier(ref, region, field="ref")
    if not identifier.opaque:
        raise Invalid(
            "only opaque identifiers stand in an address: POST it to /v1/customers/lookup",
            field="ref",
        )
    return identifier


class Finder:
    """Finds living subjects for many requests at once."""

    def __init__(self, subjects: Subjects, lane: Lane) -> None:
        self._gathered = Gatherer(subjects.living, lane)

    async def subject(self, who: Who) -> str:
        """The living subject behind a reference; raises NotFound for an unknown or erased one."""
        subject = await self._gathered.get(who)
        if subject is None:
            raise NotFound("no such customer", field="ref")
        return subject
