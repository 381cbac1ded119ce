"""Mutate case files and tables at random: no traceback, no hang, nothing lost without a word.

    python scripts/mutate_cases.py [CASES] [TABLES] [SEED]

Bytes, structure and values of the bundled cases, and of the forms that docs/use.md shows, are changed; each
is refused with its mistakes or read, and some of those are assessed. Cells of small registries are replaced
by what people write; each run answers every patient that it names.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from pathlib import Path
from typing import Any

import polars as pl

from myoresist import Knowledge, assess
from myoresist.case.reading import check_case_text
from myoresist.case.record import record
from myoresist.cohort.registry import Registry
from myoresist.document import parse_document, read_document

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "src" / "myoresist" / "examples").glob("*.yaml"))
FORMS = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
WORDS: tuple[Any, ...] = (
    None, "", "yes", "no", "unknown", "NA", "-9", "999", "1e400", "23.780", "5,5", "<5", ">22000",
    "17-05-23", "9999-12-31", "1900-01-01", "2023", "2023-05-17 00:00:00", "45063", "µkat/L", "mg/day",
    "weekly", "biweekly", "every 99999 weeks", "methotrexat", "topicl", "anti-Jo-1", "CK", "ř", "\x00",
    "x" * 500, 0, -1, 1e30, True, [], {}, "400-500", "≥ 20", "<1e9", "1 g × 3 days", "good", "worse",
    "2 × 1000 mg, 2 weeks apart", "from 60 to 10 mg over 6 months", "0 × 1 mg, 0 days apart",
    "from 60 to 10 mg over 9999999 months", "good, then lost", "methotrexate", "co-trimoxazole", "male",
    "juvenile_dermatomyositis", "prednisone", "CK 200; LDH 250", 12, 1e12, -4, "≥40", "NaN", "INF",
)  # fmt: skip
ASSESSED, ANSWERED = 0.2, 0.1
"""The share of the cases that can be read that are assessed, and of the tables that are answered."""
SLOW = 5.0
"""Seconds of a processor that no file of a case may take."""
ROWS = 4


def main() -> None:
    """Mutate cases, then tables; print what came out."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name, default in (("CASES", 1000), ("TABLES", 20), ("SEED", 1)):
        asked.add_argument(name, nargs="?", type=int, default=default)
    cases, tables, seed = vars(asked.parse_args()).values()
    dice = random.Random(seed)
    shown = FORMS.findall((ROOT / "docs" / "use.md").read_text(encoding="utf-8"))
    forms = [parse_document(text, "use.md").data for text in shown]
    data = [read_document(path).data for path in EXAMPLES]
    data += [{"patient": {"id": "P"}} | one for one in forms]
    texts = [path.read_bytes() for path in EXAMPLES] + [text.encode() for text in shown]
    knowledge = Knowledge.load()
    counts = {"read": 0, "refused": 0, "slowest": 0.0}
    for _ in range(cases):
        begun = time.process_time()
        text = (
            _bytes(dice, dice.choice(texts))
            if dice.random() < 0.5
            else _values(dice, dice.choice(data))
        )
        case, problems = check_case_text(text, "mutated")
        assert (case is None) == bool(problems)
        if case is not None:
            record(case)
            if dice.random() < ASSESSED:
                assess(case, knowledge)
        counts["refused" if case is None else "read"] += 1
        counts["slowest"] = max(counts["slowest"], time.process_time() - begun)
        assert counts["slowest"] < SLOW, text
    registry = Registry(knowledge)
    for _ in range(tables):
        schema = registry.reader.schema
        given = {name: _table(dice, columns) for name, columns in schema.tables.items()}
        # What a source refuses before anything is read.
        given = {
            x: y
            for x, y in given.items()
            if not schema.unfit(x, [c for c in y.columns if c != "row"])
        }
        batch = registry.reader.read(given)
        assert len(batch.ids) == given["patients"]["patient_id"].n_unique()
        if dice.random() < ANSWERED:
            assert registry.answer(batch)["findings"].height == len(batch.ids)
    print(json.dumps(counts | {"tables": tables}))


def _bytes(dice: random.Random, text: bytes) -> bytes:
    found = bytearray(text)
    for _ in range(dice.randint(1, 6)):
        place = dice.randrange(len(found))
        found[place : place + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
    return bytes(found)


def _values(dice: random.Random, data: Any) -> str:
    found = json.loads(json.dumps(data, default=str))
    for _ in range(dice.randint(1, 4)):
        place = found
        while isinstance(place, dict | list) and place:
            key = (
                dice.choice(list(place)) if isinstance(place, dict) else dice.randrange(len(place))
            )
            if not isinstance(place[key], dict | list) or dice.random() < 0.2:
                place[key] = dice.choice(WORDS)
                break
            place = place[key]
    return json.dumps(found, ensure_ascii=False)


def _table(dice: random.Random, columns: Any) -> pl.DataFrame:
    some = dice.sample(sorted(set(columns) - {"patient_id"}), k=min(8, len(columns) - 1))
    needed = [x for x, one in columns.items() if one.needed and x != "patient_id"]
    names = dict.fromkeys((*needed, *some))
    cells = [x if x is None else str(x) for x in WORDS if not isinstance(x, list | dict)]
    data = {"patient_id": [f"P{x}" for x in range(ROWS)]}
    data |= {name: [dice.choice(cells) for _ in range(ROWS)] for name in names}
    return pl.DataFrame(data, dict.fromkeys(data, pl.String)).with_row_index("row", offset=1)


if __name__ == "__main__":
    main()
