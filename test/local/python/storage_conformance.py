"""What Google's own Python client must not notice about the local Cloud Storage. Run by storage-python.test.ts."""

import gzip
import os

import pytest
from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage


@pytest.fixture(scope="module")
def bucket():
    client = storage.Client(
        project="local-project",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": os.environ["STORAGE_API_ENDPOINT"]},
    )
    return client.create_bucket("python-bucket")


def test_an_upload_comes_back_with_its_checksums_verified(bucket):
    content = os.urandom(700_000)
    blob = bucket.blob("bytes")
    blob.upload_from_string(content, checksum="crc32c", if_generation_match=0)
    assert blob.download_as_bytes(checksum="crc32c") == content
    assert blob.download_as_bytes(checksum="md5") == content
    assert blob.download_as_bytes(start=5, end=9) == content[5:10]


def test_a_resumable_upload_in_chunks_comes_back_whole(bucket, tmp_path):
    path = tmp_path / "big"
    content = os.urandom(1_000_001)
    path.write_bytes(content)
    blob = bucket.blob("chunks", chunk_size=256 * 1024)
    blob.upload_from_filename(str(path), if_generation_match=0)
    assert bucket.get_blob("chunks").size == 1_000_001
    assert blob.download_as_bytes() == content


def test_a_precondition_that_fails_is_precondition_failed(bucket):
    blob = bucket.blob("guarded")
    blob.upload_from_string("one", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string("two", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=blob.generation + 1)
    with pytest.raises(PreconditionFailed):
        bucket.copy_blob(blob, bucket, "copy", if_source_generation_match=1)
    assert bucket.get_blob("copy") is None
    blob.metadata = {"colour": "yellow"}
    blob.patch(if_metageneration_match=1)
    assert bucket.get_blob("guarded").metageneration == 2
    blob.delete(if_generation_match=blob.generation)


def test_what_is_missing_is_not_found(bucket):
    assert bucket.get_blob("missing") is None
    with pytest.raises(NotFound):
        bucket.blob("missing").download_as_bytes()
    with pytest.raises(NotFound):
        bucket.blob("missing").delete()
    with pytest.raises(NotFound):
        list(bucket.client.list_blobs("no-such-bucket"))
    with pytest.raises(Conflict):
        bucket.client.create_bucket("python-bucket")


def test_lists_page_and_fold(bucket):
    for name in ["list/a", "list/b/1", "list/b/2", "list/c ü#?%", "list/d"]:
        bucket.blob(name).upload_from_string(name)
    blobs = bucket.client.list_blobs(bucket, prefix="list/", page_size=2)
    assert [blob.name for blob in blobs] == ["list/a", "list/b/1", "list/b/2", "list/c ü#?%", "list/d"]
    folded = bucket.client.list_blobs(bucket, prefix="list/", delimiter="/", page_size=2)
    assert [blob.name for blob in folded] == ["list/a", "list/c ü#?%", "list/d"]
    assert folded.prefixes == {"list/b/"}
    assert bucket.blob("list/c ü#?%").download_as_text() == "list/c ü#?%"


def test_rewrite_and_compose(bucket):
    parts = [bucket.blob("part-1"), bucket.blob("part-2")]
    for part in parts:
        part.upload_from_string(part.name)
    whole = bucket.blob("whole")
    whole.compose(parts, if_generation_match=0)
    assert whole.download_as_text() == "part-1part-2"
    moved = bucket.blob("moved")
    token, done, total = moved.rewrite(whole, if_generation_match=0)
    assert (token, done, total) == (None, 12, 12)
    with pytest.raises(PreconditionFailed):
        moved.rewrite(whole, if_generation_match=0)


def test_a_batch_does_all_its_calls(bucket):
    blobs = [bucket.blob(f"batch-{index}") for index in range(3)]
    for blob in blobs:
        blob.upload_from_string("x")
    with bucket.client.batch():
        for blob in blobs:
            blob.delete()
    assert list(bucket.client.list_blobs(bucket, prefix="batch-")) == []


def test_gzip_content_is_unpacked_on_the_way_and_kept_as_it_is(bucket):
    packed = gzip.compress(b"one line\n" * 1000)
    blob = bucket.blob("packed")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed)
    assert blob.download_as_bytes() == b"one line\n" * 1000
    assert blob.download_as_bytes(raw_download=True) == packed
