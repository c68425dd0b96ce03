"""Secret keys: kept whole or not at all, read by nobody else, and taking turns without an end of what they signed."""

import datetime
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from relay.auth import keys
from relay.auth.keys import ACCEPTED, FILE, TERM, Keys, given, is_private, kept, read
from relay.errors import ConfigurationError

TODAY = datetime.date(2026, 12, 1)
DATA = b"some data"


def test_a_tag_is_worth_something_for_its_purpose_and_its_data_alone() -> None:
    ours = Keys.temporary()
    tag = ours.sign("visitor", DATA)
    assert ours.check("visitor", DATA, tag)
    assert not ours.check("other", DATA, tag)
    assert not ours.check("visitor", DATA + b" ", tag)
    assert not Keys.temporary().check("visitor", DATA, tag)


@pytest.mark.parametrize("tag", [b"", b"\0" * 32, b"x" * 31, b"x" * 10_000])
def test_what_is_no_tag_is_refused(tag: bytes) -> None:
    assert not Keys.temporary().check("visitor", DATA, tag)


def test_a_pseudonym_is_of_its_kind_and_of_its_server(tmp_path: Path) -> None:
    ours = kept(tmp_path, TODAY)
    assert ours.pseudonym("visitor", DATA) == kept(tmp_path, TODAY).pseudonym("visitor", DATA)
    assert ours.pseudonym("visitor", DATA) != ours.pseudonym("address", DATA)
    assert ours.pseudonym("visitor", DATA) != Keys.temporary().pseudonym("visitor", DATA)


def test_they_are_made_once_and_for_nobody_else_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    tag = kept(folder, TODAY).sign("visitor", DATA)
    assert kept(folder, TODAY).check("visitor", DATA, tag)
    assert given(folder / FILE).check("visitor", DATA, tag)
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert is_private(folder / FILE)
    assert [file.name for file in folder.iterdir()] == [FILE]


def test_servers_that_start_at_once_take_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: kept(tmp_path, TODAY).sign("visitor", DATA), range(32)))
    assert len(set(made)) == 1
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_what_was_signed_is_believed_until_the_key_after_the_next(tmp_path: Path) -> None:
    ours = kept(tmp_path, TODAY)
    first = ours.sign("visitor", DATA)
    pepper, audit = ours.pseudonym("visitor", DATA), ours.audit_key.public_key()
    ours.look_again(TODAY + TERM - datetime.timedelta(days=1))
    assert ours.sign("visitor", DATA) == first, "its term is not over"
    ours.look_again(TODAY + TERM)
    assert ours.sign("visitor", DATA) != first
    assert ours.check("visitor", DATA, first)
    ours.look_again(TODAY + 2 * TERM)
    assert not ours.check("visitor", DATA, first)
    assert len(read(tmp_path / FILE).signing) == ACCEPTED
    assert (ours.pseudonym("visitor", DATA), ours.audit_key.public_key()) == (pepper, audit)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_server_takes_what_another_one_has_turned(tmp_path: Path) -> None:
    one, other = kept(tmp_path, TODAY), kept(tmp_path, TODAY)
    one.look_again(TODAY + TERM)
    tag = one.sign("visitor", DATA)
    assert not other.check("visitor", DATA, tag)
    other.look_again(TODAY + TERM)
    assert other.sign("visitor", DATA) == tag


def test_keys_that_the_operator_gives_are_read_again_and_never_written(tmp_path: Path) -> None:
    kept(tmp_path, TODAY)
    before = (tmp_path / FILE).read_bytes()
    ours = given(tmp_path / FILE)
    ours.look_again(TODAY + 10 * TERM)
    assert (tmp_path / FILE).read_bytes() == before
    keys.replace(tmp_path / FILE, read(tmp_path / FILE).turned(TODAY))
    ours.look_again(TODAY)
    assert ours.sign("visitor", DATA) == given(tmp_path / FILE).sign("visitor", DATA)


def test_those_that_could_not_be_kept_at_first_are_kept_later(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.touch()
    with pytest.raises(OSError, match="state"):
        kept(folder, TODAY)
    ours = Keys.temporary(folder / FILE, TODAY)
    tag = ours.sign("visitor", DATA)
    with pytest.raises(OSError, match="state"):
        ours.look_again(TODAY)
    folder.unlink()
    ours.look_again(TODAY)
    assert kept(folder, TODAY).check("visitor", DATA, tag)


def test_one_that_is_cut_off_at_any_byte_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    kept(tmp_path, TODAY)
    file = tmp_path / FILE
    whole = file.read_bytes().rstrip()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(ConfigurationError, match="not whole"):
            kept(tmp_path, TODAY)
        assert file.read_bytes() == whole[:length]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"signing": [], "pepper": "", "audit": ""}',
        b'{"signing": [], "pepper": "' + b"A" * 44 + b'", "audit": "' + b"A" * 44 + b'"}',
        b"{" * 100_000,
    ],
)
def test_what_is_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ConfigurationError, match="not whole"):
        kept(tmp_path, TODAY)


def test_short_keys_are_refused(tmp_path: Path) -> None:
    kept(tmp_path, TODAY)
    document = msgspec.json.decode((tmp_path / FILE).read_bytes())
    (tmp_path / FILE).write_bytes(msgspec.json.encode({**document, "pepper": "AAAA"}))
    with pytest.raises(ConfigurationError, match="not whole"):
        kept(tmp_path, TODAY)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_one_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    kept(tmp_path, TODAY)
    (tmp_path / FILE).chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        kept(tmp_path, TODAY)


def test_one_that_others_may_read_is_told_of(tmp_path: Path) -> None:
    kept(tmp_path, TODAY)
    (tmp_path / FILE).chmod(0o644)
    assert not is_private(tmp_path / FILE)


def test_one_that_can_not_be_read_is_named_and_stays(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigurationError, match="can't be read: Is a directory"):
        kept(tmp_path, TODAY)
    assert (tmp_path / FILE).is_dir()


@pytest.mark.parametrize("what", ["none", "folder"])
def test_keys_that_are_given_and_not_there_are_named(tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigurationError, match=f"{what} can't be read"):
        given(tmp_path / what)
