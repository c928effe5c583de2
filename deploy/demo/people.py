"""The guests: sixty hand-written registrations, sent as a ticket platform would send them."""

import csv
import io
from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parent / "data"
OSAKA: Final = DATA / "osaka" / "registrations.csv"


def registrations(count: int) -> bytes:
    """A CSV of `count` rows. Past the sixty of the file, the same people come again under other names and addresses."""
    with OSAKA.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    for number in range(count):
        row, again = rows[number % len(rows)], number // len(rows)
        if again:
            row = {
                **row,
                "registration_id": f"{row['registration_id']}-{again}",
                "name": f"{row['name']} {again + 1}号",
                "company": f"{row['company']} 第{again + 1}支店" if row["company"] else "",
                "email": f"{again}.{''.join(row['email'].split())}",
            }
        writer.writerow(row)
    return out.getvalue().encode()
