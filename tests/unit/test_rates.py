import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.settings import RatesSettings
from relay.ledger.bucket import TokenBucket, full
from relay.session.rates import Activity, RateLimiter


def test_a_third_of_a_minutes_rate_may_come_at_once_and_the_rest_in_time() -> None:
    limiter = RateLimiter(RatesSettings(rate_skip=60))
    assert [limiter.take(Activity.SKIP, 0.0) for _ in range(20)] == [0.0] * 20
    assert limiter.take(Activity.SKIP, 0.0) == pytest.approx(1.0)
    assert limiter.take(Activity.SKIP, 0.5) == pytest.approx(0.5)
    assert limiter.take(Activity.SKIP, 1.0) == 0.0


def test_each_activity_has_a_bucket_of_its_own() -> None:
    limiter = RateLimiter(RatesSettings(rate_offer=1, rate_chat=3))
    assert limiter.take(Activity.OFFER, 0.0) == 0.0
    assert limiter.take(Activity.OFFER, 0.0) > 0
    assert limiter.take(Activity.CHAT, 0.0) == 0.0


@given(st.lists(st.floats(0, 3), max_size=100))
def test_no_timing_gets_more_than_the_rate(pauses: list[float]) -> None:
    bucket, now, taken = TokenBucket(2.0, 5.0, 5.0, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now) == 0
        assert taken <= 5 + 2.0 * now + 1e-6


def test_more_than_may_be_owed_is_forgiven() -> None:
    bucket = full(2.0, 10.0, 0.0, most_owed=5.0)
    bucket.charge(0.0, 1_000.0)
    assert (bucket.left(0.0), bucket.wait(0.0)) == (-5.0, 2.5)
    assert bucket.left(2.5) == 0.0
    unbounded = full(2.0, 10.0, 0.0)
    unbounded.charge(0.0, 1_000.0)
    assert unbounded.left(0.0) == -990.0
