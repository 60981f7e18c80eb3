"""Logs that are sent to a server, which runs on this machine."""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

import cornu
from cornu.callbacks import RemoteMonitor
from cornu.errors import InvalidArgumentError


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.received.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """A server that keeps the requests it receives."""
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.received, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def trained(monitor):
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[monitor]).history


def address_of(server):
    return f"http://127.0.0.1:{server.server_port}"


def test_logs_arrive_as_json(server):
    logs = trained(RemoteMonitor(address_of(server), path="/here", headers={"X-Run": "7"}, send_as_json=True))
    assert [path for path, _, _ in server.received] == ["/here"] * 2
    assert [headers["X-Run"] for _, headers, _ in server.received] == ["7"] * 2
    assert server.received[0][1]["Content-Type"] == "application/json"
    values = [json.loads(body) for _, _, body in server.received]
    assert values == [{"epoch": epoch, "loss": logs["loss"][epoch]} for epoch in range(2)]


def test_logs_arrive_in_a_field_of_a_form(server):
    logs = trained(RemoteMonitor(address_of(server), field="mine"))
    path, headers, body = server.received[1]
    assert path == "/publish/epoch/end/"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert json.loads(urllib.parse.parse_qs(body)["mine"][0]) == {"epoch": 1, "loss": logs["loss"][1]}


def test_arrays_in_the_logs_become_lists(server):
    monitor = RemoteMonitor(address_of(server), send_as_json=True)
    monitor.on_epoch_end(3, {"shares": np.float32([0.5, 0.25]), "count": np.int64(2)})
    assert json.loads(server.received[0][2]) == {"epoch": 3, "shares": [0.5, 0.25], "count": 2}


def test_training_goes_on_without_an_answer(server):
    server.status = 500
    with pytest.warns(UserWarning, match=r"`RemoteMonitor` could not send the logs to http://127.0.0.1:\d+/.*: .*500"):
        assert len(trained(RemoteMonitor(address_of(server)))["loss"]) == 2
    with pytest.warns(UserWarning, match="could not send the logs"):
        trained(RemoteMonitor("http://127.0.0.1:9"))


def test_other_schemes_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"`RemoteMonitor` received `root='file:///etc'`. It must be an address"):
        RemoteMonitor("file:///etc")
