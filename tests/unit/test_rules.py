"""The rules of a place: which version they are, and that nothing in them acts."""

from pathlib import Path

import pytest

from relay.auth.rules import LARGEST, Rules, of_place
from relay.errors import ConfigurationError


def rules(folder: Path, text: str | bytes) -> Rules:
    file = folder / "rules.md"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return of_place(str(file))


def test_without_a_file_there_are_ours() -> None:
    ours = of_place(None)
    assert ours.version == "relay-1"
    assert "Only adults" in ours.html
    assert "version" not in ours.html


@pytest.mark.parametrize("first", ["version: 2\n", "Version:2\r\n", "\ufeffversion: 2  \n", "\n version: 2\n"])
def test_a_first_line_says_the_version_and_is_not_shown(tmp_path: Path, first: str) -> None:
    assert rules(tmp_path, f"{first}\n# Be kind") == Rules("2", "<h1>Be kind</h1>\n")


def test_without_it_every_change_is_another_version_and_line_ends_are_none(tmp_path: Path) -> None:
    one = rules(tmp_path, "Be kind.\n")
    assert rules(tmp_path, "Be kind.\r\n").version == one.version
    assert rules(tmp_path, "Be kind!\n").version != one.version
    assert rules(tmp_path, "Be kind. version: 2\n").version != "2"


def test_with_it_a_change_of_the_text_alone_asks_nobody(tmp_path: Path) -> None:
    assert rules(tmp_path, "version: 2\nBe kind.").version == rules(tmp_path, "version: 2\nBe kind!").version


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick='x'>b</b>",
        "<!-- <svg/onload=alert(1)> -->",
        "![a](https://elsewhere.example/picture.png)",
        "[a](javascript:alert(1))",
        "[a](JaVa\tScript:alert(1))",
        "[a](  vbscript:x)",
        "[a](data:text/html,<script>alert(1)</script>)",
        "[a](//elsewhere.example)",
        "<javascript:alert(1)>",
        "[a][b]\n\n[b]: javascript:alert(1)",
        '[a](https://x.example "\\" onclick=\\"alert(1)")',
        "```js\n<script>alert(1)</script>\n```",
        "&lt;script&gt;",
    ],
)
def test_nothing_in_it_acts(tmp_path: Path, text: str) -> None:
    html = rules(tmp_path, text).html
    for tag in html.split("<")[1:]:
        name = tag.partition(">")[0]
        assert name.split(" ")[0].strip("/") in ("p", "a", "pre", "code"), html
        if name.startswith("a "):
            assert name.startswith('a href="http'), html
            assert " onclick=" not in name.replace('title="&quot; onclick=&quot;alert(1)"', ""), html
    assert "elsewhere.example" not in html or "<img" not in html


@pytest.mark.parametrize(
    "url", ["https://example.org/a?b=c", "http://example.org", "mailto:a@example.org", "/privacy", "#a"]
)
def test_links_to_pages_and_mailboxes_are_links(tmp_path: Path, url: str) -> None:
    assert f'href="{url}"' in rules(tmp_path, f"[a]({url})").html


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "empty"),
        (b"version: 2\n \n", "empty"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a" * (LARGEST + 1), "more than"),
        (b"version: a:b\nBe kind.", "version of the rules"),
        (b"version: " + b"1" * 33 + b"\nBe kind.", "version of the rules"),
    ],
)
def test_what_is_no_text_for_people_is_named(tmp_path: Path, text: bytes, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"rules\.md.*{fault}|{fault}.*rules\.md"):
        rules(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none.*can't be read"):
        of_place(str(tmp_path / "none"))
