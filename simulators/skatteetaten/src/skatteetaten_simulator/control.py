"""The control endpoint under `/_control`: faults, system users, months, the date, and the log."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from skatteetaten_simulator.faults import CallKind, Fault
from skatteetaten_simulator.payroll import MonthOnRequest
from skatteetaten_simulator.world import World

FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


class SystemUserChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    organisation_number: str
    action: Literal["grant", "withdraw"]
    external_ref: str | None = None


class DateChange(BaseModel):
    """None goes back to the clock's date."""

    model_config = ConfigDict(extra="forbid")

    today: date | None


def routes(world: World) -> list[Route]:
    async def add_fault(request: Request) -> Response:
        world.faults.add(Fault.model_validate_json(await request.body()))
        return Response(status_code=204)

    async def list_faults(_: Request) -> Response:
        return JSONResponse(FAULTS.dump_python(list(world.faults), mode="json"))

    async def clear_faults(_: Request) -> Response:
        world.faults.clear()
        return Response(status_code=204)

    async def change_system_user(request: Request) -> Response:
        change = SystemUserChange.model_validate_json(await request.body())
        if change.action == "grant":
            world.system_users.grant(change.organisation_number, change.external_ref)
        else:
            world.system_users.withdraw(change.organisation_number)
        return Response(status_code=204)

    async def ask_for_month(request: Request) -> Response:
        world.ask_for(MonthOnRequest.model_validate_json(await request.body()))
        return Response(status_code=204)

    async def forget_months(_: Request) -> Response:
        world.months.clear()
        return Response(status_code=204)

    async def change_date(request: Request) -> Response:
        world.set_today(DateChange.model_validate_json(await request.body()).today)
        return await show_date(request)

    async def show_date(_: Request) -> Response:
        return JSONResponse({"today": world.today.isoformat()})

    async def list_requests(request: Request) -> Response:
        kind: CallKind | None = TypeAdapter(CallKind | None).validate_python(request.query_params.get("kind"))
        return JSONResponse([entry.model_dump(mode="json") for entry in world.journal.entries(kind)])

    async def clear_requests(_: Request) -> Response:
        world.journal.clear()
        return Response(status_code=204)

    return [
        Route("/faults", add_fault, methods=["POST"]),
        Route("/faults", list_faults, methods=["GET"]),
        Route("/faults", clear_faults, methods=["DELETE"]),
        Route("/system-users", change_system_user, methods=["POST"]),
        Route("/months", ask_for_month, methods=["POST"]),
        Route("/months", forget_months, methods=["DELETE"]),
        Route("/today", change_date, methods=["PUT"]),
        Route("/today", show_date, methods=["GET"]),
        Route("/requests", list_requests, methods=["GET"]),
        Route("/requests", clear_requests, methods=["DELETE"]),
    ]


async def invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)  # noqa: S101 - registered for this type alone
    return Response(error.json(), 422, media_type="application/json")
