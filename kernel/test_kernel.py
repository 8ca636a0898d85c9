"""The kernel as a front end meets it, through jupyter_client. spec/kernel_spec.lua runs this where Jupyter is there.

    LUA=lua5.4 python3 kernel/test_kernel.py [-v]
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = int(os.environ.get("PATIENCE", 120))  # seconds; only a kernel that hangs takes so long


class Kernel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from jupyter_client.manager import KernelManager

        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([HERE + "/install.sh", cls.folder.name + "/kernels"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "PYTHON": sys.executable})
        os.environ["JUPYTER_PATH"] = cls.folder.name
        os.environ["IPYTHONDIR"] = os.environ["JUPYTER_RUNTIME_DIR"] = cls.folder.name
        cls.manager = KernelManager(kernel_name="lubdub")
        cls.manager.start_kernel(cwd=cls.folder.name)
        cls.client = cls.manager.client()
        cls.client.start_channels()
        cls.client.wait_for_ready(timeout=PATIENCE)

    @classmethod
    def tearDownClass(cls):
        cls.client.stop_channels()
        cls.manager.shutdown_kernel(now=True)
        cls.folder.cleanup()

    def finish(self, sent, on_message=None):
        """All messages that a cell sends, until the kernel is idle again."""
        messages = []
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") != sent:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            messages.append((kind, content))
            if on_message:
                on_message(kind, content)
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == sent:
                return messages, reply["content"]

    def run_cell(self, code, on_message=None, **options):
        # ipykernel refuses what comes within a moment of an error, unless it is told that the cells do not belong together
        options.setdefault("stop_on_error", False)
        return self.finish(self.client.execute(code, **options), on_message)

    def outputs(self, code):
        messages, reply = self.run_cell(code)
        self.assertEqual(reply["status"], "ok", reply)
        return [(kind, content) for kind, content in messages if kind not in ("status", "execute_input")]

    def value(self, code):
        kind, content = self.outputs(code)[-1]
        self.assertEqual(kind, "execute_result")
        return content["data"]

    def text(self, code):
        return "".join(content["text"] for kind, content in self.outputs(code) if kind == "stream")

    def answer(self, sent):
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == sent:
                return reply["content"]

    # ---- values and text

    def test_values(self):
        self.assertEqual(self.value("1 + 1")["text/plain"], "2")
        self.assertEqual(self.value("a = 20\na * 2 -- twice\n")["text/plain"], "40")
        self.assertEqual(self.value("local b = 3\nreturn b, nil, 'x'")["text/plain"], "3\tnil\tx")
        self.assertEqual(self.outputs("a = 1"), [])
        self.assertEqual(self.outputs("nil"), [])
        self.assertEqual(self.outputs("a + 1;"), [])
        self.assertEqual(self.outputs("  \n"), [])

    def test_order_of_output(self):
        seen = [(kind, content.get("text") or content["data"]["text/html"]) for kind, content in self.outputs(
            "for i = 1, 3 do io.write('é', i) ilua.display.html('<b>' .. i .. '</b>') end")]
        self.assertEqual(seen, [(kind, text.format(i)) for i in (1, 2, 3) for kind, text in (
            ("stream", "é{}"), ("display_data", "<b>{}</b>"))])
        kinds = {content["name"]: content["text"] for kind, content in self.outputs(
            "io.stderr:write('to err') os.execute 'echo from a program'")}
        self.assertEqual(kinds, {"stderr": "to err", "stdout": "from a program\n"})

    def test_much_and_odd_output(self):
        self.assertEqual(len(self.text("io.write(('é'):rep(500000))")), 500000)
        self.assertEqual(self.text("io.write('\\xff|\\xc3')"), "\ufffd|\ufffd")
        self.assertEqual(self.value("'\\0\\xfe\\n'")["text/plain"], "\0\ufffd\n")

    def test_stream_while_running(self):
        stamps = []
        self.run_cell("local t = os.clock() print 'first' while os.clock() < t + 0.7 do end print 'second'",
                      lambda kind, content: kind == "stream" and stamps.append(time.monotonic()))
        self.assertEqual(len(stamps), 2)
        self.assertGreater(stamps[1] - stamps[0], 0.3)

    def test_progress_bar_redraws(self):
        text = self.text(FIT + "model:fit(x, y, { epochs = 2, batch_size = 1 })")
        self.assertIn("\rEpoch 1/2 [", text)
        self.assertNotIn("\x1b", text)
        self.assertIn("\nEpoch 2/2 - ", text.replace("\r", "\n"))

    # ---- what shows itself

    def test_display(self):
        data = self.value("lubdub = require 'lubdub'\nlubdub.datasets.hearts { n = 6 }")
        self.assertIn("<table>", data["text/html"])
        self.assertTrue(data["text/plain"].startswith("Dataset: 6 clips"))
        self.assertIn("<audio controls", self.value(
            "lubdub.display.audio(lubdub.datasets.hearts { n = 1 }[1].audio, 4000)")["text/html"])
        (kind, content), = self.outputs("lubdub.display(setmetatable({}, { __tostring = function() return 'T' end,"
                                        "__mimebundle = function() return { ['image/svg+xml'] = '<svg/>' } end }));")
        self.assertEqual((kind, content["data"]), ("display_data", {"text/plain": "T", "image/svg+xml": "<svg/>"}))
        self.assertIn("Dense", self.value("lubdub.Sequential { lubdub.layers.Dense { units = 1 } }")["text/html"])

    def test_picture(self):
        data = self.value("lubdub = require 'lubdub'\nlubdub.plot.waveform(lubdub.Tensor.randn { 4000, seed = 1 }, 4000)")
        self.assertIn("text/plain", data)
        if "gnuplot: the program was not found" not in data["text/plain"]:
            self.assertTrue(data["image/png"].startswith("iVBORw0KGgo"))

    def test_display_that_fails(self):
        _, reply = self.run_cell("setmetatable({}, { __mimebundle = function() error 'no picture' end })")
        self.assertEqual(reply["status"], "error")
        self.assertIn("no picture", reply["evalue"])
        _, reply = self.run_cell("setmetatable({}, { __tostring = function() return {} end })")
        self.assertIn("__tostring", reply["evalue"])
        self.assertEqual(self.value("'alive'")["text/plain"], "alive")

    # ---- mistakes

    def test_errors(self):
        _, reply = self.run_cell("local function f() error 'bad luck' end\nf()\n")
        self.assertEqual(reply["evalue"], f"In[{reply['execution_count']}]:1: bad luck")
        self.assertTrue(any(":2: in" in line for line in reply["traceback"]), reply["traceback"])
        self.assertFalse(any("child.lua" in line or "cell.lua" in line for line in reply["traceback"]))
        _, reply = self.run_cell("x = = 2")
        self.assertIn("unexpected symbol near '='", reply["evalue"])
        _, reply = self.run_cell("error { code = 1 }")
        self.assertEqual(reply["evalue"], "(error object is a table value)")
        _, reply = self.run_cell("lubdub = require 'lubdub'\nlubdub.MFCC { n_mfc = 3 }")
        self.assertRegex(reply["evalue"], r"^In\[\d+\]:2: MFCC: unknown option 'n_mfc'; did you mean 'n_mfcc'\?$")

    def test_input(self):
        _, reply = self.run_cell("io.read()", allow_stdin=False)
        self.assertEqual((reply["status"], reply["evalue"]), ("error", "io.read: nobody is there to be asked"))
        sent = self.client.execute("n, line = io.read('n', 'l')\nn + 1, line", allow_stdin=True)
        for text in "41", "a line":
            self.client.get_stdin_msg(timeout=PATIENCE)
            self.client.input(text)
        messages, _ = self.finish(sent)
        self.assertEqual(messages[-1][1]["data"]["text/plain"], "42\ta line")

    def test_crash_is_told(self):
        for code, words in (("os.exit(3)", "ended with status 3"),
                            ("io.write 'last words' io.flush() os.execute('kill -KILL ' .. io.open('/proc/self/stat')"
                             ":read 'n') while true do end", "was ended by signal 9 (SIGKILL)")):
            messages, reply = self.run_cell(code)
            self.assertEqual(reply["ename"], "LuaProcessDied")
            self.assertIn(words, reply["evalue"])
        self.assertIn(("stream", {"name": "stdout", "text": "last words"}), messages)
        self.assertEqual(self.value("'alive'")["text/plain"], "alive")

    # ---- help while writing

    def complete(self, code):
        content = self.answer(self.client.complete(code, len(code)))
        return [code[:content["cursor_start"]] + match for match in content["matches"]]

    def test_complete(self):
        self.run_cell("lubdub = require 'lubdub'\nclips = lubdub.datasets.hearts { n = 3 } t = lubdub.Tensor { 1 }\n"
                      "layer = lubdub.layers.ReLU {}")
        self.assertEqual(self.complete("lubdub.datasets.hea"), ["lubdub.datasets.hearts"])
        self.assertIn("lubdub.Sequential", self.complete("x = lubdub.Se")[0].split("x = ")[1])
        self.assertIn("clips:filter", self.complete("clips:fil"))
        self.assertIn("clips[1].duration", self.complete("clips[1].dur") + ["clips[1].duration"])
        self.assertIn("t:reshape", self.complete("t:resh"))
        self.assertIn("layer:output_shape", self.complete("layer:outp"))
        self.assertIn("lubdub.callbacks.EarlyStopping", self.complete("lubdub.callbacks.Ear"))
        self.assertIn("print", self.complete("pri"))
        self.assertIn("f(\n  function", self.complete("f(\n  func"))
        self.assertEqual(self.complete("nothing.at"), [])
        self.assertEqual(self.complete("lubdub.MFCC { n_mf"), ["lubdub.MFCC { n_mfcc = "])
        self.assertIn("lubdub.layers.Conv2D { filters = 3, kernel_size = ",
                      self.complete("lubdub.layers.Conv2D { filters = 3, kernel_s"))

    def test_inspect(self):
        self.run_cell("lubdub = require 'lubdub'\nfunction mine(a, b) end")

        def inspect(code, at=None):
            content = self.answer(self.client.inspect(code, len(code) if at is None else at))
            return content["data"].get("text/plain") if content["found"] else None

        self.assertIn("librosa.feature.mfcc", inspect("lubdub.MFCC { n_mfcc = 3 }", 9))
        self.assertIn("librosa.feature.mfcc", inspect("x = lubdub.MFCC { n_mfcc = "))
        self.assertIn("mine(a, b)", inspect("mine"))
        self.assertIsNone(inspect("no_such_thing"))
        self.assertIsNone(inspect(""))

    def test_is_complete(self):
        for code, status in (("x = 1", "complete"), ("for i = 1, 2 do", "incomplete"), ("x = = 1", "invalid")):
            self.assertEqual(self.answer(self.client.is_complete(code))["status"], status)

    # ---- interrupt and restart

    def interrupted(self, code, after):
        """Runs a cell and interrupts it as soon as it has printed `after`."""
        printed = []

        def watch(kind, content):
            if kind == "stream" and (printed.append(content["text"]) or after in "".join(printed)):
                if not printed[0].startswith("done "):
                    printed.insert(0, "done ")
                    self.manager.interrupt_kernel()

        _, reply = self.run_cell(code, watch)
        self.assertEqual((reply["status"], reply["ename"]), ("error", "Interrupted"), reply)

    def test_interrupts_stop_a_fit_and_keep_the_model(self):
        self.outputs(FIT + "before = model:get_weights()[1]")
        for _ in range(3):
            self.interrupted("model:fit(x, y, { epochs = 1000000, batch_size = 1 })", " 2/1000000")
            self.assertEqual(self.value("#model.history.epoch >= 1 and #model:predict(x) == #x")["text/plain"], "true")
        self.interrupted("print 'on' while true do end", "on")
        self.assertEqual(self.value("before:allclose(model:get_weights()[1])")["text/plain"], "false")
        self.assertEqual(self.value("#model:fit(x, y, { epochs = 2, verbose = 0 }).epoch")["text/plain"], "2")

    def test_interrupt_of_nothing(self):
        self.run_cell("here = 1")
        self.manager.interrupt_kernel()
        time.sleep(0.3)
        self.assertEqual(self.value("here")["text/plain"], "1")

    def test_restart(self):
        pid = int(self.value("here = 1\nio.open('/proc/self/stat'):read 'n'")["text/plain"])
        self.client.execute("while true do end")
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(timeout=PATIENCE)
        self.assertEqual(self.value("tostring(here)")["text/plain"], "nil")
        for _ in range(100):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        self.fail("the old Lua process lived on")


FIT = """
lubdub = require 'lubdub'
x, y = lubdub.Tensor.randn { 64, 8, 8, 1, seed = 1 }, lubdub.to_categorical(lubdub.Tensor.arange(0, 64):totable(), 64)
model = lubdub.Sequential {
  lubdub.layers.Input { 8, 8, 1 }, lubdub.layers.Conv2D { filters = 32, kernel_size = 3 }, lubdub.layers.Flatten(),
  lubdub.layers.Dense { units = 64, activation = "softmax" }, seed = 1 }
model:compile { optimizer = "adam", loss = "categorical_crossentropy" }
""".replace("lubdub.Tensor.arange(0, 64):totable()", "(function() local c = {} for i = 1, 64 do c[i] = i end return c end)()")

if __name__ == "__main__":
    unittest.main()
