"""The record: which values are read, how they are written, and what average_speed is. One run serves all cases of a kind."""

import gzip
import json
import math
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

import spark_avg_speed as job

SAMPLE = Path(__file__).parent.parent / "local" / "sample" / "nyc-tlc-yellow-2019-03.ndjson.gz"
TIMES = {"pickup_datetime": "2019-03-23 21:00:01 UTC", "dropoff_datetime": "2019-03-23 21:07:28 UTC"}
REVERSED = {"pickup_datetime": TIMES["dropoff_datetime"], "dropoff_datetime": TIMES["pickup_datetime"]}

SPEEDS = {
    "the formula": ({**TIMES, "trip_distance": 2.3}, "18.523489932885905"),
    "fractions of a second": (
        {"pickup_datetime": "2019-03-23T21:00:01.25Z", "dropoff_datetime": "2019-03-23T21:00:01.75Z", "trip_distance": 0.01},
        "72.0",
    ),
    "no time passed": ({**TIMES, "dropoff_datetime": TIMES["pickup_datetime"], "trip_distance": 2.3}, None),
    "time ran backwards": ({**REVERSED, "trip_distance": 2.3}, None),
    "no distance": ({**TIMES, "trip_distance": 0}, "0.0"),
    "no distance, time ran backwards": ({**REVERSED, "trip_distance": 0.0}, "0.0"),
    "no distance, no times": ({"trip_distance": 0}, "0.0"),
    "no distance, below zero by its sign": ({**TIMES, "trip_distance": -0.0}, "0.0"),
    "distance below zero": ({**TIMES, "trip_distance": -2.3}, None),
    "distance absent": (TIMES, None),
    "distance null": ({**TIMES, "trip_distance": None}, None),
    "pickup absent": ({"dropoff_datetime": TIMES["dropoff_datetime"], "trip_distance": 2.3}, None),
    "dropoff absent": ({"pickup_datetime": TIMES["pickup_datetime"], "trip_distance": 2.3}, None),
    "distance as text": ({**TIMES, "trip_distance": "2.3"}, "18.523489932885905"),
    "every number as text, spaces around": ({**TIMES, "trip_distance": " 23e-1 ", "fare_amount": "1"}, "18.523489932885905"),
}

# Field, value as JSON, and the text in the CSV (None is null). Values that the original died on are among them.
READ = [
    ("pickup_datetime", '"2019-03-23 20:21:09 UTC"', "2019-03-23 20:21:09 UTC"),
    ("pickup_datetime", '"2019-03-23 20:21:09.5 UTC"', "2019-03-23 20:21:09.5 UTC"),
    ("pickup_datetime", '"2019-03-23 20:21:09.123456 UTC"', "2019-03-23 20:21:09.123456 UTC"),
    ("pickup_datetime", '"2019-03-23 20:21:09"', "2019-03-23 20:21:09 UTC"),
    ("pickup_datetime", '"2019-03-23T20:21:09"', "2019-03-23 20:21:09 UTC"),
    ("pickup_datetime", '"2019-03-23T20:21:09Z"', "2019-03-23 20:21:09 UTC"),
    ("pickup_datetime", '"2019-03-23T20:21:09.123456Z"', "2019-03-23 20:21:09.123456 UTC"),
    ("pickup_datetime", '"2019-03-23T20:21:09.123456789Z"', "2019-03-23 20:21:09.123456 UTC"),
    ("pickup_datetime", '"2019-03-23T20:21:09+02:00"', "2019-03-23 18:21:09 UTC"),
    ("pickup_datetime", '"2019-03-23T20:21:09.5-0530"', "2019-03-24 01:51:09.5 UTC"),
    ("pickup_datetime", '"2019-03-23T20:21:09+02"', "2019-03-23 18:21:09 UTC"),
    ("pickup_datetime", '"2019-03-23T20:21Z"', "2019-03-23 20:21:00 UTC"),
    ("pickup_datetime", '"2020-02-29 00:00:00 UTC"', "2020-02-29 00:00:00 UTC"),
    ("pickup_datetime", '"0001-01-01 00:00:00 UTC"', "0001-01-01 00:00:00 UTC"),
    ("pickup_datetime", '"9999-12-31T23:59:59.999999Z"', "9999-12-31 23:59:59.999999 UTC"),
    ("pickup_datetime", '"1582-10-10 00:00:00 UTC"', "1582-10-10 00:00:00 UTC"),
    ("pickup_datetime", "null", None),
    ("dropoff_datetime", '"2019-03-31T02:30:00+01:00"', "2019-03-31 01:30:00 UTC"),
    ("passenger_count", '"2"', "2"),
    ("passenger_count", "2", "2"),
    ("passenger_count", "2.0", "2"),
    ("passenger_count", '"2.0"', "2"),
    ("passenger_count", '"1e1"', "10"),
    ("passenger_count", '" 2 "', "2"),
    ("passenger_count", '"+2"', "2"),
    ("passenger_count", "-1", "-1"),
    ("passenger_count", '"9223372036854775807"', "9223372036854775807"),
    ("passenger_count", "-9223372036854775808", "-9223372036854775808"),
    ("passenger_count", "null", None),
    ("trip_distance", '"1e1"', "10.0"),
    ("trip_distance", '"\\t2.50\\n"', "2.5"),
    ("trip_distance", '"+.5"', "0.5"),
    ("trip_distance", '"5."', "5.0"),
    ("fare_amount", "12", "12.0"),
    ("fare_amount", "-3.5", "-3.5"),
    ("fare_amount", "1E-7", "1.0E-7"),
    ("fare_amount", "0.1000000000000000055511151231257827", "0.1"),
    ("fare_amount", "1.7976931348623157e308", "1.7976931348623157E308"),
    ("fare_amount", "5e-324", "4.9E-324"),
    ("fare_amount", "9007199254740993", "9.007199254740992E15"),
    ("pickup_longitude", "-73.98765432101234", "-73.98765432101234"),
    ("rate_code", "1", "1"),
    ("rate_code", "1.5", "1.5"),
    ("rate_code", "12345678901234567890123", "12345678901234567890123"),
    ("rate_code", '""', ""),
    ("rate_code", '"true"', "true"),
    ("rate_code", '"{\\"a\\": [1]}"', '{"a": [1]}'),
    ("rate_code", '"[}"', "[}"),
    ("rate_code", "null", None),
    ("payment_type", '"say \\"cash\\", please"', 'say "cash", please'),
    ("payment_type", '"\\""', '"'),
    ("payment_type", '" kept "', " kept "),
    ("payment_type", '"one\\ntwo\\r\\nthree\\rfour"', "one\ntwo\r\nthree\rfour"),
    ("payment_type", '"tab\\t, nbsp\\u00a0, \\u0001"', "tab\t, nbsp\u00a0, \u0001"),
    ("payment_type", '"größe 🚕 \\ud83d\\ude95 \\\\ud83d"', "größe 🚕 🚕 \\ud83d"),
    ("payment_type", '"\\\\\\ud83d\\ude95"', "\\🚕"),
    ("payment_type", '"\\ufffd"', "\ufffd"),
    ("store_and_fwd_flag", '"Y"', "Y"),
    ("store_and_fwd_flag", '"N"', "N"),
    ("store_and_fwd_flag", '"y"', None),
    ("store_and_fwd_flag", '" Y"', None),
    ("store_and_fwd_flag", '""', None),
    ("store_and_fwd_flag", "1", None),
    ("store_and_fwd_flag", "true", None),
    ("store_and_fwd_flag", '{"Y": 1}', None),
    ("store_and_fwd_flag", "null", None),
]

NOT_A_TIME = [
    '"2019-13-01 00:00:00 UTC"',
    '"2019-02-29 00:00:00 UTC"',
    '"2019-03-23 24:00:00 UTC"',
    '"2019-03-23 20:60:00 UTC"',
    '"2019-03-23 20:21:60 UTC"',
    '"2019-03-23 20:21:09 UTC UTC"',
    '"2019-03-23T20:21:09+25:00"',
    '"2019-03-23 20:21:09 nowhere"',
    '"2019-03-23"',
    '"2019"',
    '"20:21:09 UTC"',
    '"T20:21:09.123456789 UTC"',
    '"10:10:10.1234567890 UTC"',
    '"23/03/2019 20:21:09"',
    '"20190323T202109Z"',
    '"0000-12-31 23:59:59 UTC"',
    '"0001-01-01T00:00:00+02:00"',
    '"9999-12-31T23:59:59-01:00"',
    '"+12019-03-23 20:21:09 UTC"',
    '"yesterday"',
    '"now"',
    '""',
    "1553372469",
    "2019",
    "true",
    "{}",
    "[]",
]
NOT_A_NUMBER = ['"abc"', '""', '" "', '"NaN"', '"Infinity"', '"-INF"', '"1d"', '"0x1p3"', '"1,5"', '"1 2"', '"true"']
NOT_A_NUMBER += ["1e400", '"1e400"', "true", "false", "{}", '{"a": 1}', "[]", "[1]"]
NOT_WHOLE = ["2.5", '"2.5"', '"abc"', '""', "9223372036854775808", '"-9223372036854775809"', "1e19", '"1e30"', '"NaN"', '"2L"']
NOT_WHOLE += ["true", "{}", "[2]", "1e-3"]
NOT_TEXT = ["true", "false", "{}", '{"a": "b"}', "[]", '["1"]', '"a\\u0000b"']

REJECTED = [
    *(("pickup_datetime", value) for value in NOT_A_TIME),
    ("dropoff_datetime", '"2019-13-01 00:00:00 UTC"'),
    *(("trip_distance", value) for value in NOT_A_NUMBER),
    *((name, '"abc"') for name, kind in job.FIELDS.items() if kind == "number"),
    *(("passenger_count", value) for value in NOT_WHOLE),
    *(("rate_code", value) for value in NOT_TEXT),
    ("payment_type", "[]"),
]

# Lines that are no record, whatever a field says.
NO_RECORD = {
    b"not json": job.NOT_ONE_OBJECT,
    b'{"rate_code": "1"': job.NOT_ONE_OBJECT,
    b'{"rate_code": "1",}': job.NOT_ONE_OBJECT,
    b"{'rate_code': '1'}": job.NOT_ONE_OBJECT,
    b'{rate_code: "1"}': job.NOT_ONE_OBJECT,
    b'{"rate_code": "1"} trailing': job.NOT_ONE_OBJECT,
    b'{"rate_code": "1"}}': job.NOT_ONE_OBJECT,
    b'{"rate_code": "1"}]': job.NOT_ONE_OBJECT,
    b'{"rate_code": "1"},': job.NOT_ONE_OBJECT,
    b'{"rate_code": "1"}{"rate_code": "2"}': job.NOT_ONE_OBJECT,
    b'{"rate_code": "1"}, {"rate_code": "2"}': job.NOT_ONE_OBJECT,
    b'{"rate_code": "1"}], [{"rate_code": "2"}': job.NOT_ONE_OBJECT,
    b'{"rate_code": "1"} // comment': job.NOT_ONE_OBJECT,
    b'{"trip_distance": NaN}': job.NOT_ONE_OBJECT,
    b'{"trip_distance": -Infinity}': job.NOT_ONE_OBJECT,
    b'{"trip_distance": 01}': job.NOT_ONE_OBJECT,
    b'{"trip_distance": +1}': job.NOT_ONE_OBJECT,
    b'{"unknown": nope}': job.NOT_ONE_OBJECT,
    b'{"unknown": "a\tb"}': job.NOT_ONE_OBJECT,
    b'{"unknown": "\\x"}': job.NOT_ONE_OBJECT,
    b"[]": job.NOT_ONE_OBJECT,
    b'[{"rate_code": "1"}]': job.NOT_ONE_OBJECT,
    b"null": job.NOT_ONE_OBJECT,
    b"true": job.NOT_ONE_OBJECT,
    b"5": job.NOT_ONE_OBJECT,
    b'"text"': job.NOT_ONE_OBJECT,
    b"}": job.NOT_ONE_OBJECT,
    b"\xf0": job.NOT_UTF8,
    b"\x80": job.NOT_UTF8,
    b'{"rate_code": "\xff"}': job.NOT_UTF8,
    b'{"unknown": "\xc3"}': job.NOT_UTF8,
    b'{"store_and_fwd_flag": "\xed\xa0\x80"}': job.NOT_UTF8,
    b'{"rate_code": "\\ud83d"}': job.HALF_A_PAIR,
    b'{"rate_code": "\\uDE95\\ud83d"}': job.HALF_A_PAIR,
    b'{"rate_code": "\\\\ud83d\\ude95"}': job.HALF_A_PAIR,
    b'{"rate_code": "\\ud83d\\\\ude95"}': job.HALF_A_PAIR,
}

# Lines that are records all the same, with what their rate_code is.
STILL_RECORDS = {
    b"{}": None,
    b"  { }\t": None,
    b'{"unknown": {"rate_code": "no"}, "rate_code": "1"}': "1",
    b'{"unknown": [{"a": "}"}, null, 1e999], "rate_code": "1"}': "1",
    b'{"unknown": "}{", "rate_code": "1"} ': "1",
    b'{"Rate_Code": "no", "RATE_CODE": "no"}': None,
    b'{"rate_code": "first", "rate_code": "last"}': "last",
    b'{"rate_code": "first", "rate_code": null}': None,
    b'{"rate\\u005fcode": "1"}': "1",
    b'\xef\xbb\xbf{"rate_code": "1"}': "1",
    b'{"rate_code": "1", "unknown": "' + b"x" * 5_000_000 + b'"}': "1",
}


def as_lines(pairs: list[tuple[str, str]]) -> list[str]:
    """One record a pair, with its number as vendor_id."""
    return [f'{{"vendor_id": "{number}", "{name}": {value}}}' for number, (name, value) in enumerate(pairs)]


@pytest.fixture(scope="module")
def speeds(run_lines):
    output = run_lines([{"vendor_id": name, **record} for name, (record, _) in SPEEDS.items()])
    return {row["vendor_id"]: row["average_speed"] for row in output.rows}


@pytest.mark.parametrize("case", SPEEDS)
def test_average_speed_follows_the_table(speeds, case):
    assert speeds[case] == SPEEDS[case][1]


@pytest.fixture(scope="module")
def read(run_lines):
    output = run_lines(as_lines([(name, value) for name, value, _ in READ]))
    return {row["vendor_id"]: row for row in output.rows}


@pytest.mark.parametrize("number", range(len(READ)), ids=[f"{name}: {value}" for name, value, _ in READ])
def test_a_value_is_read_and_written_exactly(read, number):
    name, _, expected = READ[number]
    row = read[str(number)]
    assert row[name] == expected
    assert all(row[other] is None for other in row if other not in (name, "vendor_id", "average_speed"))


@pytest.fixture(scope="module")
def rejected(run_lines):
    output = run_lines(as_lines(REJECTED))
    assert output.rows == []
    return {json.loads(reject["record"])["vendor_id"]: reject for reject in output.rejects}


@pytest.mark.parametrize("number", range(len(REJECTED)), ids=[f"{name}: {value}" for name, value in REJECTED])
def test_a_value_of_the_wrong_kind_rejects_the_record_by_the_name_of_its_field(rejected, number):
    name, value = REJECTED[number]
    reject = rejected[str(number)]
    assert reject["reason"] == job.FIELD_REASONS[name]
    assert reject["record"] == as_lines(REJECTED)[number]
    assert reject["file"].endswith("/lines.json")


def test_a_line_that_is_no_record_is_rejected_with_the_reason(run_lines):
    output = run_lines(b"\n".join(NO_RECORD))
    # How many replacement characters stand for broken bytes is a matter of taste.
    found = {re.sub("\ufffd+", "\ufffd", reject["record"]): reject["reason"] for reject in output.rejects}
    assert found == {re.sub("\ufffd+", "\ufffd", line.decode(errors="replace")): reason for line, reason in NO_RECORD.items()}
    assert output.summary["rows_read"] == output.summary["rows_rejected"] == len(NO_RECORD)
    assert sum(output.summary["rejects_by_reason"].values()) == len(NO_RECORD)


def test_an_odd_line_that_is_one_object_is_a_record(run_lines):
    output = run_lines(b"\n".join(STILL_RECORDS))
    assert output.rejects == []
    assert [row["rate_code"] for row in output.rows] == list(STILL_RECORDS.values())


def test_a_speed_beyond_a_float_is_rejected(run_lines):
    output = run_lines([{**TIMES, "trip_distance": 1e308}])
    assert [reject["reason"] for reject in output.rejects] == [job.SPEED_TOO_LARGE]


def test_the_first_fault_in_the_order_of_the_columns_is_the_reason(run_lines):
    output = run_lines([{"trip_distance": "abc", "pickup_datetime": "never", "rate_code": "1"}])
    assert [reject["reason"] for reject in output.rejects] == [job.FIELD_REASONS["pickup_datetime"]]


def test_blank_lines_are_not_read_and_line_ends_of_any_system_are_taken(run_lines):
    lines = b'\xef\xbb\xbf{"rate_code":"1"}\r\n\r\n \t \r\n{"rate_code":"2"}\n\n{"rate_code":"3"}\r{"rate_code":"4"}'
    output = run_lines(lines)
    assert [row["rate_code"] for row in output.rows] == ["1", "2", "3", "4"]
    assert output.summary["rows_read"] == 4


def test_doubles_are_written_so_that_they_read_back_as_the_same_number(run_lines):
    numbers = [math.pi * 10.0**power for power in range(-300, 300, 7)] + [0.1 + 0.2, 2.0**-1074, 1 / 3, 123456789.123456789]
    output = run_lines([{"fare_amount": number} for number in numbers])
    assert [float(row["fare_amount"]) for row in output.rows] == numbers


def test_the_sample_gives_what_plain_python_gives(spark, batch):
    lines = gzip.decompress(SAMPLE.read_bytes()).decode().splitlines()
    for part in range(3):
        batch.add(f"nyc-tlc-yellow-{part:012d}.json", [line for line in lines[part::3]])
    output = batch.run(spark, batch.names())
    assert output.summary == {
        "rows_read": 5500,
        "rows_written": 5500,
        "rows_rejected": 0,
        "files_read": 3,
        "rejects_by_reason": {},
    }
    speeds = [float(row["average_speed"]) for row in output.rows]
    assert math.fsum(speeds) == pytest.approx(73564.2990720707, abs=1e-6)
    assert speeds.count(0) == 29

    def key(row):
        return tuple((value is not None, value) for value in row.values())

    expected = sorted((expected_row(json.loads(line)) for line in lines), key=key)
    assert sorted((comparable(row) for row in output.rows), key=key) == expected
    assert not batch.rejected.exists()


def expected_row(record: dict) -> dict:
    """The row that a record of the sample should become, by other means than Spark's."""
    row = {name: record.get(name) for name in job.FIELDS}
    pickup, dropoff = (datetime.fromisoformat(row[name][:19]) for name in ("pickup_datetime", "dropoff_datetime"))
    distance, seconds = float(row["trip_distance"]), (dropoff - pickup).total_seconds()
    speed = 0.0 if distance == 0 else 3600 * distance / seconds if distance > 0 and seconds > 0 else None
    return comparable({**row, "average_speed": speed})


def comparable(row: dict) -> dict:
    numbers = [name for name, kind in job.FIELDS.items() if kind == "number"] + ["average_speed"]
    numeric = {name: row[name] if row[name] is None else float(row[name]) for name in numbers}
    count = row["passenger_count"]
    return {**row, **numeric, "passenger_count": None if count is None else int(Decimal(count))}
