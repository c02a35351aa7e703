"""What Google's Python client expects of Dataproc, asked of the local one."""

import os
import time
import uuid

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.cloud import dataproc_v1 as dataproc
from google.cloud.dataproc_v1.services.cluster_controller.transports import ClusterControllerGrpcTransport
from google.cloud.dataproc_v1.services.job_controller.transports import JobControllerGrpcTransport

PROJECT = os.environ["GOOGLE_CLOUD_PROJECT"]
REGION = os.environ["DATAPROC_REGION"]
ENDPOINT = os.environ["DATAPROC_API_ENDPOINT"].removeprefix("http://")
CONTROL = os.environ["DATAPROC_CONTROL_URL"]
HERE = {"project_id": PROJECT, "region": REGION}


@pytest.fixture(scope="module")
def clusters():
    channel = grpc.insecure_channel(ENDPOINT)
    return dataproc.ClusterControllerClient(transport=ClusterControllerGrpcTransport(channel=channel))


@pytest.fixture(scope="module")
def jobs():
    channel = grpc.insecure_channel(ENDPOINT)
    return dataproc.JobControllerClient(transport=JobControllerGrpcTransport(channel=channel))


@pytest.fixture(autouse=True)
def quick():
    settings = {"bootMs": 100, "deleteMs": 100, "updateMs": 50, "jobStartMs": 50, "jobMode": "instant"}
    requests.put(f"{CONTROL}/settings", json=settings).raise_for_status()
    requests.delete(f"{CONTROL}/faults").raise_for_status()


def name():
    return f"c-{uuid.uuid4().hex[:12]}"


def make(clusters, cluster_name, **fields):
    cluster = {"project_id": PROJECT, "cluster_name": cluster_name, "config": {}, **fields}
    return clusters.create_cluster(request={**HERE, "cluster": cluster, "request_id": str(uuid.uuid4())})


def pyspark(cluster_name):
    return {"placement": {"cluster_name": cluster_name}, "pyspark_job": {"main_python_file_uri": "gs://b/job.py"}}


def test_a_cluster_lives_from_its_creation_to_its_deletion(clusters):
    cluster_name = name()
    operation = make(clusters, cluster_name, labels={"env": "test"})
    cluster = operation.result(timeout=20)
    assert cluster.status.state == dataproc.ClusterStatus.State.RUNNING
    assert [status.state.name for status in cluster.status_history] == ["CREATING"]
    assert operation.metadata.operation_type == "CREATE"
    assert operation.metadata.cluster_uuid == cluster.cluster_uuid
    found = clusters.get_cluster(request={**HERE, "cluster_name": cluster_name})
    assert found.labels["env"] == "test" and found.config.config_bucket.startswith("dataproc-staging-")
    deletion = clusters.delete_cluster(
        request={**HERE, "cluster_name": cluster_name, "cluster_uuid": cluster.cluster_uuid}
    )
    deletion.result(timeout=20)
    assert deletion.metadata.operation_type == "DELETE"
    with pytest.raises(exceptions.NotFound):
        clusters.get_cluster(request={**HERE, "cluster_name": cluster_name})


def test_the_same_request_id_gives_the_same_operation(clusters):
    cluster = {"project_id": PROJECT, "cluster_name": name(), "config": {}}
    request = {**HERE, "cluster": cluster, "request_id": "once-and-again"}
    first, second = clusters.create_cluster(request=request), clusters.create_cluster(request=request)
    assert first.operation.name == second.operation.name
    assert first.result(timeout=20).cluster_uuid == second.result(timeout=20).cluster_uuid


@pytest.mark.parametrize(
    "fields",
    [
        {"cluster_name": "Bad_Name"},
        {"labels": {"Upper": "x"}},
        {"config": {"lifecycle_config": {"idle_delete_ttl": {"seconds": 60}}}},
        {"config": {"lifecycle_config": {"auto_delete_ttl": {"seconds": 60}}}},
        {"config": {"worker_config": {"num_instances": 1}}},
    ],
)
def test_what_is_invalid_is_refused(clusters, fields):
    with pytest.raises(exceptions.InvalidArgument):
        make(clusters, **{"cluster_name": name(), **fields})


def test_errors_come_as_the_clients_own_exceptions(clusters):
    cluster_name = name()
    make(clusters, cluster_name).result(timeout=20)
    with pytest.raises(exceptions.AlreadyExists):
        make(clusters, cluster_name)
    wrong = {**HERE, "cluster_name": cluster_name, "cluster_uuid": str(uuid.uuid4())}
    with pytest.raises(exceptions.NotFound):
        clusters.delete_cluster(request=wrong)


def test_a_failed_creation_raises_from_the_operation(clusters):
    requests.post(f"{CONTROL}/cluster-faults", json={"kind": "stockout", "times": 1}).raise_for_status()
    cluster_name = name()
    zone = {"gce_cluster_config": {"zone_uri": f"{REGION}-a"}}
    with pytest.raises(exceptions.ServiceUnavailable, match="does not have enough resources"):
        make(clusters, cluster_name, config=zone).result(timeout=20)
    found = clusters.get_cluster(request={**HERE, "cluster_name": cluster_name})
    assert found.status.state == dataproc.ClusterStatus.State.ERROR


def test_lists_are_filtered_and_paged(clusters):
    mark = uuid.uuid4().hex[:8]
    names = sorted(name() for _ in range(3))
    for operation in [make(clusters, cluster_name, labels={"mark": mark}) for cluster_name in names]:
        operation.result(timeout=20)
    request = {**HERE, "filter": f"status.state = ACTIVE AND labels.mark = {mark}", "page_size": 2}
    pager = clusters.list_clusters(request=request)
    pages = [[cluster.cluster_name for cluster in page.clusters] for page in pager.pages]
    assert pages == [names[:2], names[2:]]


def test_a_cluster_is_updated_and_diagnosed(clusters):
    cluster_name = name()
    make(clusters, cluster_name).result(timeout=20)
    updated = clusters.update_cluster(
        request={
            **HERE,
            "cluster_name": cluster_name,
            "cluster": {"labels": {"size": "l"}, "config": {"worker_config": {"num_instances": 3}}},
            "update_mask": {"paths": ["labels", "config.worker_config.num_instances"]},
        }
    ).result(timeout=20)
    assert (updated.labels["size"], updated.config.worker_config.num_instances) == ("l", 3)
    report = clusters.diagnose_cluster(request={**HERE, "cluster_name": cluster_name}).result(timeout=20)
    assert report.output_uri.startswith(f"gs://{updated.config.config_bucket}/")


def test_a_job_runs_and_is_found_again(clusters, jobs):
    cluster_name = name()
    make(clusters, cluster_name).result(timeout=20)
    job = jobs.submit_job(request={**HERE, "job": pyspark(cluster_name), "request_id": str(uuid.uuid4())})
    assert job.status.state == dataproc.JobStatus.State.PENDING
    found = wait(jobs, job.reference.job_id)
    assert found.status.state == dataproc.JobStatus.State.DONE
    assert [status.state.name for status in found.status_history] == ["PENDING", "SETUP_DONE", "RUNNING"]
    assert found.driver_output_resource_uri.startswith(found.driver_control_files_uri)
    listed = jobs.list_jobs(request={**HERE, "cluster_name": cluster_name})
    assert [one.reference.job_id for one in listed] == [job.reference.job_id]
    with pytest.raises(exceptions.FailedPrecondition):
        jobs.cancel_job(request={**HERE, "job_id": job.reference.job_id})
    jobs.delete_job(request={**HERE, "job_id": job.reference.job_id})
    with pytest.raises(exceptions.NotFound):
        jobs.get_job(request={**HERE, "job_id": job.reference.job_id})


def test_a_job_as_operation_returns_the_job(clusters, jobs):
    cluster_name = name()
    make(clusters, cluster_name).result(timeout=20)
    operation = jobs.submit_job_as_operation(request={**HERE, "job": pyspark(cluster_name)})
    job = operation.result(timeout=20)
    assert job.done and operation.metadata.job_id == job.reference.job_id


def test_a_running_job_is_cancelled(clusters, jobs):
    requests.put(f"{CONTROL}/settings", json={"jobMode": "stub", "jobMs": 600_000}).raise_for_status()
    cluster_name = name()
    make(clusters, cluster_name).result(timeout=20)
    job_id = jobs.submit_job(request={**HERE, "job": pyspark(cluster_name)}).reference.job_id
    wait(jobs, job_id, lambda job: job.status.state == dataproc.JobStatus.State.RUNNING)
    jobs.cancel_job(request={**HERE, "job_id": job_id})
    assert wait(jobs, job_id).status.state == dataproc.JobStatus.State.CANCELLED


def test_the_client_gets_over_a_lost_connection(clusters):
    cluster_name = name()
    make(clusters, cluster_name).result(timeout=20)
    requests.post(f"{CONTROL}/faults", json={"on": "GetCluster", "kind": "drop"}).raise_for_status()
    assert clusters.get_cluster(request={**HERE, "cluster_name": cluster_name}).cluster_name == cluster_name
    assert requests.get(f"{CONTROL}/faults").json()[0]["hits"] == 1


def wait(jobs, job_id, holds=lambda job: job.done):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        job = jobs.get_job(request={**HERE, "job_id": job_id})
        if holds(job):
            return job
        time.sleep(0.05)
    raise AssertionError(f"Job {job_id} did not get there: {job.status}")
