"""Adds `average_speed` to a batch of taxi trips.

Reads newline-delimited JSON, writes CSV for a BigQuery load, and sends what it cannot read to a place of its own with the
reason. Runs unchanged on Dataproc image 2.3 (Spark 3.5) and on one machine. Everything that is done to a row is done by
Spark SQL's own expressions, so no row ever passes through Python.

    spark_avg_speed.py --gcs_path_raw gs://b/p/raw-x/ --gcs_path_transformed gs://b/p/transformed-x/1/ \
        --gcs_path_rejected gs://b/p/rejected-x/1/ --manifest gs://s/manifests/b/p/raw-x/manifest.ndjson

The way of a line: read_lines -> parse -> convert -> judge -> write_csv, and write_rejects if there are any. Each file's lines
are accounted for on the way; see "Accounts of files".
"""

import argparse
import json
import re
import sys
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from operator import add, or_
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

# The record, in the order of the CSV's columns; average_speed follows as the twentieth.
FIELDS = {
    "vendor_id": "text",
    "pickup_datetime": "time",
    "dropoff_datetime": "time",
    "pickup_longitude": "number",
    "pickup_latitude": "number",
    "dropoff_longitude": "number",
    "dropoff_latitude": "number",
    "rate_code": "text",
    "passenger_count": "whole number",
    "trip_distance": "number",
    "payment_type": "text",
    "fare_amount": "number",
    "extra": "number",
    "mta_tax": "number",
    "imp_surcharge": "number",
    "tip_amount": "number",
    "tolls_amount": "number",
    "total_amount": "number",
    "store_and_fwd_flag": "flag",
}
TEXTS = [name for name, kind in FIELDS.items() if kind == "text"]
NUMBERS = [name for name, kind in FIELDS.items() if kind == "number"]
# What average_speed is made of. A file none of whose records has one of them has its columns from somewhere else.
REQUIRED = ["trip_distance", "pickup_datetime", "dropoff_datetime"]

NOT_UTF8 = "the line is not valid UTF-8"
NOT_ONE_OBJECT = "the line is not one JSON object"
NO_COLUMN = "the line has none of the record's columns"
HALF_A_PAIR = "a text has half of a UTF-16 pair"
SPEED_TOO_LARGE = "average_speed is beyond a 64-bit float"
EXPECTED = {
    "text": "is not text without NUL characters",
    "time": "is not a time of the years 0001 to 9999",
    "number": "is not a number",
    "whole number": "is not a whole number of 64 bits",
}
FIELD_REASONS = {name: f"{name} {EXPECTED[kind]}" for name, kind in FIELDS.items() if kind in EXPECTED}
REASONS = [NOT_UTF8, NOT_ONE_OBJECT, NO_COLUMN, HALF_A_PAIR, *FIELD_REASONS.values(), SPEED_TOO_LARGE]

# What is read and written must not depend on how a cluster or a job is configured, least of all on whether it may skip what it
# cannot read. Settings of how fast it is read are left alone.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.caseSensitive": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.optimizer.enableJsonExpressionOptimization": "true",
    "spark.sql.sources.useV1SourceList": "avro,csv,json,kafka,orc,parquet,text",
    # Hadoop leaves out longer lines without a word.
    "spark.hadoop.mapreduce.input.linerecordreader.line.maxlength": str(2**31 - 1),
    # The worker looks for _SUCCESS.
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "true",
    # More than 32 files are looked up in a job of its own, by default with a task for each; 1,000 files took 13 s so, and 1 s in
    # 64 tasks.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "64",
}
# Families of settings that change what an expression means, all of which are Spark's own defaults here.
DEFAULTED = ("spark.sql.legacy.", "spark.sql.ansi.", "spark.sql.parser.", "spark.sql.json.")

# RFC 8259 and no more: Spark accepts single quotes and NaN unless told otherwise.
MALFORMED = "_malformed"
STRICT_JSON = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": MALFORMED,
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
}

# A number written as text: what JSON allows, a plus sign, zeros in front, no digit on one side of the point, white space.
DECIMAL = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
# An escaped half of a UTF-16 pair without the other half.
HALF_PAIR = r"(?i)\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]"
# BigQuery's TIMESTAMP holds no others.
FIRST_TIME = "TIMESTAMP'0001-01-01 00:00:00'"
LAST_TIME = "TIMESTAMP'9999-12-31 23:59:59.999999'"

# What Hadoop says of a file that is broken or stored in a way that it cannot read, and what we say.
UNREADABLE = {
    "Unexpected end of input stream": "the compressed file is cut off. Export it again.",
    "org.apache.hadoop.io.compress": "the file's name says that it is compressed, but it cannot be unpacked. Export it again.",
    "GZIP encoded": "the object has Content-Encoding gzip. Store it without, under a name that ends in .gz.",
}


# What a file begins with that holds something else than lines of text, what that is, and how it can be read.
GZIP = b"\x1f\x8b"
BINARIES = {
    GZIP: ("gzip", "Give it a name that ends in .gz."),
    b"PK\x03\x04": ("a zip archive", ""),
    b"PK\x05\x06": ("a zip archive", ""),
    b"\x28\xb5\x2f\xfd": ("zstd", ""),
    b"BZh": ("bzip2", ""),
    b"\x04\x22\x4d\x18": ("lz4", ""),
    b"\x02\x21\x4c\x18": ("lz4", ""),
    b"\xff\x06\x00\x00sNaPpY": ("snappy", ""),
    b"\x89LZO": ("lzo", ""),
    b"\xfd7zXZ": ("xz", ""),
    b"7z\xbc\xaf": ("a 7z archive", ""),
    b"Rar!": ("a rar archive", ""),
    b"PAR1": ("Parquet", ""),
    b"Obj\x01": ("Avro", ""),
    b"ORC": ("ORC", ""),
    b"SEQ": ("a Hadoop sequence file", ""),
    b"\xff\xfe": ("UTF-16 or UTF-32", "Export it as UTF-8."),
    b"\xfe\xff": ("UTF-16", "Export it as UTF-8."),
}
AS_LINES = "Export one JSON object a line, as UTF-8, plain or with gzip under a name that ends in .gz."
# Between two objects on one line: nothing, a comma, or what some writers take for the end of a line, among them a backslash with
# an n.
JOINED = re.compile(r"\}\s*(,|(\\r)?\\n|\x1e)?\s*\{")
# As much of a file as is looked at to tell what it is. A trip takes some hundred bytes.
HEAD_BYTES = 1 << 14
# Files whose beginnings are looked at. With more faulty lines than that nearly every batch is refused for their number.
MAX_HEADS = 10_000

# Endings of packed files. Of these, Hadoop notices that a file was cut for .gz and .deflate only; ordinary .lz4 and .snappy end
# the JVM for want of memory; the others are not unpacked at all, so that their lines are no text.
PACKED = re.compile(
    r"\.(gz|gzip|bgz|tgz|z|deflate|zlib|bz2?|bzip2?|tbz2?|snappy|sz|lz4|lzo|lzo_deflate|lzma|zstd?|xz|txz|br|passthrough"
    r"|zip|7z|rar|tar|parquet|avro|orc|seq)$",
    re.IGNORECASE,
)
UNPACKED = (".gz", ".deflate")


class RawFileError(Exception):
    """The batch itself is at fault, not the machinery. `kind` tells the workflow which way: RawFileMissing, RawFileUnreadable,
    or RawColumnsMissing when the whole batch is another job's."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


# --- Which files ------------------------------------------------------------------------------------------------------


def manifest_paths(manifest: str, bucket: str) -> list[str]:
    """The URIs of the files in a manifest (one JSON object a line, with the object's `name`), each once and in order.
    Markers of folders, which end in a slash, hold no rows and are left out.

    Raises RawFileError for a name that Spark would not read: better no run than a file passed over in silence."""
    names = dict.fromkeys(json.loads(line)["name"] for line in manifest.split("\n") if line.strip())
    files = [name for name in names if not name.endswith("/")]
    for name in files:
        last = name.rsplit("/", 1)[-1]
        if re.search(r"(^|/)\.{0,2}(/|$)", name):
            refuse(bucket + name, "Hadoop cannot read a name with an empty, '.' or '..' part. Rename the file.")
        if last.startswith(".") or (last.startswith("_") and "=" not in last) or last.endswith("._COPYING_"):
            refuse(bucket + name, "Spark takes a name like this for a hidden file. Rename the file.")
        if ":" in name and re.search(r"[\\{}\[\]*?]", name):
            refuse(bucket + name, "Hadoop cannot read a name with a colon and one of * ? [ ] { } \\ in it. Rename the file.")
    return [bucket + name for name in files]


def check_endings(paths: list[str]) -> None:
    """Raises RawFileError for a file whose name says that it is packed in a way that is not read whole, or not at all."""
    for path in paths:
        if PACKED.search(path) and not path.endswith(UNPACKED):
            refuse(path, f"files that end in .{path.rsplit('.', 1)[-1]} are not read. {AS_LINES}")


def refuse(path: str, why: str) -> NoReturn:
    """Raises the error for a file that is there and cannot be read."""
    raise RawFileError("RawFileUnreadable", f"{path}: {why}")


def text_of(spark: SparkSession, paths: list[str]) -> DataFrame:
    """The files' lines as they are, as column `value`. Paths are taken literally: no globs, and no columns made of folders'
    names. Lines end in LF, CRLF or CR; gzip is known by `.gz`."""
    # Turning globs off instead would list all files once for each that has a glob's characters.
    literal = [re.sub(r"[\\{}\[\]*?]", r"\\\g<0>", path) for path in paths]
    return spark.read.option("recursiveFileLookup", "true").text(literal)


def read_lines(text: DataFrame) -> DataFrame:
    """The lines of some text, as column `line`. A byte order mark and leading white space are dropped, and so are blank lines."""
    line = F.expr(r"trim(LEADING '\uFEFF \t\r' FROM value)")
    return text.select(line.alias("line")).where("line != ''")


# --- From a line to a record ------------------------------------------------------------------------------------------


def parse(lines: DataFrame) -> DataFrame:
    """Adds the record as JSON gives it, and what else only the line can tell.

    `json` has numbers as doubles and all else as text, and serves nearly all lines alone. `texts` has numbers as text, for a
    record that wrote one so. `kinds` has what stands where text was expected. `fault` is the reason to reject the line
    whatever its fields say. Keys are matched exactly; of a key that is there twice the last counts; others are ignored."""
    schema = ", ".join(f"{name} {'DOUBLE' if name in NUMBERS else 'STRING'}" for name in FIELDS)
    parsed = lines.withColumn("json", from_json(f"{schema}, {MALFORMED} STRING"))

    misfit = F.col(f"json.{MALFORMED}").isNotNull()
    texts = from_json(f"{', '.join(f'{name} STRING' for name in NUMBERS)}, {MALFORMED} STRING")
    parsed = parsed.withColumn("texts", F.when(misfit, texts)).withColumn("kinds", kinds())
    return parsed.withColumn("fault", line_fault())


def from_json(schema: str, text: Column | None = None) -> Column:
    """Reads the line, or another text, as strict JSON."""
    return F.from_json(F.col("line") if text is None else text, schema, STRICT_JSON)


def kinds() -> Column:
    """Spark hands objects, arrays and booleans over as text where text is expected. So a value that looks like one is read
    again as each of them; what was text is null then."""
    values = [F.col(f"json.{name}") for name in TEXTS]
    looks_odd = reduce(or_, (value.isin("true", "false") | value.startswith("{") | value.startswith("[") for value in values))
    types = {"booleans": "BOOLEAN", "objects": "MAP<STRING, STRING>", "arrays": "ARRAY<STRING>"}
    again = [from_json(", ".join(f"{name} {type}" for name in TEXTS)).alias(key) for key, type in types.items()]
    return F.when(looks_odd, F.struct(*again))


def line_fault() -> Column:
    """The reason to reject the line whatever its fields say, or null."""
    no_object = F.when(~is_utf8(), NOT_UTF8).when(~is_one_object(), NOT_ONE_OBJECT)
    return no_object.when(~has_column(FIELDS), NO_COLUMN).when(has_half_pair(), HALF_A_PAIR)


def has_column(names) -> Column:
    """Whether an object has one of these keys. A value tells it of nearly all; the keys are read only where there is none,
    which an OR would not ensure."""
    by_key = F.arrays_overlap(F.json_object_keys("line"), F.array(*map(F.lit, names)))
    return F.when(reduce(or_, map(is_given, names)), True).otherwise(by_key)


def is_utf8() -> Column:
    """Decoding puts a replacement character where bytes make no sense."""
    return F.decode(F.col("line").cast("binary"), "UTF-8") == F.col("line")


def is_one_object() -> Column:
    """Spark's parser stops at the end of the object and never looks at what follows. A line whose only closing brace is its
    last character has nothing there. Any other line is read again as the first of two elements of an array; the second, which
    no line can contain, is found in its place only if the line is one whole value."""
    line = F.col("line")
    all_but_last = line.cast("binary").substr(F.lit(1), F.octet_length(line) - 1).cast("string")
    plain = line.endswith("}") & ~all_but_last.contains("}")
    elements = from_json("ARRAY<STRING>", F.concat(F.lit("["), line, F.lit(',"'), F.md5(line), F.lit('"]')))
    whole = F.coalesce((F.size(elements) == 2) & (elements[1] == F.md5(line)), F.lit(False))
    return F.col(f"texts.{MALFORMED}").isNull() & F.when(plain, True).otherwise(whole)


def has_half_pair() -> Column:
    """Half of a UTF-16 pair, written as an escape, is no character, and becomes a question mark. Backslashes that are escaped
    themselves begin no escape."""
    suspicious = reduce(or_, (F.col(f"json.{name}").contains("?") for name in TEXTS))
    return suspicious & F.regexp_replace("line", r"\\\\", ".").rlike(HALF_PAIR)


def convert(parsed: DataFrame) -> DataFrame:
    """Adds each field with its own type. It is null where the value is absent or not of that type."""
    converters = {"text": as_text, "time": as_time, "number": as_number, "whole number": as_whole_number, "flag": as_flag}
    return parsed.withColumns({name: converters[kind](name) for name, kind in FIELDS.items()})


def as_text(name: str) -> Column:
    """A JSON number counts as its text. BigQuery refuses a CSV with NUL characters, so no text has one."""
    value = F.col(f"json.{name}")
    no_boolean, no_object, no_array = (F.col(f"kinds.{kind}.{name}").isNull() for kind in ("booleans", "objects", "arrays"))
    return F.when(no_boolean & no_object & no_array & ~value.contains("\0"), value)


def as_flag(name: str) -> Column:
    """Y, N or null; whatever else is there is no fault."""
    value = F.col(f"json.{name}")
    return F.when(value.isin("Y", "N"), value)


def as_number(name: str) -> Column:
    """A finite double, written as a number or as text."""
    text = F.col(f"texts.{name}")
    read = F.when(text.rlike(DECIMAL), text.cast("double"))
    number = F.when(F.col("texts").isNull(), F.col(f"json.{name}")).otherwise(read)
    return F.when(number.between(-sys.float_info.max, sys.float_info.max), number)


def as_whole_number(name: str) -> Column:
    """A 64-bit integer: digits, or a decimal without a fraction, such as 2.0 or 1e1."""
    text = F.col(f"json.{name}")
    # A cast to BIGINT cuts a fraction off without a word.
    digits = F.when(~text.contains("."), text.cast("bigint"))
    decimal = F.when(text.rlike(DECIMAL), F.trim(text).cast("decimal(38,18)"))
    whole = F.when((decimal == F.floor(decimal)) & decimal.between(-(2**63), 2**63 - 1), decimal.cast("bigint"))
    return F.coalesce(digits, whole)


def as_time(name: str) -> Column:
    """A TIMESTAMP. Spark's cast knows ISO 8601, offsets, and fractions to the microsecond, but takes a mere year or hour for
    a time too, so both date and hour must be there; what has no zone is UTC."""
    text = F.col(f"json.{name}")
    has_date = text.substr(5, 1) == "-"
    has_hour = text.substr(11, 1).isin(" ", "T") & (text.substr(14, 1) == ":")
    # An export's own form is long enough to have an hour. Looking its zone up would take longer than all the rest.
    exported = (F.octet_length(text) == 23) & text.endswith(" UTC")
    # The cast knows no zone behind a time without seconds.
    with_seconds = F.regexp_replace(text, r"^(.{16})(Z|[-+])", "$1:00$2")
    time = F.when(exported, F.substring_index(text, " UTC", 1)).when(has_hour, with_seconds).cast("timestamp")
    return F.when(has_date & time.between(F.expr(FIRST_TIME), F.expr(LAST_TIME)), time)


# --- From a record to a row or a reject -------------------------------------------------------------------------------


def add_speed(records: DataFrame) -> DataFrame:
    """Adds `average_speed` in miles per hour: 0 for no distance whatever the times; null for a distance below zero, for one
    that is absent, and for a trip that does not end after it began."""
    distance, pickup, dropoff = F.col("trip_distance"), F.col("pickup_datetime"), F.col("dropoff_datetime")
    seconds = (F.unix_micros(dropoff) - F.unix_micros(pickup)) / F.lit(1e6)
    speed = F.when(distance == 0, 0.0).when((distance > 0) & (dropoff > pickup), 3600 * distance / seconds)
    return records.withColumn("average_speed", speed)


def judge(records: DataFrame) -> DataFrame:
    """Adds `reason`, the first thing that makes a record unreadable, or null; and `csv`, the record's line if it is readable."""
    reasons = [F.when(is_given(name) & F.col(name).isNull(), reason) for name, reason in FIELD_REASONS.items()]
    too_large = F.when(F.col("average_speed") == float("inf"), SPEED_TOO_LARGE)
    judged = records.withColumn("reason", F.coalesce("fault", *reasons, too_large))
    return judged.withColumn("csv", F.when(F.col("reason").isNull(), csv_line()))


def is_given(name: str) -> Column:
    """Whether the record has a value for the field, of any kind."""
    in_json = F.col(f"json.{name}").isNotNull()
    return in_json | F.col(f"texts.{name}").isNotNull() if name in NUMBERS else in_json


def csv_line() -> Column:
    """The record as a line of CSV: null is nothing, text stands in quotes, doubles in the fewest digits that read back as the
    same number."""
    columns = []
    for name, kind in {**FIELDS, "average_speed": "number"}.items():
        value = F.col(name)
        if kind == "text":
            value = F.concat(F.lit('"'), F.replace(value, F.lit('"'), F.lit('""')), F.lit('"'))
        elif kind == "time":
            value = F.concat(value.cast("string"), F.lit(" UTC"))
        columns.append(F.coalesce(value.cast("string"), F.lit("")))
    return F.concat_ws(",", *columns)


# --- Writing and counting ---------------------------------------------------------------------------------------------


def write_csv(judged: DataFrame, path: str) -> dict:
    """Writes the readable records, and counts on the way, so that the input is read once.

    The counts are exact under retries and speculation: nothing is shuffled, so they are taken in result tasks, and Spark takes
    the counts of each of these once, from the attempt that succeeds."""
    counts = Observation("records")
    counted = judged.select("csv", "line_key").observe(
        counts, F.count(F.lit(1)).alias("read"), F.count("csv").alias("written"), counts_by_value("line_key").alias("lines")
    )
    counted.where("csv IS NOT NULL").select("csv").write.option("compression", "none").text(path)
    return {**counts.get, "lines": counts_of(counts.get["lines"])}


def write_rejects(judged: DataFrame, path: str) -> dict:
    """Writes the unreadable lines with the file and the reason; returns the number of each reason, which are few."""
    counts = Observation("rejects")
    record = F.decode(F.col("line").cast("binary"), "UTF-8").alias("record")
    rejected_key = F.when(F.col("reason").isNotNull(), F.col("line_key")).alias("rejected_key")
    counted = judged.select(file_of_line().alias("file"), "reason", "line", record, rejected_key).observe(
        counts,
        counts_by_value("rejected_key").alias("lines"),
        F.sum(F.when(F.col("reason").isNotNull(), records_in_line())).alias("records"),
        *(F.count_if(F.col("reason") == reason).alias(reason) for reason in REASONS),
    )
    rejects = counted.where("reason IS NOT NULL").select("file", "reason", "record")
    rejects.write.option("compression", "none").json(path)
    by_reason = {reason: counts.get[reason] for reason in REASONS if counts.get[reason] > 0}
    return {"by_reason": by_reason, "lines": counts_of(counts.get["lines"]), "records": counts.get["records"]}


def records_in_line() -> Column:
    """How many records a line seems to hold, such as an array of them: as often as it names one of the required columns."""
    times = (F.size(F.split("line", f'"{name}"')) - 1 for name in REQUIRED)
    return F.greatest(F.lit(1), *times)


def file_of_line() -> Column:
    """Spark gives the path in URL form, where a plus sign is a plus sign."""
    return F.url_decode(F.replace(F.input_file_name(), F.lit("+"), F.lit("%2B")))


# --- Accounts of files ------------------------------------------------------------------------------------------------
#
# Each line has a key: a number that stands for its file, and in the low bits what kind of line it is. One aggregate counts the
# lines of each key while the CSV is written.


@dataclass(slots=True)
class Account:
    """What became of the lines of one file."""

    path: str
    read: int = 0
    written: int = 0
    rejected: int = 0
    # Lines that are one JSON object, readable or not, and how many of these have each of the required columns.
    objects: int = 0
    required: tuple[int, ...] = (0,) * len(REQUIRED)


WRITTEN, OBJECT = 1, 2
KIND_BITS = 2 + len(REQUIRED)
# A key must be exact as a double.
FILE_BITS = 53 - KIND_BITS


def file_key(path: Column, seed: int) -> Column:
    """The number of a file, by a hash of its path in URL form."""
    return F.shiftrightunsigned(F.xxhash64(path, F.lit(seed)), 64 - FILE_BITS)


def line_key(seed: int) -> Column:
    """The key of a judged line, as a column of its own: within the aggregate it would be worked out by an interpreter."""
    is_object = F.coalesce(~F.col("fault").isin(NOT_UTF8, NOT_ONE_OBJECT), F.lit(True))
    bits = [F.col("csv").isNotNull(), is_object, *(is_object & has_column([name]) for name in REQUIRED)]
    kind = reduce(add, (F.when(bit, 1 << place).otherwise(0) for place, bit in enumerate(bits)))
    return (file_key(F.input_file_name(), seed) * (1 << KIND_BITS) + kind).cast("double")


def counts_by_value(column: str) -> Column:
    """How often each value is there, as JSON. A histogram with more bins than values counts them exactly, and is the only
    aggregate of Spark's own that counts by value within an observation."""
    return F.to_json(F.histogram_numeric(column, F.lit(2**31 - 1)))


def counts_of(histogram: str | None) -> list[tuple[int, int]]:
    """Key and number of lines; those of one key may stand apart. Of no lines there is no histogram."""
    return [(int(bin["x"]), int(bin["y"])) for bin in json.loads(histogram or "[]")]


def open_accounts(text: DataFrame, number_of_files: int) -> tuple[int, dict[int, Account]]:
    """An empty account of each file by the file's number, with the seed that tells all of them apart."""
    # Java's own array goes back as it is; a list of Python's would fetch and send each name by itself.
    names = text._jdf.inputFiles()
    if len(names) != number_of_files:
        raise FileNotFoundError("Spark found other files than those of the batch.")
    spark = text.sparkSession
    paths = Column(spark.sparkContext._jvm.org.apache.spark.sql.functions.lit(names))
    for seed in range(100):
        # A local relation, which Spark works out without a job.
        numbered = spark.sql("VALUES (0)").select(F.transform(paths, lambda path: F.struct(file_key(path, seed), path)))
        accounts = {number: Account(unquote(path)) for number, path in numbered.first()[0]}
        if len(accounts) == number_of_files:
            return seed, accounts
    raise RuntimeError("The names of the files cannot be told apart by a hash.")


def enter(accounts: dict[int, Account], lines: list[tuple[int, int]]) -> None:
    """Enters the lines of the first reading."""
    for key, count in lines:
        account, kind = accounts[key >> KIND_BITS], key % (1 << KIND_BITS)
        account.read += count
        account.written += count if kind & WRITTEN else 0
        account.objects += count if kind & OBJECT else 0
        seen = ((kind >> place) & 1 for place in range(2, KIND_BITS))
        account.required = tuple(before + count * bit for before, bit in zip(account.required, seen, strict=True))


def check_columns(accounts: list[Account]) -> None:
    """Each required column must be in some record of each file that has records; a null is enough.

    Raises RawFileError: for the file, or when the column is nowhere in the batch, for the batch, which is then another job's."""
    filled = [account for account in accounts if account.objects > 0]
    for place, column in enumerate(REQUIRED):
        without = [account for account in filled if account.required[place] == 0]
        if without and len(without) == len(filled):
            raise RawFileError(
                "RawColumnsMissing",
                f"{without[0].path}: no record of it, nor of any other file of the batch, has {column}. Do the files belong to "
                "another job, or have the columns other names now? Export them with the columns of this job, or send the batch "
                "to its own.",
            )
        if without:
            refuse(
                without[0].path,
                f"no record of it has {column}{others(without)}. Export it with the columns of the batch's other files.",
            )


def others(accounts: list[Account]) -> str:
    """Says how many more files there are of a kind of which the first is named."""
    return f", and so it is with {len(accounts) - 1} more files" if len(accounts) > 1 else ""


def check_heads(files: "Files", accounts: list[Account]) -> None:
    """Raises RawFileError for a file with lines that are no JSON object, if it begins as a file of another format does."""
    odd = [account.path for account in accounts if account.objects < account.read]
    with ThreadPoolExecutor(16) as pool:
        faults = pool.map(lambda path: (path, fault_of_head(files.head(path, HEAD_BYTES))), islice(odd, MAX_HEADS))
        for path, fault in faults:
            if fault is not None:
                refuse(path, fault)


def fault_of_head(head: bytes) -> str | None:
    """What is wrong with a file that begins so, if its format is."""
    told = next(((name, advice) for magic, (name, advice) in BINARIES.items() if head.startswith(magic)), None)
    if told is None and head[257:262] == b"ustar":
        told = ("a tar archive", "")
    # The block format of Hadoop's codecs has no mark of its own, but begins with a length.
    if told is None and b"\0" in head[:8]:
        told = ("binary", "")
    if told is not None:
        return f"the file is {told[0]}, not lines of text. {told[1] or AS_LINES}"
    text = head.decode(errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        return f"the file is a JSON array. {AS_LINES}"
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    if first.rstrip() == "{":
        return f"its JSON goes over several lines. {AS_LINES}"
    if JOINED.search(first) and not is_json(first):
        return f"its records are not parted by line breaks. {AS_LINES}"
    return None


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def write_accounts(files: "Files", path: str, accounts: list[Account]) -> None:
    """Writes a line for each file by its name in the bucket, in the order of the names' bytes, which is the manifest's."""
    named = [(account.path.split("/", 3)[3], account) for account in accounts]
    named.sort(key=lambda pair: pair[0].encode())
    files.write(
        path,
        (
            {"name": name, "rows_read": one.read, "rows_written": one.written, "rows_rejected": one.rejected}
            for name, one in named
        ),
    )


def add_average_speed(spark: SparkSession, files: "Files", paths: list[str], transformed: str, rejected: str) -> dict:
    """Does the whole job on the files, writes their accounts, and returns its summary. Only files with rejects are read twice.

    Raises RawFileError for a file whose lines are no records for a reason that can be told."""
    text = text_of(spark, paths)
    seed, accounts = open_accounts(text, len(paths))

    def judged(text: DataFrame) -> DataFrame:
        return judge(add_speed(convert(parse(read_lines(text))))).withColumn("line_key", line_key(seed))

    rows = write_csv(judged(text), transformed)
    enter(accounts, rows["lines"])
    all_files = list(accounts.values())
    check_heads(files, all_files)
    check_columns(all_files)
    faulty = [account.path for account in all_files if account.written < account.read]
    rejects = write_rejects(judged(text_of(spark, faulty)), rejected) if faulty else {"by_reason": {}, "lines": [], "records": 0}
    for key, count in rejects["lines"]:
        accounts[key >> KIND_BITS].rejected += count
    if any(one.read != one.written + one.rejected for one in all_files):
        raise RuntimeError("A raw file changed while the job was reading it. Run the batch again.")
    write_accounts(files, f"{transformed}_accounts.ndjson", all_files)
    return {
        "rows_read": rows["read"],
        "rows_written": rows["written"],
        "rows_rejected": sum(rejects["by_reason"].values()),
        "records_rejected": rejects["records"],
        "files_read": len(paths),
        "files_accounted": len(all_files),
        "rejects_by_reason": rejects["by_reason"],
    }


def write_nothing(spark: SparkSession, files: "Files", path: str) -> dict:
    """The output of a batch without files: no rows, but `_SUCCESS`."""
    spark.sql("SELECT '' AS value WHERE false").write.option("compression", "none").text(path)
    write_accounts(files, f"{path}_accounts.ndjson", [])
    counts = ("rows_read", "rows_written", "rows_rejected", "records_rejected", "files_read", "files_accounted")
    return {**dict.fromkeys(counts, 0), "rejects_by_reason": {}}


# --- Files outside the data -------------------------------------------------------------------------------------------


class Files:
    """Small files on any Hadoop file system: `gs://` on a cluster, `file://` in a test."""

    def __init__(self, spark: SparkSession):
        self.jvm = spark.sparkContext._jvm
        self.configuration = spark.sparkContext._jsc.hadoopConfiguration()

    def open(self, path: str):
        location = self.jvm.org.apache.hadoop.fs.Path(path)
        return location.getFileSystem(self.configuration), location

    def exists(self, path: str) -> bool:
        file_system, location = self.open(path)
        return file_system.exists(location)

    def below(self, path: str) -> list[str]:
        """All files at any depth but those that Hadoop takes for hidden."""
        file_system, location = self.open(path)
        found, paths = file_system.listFiles(location, True), []
        while found.hasNext():
            paths.append(found.next().getPath().toString())
        return sorted(path for path in paths if not path.rsplit("/", 1)[-1].startswith((".", "_")))

    def read(self, path: str) -> str:
        file_system, location = self.open(path)
        stream = file_system.open(location)
        try:
            return self.jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        finally:
            stream.close()

    def head(self, path: str, size: int) -> bytes:
        """The first bytes of a file, unpacked if its name says that it is packed."""
        file_system, location = self.open(path)
        stream = file_system.open(location)
        try:
            head = stream.readNBytes(size)
        finally:
            stream.close()
        if not path.endswith(UNPACKED):
            return head
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(head, size)

    def write(self, path: str, entries: Iterable[dict]) -> None:
        """Writes JSON, one line for each entry. In Cloud Storage the object appears when the stream is closed, whole or not at
        all."""
        file_system, location = self.open(path)
        stream = file_system.create(location, False)
        lines = (json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        # Each call carries many lines, since it goes from Python to Java.
        while some := "".join(islice(lines, 1000)):
            stream.write(some.encode())
        stream.close()


def raw_files(files: Files, raw: str, manifest: str | None) -> list[str]:
    """The files of the batch: those of the manifest, all in the bucket of the raw path; or without one, all below it."""
    if manifest is None:
        if not files.exists(raw):
            raise RawFileError("RawFileMissing", f"{raw}: there is nothing at this path.")
        return files.below(raw)
    bucket = urlsplit(raw)
    return manifest_paths(files.read(manifest), f"{bucket.scheme}://{bucket.netloc}/")


def raw_file_at_fault(spark: SparkSession, files: Files, paths: list[str], error: Exception) -> RawFileError | None:
    """The raw file that made Spark fail, if one did. The error of a task does not name its file, so those that may be meant
    are read one by one, as many at a time as there are cores. Only a run that has failed pays for this."""
    told = str(error)
    if isinstance(error, FileNotFoundError) or "PATH_NOT_FOUND" in told or "FileNotFoundException" in told:
        missing = next((path for path in paths if not files.exists(path)), None)
        return missing and RawFileError("RawFileMissing", f"{missing}: the file of the batch is not there.")
    if not why_unreadable(told):
        return None

    def fault(path: str) -> RawFileError | None:
        try:
            text_of(spark, [path]).write.format("noop").mode("overwrite").save()
        except (PySparkException, Py4JJavaError) as own_error:
            why = why_unreadable(str(own_error))
            return why and RawFileError("RawFileUnreadable", f"{path}: {why}")

    with ThreadPoolExecutor(spark.sparkContext.defaultParallelism) as pool:
        return next(filter(None, pool.map(fault, paths)), None)


def why_unreadable(told: str) -> str | None:
    """What is wrong with a file, if Spark's error is of the kind that a file causes."""
    return next((why for sign, why in UNREADABLE.items() if sign in told), None)


# --- The job ----------------------------------------------------------------------------------------------------------


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Adds average_speed to a batch of taxi trips.")
    parser.add_argument("--gcs_path_raw", required=True, help="the batch's raw files; names their bucket")
    parser.add_argument("--gcs_path_transformed", required=True, help="for the CSV; must not exist")
    parser.add_argument("--gcs_path_rejected", help="for what cannot be read; default: _rejected below the CSV")
    parser.add_argument("--manifest", help="which files to read; default: all below the raw path")
    options = parser.parse_args(argv)
    options.gcs_path_transformed = options.gcs_path_transformed.rstrip("/") + "/"
    options.gcs_path_rejected = options.gcs_path_rejected or f"{options.gcs_path_transformed}_rejected/"
    return options


def run(spark: SparkSession, options: argparse.Namespace) -> dict:
    """Runs the job and returns its summary.

    Raises RawFileError if the batch is at fault, SystemExit if there is output already, and Spark's own error otherwise."""
    files = Files(spark)
    transformed, rejected = options.gcs_path_transformed, options.gcs_path_rejected
    for path in (transformed, rejected):
        if files.exists(path):
            sys.exit(f"{path} exists already. Give every attempt a path of its own.")
    try:
        summary = summarise(spark, files, options)
    except RawFileError as error:
        files.write(f"{transformed}_failure.json", [{"kind": error.kind, "message": str(error)}])
        raise
    files.write(f"{transformed}_summary.json", [summary])
    return summary


def summarise(spark: SparkSession, files: Files, options: argparse.Namespace) -> dict:
    """Finds the raw files and does the job on them; turns Spark's error into one that names the raw file at fault."""
    paths = raw_files(files, options.gcs_path_raw, options.manifest)
    check_endings(paths)
    if not paths:
        return write_nothing(spark, files, options.gcs_path_transformed)
    try:
        return add_average_speed(spark, files, paths, options.gcs_path_transformed, options.gcs_path_rejected)
    except (FileNotFoundError, PySparkException, Py4JJavaError) as error:
        at_fault = raw_file_at_fault(spark, files, paths, error)
        if at_fault is None:
            raise
        raise at_fault from error


def session(builder: SparkSession.Builder) -> SparkSession:
    """A session in which nothing that a cluster or a job is configured with changes what the script means."""
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    for name, _ in spark.sparkContext.getConf().getAll():
        if name.startswith(DEFAULTED) and spark.conf.isModifiable(name):
            spark.conf.unset(name)
    return spark


def main(argv: list[str]) -> None:
    options = arguments(argv)
    spark = session(SparkSession.builder.appName("average-speed"))
    try:
        print(json.dumps(run(spark, options)))
    except RawFileError as error:
        # The sentence is to be the last line of the driver's output, so nothing may be logged while Spark stops.
        spark.sparkContext.setLogLevel("OFF")
        sys.exit(str(error))
    finally:
        spark.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
