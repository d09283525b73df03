"""Publish the Parquet shards of an upscaled dataset on the Hub."""

import json
from pathlib import Path

from huggingface_hub import HfApi

from ...errors import UserError
from ...hub.transfer import CARD, MARK, check_name, create_repository, hub_errors
from .upscale import DATA, SETTINGS, units_left


def push_dataset(output: str | Path, repository: str, *, private: bool = False) -> str:
    """Publish the shards of `output` in one commit as a dataset, and return its URL.

    The repository is created if it is absent; shards of an earlier run in it are replaced, its card is kept. An
    interrupted push may be repeated: files that are there already are not sent again.

    Raises UserError if units are unfinished, and for whatever the Hub refuses.
    """
    check_name(repository)
    output = Path(output)
    if left := units_left(output):
        raise UserError(f"'{output}' is not complete: {left} units are left; run upscale_dataset.py again")
    settings = json.loads((output / SETTINGS).read_text(encoding="utf-8"))
    with hub_errors(repository):
        api = HfApi()
        create_repository(api, repository, private=private, repo_type="dataset")
        files = [f"{DATA}/*.parquet"]
        if not api.file_exists(repository, CARD, repo_type="dataset"):
            text = (
                Path(__file__)
                .with_name("card.md")
                .read_text(encoding="utf-8")
                .format(mark=MARK, settings=json.dumps(settings, indent=2), **{"scale": 4} | settings)
            )
            (output / CARD).write_text(text, encoding="utf-8")
            files.append(CARD)
        commit = api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=output,
            allow_patterns=files,
            delete_patterns=[f"{DATA}/*.parquet"],
            commit_message=f"Upload the images of {settings['data']}, enlarged with fasrgan_hub",
        )
    return commit.commit_url
