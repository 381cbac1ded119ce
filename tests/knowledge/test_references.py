"""A source is the work itself; where a fact was seen stands in the data and is told to nobody."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlparse

import pytest

from myoresist import knowledge
from myoresist.knowledge.schema import load_references

FOLDER = knowledge.folder()
WORKS = json.loads((FOLDER / "references.json").read_text(encoding="utf-8"))
HOMES = {
    "journals": """
        ard.bmj.com jnnp.bmj.com pn.bmj.com rmdopen.bmj.com err.ersjournals.com www.jrheum.org www.nature.com
        benthamopen.com annals.edu.sg ijmr.org.in jneurology.gr www.medicinabuenosaires.com www.longdom.org
        aditum.org www.sciencedirect.com www.prolekare.cz www.nmd-journal.com synapse.koreamed.org
        www.jrd.or.kr www.jlmqa.org kjim.org reumatologiaclinica.org
        the-rheumatologist.org emedicine.medscape.com statpearls.com medlink.com pacs.de
    """,
    "congresses": "acrabstracts.org acr.confex.com www.mdaconference.org",
    "societies and public bodies": """
        anapatterns.org www.enmc.org ean.org dgn.org www.myositis.org www.mda.org www.niehs.nih.gov
        www.imm.ki.se aplar.org myositisclinicaltrialsconsortium.org www.spierziektencentrum.nl www.ismp.org
        www.human-phenotype-ontology.org www.ncbi.nlm.nih.gov
    """,
    "registries and authorities": "clinicaltrials.gov www.accessdata.fda.gov www.ema.europa.eu",
    "manufacturers, for their own product": "www.octagamus.net octagamusa.com www.pfizerpro.co.uk",
    "authors of data and software": "github.com",
}
"""Hosts on which a work without DOI, PMID and PMCID is at home: no mirror, shop, portal or answer engine.
A new one is added here by whoever has looked at it."""


@pytest.mark.parametrize("work", WORKS, ids=lambda one: one["id"])
def test_a_source_is_the_work_itself(work: dict[str, Any]) -> None:
    assert re.fullmatch(r"10\.\d{4,9}/\S+", work.get("DOI", "10.1000/0"))
    assert re.fullmatch(r"\d{5,8}", str(work.get("PMID", "10000")))
    assert re.fullmatch(r"PMC\d{5,8}", work.get("PMCID", "PMC10000"))
    if url := work.get("URL"):
        assert not {"DOI", "PMID", "PMCID"} & work.keys(), "the identifier leads to the work"
        assert urlparse(url).netloc in {host for hosts in HOMES.values() for host in hosts.split()}


def test_a_link_leads_to_the_work() -> None:
    links = [one.link for one in load_references(FOLDER / "references.json").values()]
    known = [link for link in links if link]
    assert all(urlparse(link).scheme in ("http", "https") for link in known)
    assert any(link.startswith("https://pmc.ncbi.nlm.nih.gov/articles/PMC") for link in known)


def test_no_two_works_have_one_identifier() -> None:
    for name in ("DOI", "PMID", "PMCID"):
        found = [str(one[name]).lower() for one in WORKS if name in one]
        assert sorted(found) == sorted(set(found))
