"""The fixture of the real engine gives a working OpenAI-compatible server."""

import base64
import io

import httpx
from PIL import Image


def test_real_engine_names_the_colour_of_a_plain_picture(real_engine):
    picture = io.BytesIO()
    Image.new("RGBA", (64, 64), (255, 0, 0, 255)).save(picture, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"
    content = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "What colour is it?"},
    ]
    body = {"model": "any", "max_tokens": 50, "messages": [{"role": "user", "content": content}]}
    reply = httpx.post(f"{real_engine}/chat/completions", json=body, timeout=60).json()
    assert reply["choices"][0]["message"]["content"] == "The answer is red."
    assert reply["usage"]["completion_tokens"] > 0
