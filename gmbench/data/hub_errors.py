"""What the Hugging Face Hub's refusals mean, and what to do about each.

All code of gmbench that writes to the Hub runs inside `explained`, so that users read one sentence
with a remedy and never a traceback of a network library.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gmbench.errors import GmbenchError, HubError, first_line

_TIMEOUTS = {"TimeoutException", "TimeoutError"}
_BROKEN = {"TransportError", "NetworkError", "ConnectionError"}


def stored_token() -> str:
    """Returns the token that `hf auth login` stored, or `HF_TOKEN`.

    Raises:
        HubError: There is none; the message says how to create one.
    """
    from huggingface_hub import get_token

    token = get_token()
    if not token:
        raise HubError(
            "There is no Hugging Face token on this computer. Make one with write access at "
            "https://huggingface.co/settings/tokens, then log in with `hf auth login` or set "
            "HF_TOKEN."
        )
    return token


@contextmanager
def explained(endpoint: str, repository: str, again: str = "Push again") -> Iterator[None]:
    """Turns any error in communicating with the Hub into a HubError.

    Args:
        endpoint: URL of the Hub, such as `https://huggingface.co`.
        repository: The repository that is written to, such as `org/name`.
        again: What to do if waiting may help, such as `Push again`.

    Raises:
        HubError: In place of every exception that is not gmbench's own.
    """
    try:
        yield
    except GmbenchError:
        raise
    except Exception as error:
        raise explain(error, endpoint, repository, again) from error


def explain(error: Exception, endpoint: str, repository: str, again: str) -> HubError:
    """Returns the HubError for an exception of `huggingface_hub` or of the libraries below it."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    for cause in _chain(error):
        if isinstance(cause, OfflineModeIsEnabled):
            return HubError(
                "HF_HUB_OFFLINE is set, so the Hub is not to be asked. Unset it and try again."
            )
        if isinstance(cause, HfHubHTTPError):
            said = (cause.server_message or "").strip().split("\n")[0].rstrip(".")
            status = cause.response.status_code
            return HubError(_refusal(status, said, endpoint, repository, again))
    for cause in _chain(error):
        kinds = {kind.__name__ for kind in type(cause).__mro__}
        if kinds & _TIMEOUTS:
            return HubError(
                f"{endpoint} does not answer in time. {again} later; what has arrived is not sent "
                "twice."
            )
        if kinds & _BROKEN:
            detail = first_line(cause).rstrip(".")
            return HubError(
                f"{endpoint} cannot be reached ({detail}). Check the network, a proxy "
                "(HTTPS_PROXY) and HF_ENDPOINT, then try again. If only large files fail, set "
                "HF_HUB_DISABLE_XET=1: they then take the way of the small ones."
            )
    detail = f"{type(error).__name__}: {first_line(error).rstrip('.')}"
    return HubError(
        f"{repository}: the exchange with {endpoint} broke off "
        f"({detail}). {again}; what has arrived is not sent "
        "twice. If it breaks off again, set HF_HUB_DISABLE_XET=1 to upload without Xet."
    )


def _refusal(status: int, said: str, endpoint: str, repository: str, again: str) -> str:
    answer = f"{status}: {said}" if said else str(status)
    namespace = repository.split("/")[0]
    if status == 401:
        return (
            f"{endpoint} does not accept the token ({answer}). It may be mistyped or expired: log "
            "in again with `hf auth login`, or set HF_TOKEN."
        )
    if status == 403:
        return (
            f"The token may not write to {repository} ({answer}). Take a token with write access "
            f"({endpoint}/settings/tokens) and a namespace that is yours: your own user name, or "
            "an organisation that lets you write."
        )
    if status == 404:
        return (
            f"{endpoint} has no {namespace}, or no {repository} that the token may see ({answer}). "
            "Check the spelling; an organisation must exist before something is pushed to it."
        )
    if status in (409, 412):
        return f"{repository} was changed by someone else meanwhile ({answer}). {again}."
    if status == 429 or status >= 500:
        reason = "asks to wait" if status == 429 else "has trouble of its own"
        return (
            f"{endpoint} {reason} ({answer}). {again} in some minutes; what has arrived is not "
            "sent twice."
        )
    return f"{endpoint} refuses {repository} ({answer}). Mend what it says, then try again."


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
