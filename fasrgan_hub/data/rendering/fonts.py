"""The fonts of this machine that may be used for pages, and the scripts that each can write.

Looked for: a folder of one's own, the folders in which Linux keeps fonts, those that matplotlib brings along, packages
of the Python Fonts project (font-roboto and others), and Pillow's own Aileron, which is always there. All of these are
free; the fonts that Windows and macOS come with are left alone.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont, features

from ...errors import MissingFileError

SYSTEM_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
ENDINGS = (".ttf", ".otf")

SCRIPTS = {
    "latin": "abcdefghijklmnopqrstuvwxyz",
    "accented": "aeiouäöüßéèêçñøåłžčşğ",
    "greek": "αβγδεζηθικλμνξοπρστυφχψω",
    "cyrillic": "абвгдежзийклмнопрстуфхцчшщыьэюя",
    "armenian": "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
    "georgian": "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "hebrew": "אבגדהוזחטיכלמנסעפצקרשת",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "thai": "กขคงจฉชซญดตถทธนบปผฝพฟภมยรลวศษสหอฮ",
    "devanagari": "अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह",
    "kana": "あいうえおかきくけこさしすせそアイウエオカキクケコサシスセソ",
    "han": "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也",
    "hangul": "가나다라마바사아자차카타파하한국어글말문서울사람",
}
"""Letters of each script, from which words are made."""

SIGN_FONTS = ("cmex", "cmmi", "cmsy", "STIXNonUni", "STIXSiz", "DejaVuSansDisplay", "DejaVuSerifDisplay")
"""Fonts of matplotlib that have mathematical signs in the places of letters."""

MARKS = "0123456789,.;:!?)/&%@#*+=(){}[]<>-_'|"
"""What stands beside Latin words."""

ENDS = ("", "", "", "", "", "", *",.;:!?)/&%@#*+=", " -")
"""What may follow a Latin word."""

NO_SPACES = ("thai", "kana", "han")
"""Scripts whose words are not apart."""

CASED = ("accented", "greek", "cyrillic", "armenian")
"""Scripts besides Latin that have capital letters."""

SHAPED = ("arabic", "devanagari", "thai")
"""Scripts whose letters change beside one another, which Pillow can draw only with raqm."""


@dataclass(frozen=True)
class Face:
    """A font file, "" for Pillow's own, and the scripts that it has."""

    path: str
    scripts: tuple[str, ...]
    fixed_width: bool

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font at a size in pixels."""
        return _load(self.path, size)


@cache
def find_faces(folder: str = "") -> tuple[Face, ...]:
    """The usable fonts, in an order that does not change; those of `folder` alone if it is given.

    Raises UserError if that folder has none.
    """
    faces = tuple(face for path in sorted(set(_paths(folder))) if (face := _inspect(path)))
    if folder and not faces:
        raise MissingFileError(f"there are no fonts in '{folder}' ({', '.join(ENDINGS)})")
    own = _inspect("")
    return faces if folder or own is None else (own, *faces)


def make_word(script: str, rng: random.Random) -> str:
    """One to ten letters of a script; Latin ones can be spoken, and some words are capitalized or are numbers."""
    letters = SCRIPTS[script]
    if script != "latin":
        word = "".join(rng.choices(letters, k=rng.randint(1, 4 if script in NO_SPACES else 9)))
        return rng.choice((word, word, word, word.capitalize(), word.upper())) if script in CASED else word
    if rng.random() < 0.08:
        return rng.choice(
            (f"{rng.randint(0, 9999):,}", f"{rng.uniform(0, 100):.2f}", f"{rng.randint(1900, 2030)}")
        )
    word = "".join(
        rng.choice("bcdfghjklmnpqrstvwxyz") + rng.choice(("a", "e", "i", "o", "u", "ea", "ou", "io"))
        for _ in range(rng.randint(1, 3))
    )
    word += rng.choice(("", "n", "r", "s", "t", "nd", "st", "ng"))
    return rng.choice((word, word, word, word.capitalize(), word.upper() if len(word) < 5 else word))


def make_text(script: str, words: int, rng: random.Random) -> str:
    """Words with punctuation between."""
    gap = "" if script in NO_SPACES else " "
    ends = ENDS if script == "latin" else ("",)
    return gap.join(make_word(script, rng) + rng.choice(ends) for _ in range(words))


def fit_text(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """As much of a text as `width` pixels hold."""
    while text and font.getlength(text) > width:
        text = text[: int(len(text) * 0.9)].rstrip()
    return text


def _paths(folder: str) -> Iterator[str]:
    if folder:
        yield from _below(Path(folder))
        return
    for place in SYSTEM_FOLDERS:
        yield from _below(Path(place).expanduser())
    spec = find_spec("matplotlib")  # which is not imported: that takes a second
    if spec and spec.origin:
        yield from _below(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf")
    for group in ("fonts_ttf", "fonts_otf"):
        for entry in entry_points(group=group):
            yield str(entry.load())


def _below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.suffix.lower() in ENDINGS and not path.name.startswith(SIGN_FONTS):
            yield str(path)


@cache
def _inspect(path: str) -> Face | None:
    """The face of a file; None if it cannot be read or has no letters."""
    try:
        font = _load(path, 24)
        scripts = tuple(name for name, letters in SCRIPTS.items() if _has(font, name, letters))
        fixed = font.getlength("i") == font.getlength("M")
    except OSError:
        return None
    return Face(path, scripts, fixed) if "latin" in scripts else None


def _has(font: ImageFont.FreeTypeFont, script: str, letters: str) -> bool:
    """Whether a font has a script: its letters differ from each other and from the sign for a missing one."""
    if script in SHAPED and not features.check("raqm"):
        return False
    letters = letters + letters.upper() + MARKS if script == "latin" else letters[:12]
    drawn = [(mask.size, bytes(mask)) for mask in map(font.getmask, (*dict.fromkeys(letters), "\uffff"))]
    return len(set(drawn)) == len(drawn) and all(any(content) for _, content in drawn[:-1])


@cache
def _load(path: str, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(path, size) if path else ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("this Pillow has no FreeType")
    return font
