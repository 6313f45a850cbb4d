# SPDX-License-Identifier: GPL-2.0
"""The guest agent, run here on a pseudo terminal, and the frame reader."""
import os
import random
import socket
import subprocess
import tempfile
import threading
import tty
import unittest
from pathlib import Path

from hvhost.agent import (Agent, AgentError, AgentTimeout, CommandFailed,
                          FrameReader, frame)
from hvhost.initramfs import build_agent


class FrameReaderTest(unittest.TestCase):
    """Frames survive any split of the stream, and noise between them."""

    def test_noise_and_splits(self):
        random.seed(1)
        wanted = [(b"o", n, os.urandom(n)) for n in (0, 1, 4095, 4096)]
        stream = b"boot noise\xa5"
        for kind, ident, data in wanted:
            stream += frame(kind, ident, data) + b"\xa5\x5a noise"
        stream += frame(b"x", 9)
        reader, got = FrameReader(), []
        while stream:
            n = random.randint(1, 50)
            got += reader.feed(stream[:n])
            stream = stream[n:]
        self.assertEqual(got, [*wanted, (b"x", 9, b"")])

    def test_a_flipped_bit(self):
        bad = bytearray(frame(b"o", 1, b"data"))
        bad[13] ^= 1
        self.assertEqual(FrameReader().feed(bytes(bad) + frame(b"o", 2, b"y")),
                         [(b"o", 2, b"y")])


class AgentTest(unittest.TestCase):
    """Against the real agent program."""

    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temp.cleanup)
        program = build_agent(Path(cls.temp.name))
        master, slave = os.openpty()
        tty.setraw(master)
        cls.agent_process = subprocess.Popen(
            [str(program), os.ttyname(slave)], start_new_session=True)
        cls.addClassCleanup(cls.agent_process.wait)
        cls.addClassCleanup(cls.agent_process.kill)
        cls.path = os.path.join(cls.temp.name, "sock")
        server = socket.socket(socket.AF_UNIX)
        cls.addClassCleanup(server.close)
        server.bind(cls.path)
        server.listen(1)
        cls.agent = Agent(cls.path)
        connection, _ = server.accept()
        cls.addClassCleanup(connection.close)
        cls.addClassCleanup(cls.agent.close)

        def to_agent():
            while data := connection.recv(4096):
                os.write(master, data)

        def from_agent():
            try:
                while data := os.read(master, 4096):
                    connection.sendall(data)
            except OSError:
                pass	# the agent has ended

        for pump in (to_agent, from_agent):
            threading.Thread(target=pump, daemon=True).start()
        cls.agent.wait_up(10)

    def test_output_and_exit_code(self):
        result = self.agent.run("echo out; echo err >&2; exit 3", check=False)
        self.assertEqual((result.code, result.stdout, result.stderr),
                         (3, b"out\n", b"err\n"))

    def test_binary_output(self):
        self.assertEqual(
            self.agent.run(r"printf '\245\132\000\377\r\n\003'").stdout,
            b"\xa5\x5a\x00\xff\r\n\x03")

    def test_failure_is_raised(self):
        with self.assertRaisesRegex(CommandFailed, "exited with 7\nwhy"):
            self.agent.run("echo why; exit 7")

    def test_signal(self):
        job = self.agent.start("sleep 100")
        job.kill()
        self.assertEqual(job.wait(5).code, 137)

    def test_side_by_side(self):
        slow = self.agent.start("sleep 0.5; echo slow")
        self.assertEqual(self.agent.run("echo fast").text, "fast")
        self.assertTrue(slow.running)
        self.assertEqual(slow.wait(5).text, "slow")

    def test_a_process_left_behind(self):
        self.assertEqual(self.agent.run("sleep 5 & echo hi").text, "hi")

    def test_timeout(self):
        with self.assertRaisesRegex(AgentTimeout, "no answer in 0.2 s"):
            self.agent.run("sleep 2", timeout=0.2)

    def test_files(self):
        path = os.path.join(self.temp.name, "file")
        data = os.urandom(50000)
        self.agent.put(path, data, 0o640)
        self.assertEqual(self.agent.get(path), data)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)
        self.agent.put(path, b"")
        self.assertEqual(self.agent.get(path), b"")

    def test_half_frames(self):
        """Each way to lose the end of a frame costs no more than a wait."""
        whole = frame(b"P", 0, b"token")
        for length in (3, 8, 11, 13, len(whole) - 1):
            self.agent._socket.sendall(whole[:length])
            self.agent.wait_up(10)

    def test_no_such_file(self):
        with self.assertRaisesRegex(AgentError, "No such file"):
            self.agent.get("/no/such/file")

    def test_a_dead_guest_is_told(self):
        def check():
            raise RuntimeError("guest panic")

        agent = self.agent
        agent._check, saved = check, agent._check
        try:
            with self.assertRaisesRegex(RuntimeError, "guest panic"):
                agent.run("sleep 1")
        finally:
            agent._check = saved
