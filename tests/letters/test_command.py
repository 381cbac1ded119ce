"""The command ``read``: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from myoresist.cli import app

LETTER = "Seen 12 March 2024. Mrs A, 54, dermatomyositis. She has trouble swallowing; no calcinosis. ?ILD.\n"


def run(*words: str, text: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["read", *words], input=text)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "clinic.txt"
    file.write_text(LETTER, encoding="utf-8")
    return file


def pdf(text: str) -> bytes:
    """Return a PDF of one page that shows a line of text."""
    stream = f"BT /F1 10 Tf 20 700 Td ({text}) Tj ET".encode() if text else b""
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 900 800] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = io.BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, io.SEEK_END)
    for number, part in enumerate(parts, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, part))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(
        b"trailer << /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, table)
    )
    return out.getvalue()


def test_prints_what_is_to_be_confirmed_in_eighty_columns(path: Path) -> None:
    code, out, err = run(str(path))
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for title in ("Yes", "No", "Questions", "Not read"):
        assert f"\n{title}\n" in out
    assert '"trouble swallowing"' in out
    assert "The letter leaves it open" in out


def test_standard_input(path: Path) -> None:
    assert run("-", text=LETTER)[1].splitlines()[3:] == run(str(path))[1].splitlines()[3:]


def test_a_case_file_that_validate_accepts(path: Path, tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    code, out, err = run(str(path), "--yaml", "-o", str(case))
    assert (code, out, err) == (0, "", f"wrote {case}\n")
    result = CliRunner().invoke(app, ["validate", str(case)])
    assert result.exit_code == 0
    assert "dysphagia: true" in case.read_text(encoding="utf-8")
    assert "ild" not in case.read_text(encoding="utf-8")


def test_json_gives_offsets_into_the_text(path: Path) -> None:
    [told] = json.loads(run(str(path), "--json")[1])
    [one] = [x for x in told["statements"] if x["about"] == "dysphagia"]
    assert [told["text"][start:end] for start, end in one["spans"]] == ["trouble swallowing"]


def test_several_letters(path: Path) -> None:
    assert run(str(path), str(path))[1].count("clinic:") == 2
    assert len(json.loads(run(str(path), str(path), "--json")[1])) == 2
    assert run(str(path), str(path), "--yaml")[0] == 2


def test_a_pdf_with_text(tmp_path: Path) -> None:
    file = tmp_path / "clinic.pdf"
    file.write_bytes(pdf(LETTER.strip()))
    assert "Dysphagia" in run(str(file))[1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pdf(""), "is a PDF without text, such as a scan"),
        (b"%PDF-1.7 nothing of the kind", "cannot be read"),
        (b"\x00\x01\x02", "is neither text nor a PDF"),
        (b"", "holds no words"),
        ('{"resourceType": "Bundle"}'.encode("utf-16"), "is JSON and no letter"),
        (b'[{"unit": "mg"}]', "is JSON and no letter"),
        (b"a word " * 200_000, "a letter may have"),
    ],
)
def test_what_cannot_be_read_is_one_line(data: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "letter.pdf"
    file.write_bytes(data)
    code, out, err = run(str(file))
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_file_that_is_not_there() -> None:
    code, _, err = run("nowhere.txt")
    assert code == 2
    assert err == "nowhere.txt: cannot be read: No such file or directory\n"


def test_one_form_at_a_time(path: Path) -> None:
    assert run(str(path), "--yaml", "--json")[0] == 2


def test_a_letter_writes_nothing_to_the_terminal_but_text(tmp_path: Path) -> None:
    file = tmp_path / "\x1b[31m.txt"
    file.write_text(f"{LETTER}\x1b[31mred no dysphagia\x07", encoding="utf-8")
    out = run(str(file))[1]
    assert "\x1b" not in out
    assert "\x07" not in out
