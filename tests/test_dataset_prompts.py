from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.dataset.prompts import icl_prompts, zeroshot_prompt
from scoring.questions import Question

Q3, Q5, Q6 = Question.Q3, Question.Q5, Question.Q6


def image(image_id):
    return {"image": image_id}


def text(content):
    return {"text": content}


def test_zeroshot_is_all_images_then_the_prompt_unchanged():
    prompt = "  Describe <image> and <image>.\n"
    assert [image("b"), image("a"), text(prompt)] == zeroshot_prompt(prompt, ["b", "a"])


def test_icl_replaces_each_tag_by_the_next_image_of_the_row():
    prompts = {Q3: "One <image> two <image> three", Q5: "<image> five", Q6: "six <image>"}
    assert {
        Q3: [text("One"), image("a"), text("two"), image("b"), text("three")],
        Q5: [image("c"), text("five")],
        Q6: [text("six"), image("a")],
    } == icl_prompts(prompts, ["a", "b", "c", "a"], {"a", "b", "c"})


def test_the_index_runs_in_the_order_of_the_questions_not_of_the_mapping():
    prompts = {Q6: "<image>", Q5: "<image>", Q3: "<image>"}
    assert {Q3: [image("a")], Q5: [image("b")], Q6: [image("c")]} == icl_prompts(
        prompts, ["a", "b", "c"], {"a", "b", "c"}
    )


def test_an_unknown_id_leaves_no_image_but_uses_up_its_turn():
    prompts = {Q3: "One <image> two <image> three", Q5: "<image>five", Q6: "six"}
    assert {
        Q3: [text("One"), text("two"), image("b"), text("three")],
        Q5: [image("c"), text("five")],
        Q6: [text("six")],
    } == icl_prompts(prompts, ["gone", "b", "c"], {"b", "c"})


def test_tags_after_the_last_id_leave_nothing():
    prompts = {Q3: "One <image> two", Q5: "<image>five<image>", Q6: "six <image>"}
    assert {Q3: [text("One"), image("a"), text("two")], Q5: [text("five")], Q6: [text("six")]} == icl_prompts(
        prompts, ["a"], {"a"}
    )


def test_text_is_stripped_and_empty_text_dropped():
    prompts = {Q3: "\n <image> \t <image>\n\n  last line \n", Q5: "five", Q6: "   "}
    assert {Q3: [image("a"), image("b"), text("last line")], Q5: [text("five")], Q6: []} == icl_prompts(
        prompts, ["a", "b"], {"a", "b"}
    )


@given(
    st.lists(st.lists(st.text(alphabet="xy \n"), min_size=1, max_size=5), min_size=3, max_size=3),
    st.integers(0, 12),
)
def test_images_come_in_the_order_of_the_ids_and_no_more_than_tags(pieces, n_ids):
    prompts = {question: "<image>".join(texts) for question, texts in zip((Q3, Q5, Q6), pieces, strict=True)}
    ids = [f"i{number}" for number in range(n_ids)]
    parts = [part for question_parts in icl_prompts(prompts, ids, ids).values() for part in question_parts]
    n_tags = sum(len(texts) - 1 for texts in pieces)
    assert ids[:n_tags] == [part["image"] for part in parts if "image" in part]
