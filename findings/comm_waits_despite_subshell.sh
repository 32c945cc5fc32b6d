#!/usr/bin/env bash
# ipykernel: a message to a comm that a cell opened waits for the cell that runs, also
# when a frontend sends it to a subshell.
#
# Version: ipykernel 7.4.0, jupyter_client 8.10.0, comm 0.2.3.
# One would guess that a comm_msg with the id of a subshell in its header is handled by
# that subshell, beside the cell that runs: that is what subshells are for, and why
# JupyterLab sends the messages of widgets to one.
# Seen: it is handled in the main thread, after the cell, if the kernel last published
# on this comm from the main thread, as it does when a cell opens it. A button of
# ipywidgets, on which nothing is published later, waits each time; a slider, whose new
# value the kernel echoes from the subshell, waits at most once.
# Source: ipykernel/kernelbase.py, shell_channel_thread_main, asks
# ipykernel/comm/comm.py, _reply_subshell_for, which prefers the subshell of the last
# publish_msg to the one in the header.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ipykernel==7.4.0 jupyter_client==8.10.0 \
  comm==0.2.3
cat > "$folder/waits.py" <<'PYTHON'
import time

from jupyter_client.manager import start_new_kernel

OPEN = """
import comm, threading, time
answered = []
one = comm.create_comm(target_name="anything")
one.on_msg(lambda msg: answered.append(
    (threading.current_thread() is threading.main_thread(), time.monotonic())
))
"""

manager, client = start_new_kernel()
try:
    def value(expression):
        reply = client.execute_interactive(
            "", user_expressions={"it": expression}, output_hook=lambda message: None
        )
        return eval(reply["content"]["user_expressions"]["it"]["data"]["text/plain"])

    client.execute_interactive(OPEN)
    request = client.session.msg("create_subshell_request")
    client.control_channel.send(request)
    while True:
        reply = client.get_control_msg(timeout=30)
        if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
            break
    subshell = reply["content"]["subshell_id"]
    name = value("one.comm_id")

    def asked_beside_a_cell():
        """Whether the main thread answered, and how many seconds later."""
        before = value("len(answered)")
        client.execute("time.sleep(3)")
        time.sleep(0.5)
        message = client.session.msg("comm_msg", {"comm_id": name, "data": {}})
        message["header"]["subshell_id"] = subshell
        sent = time.monotonic()
        client.shell_channel.send(message)
        while value("len(answered)") == before:
            time.sleep(0.1)
        in_main, when = value("answered[-1]")
        return in_main, when - sent

    first = asked_beside_a_cell()
    value("setattr(one, '_reply_subshell_for', lambda data, chosen: chosen)")
    second = asked_beside_a_cell()
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)

print("as it is: main thread, seconds", first)
print("by the header alone:", second)
assert first[0] and first[1] > 1.5, "it is handled beside the cell now"
assert not second[0] and second[1] < 1.5, "subshells do not answer at all"
PYTHON
"$folder/venv/bin/python" "$folder/waits.py"
echo "As described."
