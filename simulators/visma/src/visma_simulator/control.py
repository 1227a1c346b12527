"""The control endpoint: what tests and demonstrations ask of the simulator itself. Not part of Business NXT."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from visma_simulator import faults, scenario
from visma_simulator.endpoints import Endpoints
from visma_simulator.limits import Limits
from visma_simulator.scalars import kroner
from visma_simulator.table import Table

Handler = Callable[[Request], Awaitable[Response]]


class Control:
    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints, self._installation = endpoints, endpoints.installation

    def routes(self) -> list[Route]:
        handlers: list[tuple[str, str, Handler]] = [
            ("/faults", "POST", self.add_faults),
            ("/faults", "GET", self.list_faults),
            ("/faults", "DELETE", self.clear_faults),
            ("/grants", "POST", self.change_grants),
            ("/ledger", "POST", self.change_ledger),
            ("/clock", "POST", self.set_clock),
            ("/limits", "POST", self.change_limits),
            ("/limits", "GET", self.report_limits),
            ("/tokens", "DELETE", self.revoke_tokens),
            ("/requests", "GET", self.requests),
            ("/requests", "DELETE", self.clear_requests),
            ("/companies", "GET", self.companies),
            ("/webhooks", "POST", self.subscribe),
            ("/webhooks", "DELETE", self.unsubscribe),
        ]
        return [Route(path, _explained(handler), methods=[method]) for path, method, handler in handlers]

    async def add_faults(self, request: Request) -> Response:
        """One rule or a list of rules; all or none are taken."""
        said = orjson.loads(await request.body())
        self._endpoints.faults.rules += [faults.read_rule(rule) for rule in (said if isinstance(said, list) else [said])]
        return await self.list_faults(request)

    async def list_faults(self, _request: Request) -> Response:
        rules = self._endpoints.faults.rules
        return _json([{"effect": type(rule.effect).__name__, "hits": rule.hits, "times": rule.times} for rule in rules])

    async def clear_faults(self, _request: Request) -> Response:
        self._endpoints.faults.rules.clear()
        self._endpoints.outstanding.release_leaked()
        return Response(status_code=204)

    async def change_grants(self, request: Request) -> Response:
        """`{"customer": 67890, "activated": true}` or `{"company": 7100001, "access": "closed"}` (open, listed, closed)."""
        said = orjson.loads(await request.body())
        if "customer" in said:
            self._installation.activate(said["customer"], activated=bool(said["activated"]))
        else:
            if said["access"] not in {"open", "listed", "closed"}:
                raise ValueError("access is open, listed or closed")
            self._installation.give_access(said["company"], said["access"])
        return Response(status_code=204)

    async def change_ledger(self, request: Request) -> Response:
        """Really change a company: `{"company", "action": add | change | delete, "row" (key and values, or a list of them), "table"}`.

        The table is the ledger unless named. A new ledger line that names no key starts a journal of its own. With `"seconds_ago"` the
        row carries an earlier moment, as one that was written then and committed now. Answers each row's key; whoever has subscribed is
        notified of each row.
        """
        said = orjson.loads(await request.body())
        keys = [change.key for change in self._endpoints.write(said)]
        return _json(keys if isinstance(said["row"], list) else keys[0])

    async def set_clock(self, request: Request) -> Response:
        """`{"ahead_seconds": 7200}`: from now on the clock that dates written rows is so far ahead of the real one, or behind."""
        self._endpoints.ahead = float(orjson.loads(await request.body())["ahead_seconds"])
        return Response(status_code=204)

    async def change_limits(self, request: Request) -> Response:
        """Any of requests_per_minute, outstanding, latency_ms, minute_ms, per_client, and token_lifetime in seconds."""
        said = orjson.loads(await request.body())
        self._endpoints.tokens.lifetime = int(said.pop("token_lifetime", self._endpoints.tokens.lifetime))
        if unknown := set(said) - {field.name for field in fields(Limits)}:
            raise ValueError(f"Unknown limits: {', '.join(sorted(unknown))}")
        for name, value in said.items():
            setattr(self._endpoints.limits, name, type(getattr(self._endpoints.limits, name))(value))
        return Response(status_code=204)

    async def report_limits(self, _request: Request) -> Response:
        """How far the limits were used: now, at most so far, and how many requests were refused."""
        return _json({"rate": self._endpoints.rate.report(), "outstanding": self._endpoints.outstanding.report()})

    async def revoke_tokens(self, _request: Request) -> Response:
        self._endpoints.tokens.revoke_all()
        return Response(status_code=204)

    async def requests(self, request: Request) -> Response:
        return _json(self._endpoints.log.since(int(request.query_params.get("since", "0"))))

    async def clear_requests(self, _request: Request) -> Response:
        self._endpoints.log.clear()
        return Response(status_code=204)

    async def companies(self, request: Request) -> Response:
        """Facts of all companies, or with `?company=` of one with its ledger's totals, taken from the stored columns, not from a query."""
        asked = request.query_params.get("company")
        return _json(
            [
                self._facts(company.number, totals=bool(asked))
                for company in self._installation.companies()
                if asked in (None, str(company.number))
            ]
        )

    async def subscribe(self, request: Request) -> Response:
        """`{"url", "key"}` and any of companies, tables, attempts, interval_ms: also notify this address, signed with the key."""
        self._endpoints.webhooks.subscribe(scenario.subscription(orjson.loads(await request.body())))
        return Response(status_code=204)

    async def unsubscribe(self, _request: Request) -> Response:
        """Nobody is notified any more, also not of what is tried again."""
        self._endpoints.webhooks.unsubscribe_all()
        return Response(status_code=204)

    def _facts(self, number: int, *, totals: bool) -> dict[str, Any]:
        data = self._installation.data(number)
        company = data.company
        facts = {field.name: getattr(company, field.name) for field in fields(company)} | {"access": self._installation.access(number)}
        if totals:
            tables = data.tables()
            facts["totals"] = _totals(tables["GeneralLedgerTransaction"])
            facts["rows"] = {name: len(table) for name, table in tables.items()}
        return facts


def _totals(ledger: Table) -> list[Mapping[str, Any]]:
    sums: dict[tuple[int, ...], list[int]] = {}
    columns = (ledger[name].data for name in ("accountNo", "year", "period", "postedAmountDomestic"))
    for account, year, period, amount in zip(*columns, strict=True):
        entry = sums.setdefault((account, year, period), [0, 0])
        entry[0] += amount
        entry[1] += 1
    return [
        {"accountNo": account, "year": year, "period": period, "sum": kroner(total), "lines": lines}
        for (account, year, period), (total, lines) in sorted(sums.items())
    ]


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")


def _explained(handler: Handler) -> Handler:
    """A request that does not fit is answered with 400 and the reason."""

    async def explained(request: Request) -> Response:
        try:
            return await handler(request)
        except (ValueError, KeyError, TypeError) as problem:
            return Response(orjson.dumps({"error": f"{type(problem).__name__}: {problem}"}), 400, media_type="application/json")

    return explained
