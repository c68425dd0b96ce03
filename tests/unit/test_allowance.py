"""How much one peer may send, on the frames engine: the twin of the core's own tests."""

from relay.media.frames.allowance import PACKETS_PER_SECOND, Allowance

BITRATE = 2_500_000


def test_what_is_too_much_in_a_second_is_refused_and_forgotten_after_it() -> None:
    allowance = Allowance(BITRATE)
    granted = [allowance.take(50, 10.0) for _ in range(PACKETS_PER_SECOND + 500)]
    assert sum(granted) == PACKETS_PER_SECOND
    assert allowance.is_used_up(10.9)
    assert not allowance.is_used_up(11.0)
    assert allowance.take(50, 11.0)


def test_few_large_packets_are_too_much_as_well() -> None:
    allowance = Allowance(BITRATE)
    # Three times 2.5 Mbit/s.
    assert sum(allowance.take(1_200, 0.0) for _ in range(1_500)) == 3 * BITRATE // 8 // 1_200
    assert allowance.is_used_up(0.5)


def test_who_is_told_to_send_little_may_still_send_a_picture() -> None:
    allowance = Allowance(200_000)
    assert sum(allowance.take(1_200, 0.0) for _ in range(500)) == 1_500_000 // 8 // 1_200


def test_the_last_byte_that_is_allowed_may_be_sent_and_none_after_it() -> None:
    allowance = Allowance(BITRATE)
    assert allowance.take(3 * BITRATE // 8 - 1, 0.0)
    assert not allowance.is_used_up(0.5)
    assert allowance.take(1, 0.5)
    assert allowance.is_used_up(0.5)
    assert not allowance.take(1, 0.5)
