"""The views that this release keeps, in one readable list."""

from projections.profile import PROFILE
from projections.timeline import TIMELINE
from projections.view import View

VIEWS: tuple[View, ...] = (PROFILE, TIMELINE)
