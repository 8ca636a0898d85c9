"""A Jupyter kernel for Lua 5.4: ipykernel speaks Jupyter's protocol, a lua5.4 child (child.lua) runs the cells.

Requests go to the child through one pipe and its replies and displays come through another, each a line of JSON; what
it prints comes through its standard output and error. Every display and every end of a cell waits for what was printed
before it, so that the notebook keeps the order. An interrupt is passed to the child alone; a child that dies is told
with its signal, and a new one takes its place.

    python lubdub_kernel.py --lua lua5.4 [--tree folder/of/lua] -f connection_file
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys

from IPython.core.error import StdinNotImplementedError
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

HERE = os.path.dirname(os.path.abspath(__file__))
PIECE = 65536


def option(name, default=None):
    """Takes `--name value` out of the command line, which ipykernel reads next."""
    if name not in sys.argv:
        return default
    at = sys.argv.index(name)
    value = sys.argv[at + 1]
    del sys.argv[at:at + 2]
    return value


def before_exec():
    os.setpgid(0, 0)  # the terminal's Ctrl-C and Jupyter's signals come through us, and once
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: the child ends with us
    except (OSError, AttributeError):
        pass  # not Linux: the child ends at its next read


class Died(Exception):
    pass


class Child:
    """The Lua process and its four pipes."""

    def __init__(self, lua, tree):
        to_child, self.requests = os.pipe()
        self.replies, from_child = os.pipe()
        environment = dict(os.environ)
        if tree:  # a checkout's lubdub comes before an installed one
            environment["LUBDUB_KERNEL_TREE"] = tree

        self.process = subprocess.Popen(
            [lua, os.path.join(HERE, "child.lua"), str(to_child), str(from_child)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=before_exec, env=environment,
            pass_fds=(to_child, from_child))
        os.close(to_child)
        os.close(from_child)
        self.streams = {self.process.stdout.fileno(): "stdout", self.process.stderr.fileno(): "stderr"}
        self.partial = {number: b"" for number in self.streams}
        self.pending = b""

    def send(self, request):
        line = json.dumps(request).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self.requests, line):]
        except BrokenPipeError:
            raise Died from None

    def drain(self, write, wait):
        """Passes on what was printed; returns whether a reply has come."""
        ready, _, _ = select.select([*self.streams, self.replies], [], [], wait)
        for number in ready:
            if number in self.streams:
                data = os.read(number, PIECE)
                if not data:
                    del self.streams[number]
                    continue
                self.write_text(number, data, write)
        return self.replies in ready

    def write_text(self, number, data, write):
        # A character that is cut in two waits for its end.
        data, cut = self.partial[number] + data, 0
        for back in range(1, min(4, len(data)) + 1):
            byte = data[-back]
            if byte >= 0xC0:
                length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
                cut = back if back < length else 0
                break
            if byte < 0x80:
                break
        self.partial[number] = data[len(data) - cut:]
        text = data[:len(data) - cut].decode("utf-8", "replace")
        if text:
            write(self.streams[number], text)

    def next(self, write):
        """The next reply; what was printed before it has been written by then."""
        while b"\n" not in self.pending:
            dead = self.process.poll() is not None  # asked first: what it had to say is in the pipes by then
            ready = self.drain(write, 0 if dead else 0.5)
            if not ready and not dead:
                continue
            data = os.read(self.replies, PIECE) if ready else b""
            if not data:
                self.drain_all(write)
                raise Died
            self.pending += data
        self.drain_all(write)
        line, self.pending = self.pending.split(b"\n", 1)
        reply = json.loads(line.decode("utf-8", "replace"))
        if reply["kind"] == "end":
            for number, rest in self.partial.items():
                if rest:
                    self.partial[number] = b""
                    write(self.streams.get(number, "stdout"), "\ufffd")
        return reply

    def drain_all(self, write):
        while self.streams and select.select(list(self.streams), [], [], 0)[0]:
            self.drain(write, 0)

    def interrupt(self):
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGINT)

    def obituary(self):
        try:
            status = self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if status < 0:
            try:
                name = signal.Signals(-status).name
            except ValueError:
                name = "?"
            return f"was ended by signal {-status} ({name})"
        return f"ended with status {status}"

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for number in (self.requests, self.replies):
            os.close(number)
        self.process.stdout.close()
        self.process.stderr.close()


class LuaKernel(Kernel):
    implementation = "lubdub"
    implementation_version = "1"
    banner = "Lua 5.4, with lubdub: lubdub.help() is the way in"
    language_info = {"name": "lua", "version": "5.4", "mimetype": "text/x-lua", "file_extension": ".lua",
                     "pygments_lexer": "lua", "codemirror_mode": "lua"}
    help_links = [{"text": "Lua 5.4 manual", "url": "https://www.lua.org/manual/5.4/"}]

    lua = "lua5.4"
    tree = None
    child = None
    asking = False  # whether somebody is being asked for a line

    # ---- the child

    def talk(self, request, write=None):
        """Sends a request and yields what comes back until its end; displays are to be acknowledged."""
        if not self.child:
            self.child = Child(self.lua, self.tree)
        write = write or (lambda *_: None)
        self.child.send(request)
        while True:
            reply = self.child.next(write)
            yield reply
            if reply["kind"] == "end":
                return

    def ask(self, request, default):
        """A question that is answered at once: completion, inspection."""
        try:
            for reply in self.talk(request):
                return reply
        except Died:
            self.bury()
        return default

    def bury(self):
        words = self.child.obituary()
        self.child.close()
        self.child = None
        return words

    # ---- Jupyter's requests

    async def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, *,
                         cell_meta=None, cell_id=None):
        def write(name, text):
            if not silent:
                self.send_response(self.iopub_socket, "stream", {"name": name, "text": text})

        def on_interrupt(*_):
            if self.child:
                self.child.interrupt()
            if self.asking:
                raise KeyboardInterrupt

        if not code.strip():
            return self.done({}, None)
        self._allow_stdin = allow_stdin  # what raw_input asks
        old = signal.signal(signal.SIGINT, on_interrupt)
        try:
            reply = {}
            request = {"kind": "execute", "code": code, "number": self.execution_count, "silent": silent}
            for reply in self.talk(request, write):
                self.handle(reply, silent, allow_stdin)
            return self.done(reply, silent)
        except Died:
            words = self.bury()
            said = f"the Lua process {words}; a new one starts with the next cell, without this one's variables"
            return self.failed("LuaProcessDied", said, [said], silent)
        finally:
            signal.signal(signal.SIGINT, old)

    def handle(self, reply, silent, allow_stdin):
        kind = reply["kind"]
        if kind == "display":
            if not silent:
                self.send_response(self.iopub_socket, "display_data",
                                   {"data": reply["data"], "metadata": reply.get("metadata") or {}})
            self.child.send({})
        elif kind == "result":
            if not silent:
                self.send_response(self.iopub_socket, "execute_result",
                                   {"execution_count": self.execution_count, "data": reply["data"], "metadata": {}})
            self.child.send({})
        elif kind == "clear":
            self.send_response(self.iopub_socket, "clear_output", {"wait": bool(reply.get("wait"))})
            self.child.send({})
        elif kind == "input":
            answer = {"error": "nobody is there to be asked"}
            try:
                if allow_stdin:
                    self.asking = True
                    answer = {"text": self.raw_input(reply.get("prompt") or "")}
            except (KeyboardInterrupt, EOFError):
                answer = {"error": "interrupted!"}
            except StdinNotImplementedError:
                pass  # this front end has no place to type in
            finally:
                self.asking = False
            self.child.send(answer)

    def done(self, reply, silent):
        error = reply.get("error")
        if error:
            return self.failed("Interrupted" if reply.get("interrupted") else "Error", error,
                               reply.get("traceback") or [error], silent)
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}

    def failed(self, name, message, traceback, silent):
        content = {"ename": name, "evalue": message, "traceback": traceback}
        if not silent:
            self.send_response(self.iopub_socket, "error", content)
        return {"status": "error", "execution_count": self.execution_count, **content}

    async def do_complete(self, code, cursor_pos):
        before = code[:cursor_pos]
        reply = self.ask({"kind": "complete", "code": before}, {})
        start = cursor_pos - len(reply.get("stem") or "")
        return {"status": "ok", "matches": list(reply.get("matches") or []), "cursor_start": start,
                "cursor_end": cursor_pos, "metadata": {}}

    async def do_inspect(self, code, cursor_pos, detail_level=0, omit_sections=()):
        reply = self.ask({"kind": "inspect", "before": code[:cursor_pos], "after": code[cursor_pos:]}, {})
        text = reply.get("text")
        return {"status": "ok", "found": bool(text), "data": {"text/plain": text} if text else {}, "metadata": {}}

    async def do_is_complete(self, code):
        reply = self.ask({"kind": "is_complete", "code": code}, {})
        status = reply.get("status") or "unknown"
        return {"status": status, "indent": "  "} if status == "incomplete" else {"status": status}

    async def do_shutdown(self, restart):
        if self.child:
            self.child.close()
            self.child = None
        return {"status": "ok", "restart": restart}


if __name__ == "__main__":
    LuaKernel.lua = option("--lua", "lua5.4")
    LuaKernel.tree = option("--tree")
    IPKernelApp.launch_instance(kernel_class=LuaKernel)
