"""What Google's own Python client must not notice about the local BigQuery. Run by bigquery-python.test.ts."""

import datetime
import decimal
import os

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage
from google.cloud.bigquery import SchemaField

UTC = datetime.timezone.utc
BUCKET = "local-project-raw"
TRIPS = "nyc-tlc.yellow.trips"


@pytest.fixture(scope="module")
def client():
    return bigquery.Client(
        project="local-project",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": os.environ["BIGQUERY_API_ENDPOINT"]},
    )


@pytest.fixture(scope="module")
def bucket():
    client = storage.Client(
        project="local-project",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": os.environ["STORAGE_API_ENDPOINT"]},
    )
    return client.bucket(BUCKET)


@pytest.fixture(scope="module")
def dataset(client):
    return client.create_dataset("python_test")


def test_datasets_are_made_once_changed_listed_and_deleted_with_their_content(client):
    made = client.create_dataset("briefly")
    assert (made.full_dataset_id, made.location) == ("local-project:briefly", "US")
    with pytest.raises(Conflict, match="Already Exists: Dataset local-project:briefly"):
        client.create_dataset("briefly")
    assert client.create_dataset("briefly", exists_ok=True).created == made.created
    made.description, made.labels = "Some", {"a": "1", "b": ""}
    made = client.update_dataset(made, ["description", "labels"])
    made.labels = {"a": None}
    assert client.update_dataset(made, ["labels"]).labels == {"b": ""}
    assert "briefly" in [item.dataset_id for item in client.list_datasets()]
    client.create_table("local-project.briefly.t")
    with pytest.raises(BadRequest, match="still in use"):
        client.delete_dataset("briefly")
    client.delete_dataset("briefly", delete_contents=True)
    client.delete_dataset("briefly", not_found_ok=True)
    with pytest.raises(NotFound):
        client.get_dataset("briefly")


def test_tables_keep_what_they_are_told_and_refuse_stale_changes(client, dataset):
    table = bigquery.Table(dataset.table("kept"), [SchemaField("i", "INT64", "REQUIRED"), SchemaField("t", "TIMESTAMP")])
    table.time_partitioning = bigquery.TimePartitioning(field="t")
    table.clustering_fields = ["i"]
    table.labels = {"pipeline": "average-speed"}
    client.create_table(table)
    with pytest.raises(Conflict):
        client.create_table(table)
    first, second = client.get_table(table), client.get_table(table)
    assert (first.num_rows, first.clustering_fields, first.labels) == (0, ["i"], table.labels)
    assert first.time_partitioning == bigquery.TimePartitioning(field="t")
    assert [(field.name, field.field_type, field.mode) for field in first.schema] == [
        ("i", "INTEGER", "REQUIRED"),
        ("t", "TIMESTAMP", "NULLABLE"),
    ]
    first.schema = [*first.schema, SchemaField("s", "STRING")]
    assert len(client.update_table(first, ["schema"]).schema) == 3
    second.description = "late"
    with pytest.raises(PreconditionFailed):
        client.update_table(second, ["description"])
    assert [item.table_id for item in client.list_tables(dataset)] == ["kept"]
    client.delete_table(table)
    with pytest.raises(NotFound, match="Not found: Table local-project:python_test.kept"):
        client.delete_table(table)


def test_an_export_is_loaded_and_read_back_row_by_row(client, bucket, dataset):
    extract = client.extract_table(
        TRIPS,
        f"gs://{BUCKET}/python/trips-*.json",
        job_config=bigquery.ExtractJobConfig(destination_format="NEWLINE_DELIMITED_JSON"),
    )
    extract.result()
    assert extract.destination_uri_file_counts == [3]
    config = bigquery.LoadJobConfig(
        source_format="NEWLINE_DELIMITED_JSON",
        schema=client.get_table(TRIPS).schema,
        write_disposition="WRITE_TRUNCATE",
        labels={"run": "one"},
    )
    load = client.load_table_from_uri(f"gs://{BUCKET}/python/*.json", dataset.table("trips"), job_config=config)
    load.result()
    assert (load.state, load.output_rows, load.input_files, load.labels) == ("DONE", 5500, 3, {"run": "one"})
    assert load.created <= load.started <= load.ended
    pages = [page.num_items for page in client.list_rows(dataset.table("trips"), page_size=2000).pages]
    assert pages == [2000, 2000, 1500]
    assert list(client.list_rows(dataset.table("trips"))) == list(client.list_rows(client.get_table(TRIPS)))
    [first] = client.list_rows(dataset.table("trips"), max_results=1)
    assert first["pickup_datetime"] == datetime.datetime(2019, 3, 1, 0, 3, 29, tzinfo=UTC)
    assert (first["passenger_count"], first["fare_amount"], first["pickup_longitude"]) == (3, 10.0, None)


def test_a_load_that_fails_raises_what_the_real_one_raises(client, bucket, dataset):
    bucket.blob("python/bad.csv").upload_from_string("1\nx\n")
    schema = bigquery.LoadJobConfig(schema=[SchemaField("i", "INTEGER")])

    def load(uri, config=schema, table="bad", **more):
        return client.load_table_from_uri(f"gs://{BUCKET}/python/{uri}", f"python_test.{table}", job_config=config, **more)

    failed = load("bad.csv")
    with pytest.raises(BadRequest, match="CSV table encountered too many errors"):
        failed.result()
    assert failed.error_result["reason"] == "invalid"
    assert failed.errors[-1]["location"] == f"gs://{BUCKET}/python/bad.csv"
    with pytest.raises(NotFound, match="Not found: URI"):
        load("none.csv").result()
    with pytest.raises(NotFound, match="Not found: Dataset local-project:nowhere"):
        client.load_table_from_uri(f"gs://{BUCKET}/x", "nowhere.t", job_config=schema)
    load("bad.csv", job_id="python-twice")
    with pytest.raises(Conflict, match="Already Exists: Job local-project:US.python-twice"):
        load("bad.csv", job_id="python-twice")
    other = bigquery.LoadJobConfig(schema=[SchemaField("i", "STRING")])
    client.create_table(bigquery.Table("local-project.python_test.typed", [SchemaField("i", "INTEGER")]))
    with pytest.raises(BadRequest, match="Provided Schema does not match Table local-project:python_test.typed"):
        load("bad.csv", other, "typed").result()


def test_queries_give_every_type(client):
    sql = """SELECT 1 AS i, 1.5 AS f, TRUE AS b, 'x' AS s, b'ab' AS bys, DATE '2019-03-23' AS d,
        TIME '10:00:00.25' AS tm, DATETIME '2019-03-23 10:00:00' AS dt,
        TIMESTAMP '2019-03-23 20:21:09.5 UTC' AS t, NUMERIC '1.50' AS n, JSON '{"a": 1}' AS j,
        CAST(NULL AS STRING) AS nil, CAST('-inf' AS FLOAT64) AS inf"""
    expected = {
        "i": 1,
        "f": 1.5,
        "b": True,
        "s": "x",
        "bys": b"ab",
        "d": datetime.date(2019, 3, 23),
        "tm": datetime.time(10, 0, 0, 250000),
        "dt": datetime.datetime(2019, 3, 23, 10),
        "t": datetime.datetime(2019, 3, 23, 20, 21, 9, 500000, tzinfo=UTC),
        "n": decimal.Decimal("1.5"),
        "j": {"a": 1},
        "nil": None,
        "inf": float("-inf"),
    }
    assert [dict(row) for row in client.query(sql).result()] == [expected]
    assert [dict(row) for row in client.query_and_wait(sql)] == [expected]


def test_queries_take_parameters_pages_and_destinations(client, dataset):
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter("least", "INT64", 3),
            bigquery.ScalarQueryParameter("since", "TIMESTAMP", datetime.datetime(2019, 3, 1, tzinfo=UTC)),
        ]
    )
    sql = f"SELECT COUNT(*) AS n FROM `{TRIPS}` WHERE passenger_count >= @least AND pickup_datetime >= @since"
    job = client.query(sql, job_config=config)
    [row] = job.result()
    assert 0 < row.n < 5500
    assert (job.statement_type, job.total_bytes_processed > 0, job.cache_hit) == ("SELECT", True, False)
    rows = client.query(f"SELECT * FROM `{TRIPS}`").result(page_size=3000)
    assert (rows.total_rows, [page.num_items for page in rows.pages]) == (5500, [3000, 2500])
    to_table = bigquery.QueryJobConfig(destination=dataset.table("copied"))
    client.query("SELECT 7 AS x", job_config=to_table).result()
    with pytest.raises(Conflict, match="Already Exists: Table"):
        client.query("SELECT 7 AS x", job_config=to_table).result()
    anonymous = client.query("SELECT 7 AS x")
    anonymous.result()
    assert [row.x for row in client.list_rows(anonymous.destination)] == [7]
    dry = client.query(f"SELECT * FROM `{TRIPS}`", job_config=bigquery.QueryJobConfig(dry_run=True))
    assert dry.total_bytes_processed > 0 and len(dry.schema) == 19


def test_changes_and_definitions_are_counted_and_seen(client, dataset):
    client.query("CREATE TABLE python_test.changing (x INT64 NOT NULL, y STRING)").result()
    with pytest.raises(Conflict):
        client.query("CREATE TABLE python_test.changing (x INT64)").result()
    inserted = client.query("INSERT INTO python_test.changing (x, y) VALUES (1, 'a'), (2, 'b')").result()
    assert inserted.num_dml_affected_rows == 2
    deleted = client.query("DELETE FROM python_test.changing WHERE x = 1")
    assert list(deleted.result()) == [] and deleted.num_dml_affected_rows == 1
    assert client.get_table("python_test.changing").num_rows == 1
    client.query("DROP TABLE python_test.changing").result()


def test_queries_that_cannot_run_raise_what_the_real_ones_raise(client):
    for run in (lambda sql: client.query(sql).result(), client.query_and_wait):
        with pytest.raises(BadRequest, match=r'Syntax error: Unexpected identifier "SELEC" at \[1:1\]'):
            run("SELEC 1")
        with pytest.raises(BadRequest, match=r"Unrecognized name: speeed at \[1:8\]"):
            run(f"SELECT speeed FROM `{TRIPS}`")
        with pytest.raises(NotFound, match="Not found: Table local-project:yellow.none was not found in location US"):
            run("SELECT * FROM yellow.none")


def test_jobs_are_listed_found_by_place_cancelled_and_forgotten(client):
    since = datetime.datetime.now(UTC) - datetime.timedelta(minutes=5)
    job = client.query("SELECT 1", job_id="python-listed", job_retry=None)
    job.result()
    listed = list(client.list_jobs(min_creation_time=since, state_filter="done", page_size=3, all_users=True))
    assert "python-listed" in [item.job_id for item in listed]
    assert client.get_job("python-listed", location="US").done()
    assert client.get_job("python-listed").job_type == "query"
    with pytest.raises(NotFound, match="Not found: Job local-project:EU.python-listed"):
        client.get_job("python-listed", location="EU")
    assert client.cancel_job("python-listed", location="US").state == "DONE"
    client.delete_job_metadata("python-listed", location="US")
    with pytest.raises(NotFound):
        client.get_job("python-listed", location="US")
