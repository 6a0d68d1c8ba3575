"""Write `reference/problems.md`, the catalogue of problems, from the texts in `custinfo.core.messages`.

Run `python docs/problem_catalogue.py` after a code or a text has changed; a test fails while the page is out of date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from custinfo.core.messages import CHINESE, ENGLISH
from custinfo.core.messages.words import CHINESE_WORDS, ENGLISH_WORDS

PAGE: Final = Path(__file__).parent / "reference" / "problems.md"
OTHERS: Final = "Others"

TOPICS: Final[dict[str, str]] = {
    "Records and fields": """
        unknown_module unknown_field given_twice required required_when allowed_when not_applicable retired_field
        read_only_field masked_value wrong_type rule_failed not_unique transition_not_allowed not_initial_state
        guard_not_met required_in_state version_required normalised number_as_text
    """,
    "Texts": "too_long too_short pattern_mismatch not_one_of control_character",
    "Numbers and amounts": """
        invalid_number not_whole too_small too_large too_many_decimals number_out_of_range wrong_currency precision_lost
        invalid_boolean
    """,
    "Dates and times": """
        invalid_date invalid_datetime nonexistent_time date_order date_order_strict
    """,
    "Phones, addresses and identifiers": """
        invalid_phone phone_type_not_allowed extension_not_allowed several_phones invalid_email invalid_url invalid_uscc
        invalid_resident_id unknown_region birthday_mismatch
    """,
    "Choices and tags": """
        unknown_choice ambiguous_choice retired_choice choice_not_valid not_a_leaf unknown_tag_dimension unknown_tag
        too_many_tags retired_tag tag_exists invalid_tag tag_by_rule
    """,
    "People, departments and references": """
        unknown_actor not_deputy unknown_role unknown_member ambiguous_member inactive_member unknown_department
        ambiguous_department unknown_reference ambiguous_reference
    """,
    "Criteria": """
        unknown_operator criterion_malformed criterion_too_deep criterion_too_large
        unknown_segment ambiguous_segment segment_cycle
    """,
    "Permission": "action_denied scope_denied field_not_editable field_not_readable not_found",
    "A policy that is examined": """
        role_without_grants role_without_members role_not_configured member_without_role grant_allows_nothing
        fields_without_action grant_never_matches grant_covered mask_without_effect mask_lifted sensitive_open
        opened_by_wildcard edited_unseen
    """,
    "Conflicts": """
        stale_version field_reserved already_archived not_archived archived already_claimed
        nobody_takes_over share_ended still_referenced not_mergeable session_ended configuration_changed
    """,
    "Approval": """
        decided_already ask_again export_asks_encrypted
        no_approver not_your_task own_change request_closed not_submitter stale_request needs_rebase approval_missing
        already_asked not_amendable not_an_earlier_step recipient_needed nothing_to_take_back acted_since
        nothing_proposed not_involved reminded_already not_due record_exists record_gone record_archived
        awaits_already not_held_for_approval
        record_merged record_transferred changed_since changed_since_read nobody_left overdue not_applied
        step_never_reached step_always_passed role_without_holders quorum_out_of_reach escalation_circle
        escalation_nowhere flow_without_decision
    """,
    "Files and imports": """
        not_a_workbook other_format password_protected corrupt_workbook unsafe_workbook file_too_large
        workbook_too_large open_quote cell_twice hidden_sheets hidden_rows hidden_columns pictures_in_cells
        amounts_scaled unit_not_in_heading sheets_without_cells sheets_missing read_timeout no_data no_header
        no_data_row surplus_cells several_sheets unknown_sheet cell_error formula_without_value unmapped_column
        ambiguous_column duplicate_column missing_column duplicate_in_file duplicate_in_store import_changed
        text_cut related_without_row related_changed not_related resembles_row resembles_record
        template_outdated template_field_gone template_field_renamed template_field_changed
        template_entries_changed template_field_required template_field_added skipped_existing skipped_new
        matches_several imported_before
    """,
    "History": """
        history_altered history_unproven history_key_missing history_truncated history_unerased history_order
        anchor_differs anchor_forged anchor_missing anchor_exists not_an_anchor cursor_unknown page_unknown
        evidence_key_missing not_a_subject_access unknown_retention_rule
    """,
    "Encryption and storage": """
        keyring_missing keys_missing values_closed digests_left unreadable_value storage_failed storage_retryable
        tables_missing invalid_database_url
        unsupported_database asynchronous_driver missing_extra
    """,
    "The configuration": """
        configuration_invalid key_malformed key_reserved key_differs name_taken name_ambiguous unknown_part missing_part
        setting_misfit unknown_option default_invalid criterion_misfit leads_in_circle owned_twice wrong_shape
        rule_misfit pattern_invalid pattern_not_supported pattern_too_large formula_invalid formula_cycle
        formula_reveals classification_reveals slots_used_up
        unknown_entry entry_given_twice entry_without_code entry_without_label entry_merged entry_merged_into_itself
        entry_merger_incomplete entry_below_itself entry_never_valid
    """,
    "Changing the configuration": """
        nothing_to_change still_in_use not_unique_yet conversion_failing nobody_configures
    """,
    "Backups": """
        not_a_backup backup_newer backup_damaged backup_misfit backup_of_other_tenant tenant_not_empty
    """,
    "Integrity of a store": """
        record_without_document record_unreadable change_unreadable request_unreadable import_unreadable
        access_unreadable event_unreadable revision_unreadable document_without_record index_without_record
        index_without_request
        tags_differ shares_differ unique_differs unique_shared slot_differs title_differs tasks_differ
        reservations_differ marks_differ revision_head_differs record_missing history_missing history_gap
        history_version history_differs module_undefined reference_without_record choice_without_entry
        request_without_record
    """,
}
"""Where a code stands. One that is in no topic yet comes under the last heading of the page."""

SEVERITIES: Final = {
    "hidden_rows": "warning",
    "pictures_in_cells": "warning",
    "amounts_scaled": "warning",
    "unit_not_in_heading": "warning",
    "hidden_columns": "warning",
    "no_data": "warning",
    "no_data_row": "warning",
    "changed_since_read": "notice",
    "normalised": "notice",
    "number_as_text": "notice",
    "unknown_region": "warning",
    "digests_left": "warning",
    "unmapped_column": "warning",
    "missing_column": "warning",
    "template_outdated": "notice",
    "text_cut": "notice",
    "template_field_gone": "warning",
    "template_field_renamed": "notice",
    "template_field_changed": "notice",
    "template_entries_changed": "notice",
    "template_field_required": "notice",
    "template_field_added": "notice",
    "skipped_existing": "notice",
    "imported_before": "notice",
    "skipped_new": "notice",
    "request_without_record": "warning",
    "unknown_option": "warning",
    "name_ambiguous": "warning",
    "role_without_grants": "warning",
    "role_without_members": "warning",
    "role_not_configured": "warning",
    "member_without_role": "warning",
    "grant_allows_nothing": "warning",
    "fields_without_action": "warning",
    "grant_never_matches": "warning",
    "grant_covered": "warning",
    "mask_without_effect": "warning",
    "mask_lifted": "notice",
    "sensitive_open": "warning",
    "opened_by_wildcard": "notice",
    "edited_unseen": "notice",
    **dict.fromkeys(
        (
            "record_transferred",
            "needs_rebase",
            "nobody_left",
            "overdue",
            "not_applied",
            "step_never_reached",
            "step_always_passed",
            "role_without_holders",
            "quorum_out_of_reach",
            "escalation_circle",
            "escalation_nowhere",
            "flow_without_decision",
        ),
        "warning",
    ),
}
"""Whatever is not listed is an error."""

ADVICE: Final = {
    "unknown_field": "Name the field by its key, a label or an alias. Labels of retired fields still count.",
    "given_twice": "A field has a key, labels and aliases; give it under one of them.",
    "required_when": "Fill it in, or change what the condition is about. While it holds, the field can't be cleared.",
    "not_applicable": "The field's `applies_when` does not hold for the record: leave the field out.",
    "read_only_field": "Leave it out: it is filled in or computed.",
    "masked_value": "What a view shows masked can't be written back: leave the field out to keep its value.",
    "wrong_type": "Give a text as people write it, or a value of the kind's own type.",
    "not_unique": "Find the other record by this value; if you can't see it, ask somebody who can.",
    "precision_lost": "The digits are gone from the file. Type the number again in a cell formatted as text.",
    "normalised": "Nothing: the value is stored in its usual form.",
    "number_as_text": "Nothing, unless leading zeros were lost: format the column as text.",
    "version_required": "Pass `version=view.version`; a script that means any version passes `ANY`.",
    "ambiguous_choice": "Give the path, such as 制造业-IT设备, or the code.",
    "retired_choice": "Records that have it keep it; choose another one for this record.",
    "not_a_leaf": "Choose an entry below it.",
    "ambiguous_member": "Write 姓名(部门), the key or the employee number.",
    "unknown_reference": "Give the id of a record that the actor may view.",
    "unknown_operator": "Which operators a kind has: see `F` in the [reference](custinfo.md).",
    "action_denied": "`session.explain(…)` says which grants there are, and what each lacks.",
    "scope_denied": "`session.explain(…)` says which clause failed.",
    "field_not_readable": "Searching and sorting by a field counts as reading it.",
    "role_without_members": "Give the role to a position, or take it and its grants out.",
    "member_without_role": "Give them a position whose roles are configured.",
    "fields_without_action": "Add the action, or leave the fields out.",
    "grant_covered": "It can go, unless it is there for what it says to readers.",
    "mask_without_effect": "Mask the field in the other grant too, or leave it out there.",
    "mask_lifted": "Grants only widen: who holds two roles sees what either shows.",
    "sensitive_open": "Leave the field out, mask it, or give it to a role that is trusted with the module.",
    "opened_by_wildcard": "Nothing, if it is meant; else name the field in `mask`, or leave it out of the choice.",
    "edited_unseen": "Nothing, if new values are to be handed in unseen; else let the role view or mask the field.",
    "not_found": "The answer is the same whether it does not exist or is out of reach.",
    "stale_version": "Get the record again, decide again, and pass its version.",
    "field_reserved": "Wait for the request, or have its submitter withdraw it. Other fields can be changed.",
    "session_ended": "Open another session, and get the record in it.",
    "configuration_changed": "Read the stored configuration again, make the change on it, and save that.",
    "no_approver": "Fill the position, or change the step or what it does where it finds nobody.",
    "imported_meanwhile": "Plan the file again: what is there already is told as such.",
    "awaits_already": "Wait for the request, or withdraw it.",
    "not_held_for_approval": "Import the row without it, and enter it once the row is approved.",
    "needs_rebase": "Look at base, live and proposed values, and submit again.",
    "nobody_left": "An administrator hands the tasks over, or rescues the request.",
    "stale_request": "Read the request again: somebody decided meanwhile.",
    "unsafe_workbook": "Save it again in a spreadsheet program; if it is meant to be so large, raise the `Limits`.",
    "file_too_large": "Split the file, or pass other `Limits`.",
    "workbook_too_large": "Delete what is not data, split the file, or pass other `Limits`.",
    "read_timeout": "Split the file, or pass other `Limits`.",
    "no_header": "Pass `mapping={heading: field}`, or begin from the template.",
    "hidden_sheets": "Show the sheet, or pass `sheet=…`.",
    "other_format": "Save it as .xlsx in a program that opens it.",
    "several_sheets": "Pass `sheet=…`.",
    "no_data_row": "Nothing; if it is data after all, write it without the word that it was told by.",
    "cell_error": "Correct the formula in the file.",
    "formula_without_value": "A program wrote the file without computing it.",
    "unmapped_column": "Nothing, if the column is to be left out; else pass `mapping=…` or add an alias to the field.",
    "duplicate_in_file": "Keep one of the rows.",
    "duplicate_in_store": 'Update that record instead; `duplicates="create"` takes such rows over as new ones.',
    "related_without_row": "Add the row to the main sheet, or import this sheet by itself.",
    "resembles_row": 'Keep one of the rows; `duplicates="exact"` takes both over.',
    "resembles_record": 'Update that record instead; `duplicates="exact"` takes such rows over as new ones.',
    "template_outdated": "Hand out a new template; what the file has is imported as far as it still fits.",
    "import_changed": "Plan again, and apply that plan.",
    "keyring_missing": "See [Encrypt fields](../how-to/encrypt-fields.md).",
    "unreadable_value": "Give the keyring the key of this name. If it has it, the stored value was altered.",
    "storage_retryable": "Do the whole unit of work again.",
    "invalid_database_url": "The URL itself is not repeated: it may hold a password.",
    "asynchronous_driver": "How to work in an `AsyncSession` is a page of its own.",
    "tables_missing": "Create them, or migrate. In a host's transaction, `units.within(session)` has the same names.",
    "page_unknown": "Give back `next` with the same order and the same question, or begin with the first page.",
    "storage_failed": "`params` say which error of the database driver it was, and its state.",
    "rule_misfit": "See [Add a rule](../how-to/add-a-rule.md).",
    "pattern_not_supported": "What patterns can hold: see `compile_pattern` in the [reference](policy.md).",
    "unknown_part": "Where it is a kind of your own, pass `kinds=…`: see [Add a kind](../how-to/add-a-kind.md).",
}
"""What helps, where the text alone does not say it."""

_INTRODUCTION: Final = """# Problems

Every code that custinfo gives a `Problem`, with its texts. Codes are stable; texts may be improved. This page is
written from `custinfo.core.messages` by `python docs/problem_catalogue.py`.

An *error* stops the change, and nothing is saved. What has a *warning* is saved and worth a look. A *notice* says that
the form of a value was changed. The names between braces are the problem's `params`; none holds the value. See also
`Problem` and `Report` in the [reference](custinfo.md#what-can-be-wrong), and
[how to add a language](../how-to/add-a-language.md)."""

_WORDS: Final = """## What a report says around them

`Report` takes its headings from the same catalogue; a language is complete with these.

| code | parameters | English | Chinese |
|---|---|---|---|"""

_HEAD: Final = """| code | severity | parameters | English | Chinese | what helps |
|---|---|---|---|---|---|"""


def page() -> str:
    """Return the whole page."""
    sorted_in = {code for codes in TOPICS.values() for code in codes.split()}
    topics = {title: [code for code in codes.split() if code in ENGLISH] for title, codes in TOPICS.items()}
    topics[OTHERS] = [code for code in ENGLISH if code not in sorted_in]
    parts = [_INTRODUCTION]
    parts += ["\n".join([f"## {title}\n", _HEAD, *map(_row, codes)]) for title, codes in topics.items() if codes]
    words = (_cells(f"`{key}`", _parameters(text), text, CHINESE_WORDS[key]) for key, text in ENGLISH_WORDS.items())
    return "\n\n".join([*parts, "\n".join([_WORDS, *words])]) + "\n"


def _row(code: str) -> str:
    text = ENGLISH[code]
    severity = SEVERITIES.get(code, "error")
    return _cells(f"`{code}`", severity, _parameters(text), text, CHINESE[code], help_text=ADVICE.get(code, ""))


def _parameters(template: str) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(re.findall(r"{(\w+)}", template)))


def _cells(*texts: str, help_text: str | None = None) -> str:
    escaped: Iterator[str] = (re.sub(r"([|*<\[\]])", r"\\\1", text) for text in texts)
    return "| " + " | ".join([*escaped, *([] if help_text is None else [help_text])]) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
