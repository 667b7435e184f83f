"""Pictures of pages, for a person to look at: in the folder BROWSER_SHOTS, if it is set."""

import os
from pathlib import Path

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


def shoot(page, name, *, dark=False, full=False):
    """Take a page at a desk's width and at a phone's."""
    folder = os.environ.get("BROWSER_SHOTS")
    if not folder:
        return
    before = page.viewport_size
    schemes = ["light", "dark"] if dark else ["light"]
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        for form, size in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(size)
            suffix = "-dark" if scheme == "dark" else ""
            path = Path(folder) / f"{name}-{form}{suffix}.png"
            page.screenshot(path=path, full_page=full, animations="disabled")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)
