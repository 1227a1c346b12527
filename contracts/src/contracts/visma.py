"""Owned by visma-connector: what each Visma customer ID gives access to."""

from enum import StrEnum

from pydantic import Field

from contracts.message import Command, Event, Moment, OrganizationMessage, Record, VismaCompanyId, VismaCustomerId
from contracts.sync import DataSet


class DenialReason(StrEnum):
    """Why a Visma customer ID gives no access."""

    NOT_ACTIVATED = "not_activated"
    UNKNOWN_CUSTOMER = "unknown_customer"
    NO_COMPANY_OPENED = "no_company_opened"
    VISMA_UNREACHABLE = "visma_unreachable"
    NOT_AUTHENTICATED = "not_authenticated"


class VismaCompany(Record):
    """A company (client) that a Visma customer ID reaches."""

    visma_company_id: VismaCompanyId
    name: str
    organisation_number: str | None = Field(description="as Visma states it; null when Visma does not say")
    readable: bool = Field(description="false when the company is listed but not opened for our client key")
    hint: str | None = Field(None, description="what to do when it is not readable")


class VismaConnectorEvent(OrganizationMessage, Event):
    """Facts about Visma connections, kept for good."""

    TOPIC = "visma-connector-events"
    visma_customer_id: VismaCustomerId


class RefreshVismaCompanies(OrganizationMessage, Command):
    """Ask Visma again now, for one Visma customer ID or for all of the organisation."""

    TYPE = "no.accountflow.visma-connector.RefreshVismaCompanies.v1"
    TOPIC = "visma-connector-commands"
    visma_customer_id: VismaCustomerId | None = None


class VismaCustomerConnected(VismaConnectorEvent):
    """The integration is activated and at least one company is opened for us."""

    TYPE = "no.accountflow.visma-connector.VismaCustomerConnected.v1"
    checked_at: Moment


class VismaCustomerAccessDenied(VismaConnectorEvent):
    """The ID gives no access now. Probing goes on; `VismaCustomerConnected` follows when the remedy has been applied."""

    TYPE = "no.accountflow.visma-connector.VismaCustomerAccessDenied.v1"
    reason: DenialReason
    message: str = Field(description="what is wrong, in words for the user")
    hint: str = Field(description="what to do about it")
    temporary: bool = Field(description="true when nothing needs to be done but wait")
    checked_at: Moment


class VismaCompaniesListed(VismaConnectorEvent):
    """The full list of companies of one Visma customer ID; it replaces the list before it."""

    TYPE = "no.accountflow.visma-connector.VismaCompaniesListed.v1"
    companies: list[VismaCompany]
    listed_at: Moment


class VismaCompanyAccessChanged(VismaConnectorEvent):
    """A company was opened or closed for us, or left the list, since the last look."""

    TYPE = "no.accountflow.visma-connector.VismaCompanyAccessChanged.v1"
    visma_company_id: VismaCompanyId
    readable: bool
    hint: str | None
    checked_at: Moment


class ChangeKind(StrEnum):
    """What happened to rows in Visma."""

    INSERTED = "inserted"
    UPDATED = "updated"
    DELETED = "deleted"


class DataSetChange(Record):
    """Rows that a data set is made of were changed."""

    data_set: DataSet
    kind: ChangeKind


class VismaDataChanged(OrganizationMessage, Event):
    """Visma says that data of a company was changed. Only a hint to look again soon: it may be missing, late, or more than is true."""

    TYPE = "no.accountflow.visma-connector.VismaDataChanged.v1"
    TOPIC = "visma-changes"
    visma_customer_id: VismaCustomerId
    visma_company_id: VismaCompanyId
    changes: list[DataSetChange] = Field(description="each once, whatever number of rows was changed", min_length=1)
    noticed_at: Moment = Field(description="when the first of them was heard of")
