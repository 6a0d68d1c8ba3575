"""The standard configuration: customers and follow-ups as Chinese companies keep them, ready to use and to change."""

from custinfo.standard.configuration import standard_configuration
from custinfo.standard.organisation import sample_organisation
from custinfo.standard.policy import PUBLIC_POOL, SHARING

__all__ = ["PUBLIC_POOL", "SHARING", "sample_organisation", "standard_configuration"]
