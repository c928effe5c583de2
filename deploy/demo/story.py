"""The story: people register, are introduced and seated, meet, thank each other or not, and answer the survey."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from deploy.demo.contacts import stream
from deploy.demo.people import registrations
from deploy.demo.platform import Platform, eventually

SECONDS_PER_HOUR: Final = 0.25
"""One hour of the conference in seconds of the demo, as in the rehearsal cadence: 24 hours are 6 seconds."""
REHEARSAL: Final = 2  # the cadence with that clock
WINDOW: Final = 2 * 3600  # seconds of the conference that a platform collects before it sends them
SEED: Final = 2026
NO_SHOW: Final = 0.1
NOTES: Final = 0.5
"""Share of talks of three minutes or more that somebody writes a note about."""
THANKS: Final = 0.55
"""Share of people who thank at all, each for every talk."""
ANSWERS: Final = 0.7

Tell = Callable[[float, str], None]
"""Progress: a share from 0 to 1, and what happens now."""


@dataclass
class Told:
    """What happened, as the platform saw it: what the services must agree with."""

    gathering_id: str = ""
    rows: int = 0
    registered: int = 0
    attended: int = 0
    plan: dict[str, Any] = field(default_factory=dict)
    replan: dict[str, Any] = field(default_factory=dict)
    sensor_rows: int = 0
    meetings: set[str] = field(default_factory=set)
    notes: int = 0
    thanked: int = 0
    outcomes: int = 0
    answers: int = 0
    report_url: str = ""
    board_url: str = ""
    evening_url: str = ""
    followup_url: str = ""


async def play(platform: Platform, guests: int, tell: Tell, *, no_show: float = NO_SHOW) -> Told:
    """Play a whole gathering of `guests` registrations and return what the platform knows of it."""
    dice = random.Random(SEED)
    told = Told()
    tell(0.02, "the organiser publishes the gathering")
    gathering = await _publish(platform, guests)
    told.gathering_id = gathering

    tell(0.06, f"{guests} people register")
    people = await _register(platform, gathering, guests, told)
    await _known_everywhere(platform, gathering, people)
    await platform.call("followup", "PUT", f"/gatherings/{gathering}/cadence", json={"version": REHEARSAL})

    tell(0.15, "matching introduces and seats them")
    told.plan = await _planned(platform, f"/gatherings/{gathering}/plans", {"seed": SEED})

    tell(0.33, "the doors open")
    present = [person for person in people if dice.random() >= no_show]
    await platform.call("registration", "POST", f"/gatherings/{gathering}/phase", json={"phase": "running"})
    await platform.call("registration", "POST", "/check-ins/bulk", json={"registration_ids": present})
    told.attended = len(present)

    tell(0.36, f"{len(people) - len(present)} stay away: the rounds are planned anew around them")
    missing = {"no_shows": sorted(set(people) - set(present)), "current_round": 0, "seed": SEED}
    told.replan = await _planned(platform, f"/gatherings/{gathering}/replan", missing)
    links = await platform.call("matching", "GET", f"/gatherings/{gathering}/links")
    told.board_url = links["board"]
    evenings = {each["registration_id"]: each["evening"] for each in links["people"]}
    for person in present:  # the first who is introduced to anybody: those who mainly sell are not
        if (await platform.call("matching", "GET", f"/registrations/{person}/match"))["introductions"]:
            told.evening_url = evenings[person]
            told.followup_url = (await platform.call("followup", "GET", f"/registrations/{person}/followups"))[
                "page_url"
            ]
            break

    await _meet(platform, gathering, present, dice, told, lambda share, what: tell(0.4 + 0.3 * share, what))
    last = datetime.now(UTC)

    tell(0.72, "people answer the survey")
    await _survey(platform, gathering, present, dice, told)

    tell(0.8, "24 hours pass in six seconds")
    await asyncio.sleep(
        max(0.0, (last + timedelta(seconds=24 * SECONDS_PER_HOUR + 1) - datetime.now(UTC)).total_seconds())
    )
    tell(0.88, "thanks and next steps are reported")
    await _follow_up(platform, present, dice, told)
    await platform.call("registration", "POST", f"/gatherings/{gathering}/phase", json={"phase": "ended"})
    await platform.call("survey", "POST", f"/gatherings/{gathering}/survey/close")
    link = await platform.call("survey", "GET", f"/gatherings/{gathering}/report-link")
    told.report_url = link["url"]
    return told


async def _planned(platform: Platform, path: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Ask for a plan and wait until it is made."""
    plan = await platform.call("matching", "POST", path, json=wanted)

    async def made() -> dict[str, Any] | None:
        found: dict[str, Any] = await platform.call("matching", "GET", f"/plans/{plan['plan_id']}")
        return found if found["state"] not in ("queued", "running") else None

    return await eventually("the plan", made, 300)


async def _publish(platform: Platform, guests: int) -> str:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
    rounds = [
        {
            "number": n + 1,
            "starts_at": (start + timedelta(minutes=30 * n)).isoformat(),
            "ends_at": (start + timedelta(minutes=30 * n + 25)).isoformat(),
        }
        for n in range(4)
    ]
    body = {
        "title": "製造業と地域のDX 異業種交流会",
        "theme": "製造業DXと地域活性化",
        "purpose": "partner_search",
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=3)).isoformat(),
        "capacity": guests,
        "rounds": rounds,
        "tables": [{"number": n + 1, "seats": 4} for n in range(-(-guests // 4))],
    }
    name = f"demo-{start:%Y%m%d-%H%M%S}"
    made = await platform.call("registration", "PUT", f"/gatherings/{name}", json=body)
    return str(made["gathering_id"])


async def _register(platform: Platform, gathering: str, guests: int, told: Told) -> list[str]:
    answer = await platform.call(
        "registration",
        "POST",
        f"/gatherings/{gathering}/registrations/bulk",
        content=registrations(guests),
        headers={"content-type": "text/csv"},
    )
    people = sorted({row["id"] for row in answer["rows"]})
    told.rows, told.registered = len(answer["rows"]), len(people)
    return people


async def _known_everywhere(platform: Platform, gathering: str, people: list[str]) -> None:
    """The gathering and everybody in it have reached the other services, by topic."""

    async def counted() -> bool | None:
        metrics = await platform.call("survey", "GET", f"/gatherings/{gathering}/metrics")
        return True if metrics["funnel"][0]["people"] == len(people) else None

    async def welcomed(person: str) -> bool | None:
        return True if await platform.call("followup", "GET", f"/registrations/{person}/followups") else None

    await eventually("registrations in survey", counted)
    for person in (people[0], people[-1]):
        await eventually("registrations in follow-up", lambda person=person: welcomed(person))  # type: ignore[misc]


async def _meet(
    platform: Platform, gathering: str, present: list[str], dice: random.Random, told: Told, tell: Tell
) -> None:
    """Send the contact stream as its time comes, an hour in a quarter of a second."""
    begin, first = datetime.now(UTC), None
    noted: set[tuple[str, str]] = set()
    for end, contacts, rows in stream(len(present), WINDOW):
        first = end - WINDOW if first is None else first
        due = begin + _shrunk(end - first)
        await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
        meetings = []
        for contact in contacts:
            a, b = present[contact.one], present[contact.other]
            notes = []
            if contact.talked >= 180 and (a, b) not in noted and dice.random() < NOTES:
                noted.add((a, b))
                author = dice.choice((a, b))
                notes.append({"author": author, "text": dice.choice(_NOTES), "wants_next": dice.random() < 0.6})
            meetings.append(
                {
                    "gathering_id": gathering,
                    "a": a,
                    "b": b,
                    "met_at": (begin + _shrunk(max(contact.began - first, 0))).isoformat(),
                    "talk_seconds": contact.talked,
                    "source": "sensor",
                    "notes": notes,
                }
            )
            told.notes += len(notes)
        if meetings:
            answer = await platform.rows("matching", "/meetings/bulk", meetings)
            told.meetings |= {row["id"] for row in answer["rows"]}
        told.sensor_rows += rows
        tell(min((end - first) / 115_000, 1.0), f"{len(told.meetings)} pairs have met")


def _shrunk(seconds: float) -> timedelta:
    return timedelta(seconds=seconds / 3600 * SECONDS_PER_HOUR)


_NOTES: Final = (
    "段取り替えに半日かかるとのこと。うちの治具の写真を送る約束をした。",
    "空き倉庫の活用に困っている。来月一度見に行きたい。",
    "外国人スタッフの研修の話で盛り上がった。教材の見本を渡す。",
    "配送の帰り便が空いている。運賃の目安を聞けた。",
    "Talked about camera inspection; promised to send our test report.",
)


async def _follow_up(platform: Platform, present: list[str], dice: random.Random, told: Told) -> None:
    """Everybody looks at their list; some thank, most of them in time, and some get further."""
    outcomes: list[dict[str, Any]] = []
    for person in present:
        found = await platform.call("followup", "GET", f"/registrations/{person}/followups")
        keen = dice.random() < THANKS
        for each in found["followups"]:
            met_at = datetime.fromisoformat(each["met_at"])
            if not keen or dice.random() < 0.3:
                continue
            hours = dice.expovariate(1 / 14)
            thanked_at = min(met_at + timedelta(seconds=hours * SECONDS_PER_HOUR), datetime.now(UTC))
            outcomes.append(_outcome(each, "thanked", thanked_at))
            told.thanked += 1
            if dice.random() < 0.15:
                outcomes.append(_outcome(each, "booked", datetime.now(UTC)))
            elif dice.random() < 0.05:
                kind = dice.choice(("advice", "introduction", "information", "idea_cleared"))
                outcomes.append({**_outcome(each, "outcome", datetime.now(UTC)), "outcome": kind})
    for at in range(0, len(outcomes), 1000):
        await platform.rows("followup", "/outcomes/bulk", outcomes[at : at + 1000])
    told.outcomes = len(outcomes)


def _outcome(followup: dict[str, Any], state: str, at: datetime) -> dict[str, Any]:
    return {"followup_id": followup["followup_id"], "state": state, "occurred_at": at.isoformat()}


async def _survey(platform: Platform, gathering: str, present: list[str], dice: random.Random, told: Told) -> None:
    opened = await platform.call("survey", "PUT", f"/gatherings/{gathering}/survey")
    room = {"url": opened["room_url"]}
    await platform.call("followup", "PUT", f"/gatherings/{gathering}/survey-link", json=room)
    made = await platform.call(
        "survey", "POST", f"/gatherings/{gathering}/survey/links", json={"registration_ids": present}
    )
    for link in made["links"]:
        if dice.random() >= ANSWERS:
            continue
        fields: dict[str, Any] = {
            "next_step": dice.choices(range(5), (3, 4, 4, 2, 1))[0],
            "goal": dice.choices(range(6), (1, 3, 4, 5, 2, 1))[0],
            "fit": dice.choices(range(5), (1, 3, 5, 3, 1))[0],
            "again": dice.choices(range(11), (0, 0, 0, 1, 1, 2, 3, 5, 6, 3, 4))[0],
            "troubles": [dice.choices(_TROUBLES, (4, 2, 1, 7, 2, 2, 1, 9))[0]],
        }
        if dice.random() < 0.15:
            fields |= {"free_text": dice.choice(_WORDS), "quotable": "1"}
        told.answers += await platform.submit_form(link["url"], fields)


_TROUBLES: Final = (
    "sales_pressure",
    "closed_circle",
    "boasting",
    "too_short",
    "different_heat",
    "no_opening",
    "venue",
    "none",
)
_WORDS: Final = (
    "1回の会話がもう少し長いとうれしいです。",
    "紹介の理由が書いてあって話しかけやすかったです。",
    "初参加でも同じ初参加の方と同席できて安心しました。",
    "More time per table, please.",
)
