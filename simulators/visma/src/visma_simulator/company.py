"""A company's tables, made from its books on first use."""

import threading
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from random import Random
from typing import Any

from visma_simulator import bookkeeping, chart, currencies, dimensions, entry, fiscal, journals, schema, vouchers
from visma_simulator.bookkeeping import Kept
from visma_simulator.columns import Texts
from visma_simulator.register import ACQUISITION
from visma_simulator.scalars import instant
from visma_simulator.scenario import Company, organisation_number
from visma_simulator.table import CLOSED, Table
from visma_simulator.trade import FIRST_CUSTOMER, FIRST_SUPPLIER

Row = Mapping[str, Any]
Arrays = dict[str, "array[int]"]

FIRST_WORDS = ("Nord", "Fjord", "Berg", "Vik", "Elv", "Skog", "Hav", "Sol", "Tind", "Foss", "Lund", "Heim", "Strand", "Myr", "Dal", "Nes")
LAST_WORDS = ("bygg", "elektro", "data", "transport", "mat", "sport", "rør", "trykk", "bil", "møbler", "consult", "media", "frakt", "glass")
PLACES = (("0150", "Oslo"), ("5003", "Bergen"), ("7010", "Trondheim"), ("9008", "Tromsø"), ("4006", "Stavanger"), ("6002", "Ålesund"))


class CompanyData:
    """The tables of one company by their names in the schema. Made once, however many threads ask."""

    def __init__(self, company: Company, seed: int, today: date) -> None:
        self.company, self._seed, self._today = company, seed, today
        self._lock = threading.Lock()
        self._tables: dict[str, Table] | None = None

    @property
    def is_made(self) -> bool:
        return self._tables is not None

    def tables(self) -> dict[str, Table]:
        """Takes seconds the first time when the company is large."""
        with self._lock:
            if self._tables is None:
                self._tables = _tables(self.company, self._seed, self._today)
            return self._tables


def _tables(company: Company, seed: int, today: date) -> dict[str, Table]:
    texts = Texts()
    kept = bookkeeping.keep(company, seed, today, texts)
    began = instant(date(company.first_year, company.fiscal_year_start_month, 1))
    books = kept.journals
    receivables, payables = (
        _subledger(columns.arrays, party) for columns, party in ((books.receivables, "customerNo"), (books.payables, "supplierNo"))
    )
    large = {
        "GeneralLedgerTransaction": _ledger(books.ledger.arrays, texts),
        "CustomerTransaction": receivables,
        "SupplierTransaction": payables,
        "OpenCustomerEntry": _open_entries(receivables, "customerNo"),
        "OpenSupplierEntry": _open_entries(payables, "supplierNo"),
        "CapitalAssetTransaction": books.assets.arrays,
        "CapitalAssetBalance": _asset_balances(books.assets.arrays),
    }
    small: dict[str, Iterable[Row]] = {
        "GeneralLedgerAccount": _accounts(),
        "AccountGroup": ({"accountGroup": f"{digit} {name}", "name": name} for digit, name in chart.GROUPS.items()),
        "AccountingPeriod": _periods(company, kept, today),
        "Associate": _associates(company, seed),
        "TaxCode": _tax_codes(),
        "TaxTerm": _terms(company.first_year, today.year),
        "CapitalAsset": _assets(kept),
        "CapitalAssetGroup": (
            {"capitalAssetGroupNo": account, "description": chart.ACCOUNTS[account][0]} for account in sorted(chart.ASSET_CLASSES)
        ),
        "CompanyInformation": [
            {"companyNo": company.organisation_number, "name": company.name, "orgUnit1Name": "Avdeling", "orgUnit2Name": "Prosjekt"}
        ],
        "VoucherSeries": (
            {"voucherSeriesNo": number, "name": name, "lastVoucherNo": 9_999_999, "nextVoucherNo": books.next_voucher_no[number]}
            for number, name in vouchers.SERIES.items()
        ),
        "VoucherType": ({"voucherTypeNo": number, "name": name} for number, name in journals.voucher_types()),
        **dimensions.tables(),
        **entry.tables(company, seed, today),
    }
    shapes = schema.tables()
    made = {name: Table(shapes[name], columns, texts) for name, columns in large.items()}
    return made | {name: _small(name, rows, texts, began) for name, rows in small.items()}


def _small(name: str, rows: Iterable[Row], texts: Texts, now: int) -> Table:
    shape = schema.tables()[name]
    empty = Table(shape, {column: array("q") for column in shape.key}, texts)
    stored = [{column: empty[column].stored(value) for column, value in row.items()} for row in rows]
    stored.sort(key=lambda row: tuple(row[column] for column in shape.key))
    moments = array("q", [now]) * len(stored)
    columns = {column: array("q", [row[column] for row in stored]) for column in stored[0]} if stored else {}
    return Table(shape, {"created": moments, "changed": moments[:]} | {column: array("q") for column in shape.key} | columns, texts)


def _ledger(arrays: Arrays, texts: Texts) -> Arrays:
    """With the columns that follow from others: all is booked on the voucher's date, and never touched since."""
    copies = {"valueDate": "voucherDate", "changed": "created"}
    foreign = currencies.columns(arrays["supplierNo"], {"amountInCurrency": arrays["postedAmountDomestic"]})
    return arrays | {name: arrays[original][:] for name, original in copies.items()} | dimensions.derived(arrays, texts) | foreign


def _subledger(arrays: Arrays, party: str) -> Arrays:
    columns = dict(arrays)
    columns[party] = columns.pop("partyNo")
    amounts = {f"{amount}InCurrency": columns[f"{amount}Domestic"] for amount in ("amount", "outstandingAmount")}
    return columns | currencies.columns(columns[party], amounts)


def _open_entries(transactions: Arrays, party: str) -> Arrays:
    """The transactions with something outstanding, with the columns that open entries have."""
    shape = schema.tables()["OpenCustomerEntry" if party == "customerNo" else "OpenSupplierEntry"]
    rows = [row for row, amount in enumerate(transactions["outstandingAmountDomestic"]) if amount]
    names = [name for name in transactions if name in shape.columns or name in {"created", "changed"}]
    return {name: array(transactions[name].typecode, [transactions[name][row] for row in rows]) for name in names}


def _accounts() -> Iterable[Row]:
    for number, (name, tax) in chart.ACCOUNTS.items():
        group = str(number)[0]
        yield {
            "accountNo": number,
            "name": name,
            "shortName": name[:20],
            "accountGroup": f"{group} {chart.GROUPS[group]}",
            "taxCode": tax,
            "profitAndLossAccount": int(number >= chart.FIRST_RESULT_ACCOUNT),
        }


def _periods(company: Company, kept: Kept, today: date) -> Iterable[Row]:
    start = company.fiscal_year_start_month
    for year in range(company.first_year, fiscal.period_of(fiscal.month_of(today), start).year + 1):
        for period in range(1, 14):
            month = year * 12 + start - 1 + min(period, 12) - 1
            first, last = fiscal.first_day(month), fiscal.last_day(month)
            yield {
                "year": year,
                "period": period,
                "description": f"Årsavslutning {year}" if period == 13 else f"{first:%m.%Y}",
                "fromDate": fiscal.number(last if period == 13 else first),
                "toDate": fiscal.number(last),
                "accountingPeriodProcessing": CLOSED if year in kept.closed_years else 0,
            }


def _associates(company: Company, seed: int) -> Iterable[Row]:
    random = Random(f"{seed}:{company.number}:associates")  # noqa: S311
    customers = [(FIRST_CUSTOMER + number, 0) for number in range(1, company.customers + 1)]
    suppliers = [(0, FIRST_SUPPLIER + number) for number in range(1, company.suppliers + 1)]
    for number, (customer, supplier) in enumerate(customers + suppliers, 1):
        name = f"{random.choice(FIRST_WORDS)}{random.choice(LAST_WORDS)} AS"
        code, place = random.choice(PLACES)
        yield {
            "associateNo": number,
            "customerNo": customer,
            "supplierNo": supplier,
            "name": name,
            "shortName": name.removesuffix(" AS")[:12],
            "companyNo": organisation_number(seed, company.number * 1000 + number),
            "addressLine1": f"Storgata {random.randint(1, 120)}",
            "postCode": code,
            "postalArea": place,
            "emailAddress": f"post{number}@example.no",
            "countryNo": 47,
        }


def _tax_codes() -> Iterable[Row]:
    for code in chart.TAX_CODES.values():
        rate = f"{code.rate // 100}.{code.rate % 100:02d}"
        yield {
            "taxCode": code.code,
            "description": code.description,
            "taxRate": rate,
            "saftTaxCode": str(code.code),
            "accountNo": code.account,
        }


def _terms(first_year: int, last_year: int) -> Iterable[Row]:
    """Two-month terms; they follow the calendar, whatever the financial year is."""
    for year in range(first_year, last_year + 1):
        for term in range(1, 7):
            month = year * 12 + 2 * (term - 1)
            first, last = fiscal.number(fiscal.first_day(month)), fiscal.number(fiscal.last_day(month + 1))
            yield {"year": year, "taxTerm": term, "mainTaxTerm": term, "fromDate": first, "toDate": last, "explanation": ""}


def _assets(kept: Kept) -> Iterable[Row]:
    for asset in kept.assets:
        yield {
            "capitalAssetNo": asset.number,
            "description": asset.description,
            "capitalAssetGroup": asset.account,
            "acquisitionDate": asset.bought,
            "acquisitionCost": f"{asset.cost // 100}.{asset.cost % 100:02d}",
            "accumulatedDepreciation": f"{asset.depreciated // 100}.{asset.depreciated % 100:02d}",
            "lifetimeInMonths": asset.lifetime,
            "accountNo": asset.account,
            "depreciationAccountNo": asset.depreciation_account,
        }


def _asset_balances(entries: Arrays) -> Arrays:
    """What each asset has cost and has been depreciated by at the end of every year in which it was entered."""
    cost: dict[int, int] = defaultdict(int)
    worn: dict[int, int] = defaultdict(int)
    balances: dict[tuple[int, int], tuple[int, int, int]] = {}
    read = (entries[name] for name in ("capitalAssetNo", "year", "transactionType", "amountDomestic", "created"))
    for asset, year, kind, amount, moment in zip(*read, strict=True):
        if kind == ACQUISITION:
            cost[asset] += amount
        else:
            worn[asset] -= amount
        balances[asset, year] = cost[asset], worn[asset], moment
    rows = [(*key, cost, worn, cost - worn, moment, moment) for key, (cost, worn, moment) in sorted(balances.items())]
    names = ("capitalAssetNo", "year", "acquisitionCost", "accumulatedDepreciation", "bookValue", "created", "changed")
    return {name: array("q", values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
