#!/bin/sh
# jupyter.sh - names a Python that can run notebooks (ipykernel, jupyter_client, nbclient), or fails: $PYTHON, else
# .jupyter/bin/python (a venv of one's own), python3, /usr/bin/python3.
for python in ${PYTHON:-.jupyter/bin/python python3 /usr/bin/python3}; do
  "$python" -c 'import ipykernel, jupyter_client, nbclient, sys; sys.exit(ipykernel.version_info[0] < 6)' \
    >/dev/null 2>&1 && { echo "$python"; exit 0; }
done
exit 1
