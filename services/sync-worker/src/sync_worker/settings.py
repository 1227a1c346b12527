"""Settings of sync-worker."""

from datetime import timedelta

from pydantic import Field

from servicekit.settings import ServiceSettings, SettingsGroup
from skatteetaten import SkatteetatenSettings
from sync_worker.domain.freshness import Freshness
from sync_worker.domain.page_sizes import Bounds
from sync_worker.domain.progress_pace import ProgressPace
from sync_worker.domain.trouble import Patience
from visma_nxt import BudgetSettings, VismaSettings


class RetrievalSettings(SettingsGroup):
    workers: int = Field(16, ge=1, description="requests to Visma side by side in this process, all companies together")
    company_workers: int = Field(10, ge=1, description="requests for one company side by side, all processes together")
    a07_workers: int = Field(2, ge=1, description="requests to Skatteetaten side by side in this process")
    smallest_page: int = Field(100, ge=1, description="rows to ask for at least, however slow the answers; at most: VISMA__PAGE_SIZE")
    page_seconds: float = Field(5, gt=0, description="pages that take longer become smaller")
    page_megabytes: float = Field(4, gt=0, description="larger pages become smaller")
    progress_seconds: float = Field(1, ge=0, description="how often progress of a data set is told while its pages come")
    lease_seconds: float = Field(10, gt=0, description="after this long without a sign of life, others take up what a process had in hand")
    poll_seconds: float = Field(0.25, gt=0, description="longest time until work that another process has queued is seen")
    freshness_minutes: float = Field(15, gt=0, description="longest time until a change in Visma is noticed when no webhook tells of it")
    proof_hours: float = Field(24, gt=0, description="longest time until everything landed is compared with Visma's own sums again")
    overlap_minutes: float = Field(
        10, ge=0, description="how far changes are read back before the newest one known, for those that commit late"
    )
    retry_first_seconds: float = Field(2, gt=0, description="first wait before an item is tried again; it doubles")
    retry_longest_seconds: float = Field(300, gt=0, description="longest wait before an item is tried again")
    credentials_minutes: float = Field(
        5, gt=0, description="how often one request per company is tried again while a source does not accept our own credentials"
    )
    consent_minutes: float = Field(
        60, gt=0, description="how often what waits for consent is tried again, if nothing tells that it was given"
    )
    support_hours: float = Field(24, gt=0, description="how often what a customer's Visma does not know is tried again")

    @property
    def patience(self) -> Patience:
        """When what has failed is tried again."""
        return Patience(
            first=timedelta(seconds=self.retry_first_seconds),
            longest=timedelta(seconds=self.retry_longest_seconds),
            credentials=timedelta(minutes=self.credentials_minutes),
            consent=timedelta(minutes=self.consent_minutes),
            support=timedelta(hours=self.support_hours),
        )

    @property
    def freshness(self) -> Freshness:
        """How closely companies are followed."""
        return Freshness(
            look=timedelta(minutes=self.freshness_minutes),
            proof=timedelta(hours=self.proof_hours),
            overlap=timedelta(minutes=self.overlap_minutes),
        )

    @property
    def pace(self) -> ProgressPace:
        """How often progress is told."""
        return ProgressPace(timedelta(seconds=self.progress_seconds))

    def pages(self, *, most: int) -> Bounds:
        """What to aim for when asking for pages."""
        return Bounds(least=self.smallest_page, most=most, seconds=self.page_seconds, size=round(self.page_megabytes * 1_000_000))


class VismaForRetrieval(VismaSettings):
    """All processes, and the connector, share one budget of requests."""

    budget: BudgetSettings


class Settings(ServiceSettings):
    """How to reach Visma and Skatteetaten, and how hard to work."""

    visma: VismaForRetrieval
    skatteetaten: SkatteetatenSettings
    retrieval: RetrievalSettings = RetrievalSettings()
