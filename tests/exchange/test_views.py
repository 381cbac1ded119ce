"""Views of SQL on FHIR: the official tests, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import sql_on_fhir

from myoresist.exchange.views.view import ViewError, compiled

PATIENT: dict[str, Any] = {
    "resourceType": "Patient", "id": "p", "birthDate": "1960-05-01",
    "name": [{"family": "A", "given": ["B", None, "C"]}, {"family": "D'E"}],
}  # fmt: skip


def test_no_official_case_has_a_wrong_answer_and_the_page_about_them_is_true() -> None:
    found = list(sql_on_fhir.outcomes())
    assert [one for one in found if one.state == sql_on_fhir.WRONG] == []
    assert sum(one.state == sql_on_fhir.PASSED for one in found) >= 109
    assert sql_on_fhir.report(found) == sql_on_fhir.REPORT.read_text(encoding="utf-8")


def view(path: str, **more: Any) -> dict[str, Any]:
    column = {"name": "x", "path": path, "collection": True}
    return {"resource": "Patient", "select": [{"column": [column]}], **more}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("name.given", ["B", "C"]),
        ("name.where(family = 'D\\'E').exists()", [True]),
        ("name.where(given.exists()).family", ["A"]),
        ("name[0].given.first() = 'B' and active.exists().not()", [True]),
        ("birthDate = '1960-05'", None),
        ("name.family != 'A'", [True]),
        ("active = true", []),
        ("active.not()", []),
        ("(active = true) or true", [True]),
        ("contact.name.family", []),
    ],
)
def test_a_path_says_what_fhirpath_says(path: str, expected: list[Any] | None) -> None:
    if expected is None:
        with pytest.raises(ViewError, match="date and string are not compared"):
            compiled(view(path))
        return
    assert sql_on_fhir.answers(view(path), [PATIENT])[1] == [{"x": expected}]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nmae.family", "Patient has no element nmae"),
        ("name.family.matches('x')", r"the function matches\(\) is not read"),
        ("deceased", "deceased has several types; say which"),
        ("deceased.ofType(Quantity)", "deceased is never of the type Quantity"),
        ("name", "is a HumanName; name one of its elements"),
        ("name.where(family)", "a string stands where yes or no should be"),
        ("name.first().family | 'x'", "is not read"),
        ("birthDate > @2020", "is not read"),
        ("birthDate > '2020'", "date and string are not compared"),
        ("name['a']", "the number in brackets is none"),
        ("%who", "%who is no constant of the view"),
        ("(" * 50 + "id" + ")" * 50, "is nested too deeply"),
        ("name.", "where an element should be"),
    ],
)
def test_what_goes_beyond_is_refused_with_view_place_and_expression(path: str, said: str) -> None:
    with pytest.raises(ViewError, match=rf"^view mine: select\[0\]\.column\[0\]: .*{said}"):
        compiled(view(path, name="mine"))


def test_dates_are_compared_as_far_as_they_are_precise() -> None:
    same = view(
        "meta.lastUpdated = %then",
        constant=[{"name": "then", "valueInstant": "2024-01-01T01:00:00+01:00"}],
    )
    rows = [
        {**PATIENT, "meta": {"lastUpdated": x}} for x in ("2024-01-01T00:00:00.000Z", "2024-01-01")
    ]
    assert sql_on_fhir.answers(same, rows)[1] == [{"x": [True]}, {"x": []}]


def test_branches_of_a_union_are_put_together_by_name() -> None:
    each = {"forEach": "name", "column": [{"name": "a", "path": "family"}]}
    one = {"select": [each, {"column": [{"name": "b", "path": "id"}]}]}
    other = {
        "column": [{"name": "a", "path": "id"}],
        "select": [{"column": [{"name": "b", "path": "gender"}]}],
    }
    found = sql_on_fhir.answers(
        {"resource": "Patient", "select": [{"unionAll": [one, other]}]}, [PATIENT]
    )
    assert found[1] == [{"a": "A", "b": "p"}, {"a": "D'E", "b": "p"}, {"a": "p", "b": None}]
