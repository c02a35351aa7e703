"""The same output row by row in Python, as the pipeline that this one replaces did it: a map over lines of text."""

import csv
import io
import json
import sys
from datetime import datetime

from pyspark import SparkContext

COLUMNS = (
    "vendor_id pickup_datetime dropoff_datetime pickup_longitude pickup_latitude dropoff_longitude dropoff_latitude rate_code "
    "passenger_count trip_distance payment_type fare_amount extra mta_tax imp_surcharge tip_amount tolls_amount total_amount "
    "store_and_fwd_flag average_speed"
).split()
TIME = "%Y-%m-%d %H:%M:%S UTC"


def add_average_speed(line: str) -> str:
    """A line of CSV for a line of JSON."""
    record = json.loads(line)
    distance = record["trip_distance"]
    seconds = (
        datetime.strptime(record["dropoff_datetime"], TIME) - datetime.strptime(record["pickup_datetime"], TIME)
    ).total_seconds()
    if distance == 0:
        record["average_speed"] = 0.0
    elif distance > 0 and seconds > 0:
        record["average_speed"] = 3600 * distance / seconds
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([record.get(name) for name in COLUMNS])
    return text.getvalue()


def main(raw: str, transformed: str) -> None:
    context = SparkContext(appName="row-at-a-time")
    context.textFile(raw).map(add_average_speed).saveAsTextFile(transformed)
    context.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
