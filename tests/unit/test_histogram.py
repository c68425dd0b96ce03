from relay.observe.histogram import Histogram


def test_a_value_counts_in_its_bucket_and_all_above() -> None:
    times = Histogram((1.0, 2.0, 5.0))
    for value in (0.5, 1.5, 9.0):
        times.observe(value)
    assert times.buckets() == [("1.0", 1.0), ("2.0", 2.0), ("5.0", 2.0), ("+Inf", 3.0)]
    assert (times.count, times.sum) == (3, 11.0)


def test_a_value_on_a_bound_is_not_above_it() -> None:
    times = Histogram((1.0,))
    times.observe(1.0)
    assert times.buckets()[0] == ("1.0", 1.0)


def test_without_values_every_bucket_is_empty() -> None:
    assert Histogram((1.0,)).buckets() == [("1.0", 0.0), ("+Inf", 0.0)]
