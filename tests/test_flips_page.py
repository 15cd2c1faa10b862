"""The page of a comparison shows each item that flipped, with its plot and both answers; hostile text stays text."""

from html.parser import HTMLParser

from reports.__main__ import main
from tests.endpoint import Reply

pytest_plugins = ["pytester"]

HOSTILE = "Status: DAMPED <script>alert(1)</script>"


class Elements(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_what_was_fixed_and_broken_is_shown_with_its_plot(quick, endpoint, tiny_folder, tmp_path, capsys):
    options = [
        "--model-url",
        endpoint.base_url,
        "--dataset",
        str(tiny_folder),
        "--questions",
        "Q6",
        "-q",
        "--limit",
        "4",
    ]
    endpoint.script = lambda _: Reply("Status: SUCCESS")
    earlier = quick.run(*options, "--modes", "zeroshot", run_dir="earlier")
    endpoint.script = lambda _: Reply(HOSTILE)
    later = quick.run(*options, "--modes", "zeroshot", run_dir="later")
    page = tmp_path / "flips.html"

    assert 0 == main(
        ["compare", str(earlier.run_dir), str(later.run_dir), "--html", str(page), "--width", "80"]
    )

    elements = Elements(page.read_text())
    assert "2 fixed, 2 broken" in capsys.readouterr().out
    assert 4 == sum(tag == "details" for tag, _ in elements.tags)
    plots = [attrs["src"] for tag, attrs in elements.tags if tag == "img"]
    assert 4 == len(plots)
    assert all(plot.startswith("data:image/") for plot in plots)
    assert "script" not in {tag for tag, _ in elements.tags}
    assert "<script>alert(1)</script>" in elements.text
    assert "fixed: rabi_failure_damped_a Q6 (zero-shot), 0.0 to 100.0" in elements.text
