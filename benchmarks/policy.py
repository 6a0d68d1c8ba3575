"""Permission decisions, lists and pages: against an `if` written by hand, pycasbin, Cedar and a WHERE written by hand.

All engines have the standard policy on customers and the same records, and are asked the same questions; that they give
the same answers is checked first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchmarks.harness import Result, best_of, per_call
from benchmarks.policy_pages import pages
from benchmarks.policy_peers import Peer, peers
from benchmarks.policy_questions import ACTORS, ASKED, UNITS_OF, access_of, by_hand, records
from custinfo import Record
from custinfo.core.criteria.evaluate import compile_selection, no_related
from custinfo.core.policy.access import Verdict

Comprehension = Callable[[Sequence[Record]], list[Record]]

_LISTS: tuple[tuple[str, str, Comprehension], ...] = (
    ("by departments", "zhaojl", lambda found: [item for item in found if item.department in UNITS_OF["zhaojl"]]),
    ("by a condition", "qianba", lambda found: [item for item in found if item.values.get("status") == "成交"]),
    ("by owner", "lisi", lambda found: [item for item in found if item.owner == "lisi"]),
)


def run(quick: bool) -> Iterator[Result]:
    """Measure decisions with field verdicts, lists in memory at two sizes, and pages in SQL."""
    others = list(peers())
    _check(others)
    yield from _decisions(others, quick)
    yield from _lists(others, quick)
    yield from pages(quick)


def _check(others: Sequence[Peer]) -> None:
    """Make sure that every engine gives the answers that are written by hand."""
    found = records(30)
    for peer in others:
        peer.prepare(found)
    for actor in ACTORS:
        access = access_of(actor)
        for action in ASKED:
            select = compile_selection(access.reach(action))
            expected = [item for item in found if by_hand(actor, action, item)]
            answers = {"custinfo, list": select(found, no_related)}
            verdicts = [item for item in found if action in access.verdict(item, no_related).actions]
            answers["custinfo, verdicts"] = verdicts
            for peer in others:
                answers[peer.name] = [item for item in found if peer.decide(actor, action, item)]
                answers[f"{peer.name}, list"] = peer.select(actor, action, found)
            for name, answer in answers.items():
                if answer != expected:
                    raise RuntimeError(f"{name} answers differently: may {actor} {action}?")


def _decisions(others: Sequence[Peer], quick: bool) -> Iterator[Result]:
    access = access_of("zhaojl")
    record = records(10)[1]
    units = UNITS_OF["zhaojl"]
    allowed, refused = access.verdict(record, no_related), Verdict()

    def hand() -> Verdict:
        return allowed if record.department in units else refused

    def ours() -> Verdict:
        return access.verdict(record, no_related)

    case = "one decision, with the verdict on every field"
    # Many short batches: on a busy machine most of them are not interrupted, and the median is one of those.
    own, other = per_call(ours, hand, calls=2_000, repeat=25 if quick else 101)
    yield Result("policy", case, own, "hand-written if", other, 5.0)
    for peer in others:
        peer.prepare([record])
        (other,) = per_call(lambda: peer.decide("zhaojl", "view", record), calls=10, repeat=15 if quick else 101)  # noqa: B023
        yield Result("policy", case, own, f"{peer.name}, the action only", other, peer.factor, faster=True)


def _lists(others: Sequence[Peer], quick: bool) -> Iterator[Result]:
    for count in (10_000, 100_000):
        found = records(count)
        repeat = 7 if quick else 25
        for name, actor, hand in _LISTS:
            select = compile_selection(access_of(actor).reach("view"))
            own, other = best_of(lambda: select(found, no_related), lambda: hand(found), repeat=repeat)  # noqa: B023
            yield Result("policy", f"filter {count:,} {name}", own, "hand-written comprehension", other, 2.0)
        yield from _listed_by_others(others, found, quick)


def _listed_by_others(others: Sequence[Peer], found: Sequence[Record], quick: bool) -> Iterator[Result]:
    """Yield the other engines on as many records as they manage in a while, and what that comes to for all."""
    select = compile_selection(access_of("zhaojl").reach("view"))
    some = found[: 300 if quick else 10_000]
    share = len(found) / len(some)
    for peer in others:
        peer.prepare(some)
        own, other = best_of(
            lambda: select(found, no_related),
            lambda: peer.select("zhaojl", "view", some),  # noqa: B023
            repeat=2,
        )
        baseline = peer.name if share == 1 else f"{peer.name}, from {len(some):,}"
        yield Result(
            "policy", f"filter {len(found):,} by departments", own, baseline, other * share, peer.factor, faster=True
        )
