"""What a report says beside the problems themselves, in Chinese and in English.

These texts stand in the catalogue beside those of the codes, so that a language is added in one place.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CHINESE_WORDS", "ENGLISH_WORDS"]

CHINESE_WORDS: Final = {
    "report_sentence": "{field}：{text}",
    "report_severity": "级别",
    "report_place": "位置",
    "report_field": "字段",
    "report_problem": "问题",
    "report_error": "错误",
    "report_warning": "警告",
    "report_notice": "提示",
    "report_row": "第 {row} 行",
    "report_column": "{column} 列",
    "report_counts": "错误 {errors}，警告 {warnings}，提示 {notices}",
    "report_nothing": "没有发现问题",
}

ENGLISH_WORDS: Final = {
    "report_sentence": "{field}: {text}",
    "report_severity": "Severity",
    "report_place": "Place",
    "report_field": "Field",
    "report_problem": "Problem",
    "report_error": "error",
    "report_warning": "warning",
    "report_notice": "notice",
    "report_row": "row {row}",
    "report_column": "column {column}",
    "report_counts": "errors: {errors}, warnings: {warnings}, notices: {notices}",
    "report_nothing": "nothing was found",
}
