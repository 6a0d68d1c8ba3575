"""The standard configuration, put together."""

from __future__ import annotations

from custinfo.core.configuration import Configuration
from custinfo.standard.dictionaries import DICTIONARIES, TAG_DIMENSIONS
from custinfo.standard.flows import FLOWS
from custinfo.standard.modules import CUSTOMER, FOLLOW_UP
from custinfo.standard.policy import GRANTS, ROLES

__all__ = ["standard_configuration"]


def standard_configuration() -> Configuration:
    """Return customers and follow-ups as Chinese companies keep them: a configuration to use, change and store.

    Modules `customer` and `follow_up`, their dictionaries and tag dimensions, eight roles with their grants, and the
    approval flows `customer_lost`, `sensitive_field` and `key_contact`.

    >>> standard_configuration().modules["customer"].fields["name"].label_in("zh")
    '客户名称'
    """
    return Configuration(
        modules=(CUSTOMER, FOLLOW_UP),
        dictionaries=DICTIONARIES,
        tag_dimensions=TAG_DIMENSIONS,
        roles=ROLES,
        grants=GRANTS,
        flows=FLOWS,
    )
