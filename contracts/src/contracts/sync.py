"""Owned by sync-worker: plans, progress and proofs of the retrieval."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from contracts.message import Command, CompanyMessage, Count, Event, Kroner, Moment, Number, Record


class DataSet(StrEnum):
    """What is retrieved for a company."""

    ACCOUNTING_PERIODS = "accounting_periods"
    LEDGER_ACCOUNTS = "ledger_accounts"
    ACCOUNT_GROUPS = "account_groups"
    LEDGER_LINES = "ledger_lines"
    OPENING_BALANCES = "opening_balances"
    ACCOUNT_BALANCES = "account_balances"
    CUSTOMERS = "customers"
    SUPPLIERS = "suppliers"
    OPEN_CUSTOMER_ENTRIES = "open_customer_entries"
    OPEN_SUPPLIER_ENTRIES = "open_supplier_entries"
    CUSTOMER_TRANSACTIONS = "customer_transactions"
    SUPPLIER_TRANSACTIONS = "supplier_transactions"
    VOUCHER_SERIES = "voucher_series"
    VOUCHER_TYPES = "voucher_types"
    UNPOSTED_VOUCHERS = "unposted_vouchers"
    ORG_UNITS = "org_units"
    ORG_UNITS_1 = "org_units_1"
    ORG_UNITS_2 = "org_units_2"
    VAT_CODES = "vat_codes"
    VAT_TERMS = "vat_terms"
    VAT_FIGURES = "vat_figures"
    CAPITAL_ASSETS = "capital_assets"
    CAPITAL_ASSET_GROUPS = "capital_asset_groups"
    CAPITAL_ASSET_BALANCES = "capital_asset_balances"
    CAPITAL_ASSET_TRANSACTIONS = "capital_asset_transactions"
    A07_REPORTS = "a07_reports"


RETIRED = frozenset({DataSet.ORG_UNITS_1, DataSet.ORG_UNITS_2})
"""Data sets that are not retrieved any more (`ORG_UNITS` has them); events that are kept for good still name them."""


class SyncStatus(StrEnum):
    """Where a data set of a company stands."""

    QUEUED = "queued"
    RETRIEVING = "retrieving"
    VERIFYING = "verifying"
    COMPLETE = "complete"
    RETRYING = "retrying"
    NEEDS_ATTENTION = "needs_attention"
    NEEDS_CONSENT = "needs_consent"
    PLANNING = "planning"
    PAUSED = "paused"
    NOT_SUPPORTED = "not_supported"


class A07MonthStatus(StrEnum):
    """Where the payroll reporting of a calendar month stands. Missing: it was due, and nothing that was accepted has come."""

    SUBMITTED = "submitted"
    NOT_YET_DUE = "not_yet_due"
    MISSING = "missing"


class Period(Record):
    """A reconciliation period of the company, or for A07 a calendar month. Days are inclusive."""

    label: str = Field(description="2026-10 for a month, else first and last month: 2026-07..2026-09")
    first_day: date
    last_day: date


class PlannedDataSet(Record):
    """A data set and the periods it is retrieved for, newest first; no periods means it is retrieved whole."""

    data_set: DataSet
    periods: list[Period]
    rows_expected: Count | None = Field(description="Visma's own count at planning; null when it is not known before the first page")


class AccountTotals(Record):
    """Control totals of one account in one accounting period."""

    year: Number
    period: Number = Field(description="accounting period of the ledger, 1 to 12, 13 for closing entries")
    account_no: Number
    lines: Count = Field(description="number of landed lines")
    debit: Kroner
    credit: Kroner = Field(description="as a positive amount")
    balance: Kroner = Field(description="debit minus credit, equal to Visma's grouped sum")


class AccountDifference(Record):
    """An account whose landed lines do not agree with Visma's grouped sum."""

    year: Number
    period: Number
    account_no: Number
    landed_lines: Count
    visma_lines: Count
    landed_balance: Kroner
    visma_balance: Kroner
    difference: Kroner = Field(description="landed minus Visma")


class RepairedVoucher(Record):
    """A voucher that was read again, with the lines it had and has in the period."""

    voucher_journal_no: Number
    voucher_no: Number
    lines_before: Count
    lines_after: Count
    lines_changed: Count = Field(description="lines that came new, came different, or were removed")


class AccountBalance(Record):
    """What an account came to, as of one moment: opening plus movements is closing."""

    account_no: Number
    opening: Kroner = Field(description="everything posted before the start date, all years")
    movements: Kroner = Field(description="the landed lines of all planned periods")
    closing: Kroner = Field(description="Visma's own sum up to the end of the newest planned period")


class AssetAccountComparison(Record):
    """A ledger account that assets name, for their cost or for their accumulated depreciation. Debit positive."""

    account_no: Number
    in_register: Kroner = Field(
        description="what the assets say: cost on the account of the asset, depreciation as a credit on its account"
    )
    in_ledger: Kroner = Field(description="closing balance of the account, as in AccountBalancesVerified")
    difference: Kroner = Field(description="register minus ledger")


class A07Sum(Record):
    """A figure of A07 reports that is stated and that is also the sum of its parts."""

    figure: str = Field(description="what is compared, such as submissions:withholding-tax or income-by-workplace:fastloenn")
    stated: Kroner
    parts: Kroner
    difference: Kroner = Field(
        description="parts minus stated: at most an øre a month, and for employer-contribution-zones what rounding to whole kroner comes to"
    )


class A07Month(Record):
    """What the payroll reporting of a calendar month came to."""

    month: str = Field(pattern=r"^\d{4}-\d{2}$")
    status: A07MonthStatus
    due: date = Field(description="the 5th of the next month, or the next working day")
    version: Count = Field(description="of its newest A07ReportRetrieved")
    snapshot_at: Moment | None = Field(description="as Skatteetaten stated it; null when there was no report")
    submissions: Count = Field(description="accepted submissions that are counted")
    withholding_tax: Kroner
    employer_contribution: Kroner
    financial_tax: Kroner


class LinesOutsideTerms(Record):
    """Landed lines with a tax code whose value date is missing or lies in no VAT term that was retrieved: they are in no figure."""

    lines: Count
    balance: Kroner = Field(description="debit positive")


class DataSetTotals(Record):
    """What one data set came to."""

    data_set: DataSet
    status: SyncStatus
    rows: Count
    debit: Kroner | None = None
    credit: Kroner | None = None
    difference: Kroner | None = Field(None, description="landed minus what the source states; zero when proven")
    proof: str = Field(description="what was compared, in words")
    missing: list[str] = Field(default_factory=list, description="periods for which the source has nothing although it was due")
    not_yet_due: list[str] = Field(default_factory=list, description="periods for which the source has nothing, and need not yet")
    outside_terms: LinesOutsideTerms | None = Field(
        None, description="of vat_figures: the lines with a tax code that are in none of them; null when there are none"
    )


class SyncEvent(CompanyMessage, Event):
    """Milestones of a retrieval, kept for good."""

    TOPIC = "sync-events"


class RetrySync(CompanyMessage, Command):
    """Take up everything of the company that needs attention or consent or was not supported, now."""

    TYPE = "no.accountflow.sync.RetrySync.v1"
    TOPIC = "sync-commands"


class PauseSync(CompanyMessage, Command):
    """Ask Visma and Skatteetaten for nothing more of the company until `ResumeSync`. Requests under way end; nothing is lost."""

    TYPE = "no.accountflow.sync.PauseSync.v1"
    TOPIC = "sync-commands"
    reason: str = Field("", max_length=500, description="shown to whoever wonders")


class ResumeSync(CompanyMessage, Command):
    """Go on where `PauseSync` stopped."""

    TYPE = "no.accountflow.sync.ResumeSync.v1"
    TOPIC = "sync-commands"


class RefetchPeriods(CompanyMessage, Command):
    """Retrieve periods anew from their source, row by row, and prove them again. What differs is published, what does not is not."""

    TYPE = "no.accountflow.sync.RefetchPeriods.v1"
    TOPIC = "sync-commands"
    periods: list[str] = Field(default_factory=list, description="labels as in SyncPlanned, such as 2026-10; none for all")
    data_sets: list[DataSet] = Field(default_factory=list, description="only these; none for all that are retrieved by period")


class RepublishPeriods(CompanyMessage, Command):
    """Publish what has landed once more, without a request to its source: for a consumer that comes late or has lost its data."""

    TYPE = "no.accountflow.sync.RepublishPeriods.v1"
    TOPIC = "sync-commands"
    periods: list[str] = Field(default_factory=list, description="labels as in SyncPlanned, such as 2026-10; none for all")
    data_sets: list[DataSet] = Field(default_factory=list, description="only these; none for all, those without periods included")


class SyncPaused(SyncEvent):
    """Nothing more is asked for the company until it is resumed."""

    TYPE = "no.accountflow.sync.SyncPaused.v1"
    reason: str
    paused_by: str


class SyncResumed(SyncEvent):
    """The retrieval goes on."""

    TYPE = "no.accountflow.sync.SyncResumed.v1"
    resumed_by: str


class PeriodsRepublished(SyncEvent):
    """Everything a RepublishPeriods asked for has been published again, and after it what was stated of it, each as it was said last.

    That is PeriodVerified of verified periods, AccountBalancesVerified, A07MonthsVerified, and of a whole complete company
    CapitalAssetsCompared, SyncCompleted and ConsistentCutVerified.
    """

    TYPE = "no.accountflow.sync.PeriodsRepublished.v1"
    periods: list[str] = Field(description="labels, newest first")
    data_sets: list[DataSet]
    rows: Count


class SyncPlanned(SyncEvent):
    """What will be retrieved, from when, and how much that is by Visma's own counts.

    It comes again when the company has changed, and the newest plan counts: what it does not name is retrieved no more and kept as it is.
    """

    TYPE = "no.accountflow.sync.SyncPlanned.v1"
    reconciliation_start: date
    data_sets: list[PlannedDataSet]


class SyncStarted(SyncEvent):
    """The first request to Visma for this company is on its way."""

    TYPE = "no.accountflow.sync.SyncStarted.v1"
    started_at: Moment


class SyncProgressed(CompanyMessage, Event):
    """A page landed, or a status changed. Kept for a set time."""

    TYPE = "no.accountflow.sync.SyncProgressed.v1"
    TOPIC = "sync-progress"
    data_set: DataSet
    status: SyncStatus
    period: Period | None = Field(description="the period worked on; null for a data set retrieved whole")
    rows: Count = Field(description="rows of the data set landed so far, all periods")
    rows_expected: Count | None
    percent: int | None = Field(ge=0, le=100, json_schema_extra={"x-unit": "percent"})
    requests: Count = Field(description="requests answered for this data set so far")
    message: str | None = Field(None, description="why it is retrying or needs attention")
    next_attempt_at: Moment | None = Field(
        None, description="when it is tried again by itself; null when it goes on, or waits for a person"
    )
    period_status: SyncStatus | None = Field(None, description="where the period stands, while status is of the data set as a whole")
    period_statuses: dict[str, SyncStatus] | None = Field(
        None,
        description="where all periods of the data set stand, by label, in a message that is about none of them alone: as after a pause",
    )
    last_attempt_at: Moment | None = Field(None, description="when its source was last asked")
    last_success_at: Moment | None = Field(None, description="when a part of it was last found to agree with its source")
    next_refresh_at: Moment | None = Field(
        None, description="when it is next looked at although it is complete; account_balances says it for all that comes from Visma"
    )
    estimated_completion_at: Moment | None = Field(
        None, description="by what is left and how fast the company went so far; null while too little is done to tell, and when it rests"
    )


class PeriodVerified(SyncEvent):
    """Every account of the period agrees with Visma to the øre, and every voucher balances."""

    TYPE = "no.accountflow.sync.PeriodVerified.v1"
    period: Period
    lines: Count
    debit: Kroner
    credit: Kroner
    accounts: list[AccountTotals]
    verified_at: Moment
    receipt_sha256: str | None = Field(
        None, description="SHA-256 of the receipt: what Visma was asked and when, these totals, and a hash over the lines"
    )


class PeriodRepaired(SyncEvent):
    """Vouchers of the period differed from Visma's, or from what it had been verified with. They were read, and it is verified anew.

    A `PeriodMismatched` comes before it if the period had been verified, a `PeriodVerified` after it.
    """

    TYPE = "no.accountflow.sync.PeriodRepaired.v1"
    period: Period
    differences: list[AccountDifference] = Field(
        description="the accounts that differed before; none when the errors cancelled out in every account"
    )
    vouchers: list[RepairedVoucher] = Field(description="with lines that are new, different or gone; the first 200 of very many")
    differs_since: Moment = Field(description="when a comparison first failed")
    repaired_at: Moment


class PeriodMismatched(SyncEvent):
    """The landed lines of the period differ from what Visma states, or from what the period was verified with.

    Either they did so also after the period was retrieved anew, or the ledger has changed since the period was verified: then what changed
    is read and published as accounting data, and the period is verified again. Lines that only say something else (a text, a date, a VAT
    code, a dimension) change no sum: they are named when they have been read, before `PeriodRepaired` and `PeriodVerified`.
    """

    TYPE = "no.accountflow.sync.PeriodMismatched.v1"
    period: Period
    differences: list[AccountDifference]
    differs_since: Moment | None = Field(None, description="when a comparison first failed")
    unbalanced_vouchers: list[str] = Field(description="journal/voucher of vouchers whose lines do not sum to zero")
    checked_at: Moment
    verified_at: Moment | None = Field(None, description="since when the period had been verified; null when it had not")
    closed: bool = Field(False, description="whether all accounting periods of it are closed in Visma")
    changed_lines: Count = Field(0, description="lines that were read since it was verified and say something else than then")
    changed_fields: list[str] = Field(default_factory=list, description="in which fields they do, as a ledger line names them")
    changed_vouchers: list[str] = Field(
        default_factory=list,
        description="journal/voucher of vouchers with lines that are new, different or gone; the first 200 of very many",
    )


class AccountBalancesVerified(SyncEvent):
    """Opening balance and landed lines of all periods agree with Visma's ledger as it was at one moment, account by account."""

    TYPE = "no.accountflow.sync.AccountBalancesVerified.v1"
    periods: list[Period] = Field(description="the reconciliation periods whose lines are in the movements, newest first")
    accounts: list[AccountBalance]
    as_of: Moment = Field(description="when Visma was asked")


class A07MonthsVerified(SyncEvent):
    """Every calendar month from the start date's to the current one has its A07 report or is known to have none; sums agree with parts.

    It comes again when that comes to something else, and the newest counts.
    """

    TYPE = "no.accountflow.sync.A07MonthsVerified.v1"
    months: list[A07Month] = Field(description="newest first, without a gap")
    sums: list[A07Sum] = Field(description="over all months, figure by figure")
    verified_at: Moment


class CapitalAssetsCompared(SyncEvent):
    """The asset register beside the ledger, account by account. Information for whoever reconciles: a difference holds nothing up."""

    TYPE = "no.accountflow.sync.CapitalAssetsCompared.v1"
    accounts: list[AssetAccountComparison]
    compared_at: Moment


class SyncCompleted(SyncEvent):
    """Every data set of the newest plan is retrieved and proven, but those that this customer's Visma does not know (`not_supported`)."""

    TYPE = "no.accountflow.sync.SyncCompleted.v1"
    reconciliation_start: date
    data_sets: list[DataSetTotals]
    completed_at: Moment


class NotIncluded(Record):
    """A data set, or one period of it, that a consistent cut does not speak of."""

    data_set: DataSet
    period: Period | None = Field(description="null for the whole data set")
    reason: str = Field(
        description="stable code: as in SyncNeedsAttention for what cannot go on; other_source, own_moment, or not_compared for what is "
        "computed from something that is not included"
    )
    message: str


class ConsistentCutVerified(SyncEvent):
    """What was published before this of these data sets and periods is, all together, what Visma had at one moment.

    Each of them was proven by itself before; then one question found that none had changed. It comes once after everything was retrieved
    or changed, so it may take a moment after `SyncCompleted`. What is published of them later is newer, and the next one follows when that
    is proven. What Visma makes visible at that moment under an earlier time is found within the freshness interval and published like any
    other change.
    """

    TYPE = "no.accountflow.sync.ConsistentCutVerified.v1"
    periods: list[Period] = Field(description="the reconciliation periods whose ledger lines are included, newest first")
    data_sets: list[DataSet]
    not_included: list[NotIncluded] = Field(description="what else was planned, each with its reason")
    as_of: Moment = Field(description="when Visma was asked whether anything had changed")


class SyncNeedsAttention(SyncEvent):
    """A data set cannot go on now. What is kept stays valid; the rest of the company goes on.

    What needs consent goes on by itself when it is given; what is not supported is tried again every day and holds nothing up. What needs
    attention waits for `RetrySync`, but for three reasons: `not_authenticated` and `configuration` are for operators to mend, and all goes
    on by itself then; a month of `a07_checks_failed` is asked for again as often as any other.
    """

    TYPE = "no.accountflow.sync.SyncNeedsAttention.v1"
    data_set: DataSet
    status: SyncStatus
    period: Period | None
    reason: str = Field(description="stable code")
    message: str
    hint: str
