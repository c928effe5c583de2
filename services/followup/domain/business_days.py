"""Which days are business days: not a weekend, not a public holiday, not a yearly closure."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from holidays import country_holidays

DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5

Closures = tuple[tuple[str, str], ...]


@lru_cache(maxsize=256)
def closed_days(country: str, closures: Closures, year: int) -> frozenset[date]:
    """Public holidays and closures of one year, weekends apart."""
    days = (date(year, 1, 1) + n * DAY for n in range(366))
    yearly = {
        day for day in days if day.year == year and any(_within(day.strftime("%m-%d"), *span) for span in closures)
    }
    return frozenset(country_holidays(country, years=year)) | yearly


def _within(month_day: str, first: str, last: str) -> bool:
    """Both ends included; the turn of the year may lie between them."""
    if first <= last:
        return first <= month_day <= last
    return month_day >= first or month_day <= last


def is_business_day(day: date, country: str, closures: Closures) -> bool:
    return day.weekday() < _SATURDAY and day not in closed_days(country, closures, day.year)


@lru_cache(maxsize=4096)
def add_business_days(day: date, count: int, country: str, closures: Closures) -> date:
    """The `count`-th business day after `day`; 0 gives `day` itself, or the first business day after it."""
    while count > 0 or not is_business_day(day, country, closures):
        day += DAY
        if count > 0 and is_business_day(day, country, closures):
            count -= 1
    return day
