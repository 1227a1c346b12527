"""Skatteetaten's side of a call for one report: who may ask, what may be asked for, and the answer.

The path `/v1/{opplysningspliktig}/{YYYY-MM}`, the statuses of some refusals, and the answer for a month without
submissions (404 with AMLD_021 and the detail AMLD_1023) are our own conventions; the service's are not published as text.
"""

import re
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from stdnum.no import orgnr

from skatteetaten_simulator import payroll
from skatteetaten_simulator.employer import employer
from skatteetaten_simulator.keys import DEFAULT_SCOPE
from skatteetaten_simulator.maskinporten import bearer_claims, organisation_in
from skatteetaten_simulator.report import report
from skatteetaten_simulator.world import World

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class RefusedCallError(Exception):
    """`code` is the main code (kode), `detail` that of its specification (spesifisering)."""

    def __init__(self, status: int, code: str, message: str, detail: str | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        super().__init__(message)

    def body(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"kode": self.code, "melding": self.message, "korrelasjonsid": str(uuid4())}
        if self.detail:
            fields["spesifisering"] = [{"kode": self.detail, "melding": self.message}]
        return fields


def answer(world: World, request: Request, organisation_number: str) -> bytes:
    """The bytes of an organisation's report, to whoever may ask for the one that was asked for; or RefusedCallError."""
    month = request.path_params["month"]
    _authorise(world, request, request.path_params["organisation_number"])
    if request.headers.get("accept") != "application/json":
        raise RefusedCallError(400, "AMLD_006", "Accept må være application/json", "AMLD_1030")
    if not orgnr.is_valid(organisation_number) or not _MONTH.fullmatch(month):
        raise RefusedCallError(400, "AMLD_006", "Ugyldige parametere", "AMLD_1022")
    scenario = world.scenario
    if organisation_number in scenario.sub_units:
        raise RefusedCallError(400, "AMLD_006", "Opplysningspliktig er ikke en hovedenhet", "AMLD_1062")
    if int(month[:4]) < scenario.oldest_year:
        raise RefusedCallError(400, "AMLD_006", "Inntektsåret støttes ikke", "AMLD_1027")
    if organisation_number in scenario.unknown:
        raise RefusedCallError(404, "AMLD_021", "Fant ikke opplysningspliktig")
    who = employer(scenario.seed, organisation_number, finance_sector=organisation_number in scenario.finance_sector)
    sent = payroll.messages(scenario.seed, who, month, world.today, world.months.get((organisation_number, month)))
    if not sent or organisation_number in scenario.without_payroll:
        raise RefusedCallError(404, "AMLD_021", "Ingen innsendinger for måneden", "AMLD_1023")
    return report(who, month, sent, world.today)


def _authorise(world: World, request: Request, organisation_number: str) -> None:
    claims = bearer_claims(world, request.headers.get("authorization", ""))
    if claims is None:
        raise RefusedCallError(401, "AMLD_004", "Ugyldig token", "AMLD_1008")
    if DEFAULT_SCOPE not in claims["scope"].split():
        raise RefusedCallError(403, "AMLD_005", "Token mangler scope")
    holder = organisation_in(claims)
    if holder is None:
        raise RefusedCallError(403, "AMLD_005", "Token mangler systembruker", "AMLD_1063")
    if holder != organisation_number or not world.system_users.has(holder):
        raise RefusedCallError(403, "AMLD_005", "Ikke autorisert for opplysningspliktig")
