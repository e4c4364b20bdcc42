"""Loads orders.csv of a folder with dlt, as its documentation does it. Prints seconds and peak memory as JSON."""

import json
import resource
import sys
import time

import dlt
from dlt.sources.filesystem import filesystem, read_csv

order = json.loads(sys.argv[1])
started = time.perf_counter()
pipeline = dlt.pipeline(
    pipeline_name="bench",
    destination=dlt.destinations.postgres(order["url"]),
    dataset_name="raw",
    pipelines_dir=order["state"],
)
rows = filesystem(bucket_url=order["folder"], file_glob="orders.csv") | read_csv()
# As CSV it goes by COPY; unless said it would be INSERT.
pipeline.run(rows.with_name("orders"), loader_file_format="csv").raise_on_failed_jobs()
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"version": dlt.__version__, "seconds": seconds, "peakMemory": peak}))
