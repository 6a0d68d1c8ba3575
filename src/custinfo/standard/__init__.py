"""The standard configuration: customers and follow-ups as Chinese companies keep them, ready to use and to change."""

from custinfo.standard.configuration import standard_configuration
from custinfo.standard.organisation import sample_organisation

__all__ = ["sample_organisation", "standard_configuration"]
