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
from record_cases import NO_RECORD, READ, REJECTED, SPEEDS, STILL_RECORDS, TIMES

SAMPLE = Path(__file__).parent.parent / "local" / "sample" / "nyc-tlc-yellow-2019-03.ndjson.gz"


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
    expected = {line.decode(errors="replace").lstrip(" "): reason for line, reason in NO_RECORD.items()}
    assert found == {re.sub("\ufffd+", "\ufffd", line): reason for line, reason in expected.items()}
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
        "records_rejected": 0,
        "files_read": 3,
        "files_accounted": 3,
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
