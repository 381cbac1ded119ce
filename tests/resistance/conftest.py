"""The packaged response criteria, compiled once."""

from __future__ import annotations

import pytest

from myoresist import Knowledge
from myoresist.findings.evaluate import finding_names
from myoresist.knowledge import folder
from myoresist.resistance.response.evaluate import Responses


@pytest.fixture(scope="session")
def responses() -> Responses:
    knowledge = Knowledge.load()
    return Responses.load(folder(), knowledge.terms.measures, finding_names(knowledge.catalogue))
