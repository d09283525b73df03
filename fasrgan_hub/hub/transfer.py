"""Files from the Hub and to it: one comes down, any number go up in one commit.

Whatever the client raises on the way ends as a UserError of one line, in `hub_errors`.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    ModelInfo,
    get_hf_file_metadata,
    get_token,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # of httpx in version 1 of the client, of httpx2 in version 2
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from ..errors import UserError

logger = logging.getLogger(__name__)

CARD = "README.md"
GENERATED = "without this line the file is yours and is kept -->"
"""How the line ends that marks a generated card. A card without it was written by hand and is never replaced."""
MARK = f"<!-- written by fasrgan_hub; {GENERATED}"

TIMEOUT = 10
"""Seconds to wait for the first answer of the Hub."""


def download(repository: str, filename: str, **options: Any) -> Path:
    """The local path of one file of a model repository, fetched if the cache has not the newest.

    Without a network the cached file is taken. A fetched file shows its progress on a terminal, and goes on where
    a connection was cut.

    Args:
        options: `subfolder`, `revision`, `token`, `cache_dir`, `force_download`, `local_files_only` and others of
            `huggingface_hub.hf_hub_download`.

    Raises UserError when there is no such file, no access to it or no network.
    """
    path = "/".join(filter(None, (options.pop("subfolder", ""), filename)))
    revision, token, endpoint = (options.get(name) for name in ("revision", "token", "endpoint"))
    with hub_errors(repository, revision, path):
        cached = try_to_load_from_cache(repository, path, options.get("cache_dir"), revision)
        if not isinstance(cached, str) and not options.get("local_files_only"):
            # Without a network hf_hub_download tries again for half a minute: see first whether anybody answers.
            url = hf_hub_url(repository, path, revision=revision, endpoint=endpoint)
            with suppress(HfHubHTTPError):
                get_hf_file_metadata(url, token=token, timeout=TIMEOUT, endpoint=endpoint)
        return Path(hf_hub_download(repository, path, **options))


def upload(
    files: Mapping[str, Path],
    repository: str,
    *,
    message: str,
    private: bool = False,
    branch: str | None = None,
    create_pr: bool = False,
    overwrite_card: bool = False,
    replaces: Sequence[str] = (),
    token: str | bool | None = None,
) -> str:
    """Put files into a model repository in one commit and return the URL of the commit, or of the pull request.

    The repository and the branch are made if they are absent. What was in the repository stays as it was if
    anything goes wrong on the way, or if somebody else commits meanwhile.

    Args:
        files: path in the repository -> local file.
        private: make a new repository private; refused if it is public already.
        overwrite_card: replace a README.md in the repository even if it was written by hand.
        replaces: patterns; what matches in the repository and is not in `files` is removed.
        token: default the one of `hf auth login` or HF_TOKEN.

    Raises UserError when the user is not logged in, may not do it or cannot reach the Hub.
    """
    check_name(repository)
    if not (token or get_token()):
        raise UserError("you are not logged in to the Hub: run `hf auth login` or set HF_TOKEN")
    with hub_errors(repository, branch):
        api = HfApi(token=token)
        head = _head(api, repository, private, branch)
        there = [sibling.rfilename for sibling in head.siblings or []]
        kept = not overwrite_card and CARD in files and CARD in there and _card_by_hand(api, repository, head)
        if kept:
            logger.warning(
                "%s of '%s' was written by hand and is kept; --overwrite-card replaces it", CARD, repository
            )
        stale = [path for path in there if path not in files and any(_matches(path, p) for p in replaces)]
        # Not upload_folder, which may spread the files over several commits.
        commit = api.create_commit(
            repository,
            [
                *(CommitOperationAdd(path, file) for path, file in files.items() if path != CARD or not kept),
                *(CommitOperationDelete(path) for path in stale),
            ],
            commit_message=message,
            revision=branch,
            create_pr=create_pr,
            parent_commit=head.sha,
            # The client closes its one session when a connection fails; another upload would die of that, untried.
            num_threads=1,
        )
    return commit.pr_url or commit.commit_url


def _matches(path: str, pattern: str) -> bool:
    return fnmatch(path, pattern) and path.count("/") == pattern.count("/")


def check_name(repository: str) -> None:
    """UserError unless `repository` is OWNER/NAME."""
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UserError(f"'{repository}' cannot name a repository: {error}") from error
    if "/" not in repository:
        raise UserError(f"'{repository}' names no repository; write OWNER/NAME")


def _head(api: HfApi, repository: str, private: bool, branch: str | None) -> ModelInfo:
    """The state that a commit goes on top of; the repository and the branch are made if they are absent."""
    try:
        public = not api.model_info(repository, timeout=TIMEOUT).private
        if private and public:
            raise UserError(f"'{repository}' is public already; change that on its settings page first")
    except RepositoryNotFoundError:
        api.create_repo(repository, private=private or None, exist_ok=True)
    try:
        return api.model_info(repository, revision=branch, timeout=TIMEOUT)
    except RevisionNotFoundError:
        api.create_branch(repository, branch=branch or "main", exist_ok=True)
        return api.model_info(repository, revision=branch, timeout=TIMEOUT)


def _card_by_hand(api: HfApi, repository: str, head: ModelInfo) -> bool:
    with TemporaryDirectory() as folder:
        card = api.hf_hub_download(repository, CARD, revision=head.sha, local_dir=folder)
        return GENERATED not in Path(card).read_text(encoding="utf-8", errors="replace")


@contextmanager
def hub_errors(repository: str, revision: str | None = None, filename: str = "") -> Iterator[None]:
    """Raise UserError with one line for whatever the client raises inside."""
    try:
        yield
    except UserError:
        raise
    except (HTTPError, OSError, EntryNotFoundError, RuntimeError, ValueError) as error:
        raise UserError(_explain(error, repository, revision, filename)) from error


def _explain(error: BaseException, repository: str, revision: str | None, filename: str) -> str:
    # These two wrap what happened: a file that was not found for want of a connection, a failed part of an upload.
    if isinstance(error, LocalEntryNotFoundError | RuntimeError) and error.__cause__:
        return _explain(error.__cause__, repository, revision, filename)
    match error:
        case HFValidationError():
            return f"'{repository}' is neither a folder nor a Hub id (owner/name)"
        case GatedRepoError():
            return f"'{repository}' is gated: ask for access on its Hub page, then run `hf auth login`"
        case RepositoryNotFoundError():
            return f"there is no '{repository}' on the Hub, or it is private: run `hf auth login` or set HF_TOKEN"
        case RevisionNotFoundError():
            return f"'{repository}' has no branch, tag or commit '{revision}' on the Hub"
        case OfflineModeIsEnabled():
            return (
                f"'{repository}': HF_HUB_OFFLINE is set, and what the cache lacks cannot be had from the Hub"
            )
        case LocalEntryNotFoundError():
            return f"'{repository}' is not in the cache of the Hub, and downloads are off"
        case EntryNotFoundError():
            return (
                f"'{repository}' on the Hub has no {filename}: it is no model of fasrgan_hub, or half of one"
            )
        case LocalTokenNotFoundError():
            return "you are not logged in to the Hub: run `hf auth login` or set HF_TOKEN"
        case HfHubHTTPError():
            return _explain_status(error, repository)
        case HTTPError():
            return f"'{repository}': the connection to the Hub failed ({type(error).__name__}); check the network"
        # The session is closed when a connection fails: in this process, on behalf of somebody else.
        case RuntimeError() if "client has been closed" in str(error):
            return f"'{repository}': the connection to the Hub failed; check the network and try again"
    return f"'{repository}': {' '.join(str(error).split())}"


def _explain_status(error: HfHubHTTPError, repository: str) -> str:
    status = error.response.status_code
    known = {
        401: "the Hub refuses your token: run `hf auth login`, or correct or unset HF_TOKEN",
        403: f"your token does not allow this in '{repository}': `hf auth login` with one that does",
        412: f"somebody changed '{repository}' meanwhile, and nothing was published; do it again",
        429: "the Hub asks for fewer requests; try again in a few minutes",
    }
    if status >= 500:
        return f"'{repository}': the Hub is in trouble (it answers {status}); try again later"
    told = (error.server_message or str(error)).strip().splitlines()[0]
    return known.get(status, f"'{repository}': the Hub answers {status}: {told}")
