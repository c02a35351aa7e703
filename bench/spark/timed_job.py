"""Runs the pipeline's own Spark script and prints, last, the seconds that it took once Spark was up."""

import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parents[2] / "spark"))
import spark_avg_speed as job  # noqa: E402

session = job.session(SparkSession.builder.appName("average-speed"))
began = time.monotonic()
job.run(session, job.arguments(sys.argv[1:]))
print(time.monotonic() - began)
session.stop()
