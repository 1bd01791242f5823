from __future__ import annotations

import sys
import threading

import pytest

from activitysmith_jupyter import _keyring as module
from activitysmith_jupyter._settings import resolve

KEY = "ask_W0nderful-5ecret"


def test_keyring_is_asked_once_a_process(keystore):
    """Also when it has nothing: nobody is asked for a password twice."""
    assert resolve().api_key is None
    assert resolve().api_key is None
    assert len(keystore.asked) == 1


def test_keyring_is_not_asked_when_told_not_to_or_disabled(keystore):
    """Looking there may show a prompt."""
    assert resolve(ask_keyring=False).api_key is None
    assert resolve(disabled=True).api_key is None
    assert keystore.asked == []


def test_keyring_that_fails_is_no_key(keystore):
    """Locked, no backend, or broken."""

    def fail():
        raise RuntimeError(KEY)

    keystore.answer = fail
    assert resolve().api_key is None


@pytest.mark.parametrize("stored", ["", None, "two words"])
def test_keyring_without_a_usable_key_is_no_key(keystore, stored):
    """What it holds is somebody else's."""
    keystore.answer = lambda: stored
    assert resolve().api_key is None


def test_keyring_that_is_not_installed_is_no_key(monkeypatch):
    """It is an optional extra."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setattr(module, "_question", None)
    assert resolve().api_key is None


def test_keyring_that_hangs_is_left_behind(keystore, monkeypatch):
    """Nobody waits for a prompt that nobody sees."""
    monkeypatch.setattr(module, "_KEYRING_SECONDS", 0.01)
    release, done = threading.Event(), threading.Event()

    def hang():
        release.wait(10)
        done.set()
        return KEY

    keystore.answer = hang
    assert resolve().api_key is None
    assert not done.is_set()
    release.set()
    assert done.wait(10)


def together(count, act):
    """Call a function in several threads at once and return what they got."""
    ready, got = threading.Barrier(count), []

    def run():
        ready.wait(10)
        got.append(act())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return got


def test_keyring_that_several_threads_need_at_once_answers_them_all(keystore, monkeypatch):
    """Two bars that begin together find the same key, and the store is asked once."""
    monkeypatch.setattr(module, "_KEYRING_SECONDS", 10.0)
    waiting, original = threading.Semaphore(0), module._Question.answer

    def counted(question):
        waiting.release()
        return original(question)

    def answer():
        for _ in range(4):  # only once all four wait for it
            assert waiting.acquire(timeout=10)
        return KEY

    monkeypatch.setattr(module._Question, "answer", counted)
    keystore.answer = answer
    found = together(4, lambda: resolve().api_key)
    assert [key.reveal() for key in found] == [KEY] * 4
    assert len(keystore.asked) == 1


def test_keyring_that_hangs_holds_up_no_thread_beyond_the_one_bound(monkeypatch):
    """Who comes later waits for the rest of the same time, and who comes after it not at all."""
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    question = module._Question()
    waits = []
    monkeypatch.setattr(question._answered, "wait", waits.append)
    for moment in (100.0, 101.5, 102.0, 200.0):
        now[0] = moment
        assert question.answer() is None
    assert waits == [2.0, 0.5, 0.0, 0.0]


def test_keyring_that_answers_late_is_heard_from_then_on(keystore, monkeypatch):
    """Somebody took a while to unlock it: what begins later has the key, unasked."""
    monkeypatch.setattr(module, "_KEYRING_SECONDS", 0.01)
    release = threading.Event()

    def slowly():
        release.wait(10)
        return KEY

    keystore.answer = slowly
    assert resolve().api_key is None
    release.set()
    assert module._question._answered.wait(10)
    assert resolve().api_key.reveal() == KEY
    assert len(keystore.asked) == 1


def test_keyring_answer_that_comes_after_a_logout_is_not_heard(keystore, monkeypatch):
    """What was forgotten meanwhile stays forgotten."""
    monkeypatch.setattr(module, "_KEYRING_SECONDS", 0.01)
    release = threading.Event()

    def slowly():
        release.wait(10)
        return KEY

    keystore.answer = slowly
    assert resolve().api_key is None
    pending = module._question
    module.note_keyring_key(None)
    release.set()
    assert pending._answered.wait(10)
    assert resolve().api_key is None


def test_keyring_without_a_thread_to_ask_it_is_no_key(keystore, monkeypatch):
    """The interpreter is about to end, say: nobody hears of it."""

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert resolve().api_key is None
    assert keystore.asked == []
