"""First come, first served; large ones wait, but not for ever."""

from capotasto.serve.waiting import PASSED, Waiting


def test_small_ones_pass_a_large_one_only_so_often():
    waiting = Waiting()
    waiting.add("large")
    for i in range(PASSED + 3):
        waiting.add(f"small {i}")
    passed = [waiting.next(lambda one: one != "large") for _ in range(PASSED + 1)]
    assert passed == [*(f"small {i}" for i in range(PASSED)), None]
    assert waiting.next(lambda _: True) == "large"
    assert waiting.next(lambda _: True) == f"small {PASSED}"
    assert len(waiting) == 2


def test_who_is_removed_is_not_next():
    waiting = Waiting()
    one, other = object(), object()
    waiting.add(one)
    waiting.add(other)
    assert waiting.remove(one)
    assert not waiting.remove(one)
    assert list(waiting) == [other]
    assert waiting.next(lambda _: False) is None
