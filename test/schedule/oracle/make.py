"""Makes cronsim.json, by which test/schedule/cron.test.ts is judged: when 40 lines are due around each change of the clocks.

    pip install cronsim==2.8 tzdata && python3 make.py

cronsim is another implementation of Debian's cron, by other people. What it says of interval lines is compared with each minute's
local time, which alone counts where clocks change within an hour or by less than one (Lord Howe, Chatham). Of each zone and line the file has how many dues there are
in all windows, and a hash of them: seconds since 1970, one a line. Zones that behave alike in those ten years are one.
"""
import functools
import hashlib
import json
import zoneinfo
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path

from cronsim import CronSim

zoneinfo.reset_tzpath(to=[])  # tzdata of PyPI alone, whose version is known
UTC = timezone.utc
FROM, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

LINES = """
* * * * *
*/5 * * * *
*/7 * * * *
*/15 * * * *
*/30 * * * *
0 * * * *
30 * * * *
15,45 * * * *
10-20/5 * * * *
0 */2 * * *
30 */3 * * *
*/20 1-3 * * *
*/10 2 * * *
* 2 * * *
*/15 0 * * *
0 0 * * *
30 0 * * *
0 1 * * *
30 1 * * *
59 1 * * *
0 2 * * *
15 2 * * *
30 2 * * *
45 1 * * *
0 3 * * *
0,30 2 * * *
0,20,40 1-3 * * *
0 2,3 * * *
30 0,12 * * *
0-30/10 2 * * *
59 23 * * *
30 2 * * SUN
30 1 * * 0
0 0 * * MON-FRI
0 2 1 * *
30 2 L * *
0 3 LW * *
0 2 8-14 * 7
30 1 * 3,11 0#1
30 2 * * 7L
""".split("\n")[1:-1]


def offset(zone, instant):
    return int(instant.astimezone(zone).utcoffset().total_seconds())


@functools.cache
def changes(zone):
    """Instants at which the offset is another, with the one before and the one after."""
    found, at = [], FROM
    while at < UNTIL:
        if offset(zone, at) != offset(zone, at + DAY):
            low, high = at, at + DAY
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if offset(zone, middle) == offset(zone, at) else (low, middle)
            found.append([int(high.timestamp()), offset(zone, low), offset(zone, high)])
        at += DAY
    return found


def dues(line, zone, start, end):
    # Without the instant at which it begins, as everywhere.
    for due in CronSim(line, start.astimezone(zone)):
        instant = due.astimezone(UTC)
        if instant > end:
            return
        if instant > start:
            yield int(instant.timestamp())


def shown(line, zone, start, end):
    """Each minute whose local time cronsim's fields have: what an interval line is, without a step of cronsim."""
    fields = CronSim(line, start)
    at = start + timedelta(minutes=1)
    while at <= end:
        local = at.astimezone(zone)
        if local.minute in fields.minutes and local.hour in fields.hours and local.month in fields.months and fields.match_day(local):
            yield int(at.timestamp())
        at += timedelta(minutes=1)


def is_interval(line):
    return any(field.startswith("*") for field in line.split()[:2])


def changes_on_the_hour(zone):
    """cronsim goes from hour to hour: where clocks change within one, or by less, it goes past what it looks for."""
    return all(on % 3600 == 0 for at, before, after in changes(zone) for on in (at + before, at + after))


def judged(line, zone, windows):
    count, digest = 0, hashlib.sha256()
    for start, end in windows:
        found = list(dues(line, zone, start, end))
        if is_interval(line):
            every = list(shown(line, zone, start, end))
            assert found == every or not changes_on_the_hour(zone), (line, zone, start)
            found = every
        for due in found:
            count += 1
            digest.update(f"{due}\n".encode())
    return [count, digest.hexdigest()[:12]]


def behaviours():
    known = {}
    for name in sorted(zoneinfo.available_timezones(), key=lambda name: (not name.count("/"), name)):
        if name in ("localtime", "Factory"):
            continue
        zone = zoneinfo.ZoneInfo(name)
        known.setdefault(json.dumps([offset(zone, FROM), changes(zone)]), name)
    return known.values()


def of(instant):
    return datetime.fromtimestamp(instant, UTC)


zones = []
for name in sorted(behaviours()):
    zone = zoneinfo.ZoneInfo(name)
    found = changes(zone)
    around = [[of(at) - DAY, of(at) + DAY] for at, _, _ in found] or [[datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 3, tzinfo=UTC)]]
    zones.append({"zone": name, "offset": offset(zone, FROM), "changes": found, "dues": [judged(line, zone, around) for line in LINES]})
    print(name, len(found), flush=True)

plain = []
for name in ("UTC", "Europe/Berlin"):
    window = [[datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)]]
    plain.append({"zone": name, "dues": [judged(line, zoneinfo.ZoneInfo(name), window) for line in LINES]})

samoa = zoneinfo.ZoneInfo("Pacific/Apia")
window = [[datetime(2011, 12, 28, tzinfo=UTC), datetime(2012, 1, 2, tzinfo=UTC)]]
lost_day = {"zone": "Pacific/Apia", "dues": [judged(line, samoa, window) for line in LINES]}

Path(__file__).with_name("cronsim.json").write_text(
    json.dumps({"cronsim": version("cronsim"), "tzdata": version("tzdata"), "lines": LINES, "zones": zones, "plainYear": plain, "lostDay": lost_day}, separators=(",", ":")) + "\n"
)
