"""Files that would be lost in silence: other formats, other columns, files that were cut. Each fails the run by its name."""

import bz2
import gzip
import io
import json
import lzma
import re
import tarfile
import zipfile
import zlib

import pytest

import spark_avg_speed as job
from conftest import HOSTILE, REQUIRED, Batch

TRIP = {
    "vendor_id": "v1",
    "pickup_datetime": "2019-03-10 06:00:00 UTC",
    "dropoff_datetime": "2019-03-10 06:10:00 UTC",
    "trip_distance": 2.5,
}
LINES = [json.dumps({**TRIP, "vendor_id": str(number)}) for number in range(20)]
TEXT = "".join(line + "\n" for line in LINES).encode()
# Beside this one, a file of one line is far below the share of rejects that is allowed.
GOOD = TEXT * 50


def failure_beside_a_good_file(spark, batch, name: str, content: bytes) -> dict:
    batch.add("good.json", GOOD)
    (batch.raw / name).write_bytes(content)
    with pytest.raises(job.RawFileError):
        batch.run(spark, batch.names())
    assert not (batch.transformed / "_summary.json").exists()
    return batch.failure()


def zip_of(content: bytes, compression: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        archive.writestr("trips.json", content)
    return packed.getvalue()


def tar_of(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("trips.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


# Hadoop's block format: the length unpacked, the length packed, and the text nearly as it was.
BLOCKS = len(TEXT).to_bytes(4) + (len(TEXT) + 9).to_bytes(4) + b"\xf0" + TEXT

OTHER_FORMATS = {
    "gzip": (gzip.compress(TEXT), "gzip, not lines of text. Give it a name that ends in .gz"),
    "gzip that was cut": (gzip.compress(TEXT)[:50], "gzip"),
    "zip": (zip_of(TEXT, zipfile.ZIP_DEFLATED), "a zip archive"),
    "zip that packs nothing": (zip_of(TEXT, zipfile.ZIP_STORED), "a zip archive"),
    "tar": (tar_of(TEXT), "a tar archive"),
    "bzip2": (bz2.compress(TEXT), "bzip2"),
    "xz": (lzma.compress(TEXT), "xz"),
    "zstd": (b"\x28\xb5\x2f\xfd\x24" + TEXT, "zstd"),
    "lz4": (b"\x04\x22\x4d\x18\x64\x40\xa7" + TEXT, "lz4"),
    "snappy": (b"\xff\x06\x00\x00sNaPpY\x01" + TEXT, "snappy"),
    "Hadoop's blocks": (BLOCKS, "binary"),
    "Parquet": (b"PAR1\x15\x04\x15\x10\nPAR1", "Parquet"),
    "Avro": (b"Obj\x01\x04\x14avro.codec\n", "Avro"),
    "ORC": (b"ORC\x11\x00\x00\nORC", "ORC"),
    "UTF-16": (TEXT.decode().encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": (TEXT.decode().encode("utf-16-le"), "binary"),
    "an array on one line": (b"[" + b",".join(line.encode() for line in LINES) + b"]", "a JSON array"),
    "an array over lines": (b"\xef\xbb\xbf\n [\n" + b",\n".join(line.encode() for line in LINES) + b"\n]\n", "a JSON array"),
    "indented objects": ("\n".join(json.dumps(TRIP, indent=1) for _ in LINES).encode(), "over several lines"),
    "a backslash and an n": ("\\n".join(LINES).encode(), "not parted by line breaks"),
    "next line": ("\x85".join(LINES).encode(), "not parted by line breaks"),
    "line separator": ("\u2028".join(LINES).encode(), "not parted by line breaks"),
    "commas": (",".join(LINES).encode(), "not parted by line breaks"),
    "an array within gzip.gz": (b"[" + ",".join(LINES).encode() + b"]", "a JSON array"),
    "nothing": ("".join(LINES).encode(), "not parted by line breaks"),
}


OTHER_COLUMNS = {
    "other names": [
        {"VendorID": 1, "tpep_pickup_datetime": "2015-01-15 19:05:39", "tpep_dropoff_datetime": "2015-01-15 19:23:42", "trip_distance": 1},
        {},
        {"Trip_Distance": 3},
    ],
    "no columns": [{}, {}],
    "another job's": [{"hello": 1}],
    "the rows within one object": [{"rows": [TRIP, TRIP]}],
    "other cases": [{name.upper(): value for name, value in TRIP.items()}],
    "one column less": [{name: value for name, value in TRIP.items() if name != "dropoff_datetime"}],
}


@pytest.fixture(scope="module")
def accounts(spark, tmp_path_factory):
    """What the job knows, once it has read them, of files of all kinds that lie beside a good one; by their names."""
    shared = Batch(tmp_path_factory.mktemp("odd"))
    shared.add("good.json", GOOD)
    for kind, (content, _) in OTHER_FORMATS.items():
        shared.add(kind if kind.endswith(".gz") else f"{kind}.json", content)
    for kind, records in OTHER_COLUMNS.items():
        shared.add(f"{kind}.json", records)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "check_heads", lambda files, accounts: found.extend(accounts))
        patch.setattr(job, "check_columns", lambda accounts: None)
        shared.run(spark, shared.names())
    return {account.path.rsplit("/", 1)[-1].removesuffix(".json"): account for account in found}


@pytest.mark.parametrize("kind", OTHER_FORMATS)
def test_row_12_a_file_of_another_format_fails_the_run_by_its_name(spark, accounts, kind):
    with pytest.raises(job.RawFileError) as raised:
        job.check_heads(job.Files(spark), [accounts["good"], accounts[kind]])
    assert raised.value.kind == "RawFileUnreadable"
    assert str(raised.value).startswith(accounts[kind].path)
    assert OTHER_FORMATS[kind][1] in str(raised.value)
    # Each says what to do.
    assert re.search(r"\. (Export|Give) ", str(raised.value))


def test_row_12_such_a_file_ends_the_run(spark, batch):
    failure = failure_beside_a_good_file(spark, batch, "odd.json", OTHER_FORMATS["gzip"][0])
    assert failure["kind"] == "RawFileUnreadable"
    assert failure["message"].startswith(f"file://{batch.raw}/odd.json: the file is gzip")


def test_row_12_each_file_has_an_account_of_its_lines_in_the_order_of_the_manifest(spark, batch):
    batch.add("b +%20/c.json", ["bad", "worse"])
    # One line of it is an array of as many records as it has lines.
    batch.add("a.json", [*LINES, "[" + ",".join(LINES) + "]"])
    batch.add("empty.json", b"\n\n")
    batch.add("packed.deflate", zlib.compress(TEXT))
    for name in ("\uff5e.json", "\U0001f695.json"):
        batch.add(name, LINES[:3])
    summary = batch.run(spark, batch.names()).summary
    assert (summary["rows_rejected"], summary["records_rejected"]) == (3, 22)
    assert list(batch.accounts().items()) == [
        ("a.json", (21, 20, 1)),
        ("b +%20/c.json", (2, 0, 2)),
        ("empty.json", (0, 0, 0)),
        ("packed.deflate", (20, 20, 0)),
        ("\uff5e.json", (3, 3, 0)),
        ("\U0001f695.json", (3, 3, 0)),
    ]


def test_files_whose_hashes_meet_are_told_apart_by_another_seed(spark, batch, monkeypatch):
    batch.add("a.json", LINES[:1])
    batch.add("b.json", LINES[:2])
    file_key = job.file_key
    seeds = []

    def meeting(path, seed):
        seeds.append(seed)
        return file_key(path, seed) if seed > 0 else path.isNotNull().cast("bigint")

    monkeypatch.setattr(job, "file_key", meeting)
    batch.run(spark, batch.names())
    assert batch.accounts() == {"a.json": (1, 1, 0), "b.json": (2, 2, 0)}
    assert seeds[:2] == [0, 1]


def test_the_numbers_of_a_million_files_fit_into_a_double():
    assert job.FILE_BITS >= 40
    assert job.FILE_BITS + job.KIND_BITS <= 53


PACKED = {
    "a.json.snappy": BLOCKS[: len(BLOCKS) // 2],
    "a.json.lz4": BLOCKS[: len(BLOCKS) // 2],
    "framed.lz4": b"\x04\x22\x4d\x18\x64\x40\xa7" + TEXT,
    "framed.snappy": b"\xff\x06\x00\x00sNaPpY\x01" + TEXT,
    "a.json.bz2": bz2.compress(TEXT)[:-8],
    "a.zst": b"\x28\xb5\x2f\xfd",
    "a.GZ": gzip.compress(TEXT),
    "a.gzip": gzip.compress(TEXT),
    "a.bgz": gzip.compress(TEXT),
    "a.tar.gz.zip": TEXT,
    "a.parquet": b"PAR1",
}


@pytest.mark.parametrize("name", PACKED)
def test_row_13_files_packed_in_a_way_that_hides_a_cut_are_refused_by_name(spark, batch, name):
    failure = failure_beside_a_good_file(spark, batch, name, PACKED[name])
    assert failure["kind"] == "RawFileUnreadable"
    assert f"/{name}: files that end in .{name.rsplit('.', 1)[-1]} are not read. Export one JSON object" in failure["message"]


@pytest.mark.parametrize("name", ["a.json.gz", "a.json.deflate"])
def test_row_13_a_cut_is_noticed_in_the_formats_that_are_unpacked(spark, batch, name):
    packed = gzip.compress(GOOD) if name.endswith(".gz") else zlib.compress(GOOD)
    failure = failure_beside_a_good_file(spark, batch, name, packed[:-1])
    assert f"/{name}: the compressed file is cut off" in failure["message"]


@pytest.mark.parametrize("kind", OTHER_COLUMNS)
def test_row_14_a_batch_with_other_columns_is_another_jobs(accounts, kind):
    with pytest.raises(job.RawFileError) as raised:
        job.check_columns([accounts[kind], accounts[kind], accounts["gzip"]])
    assert raised.value.kind == "RawColumnsMissing"
    assert str(raised.value).startswith(f"{accounts[kind].path}: no record of it, nor of any other file of the batch, has ")
    assert "Export them with the columns of this job, or send the batch" in str(raised.value)


@pytest.mark.parametrize("kind", OTHER_COLUMNS)
def test_row_14_a_file_with_other_columns_beside_a_good_one_is_unreadable(accounts, kind):
    with pytest.raises(job.RawFileError) as raised:
        job.check_columns([accounts["good"], accounts[kind]])
    assert raised.value.kind == "RawFileUnreadable"
    assert str(raised.value).startswith(f"{accounts[kind].path}: no record of it has ")


def test_row_14_a_batch_with_other_columns_ends_the_run_so(spark, batch):
    batch.add("a.json", OTHER_COLUMNS["another job's"])
    with pytest.raises(job.RawFileError):
        batch.run(spark, batch.names())
    assert batch.failure()["kind"] == "RawColumnsMissing"


def test_row_14_a_column_that_is_null_or_unreadable_in_all_records_is_there(spark, batch):
    batch.add("a.json", [{**TRIP, **REQUIRED}])
    batch.add("b.json", [TRIP, {**TRIP, "trip_distance": "far"}])
    batch.add("c.json", [{**TRIP, "trip_distance": None}])
    assert batch.run(spark, batch.names()).summary["rows_written"] == 3


def test_row_14_a_batch_without_any_record_is_not_called_another_jobs(spark, batch):
    batch.add("a.json", ["bad", "worse"])
    assert batch.run(spark, batch.names()).summary["rows_rejected"] == 2


@pytest.mark.parametrize("name", ["a:*.json", "d:e/c?.json", "f[g/a:b.json", "a:\\b.json", "a:}.json", "a]:.json"])
def test_row_17_a_name_that_hadoop_takes_for_a_scheme_and_a_pattern_fails_by_name(spark, batch, name):
    with pytest.raises(job.RawFileError):
        batch.run(spark, [f"{batch.raw.relative_to('/')}/{name}"])
    failure = batch.failure()
    assert failure["kind"] == "RawFileUnreadable"
    assert failure["message"].startswith(f"file://{batch.raw}/{name}: Hadoop cannot read a name with a colon")


def test_row_18_hostile_settings_reach_the_session_and_change_nothing(spark, batch):
    given = dict(spark.sparkContext.getConf().getAll())
    assert given["spark.sql.legacy.timeParserPolicy"] == "LEGACY"
    planted = {name: value for name, value in HOSTILE.items() if name.startswith(job.DEFAULTED)}
    assert len(planted) >= len(job.DEFAULTED)
    assert [name for name, value in planted.items() if spark.conf.get(name) == value] == []
    assert spark.conf.get("spark.sql.timestampType") == "TIMESTAMP_LTZ"
    batch.add("a.json", [{**TRIP, "trip_distance": "", "payment_type": "longer than the longest line that Hadoop may read"}, TRIP])
    output = batch.run(spark, batch.names())
    assert output.summary["rejects_by_reason"] == {"trip_distance is not a number": 1}
    assert [(row["pickup_datetime"], row["average_speed"]) for row in output.rows] == [("2019-03-10 06:00:00 UTC", "15.0")]
