"""Totals of trips by vendor and day: an example of a job of one's own, which docs/your-own-job.md walks through.

Does what the pipeline asks of any script, and no more: reads the files of the manifest, writes CSV in parts, sets aside what
it cannot read, and says in a summary what became of the records.
"""

import argparse
import json
import re

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

RECORD = "vendor_id STRING, pickup_datetime STRING, trip_distance DOUBLE, total_amount DOUBLE, malformed STRING"
STRICT = {"columnNameOfCorruptRecord": "malformed", "mode": "PERMISSIVE"}


def raw_lines(spark: SparkSession, raw: str, manifest: str) -> DataFrame:
    """The lines of the batch's files: those of the manifest, which says each file's name in the bucket of the raw path."""
    bucket = "/".join(raw.split("/")[:3])
    names = [json.loads(row.value)["name"] for row in spark.read.text(manifest).collect()]
    # Spark takes *, ? and brackets in a path for patterns.
    files = [re.sub(r"[\\{}\[\]*?]", r"\\\g<0>", f"{bucket}/{name}") for name in names if not name.endswith("/")]
    lines = spark.read.text(files) if files else spark.createDataFrame([], "value STRING")
    return lines.where("trim(value) != ''")


def read_trips(lines: DataFrame) -> DataFrame:
    """Each line with its trip, and in `reason` why it cannot be read, if it cannot."""
    parsed = lines.withColumn("trip", F.from_json("value", RECORD, STRICT))
    pickup = F.to_timestamp(F.regexp_replace("trip.pickup_datetime", " UTC$", ""))
    reason = F.when(F.col("trip.malformed").isNotNull(), "the line is not a trip").when(pickup.isNull(), "no pickup_datetime")
    return parsed.select("value", "trip.*", pickup.alias("pickup"), reason.alias("reason"))


def totals_of(trips: DataFrame, minimum_trips: int) -> DataFrame:
    """One row for each vendor and day with at least so many trips, with the columns of trip_totals.schema.json."""
    return (
        trips.groupBy("vendor_id", F.to_date("pickup").alias("day"))
        .agg(
            F.count(F.lit(1)).alias("trips"),
            F.round(F.sum("trip_distance"), 2).alias("miles"),
            F.round(F.sum("total_amount"), 2).alias("revenue"),
        )
        .where(F.col("trips") >= minimum_trips)
    )


def write_json(spark: SparkSession, path: str, content: dict) -> None:
    """Writes one small file, through Hadoop, which knows gs:// wherever Spark does."""
    location = spark.sparkContext._jvm.org.apache.hadoop.fs.Path(path)
    stream = location.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()).create(location, False)
    stream.write(json.dumps(content).encode())
    stream.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Totals of trips by vendor and day.")
    for name in ("--input", "--manifest", "--output", "--rejected"):
        parser.add_argument(name, required=True)
    parser.add_argument("--minimum-trips", type=int, default=1, help="a day with fewer is left out")
    options = parser.parse_args()

    spark = SparkSession.builder.getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    trips = read_trips(raw_lines(spark, options.input, options.manifest)).cache()
    bad = trips.where("reason IS NOT NULL")
    totals = totals_of(trips.where("reason IS NULL"), options.minimum_trips).cache()

    # Quotes are doubled, as BigQuery reads them; Spark by itself would put backslashes before them.
    totals.coalesce(1).write.csv(options.output, header=True, sep=";", escape='"')
    read, rejected, written = trips.count(), bad.count(), totals.count()
    if rejected:
        bad.select("reason", F.col("value").alias("record")).write.json(options.rejected)
    counts = {"rows_read": read, "rows_written": written, "rows_rejected": rejected}
    # Records become part of a total, or of none; either way none has a row of its own beyond those written.
    write_json(spark, f"{options.output}_summary.json", {**counts, "rows_left_out": read - rejected - written})
    spark.stop()


if __name__ == "__main__":
    main()
