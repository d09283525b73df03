"""Rendered pages as a source of training images: `rendered:`, `rendered:COUNT` or `rendered:COUNT,FONT_FOLDER`."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import UserError
from ..archives import Row
from .fonts import find_faces

COUNT = 5000
"""Pages of an epoch."""


@dataclass(frozen=True)
class Page:
    """A page that is drawn when it is read. It depends on its number and on the fonts of the machine."""

    number: int
    fonts: str

    @property
    def name(self) -> str:
        return f"page-{self.number:06d}"

    def rows(self) -> Iterator[Row]:
        yield {"name": self.name, "read": self.read}

    def read(self) -> bytes:
        """A BMP file: it is decoded in this process again, and no other format is as quick."""
        from PIL import Image

        from .pages import draw_page

        file = io.BytesIO()
        Image.fromarray(draw_page(0, self.number, find_faces(self.fonts))).save(file, "BMP")
        return file.getvalue()


def list_pages(options: str) -> list[Page]:
    """The pages of "", "COUNT" or "COUNT,FONT_FOLDER". Raises UserError for another count, or without fonts."""
    count, _, fonts = options.partition(",")
    if count and not (count.isdecimal() and int(count) > 0):
        raise UserError(f"'rendered:{options}' must be rendered:COUNT,FONT_FOLDER; both may be left out")
    find_faces(fonts)
    return [Page(number, fonts) for number in range(int(count or COUNT))]
