"""The command line as a user meets it: output, exit codes, pipes, and one line for every error."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import click
import pytest
import typer
from typer.testing import CliRunner

from myoresist import assessment
from myoresist.assessment import Assessment
from myoresist.cli import DEMO, EXAMPLES, app, main
from myoresist.cohort.simulate import write
from myoresist.library import Knowledge

HOSTILE = "[bold]x[/bold]<script>\x1b[31m"
PUBLISHED = {
    "id": "one",
    "final_diagnosis": "inclusion_body_myositis",
    "initial_label": "polymyositis",
    "findings": {"present": ["finger_flexor_weakness", "biopsy_rimmed_vacuoles"], "absent": []},
    "numbers": {"age": 70, "age_at_onset": 66},
    "withheld": ["biopsy_rimmed_vacuoles"],
}
CASE = "patient: {id: P}\nfindings: {ild: yes}\nautoantibodies: [{antibody: anti-Jo-1, result: positive}]\n"


def run(*words: str, text: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words), input=text)
    return result.exit_code, result.stdout, result.stderr


def shell(*words: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "myoresist", *words],
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        check=False,
    )


def test_a_case_from_standard_input() -> None:
    done = shell("assess", "-", text=CASE)
    assert done.returncode == 0
    assert "Antisynthetase syndrome with lung disease" in " ".join(done.stdout.split())
    assert "\x1b" not in done.stdout
    assert "not a certified medical device" in " ".join(done.stdout.split())


def test_page_one_is_printed_and_the_appendix_on_request() -> None:
    short, full, everything = (
        run("assess", "-", *words, text=CASE)[1] for words in ((), ("--full",), ("--all",))
    )
    assert len(short.split()) <= 700
    assert "Is the diagnosis right?" not in short
    for more in (full, everything):
        assert more.startswith(short.partition("The reasons,")[0].rstrip())
        assert "1. Is the diagnosis right?" in more and "Behind each line" in more
    assert len(everything) > len(full)


def test_json_is_the_published_form(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    code, out, err = run("assess", "-", "--json", "-o", str(path), text=CASE)
    assert (code, out) == (0, "")
    assert f"wrote {path}" in err
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["schema_version"] == "1.5"
    assert Assessment.model_validate(data).model_dump(mode="json") == data
    schema = json.loads(run("schema", "assessment")[1])
    assert set(data) == set(schema["properties"])
    assert list(tmp_path.iterdir()) == [path]


def test_a_case_that_is_wrong_is_one_line_a_mistake_and_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("patient: {id: P}\nfindings: {ilt: yes, age: 999}\n")
    for command in ("assess", "validate"):
        code, _, err = run(command, str(path))
        assert code == 2
        lines = err.strip().splitlines()
        assert len(lines) == 2
        assert all(line.startswith(f"{path}:2: findings.") for line in lines)


def test_validate_says_ok() -> None:
    path = str(EXAMPLES / f"{DEMO}.yaml")
    code, text, _ = run("validate", path)
    assert code == 0
    # What could not be used as written is told behind it.
    assert text.startswith(f"{path}: ok\n")


def test_template_and_schema_can_be_piped() -> None:
    code, text, _ = run("template")
    assert code == 0
    assert run("validate", "-", text=text)[0] == 0
    assert json.loads(run("schema")[1])["$id"] == "urn:myoresist:case:1.1"
    assert run("schema", "nothing")[0] == 2


def test_demo_lists_and_runs_every_bundled_case() -> None:
    names = run("demo", "--list")[1].split()
    assert len(names) >= 5
    for name in names:
        code, out, _ = run("demo", name)
        assert code == 0
        assert "Research and decision-support tool" in out
        assert len(out.splitlines()) < 60
    code, _, err = run("demo", "nothing")
    assert code == 2
    assert "no bundled case is called nothing" in err


def test_knowledge_shows_sets_findings_and_works_in_words() -> None:
    code, out, _ = run("knowledge", "show", "eular_acr_2017")
    assert code == 0
    assert "probability = 1 / (1 + exp(5.33 − score))" in out
    assert "lundberg2017" in out
    code, out, _ = run("knowledge", "show", "dm_rash")
    assert "Heliotrope rash or Gottron papules or Gottron sign" in out
    assert "Cited by: bohan_peter_1975" in run("knowledge", "show", "bohan1975a")[1]
    code, _, err = run("knowledge", "show", "eular_acr_2018")
    assert code == 2
    assert "did you mean eular_acr_2017?" in err


def test_every_set_can_be_shown() -> None:
    for name in Knowledge.load().criteria.sets:
        code, out, _ = run("knowledge", "show", name)
        assert code == 0, name
        assert "Sources:" in out


def test_hostile_text_cannot_write_to_the_terminal() -> None:
    case = json.dumps(
        {"patient": {"id": HOSTILE}, "source": {"citation": HOSTILE}, "notes": HOSTILE}
    )
    done = shell("assess", "-", text=case)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "[bold]x[/bold]<script>" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_met_not_met_and_unknown_stay_three_signs_without_unicode(encoding: str) -> None:
    done = shell("demo", "anti_srp_refractory", "--full", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    table = done.stdout.partition("\n  Set ")[2].partition("Criteria, set by set")[0]
    verdicts = Counter(re.findall(r"  (\S (?:not met|met|undetermined))\b", table))
    assert verdicts == {"+ met": 1, "x not met": 3, "? undetermined": 16}


def test_what_a_machine_reads_is_utf_8_everywhere() -> None:
    for words in (("demo", "--json"), ("knowledge", "list", "--json")):
        done = shell(*words, PYTHONIOENCODING="latin-1")
        # The same words in this process, which writes UTF-8.
        assert json.loads(done.stdout) == json.loads(run(*words)[1])


@pytest.mark.parametrize("words", ["demo", "demo --json", "knowledge show eular_acr_2017"])
def test_a_closed_pipe_is_no_error(words: str) -> None:
    command = f"{sys.executable} -m myoresist {words} | true"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_is_quiet() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "myoresist", "assess", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    # More than a pipe holds: once it is written, the command is reading and waits for the end.
    process.stdin.write(b"#" * 500_000)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


def test_an_unexpected_error_is_one_line_that_tells_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("broken\nin two lines")

    monkeypatch.setattr(assessment, "assess", fail)
    monkeypatch.setattr(sys, "argv", ["myoresist", "demo"])
    monkeypatch.delenv("MYORESIST_DEBUG", raising=False)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err == (
        "myoresist: unexpected error: RuntimeError: broken (set MYORESIST_DEBUG=1 to see where)\n"
    )
    monkeypatch.setenv("MYORESIST_DEBUG", "1")
    with pytest.raises(RuntimeError):
        main()


def test_an_error_cannot_write_to_the_terminal_and_stays_one_line() -> None:
    hostile = "\x1b[31mred\nnew"
    case = json.dumps({"patient": {"id": "P"}, "findings": {hostile: True, "ild": hostile}})
    for words, lines in (
        (("assess", "-"), 2),
        (("assess", f"none{hostile}"), 1),
        (("knowledge", "show", hostile), 1),
        (("schema", hostile), 1),
    ):
        done = shell(*words, text=case)
        assert done.returncode == 2, words
        assert "\x1b" not in done.stderr
        assert len(done.stderr.splitlines()) == lines, done.stderr


def test_a_report_never_replaces_its_own_case(tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    case.write_text(CASE)
    link = tmp_path / "link.yaml"
    link.symlink_to(case)
    for output in (case, link):
        code, _, err = run("assess", str(case), "-o", str(output))
        assert (code, err) == (
            2,
            f"{output}: is the case itself; write the report to another file\n",
        )
    assert case.read_text() == CASE


def test_a_report_replaces_a_file_whole_and_follows_a_link(tmp_path: Path) -> None:
    kept, link = tmp_path / "kept.txt", tmp_path / "link.txt"
    kept.write_text("old")
    link.symlink_to(kept)
    assert run("assess", "-", "-o", str(link), text=CASE)[0] == 0
    assert link.is_symlink()
    assert kept.read_text(encoding="utf-8").startswith("Second opinion: P\n")
    assert sorted(tmp_path.iterdir()) == [kept, link]


def test_several_forms_at_once_and_each_names_its_file(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("r.md", "r.pdf", "r.html")]
    words = [
        w
        for flag, f in zip(("--markdown", "--pdf", "--html"), files, strict=True)
        for w in (flag, str(f))
    ]
    code, out, err = run("assess", "-", *words, text=CASE)
    assert (code, out) == (0, "")
    assert err.splitlines() == [f"wrote {file}" for file in files]
    assert files[0].read_text(encoding="utf-8").startswith("# Second opinion: P")
    assert files[1].read_bytes().startswith(b"%PDF-")
    assert files[2].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    code, out, _ = run("assess", "-", "--html", str(files[2]), "--text", text=CASE)
    assert code == 0 and "Second opinion: P" in out


def test_the_demo_ends_by_naming_its_page(tmp_path: Path) -> None:
    code, out, err = run("demo", "--html", str(tmp_path / "demo.html"))
    assert code == 0 and "Second opinion" in out
    assert err.splitlines()[-1] == f"wrote {tmp_path / 'demo.html'}"


def test_without_typst_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    words = ("--pdf", str(tmp_path / "r.pdf"), "--html", str(tmp_path / "r.html"))
    code, out, err = run("assess", "-", *words, text=CASE)
    assert (code, out) == (2, "")
    assert err.splitlines()[1:] == ["PDF needs typst: pip install 'myoresist[report]'"]
    # The page that was asked for beside it is written all the same.
    assert [one.name for one in tmp_path.iterdir()] == ["r.html"]


def test_two_forms_never_share_a_file(tmp_path: Path) -> None:
    same = str(tmp_path / "r")
    code, _, err = run("assess", "-", "--html", same, "--markdown", same, text=CASE)
    assert code == 2 and "the same file" in err
    assert not list(tmp_path.iterdir())


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")), daemon=True)
    reader.start()
    assert run("assess", "-", "-o", str(pipe), text=CASE)[0] == 0
    reader.join(timeout=30)
    assert read[0].startswith("Second opinion: P")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_is_no_place_for_a_report(tmp_path: Path) -> None:
    code, _, err = run("assess", "-", "-o", str(tmp_path), text=CASE)
    assert (code, err) == (2, f"{tmp_path}: is a folder; name a file in it\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("assess", "/nowhere.yaml"),
        ("assess", "-o", "/nowhere/x.txt", str(EXAMPLES / f"{DEMO}.yaml")),
    ],
)
def test_a_path_that_cannot_be_used_is_one_line(words: tuple[str, ...]) -> None:
    done = shell(*words)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "/nowhere" in done.stderr


def test_version_names_software_and_knowledge() -> None:
    assert re.fullmatch(r"myoresist \d+\.\d+\.\d+, knowledge \d{4}\.\d{2}\n", run("--version")[1])


def test_knowledge_as_data() -> None:
    data = json.loads(run("knowledge", "show", "eular_acr_2017", "--json")[1])
    assert data["entry"] == "criteria set"
    assert data["rules_in_words"]["ea_rash"] == "[ea_heliotrope] or [ea_papules] or [ea_sign]"
    assert {"lundberg2017", "patel2018"} <= {work["key"] for work in data["references"]}
    data = json.loads(run("knowledge", "show", "dm_rash", "--json")[1])
    assert data["rule_in_words"] == "Heliotrope rash or Gottron papules or Gottron sign"
    assert "heliotrope_rash" in {link["finding"] for link in data["implied_by"]}
    assert "bohan_peter_1975" in data["read_by"]
    data = json.loads(run("knowledge", "show", "iaccarino2014", "--json")[1])
    assert data["cited_by"] == ["bohan_peter_1975"]
    assert run("knowledge", "show", "iaccarino2015", "--json")[0] == 2
    listed = json.loads(run("knowledge", "list", "--json")[1])
    assert {one["id"] for one in listed} >= set(Knowledge.load().criteria.sets)


def test_a_set_names_every_work_that_it_cites() -> None:
    for name in Knowledge.load().criteria.sets:
        said = run("knowledge", "show", name)[1]
        rules, _, sources = said.partition("\nSources:\n")
        listed = {line.split(":")[0].strip() for line in sources.splitlines()}
        for group in re.findall(r" \[([a-z0-9_, ]+)\]", rules):
            for key in group.split(", "):
                assert key in listed or key not in Knowledge.load().references, (name, key)


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


COMMANDS = list(commands(typer.main.get_command(app)))


def example_of(words: tuple[str, ...]) -> str:
    """Return the example at the end of the help of a command."""
    said = " ".join(run(*words, "--help")[1].split())
    assert "Example: myoresist" in said
    example = said.partition("Example: ")[2]
    assert example.startswith(" ".join(("myoresist", *words)))
    return example


@pytest.mark.parametrize("words", [x for x in COMMANDS if x[:1] == ("registry",)], ids=" ".join)
def test_the_example_about_a_registry_runs(
    words: tuple[str, ...], tmp_path: Path, freezes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, of in (("answers", "answers"), ("freeze-1", "answers"), ("freeze-2", "answers-2")):
        (tmp_path / name).symlink_to(freezes / of)
    write(tmp_path / "registry", 20)
    shutil.copy(
        next((Knowledge.load().folder / "registry" / "screening").glob("*.yaml")),
        tmp_path / "trial.yaml",
    )
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*shlex.split(example_of(words))[1:])
    assert code == 0, err


@pytest.mark.parametrize("words", [x for x in COMMANDS if x[:1] != ("registry",)], ids=" ".join)
def test_the_example_in_every_help_runs(words: tuple[str, ...], tmp_path: Path) -> None:
    example = example_of(words)
    (tmp_path / "patient.yaml").write_text(CASE)
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "one.json").write_text(json.dumps(PUBLISHED))
    if words == ("cohort",):
        write(tmp_path / "registry", 20)
    if words == ("knowledge", "check"):
        one_set = Path("criteria", "mda5_dm")
        shutil.copytree(Knowledge.load().folder / one_set, tmp_path / "my-knowledge" / one_set)
    (tmp_path / "letter.txt").write_text("She has dysphagia.")
    command = example.replace("myoresist", f"{sys.executable} -m myoresist", 1)
    if words == ("serve",):
        # It goes on until it is ended by hand.
        command = f"timeout --preserve-status --signal INT 10 {command}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parents[1])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    # What is ended by hand says so: 128 and the number of the signal.
    assert done.returncode == (130 if words == ("serve",) else 0), done.stderr


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['myoresist', '--help']\n"
        "from myoresist.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted(x for x in sys.modules if '.' not in x), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    for heavy in ("polars", "pydantic", "sqlglot", "pint", "yaml", "rich"):
        assert f"'{heavy}'" not in done.stderr


@pytest.mark.parametrize("words", [["demo"], ["template"], ["knowledge", "list", "--json"]])
def test_an_output_that_takes_nothing_is_one_line(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        told = subprocess.run(
            [sys.executable, "-m", "myoresist", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (told.returncode, told.stderr) == (2, "standard output: No space left on device\n")


def test_a_closed_output_is_one_line() -> None:
    command = " ".join(shlex.quote(x) for x in (sys.executable, "-m", "myoresist", "template"))
    told = subprocess.run(
        ["sh", "-c", f"{command} >&-"], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (2, "standard output: is closed\n")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("prednisone", "lucocorticoid"),
        ("anti-Jo-1", "Jo-1"),
        ("IVIG", "mmunoglobulin"),
        ("IMNM", "ecrotising"),
    ],
)
def test_an_entry_is_shown_by_the_word_that_a_case_uses(name: str, said: str) -> None:
    code, out, err = run("knowledge", "show", name)
    assert (code, err) == (0, "")
    assert said in out.splitlines()[0]


def test_a_label_of_several_diseases_names_them() -> None:
    code, _, err = run("knowledge", "show", "DM")
    assert code == 2
    assert err.startswith("DM is the label of several diseases: ")


def test_validate_tells_a_machine_what_an_assessment_would_remark(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "patient: {id: P, sex: male}\nfindings: {pregnancy: yes}\ntreatments:\n"
        "- {drug: metotrexate}\n- {drug: methotrexate, dose: 20, unit: mg, frequency: daily}\n"
        "- {drug: IVIG, route: per rectum}\n"
    )
    code, out, _ = run("validate", str(path), "--json")
    (told,) = json.loads(out)
    assert (code, told["ok"], told["mistakes"]) == (0, True, [])
    said = "\n".join(told["notes"])
    assert "metotrexate is not in the list of drugs; did you mean" in said
    assert "daily? above any usual dose" in said
    assert "per rectum is not a route" in said
    assert "(findings.pregnancy, line 2), yet Female sex is absent (patient.sex, line 1)" in said
