"""Posts as the script of the replaced system does: an ID token from a service-account file, no Content-Type."""

import argparse
import json
import sys

import requests
from google.auth.transport.requests import Request
from google.oauth2 import service_account

parser = argparse.ArgumentParser()
parser.add_argument("--url", required=True)
parser.add_argument("--iapClientId", required=True)
parser.add_argument("--credentials", required=True)
parser.add_argument("--run_id", required=True)
parser.add_argument("--raw_path", required=True)
parser.add_argument("--as_literal", action="store_true", help="send conf as Python prints it")
arguments = parser.parse_args()

# The raw path's last folder with another kind, relative to the bucket: one without, one with a slash at the end.
folder = arguments.raw_path.removeprefix("gs://").split("/", 1)[1].rstrip("/")
conf = {
    "raw_path": arguments.raw_path,
    "transformed_path": folder.replace("raw-", "transformed-"),
    "failed_path": folder.replace("raw-", "failed-") + "/",
}
credentials = service_account.IDTokenCredentials.from_service_account_file(
    arguments.credentials, target_audience=arguments.iapClientId
)
credentials.refresh(Request())
body = {"run_id": arguments.run_id, "conf": str(conf) if arguments.as_literal else json.dumps(conf)}
response = requests.post(
    arguments.url,
    headers={"Authorization": f"Bearer {credentials.token}"},
    data=json.dumps(body),
    timeout=30,
)
print(response.text)
sys.exit(0 if response.status_code == 200 else 1)
