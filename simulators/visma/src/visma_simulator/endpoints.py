"""The two public endpoints: Visma Connect's token and Business NXT's GraphQL in service context."""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from visma_simulator import errors, faults, scalars, schema, transmission, writing
from visma_simulator.documents import Documents, Operation, Refused, error
from visma_simulator.execution import Call, Execution, Interference, Outcome, call_of
from visma_simulator.faults import Faults, Rule
from visma_simulator.installation import Installation
from visma_simulator.limits import Limits, Outstanding, RequestRate, Scope
from visma_simulator.requestlog import RequestLog
from visma_simulator.scenario import Scenario
from visma_simulator.tokens import OAuthError, Tokens
from visma_simulator.webhooks import Change, Webhooks

BATCH_LIMIT = 32
JSON = "application/json; charset=utf-8"
NOTHING = Call()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one GraphQL operation. `instead` is a response of another status that replaces the whole exchange."""

    body: bytes
    operation: Operation | None = None
    call: Call = NOTHING
    rows: int = 0
    errors: int = 0
    rules: Sequence[Rule] = ()
    instead: Response | None = None


class Endpoints:
    """What the simulator is. `now` gives seconds since 1970; a test may pass its own clock."""

    def __init__(self, scenario: Scenario, limits: Limits, now: Callable[[], float], token_lifetime: int) -> None:
        self.now, self.limits = now, limits
        self.ahead = 0.0
        self.installation = Installation(scenario)
        self.tokens = Tokens(scenario.clients, now, token_lifetime)
        self.rate, self.outstanding = RequestRate(limits, now), Outstanding(limits, now)
        self.faults, self.log = Faults(), RequestLog(now)
        self.webhooks = Webhooks(scenario.webhooks, self.faults, self.log, now)
        self._documents = Documents(schema.load())

    def clock(self) -> float:
        """The time that written rows carry: now, or what the control endpoint has made of it."""
        return self.now() + self.ahead

    def write(self, said: Mapping[str, Any]) -> list[Change]:
        """What `writing.write` takes of a `"company"`, `"seconds_ago"` or now; whoever has subscribed is notified of each row."""
        moment = scalars.to_micros(self.clock() - said.get("seconds_ago", 0))
        changes = writing.write(self.installation.data(said["company"]), said, moment)
        self.webhooks.notify(changes)
        return changes

    async def token(self, request: Request) -> Response:
        came, form = self.now(), dict(parse_qsl((await request.body()).decode(errors="replace")))
        rules = self.faults.meeting("token")
        await _pause(rules)
        response = _status(rules)
        if response is None:
            try:
                issued = self.tokens.issue(form, request.headers.get("authorization"))
                response = Response(orjson.dumps(issued), media_type="application/json", headers={"Cache-Control": "no-store"})
            except OAuthError as problem:
                body = {"error": problem.error, "error_description": problem.description}
                response = Response(orjson.dumps(body), problem.status, media_type="application/json")
        self.log.add("token", came, response.status_code, faults=_names(rules))
        return transmission.of(response, rules)

    async def graphql(self, request: Request) -> Response:
        came = self.now()
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        refused = None
        if scheme.lower() != "bearer" or not self.tokens.accepts(token):
            refused = Response(errors.UNAUTHORIZED_PAGE, 401, media_type="text/html")
        elif not self.rate.allows(self.tokens.client_of(token) if self.limits.per_client else token):
            refused = Response(faults.Status(429).text(), 429, media_type="text/html")
        if refused:
            self.log.add("graphql", came, refused.status_code)
            return refused
        self.log.in_flight += 1
        in_flight = self.log.in_flight
        try:
            answers, is_batch = await self._answers(request)
        finally:
            self.log.in_flight -= 1
        rules = [rule for answer in answers for rule in answer.rules]
        instead = next((answer.instead for answer in answers if answer.instead), None)
        bodies = [answer.body for answer in answers]
        headers = {"x-vbc-traceid": secrets.token_hex(16), "content-type": JSON}
        response = instead or Response(b"[" + b",".join(bodies) + b"]" if is_batch else bodies[0], headers=headers)
        for answer in answers:
            name = answer.operation.name if answer.operation else None
            self.log.add(
                "graphql",
                came,
                response.status_code,
                operation=name,
                call=answer.call,
                rows=answer.rows,
                in_flight=in_flight,
                errors=answer.errors,
                faults=_names(answer.rules),
            )
        return transmission.of(response, rules)

    async def _answers(self, request: Request) -> tuple[list[Answer], bool]:
        try:
            said = json.loads(await request.body(), parse_float=Decimal)
            payloads = said if isinstance(said, list) else [said]
            asked = [(payload["query"], payload.get("variables") or {}, payload.get("operationName")) for payload in payloads]
        except (ValueError, TypeError, KeyError, AttributeError):
            problem = Response(orjson.dumps({"errors": [error("The request body is not a GraphQL request.")]}), 400, media_type=JSON)
            return [Answer(b"", errors=1, instead=problem)], False
        if not 0 < len(asked) <= BATCH_LIMIT:
            return [_refusal([error(f"A batch holds 1 to {BATCH_LIMIT} requests.", "BATCH_LIMIT_EXCEEDED")])], False
        return [await self._answer(request, *each) for each in asked], isinstance(said, list)

    async def _answer(self, request: Request, text: str, variables: dict[str, Any], name: str | None) -> Answer:
        try:
            operation = self._documents.operation(text, variables, name)
        except Refused as problem:
            return _refusal(problem.errors)
        call = call_of(operation)
        rules = self.faults.meeting("graphql", operation.name, call, variables)
        scopes: list[Scope] = [("Company", number) for number in call.companies] + [("Customer", number) for number in call.customers]
        if full := self.outstanding.enter(scopes):
            return _refusal([self._busy(full)], operation, call, rules)
        client_gone = False
        try:
            await _pause(rules, self.limits.latency_ms)
            if instead := _status(rules):
                return Answer(b"", operation, call, rules=rules, instead=instead)
            for rule in rules:
                if isinstance(rule.effect, faults.Written):
                    self.write(rule.effect.change)
            outcome = await self._executed(operation, call, rules)
            client_gone = await request.is_disconnected()
        finally:
            self.outstanding.leave(scopes, client_gone=client_gone)
        body = outcome.body()
        for rule in rules:
            if isinstance(rule.effect, faults.DropRow | faults.DuplicateRow | faults.ChangeAmount):
                body = faults.altered(body, rule)
        return Answer(body, operation, call, outcome.rows, len(outcome.errors), rules)

    async def _executed(self, operation: Operation, call: Call, rules: Sequence[Rule]) -> Outcome:
        effects = [(rule, rule.effect) for rule in rules]
        interference = Interference(
            answer_as={
                number: effect.answer for _, effect in effects if isinstance(effect, faults.WrongCompany) for number in call.companies
            },
            grants_removed=any(isinstance(effect, faults.NoGrant) for _, effect in effects),
            errors=tuple((rule.table, effect.message, effect.code) for rule, effect in effects if isinstance(effect, faults.Error)),
        )
        for number in (*call.companies, *interference.answer_as.values()):
            if self.installation.access(number) == "open" and not self.installation.data(number).is_made:
                await asyncio.to_thread(self.installation.data(number).tables)  # seconds for a large company
        return Execution(self.installation, interference).run(operation)

    def _busy(self, scope: Scope) -> dict[str, Any]:
        kind, number = scope
        text = errors.COMPANY_BUSY if kind == "Company" else errors.CUSTOMER_BUSY
        limit = self.limits.outstanding
        return {"message": text.format(number=number, limit=limit), "extensions": {"code": errors.BUSY_CODE, "limit": limit}}


def _refusal(
    problems: list[dict[str, Any]], operation: Operation | None = None, call: Call = NOTHING, rules: Sequence[Rule] = ()
) -> Answer:
    return Answer(orjson.dumps({"errors": problems}), operation, call, errors=len(problems), rules=rules)


async def _pause(rules: Sequence[Rule], latency_ms: int = 0) -> None:
    if total := latency_ms + sum(rule.effect.ms for rule in rules if isinstance(rule.effect, faults.Delay)):
        await asyncio.sleep(total / 1000)


def _status(rules: Sequence[Rule]) -> Response | None:
    effect = next((rule.effect for rule in rules if isinstance(rule.effect, faults.Status)), None)
    if effect is None:
        return None
    headers = {} if effect.retry_after is None else {"Retry-After": str(effect.retry_after)}
    return Response(effect.text(), effect.status, headers, effect.content_type)


def _names(rules: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(type(rule.effect).__name__ for rule in rules)
