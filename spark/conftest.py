"""One Spark session for all tests, and a way to run the job on files made on the spot."""

import gzip
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import spark_avg_speed as job

COLUMNS = [*job.FIELDS, "average_speed"]
# The columns that every file must have in some record; a null is enough.
REQUIRED = dict.fromkeys(job.REQUIRED)
# One value of a CSV line: quoted text, or anything else; a line break within quotes does not end the line.
VALUE = re.compile(r'(?:"((?:[^"]|"")*)"|([^,"\n]*))(,|\n)')


@dataclass
class Output:
    """What a run of the job has left behind."""

    summary: dict
    rows: list[dict[str, str | None]] = field(default_factory=list)
    rejects: list[dict[str, str]] = field(default_factory=list)


class Batch:
    """A batch of raw files in a folder of its own, as the workflow lays them out."""

    def __init__(self, root: Path):
        self.root = root
        self.raw = root / "raw-2019-03-01T000000"
        self.raw.mkdir()
        self.transformed = root / "transformed-2019-03-01T000000" / "1"
        self.rejected = root / "rejected-2019-03-01T000000" / "1"

    def add(self, name: str, content: str | bytes | list) -> None:
        """Adds a file: bytes as they are, text as UTF-8, a list as one line for each, gzipped if the name asks for it."""
        if isinstance(content, list):
            content = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in content)
        data = content.encode() if isinstance(content, str) else content
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)

    def names(self) -> list[str]:
        return sorted(str(path.relative_to("/")) for path in self.raw.rglob("*") if path.is_file())

    def arguments(self, names: list[str] | None) -> list[str]:
        """The command line for the files with these names; with None, without a manifest."""
        given = ["--gcs_path_raw", f"file://{self.raw}/"]
        given += ["--gcs_path_transformed", f"file://{self.transformed}/", "--gcs_path_rejected", f"file://{self.rejected}/"]
        if names is None:
            return given
        manifest = self.root / "manifest.ndjson"
        entries = ({"name": name, "generation": "1", "size": 1, "crc32c": "AAAAAA=="} for name in names)
        manifest.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries))
        return [*given, "--manifest", f"file://{manifest}"]

    def run(self, spark: SparkSession, names: list[str] | None) -> Output:
        summary = job.run(spark, job.arguments(self.arguments(names)))
        assert json.loads((self.transformed / "_summary.json").read_text()) == summary
        assert (self.transformed / "_SUCCESS").exists()
        self.check_accounts(summary)
        return Output(summary, self.csv(), self.rejects())

    def accounts(self) -> dict[str, tuple[int, int, int]]:
        """Lines read, written and rejected of each file, by its name below the raw path."""
        entries = [json.loads(line) for line in (self.transformed / "_accounts.ndjson").read_text().split("\n") if line]
        assert [entry["name"] for entry in entries] == sorted((entry["name"] for entry in entries), key=str.encode)
        prefix = f"{self.raw.relative_to('/')}/"
        return {entry.pop("name").removeprefix(prefix): tuple(entry.values()) for entry in entries}

    def check_accounts(self, summary: dict) -> None:
        """The accounts agree with the summary, each within itself too."""
        accounts = self.accounts().values()
        assert len(accounts) == summary["files_read"] == summary["files_accounted"]
        totals = [sum(counts) for counts in zip(*accounts, strict=True)] or [0, 0, 0]
        assert totals == [summary[f"rows_{what}"] for what in ("read", "written", "rejected")]
        assert all(read == written + rejected for read, written, rejected in accounts)

    def csv(self) -> list[dict[str, str | None]]:
        """The rows, null as None."""
        text = "".join(path.read_bytes().decode() for path in sorted(self.transformed.glob("part-*")))
        rows, row, end = [], [], 0
        for value in VALUE.finditer(text):
            assert value.start() == end, f"not CSV: {text[end:][:80]}"
            end = value.end()
            quoted, plain, separator = value.groups()
            row.append(quoted.replace('""', '"') if quoted is not None else plain or None)
            if separator == "\n":
                rows.append(dict(zip(COLUMNS, row, strict=True)))
                row = []
        assert end == len(text)
        return rows

    def rejects(self) -> list[dict[str, str]]:
        parts = sorted(self.rejected.glob("part-*"))
        return [json.loads(line) for path in parts for line in path.read_text().split("\n") if line]

    def failure(self) -> dict[str, str]:
        return json.loads((self.transformed / "_failure.json").read_text())


# A JVM that lives for a minute gains more from starting fast than from code that is optimised late.
os.environ["PYSPARK_SUBMIT_ARGS"] = '--driver-java-options "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" pyspark-shell'


HOSTILE = {
    **{name: "false" for name, value in job.SETTINGS.items() if value == "true"},
    **{name: "true" for name, value in job.SETTINGS.items() if value == "false"},
    "spark.sql.session.timeZone": "Asia/Kolkata",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.sources.useV1SourceList": "",
    "spark.hadoop.mapreduce.input.linerecordreader.line.maxlength": "40",
    "spark.hadoop.mapreduce.output.fileoutputformat.compress": "true",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.json.enablePartialResults": "false",
    "spark.sql.legacy.json.allowEmptyString.enabled": "true",
    "spark.sql.legacy.timeParserPolicy": "LEGACY",
    "spark.sql.legacy.castComplexTypesToString.enabled": "true",
    "spark.sql.legacy.histogramNumericPropagateInputType": "false",
}


@pytest.fixture(scope="session")
def spark():
    builder = SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false")
    # What the job must not depend on is set the other way round; what it sets itself wins.
    for name, value in HOSTILE.items():
        builder = builder.config(name, value)
    session = job.session(builder)
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def batch(tmp_path) -> Batch:
    return Batch(tmp_path)


@pytest.fixture(scope="module")
def run_lines(spark, tmp_path_factory):
    """Runs the job on one file of these lines, for a module whose tests share one run."""

    def run(lines: str | bytes | list) -> Output:
        shared = Batch(tmp_path_factory.mktemp("lines"))
        shared.add("lines.json", lines)
        # A line more, which the tests do not see, has what a file must have.
        last = json.dumps({**REQUIRED, "payment_type": "the last line"}).encode()
        path = shared.raw / "lines.json"
        path.write_bytes(path.read_bytes() + b"\n" + last)
        output = shared.run(spark, shared.names())
        rows = [row for row in output.rows if row["payment_type"] != "the last line"]
        assert len(rows) == len(output.rows) - 1
        fewer = {name: output.summary[name] - 1 for name in ("rows_read", "rows_written")}
        return Output({**output.summary, **fewer}, rows, output.rejects)

    return run
