"""Whatever is sent to the API, the answer has the form that its description promises, and is no crash."""

from __future__ import annotations

from functools import cache

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from serving import Started

ADDRESSES = [
    ("POST", "/api/assess"), ("POST", "/api/validate"), ("GET", "/api/schema"), ("POST", "/api/schema"),
    ("POST", "/api/read-letter"),
]  # fmt: skip
BEYOND = [positive_data_acceptance, negative_data_rejection]
"""A case may have the right form and say what cannot be; and a check answers of whatever it is given."""
FEW = 15
"""Examples for each address; an answer may take a third of a second."""


@cache
def described(address: str) -> schemathesis.schemas.BaseSchema:
    return schemathesis.openapi.from_dict(httpx2.get(f"{address}/openapi.json").json())


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path"), ADDRESSES)
@settings(max_examples=FEW, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_sent_is_answered_as_described(
    server: Started, method: str, path: str, mode: GenerationMode, data: st.DataObject
) -> None:
    case = data.draw(described(server.address)[path][method].as_strategy(generation_mode=mode))
    response = case.call(base_url=server.address)
    assert response.status_code < 500
    case.validate_response(response, excluded_checks=BEYOND)
