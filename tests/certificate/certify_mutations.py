"""mutations, which must be red

Each takes a protection out of a service and turns the certificate red. Run it by `make certify-mutations`.
"""

from dataclasses import replace

import pytest

from .certificate import Certificate
from .conftest import Certifier
from .mutations import ALL, Mutation, judged

pytestmark = [pytest.mark.background, pytest.mark.timeout(600)]


@pytest.mark.parametrize("mutation", ALL, ids=lambda mutation: mutation.name)
async def test_a_protection_taken_out_turns_the_certificate_red(certifier: Certifier, certificate: Certificate, mutation: Mutation) -> None:
    entry = await judged(certifier, mutation)
    certificate.add(replace(entry, point=f"{mutation.name} at {mutation.point}"))
    assert mutation.shows(entry), entry


async def test_without_a_mutation_the_same_points_stay_clean(certifier: Certifier) -> None:
    for mutation in ALL:
        [entry] = await certifier.killed_at({mutation.service: mutation.point})
        assert entry.clean, entry
