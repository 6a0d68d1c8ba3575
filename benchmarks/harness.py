"""Measuring cases against baselines, and saying so."""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator

import attrs

__all__ = ["Case", "Result", "best_of", "in_turns", "per_call", "report"]


@attrs.frozen
class Result:
    """What one case took beside its baseline. The target bounds `ratio` from above, or from below if `faster`.

    Other things than time are measured in their `unit`.
    """

    topic: str
    case: str
    seconds: float
    baseline: str
    baseline_seconds: float
    target: float
    faster: bool = False
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """Seconds of the case by those of the baseline; the other way round where the case is to be faster."""
        one, other = self.seconds, self.baseline_seconds
        return other / one if self.faster else one / other

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.ratio >= self.target if self.faster else self.ratio <= self.target

    def _shown(self, number: float) -> str:
        return _time(number) if self.unit == "s" else f"{number:.0f} {self.unit}"

    def as_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(
            {
                "topic": self.topic,
                "case": self.case,
                "seconds": self.seconds,
                "baseline": self.baseline,
                "baseline_seconds": self.baseline_seconds,
                "ratio": round(self.ratio, 3),
                "target": self.target,
                "holds": self.holds,
            },
            ensure_ascii=False,
        )

    def as_text(self) -> str:
        """Return it as one line for people."""
        sign = "≥" if self.faster else "≤"
        verdict = "ok" if self.holds else "MISSED"
        return (
            f"{self.topic:10} {self.case:52} {self._shown(self.seconds):>10}   "
            f"{self.baseline:42} {self._shown(self.baseline_seconds):>10}   "
            f"× {self.ratio:7.2f} ({sign} {self.target:g}) {verdict}"
        )


Case = Callable[[bool], Iterable[Result]]
"""Measure a topic; with True in less time, on less data."""


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3f} µs"


def best_of(*works: Callable[[], object], repeat: int = 3) -> list[float]:
    """Return the best time of each piece of work; they take turns, so that drift of the machine hits all alike."""
    best = [float("inf")] * len(works)
    for _ in range(repeat):
        for number, work in enumerate(works):
            gc.collect()
            start = time.perf_counter()
            work()
            best[number] = min(best[number], time.perf_counter() - start)
    return best


def per_call(*works: Callable[[], object], calls: int, repeat: int = 5) -> list[float]:
    """Return the median seconds that one call of each piece of work takes, taking turns."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(repeat):
        for number, work in enumerate(works):
            start = time.perf_counter()
            for _ in range(calls):
                work()
            taken[number].append((time.perf_counter() - start) / calls)
    return [statistics.median(times) for times in taken]


def in_turns(
    *works: Callable[[], object], clock: Callable[[], float] = time.perf_counter, least: float = 0.5, most: int = 50
) -> list[float]:
    """Return the best time of one call of each piece of work, in turns for `least` seconds each or `most` calls.

    The best of many is what the machine can do when nobody else wants it.
    """
    best, spent, calls = [float("inf")] * len(works), 0.0, 0
    for work in works:
        work()
    while calls < 3 or (spent < least * len(works) and calls < most):
        for number, work in enumerate(works):
            start = clock()
            work()
            taken = clock() - start
            best[number], spent = min(best[number], taken), spent + taken
        calls += 1
    return best


def report(results: Iterable[Result], *, as_json: bool) -> Iterator[Result]:
    """Print each result as it comes, and pass it on."""
    for result in results:
        print(result.as_json() if as_json else result.as_text(), flush=True)
        yield result
