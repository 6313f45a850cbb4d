# SPDX-License-Identifier: GPL-2.0
"""A small client for QEMU's machine protocol: why the machine stopped, and where its CPUs are."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any, Callable


class QmpError(Exception):
    """QEMU refused a command, or is gone."""


class Qmp:
    """Commands from any thread; events go to a callback on the reader's thread."""

    def __init__(self, path: str, on_event: Callable[[str, dict[str, Any]], None]) -> None:
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.connect(path)
        self._file = self._sock.makefile("r", encoding="utf-8")
        self._on_event = on_event
        self._lock = threading.Lock()
        self._answers: dict[int, dict[str, Any]] = {}
        self._cond = threading.Condition()
        self._next_id = 0
        self._closed = False
        self._file.readline()		# greeting
        threading.Thread(target=self._read, daemon=True).start()
        self.command("qmp_capabilities")

    def _read(self) -> None:
        try:
            for line in self._file:
                msg = json.loads(line)
                if "event" in msg:
                    self._on_event(msg["event"], msg.get("data", {}))
                    continue
                with self._cond:
                    self._answers[msg.get("id", -1)] = msg
                    self._cond.notify_all()
        except (OSError, ValueError):
            pass
        with self._cond:
            self._closed = True
            self._cond.notify_all()

    def command(self, name: str, timeout: float = 10.0, **arguments: Any) -> Any:
        with self._lock:
            self._next_id += 1
            ident = self._next_id
            request = {"execute": name, "arguments": arguments, "id": ident}
            try:
                self._sock.sendall(json.dumps(request).encode() + b"\n")
            except OSError as err:
                raise QmpError(f"{name}: {err}") from err
        with self._cond:
            if not self._cond.wait_for(lambda: ident in self._answers or self._closed, timeout):
                raise QmpError(f"{name}: no answer in {timeout} s")
            answer = self._answers.pop(ident, None)
        if answer is None:
            raise QmpError(f"{name}: QEMU is gone")
        if "error" in answer:
            raise QmpError(f"{name}: {answer['error'].get('desc')}")
        return answer["return"]

    def human(self, line: str) -> str:
        """A command of the human monitor."""
        return self.command("human-monitor-command", **{"command-line": line})

    def close(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._sock.close()
