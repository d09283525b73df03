"""Files from the Hub and to it: one is downloaded, any number are uploaded in one commit.

Errors of the Hub's client become UserErrors of one line in `hub_errors`.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
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
    BadRequestError,
    EntryNotFoundError,
    FileMetadataError,
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

from ..errors import AccessDeniedError, FileAccessError, MissingFileError, NetworkError, UserError

logger = logging.getLogger(__name__)

CARD = "README.md"
GENERATED = "without this line the file is yours and is kept -->"
"""How the line ends that marks a generated card. A card without it was written by hand and is never replaced."""
MARK = f"<!-- written by fasrgan_hub; {GENERATED}"
LIBRARY = "fasrgan-hub"
"""`library_name` of every card, by which the Hub knows the library (docs/hub-integration.md)."""
PAPER = "https://arxiv.org/abs/1911.10773"
"""From this link in a card the Hub makes the model's paper tag."""

CLIENT_ERRORS = (
    EntryNotFoundError,
    FileMetadataError,
    HFValidationError,
    HTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)
"""Base classes of what the client raises: the Hub's answers, its own checks, and the connection's failures."""

TIMEOUT = 10
"""Seconds to wait for the first answer of the Hub."""


def download(repository: str, filename: str, subfolder: str = "", **options: Any) -> Path:
    """The local path of one file of a model repository, downloaded if the newest is not in the cache.

    Without a network the cached file is taken. A download shows its progress on a terminal, and continues where a
    connection was cut.

    Args:
        options: `revision`, `token`, `cache_dir`, `force_download`, `local_files_only` and others of
            `huggingface_hub.hf_hub_download`.

    Raises:
        MissingFileError, AccessDeniedError, NetworkError: as in `hub_errors`.
        FileAccessError: the cache cannot be written.
    """
    path = str(PurePosixPath(subfolder, filename))
    revision, token, endpoint = (options.get(name) for name in ("revision", "token", "endpoint"))
    with hub_errors(repository, revision, path):
        cached = try_to_load_from_cache(repository, path, options.get("cache_dir"), revision)
        if not isinstance(cached, str) and not options.get("local_files_only"):
            # Without a network hf_hub_download tries again for half a minute: check first whether the Hub answers.
            url = hf_hub_url(repository, path, revision=revision, endpoint=endpoint)
            with suppress(HfHubHTTPError):
                get_hf_file_metadata(url, token=token, timeout=TIMEOUT, endpoint=endpoint)
        try:
            return Path(hf_hub_download(repository, path, **options))
        except OSError as error:
            if error.errno is None:  # of the client
                raise
            raise FileAccessError(f"cannot store {path} of '{repository}': {error.strerror}") from error


def upload(
    files: Mapping[str, Path],
    repository: str,
    *,
    message: str,
    private: bool | None = None,
    branch: str | None = None,
    create_pr: bool | None = None,
    overwrite_card: bool = False,
    replaces: Sequence[str] = (),
    token: str | bool | None = None,
) -> str:
    """Upload files into a model repository in one commit; returns the URL of the commit or the pull request.

    The repository and the branch are created if they do not exist. If anything fails, or somebody else commits
    meanwhile, the repository stays as it was.

    Args:
        files: path in the repository -> local file.
        private: make a new repository private; refused if it is public already.
        overwrite_card: replace a README.md in the repository even if it was written by hand.
        replaces: patterns; what matches in the repository and is not in `files` is removed.
        token: default the one of `hf auth login` or HF_TOKEN.

    Raises:
        AccessDeniedError: the user is not logged in, or may not write there.
        NetworkError: the Hub cannot be reached, or somebody else committed meanwhile.
        UserError: the name cannot be one.
    """
    check_name(repository)
    if not (token or get_token()):
        raise AccessDeniedError("you are not logged in to the Hub: run `hf auth login` or set HF_TOKEN")
    with hub_errors(repository, branch):
        api = HfApi(token=token)
        head = _head(api, repository, private, branch)
        existing = [sibling.rfilename for sibling in head.siblings or []]
        stale = [path for path in existing if path not in files and any(_matches(path, p) for p in replaces)]
        if not overwrite_card and CARD in files and CARD in existing and _card_by_hand(api, repository, head):
            logger.warning(
                "%s of '%s' was written by hand and is kept; --overwrite-card replaces it", CARD, repository
            )
            files = {path: file for path, file in files.items() if path != CARD}
        additions = [CommitOperationAdd(path, file) for path, file in files.items()]
        # Not upload_folder, which may spread the files over several commits.
        commit = api.create_commit(
            repository,
            [*additions, *map(CommitOperationDelete, stale)],
            commit_message=message,
            revision=branch,
            create_pr=bool(create_pr),
            parent_commit=head.sha,
            # The client closes its only session when a connection fails, which would end the other uploads too.
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


def create_repository(
    api: HfApi, repository: str, *, private: bool | None, repo_type: str | None = None
) -> None:
    """Make a repository unless it exists. UserError for one that shall be private and is public already."""
    try:
        public = not api.repo_info(repository, repo_type=repo_type, timeout=TIMEOUT).private
    except RepositoryNotFoundError:
        api.create_repo(repository, repo_type=repo_type, private=private or None, exist_ok=True)
        return
    if private and public:
        raise UserError(f"'{repository}' is public already; change that on its settings page first")


def _head(api: HfApi, repository: str, private: bool | None, branch: str | None) -> ModelInfo:
    """The state that a commit goes on top of; the repository and the branch are made if they are absent."""
    create_repository(api, repository, private=private)
    try:
        return api.model_info(repository, revision=branch, timeout=TIMEOUT)
    except RevisionNotFoundError:
        api.create_branch(repository, branch=branch or "main", exist_ok=True)
        return api.model_info(repository, revision=branch, timeout=TIMEOUT)


def _card_by_hand(api: HfApi, repository: str, head: ModelInfo) -> bool:
    card = api.hf_hub_download(repository, CARD, revision=head.sha)
    return GENERATED not in Path(card).read_text(encoding="utf-8", errors="replace")


@contextmanager
def hub_errors(repository: str, revision: str | None = None, filename: str = "") -> Iterator[None]:
    """Turn the errors of the Hub's client inside the block into UserErrors of one line.

    Others pass: what is wrong in the block itself is not a circumstance of the user's.

    Raises:
        MissingFileError: there is no such repository, revision or file.
        AccessDeniedError: a login or other rights are needed.
        NetworkError: the Hub cannot be reached, or refuses for another reason.
        UserError: the name cannot be one.
    """
    try:
        yield
    except Exception as error:
        cause = _client_error(error)
        if cause is None:
            raise
        raise _translated(cause, repository, revision, filename) from error


def _client_error(error: BaseException | None) -> BaseException | None:
    """The error of the client that `error` is, or that the client wrapped in it; None if there is none.

    The client wraps what stopped an upload or a forced download in RuntimeError and ValueError.
    """
    if isinstance(error, BadRequestError):  # which is a ValueError too, and has a cause that says less
        return error
    if isinstance(error, LocalEntryNotFoundError | RuntimeError | ValueError) and error.__cause__ is not None:
        wrapped = _client_error(error.__cause__)
        if wrapped is not None:
            return wrapped
    closed = isinstance(error, RuntimeError) and "client has been closed" in str(error)
    # An OSError by itself, not of the system: the size of a file is not what it should be.
    inconsistent = type(error) is OSError and error.errno is None
    return error if isinstance(error, CLIENT_ERRORS) or closed or inconsistent else None


def _translated(error: BaseException, repository: str, revision: str | None, filename: str) -> UserError:
    login = "run `hf auth login` or set HF_TOKEN"
    match error:
        case HFValidationError():
            return UserError(f"'{repository}' is neither a folder nor a Hub id (owner/name)")
        case GatedRepoError():
            return AccessDeniedError(
                f"'{repository}' is gated: ask for access on its Hub page, then run `hf auth login`"
            )
        case RepositoryNotFoundError():
            return MissingFileError(f"there is no '{repository}' on the Hub, or it is private: {login}")
        case RevisionNotFoundError():
            return MissingFileError(f"'{repository}' has no branch, tag or commit '{revision}' on the Hub")
        case OfflineModeIsEnabled():
            return NetworkError(
                f"'{repository}': HF_HUB_OFFLINE is set, and what is not in the cache cannot be downloaded"
            )
        case LocalEntryNotFoundError():
            return MissingFileError(f"'{repository}' is not in the cache of the Hub, and downloads are off")
        case EntryNotFoundError():
            return MissingFileError(
                f"'{repository}' on the Hub has no {filename}: it is no model of fasrgan_hub, or incomplete"
            )
        case LocalTokenNotFoundError():
            return AccessDeniedError(f"you are not logged in to the Hub: {login}")
        case HfHubHTTPError():
            return _translated_status(error, repository)
        case OSError():
            return NetworkError(f"'{repository}': {' '.join(str(error).split())}")
    # The session is closed when a connection fails: in this process, because of another request.
    name = type(error).__name__
    return NetworkError(f"'{repository}': the connection to the Hub failed ({name}); check the network")


def _translated_status(error: HfHubHTTPError, repository: str) -> UserError:
    status = error.response.status_code
    if status == 401:
        return AccessDeniedError(
            "the Hub refuses your token: run `hf auth login`, or correct or unset HF_TOKEN"
        )
    if status == 403:
        return AccessDeniedError(
            f"your token does not allow this in '{repository}': `hf auth login` with one that does"
        )
    reason = (error.server_message or str(error)).strip().splitlines()[0]
    known = {
        412: f"somebody changed '{repository}' meanwhile, and nothing was published; do it again",
        429: "the Hub asks for fewer requests; try again in a few minutes",
    }
    if status >= 500:
        return NetworkError(f"'{repository}': the Hub is in trouble (it answers {status}); try again later")
    return NetworkError(known.get(status, f"'{repository}': the Hub answers {status}: {reason}"))
