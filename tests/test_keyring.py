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
    module._answer.reset()
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
