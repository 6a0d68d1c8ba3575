"""Properties of finding what resembles each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from custinfo.core.duplicates.company_names import company_name
from custinfo.core.duplicates.comparing import Traits
from custinfo.core.duplicates.index import Index
from custinfo.core.duplicates.ratio import plain_ratio
from custinfo.standard.modules import CUSTOMER

TEXTS = st.text("ab霁川电子科技()有限公司北京一2 ", max_size=20)
TRAITS = Traits.of(CUSTOMER)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"name": TEXTS.filter(bool)},
        optional={
            "phone": st.sampled_from(["+8613812345678", "+8613900139000"]),
            "email": st.sampled_from(["a@example.com", "b@example.com"]),
            "contact_name": st.sampled_from(["张三", "李四"]),
        },
    ),
    max_size=12,
)


@given(TEXTS, TEXTS)
def test_ratios_agree(one: str, other: str) -> None:
    """The plain comparison says what rapidfuzz says, to the last digit that counts."""
    assert abs(plain_ratio(one, other) - Indel.normalized_similarity(one, other)) < 1e-12


@given(st.text())
def test_names_end(text: str) -> None:
    """Whatever is typed as a name is taken apart, and taken apart again stays what it is or loses more."""
    core, region, form = company_name(text)
    assert len(core) <= len(form)
    assert bool(region) <= bool(form)


@given(ROWS)
def test_pairs_are_what_probes_find(rows: list[dict[str, str]]) -> None:
    """Each record finds by a probe the earlier ones with which it makes a pair, but for names found by the contact."""
    index = Index(TRAITS, plain_ratio)
    signatures = TRAITS.signatures({key: [row.get(key) for row in rows] for key in TRAITS.fields}, len(rows))
    shared = index.add(range(len(rows)), signatures)
    pairs = {(one, found.other): found.score for one, found in index.pairs()}
    probed = {(found.other, place): found.score for place in range(len(rows)) for found in index.before(place)}
    assert probed.items() <= pairs.items()
    assert {place for _, place in probed} <= shared
    for (one, other), score in pairs.items():
        mine, theirs = signatures[one], signatures[other]
        assert (one, other) in probed or (mine.texts[0] is not None and mine.texts[0] == theirs.texts[0]), score
