"""The packaged response criteria, compiled once."""

from __future__ import annotations

import pytest

from myoresist import Knowledge
from myoresist.knowledge import folder
from myoresist.resistance.response import Responses
from myoresist.rules.inference import finding_names


@pytest.fixture(scope="session")
def responses() -> Responses:
    knowledge = Knowledge.load()
    return Responses.load(folder(), knowledge.terms.measures, finding_names(knowledge.catalogue))
