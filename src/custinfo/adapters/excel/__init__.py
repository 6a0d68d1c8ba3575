"""Excel: reading what people send, templates, imports and exports.

`write_template` makes a workbook to fill in, `plan_import` reads it or any other, `export` writes what an actor may
see. Needs the extra `excel`; its libraries are loaded on first use.
"""

from custinfo.adapters.excel.export import ExportReport, ReferenceForm, export
from custinfo.adapters.excel.importing import ExcelPlan, ExcelReport, plan_import
from custinfo.adapters.excel.plans import ErrorForm
from custinfo.adapters.excel.policy_matrix import write_policy_matrix
from custinfo.adapters.excel.reading import Limits, read_tables
from custinfo.adapters.excel.sampling import SampledRow, SampleReport, ValueDifference
from custinfo.adapters.excel.subject_access import write_subject_access
from custinfo.adapters.excel.template import write_template
from custinfo.workspace.importing import Difference

__all__ = [
    "Difference",
    "ErrorForm",
    "ExcelPlan",
    "ExcelReport",
    "ExportReport",
    "Limits",
    "ReferenceForm",
    "SampleReport",
    "SampledRow",
    "ValueDifference",
    "export",
    "plan_import",
    "read_tables",
    "write_policy_matrix",
    "write_subject_access",
    "write_template",
]
