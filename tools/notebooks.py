#!/usr/bin/env python3
"""Makes notebooks/*.ipynb from notebooks/source/*.md, and runs them from top to bottom in lubdub's kernel.

    tools/notebooks.py [--check] [NAME ...]

With --check they run, and what is stored is compared with its source but not written. LUA names the interpreter.
"""

import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATIENCE = 600  # seconds for one cell
LARGEST = 1000000  # bytes of a stored notebook


def cells(text):
    """Fenced Lua is code, the rest is Markdown; a heading begins a cell of its own."""
    result = []
    for kind, part in re.findall(r"^```lua\n(?P<code>.*?)^```$|((?:(?!^```lua$).)+)", text, re.M | re.S):
        code = bool(kind)
        source = (kind or part).strip("\n")
        if source.strip():
            make = nbformat.v4.new_code_cell if code else nbformat.v4.new_markdown_cell
            result.append(make(source, id=f"cell-{len(result) + 1:02}"))
    return result


def read(path):
    with open(path, encoding="utf-8") as file:
        book = nbformat.v4.new_notebook(cells=cells(file.read()))
    book.metadata = {"kernelspec": {"display_name": "Lua (lubdub)", "language": "lua", "name": "lubdub"},
                     "language_info": {"name": "lua", "file_extension": ".lua", "mimetype": "text/x-lua",
                                       "pygments_lexer": "lua", "version": "5.4"}}
    return book


def tidy(book):
    """What is stored is the same each time that the results are: no times; of a line that was redrawn its end."""
    for cell in book.cells:
        cell.metadata = {}
        outputs = []
        for output in cell.get("outputs", []):
            last = outputs[-1] if outputs else None
            if last and output.output_type == last.output_type == "stream" and output.name == last.name:
                last.text += output.text
            else:
                outputs.append(output)
        for output in outputs:
            if output.output_type == "stream":
                lines = output.text.split("\n")
                output.text = "\n".join(line.rstrip("\r").split("\r")[-1].rstrip() for line in lines)
        if cell.cell_type == "code":
            cell.outputs = [output for output in outputs if output.get("text") != ""]


def same(book, stored):
    return [(c.cell_type, c.source) for c in book.cells] == [(c.cell_type, c.source) for c in stored.cells]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([HERE + "/kernel/install.sh", folder + "/kernels"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "PYTHON": sys.executable})
        os.environ["JUPYTER_PATH"] = folder
        os.environ["JUPYTER_RUNTIME_DIR"] = os.environ["IPYTHONDIR"] = folder
        for source in sorted(glob.glob(HERE + "/notebooks/source/*.md")):
            name = os.path.basename(source)[:-3]
            if args.names and name not in args.names:
                continue
            book, start, why = read(source), time.monotonic(), None
            path = f"{HERE}/notebooks/{name}.ipynb"
            where = folder if args.check else HERE + "/notebooks"
            try:
                NotebookClient(book, timeout=PATIENCE, resources={"metadata": {"path": where}}).execute()
            except CellExecutionError as error:
                why = str(error)
            if not why and args.check:
                if not os.path.exists(path) or not same(book, nbformat.read(path, 4)):
                    why = "what is stored is not its source; type make notebooks"
                elif os.path.getsize(path) > LARGEST:
                    why = f"more than {LARGEST} bytes are stored"
            elif not why:
                tidy(book)
                nbformat.write(book, path)
            failed += why is not None
            print(f"{name}: {why or 'ok'} ({time.monotonic() - start:.0f} s)", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
