import subprocess
import sys

READS_THEM_ALL = """
from scoring.dispatch import Scorer, score
from scoring.final_answer import thought_flags
from scoring.judge_reply import BadReply, read_reply
from scoring.key_points import judge_prompt
from scoring.suspicions import suspicious
from scoring.questions import Question
from tests.scoring_inputs import REFERENCES, grades_for

N = 200_000
UNITS = ["[", "]", "[]", "{", "{}", '{"a":', '{"a":[', "[1,", '"', "```", "```json\\n[", "*", " ", "\\n", ".", "=", "!",
         "Status:", "Status: ", "Status:\\n", "Classification:", "Assessment:**", "A", "_", "<think>", "</think>", "<|",
         "key points ", "give ", "as a ", "9", "1e",
         "[THINK]", "<|channel|>", "<|channel|>final<|message|>", "analysis", "\\\\boxed{", "\\\\", "\\u2028"]
TEXTS = [unit * (N // len(unit)) for unit in UNITS]
TEXTS += ["[" * (N // 2) + "]" * (N // 2), "Status:" + " " * N + "x", "Classification:" + "*" * N, "!" * N + "a",
          "Assessment: Reliable" + "." * N + "a", "x " * (N // 2) + "SUCCESS"]
for text in TEXTS:
    for question in Question:
        for scorer in Scorer:
            score(question, text, REFERENCES[question], grades_for(question), scorer=scorer)
    thought_flags(text), suspicious(text), judge_prompt(Question.Q3, text, REFERENCES[Question.Q3])
    try:
        read_reply(text, 3)
    except BadReply:
        pass
print(len(TEXTS), "texts")
"""


def test_texts_of_200_kb_are_scored_without_quadratic_time():
    """Linear readers need about two seconds for all of them.

    A quadratic one needs minutes for a single one.
    """
    done = subprocess.run(
        [sys.executable, "-c", READS_THEM_ALL], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "45 texts\n"
