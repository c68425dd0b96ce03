import asyncio

import pytest

from relay.tasks import Tasks


class Reports:
    def __init__(self) -> None:
        self.failures: list[tuple[str, BaseException]] = []

    def __call__(self, task: str, failure: BaseException) -> None:
        self.failures.append((task, failure))


async def test_closing_cancels_and_awaits_everything() -> None:
    tasks, ended = Tasks("test", Reports()), []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    tasks.start("work", work())
    await asyncio.sleep(0)
    await tasks.close()
    await tasks.close()
    assert ended == ["cleaned up"]
    assert len(tasks) == 0


async def test_a_failure_is_reported_once_with_its_name_and_spares_the_others() -> None:
    reports = Reports()
    tasks = Tasks("owner", reports)
    failure = ValueError("broken")

    async def fail() -> None:
        raise failure

    other = tasks.start("other", asyncio.Event().wait())
    await asyncio.wait([tasks.start("fail", fail())])
    assert reports.failures == [("owner: fail", failure)]
    assert not other.done()
    await tasks.close()


async def test_nothing_starts_after_the_end() -> None:
    tasks = Tasks("test", Reports())
    await tasks.close()
    with pytest.raises(RuntimeError, match="closed"):
        tasks.start("late", asyncio.Event().wait())


async def test_finishing_lets_work_end_by_itself() -> None:
    tasks, ended = Tasks("test", Reports()), []

    async def work() -> None:
        await asyncio.sleep(0)
        ended.append("done")

    tasks.start("work", work())
    await tasks.finish()
    assert ended == ["done"]
