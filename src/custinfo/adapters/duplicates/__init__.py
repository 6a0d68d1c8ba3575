"""rapidfuzz, which compares names several times faster than plain Python, with the same results.

Needs the extra `duplicates`; without it custinfo compares by itself.
"""

from custinfo.core.duplicates.ratio import Ratio
from custinfo.core.errors import MissingExtraError

__all__ = ["ratio"]


def ratio() -> Ratio:
    """Return rapidfuzz's comparison of two texts. Raises: MissingExtraError.

    >>> ratio()("霁川电子", "霁川电器")
    0.75
    """
    try:
        from rapidfuzz.distance.Indel import normalized_similarity  # noqa: PLC0415 - an extra, loaded on first use
    except ImportError as error:
        raise MissingExtraError.of("duplicates", "rapidfuzz") from error
    found: Ratio = normalized_similarity
    return found
