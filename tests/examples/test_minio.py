"""The MinIO example: its files are well-formed, and what they set up works on another S3 server."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml
from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "minio"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
PRINTED = re.search(r"prints\n\n(.*?)\n\n-", (FOLDER / "README.md").read_text(), re.DOTALL)

# The elements of the Compose specification that the file may use.
SERVICE = {"image", "command", "environment", "volumes", "ports", "healthcheck", "depends_on", "entrypoint"}


def test_b60_the_compose_file():
    """It has nothing that the specification has not, no `version`, and every image has its own."""
    assert COMPOSE.keys() == {"services", "volumes"}
    for service in COMPOSE["services"].values():
        assert service.keys() <= SERVICE
        assert re.fullmatch(r"quay\.io/minio/\w+:RELEASE\.\d{4}-\d\d-\d\dT[\d-]+Z", service["image"])
    server, initializer = COMPOSE["services"].values()
    assert server["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert initializer["depends_on"] == {"object-storage": {"condition": "service_healthy"}}
    named = {volume.partition(":")[0] for volume in server["volumes"]}
    assert named == COMPOSE["volumes"].keys()
    for volume in initializer["volumes"]:
        assert (FOLDER / volume.partition(":")[0]).is_file()


def test_b60_docker_reads_it():
    """Where Docker Compose is installed, it agrees."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        assert COMPOSE["services"].keys() == {"object-storage", "object-storage-initializer"}
        return
    done = subprocess.run(
        [docker, "compose", "config", "--quiet"], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_b60_the_commands():
    """Compose takes a service that ends for a failure where it is told to wait, so only the server is waited for."""
    ending = {name for name, service in COMPOSE["services"].items() if "healthcheck" not in service}
    for name in ("README.md", "compose.yaml"):
        lines = [line.strip(" #").split() for line in (FOLDER / name).read_text().splitlines()]
        commands = [words[2:] for words in lines if words[:2] == ["docker", "compose"]]
        waited, run = ({*words} & COMPOSE["services"].keys() for words in commands)
        assert "--wait" in commands[0]
        assert waited == COMPOSE["services"].keys() - ending
        assert (commands[1][0], run) == ("run", ending)


def test_b60_the_script():
    """It is a shell's, asks for the command of today, and makes the buckets that the settings name."""
    script = FOLDER / "make-buckets.sh"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    text = script.read_text()
    assert "mc policy" not in text
    for name, value in dotenv_values(FOLDER / ".env.example", interpolate=False).items():
        if name.endswith("_URI"):
            bucket = value.removeprefix("s3://").strip("/")
            assert f"mc mb --ignore-existing object-storage/{bucket}\n" in text
            assert re.search(rf"mc anonymous set \w+ object-storage/{bucket}\n", text)


@pytest.fixture
def buckets(ministack):
    """A bucket that everybody may read, as `mc anonymous set download` makes it, and one as it is from the start."""
    public, private = ministack.make_bucket(), ministack.make_bucket()
    s3 = boto3.client(
        "s3",
        endpoint_url=ministack.endpoint,
        region_name=ministack.region,
        aws_access_key_id=ministack.access_key,
        aws_secret_access_key=ministack.secret_key,
    )
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{public.name}/*"],
    }
    s3.delete_public_access_block(Bucket=public.name)  # of AWS, not of MinIO
    s3.put_bucket_policy(Bucket=public.name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return public, private


def test_b60_the_application(buckets, tmp_path):
    """It prints what its README says: anybody reads the one bucket, nobody the other without a signed URL."""
    public, private = buckets
    text = (FOLDER / ".env.example").read_text()
    for old, new in {
        '"minioadmin","aws_secret': f'"{public.server.access_key}","aws_secret',
        '"aws_secret_access_key":"minioadmin"': f'"aws_secret_access_key":"{public.server.secret_key}"',
        "http://localhost:9000": public.server.endpoint,
        "s3://public/": f"s3://{public.name}/",
        "s3://private/": f"s3://{private.name}/",
    }.items():
        assert old in text
        text = text.replace(old, new)
    env = tmp_path / ".env"
    env.write_text(text)
    done = subprocess.run(
        [sys.executable, str(FOLDER / "app.py"), str(env)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [line.strip() for line in PRINTED[1].splitlines()]
    assert public.keys() == private.keys() == []
