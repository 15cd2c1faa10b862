"""The whole output of one small session, as a user sees it."""

import re

from tests.dataset_factory import tiny_dataset
from tests.endpoint import Reply
from tests.scripts import by_model, by_text, error, judge_reply

pytest_plugins = ["pytester"]

VOLATILE = [
    (r"^(platform|rootdir:|configfile:|plugins:|asyncio:).*\n", ""),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"qcal: \d+/\d+, [^\n]*\n", ""),  # progress: there is some if the machine is slow
    (r"sha256:[0-9a-f]{64}(\+[0-9a-f]{32}|\+[0-9a-f]+\n +[0-9a-f]+)?", "sha256:DIGEST"),
    (r"in \d+\.\d+s", "in N s"),
    (r"=+( .* in N s )=+", r"=\1="),
]


def test_terminal_output_of_a_small_run(quick, endpoint, snapshot):
    """One sample: right and wrong answers, an item without an answer, and one that its judge did not grade."""
    tiny_dataset().write(quick.folder / "tiny-dataset")
    endpoint.models = ("my-vlm", "judge-a")
    nonsense = by_text({"Significance": "I would rather not."}, lambda request: judge_reply([1, 0.5, 0]))
    answers = by_text(
        {
            "Question 2": "Classification: Expected behavior",
            "Question 6": "Status: DAMPED",
            "Question 5": "{}",
        },
        lambda request: (
            error(400, "Too many tokens.") if "Question 4" in request.text else Reply("Status: SUCCESS")
        ),
    )
    endpoint.script = by_model({"my-vlm": answers, "judge-a": nonsense})

    result = quick.run(
        *("--model-url", endpoint.base_url, "--model=my-vlm", "--judge-url", endpoint.base_url),
        *("--judge-model=judge-a", "--dataset=tiny-dataset", "--limit=1", "-ra", "--retries=0"),
    )

    shown = result.out
    for pattern, replacement in VOLATILE:
        shown = re.sub(pattern, replacement, shown, flags=re.MULTILINE)
    assert snapshot == shown
