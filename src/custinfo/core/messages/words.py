"""What a report says beside the problems themselves, and words for parameters, in Chinese and in English.

These texts stand in the catalogue beside those of the codes, so that a language is added in one place. The word
`action_edit` is what the parameter `action` reads like where it is `edit`.
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
    "action_view": "查看",
    "action_create": "新建",
    "action_edit": "修改",
    "action_delete": "删除",
    "action_archive": "归档",
    "action_export": "导出",
    "action_import": "导入",
    "action_approve": "审批",
    "action_transfer": "转交",
    "action_tag": "标记",
    "action_merge": "合并",
    "action_configure": "配置",
    "action_decrypt": "解密查看",
    "action_share": "共享",
    "action_claim": "领取",
    "action_release": "退回公海",
    "clause_scope": "不在您的数据范围内",
    "what_version": "版本",
    "what_request": "审批申请",
    "what_import": "导入",
    "what_id": "编号",
    "module_*": "全部模块",
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
    "action_view": "view",
    "action_create": "create",
    "action_edit": "edit",
    "action_delete": "delete",
    "action_archive": "archive",
    "action_export": "export",
    "action_import": "import",
    "action_approve": "approve",
    "action_transfer": "transfer",
    "action_tag": "tag",
    "action_merge": "merge",
    "action_configure": "configure",
    "action_decrypt": "decrypt",
    "action_share": "share",
    "action_claim": "claim",
    "action_release": "release",
    "clause_scope": "it is not in your scope",
    "what_version": "version",
    "what_request": "request",
    "what_import": "import",
    "what_id": "id",
    "module_*": "any module",
}
