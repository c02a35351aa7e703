"""What users of Airflow 3's official client do with it, unchanged, before the gateway. Each test is named by its use."""

import os
import time
import uuid

import pytest
import requests
from airflow_client.client import ApiClient, Configuration
from airflow_client.client.api.dag_run_api import DagRunApi
from airflow_client.client.api.monitor_api import MonitorApi
from airflow_client.client.api.task_instance_api import TaskInstanceApi
from airflow_client.client.api.version_api import VersionApi
from airflow_client.client.exceptions import ApiException
from airflow_client.client.models.dag_run_patch_body import DAGRunPatchBody
from airflow_client.client.models.trigger_dag_run_post_body import TriggerDAGRunPostBody
from google.auth.transport.requests import Request
from google.oauth2 import service_account

DAG = "average-speed"
PATIENCE = 60


@pytest.fixture(scope="module")
def client():
    credentials = service_account.IDTokenCredentials.from_service_account_file(
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"], target_audience=os.environ["IAP_CLIENT_ID"]
    )
    credentials.refresh(Request())
    configuration = Configuration(host=os.environ["GATEWAY_URL"], access_token=credentials.token)
    with ApiClient(configuration) as api_client:
        yield api_client


@pytest.fixture
def runs(client):
    return DagRunApi(client)


def trigger(runs, run_id, raw_path):
    conf = {"raw_path": raw_path, "output_table": os.environ["OUTPUT_TABLE"]}
    return runs.trigger_dag_run(DAG, TriggerDAGRunPostBody(dag_run_id=run_id, conf=conf, note="by the client"))


def states(client, run_id):
    found = TaskInstanceApi(client).get_task_instances(DAG, run_id)
    assert found.total_entries == len(found.task_instances)
    return {task.task_id: task.state and task.state.value for task in found.task_instances}


def test_looks_before_it_asks(client):
    assert MonitorApi(client).get_health().metadatabase.status == "healthy"
    assert VersionApi(client).get_version().version.startswith("3.")


def test_triggers_waits_and_reads(client, runs):
    run_id = os.environ["GOOD_RUN_ID"]
    run = trigger(runs, run_id, os.environ["GOOD_RAW_PATH"])
    assert (run.dag_id, run.dag_run_id, run.state.value) == (DAG, run_id, "running")
    assert run.conf["raw_path"] == os.environ["GOOD_RAW_PATH"]
    assert run.note == "by the client"

    runs.wait_dag_run_until_finished(DAG, run_id, interval=1, _request_timeout=PATIENCE)
    ended = runs.get_dag_run(DAG, run_id)
    assert ended.state.value == "success"
    assert ended.end_date > ended.start_date
    assert ended.duration == pytest.approx((ended.end_date - ended.start_date).total_seconds(), abs=0.01)
    assert set(states(client, run_id).values()) == {"success"}


def test_is_told_of_a_run_id_that_exists(runs):
    with pytest.raises(ApiException) as refused:
        trigger(runs, os.environ["GOOD_RUN_ID"], os.environ["GOOD_RAW_PATH"])
    assert refused.value.status == 409


def test_is_told_of_a_run_that_does_not_exist(runs):
    with pytest.raises(ApiException) as refused:
        runs.get_dag_run(DAG, f"none-{uuid.uuid4()}")
    assert refused.value.status == 404


def test_cancels(client, runs):
    slow = requests.put(f"{os.environ['DATAPROC_CONTROL_URL']}/settings", json={"bootMs": 600_000}, timeout=10)
    slow.raise_for_status()
    run_id = os.environ["HELD_RUN_ID"]
    trigger(runs, run_id, os.environ["HELD_RAW_PATH"])
    deadline = time.monotonic() + PATIENCE
    while states(client, run_id)["createCluster"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    patched = runs.patch_dag_run(DAG, run_id, DAGRunPatchBody(state="failed"))
    assert patched.dag_run_id == run_id
    runs.wait_dag_run_until_finished(DAG, run_id, interval=1, _request_timeout=PATIENCE)
    assert runs.get_dag_run(DAG, run_id).state.value == "failed"
    assert states(client, run_id)["createCluster"] == "failed"


def test_lists(runs):
    def listed(**filters):
        page = runs.get_dag_runs(DAG, **filters)
        return page.total_entries, {run.dag_run_id for run in page.dag_runs}

    good, held = os.environ["GOOD_RUN_ID"], os.environ["HELD_RUN_ID"]
    assert listed(limit=10, order_by=["-start_date"]) == (2, {good, held})
    assert listed(state=["success"]) == (1, {good})
    assert listed(state=["failed"]) == (1, {held})
    assert listed(state=["running", "queued"]) == (0, set())
    assert listed(limit=1, offset=2) == (2, set())
