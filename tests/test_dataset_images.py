import base64
import contextlib
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from qcal_plugin.dataset.images import ImageError, store_image, to_rgba_png
from qcal_plugin.dataset.prepared import image_file
from tests.dataset_factory import png


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(content):
    return Image.open(io.BytesIO(content))


def test_an_rgba_png_goes_out_byte_for_byte():
    original = png(5, size=(31, 17))
    assert original == to_rgba_png(original)


@pytest.mark.parametrize("mode", ["RGB", "P", "L", "LA", "1"])
def test_other_pngs_become_rgba_with_equal_pixels(mode):
    original = png(5, mode=mode, size=(31, 17))
    sent = opened(to_rgba_png(original))
    assert ("PNG", "RGBA") == (sent.format, sent.mode)
    assert opened(original).convert("RGBA").tobytes() == sent.tobytes()


def test_transparency_of_a_palette_is_kept():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    sent = opened(to_rgba_png(encoded(image, transparency=1)))
    assert (0, 255, 0, 0) == sent.getpixel((0, 0))


def test_sixteen_bits_are_sent_as_eight():
    image = Image.new("I;16", (4, 4), 200)
    sent = opened(to_rgba_png(encoded(image)))
    assert "RGBA" == sent.mode


def test_a_photograph_is_turned_upright():
    image = Image.new("RGB", (20, 10))
    exif = image.getexif()
    exif[0x0112] = 6
    assert (10, 20) == opened(to_rgba_png(encoded(image, "JPEG", exif=exif))).size
    assert (10, 20) == opened(to_rgba_png(encoded(image.convert("RGBA"), exif=exif))).size


def test_formats_that_run_programs_are_not_opened():
    with pytest.raises(ImageError, match="not a readable image"):
        to_rgba_png(encoded(Image.new("RGB", (4, 4)), "EPS"))


def test_a_stored_image_is_the_base64_text_of_what_is_sent(tmp_path):
    original = png(3)
    stored = store_image(original, tmp_path)
    text = (tmp_path / image_file(stored.sha256)).read_bytes()
    assert base64.b64encode(original) == text
    assert hashlib.sha256(original).hexdigest() == stored.sha256
    assert hashlib.sha256(text).hexdigest() == stored.base64_sha256
    assert len(text) == stored.size_bytes


@pytest.mark.parametrize("damage", [b"", b"AAAA", base64.b64encode(png(4))])
def test_a_stored_image_is_made_from_the_original_whatever_the_folder_held(tmp_path, damage):
    stored = store_image(png(3, mode="RGB"), tmp_path)
    path = tmp_path / image_file(stored.sha256)
    text = path.read_bytes()
    path.write_bytes(damage)
    assert stored == store_image(png(3, mode="RGB"), tmp_path)
    assert text == path.read_bytes()


def test_a_stored_image_is_not_written_again(tmp_path, monkeypatch):
    stored = store_image(png(3, mode="RGB"), tmp_path)
    monkeypatch.setattr("qcal_plugin.dataset.images.write_file", None)
    assert stored == store_image(png(3, mode="RGB"), tmp_path)


def test_many_at_once_leave_one_whole_file(tmp_path):
    originals = [png(number % 3, size=(200, 200)) for number in range(30)]
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda original: store_image(original, tmp_path), originals))
    assert 3 == len({image.sha256 for image in stored})
    assert sorted({image_file(image.sha256) for image in stored}) == sorted(
        path.name for path in tmp_path.iterdir()
    )


@settings(max_examples=300)
@given(data=st.data(), mode=st.sampled_from(["RGBA", "RGB", "P"]))
def test_no_damage_raises_anything_but_an_image_error(data, mode):
    content = bytearray(png(9, mode=mode))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(content)))
    with contextlib.suppress(ImageError):
        opened(to_rgba_png(bytes(content[:cut]))).load()
