"""The ASGI app: Maskinporten and the A07 service behind one address, and the control endpoint."""

import json
from typing import Any
from urllib.parse import parse_qsl

import jwt
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from skatteetaten_simulator import avstemming, control, effects, maskinporten
from skatteetaten_simulator.avstemming import RefusedCallError
from skatteetaten_simulator.faults import AnotherEmployer
from skatteetaten_simulator.journal import Entry
from skatteetaten_simulator.maskinporten import RefusedGrantError
from skatteetaten_simulator.world import World


def build_app(world: World) -> Starlette:
    async def token(request: Request) -> Response:
        form = await _form(request)
        claims = maskinporten.unverified_claims(form.get("assertion", ""))
        organisation_number = maskinporten.organisation_in(claims)
        entry = Entry(at=world.now(), kind="token", organisation_number=organisation_number, claims=claims)
        world.journal.add(entry)
        effect = world.faults.take("token", organisation_number)
        await effects.wait(effect, request)
        if effect is not None and effect.kind not in ("delay", "truncated"):
            return _logged(entry, effects.answer_for(effect, Response()), fault=effect.kind)
        try:
            answer = JSONResponse(maskinporten.issue(world, form), headers={"Cache-Control": "no-store"})
            code = None
        except RefusedGrantError as refused:
            body = {"error": refused.error, "error_description": refused.description}
            answer, code = JSONResponse(body, refused.status), refused.mp_id or refused.error
        return _logged(entry, effects.answer_for(effect, answer), code=code, fault=effect.kind if effect else None)

    async def report(request: Request) -> Response:
        organisation_number, month = request.path_params["organisation_number"], request.path_params["month"]
        entry = Entry(at=world.now(), kind="report", organisation_number=organisation_number, month=month)
        world.journal.add(entry)
        effect = world.faults.take("report", organisation_number, month)
        await effects.wait(effect, request)
        answer: Response
        try:
            of = effect.answer if isinstance(effect, AnotherEmployer) else organisation_number
            answer, code = Response(avstemming.answer(world, request, of), media_type="application/json"), None
        except RefusedCallError as refused:
            answer, code = JSONResponse(refused.body(), refused.status), refused.detail or refused.code
        return _logged(entry, effects.answer_for(effect, answer), code=code, fault=effect.kind if effect else None)

    async def metadata(_: Request) -> Response:
        addresses = world.addresses
        return JSONResponse(
            {
                "issuer": addresses.issuer,
                "token_endpoint": addresses.token_url,
                "jwks_uri": f"{addresses.base}/jwk",
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "grant_types_supported": [maskinporten.GRANT_TYPE],
                "token_endpoint_auth_signing_alg_values_supported": list(maskinporten.ALGORITHMS),
                "authorization_details_types_supported": [maskinporten.SYSTEM_USER],
            }
        )

    async def keys(_: Request) -> Response:
        key: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(world.signing_key.public_key()))
        return JSONResponse({"keys": [{**key, "kid": maskinporten.KEY_ID, "use": "sig", "alg": "RS256"}]})

    async def not_found(_: Request, __: Exception) -> Response:
        refused = RefusedCallError(404, "AMLD_021", "Ukjent adresse", "AMLD_1023")
        return JSONResponse(refused.body(), refused.status)

    async def wrong_method(_: Request, __: Exception) -> Response:
        refused = RefusedCallError(405, "AMLD_022", "Metoden støttes ikke")
        return JSONResponse(refused.body(), refused.status)

    return Starlette(
        routes=[
            Route("/token", token, methods=["POST"]),
            Route("/.well-known/oauth-authorization-server", metadata),
            Route("/jwk", keys),
            Route("/v1/{organisation_number}/{month}", report, methods=["GET"]),
            Mount("/_control", routes=control.routes(world)),
        ],
        exception_handlers={404: not_found, 405: wrong_method, ValidationError: control.invalid},
    )


async def _form(request: Request) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


def _logged(entry: Entry, answer: Response, *, code: str | None = None, fault: str | None = None) -> Response:
    """Completes the entry; a call that got no answer at all keeps an empty status."""
    entry.fault = fault
    entry.status = None if fault == "drop" else answer.status_code
    entry.code = code if fault in (None, "delay", "truncated", "another_employer") else None
    return answer
