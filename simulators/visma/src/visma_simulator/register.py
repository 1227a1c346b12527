"""The asset register: purchases spread over the years, linear depreciation month by month."""

from visma_simulator import chart, fiscal, vouchers
from visma_simulator.books import Books
from visma_simulator.trade import Trade
from visma_simulator.vouchers import AssetEntry, Line

ACQUISITION, DEPRECIATION = 1, 2


class Asset:
    """A capital asset; `bought` is its day of purchase as yyyymmdd, 0 before."""

    def __init__(self, number: int, account: int, month: int, cost: int) -> None:
        self.number, self.account, self.month, self.cost = number, account, month, cost
        self.depreciation_account, self.cost_account, self.lifetime, kind = chart.ASSET_CLASSES[account]
        self.description = f"{kind} {number}"
        self.bought = self.depreciated = 0

    def depreciation(self, month: int) -> int:
        """What falls on this month: equal parts from the month after the purchase, the rest in the last one."""
        age = month - self.month
        if not self.bought or not 0 < age <= self.lifetime:
            return 0
        return self.cost - self.depreciated if age == self.lifetime else self.cost // self.lifetime


class Register:
    def __init__(self, books: Books, trade: Trade) -> None:
        self._books, self._trade = books, trade
        draw, months = books.random.random, books.last_month - books.first_month + 1
        accounts = tuple(chart.ASSET_CLASSES)
        planned = sorted(
            (int(draw() ** 2 * months), int(draw() * 3), 3_000_000 + int(draw() ** 2 * 60_000_000)) for _ in range(books.company.assets)
        )
        self._planned = [
            Asset(number, accounts[kind], books.first_month + month, cost) for number, (month, kind, cost) in enumerate(planned, 1)
        ]

    @property
    def assets(self) -> list[Asset]:
        return [asset for asset in self._planned if asset.bought]

    def buy(self) -> None:
        for asset in self._planned:
            if asset.month == self._books.month:
                day, vat = self._books.any_day(), chart.vat(asset.cost, 1)
                asset.bought = fiscal.number(day)
                lines = [Line(asset.account, asset.cost, 1), Line(chart.TAX_CODES[1].account, vat, 1)]
                self._trade.buy(day, lines, asset.cost + vat, (AssetEntry(asset.number, ACQUISITION, asset.account, asset.cost),))

    def depreciate(self) -> None:
        """One voucher a month with a pair of lines per class of assets."""
        lines, entries = [], []
        for account in chart.ASSET_CLASSES:
            worn = [
                (asset, amount) for asset in self._planned if asset.account == account and (amount := asset.depreciation(self._books.month))
            ]
            if not worn:
                continue
            total = sum(amount for _, amount in worn)
            lines += [Line(worn[0][0].cost_account, total), Line(worn[0][0].depreciation_account, -total)]
            for asset, amount in worn:
                asset.depreciated += amount
                entries.append(AssetEntry(asset.number, DEPRECIATION, asset.depreciation_account, -amount))
        if lines:
            self._books.add(vouchers.AUTOMATIC, fiscal.last_day(self._books.month), "Avskrivning", lines, assets=tuple(entries))
