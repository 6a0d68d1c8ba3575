"""Every problem code has a text in Chinese and in English."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any, get_args

import pytest

from custinfo.core.approval.requests import CommandName, RequestState
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds import BUILT_IN_KINDS
from custinfo.core.messages import CHINESE, DEFAULT_MESSAGES, ENGLISH, Messages, Telling, Translated
from custinfo.core.messages.en import ENGLISH_OF_ONE
from custinfo.core.messages.terms import ENGLISH_TERMS
from custinfo.core.messages.words import CHINESE_WORDS
from custinfo.core.problems import Problem

PLAIN = (
    "nothing_to_take_back",
    "recipient_needed",
    "acted_since",
    "nothing_proposed",
    "not_involved",
    "text_cut",
    "related_without_row",
    "related_changed",
    "template_field_gone",
    "template_field_changed",
    "template_entries_changed",
    "template_field_required",
    "template_field_added",
    "reminded_already",
    "not_due",
    "record_exists",
    "record_gone",
    "record_archived",
    "record_merged",
    "not_held_for_approval",
    "ask_again",
    "export_asks_encrypted",
    "record_transferred",
    "changed_since",
    "nobody_left",
    "overdue",
    "not_applied",
    "unknown_field",
    "given_twice",
    "session_ended",
    "read_only_field",
    "masked_value",
    "required",
    "not_applicable",
    "retired_field",
    "not_unique",
    "control_character",
    "number_out_of_range",
    "invalid_number",
    "not_whole",
    "invalid_boolean",
    "invalid_date",
    "invalid_datetime",
    "invalid_phone",
    "phone_type_not_allowed",
    "extension_not_allowed",
    "several_phones",
    "invalid_email",
    "invalid_url",
    "invalid_uscc",
    "unknown_region",
    "invalid_resident_id",
    "unknown_member",
    "ambiguous_member",
    "inactive_member",
    "unknown_department",
    "ambiguous_department",
    "keyring_missing",
    "precision_lost",
    "version_required",
    "normalised",
    "number_as_text",
    "field_not_readable",
    "already_archived",
    "not_archived",
    "archived",
    "not_your_task",
    "own_change",
    "not_submitter",
    "needs_rebase",
    "already_claimed",
    "decided_already",
    "not_mergeable",
    "nobody_takes_over",
    "share_ended",
    "unknown_role",
    "not_a_workbook",
    "not_a_backup",
    "tenant_not_empty",
    "cursor_unknown",
    "page_unknown",
    "tables_missing",
    "not_a_subject_access",
    "changed_since_read",
    "not_an_anchor",
    "evidence_key_missing",
    "password_protected",
    "corrupt_workbook",
    "no_data",
    "no_header",
    "formula_without_value",
    "unmapped_column",
    "missing_column",
    "skipped_existing",
    "imported_before",
    "imported_meanwhile",
    "skipped_new",
    "duplicate_in_store",
    "import_changed",
    "storage_retryable",
    "invalid_database_url",
    "nothing_to_change",
)
"""Codes that the source raises without parameters."""

WITH_PARAMS: dict[str, dict[str, Any]] = {
    "other_format": {"format": "html"},
    "hidden_sheets": {"sheets": ("客户",)},
    "sheets_without_cells": {"sheets": ("图",)},
    "hidden_columns": {"columns": ("C", "D")},
    "hidden_rows": {"count": 2},
    "sheets_missing": {"sheets": ("一月",)},
    "open_quote": {"row": 2},
    "cell_twice": {"cell": "A2"},
    "criterion_malformed": {"hint": "x"},
    "unit_not_in_heading": {"unit": "万元"},
    "amounts_scaled": {"factor": 10_000},
    "pictures_in_cells": {"column": "E", "count": 2},
    "no_data_row": {"what": "totals"},
    "surplus_cells": {"count": 2},
    "not_related": {"module": "follow_up"},
    "duplicate_column": {"columns": ("D", "E")},
    "unknown_sheet": {"sheets": ("客户",)},
    "resembles_row": {"row": 2, "score": 99, "fields": ("客户名称",)},
    "resembles_record": {"score": 99, "fields": ("客户名称",)},
    "template_outdated": {"template": "customer-zh-00000000", "version": 1, "current": 2},
    "template_field_renamed": {"former": "联系人"},
    "backup_newer": {"format": 2},
    "unsupported_database": {"database": "oracle"},
    "asynchronous_driver": {"driver": "asyncpg"},
    "anchor_exists": {"number": 2},
    "anchor_differs": {"number": 2, "position": 9},
    "anchor_forged": {"number": 2},
    "anchor_missing": {"number": 2},
    "history_altered": {"record": "r", "module": "m", "version": 3},
    "history_unproven": {"record": "r", "module": "m", "version": 3},
    "history_key_missing": {"record": "r", "module": "m", "version": 3, "key": "k"},
    "history_truncated": {"record": "r", "module": "m", "expected": 3, "actual": 2},
    "history_unerased": {"record": "r", "module": "m", "version": 3},
    "history_order": {"record": "r", "module": "m", "version": 3, "position": 9},
    "keys_missing": {"count": 2},
    "values_closed": {"count": 2},
    "digests_left": {"key": "i1", "count": 2},
    "backup_damaged": {"line": 3},
    "backup_misfit": {"line": 3},
    "backup_of_other_tenant": {"tenant": "north"},
    "record_without_document": {"module": "customer", "record": "018f"},
    "record_unreadable": {"module": "customer", "record": "018f"},
    "change_unreadable": {"key": "018d", "module": "customer", "record": "018f"},
    "request_unreadable": {"key": "018d"},
    "import_unreadable": {"key": "018d"},
    "event_unreadable": {"key": "018d"},
    "access_unreadable": {"key": "018d"},
    "revision_unreadable": {"key": "018d"},
    "document_without_record": {"record": "018f"},
    "index_without_record": {"record": "018f"},
    "index_without_request": {"request": "018c"},
    "not_deputy": {"actor": "ann", "principal": "bob"},
    "still_referenced": {"module": "follow_up"},
    "shares_differ": {"module": "customer", "record": "018f"},
    "tags_differ": {"module": "customer", "record": "018f"},
    "unique_differs": {"module": "customer", "record": "018f"},
    "unique_shared": {"module": "customer", "record": "018f", "other": "018e"},
    "slot_differs": {"module": "customer", "record": "018f"},
    "title_differs": {"module": "customer", "record": "018f"},
    "tasks_differ": {"request": "018c"},
    "marks_differ": {"request": "018c"},
    "reservations_differ": {"request": "018c"},
    "revision_head_differs": {"actual": 2, "expected": 3},
    "record_missing": {"module": "customer", "record": "018f"},
    "history_missing": {"module": "customer", "record": "018f"},
    "history_gap": {"module": "customer", "record": "018f", "version": 2},
    "history_version": {"module": "customer", "record": "018f", "actual": 2, "expected": 3},
    "history_differs": {"module": "customer", "record": "018f"},
    "module_undefined": {"record": "018f", "module": "customer"},
    "reference_without_record": {"module": "customer", "record": "018f"},
    "choice_without_entry": {"module": "customer", "record": "018f"},
    "request_without_record": {"request": "018c", "module": "customer", "record": "018f"},
    "criterion_too_deep": {"limit": 50},
    "unknown_operator": {"kind": "text", "operator": "lt"},
    "unknown_module": {"module": "contract"},
    "unknown_tag_dimension": {"dimension": "行业"},
    "criterion_too_large": {"limit": 1000},
    "unknown_segment": {"segment": "高价值"},
    "unknown_retention_rule": {"rule": "lost"},
    "ambiguous_segment": {"segment": "高价值", "candidates": ("a", "b")},
    "segment_cycle": {"segment": "high_value"},
    "retired_tag": {"dimension": "行业"},
    "tag_exists": {"dimension": "行业", "tag": "制造业"},
    "invalid_tag": {"dimension": "行业", "limit": 100},
    "unknown_entry": {"dictionary": "所属行业", "entry": "it"},
    "entry_given_twice": {"dictionary": "所属行业", "entry": "it"},
    "entry_without_code": {"dictionary": "所属行业"},
    "entry_without_label": {"dictionary": "所属行业", "entry": "it"},
    "entry_merged": {"dictionary": "所属行业", "entry": "it", "into": "software"},
    "entry_merged_into_itself": {"dictionary": "所属行业", "entry": "it"},
    "entry_merger_incomplete": {"dictionary": "所属行业", "entry": "it"},
    "entry_below_itself": {"dictionary": "所属行业", "entry": "it"},
    "entry_never_valid": {"dictionary": "所属行业", "entry": "it"},
    "unknown_tag": {"dimension": "行业"},
    "tag_by_rule": {"dimension": "行业"},
    "too_many_tags": {"dimension": "行业"},
    "wrong_type": {"kind": "date"},
    "required_when": {"because": "客户状态 = 成交"},
    "too_long": {"limit": 9},
    "too_short": {"limit": 9},
    "too_small": {"limit": "9"},
    "too_large": {"limit": "9"},
    "pattern_mismatch": {"hint": "two letters"},
    "not_one_of": {"allowed": ("a", "b")},
    "too_many_decimals": {"limit": 6},
    "nonexistent_time": {"zone": "America/New_York"},
    "wrong_currency": {"currency": "CNY"},
    "birthday_mismatch": {"other": "生日"},
    "date_order": {"other": "跟进时间"},
    "date_order_strict": {"other": "跟进时间"},
    "allowed_when": {"because": "客户状态 = 成交"},
    "key_malformed": {"key": "1a", "limit": 60, "path": "$.modules"},
    "key_reserved": {"key": "id", "path": "$.modules"},
    "key_differs": {"found": "a", "key": "b", "path": "$.modules"},
    "name_taken": {"name": "行业", "other": "industry", "path": "$.modules"},
    "name_ambiguous": {"name": "行业", "other": "industry", "path": "$.modules"},
    "unknown_part": {"what": "field", "key": "a", "path": "$.modules"},
    "missing_part": {"what": "dictionary", "path": "$.modules"},
    "setting_misfit": {"hint": "no", "path": "$.modules"},
    "unknown_option": {"kind": "text", "option": "x", "path": "$.modules"},
    "default_invalid": {"hint": "no", "path": "$.modules"},
    "criterion_misfit": {"hint": "no", "path": "$.modules"},
    "leads_in_circle": {"circle": "a → b → a", "path": "$.modules"},
    "owned_twice": {"other": "grade", "path": "$.modules"},
    "wrong_shape": {"expected": "a tuple", "path": "$.modules"},
    "rule_misfit": {"module": "customer", "rule": "Length", "hint": "no"},
    "pattern_invalid": {"position": 3, "token": "("},
    "pattern_not_supported": {"position": 3, "feature": "(?="},
    "pattern_too_large": {"what": "nesting", "limit": 1000},
    "formula_invalid": {"position": 3, "hint": "no"},
    "classification_reveals": {"fields": ("a", "b")},
    "formula_reveals": {"fields": ("a", "b")},
    "formula_cycle": {"fields": ("a", "b", "a")},
    "unknown_choice": {"dictionary": "所属行业"},
    "ambiguous_choice": {"dictionary": "所属行业", "candidates": ("a-x", "b-x")},
    "retired_choice": {"dictionary": "所属行业"},
    "not_a_leaf": {"dictionary": "所属行业"},
    "unknown_reference": {"module": "customer"},
    "ambiguous_reference": {"module": "customer"},
    "unreadable_value": {"key": "k1"},
    "transition_not_allowed": {"before": "a", "after": "b"},
    "not_initial_state": {"state": "a", "allowed": "b, c"},
    "guard_not_met": {"after": "a", "because": "Amount ≥ 1"},
    "required_in_state": {"state": "a"},
    "choice_not_valid": {"dictionary": "Status", "period": "from 2024-01-01 on"},
    "awaits_already": {"request_id": "018f"},
    "approval_missing": {"flow": "Winning"},
    "rule_failed": {"hint": "no"},
    "stale_version": {"actual": 3, "expected": 2},
    "field_reserved": {"request_id": "r1"},
    "not_found": {"what": "customer"},
    "action_denied": {"action": "view", "module": "customer"},
    "scope_denied": {"action": "view", "module": "customer", "clause": "scope"},
    "unknown_actor": {"actor": "x"},
    "no_approver": {"step": "manager", "flow": "customer_lost"},
    "request_closed": {"state": "applied", "command": "approve"},
    "stale_request": {"actual": 3, "expected": 2},
    "already_asked": {"member": "lisi"},
    "not_amendable": {"fields": "name"},
    "not_an_earlier_step": {"step": 2},
    "step_never_reached": {"step": "a", "flow": "f", "because": "no"},
    "step_always_passed": {"step": "a", "flow": "f"},
    "role_without_holders": {"step": "a", "flow": "f", "role": "r"},
    "quorum_out_of_reach": {"step": "a", "flow": "f"},
    "escalation_circle": {"step": "a", "flow": "f"},
    "escalation_nowhere": {"step": "a", "flow": "f"},
    "flow_without_decision": {"flow": "f"},
    "unsafe_workbook": {"reason": "DOCTYPE"},
    "file_too_large": {"limit": 1000},
    "workbook_too_large": {"what": "cells", "limit": 1000},
    "read_timeout": {"limit": 120},
    "several_sheets": {"sheets": ("a", "b")},
    "cell_error": {"error": "#REF!"},
    "ambiguous_column": {"candidates": ("a", "b")},
    "duplicate_in_file": {"row": 3, "field_label": "电话"},
    "matches_several": {"field_label": "电话"},
    "missing_extra": {"library": "openpyxl", "extra": "excel"},
    "configuration_invalid": {"hint": "no"},
    "field_not_editable": {"doing": "change"},
    "slots_used_up": {"module": "customer", "count": 12},
    "nobody_configures": {"module": "customer"},
    "role_without_grants": {"role": "sales", "path": "$.roles"},
    "role_without_members": {"role": "sales", "path": "$.roles"},
    "role_not_configured": {"position": "Sales", "role": "sales"},
    "member_without_role": {"member": "lisi"},
    "grant_allows_nothing": {"path": "$.grants[3]"},
    "fields_without_action": {"action": "view", "path": "$.grants[3]"},
    "grant_never_matches": {"role": "sales", "path": "$.grants[3]"},
    "grant_covered": {"others": ("$.grants[1]",), "path": "$.grants[3]"},
    "mask_without_effect": {"role": "sales", "other": "$.grants[1]", "path": "$.grants[3]"},
    "mask_lifted": {"members": ("lisi",), "role": "sales", "other": "$.grants[1]", "path": "$.grants[3]"},
    "sensitive_open": {"role": "sales", "path": "$.grants[3]"},
    "opened_by_wildcard": {"role": "sales", "path": "$.grants[3]"},
    "edited_unseen": {"role": "sales", "path": "$.grants[3]"},
    "still_in_use": {"count": 3},
    "not_unique_yet": {"count": 3},
    "storage_failed": {"error": "OperationalError"},
    "conversion_failing": {"count": 3},
    "configuration_changed": {"actual": 3, "expected": 2},
}
"""The parameters that the source gives with each code."""


def placeholders(template: str) -> set[str]:
    """Return the names between braces."""
    return set(re.findall(r"\{(\w+)\}", template))


def test_both_languages_have_the_same_codes() -> None:
    """No code is known in one language only, and this table names all of them."""
    assert set(ENGLISH) == set(CHINESE) == {*PLAIN, *WITH_PARAMS}
    assert len(PLAIN) + len(WITH_PARAMS) == len(ENGLISH)


@pytest.mark.parametrize("code", [*PLAIN, *WITH_PARAMS])
def test_both_languages_have_the_same_placeholders(code: str) -> None:
    """A text uses the parameters that the source gives, in both languages."""
    assert placeholders(ENGLISH[code]) == placeholders(CHINESE[code]) == set(WITH_PARAMS.get(code, {}))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("code", [*PLAIN, *WITH_PARAMS])
def test_no_placeholder_stays_unfilled(code: str, language: str) -> None:
    """With the parameters of the source every text is complete."""
    text = DEFAULT_MESSAGES.render(code, WITH_PARAMS.get(code, {}), language)
    assert text
    assert "{" not in text
    assert "}" not in text


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "must be one of: Won, b"), ("zh", "只能是：成交、b"), ("de", "Won / b")]
)
def test_lists_are_joined(language: str, expected: str) -> None:
    """A tuple is shown as a list, separated as the language does it, each item in that language."""
    messages = DEFAULT_MESSAGES.with_language("de", {"list_separator": " / ", "not_one_of": "{allowed}"})
    won = Translated({"zh": "成交", "en": "Won"})
    assert messages.render("not_one_of", {"allowed": (won, "b")}, language) == expected


@pytest.mark.parametrize(
    ("code", "params", "expected"),
    [
        ("too_long", {"limit": 2}, "at most 2 characters are allowed"),
        ("too_long", {"limit": 1}, "at most one character is allowed"),
        ("still_in_use", {"count": 1}, "one record still has it, so it cannot be left out; where it can be retired, "),
        ("digests_left", {"count": 1, "key": "i1"}, "one digest of an encrypted value is under the index key i1, "),
        ("file_too_large", {"limit": 1}, "the file is larger than 1 bytes: split it"),
        ("too_small", {"limit": "1"}, "must be at least 1"),
    ],
)
def test_one_is_said_otherwise_than_several(code: str, params: dict[str, object], expected: str) -> None:
    """Where a number is one, a language may have a text of its own; one that has none says it as always."""
    assert DEFAULT_MESSAGES.render(code, params, "en").startswith(expected)
    assert DEFAULT_MESSAGES.render(code, params, "zh") == CHINESE[code].format_map(params)


def test_who_replaces_a_text_replaces_that_of_one() -> None:
    """A host's own words count for one and for several, unless it has a text of one as well."""
    own = DEFAULT_MESSAGES.with_language("en", {"too_long": "{limit} at most"})
    assert own.render("too_long", {"limit": 1}, "en") == "1 at most"
    both = own.with_language("en", {"too_long": "{limit} letters", "too_long.one": "one letter"})
    assert [both.render("too_long", {"limit": number}, "en") for number in (1, 2)] == ["one letter", "2 letters"]
    french = DEFAULT_MESSAGES.with_language("fr", {"required": "obligatoire", "too_short": "{limit} au moins"})
    assert french.render("too_long", {"limit": 1}, "fr") == "at most one character is allowed"
    assert french.render("too_short", {"limit": 1}, "fr") == "1 au moins"


def test_texts_of_one_belong_to_a_code() -> None:
    """Each stands beside a text of several that has a number, and asks for nothing that this one lacks."""
    for code, text in ENGLISH_OF_ONE.items():
        several = ENGLISH[code.removesuffix(".one")]
        assert placeholders(several) & {"count", "limit"}, code
        assert placeholders(text) <= placeholders(several) - {"count", "limit"}, code
    assert DEFAULT_MESSAGES.gaps("zh") == ()


@pytest.mark.parametrize("text", [*CHINESE.values(), *CHINESE_WORDS.values()])
def test_chinese_is_punctuated_as_chinese(text: str) -> None:
    """Beside a Chinese character or a parameter stands no comma, colon, bracket or the like of half width."""
    assert re.findall(r"[\u4e00-\u9fff}][,;:!?(]|[,;:!?)](?=[\u4e00-\u9fff{])", text) == []


def test_english_contracts_nothing() -> None:
    """One way of saying that something is not possible is enough."""
    assert [text for text in (*ENGLISH.values(), *ENGLISH_OF_ONE.values()) if "n't" in text] == []


def test_parameters_are_not_templates() -> None:
    """Braces in a parameter are shown as they are."""
    assert DEFAULT_MESSAGES.render("rule_failed", {"hint": "use {x} {0}"}, "en") == "use {x} {0}"


@pytest.mark.parametrize("template", ["{missing}", "{0}", "{", "{limit:zz}"])
def test_a_template_that_does_not_fit_is_shown_as_it_is(template: str) -> None:
    """Rendering never raises for a template of the host that asks for what is not there."""
    messages = DEFAULT_MESSAGES.with_language("de", {"too_long": template})
    assert messages.render("too_long", {"limit": 3}, "de") == template


def test_fall_backs() -> None:
    """An unknown language gives English, and so does a code that a language lacks; an unknown code gives itself."""
    german = DEFAULT_MESSAGES.with_language("de", {"required": "Pflichtfeld"})
    assert german.render("required", {}, "de") == "Pflichtfeld"
    assert german.render("not_whole", {}, "de") == "must be a whole number"
    assert german.render("required", {}, "fr") == "a value is required"
    assert german.render("no_such_code", {}, "de") == "no_such_code"


def test_a_host_replaces_single_texts() -> None:
    """Texts are added to a language that is there, and the catalogue that it was made from stays as it is."""
    changed = DEFAULT_MESSAGES.with_language("en", {"required": "fill me in"})
    assert changed.render("required", {}, "en") == "fill me in"
    assert changed.render("not_whole", {}, "en") == "must be a whole number"
    assert DEFAULT_MESSAGES.render("required", {}, "en") == "a value is required"


def test_an_unknown_code_with_a_hint() -> None:
    """A code that only the host knows reads as its hint, in the reader's language, until the host adds a text."""
    hint = Translated({"zh": "须为偶数", "en": "must be even"})
    assert DEFAULT_MESSAGES.render("odd", {"hint": "must be even"}, "zh") == "must be even"
    assert DEFAULT_MESSAGES.render("odd", {"hint": hint}, "en") == "must be even"
    told = DEFAULT_MESSAGES.with_language("en", {"odd": "is odd"})
    assert told.render("odd", {"hint": hint}, "en") == "is odd"


def test_translated_parameters() -> None:
    """A parameter reads differently in each language, falls back to English, and otherwise is a plain text."""
    value = Translated({"zh": "成交", "en": "Won"})
    assert (value, Translated({"en": "Won"}, "zh"), Translated({})) == ("成交", "Won", "")
    rendered = [DEFAULT_MESSAGES.render("required_when", {"because": value}, language) for language in ("zh", "en")]
    assert rendered == ["当 成交 时必填", "a value is required where Won"]
    assert (value.in_language("de"), Translated({"zh": "成交"}).in_language("de")) == ("Won", "成交")
    for same in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):
        assert (same, same.in_language("en"), hash(same)) == (value, "Won", hash("成交"))


def test_what_speaks_of_fields_still_does_when_it_is_copied() -> None:
    """By its paths a text is kept from those who may not read a field, also in another process."""
    value = Telling.of(Translated({"zh": "客户状态 = 成交", "en": "Status = Won"}, "en"), [("status",)])
    for same in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value), copy.copy(value)):
        assert isinstance(same, Telling)
        assert str(same) == "Status = Won"
        assert same.in_language("zh") == "客户状态 = 成交"
        assert same.paths == {("status",)}


def test_a_catalogue_is_a_value() -> None:
    """Catalogues compare and hash by their texts."""
    one, other = (Messages(FrozenDict({"en": FrozenDict({"a": "b"})})) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(
    ("code", "params", "chinese", "english"),
    [
        ("wrong_type", {"kind": "money"}, "不是“金额”类型的值", "is not a value of the kind amount of money"),
        ("wrong_type", {"kind": "plate"}, "不是“plate”类型的值", "is not a value of the kind plate"),
        (
            "unknown_operator",
            {"kind": "encrypted", "operator": "sort"},
            "“加密”类型的字段不支持“排序”运算",
            "a field of kind encrypted does not take the operator “sort”",
        ),
        (
            "request_closed",
            {"state": "applied", "command": "approve"},
            "审批单的状态为“已生效”，不能同意",
            "the request is in effect and accepts no approval",
        ),
    ],
)
def test_codes_in_parameters_read_as_words(code: str, params: dict[str, object], chinese: str, english: str) -> None:
    """Kinds, operators, states and commands are said in the reader's language; a host's own kind reads as its key."""
    assert DEFAULT_MESSAGES.render(code, params, "zh") == chinese
    assert DEFAULT_MESSAGES.render(code, params, "en") == english


def test_every_kind_state_and_command_has_a_word() -> None:
    """No built-in kind, state of a request or command is shown to people by its code."""
    codes = [("kind", BUILT_IN_KINDS), ("state", get_args(RequestState)), ("command", get_args(CommandName))]
    told = {f"{name}_{code}" for name, known in codes for code in known}
    assert told - ENGLISH_TERMS.keys() == {"command_apply", "command_find_conflict"}  # nobody gives these


def test_a_label_is_no_code() -> None:
    """A field that is labelled like something that every record has keeps its label; that itself has a word."""
    labelled = Problem("required", "mine", labels=FrozenDict({"zh": "version", "en": "version"}))
    assert (labelled.message("zh"), Problem("required", "version").message("zh")) == ("version：必填", "版本：必填")
