import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qcal_plugin.dataset.layout import FEWSHOT_FILE, SAMPLES_FILE
from tests.dataset_factory import tiny_dataset
from tests.hub_stand_in import HubStandIn

NAME = "nvidia/QCalEval"
SAMPLE = Path(__file__).parents[2] / "shared" / "qcaleval-sample"

SCRIPT = """
import json, sys
from qcal_plugin.dataset.prepare import DatasetError, prepare, resolve

def answer(verb, arguments):
    try:
        dataset = prepare(*arguments) if verb == "prepare" else None
        identity = dataset.identity if dataset else resolve(*arguments)
    except DatasetError as error:
        return {"error": str(error), "kind": type(error).__name__}
    return {
        "revision": identity.revision.partition("+")[0],
        "digest": identity.revision.partition("+")[2],
        "samples": len(dataset.samples) if dataset else None,
        "warnings": (dataset or identity).warnings,
        "imported": sorted({"datasets", "huggingface_hub"} & set(sys.modules)),
    }

print(json.dumps([answer(sys.argv[1], arguments) for arguments in json.loads(sys.argv[2])]))
"""


class Client:
    """Processes that resolve or prepare datasets, sharing one home folder."""

    def __init__(self, hub: HubStandIn, home: Path):
        self.hub = hub
        self.home = home

    def prepare(self, name=NAME, *revision, **environment):
        return self._run("prepare", [(name, *revision)], environment)[0]

    def resolve(self, name=NAME, *revision, **environment):
        return self._run("resolve", [(name, *revision)], environment)[0]

    def prepare_each(self, *calls):
        return self._run("prepare", calls, {})

    def _run(self, verb, calls, environment):
        variables = os.environ | self.hub.environment(self.home) | environment
        command = [sys.executable, "-c", SCRIPT, verb, json.dumps(calls)]
        run = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
        assert (0, "") == (run.returncode, run.stderr)
        return json.loads(run.stdout)


@pytest.fixture
def client(hub, tmp_path):
    return Client(hub, tmp_path / "home")


def other_content(tmp_path):
    changed = tiny_dataset()
    changed.samples[0]["q2_prompt"] = "Changed"
    return changed.write(tmp_path / "changed")


def test_the_revision_is_the_commit_and_a_warm_start_only_looks_it_up(client, hub, tiny_folder):
    commit = hub.publish(NAME, tiny_folder)
    assert {"revision": commit, "samples": 8, "warnings": []} == without_imports(client.prepare())
    assert 1 + 3 + 3 >= len(hub.requests)  # a look-up; headers and content of each file
    hub.requests.clear()
    warm = client.prepare()
    assert ["huggingface_hub"] == warm["imported"]
    assert [("HEAD", f"/datasets/{NAME}/resolve/main/experiment_config.json")] == hub.requests


def test_a_new_commit_is_noticed_and_an_old_one_can_be_pinned(client, hub, tiny_folder, tmp_path):
    first = hub.publish(NAME, tiny_folder)
    client.resolve()
    second = hub.publish(NAME, other_content(tmp_path))
    assert second == client.resolve()["revision"]
    assert first == client.prepare(NAME, first)["revision"]


def test_a_pinned_commit_needs_no_request_once_prepared(client, hub, tiny_folder):
    commit = hub.publish(NAME, tiny_folder)
    client.prepare(NAME, commit)
    hub.requests.clear()
    assert commit == client.prepare(NAME, commit)["revision"]
    assert [] == hub.requests


def test_other_files_under_the_same_commit_are_prepared_again(client, hub, tiny_folder, tmp_path):
    """As a mirror may serve them, or whoever writes the Hub's cache."""
    commit = hub.publish(NAME, tiny_folder)
    first = client.prepare(NAME, commit)
    (cached,) = client.home.rglob(f"snapshots/{commit}/{SAMPLES_FILE}")
    content = (other_content(tmp_path) / SAMPLES_FILE).read_bytes()
    cached.unlink()
    cached.write_bytes(content)
    other = client.prepare(NAME, commit)
    assert (commit, commit) == (first["revision"], other["revision"])
    assert first["digest"] != other["digest"]


def test_a_tag_is_resolved_to_its_commit(client, hub, tiny_folder, tmp_path):
    tagged = hub.publish(NAME, tiny_folder, ref="v1")
    hub.publish(NAME, other_content(tmp_path))
    assert tagged == client.resolve(NAME, "v1")["revision"]


def test_offline_the_hub_cache_is_enough_and_there_is_no_warning(client, hub, tiny_folder):
    commit = hub.publish(NAME, tiny_folder)
    client.prepare()
    hub.requests.clear()
    offline = client.prepare(HF_HUB_OFFLINE="1", QCAL_CACHE_DIR=str(client.home / "another"))
    assert {"revision": commit, "samples": 8, "warnings": []} == without_imports(offline)
    assert [] == hub.requests


def test_offline_after_a_second_commit_the_last_one_seen_is_used(client, hub, tiny_folder, tmp_path):
    hub.publish(NAME, tiny_folder)
    client.resolve()
    second = hub.publish(NAME, other_content(tmp_path))
    client.resolve()
    assert second == client.resolve(HF_HUB_OFFLINE="1")["revision"]


def test_an_unreachable_hub_is_a_warning_if_the_dataset_is_cached(client, hub, tiny_folder):
    commit = hub.publish(NAME, tiny_folder)
    client.prepare()
    hub.close()
    answer = client.prepare()
    host = hub.url.removeprefix("http://")
    assert commit == answer["revision"]
    reason = f"dataset {NAME}: {host} cannot be reached as a Hub (ConnectError)"
    assert [f"{reason}; using revision main as it was last seen, {commit}"] == answer["warnings"]


def test_a_failing_hub_is_a_warning_if_the_dataset_is_cached(client, hub, tiny_folder):
    hub.publish(NAME, tiny_folder)
    client.resolve()
    hub.failing = 500
    assert "answers with HTTP 500; using revision main as it was last seen" in client.resolve()["warnings"][0]


def test_a_dataset_that_is_gone_from_the_hub_is_not_taken_from_the_cache(client, hub, tiny_folder):
    hub.publish(NAME, tiny_folder)
    client.resolve()
    hub.repositories.clear()
    assert "DatasetNotFoundError" == client.resolve()["kind"]


def test_what_is_missing_is_reported_in_one_line(client, hub, tiny_folder):
    hub.publish(NAME, tiny_folder)
    hub.publish("gated/data", tiny_folder)
    hub.repositories["gated/data"].gated = True
    partial = hub.publish("partial/data", tiny_folder)
    del hub.repositories["partial/data"].commits[partial][FEWSHOT_FILE]
    host = hub.url.removeprefix("http://")
    expected = {
        ("nobody/nothing",): (
            f"dataset nobody/nothing: {host} has no such dataset, or it is private. For a private "
            "dataset set HF_TOKEN to a token that may read it"
        ),
        (NAME, "v9"): f"dataset {NAME}: there is no revision v9 on {host}",
        (NAME, "0" * 40): f"dataset {NAME}: there is no revision {'0' * 40} on {host}",
        ("gated/data",): (
            f"dataset gated/data: access is restricted. Accept its terms on {host} and set HF_TOKEN to a token of that "
            "account"
        ),
        ("bad id",): "dataset bad id: neither a folder nor a Hub id such as owner/name",
        ("partial/data",): f"dataset partial/data: {FEWSHOT_FILE} is missing in revision {partial} on {host}",
    }
    assert list(expected.values()) == [answer["error"] for answer in client.prepare_each(*expected)]


def test_a_hub_out_of_reach_without_a_cache_says_what_to_do(client, hub):
    hub.close()
    answer = client.prepare(HF_ENDPOINT=hub.url.replace("//", "//user:secret@"))
    assert "HubError" == answer["kind"]
    assert (
        "cannot be reached as a Hub (ConnectError), and experiment_config.json of revision main"
        in answer["error"]
    )
    assert "secret" not in answer["error"]


def test_offline_without_a_cache_says_what_to_do(client):
    answer = client.prepare(HF_HUB_OFFLINE="1")
    assert (
        f"dataset {NAME}: HF_HUB_OFFLINE is set, and experiment_config.json of revision main"
        in answer["error"]
    )


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="../shared/qcaleval-sample is not there")
def test_real_rows_are_prepared_through_the_hub(client, hub):
    commit = hub.publish(NAME, SAMPLE)
    assert {"revision": commit, "samples": 26, "warnings": []} == without_imports(client.prepare())


def without_imports(answer):
    return {key: value for key, value in answer.items() if key not in {"imported", "digest"}}
