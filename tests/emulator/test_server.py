import io
import json
import re
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from activitysmith_jupyter.emulator import Emulator, ManualClock, __main__


@pytest.fixture
def emulator():
    """Return a served emulator under a clock that stands still."""
    with Emulator(clock=ManualClock()) as running:
        yield running


@pytest.fixture
def client(emulator):
    """Return a client with the emulator's key."""
    headers = {"Authorization": f"Bearer {emulator.api_key}"}
    with httpx.Client(base_url=emulator.base_url, headers=headers, timeout=10) as made:
        yield made


def put(client, percentage=1, key="train"):
    """Send a stream's PUT."""
    state = {"title": "T", "type": "progress", "percentage": percentage}
    return client.put(f"/live-activity/stream/{key}", json={"content_state": state})


def test_emulator_serves_on_a_free_loopback_port(emulator, client):
    """It has a port of its own on 127.0.0.1, and a key like the service's."""
    assert emulator.base_url == f"{emulator.url}api"
    assert emulator.url.startswith("http://127.0.0.1:")
    assert emulator.api_key.startswith("ask_")
    assert emulator.api_key not in repr(emulator)
    assert put(client).json()["operation"] == "started"
    with Emulator() as other:
        assert other.url != emulator.url


def test_emulator_that_is_closed_refuses_connections(capfd):
    """After the block the port is closed, nothing was logged, and it does not start again."""
    with Emulator() as emulator:
        url = emulator.base_url
        assert httpx.get(url).status_code == 401
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    emulator.close()
    with pytest.raises(RuntimeError, match="closed"):
        emulator.start()
    assert capfd.readouterr() == ("", "")


def test_emulator_that_is_not_started_says_how_to():
    """There is no address before the start."""
    with pytest.raises(RuntimeError, match="with Emulator"):
        _ = Emulator().base_url
    assert "not started" in repr(Emulator())
    assert Emulator(serve=False).base_url == "http://127.0.0.1/api"


def test_emulator_on_a_taken_port_raises(emulator):
    """A taken port is an error of the caller's, not the end of the process."""
    port = httpx.URL(emulator.url).port
    with pytest.raises(OSError, match="in use"):
        Emulator(port=port).start()


def test_emulator_serves_many_threads_at_once(emulator, client):
    """Requests from many threads are each carried out once."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: put(client, n % 100, f"key{n % 4}"), range(80)))
    assert all(answer.status_code == 200 for answer in answers)
    assert len(emulator.requests) == 80
    started = [each for each in answers if each.json()["operation"] == "started"]
    assert len(started) == len(emulator.phone.cards) == 4


def test_wait_for_returns_as_soon_as_it_holds(emulator, client):
    """A waiting test sees the change, and a wait in vain says what came instead."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(emulator.wait_for, lambda: emulator.phone.cards, 10)
        put(client)
        assert waiting.result()[0]["stream_key"] == "train"
    with pytest.raises(TimeoutError, match="PUT /live-activity/stream/train 200"):
        emulator.wait_for(lambda: False, 0.01)


def test_wait_for_sees_the_clock_advance(emulator, client):
    """A manual clock's advance lets whoever waits look again."""
    put(client)
    client.delete("/live-activity/stream/train")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(emulator.wait_for, lambda: not emulator.phone.cards, 10)
        emulator.clock.advance(120)
        assert waiting.result() is True


def test_manual_clock_does_not_go_backwards(emulator):
    """Time goes one way."""
    with pytest.raises(ValueError, match="backwards"):
        emulator.clock.advance(-1)


# --- faults on the wire --------------------------------------------------------------------------


def test_fault_of_a_reset_closes_the_connection_without_an_answer(emulator, client):
    """The client sees the connection end, and whether the push arrived is as ordered."""
    emulator.faults.add("reset", times=1)
    emulator.faults.add("reset", times=1, after=True)
    for arrived in (0, 1):
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.post("/push-notification", json={"title": "T"})
        assert len(emulator.phone.pushes) == arrived
    assert put(client).status_code == 200


def test_fault_of_a_hang_lasts_until_released(emulator, client):
    """A hung request is visible, without a status, and goes on when released."""
    emulator.faults.add("hang", times=1)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(put, client)
        emulator.wait_for(lambda: emulator.requests)
        assert emulator.requests[0].status is None
        assert not emulator.phone.cards
        emulator.faults.release()
        assert hanging.result().json()["operation"] == "started"
    assert emulator.requests[0].status == 200


def test_fault_of_a_hang_ends_when_the_emulator_closes():
    """Closing lets a hung client go, with an error of the connection."""
    with Emulator() as emulator, ThreadPoolExecutor(1) as pool:
        emulator.faults.add("hang")
        hanging = pool.submit(httpx.post, f"{emulator.base_url}/badge", timeout=10)
        emulator.wait_for(lambda: emulator.requests)
        emulator.close()
        with pytest.raises(httpx.TransportError):
            hanging.result()


def test_fault_of_a_hang_meets_the_client_s_timeout(emulator, client):
    """A client with a timeout gives up, and the emulator carries on."""
    emulator.faults.add("hang", times=1)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/badge", json={"badge": 1}, timeout=0.05)
    assert client.post("/badge", json={"badge": 1}).status_code == 200


def test_body_beyond_the_limit_is_too_large_on_the_wire(client):
    """A client that sends too much reads its 413, also when it names no length."""
    big = b"x" * (2 * 1024 * 1024)
    assert client.post("/badge", content=big).status_code == 413
    assert client.post("/badge", content=iter([big])).status_code == 413


def test_request_that_is_no_http_leaves_the_emulator_unharmed(emulator, client):
    """Rubbish on the socket is nobody's error."""
    address = ("127.0.0.1", httpx.URL(emulator.url).port)
    with socket.create_connection(address) as raw:
        raw.sendall(b"\x00\x01 rubbish\r\n\r\n")
        raw.shutdown(socket.SHUT_WR)
        raw.recv(1000)
    assert put(client).status_code == 200
    emulator.check()


# --- the phone page's events ---------------------------------------------------------------------


def test_events_send_the_phone_at_once_and_after_each_change(emulator, client):
    """A watcher gets the present state, then every change, as HTML."""
    with httpx.stream("GET", f"{emulator.url}_emulator/events", timeout=10) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = (
            json.loads(line.removeprefix("data: "))
            for line in response.iter_lines()
            if line.startswith("data: ")
        )
        first = next(events)
        state = {"title": "Bake <b>", "type": "alert", "message": "m"}
        client.put("/live-activity/stream/train", json={"content_state": state})
        second = next(events)
        assert second["revision"] > first["revision"]
        assert "Bake &lt;b&gt;" in second["html"]
        emulator.clock.advance(1)
        assert next(events)["revision"] > second["revision"]


def test_events_end_when_the_emulator_closes():
    """A watcher's stream ends with the emulator."""
    emulator = Emulator().start()
    with httpx.stream("GET", f"{emulator.url}_emulator/events", timeout=10) as response:
        lines = response.iter_lines()
        next(lines)
        emulator.close()
        assert not [line for line in lines if line.startswith("data")]


# --- command line --------------------------------------------------------------------------------


def test_command_line_prints_how_to_use_it_and_serves(monkeypatch):
    """The first lines name the page, the base URL and the key, and the address works."""
    until = threading.Event()
    lines = Lines()
    monkeypatch.setattr(sys, "stdout", lines)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            __main__.main, ["--port", "0", "--limit", "1", "--metric", "loss"], until=until
        )
        try:
            assert lines.flushed.wait(10)
            text = lines.getvalue()
            export = "export ACTIVITYSMITH_BASE_URL="
            base_url = next(line.split("=")[1] for line in text.splitlines() if export in line)
            assert "ACTIVITYSMITH_API_KEY=ask_local_emulator" in text
            headers = {"Authorization": "Bearer ask_local_emulator"}
            for key, status in (("loss", 200), ("other", 404)):
                url = f"{base_url}/metrics/{key}/value"
                answer = httpx.post(url, json={"value": 1}, headers=headers)
                assert answer.status_code == status
        finally:
            until.set()
        assert running.result(10) == 0


class Lines(io.StringIO):
    """A standard output that says when it was flushed."""

    def __init__(self):
        super().__init__()
        self.flushed = threading.Event()

    def flush(self):
        """Remember it."""
        self.flushed.set()


def test_command_line_ends_cleanly_on_ctrl_c(capsys):
    """Ctrl-C closes the port and is a success, without a traceback."""

    class Interrupted(threading.Event):
        def wait(self, *_):
            raise KeyboardInterrupt

    assert __main__.main(["--port", "0"], until=Interrupted()) == 0
    output = capsys.readouterr()
    address = re.search(r"http://\S+/", output.out)[0]
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)
    assert output.err == ""


def test_command_line_with_a_taken_port_says_so(emulator, capsys):
    """A taken port is one line and a status."""
    port = str(httpx.URL(emulator.url).port)
    assert __main__.main(["--port", port]) == 1
    assert f"127.0.0.1:{port}" in capsys.readouterr().err


def test_command_line_with_a_wrong_setting_says_so(capsys):
    """A limit of nothing is refused before anything is opened."""
    assert __main__.main(["--limit", "0"]) == 2
    assert "limit" in capsys.readouterr().err


def test_import_of_the_emulator_loads_no_server():
    """Importing the package of the emulator is cheap, and the name is there when asked for."""
    code = (
        "import sys, activitysmith_jupyter.emulator as e;"
        "assert not {'werkzeug', 'httpx'} & set(sys.modules), 'loaded';"
        "assert 'Emulator' in dir(e); e.Emulator; assert 'werkzeug' in sys.modules"
    )
    root = Path(__main__.__file__).parents[2]
    # A fresh interpreter with code of our own.
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_emulator_package_has_no_other_names():
    """A misspelt name is an AttributeError."""
    import activitysmith_jupyter.emulator as package

    with pytest.raises(AttributeError, match="Emulatr"):
        _ = package.Emulatr
