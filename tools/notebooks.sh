#!/bin/sh
# notebooks.sh - runs the notebooks anew and stores what they show; the argument is the folder of the PASCAL recordings.
python=$(tools/jupyter.sh) || {
  echo "lubdub: this needs Jupyter (ipykernel, nbclient): apt-get install python3-ipykernel python3-nbclient, or" >&2
  echo "    python3 -m venv .jupyter && .jupyter/bin/pip install ipykernel nbclient" >&2
  exit 1
}
[ -z "${1:-}" ] || export PASCAL="$1"
exec "$python" -W ignore tools/notebooks.py
