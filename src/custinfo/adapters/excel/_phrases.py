"""What the adapter itself writes into workbooks, by language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["every_phrase", "phrase"]

_CHINESE: Final = {
    # headings beside those of the fields
    "reason": "错误原因",
    "source_row": "原行号",
    "tags": "标签",
    "owner": "负责人",
    "department": "所属部门",
    "created_at": "创建时间",
    "updated_at": "更新时间",
    "created_by": "创建人",
    "archived_at": "归档时间",
    "version": "版本",
    # the sheet of instructions
    "instructions": "填写说明",
    "field": "字段",
    "required": "必填",
    "kind": "类型",
    "allowed": "可填内容",
    "help": "说明",
    "example": "示例",
    "yes": "是",
    "no": "否",
    "depends": "视“{fields}”而定",
    "applies": "是否填写视“{fields}”而定",
    "unique": "不可重复",
    "entries": "字典“{dictionary}”：{entries}",
    "more": "{shown} 等共 {count} 项，见下拉列表",
    "several": "可填多项，以“、”分隔",
    "at_least": "不小于 {limit}",
    "at_most": "不大于 {limit}",
    "length": "{low} 至 {high} 个字符",
    "longest": "最多 {limit} 个字符",
    "exactly": "{limit} 个字符",
    "one_of": "只能是：{allowed}",
    "default": "新记录留空则为 {value}",
    "currency": "币种 {currency}",
    "note_required": "带 * 的列必填。",
    "note_blank": "已有记录的空白单元格保持原值不变，不会清空。",
    "note_header": "请勿改动表头；不需要的列可以删除。",
    "note_text": "电话、证件等长数字请按文本录入（这些列已设为文本格式）。",
    # examples of texts, by field or by module and field
    "example_customer_name": "××科技有限公司",
    "example_contact_name": "张三",
    # what a kind is called
    "kind_text": "文本",
    "kind_long_text": "多行文本",
    "kind_integer": "整数",
    "kind_decimal": "数字",
    "kind_money": "金额",
    "kind_boolean": "是/否",
    "kind_date": "日期",
    "kind_datetime": "日期时间",
    "kind_choice": "下拉选择",
    "kind_multiple_choice": "多项选择",
    "kind_phone": "电话号码",
    "kind_email": "邮箱",
    "kind_url": "网址",
    "kind_uscc": "统一社会信用代码（18 位）",
    "kind_resident_id": "居民身份证号码（18 位）",
    "kind_reference": "其他记录的编号",
    "kind_user": "人员：姓名、姓名(部门)或工号",
    "kind_department": "部门：名称或路径",
    # what a spreadsheet says when a value is refused
    "invalid": "内容不符合要求",
    "invalid_list": "请从下拉列表中选择。",
    "invalid_date": "请输入日期，如 2024-03-15。",
    "invalid_datetime": "请输入日期和时间，如 2024-03-15 10:30。",
    "invalid_number": "请输入数字。{limits}",
    "invalid_whole": "请输入整数。{limits}",
    # the matrix of a policy
    "matrix_guide": "图例",
    "matrix_flat": "全部权限",
    "matrix_how": (
        "每个模块一张表：上半部分为操作，下半部分为字段；单元格写明可以做什么、适用于哪些记录。未写明的一律不允许。"
    ),
    "matrix_colour": "颜色",
    "matrix_meaning": "含义",
    "matrix_open": "可查看，并可修改或填写",
    "matrix_seen": "可查看；允许的操作",
    "matrix_partly": "只能脱敏查看",
    "matrix_unseen": "可修改或填写，但看不到",
    "matrix_closed": "不允许",
    "matrix_actions": "操作",
    "matrix_fields": "字段",
}
_ENGLISH: Final = {
    "reason": "Reason",
    "source_row": "Source row",
    "tags": "Tags",
    "owner": "Owner",
    "department": "Department",
    "created_at": "Created at",
    "updated_at": "Updated at",
    "created_by": "Created by",
    "archived_at": "Archived at",
    "version": "Version",
    "instructions": "Instructions",
    "field": "Field",
    "required": "Required",
    "kind": "Kind",
    "allowed": "Allowed values",
    "help": "Help",
    "example": "Example",
    "yes": "yes",
    "no": "no",
    "depends": "depends on {fields}",
    "applies": "whether it applies depends on {fields}",
    "unique": "no two rows may have the same",
    "entries": "list {dictionary}: {entries}",
    "more": "{shown} and others, {count} in all: see the drop-down list",
    "several": "several may be given, separated by commas",
    "at_least": "at least {limit}",
    "at_most": "at most {limit}",
    "length": "{low} to {high} characters",
    "longest": "at most {limit} characters",
    "exactly": "{limit} characters",
    "one_of": "one of: {allowed}",
    "default": "{value} for a new record if left blank",
    "currency": "currency {currency}",
    "note_required": "Columns marked with * must be filled in.",
    "note_blank": "A blank cell leaves the value of an existing record as it is.",
    "note_header": "Do not change the headings; columns that are not needed may be deleted.",
    "note_text": "Enter phone and identity numbers as text (these columns are formatted as text).",
    "example_customer_name": "Example Technology Co., Ltd.",
    "example_contact_name": "Zhang San",
    "kind_text": "text",
    "kind_long_text": "text of several lines",
    "kind_integer": "whole number",
    "kind_decimal": "number",
    "kind_money": "amount of money",
    "kind_boolean": "yes or no",
    "kind_date": "date",
    "kind_datetime": "date and time",
    "kind_choice": "one entry of a list",
    "kind_multiple_choice": "entries of a list",
    "kind_phone": "phone number",
    "kind_email": "e-mail address",
    "kind_url": "web address",
    "kind_uscc": "unified social credit code (18 characters)",
    "kind_resident_id": "resident identity number (18 characters)",
    "kind_reference": "id of another record",
    "kind_user": "person: name, name(department) or employee number",
    "kind_department": "department: name or path",
    "invalid": "This is not allowed here",
    "invalid_list": "Choose an entry of the list.",
    "invalid_date": "Enter a date such as 2024-03-15.",
    "invalid_datetime": "Enter a date and time such as 2024-03-15 10:30.",
    "invalid_number": "Enter a number. {limits}",
    "invalid_whole": "Enter a whole number. {limits}",
    # the matrix of a policy
    "matrix_guide": "Legend",
    "matrix_flat": "All rights",
    "matrix_how": (
        "A sheet for each module: actions above, fields below. A cell says what may be done, and to which records. "
        "What is not written is not allowed."
    ),
    "matrix_colour": "Colour",
    "matrix_meaning": "Meaning",
    "matrix_open": "seen in full, and edited or set",
    "matrix_seen": "seen in full; an action that is allowed",
    "matrix_partly": "seen masked only",
    "matrix_unseen": "edited or set without being seen",
    "matrix_closed": "not allowed",
    "matrix_actions": "Actions",
    "matrix_fields": "Fields",
}

_LANGUAGES: Final[Mapping[str, Mapping[str, str]]] = {"zh": _CHINESE, "en": _ENGLISH}


def phrase(language: str, key: str, **params: object) -> str:
    """Return a phrase in `language`, English where that language has none; empty for an unknown key.

    >>> phrase("zh", "at_least", limit=0), phrase("de", "reason"), phrase("zh", "kind_of_a_host")
    ('不小于 0', 'Reason', '')
    """
    return _LANGUAGES.get(language, _ENGLISH).get(key, "").format_map(params)


def every_phrase(key: str) -> Iterator[str]:
    """Yield a phrase in every language."""
    return (texts[key] for texts in _LANGUAGES.values())
