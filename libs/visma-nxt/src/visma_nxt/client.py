"""Visma Business NXT in service context, read only: what the services of this product ask of it.

Everything raises the errors of `visma_nxt.errors`. Transient ones have already been tried again within the settings'
patience, so the caller's next attempt belongs to minutes, not seconds.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from visma_nxt import documents
from visma_nxt.budget import Budget
from visma_nxt.companies import Company, CompanyInformation, companies_in, contents_of, owner_in
from visma_nxt.errors import Call, CustomerNotActivated, CustomerUnknown, Transient, VismaError
from visma_nxt.filters import Filter, after_key, all_of
from visma_nxt.pages import Key, Mark, Page, Row, checked_whole, groups_in, marks_in, page_in, page_of_parts
from visma_nxt.probe import Probe, ProbedCompany, Reach, probe_of
from visma_nxt.session import Session
from visma_nxt.settings import VismaSettings
from visma_nxt.tables import Table

LARGEST_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows whose number and age are asked for, by groups if any are named."""

    table: Table
    where: Filter | None = None
    by: tuple[str, ...] = ()


def utc_now() -> datetime:
    return datetime.now(UTC)


class VismaClient:
    """One per process: all its calls share one token and one budget of requests. Use it as an async context manager."""

    def __init__(self, settings: VismaSettings, *, budget: Budget | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        """Without a `budget` this process has Visma's limits for itself."""
        self._settings = settings
        self._session = Session(settings, clock, budget)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.__aexit__(kind, error, trace)

    async def available_companies(self, customer_no: int) -> list[Company]:
        """The companies that Visma shows us of one Visma customer ID. Raises CustomerNotActivated, CustomerUnknown."""
        call = Call("AvailableCompanies", documents.AVAILABLE_COMPANIES, {"customer": customer_no}, customer_no=customer_no)
        return companies_in(await self._session.ask(call))

    async def company_information(self, company_no: int) -> CompanyInformation:
        """What the company says of itself. Raises CompanyNotOpened."""
        call = _company_call("CompanyInformation", documents.COMPANY_INFORMATION, company_no)
        contents = contents_of(await self._session.ask(call), organisation_number=None)
        return CompanyInformation(company_no, owner_in(contents))

    async def rows(
        self,
        table: Table,
        company_no: int,
        *,
        where: Filter | None = None,
        after: Key | None = None,
        first: int | None = None,
        with_total: bool = False,
        with_newest: bool = False,
        whole: bool = False,
        organisation_number: str | None = None,
    ) -> Page:
        """One page of rows in key order, those after the key `after` when given (keyset paging: stable under writes).

        `first` is at most 2000, by default the settings' page size; of a table with parts, each one gives that many. With
        `organisation_number` the answer is checked to be of that company (WrongCompanyAnswered). With `whole`, which
        needs the total, a page that lacks rows of that total is not believed (ServerFault). An answer is read as a
        whole or raises; amounts are Decimal, dates integers.
        """
        first = first or self._settings.page_size
        if first > LARGEST_PAGE:
            raise ValueError(f"a page holds at most {LARGEST_PAGE} rows")
        if table.parts:
            shape = {"with_total": with_total, "with_newest": with_newest}
            return await self._page_of_parts(table, company_no, where, after, first, shape, organisation_number, whole=whole)
        conditions = [where] if where else []
        if after is not None:
            conditions.append(after_key(table.key, after))
        document = documents.rows(table, with_total=with_total, with_newest=with_newest)
        call = _company_call(f"{table.type_name}Rows", document, company_no, first=first, **_filter(conditions))
        answer = await self._session.ask(call)
        contents = contents_of(answer, organisation_number=organisation_number)
        page = page_in(answer, contents, table, first=first, with_total=with_total, with_newest=with_newest)
        return checked_whole(answer, page, first=first) if whole else page

    async def _page_of_parts(
        self,
        table: Table,
        company_no: int,
        where: Filter | None,
        after: Key | None,
        first: int,
        shape: dict[str, bool],
        organisation_number: str | None,
        *,
        whole: bool,
    ) -> Page:
        part, key = (1, None) if after is None else (int(after[0]), after[1:])
        conditions = [[where] if where else [] for _ in table.parts[part - 1 :]]
        if key is not None:
            conditions[0].append(after_key(table.parts[part - 1].key, key))
        filters = {f"filter{place}": all_of(*each).expression for place, each in enumerate(conditions) if each}
        document = documents.rows_of_parts(table, first_part=part, **shape)
        answer = await self._session.ask(_company_call(f"{table.type_name}Rows", document, company_no, first=first, **filters))
        contents = contents_of(answer, organisation_number=organisation_number)
        page = page_of_parts(answer, contents, table, first_part=part, first=first, **shape)
        return checked_whole(answer, page, first=first) if whole else page

    async def grouped(
        self,
        table: Table,
        company_no: int,
        *,
        by: Sequence[str],
        sums: Sequence[str],
        count: str,
        where: Filter | None = None,
        with_newest: bool = False,
        organisation_number: str | None = None,
    ) -> list[Row]:
        """Visma's own sums: per group a dict of the `by` columns, the summed columns (Decimal, 0 for nothing) and
        "count", the rows in which the column `count` is not null; with `with_newest` also "newest", when the newest of
        them was written. In the order of `by`.
        """
        document = documents.groups(table, by=tuple(by), sums=tuple(sums), count=count, with_newest=with_newest)
        conditions = [where] if where else []
        call = _company_call(f"{table.type_name}Groups", document, company_no, **_filter(conditions))
        answer = await self._session.ask(call)
        contents = contents_of(answer, organisation_number=organisation_number)
        return groups_in(answer, contents, table, by=tuple(by), sums=tuple(sums), with_newest=with_newest)

    async def marks(self, company_no: int, asked: Sequence[Asked], *, organisation_number: str | None = None) -> list[list[Mark]]:
        """One request that tells whether anything changed: for each question its groups, or one mark of all its rows."""
        document = documents.marks(tuple((each.table, each.by) for each in asked))
        filters = {f"f{place}": each.where.expression for place, each in enumerate(asked) if each.where}
        answer = await self._session.ask(_company_call("Marks", document, company_no, **filters))
        contents = contents_of(answer, organisation_number=organisation_number)
        return [marks_in(answer, contents, f"m{place}", each.table, by=each.by) for place, each in enumerate(asked)]

    async def grouped_each(
        self,
        table: Table,
        company_no: int,
        *,
        by: Sequence[str],
        sums: Sequence[str],
        count: str,
        wheres: Sequence[Filter],
        organisation_number: str | None = None,
    ) -> list[list[Row]]:
        """`grouped` for each of several conditions, in one request: a list of groups per condition."""
        document = documents.groups_each(table, by=tuple(by), sums=tuple(sums), count=count, times=len(wheres))
        filters = {f"filter{number}": where.expression for number, where in enumerate(wheres)}
        call = _company_call(f"{table.type_name}GroupsEach", document, company_no, **filters)
        answer = await self._session.ask(call)
        contents = contents_of(answer, organisation_number=organisation_number)
        return [
            groups_in(answer, contents, table, by=tuple(by), sums=tuple(sums), part=documents.part(number)) for number in range(len(wheres))
        ]

    async def probe(self, customer_no: int) -> Probe:
        """Which doors are open for us. Raises NotAuthenticated and UnexpectedAnswer: ours to mend, not the user's."""
        try:
            companies = await self.available_companies(customer_no)
        except CustomerNotActivated as error:
            return Probe(customer_no, Reach.NOT_ACTIVATED, hint=error.hint, error=error)
        except CustomerUnknown as error:
            return Probe(customer_no, Reach.WRONG_ID, hint=error.hint, error=error)
        except Transient as error:
            return Probe(customer_no, Reach.UNREACHABLE, hint=error.hint, error=error)
        return probe_of(customer_no, await asyncio.gather(*(self._try_reading(company) for company in companies)))

    async def _try_reading(self, company: Company) -> ProbedCompany:
        call = _company_call("Readability", documents.READABILITY, company.company_no)
        try:
            contents_of(await self._session.ask(call), organisation_number=company.organisation_number)
        except VismaError as error:
            return ProbedCompany(company, error)
        return ProbedCompany(company, None)


def _company_call(operation: str, document: str, company_no: int, **variables: Any) -> Call:
    return Call(operation, document, {"company": company_no, **variables}, company_no=company_no)


def _filter(conditions: list[Filter]) -> dict[str, Any]:
    """No condition, no variable: a filter of null is not documented."""
    return {"filter": all_of(*conditions).expression} if conditions else {}
