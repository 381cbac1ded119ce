"""Loading checks every topic: what is broken, names nothing or is not covered is one line that says where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from myoresist import Knowledge, knowledge
from myoresist.document import DocumentError
from myoresist.treatment.evaluate import Options


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the packaged knowledge, to be broken."""
    shutil.copytree(knowledge.folder(), tmp_path / "k", ignore=shutil.ignore_patterns("*.py*"))
    return tmp_path / "k"


def change(copy: Path, file: str, old: str, new: str) -> None:
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def complaints(folder: Path) -> str:
    with pytest.raises(DocumentError) as error:
        Knowledge.load(folder)
    return str(error.value).replace(f"{folder}/", "")


def test_the_packaged_knowledge_is_whole() -> None:
    Knowledge.load(check=True)


def test_a_copy_is_whole_and_has_its_own_version(copy: Path) -> None:
    change(copy, "knowledge.yaml", knowledge.version(), "2030.01")
    assert Knowledge.load(copy).version == "2030.01"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "treatments/options/anakinra.yaml",
            "trial: anakinra",
            "trial: anakinro",
            "anakinra.yaml: trial: anakinro is no regimen of a trial; did you mean anakinra?",
        ),
        (
            "treatments/options/anakinra.yaml",
            "id: anakinra",
            "id: anakin",
            "treatments/options/anakinra.yaml:1: id: the id is anakin, but the file is called anakinra.yaml",
        ),
        (
            "treatments/options/anakinra.yaml",
            "subsets: [ASyS]",
            "subsets: [ASYS]",
            "treatments/options/anakinra.yaml: subsets: ASYS is no subset; did you mean ASyS?",
        ),
        (
            "treatments/options/anakinra.yaml",
            "cites: [furlan2008]",
            "cites: [furlan2009]",
            ":22: evidence[2].cites: furlan2009 is not in references.json; did you mean furlan2008",
        ),
        (
            "treatments/subsets.yaml",
            "[polymyositis]",
            "[polymyositiss]",
            "treatments/subsets.yaml: PM: polymyositiss is no disease; did you mean polymyositis?",
        ),
        (
            "treatments/care.yaml",
            "asks: [osteoporosis]",
            "asks: [osteoporose]",
            "treatments/care.yaml: bone: osteoporose is no finding; did you mean osteoporosis?",
        ),
        (
            "treatments/checks.yaml",
            "- id: hepatitis_c_hiv",
            "- id: hepatitis_b",
            "hepatitis_b: stands here twice; the first is on line 4",
        ),
        (
            "coverage.yaml",
            "- id: mda5_dm",
            "- id: mda5_dms",
            "coverage.yaml: mda5_dms: there is no such criteria set; did you mean mda5_dm?",
        ),
        (
            "coverage.yaml",
            "- id: mda5_dm",
            "- id: mda5_dms",
            "criteria/mda5_dm/criteria.yaml: mda5_dm: does not stand in coverage.yaml",
        ),
        (
            "coverage.yaml",
            "status: outline\n  since: 2024",
            "status: implemented\n  since: 2024",
            "ibm_enmc_2024: is implemented since 2024, but the set says outline since 2024",
        ),
        (
            "explanations/explanations.yaml",
            "when: trial_last_below_min_dose",
            "when: trial_lost_below_min_dose",
            "unknown name trial_lost_below_min_dose; did you mean trial_last_below_min_dose?",
        ),
        ("serology/statements/doubt.yaml", "reported_msa >= 2", "reported_maa >= 2", "two_msa"),
        (
            "response/definitions.yaml",
            "kind: improvement",
            "kind: better",
            "definitions.yaml:7: 0.kind",
        ),
        ("references.json", "[", "{", "references.json: is no CSL-JSON array of works"),
        ("findings/findings.csv", "id,kind", "name,kind", "findings.csv:1: the heading lacks id"),
        ("knowledge.yaml", '"2026.11"', "2026.11", "knowledge.yaml:1: version: write it in quotes"),
        ("trials/trials.csv", "trial_id,source", "trial_id,sources", "heading lacks source"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    copy: Path, file: str, old: str, new: str, said: str
) -> None:
    change(copy, file, old, new)
    assert said in complaints(copy)


def test_everything_that_is_wrong_is_said_at_once(copy: Path) -> None:
    change(copy, "treatments/options/anakinra.yaml", "trial: anakinra", "trial: anakinro")
    change(copy, "serology/statements/doubt.yaml", "reported_msa >= 2", "reported_maa >= 2")
    change(copy, "coverage.yaml", "- id: mda5_dm", "- id: mda5_dms")
    said = complaints(copy)
    assert all(x in said for x in ("anakinro", "two_msa", "mda5_dms"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("references.json", None),
        ("references.json", b""),
        ("coverage.yaml", None),
        ("labs/labs.yaml", b"word"),
        ("treatments/checks.yaml", b""),
        ("diseases/frequencies.csv", b"word"),
        ("drugs/drugs.csv", b"\xff\x00\x81"),
    ],
)
def test_no_file_is_missed_when_it_cannot_be_read(
    copy: Path, file: str, content: bytes | None
) -> None:
    path = copy / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert file in complaints(copy)


def test_an_option_without_a_regimen_has_no_earlier_trial(copy: Path) -> None:
    without = [one for one in Knowledge.load().options.data.options.values() if one.trial is None]
    assert without
    change(copy, "treatments/options/anakinra.yaml", "trial: anakinra\n", "")
    options = Knowledge.load(copy).options
    assert options.data.options["anakinra"].trial is None
    assert not [name for name in (*options.reads, *_columns(options)) if "None" in name]


def _columns(options: Options) -> tuple[str, ...]:
    return options._layout.columns
