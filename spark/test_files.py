"""Which files are read, what is said of those that cannot be, and what a run leaves behind."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import functions as F

import spark_avg_speed as job
from conftest import REQUIRED

RECORD = json.dumps({**REQUIRED, "rate_code": "1"})


def trip(rate_code: str, **more) -> dict:
    return {**REQUIRED, "rate_code": rate_code, **more}


def rate_codes(output) -> list:
    return sorted(row["rate_code"] for row in output.rows)


ODD_NAMES = ["plain.json", "a b.json", "a%20b.json", "a+b.json", "a*.json", "a?.json", "a[b].json", "{a,b}.json", "a#b.json"]
ODD_NAMES += ["größe 🚕.json", "a\\b.json", "a'b\".json", "a\u2028b.json", "year=2019/_hidden/.deep/a.json", "no ending", "_key=value.json"]


def test_names_are_taken_literally(spark, batch):
    # With globs, a*.json and a?.json would be read for each other, {a,b}.json not at all.
    for name in ODD_NAMES:
        batch.add(name, [trip(name), "bad"])
    output = batch.run(spark, batch.names())
    assert rate_codes(output) == sorted(ODD_NAMES)
    assert sorted(reject["file"] for reject in output.rejects) == sorted(f"file://{batch.raw}/{name}" for name in ODD_NAMES)
    assert output.summary["files_read"] == len(ODD_NAMES)


def test_only_the_files_of_the_manifest_are_read_and_each_once(spark, batch):
    batch.add("listed.json", [trip("listed")])
    names = batch.names()
    batch.add("late.json", [trip("late")])
    output = batch.run(spark, [*names, *names])
    assert rate_codes(output) == ["listed"]


def test_a_folder_marker_in_the_manifest_is_not_read(spark, batch):
    batch.add("folder/a.json", [RECORD])
    output = batch.run(spark, [*batch.names(), f"{batch.raw.relative_to('/')}/folder/"])
    assert output.summary["rows_read"] == output.summary["files_read"] == 1


def test_without_a_manifest_all_files_below_the_raw_path_are_read(spark, batch):
    batch.add("a.json", [RECORD])
    batch.add("deep/er/b b%.json", [RECORD, "bad"])
    batch.add("_SUCCESS", b"")
    output = batch.run(spark, None)
    assert output.summary == {
        "rows_read": 3,
        "rows_written": 2,
        "rows_rejected": 1,
        "records_rejected": 1,
        "files_read": 2,
        "files_accounted": 2,
        "rejects_by_reason": {job.NOT_ONE_OBJECT: 1},
    }


def test_gzip_is_known_by_its_name(spark, batch):
    batch.add("a.json.gz", [trip("packed")])
    batch.add("b.json", [trip("plain")])
    assert rate_codes(batch.run(spark, batch.names())) == ["packed", "plain"]


@pytest.mark.parametrize("names", [[], None], ids=["empty manifest", "empty folder"])
def test_a_batch_without_files_succeeds_without_rows(spark, batch, names):
    output = batch.run(spark, names)
    assert output.rows == []
    assert output.summary.pop("rejects_by_reason") == {}
    assert set(output.summary.values()) == {0}


@pytest.mark.parametrize("content", [b"", b"\n \r\n\xef\xbb\xbf\n"], ids=["no bytes", "blank lines"])
def test_files_without_records_give_no_rows(spark, batch, content):
    batch.add("a.json", content)
    output = batch.run(spark, batch.names())
    assert (output.rows, output.rejects, output.summary["rows_read"]) == ([], [], 0)
    assert output.summary["files_read"] == 1


def test_a_batch_of_rejects_alone_is_written_and_counted(spark, batch):
    batch.add("a.json", ["bad", trip("1", trip_distance="abc"), trip("1", trip_distance=[])])
    output = batch.run(spark, batch.names())
    assert output.rows == []
    assert output.summary["rejects_by_reason"] == {job.NOT_ONE_OBJECT: 1, "trip_distance is not a number": 2}


def test_rejects_are_found_among_files_that_have_none(spark, batch):
    for number in range(5):
        batch.add(f"{number}.json", [RECORD, "bad" if number == 3 else RECORD])
    output = batch.run(spark, batch.names())
    assert [Path(reject["file"]).name for reject in output.rejects] == ["3.json"]
    assert (output.summary["rows_read"], output.summary["rows_written"]) == (10, 9)


def test_counts_are_exact_when_a_task_is_tried_again(spark, batch, monkeypatch):
    # setProperty returns what was there before: nothing on the first try of the task, which then dies after other records.
    key = f"died.{batch.root}"
    died_before = F.call_function("java_method", F.lit("java.lang.System"), F.lit("setProperty"), F.lit(key), F.lit("1"))
    csv_line = job.csv_line
    dies_once = F.when((F.col("rate_code") == "last") & died_before.isNull(), F.raise_error("died").cast("string"))
    monkeypatch.setattr(job, "csv_line", lambda: F.coalesce(dies_once, csv_line()))
    batch.add("a.json", [*[RECORD, "bad"] * 500, trip("last")])
    output = batch.run(spark, batch.names())
    assert spark.sparkContext._jvm.java.lang.System.getProperty(key) == "1"
    assert (output.summary["rows_read"], len(output.rows), len(output.rejects)) == (1001, 501, 500)
    assert (output.summary["rows_written"], output.summary["rows_rejected"]) == (501, 500)


GZIP = gzip.compress("".join(f'{{"rate_code": "{number}"}}\n' for number in range(5000)).encode())
HALF_A_GZIP = GZIP[:9000]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (HALF_A_GZIP, "the compressed file is cut off"),
        (b"not gzip at all", "it cannot be unpacked"),
        (GZIP[:3000] + bytes(200) + GZIP[3200:], "it cannot be unpacked"),
    ],
    ids=["half a file", "not gzip", "damaged"],
)
def test_a_file_that_cannot_be_unpacked_fails_the_run_by_its_name(spark, batch, content, why):
    batch.add("good.json.gz", [RECORD])
    batch.add("good.json", [RECORD])
    (batch.raw / "broken #1.json.gz").write_bytes(content)
    with pytest.raises(job.RawFileError) as raised:
        batch.run(spark, batch.names())
    failure = batch.failure()
    assert failure == {"kind": "RawFileUnreadable", "message": str(raised.value)}
    assert failure["message"].startswith(f"file://{batch.raw}/broken #1.json.gz: ")
    assert why in failure["message"]
    assert not (batch.transformed / "_SUCCESS").exists()
    assert not (batch.transformed / "_summary.json").exists()


def test_a_file_of_the_manifest_that_is_not_there_fails_the_run_by_its_name(spark, batch):
    batch.add("here.json", [RECORD])
    missing = f"{batch.raw.relative_to('/')}/not here*.json"
    with pytest.raises(job.RawFileError):
        batch.run(spark, [*batch.names(), missing])
    assert batch.failure() == {"kind": "RawFileMissing", "message": f"file:///{missing}: the file of the batch is not there."}


def test_a_raw_path_that_is_not_there_fails_the_run(spark, batch):
    os.rmdir(batch.raw)
    with pytest.raises(job.RawFileError):
        batch.run(spark, None)
    assert batch.failure()["kind"] == "RawFileMissing"


@pytest.mark.parametrize("name", ["_hidden.json", ".hidden.json", "a//b.json", "a/../b.json", "./a.json", "a._COPYING_"])
def test_a_name_that_spark_would_pass_over_fails_the_run_instead(spark, batch, name):
    with pytest.raises(job.RawFileError):
        batch.run(spark, [f"{batch.raw.relative_to('/')}/{name}"])
    failure = batch.failure()
    assert failure["kind"] == "RawFileUnreadable"
    assert failure["message"].startswith(f"file://{batch.raw}/{name}: ")


@pytest.mark.parametrize("path", ["transformed", "rejected"])
def test_output_that_is_there_already_is_left_alone(spark, batch, path):
    batch.add("a.json", [RECORD])
    there = getattr(batch, path)
    there.mkdir(parents=True)
    with pytest.raises(SystemExit, match="exists already"):
        batch.run(spark, batch.names())
    assert list(there.iterdir()) == []


def test_an_error_that_is_no_file_s_fault_is_handed_on(spark, batch, monkeypatch):
    monkeypatch.setattr(job, "csv_line", lambda: F.raise_error("the machine broke").cast("string"))
    batch.add("a.json", [RECORD])
    with pytest.raises(Exception, match="the machine broke"):
        batch.run(spark, batch.names())
    assert not (batch.transformed / "_failure.json").exists()


def test_the_program_ends_with_one_clear_sentence_and_a_status(batch):
    (batch.raw / "half.json.gz").write_bytes(HALF_A_GZIP)
    command = [sys.executable, job.__file__, *batch.arguments(batch.names())]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == batch.failure()["message"]


def test_the_program_needs_only_what_the_original_needed(batch):
    batch.add("a.json", [RECORD, "bad"])
    command = [sys.executable, job.__file__, "--gcs_path_raw", str(batch.raw), "--gcs_path_transformed", str(batch.transformed)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["rows_rejected"] == 1
    assert len(list((batch.transformed / "_rejected").glob("part-*"))) > 0
