"""Which resources of bulk data could say something of a patient, and whose they are.

Every line goes through the view of its resource. Those with a code that is known are kept, on disk and sorted
by patient; of the others it is counted which codes they carry. Memory does not grow with the data.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoresist import knowledge
from myoresist.cohort.fhir.files import lines, readable
from myoresist.cohort.folder import SourceError, first_line
from myoresist.exchange.codes import Codes
from myoresist.exchange.fhir.bundle import EARLIER, OF_NOBODY, OUTCOME
from myoresist.exchange.fhir.form import URL
from myoresist.exchange.fhir.reading import QUIET
from myoresist.exchange.fhir.texts import SENTENCE
from myoresist.exchange.views.translate import literal
from myoresist.exchange.views.view import View, compiled

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FOLDER = "exchange/views"
STORE = "resources.duckdb"
PATIENT, MEDICATION, FORM = "Patient", "Medication", "QuestionnaireResponse"
BINARY, CONDITION = "Binary", "Condition"
MEMORY, OF_LONG_LINES, THREADS = "500MB", "2GB", 4
"""What the store may take, and what it needs where documents stand in the lines."""
LONG = 2**20
"""Bytes of a line with a document."""
MOST = 32 * 2**20
"""Bytes of a line: more than a document that is held in one."""
PROBED = 1_000
"""Resources of a file that are looked at for another version of FHIR; a file is written by one server."""
MOST_NAMED = 20
_OLD = ("MedicationOrder", "BodySite")
_STATUSES = ("verificationStatus", "clinicalStatus")
_PROBES = {
    **{f"json_type(json, '$.{x}') = 'VARCHAR'": "DSTU2 or STU3" for x in _STATUSES},
    **{f"json_exists(json, '$.{x}')": "DSTU2 or STU3" for x in EARLIER},
    "json_type(json, '$.medication') = 'OBJECT'": "R5 or R6",
}
"""What no resource of R4 has, and which version has it."""
_TYPE = r'^\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"'
_BASE = r"^(https?://.+/)Patient/[^/]+(?:/_history/.+)?$"
_TABLES = """
CREATE MACRO plain(code) AS regexp_replace(upper(replace(trim(code), '.', '')), '^[A-Z0-9]+:', '');
CREATE MACRO id_in(ref, kind) AS CASE WHEN starts_with(ref, 'urn:uuid:') THEN substr(ref, 10) ELSE
    nullif(regexp_extract(ref,
        '^(?:https?://.+/)?' || kind || '/([A-Za-z0-9.-]{1,64})(?:/_history/.+)?$', 1), '') END;
CREATE TEMP TABLE known (system VARCHAR, code VARCHAR);
CREATE TEMP TABLE medications (id VARCHAR, json VARCHAR, name VARCHAR);
CREATE TEMP TABLE persons_read (id VARCHAR, file INTEGER, place BIGINT, json VARCHAR);
CREATE TEMP TABLE picked (file INTEGER, place BIGINT, kind VARCHAR, key VARCHAR, ref VARCHAR, json VARCHAR,
    drug VARCHAR);
CREATE TEMP TABLE strange (kind VARCHAR, name VARCHAR, code VARCHAR, resources BIGINT, patients BIGINT,
    file INTEGER, place BIGINT);
"""

_PERSONS = """
CREATE TABLE persons AS
WITH told AS (
    SELECT *, json->>'$.gender' AS sex, json->>'$.birthDate' AS born,
        coalesce(json->>'$.meta.lastUpdated', '') AS version FROM persons_read WHERE id IS NOT NULL
), beside AS (
    SELECT *, min(sex) OVER same IS DISTINCT FROM max(sex) OVER same AS other_sex,
        NOT starts_with(coalesce(max(born) OVER same, ''), coalesce(min(born) OVER same, '')) AS other_birth
    FROM told WINDOW same AS (PARTITION BY id, version)
)
SELECT (row_number() OVER (ORDER BY id)) - 1 AS number, id, file, place, other_sex OR other_birth AS differs,
    CASE WHEN other_sex AND other_birth THEN json_merge_patch(json, '{"gender": null, "birthDate": null}')
        WHEN other_sex THEN json_merge_patch(json, '{"gender": null}')
        WHEN other_birth THEN json_merge_patch(json, '{"birthDate": null}') ELSE json END AS json
FROM (SELECT DISTINCT ON (id) * FROM beside ORDER BY id, version DESC, file DESC, place DESC)
ORDER BY number
"""
"""Of patients who stand there more than once the newest, without what two of one version say differently."""


@dataclass
class Picking:
    """Sends files through the views.

    Attributes:
        work: a folder for what is kept.
        codes: which codes say something.
        told: called with the resources that were read.
        files: the files in the order in which they were read.
        counts: how many resources of which type there are.
        notes: what a reader should know.
        longest: the bytes of the longest line.
    """

    work: Path
    codes: Codes
    told: Callable[[int], None] | None = None
    files: list[Path] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    longest: int = 0

    @cached_property
    def connection(self) -> DuckDBPyConnection:
        """Return the store, which is made anew."""
        import duckdb

        self.work.mkdir(parents=True, exist_ok=True)
        store = self.work / STORE
        store.unlink(missing_ok=True)
        settings = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": OF_LONG_LINES,
            "threads": str(min(THREADS, os.cpu_count() or 1)),
            "temp_directory": str(self.work / "spilled"),
        }
        connection = duckdb.connect(str(store), config=dict(settings))
        # The store is read once: to pack it would take longer than to write it whole.
        connection.execute("SET force_compression = 'uncompressed'")
        connection.execute(_TABLES)
        rows = sorted({(x, _plain(y)) for x, y in self.codes.written()})
        connection.execute(
            "INSERT INTO known SELECT unnest($1), unnest($2)", [[x for x, _ in rows], [y for _, y in rows]]
        )  # fmt: skip
        connection.execute("CREATE TEMP TABLE nested (system VARCHAR, code VARCHAR)")
        kinds = sorted(set(self.codes.nested()))
        connection.execute(
            "INSERT INTO nested SELECT unnest($1), unnest($2)", [[x for x, _ in kinds], [y for _, y in kinds]]
        )  # fmt: skip
        return connection

    @cached_property
    def views(self) -> dict[str, View]:
        """Return the views by resource."""
        found = {}
        for path in sorted((knowledge.folder() / FOLDER).glob("*.json")):
            view = compiled(json.loads(path.read_text(encoding="utf-8")), path.name)
            found[view.resource] = view
        return found

    def read(self, files: list[Path]) -> None:
        """Read files; what orders refer to comes before them.

        Raises:
            SourceError: if a file cannot be read, or is of another version of FHIR.
        """
        import duckdb

        self.files = files
        held = []
        for number, path in enumerate(files):
            try:
                source = self._source(path, number)
                kinds = self._census(path, source)
            except duckdb.Error as error:
                raise SourceError(f"{path}: cannot be read: {_reason(error)}") from error
            held += [
                (kind != MEDICATION, number, kind, source, count, len(kinds) == 1)
                for kind, count in kinds
                if kind
            ]
        if self.longest < LONG:
            self.connection.execute(f"SET memory_limit = '{MEMORY}'")
        for _, number, kind, source, count, pure in sorted(held):
            try:
                self._one(kind, number, source, pure)
            except duckdb.Error as error:
                raise SourceError(f"{files[number]}: cannot be read: {_reason(error)}") from error
            if self.told:
                self.told(count)

    def _source(self, path: Path, number: int) -> str:
        """Return the resources of a file as a relation: ``place``, by which it is counted, and ``json``."""
        plain = readable(path, self.work / "plain" / f"{number:05}.ndjson")
        return (
            f"(SELECT row_number() OVER () AS place, json FROM read_ndjson_objects({_file(plain)}, "
            f"ignore_errors=true, maximum_object_size={MOST}))"
        )

    def _census(self, path: Path, source: str) -> list[tuple[str, int]]:
        """Return which resources a file holds and how many; note what is none, which has no name."""
        # Most resources say first what they are, so that few are parsed to find it.
        kind = f"regexp_extract(json, '{_TYPE}', 1)"
        rows = self.connection.execute(
            f"SELECT CASE WHEN kind <> '' THEN kind WHEN json_type(json) = 'OBJECT' "
            "THEN coalesce(json->>'$.resourceType', '') ELSE '' END AS kind, count(*), max(strlen(json)) "
            f"FROM (SELECT json, {kind} AS kind FROM {source}) GROUP BY 1 ORDER BY 1"
        ).fetchall()
        found = []
        for name, count, longest in rows:
            self.longest = max(self.longest, longest or 0)
            if not name:
                found.append((name, count))
                self.notes.append(
                    f"{path.name}: {count} of its lines are no resource of FHIR{_first_torn(path)}; "
                    "what they hold is unknown"
                )
            elif name in _OLD:
                raise SourceError(f"{path}: holds {name}, which is of DSTU2 or STU3; give FHIR R4")
            elif name == OUTCOME:
                said = self.connection.execute(
                    f"SELECT coalesce(json->>'$.issue[0].diagnostics', json->>'$.issue[0].code', '') "
                    f"FROM {source} WHERE json->>'$.resourceType' = '{OUTCOME}' LIMIT 1"
                ).fetchone()
                more = f", such as: {' '.join(said[0].split())[:200]}" if said and said[0] else ""
                self.notes.append(
                    f"{path.name}: {count} errors of the server{more}; what it left out is unknown"
                )
                found.append(("", count))
            elif name == "Bundle":
                raise SourceError(
                    f"{path}: holds Bundles; bulk data have one resource a line, and a bundle of one "
                    "patient is for `myoresist assess`"
                )
            else:
                self.counts[name] = self.counts.get(name, 0) + count
                found.append((name, count))
        return found

    def _one(self, kind: str, number: int, source: str, pure: bool) -> None:
        view = self.views.get(kind)
        if view is None:
            return
        self._check_version(kind, number, source)
        rows = view.sql(source, ("place", "json"), pure)
        if kind == PATIENT:
            self.connection.execute(
                f"INSERT INTO persons_read SELECT substr(key, 9), {number}, place, json FROM ({rows})"
            )
        elif "code" not in view.columns:
            own = (
                f"WHERE split_part(questionnaire, '|', 1) = {literal(URL)}" if kind == FORM else ""
            )
            self.connection.execute(
                f"INSERT INTO picked SELECT {number}, place, {literal(kind)}, key, patient, json, NULL "
                f"FROM ({rows}) {own}"
            )
        else:
            self._coded(kind, number, view, rows)

    def _coded(self, kind: str, number: int, view: View, rows: str) -> None:
        """Keep the resources with a code that is known; count the others by what they are called."""
        join, drug, known = "", "NULL", ""
        name = "coalesce(nullif(trim(v.name), ''), v.display, v.first_code"
        if "medication" in view.columns:
            join = f"LEFT JOIN medications m ON m.id = id_in(v.medication, '{MEDICATION}')"
            # What is contained is looked at by whoever reads the resource.
            known = " OR m.json IS NOT NULL OR starts_with(v.medication, '#')"
            name += ", m.name, v.medication_display"
            drug = "m.json"
        if "text" in view.columns:
            # A value of words is read as a letter, and what a panel contains as results of its own.
            words = "coalesce(len(string_split_regex(trim(v.text), '\\s+')), 0)"
            known = f" OR {words} >= {SENTENCE} OR v.contains"
        if kind == CONDITION:
            # A code may be a kind of a shorter one that is known.
            sizes = sorted({len(code) for _, code in self.codes.nested()})
            known = "".join(
                f" OR (v.system, left(plain(v.code), {n})) IN (SELECT (system, code) FROM nested)"
                for n in sizes
            )
        subject = "v.patient" if "patient" in view.columns else "NULL"
        self.connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE seen AS
            SELECT * EXCLUDE (whole), CASE WHEN known THEN whole END AS json FROM (
                SELECT v.place, v.key, {subject} AS ref, v.first_code AS code, v.json AS whole,
                    {drug} AS drug,
                    {name}, 'without a code') AS name,
                    coalesce((v.system, plain(v.code)) IN (FROM known){known}, false) AS known
                FROM ({rows}) v {join}
            )
            """
        )
        if kind == MEDICATION:
            self.connection.execute(
                "INSERT INTO medications SELECT json->>'$.id', json, name FROM "
                "(SELECT DISTINCT ON (place) json, name FROM seen WHERE known)"
            )
            return
        # One row of each resource, which may have several codes.
        self.connection.execute(
            f"INSERT INTO picked SELECT {number}, place, {literal(kind)}, key, ref, json, drug FROM seen "
            "WHERE rowid IN (SELECT min(rowid) FROM seen WHERE known GROUP BY place)"
        )
        self._versions(kind, number, rows)
        self.connection.execute(
            f"""
            INSERT INTO strange
            SELECT {literal(kind)}, name, any_value(code), count(*), count(DISTINCT ref), {number}, min(place)
            FROM seen WHERE rowid IN (
                SELECT min(rowid) FROM seen ANTI JOIN (SELECT place FROM seen WHERE known) USING (place)
                GROUP BY place
            ) GROUP BY name
            """
        )

    def _versions(self, kind: str, number: int, rows: str) -> None:
        """Keep versions without a code that is known of what is kept: they may withdraw it."""
        places = [x for (x,) in self.connection.execute(
            "SELECT DISTINCT place FROM seen WHERE NOT known AND key IN "
            f"(SELECT key FROM picked WHERE kind = {literal(kind)}) ORDER BY place"
        ).fetchall()]  # fmt: skip
        if places:
            self.connection.execute(
                f"INSERT INTO picked SELECT DISTINCT ON (place) {number}, place, {literal(kind)}, key, "
                f"patient, json, NULL FROM ({rows}) WHERE place IN (SELECT unnest($1))",
                [places],
            )

    def _check_version(self, kind: str, number: int, source: str) -> None:
        probes = " ".join(f"WHEN {probe} THEN {literal(x)}" for probe, x in _PROBES.items())
        some = f"(SELECT * FROM {source} WHERE strlen(json) < {LONG} LIMIT {PROBED})"
        found = self.connection.execute(
            f"SELECT * FROM (SELECT json->>'$.id', CASE {probes} END AS version FROM {some} "
            f"WHERE json->>'$.resourceType' = {literal(kind)}) WHERE version IS NOT NULL LIMIT 1"
        ).fetchone()
        if found:
            raise SourceError(
                f"{self.files[number]}: {kind}/{found[0]} is of {found[1]}; give FHIR R4"
            )

    def sort(self) -> int:
        """Give every resource its patient, and return how many patients there are.

        Raises:
            SourceError: if there is no patient.
        """
        run = self.connection.execute
        run(_PERSONS)
        every, named, count = run(
            "SELECT (SELECT count(*) FROM persons_read), (SELECT count(id) FROM persons_read), "
            "(SELECT count(*) FROM persons)"
        ).fetchall()[0]
        if not count:
            raise SourceError(
                "holds no Patient resource with an id; bulk data have a file Patient.ndjson"
            )
        if every > named:
            self.notes.append(f"Patient: {every - named} without an id, not used")
        if named > count:
            (other,) = run("SELECT count(*) FROM persons WHERE differs").fetchall()[0]
            told = f", but of {other} sex or date of birth differ, which stay open" if other else ""
            self.notes.append(
                f"Patient: {named - count} stand there again; the last one counts{told}"
            )
        run(
            f"CREATE TEMP TABLE referred AS SELECT rowid AS row, id_in(ref, '{PATIENT}') AS id, "
            f"CASE WHEN starts_with(ref, 'http') THEN nullif(regexp_extract(ref, '{_BASE}', 1), '') END "
            "AS base FROM picked"
        )
        bases = [x for (x,) in run(
            "SELECT DISTINCT base FROM referred WHERE base IS NOT NULL ORDER BY base LIMIT 3"
        ).fetchall()]  # fmt: skip
        if len(bases) == 1:
            self.notes.append(f"references to {bases[0]} are taken for references to these files")
        elif bases:
            said = " and ".join(bases[:2])
            self.notes.append(f"references lead to several servers, such as {said}: not used")
            run("UPDATE referred SET id = NULL WHERE base IS NOT NULL")
        run(
            "CREATE TABLE sorted AS SELECT p.number, r.file, r.place, r.kind, r.json, r.drug "
            "FROM picked r JOIN referred o ON o.row = r.rowid JOIN persons p USING (id) "
            "ORDER BY p.number, r.file, r.place"
        )
        self._unresolved()
        run("DROP TABLE picked; DROP TABLE referred; DROP TABLE persons_read")
        return int(count)

    def _unresolved(self) -> None:
        rows = self.connection.execute(
            "SELECT kind, ref IS NULL, count(*), min(ref) FROM picked r JOIN "
            "(SELECT * FROM referred ANTI JOIN persons USING (id)) o ON o.row = r.rowid "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        for kind, nameless, count, first in rows:
            whom = "name no patient" if nameless else f"are of nobody who is here, such as {first}"
            self.notes.append(f"{kind}: {count} with a code that is known {whom}; not used")

    def strangers(self) -> Iterator[tuple[Any, ...]]:
        """Yield kind, name, code, resources, patients, file and place of what has no code that is known."""
        yield from self.connection.execute(
            "SELECT kind, name, any_value(code), sum(resources)::BIGINT, sum(patients)::BIGINT, "
            "min(file), min_by(place, file) FROM strange GROUP BY kind, name ORDER BY kind, name"
        ).fetchall()

    def unread(self) -> Iterator[str]:
        """Yield what is not read at all, by type."""
        for kind, count in sorted(self.counts.items()):
            if (kind not in self.views and kind not in (*QUIET, *OF_NOBODY)) or kind == BINARY:
                yield f"{kind}: {count:,} not read"

    def load(self, kinds: Sequence[str], weight: int) -> int:
        """Return how many resources are kept, those of some types counting for several."""
        some = ", ".join(map(literal, kinds))
        query = f"SELECT count(*) + {weight} * count(*) FILTER (kind IN ({some})) FROM sorted"
        return int(self.connection.execute(query).fetchall()[0][0])

    def close(self) -> None:
        """Close the store and remove it."""
        if "connection" in self.__dict__:
            self.connection.close()
        (self.work / STORE).unlink(missing_ok=True)


def _reason(error: BaseException) -> str:
    """Return what the library says of a mistake, in our words where they are its own."""
    said = first_line(error)
    return f"a line has more than {MOST / 1e6:.0f} MB" if "maximum_object_size" in said else said


def _file(path: Path) -> str:
    """Return the name of a file as SQL; letters that stand for several names are meant as they are."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def _plain(code: str) -> str:
    """Return a code as ``plain`` of the store does; what is kept is read exactly later."""
    return re.sub("^[A-Z0-9]+:", "", code.strip().replace(".", "").upper())


def _first_torn(path: Path) -> str:
    """Return where the first line is that is no JSON."""
    for number, line in lines(path):
        try:
            if isinstance(json.loads(line.decode("utf-8-sig")), dict):
                continue
        except (ValueError, RecursionError):
            pass
        return f", the first is line {number}"
    return ""
