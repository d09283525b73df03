"""Publishing a run or a model folder: its files are copied, checked, and then committed as a whole."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from ...errors import MissingFileError, UserError
from ...hub.card_example import INPUT, OUTPUT, address_input
from ...hub.model_files import CONFIG, DIFFICULTY, DISCRIMINATOR, LICENSE, WEIGHTS
from ...hub.transfer import CARD, GENERATED, check_name, upload
from ...models.error_estimator import ErrorEstimator
from ...systems import from_pretrained, load_discriminator
from . import endpoint_handler
from .examples import draw_example

IMAGES = ("*.png", "*.jpg", "*.webp")
DERIVED = (
    *(f"{part}/{name}" for part in (DISCRIMINATOR, DIFFICULTY) for name in (CONFIG, WEIGHTS)),
    *("*.onnx", "openvino*.xml", "openvino*.bin"),
)
"""Files that are made from one generator: those of another one in the repository are removed."""
PUBLISHED = (CONFIG, WEIGHTS, CARD, LICENSE, *DERIVED, *IMAGES)
TABLE = re.compile(r"\]\(\.\./([\w-]+\.csv)\)")
HANDLER, REQUIREMENTS = "handler.py", "requirements.txt"
"""What Inference Endpoints look for in a repository."""


def publish(
    source: str | Path,
    repository: str,
    *,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
    create_pr: bool = False,
    overwrite_card: bool = False,
    endpoint: bool = False,
    token: str | bool | None = None,
) -> str:
    """Publish a model with all its files in one commit, and return the URL of the commit.

    These are the generator, the discriminator, the error estimator, exported formats, the card, LICENSE and images. A
    README.md in the repository that was written by hand is kept. If anything fails, the repository stays as it was.

    Args:
        source: a run (its `model` folder is taken) or a model folder.
        repository: OWNER/NAME; created if it is absent.
        private: make a new repository private.
        revision: the branch, created if it is absent (default: main).
        message: of the commit.
        create_pr: open a pull request instead; its URL is returned.
        overwrite_card: replace a README.md that was written by hand too.
        endpoint: add what Inference Endpoints need, see `prepared`.
        token: default the one of `hf auth login` or HF_TOKEN.

    Raises:
        MissingFileError: there is no model in `source`.
        AccessDeniedError, NetworkError: the Hub refuses the upload or cannot be reached.
        UserError: the model is not complete, or cannot be loaded.
    """
    with prepared(source, repository, endpoint) as files:
        return upload(
            files,
            repository,
            message=message or f"Publish {repository.rpartition('/')[2]} with fasrgan_hub",
            private=private,
            branch=revision,
            create_pr=create_pr,
            overwrite_card=overwrite_card,
            replaces=DERIVED,
            token=token,
        )


@contextmanager
def prepared(source: str | Path, repository: str, endpoint: bool = False) -> Iterator[dict[str, Path]]:
    """The files to upload, path in the repository -> checked copy, which a running training cannot change.

    The images that a card names as the model's example are made here. With `endpoint` there are handler.py and
    requirements.txt, those of the folder or else ours.
    """
    check_name(repository)
    folder = model_folder(Path(source))
    patterns = (*PUBLISHED, HANDLER, REQUIREMENTS) if endpoint else PUBLISHED
    with TemporaryDirectory() as copy:
        files = {}
        try:
            for path in (path for pattern in patterns for path in sorted(folder.glob(pattern))):
                name = path.relative_to(folder).as_posix()
                files[name] = Path(copy, name)
                files[name].parent.mkdir(exist_ok=True)
                shutil.copyfile(path, files[name])
            model = from_pretrained(copy)
            if Path(copy, DISCRIMINATOR).exists():
                load_discriminator(copy)
            if Path(copy, DIFFICULTY).exists():
                ErrorEstimator.from_pretrained(copy, subfolder=DIFFICULTY)
        except (UserError, OSError) as error:
            reason = str(error).replace(copy, str(folder))
            raise UserError(f"this model cannot be published: {reason}") from error
        if CARD in files:
            files |= _add_tables(files[CARD], folder.parent)
            name_repository(files[CARD], repository)
            if OUTPUT in files[CARD].read_text(encoding="utf-8"):
                draw_example(model, Path(copy))
                files |= {name: Path(copy, name) for name in (INPUT, OUTPUT)}
        if endpoint:
            files |= _add_endpoint(Path(copy))
        yield files


def _add_tables(card: Path, beside: Path) -> dict[str, Path]:
    """The tables beside the model that the card links to, such as a list of the training images, in its folder."""
    text, tables = card.read_text(encoding="utf-8"), {}
    for name in set(TABLE.findall(text)):
        if (beside / name).is_file():
            tables[name] = card.with_name(name)
            shutil.copyfile(beside / name, tables[name])
            text = text.replace(f"](../{name})", f"]({name})")
    card.write_text(text, encoding="utf-8")
    return tables


def _add_endpoint(folder: Path) -> dict[str, Path]:
    """The files for Inference Endpoints in `folder`, written where they are absent."""
    texts = {
        HANDLER: Path(endpoint_handler.__file__).read_text(encoding="utf-8"),
        REQUIREMENTS: f"fasrgan-hub>={version('fasrgan-hub')}\n",
    }
    for name, text in texts.items():
        if not (folder / name).exists():
            (folder / name).write_text(text, encoding="utf-8")
    return {name: folder / name for name in texts}


def model_folder(source: Path) -> Path:
    """The folder of the model in `source`, a run or a model folder. Raises MissingFileError if it has none."""
    if not source.is_dir():
        raise MissingFileError(f"there is no folder '{source}'; a run or a model folder can be published")
    for folder in (source / "model", source):
        if (folder / WEIGHTS).is_file():
            return folder
    raise MissingFileError(f"'{source}' holds no {WEIGHTS}; a run has its model after the first checkpoint")


def name_repository(card: Path, repository: str) -> None:
    """Write the repository's name into the commands of a generated card; one written by hand is not changed.

    In any card the example's input gets its address.
    """
    text = address_input(card.read_text(encoding="utf-8"), repository)
    if GENERATED in text:
        text = re.sub(r'Upscaler\("[^"]*"', f'Upscaler("{repository}"', text)
        text = re.sub(r"fasrgan evaluate \S+", f"fasrgan evaluate {repository}", text)
    card.write_text(text, encoding="utf-8")
