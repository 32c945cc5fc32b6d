"""A kernel, and what JupyterLab would send to it: cells, and moves of controls."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

PATIENCE = 120  # seconds, for an answer of the kernel


class Page:
    """A notebook in a browser, as far as its kernel can tell.

    Attributes:
        errors: name and text of each exception that a cell raised.
    """

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
        self._models: dict[str, tuple[str, dict]] = {}  # by the id of the model
        self._cell = ""
        self.errors: list[str] = []

    def run(self, cell: str, source: str) -> str:
        """Run a cell, again if its id is known; return what it printed."""
        self._cell = cell
        message = self._client.session.msg(
            "execute_request", {"code": source, "silent": False, "store_history": True}
        )
        message["metadata"] = {"cellId": cell}
        return self._ask(message)

    def move(self, kind: str, value: Any, label: str = "") -> None:
        """Move the newest control of a kind, such as "Dropdown", and wait."""
        self._tell(kind, label, {"method": "update", "state": {"value": value}})

    def press(self, label: str) -> None:
        """Press the newest button with that text, and wait."""
        content = {"method": "custom", "content": {"event": "click"}}
        self._tell("Button", label, content)

    def _tell(self, kind: str, label: str, data: dict) -> None:
        for model, (name, state) in reversed(self._models.items()):
            if name == f"{kind}Model" and label in ("", state.get("description")):
                content = {"comm_id": model, "data": data}
                self._ask(self._client.session.msg("comm_msg", content))
                return
        raise LookupError(f"no {kind} {label!r} was made")

    def _ask(self, message: dict) -> str:
        """Send a message; read what comes until the kernel is done with it."""
        identity = message["header"]["msg_id"]
        self._client.shell_channel.send(message)
        printed, until = "", time.monotonic() + PATIENCE
        while time.monotonic() < until:
            reply = self._client.get_iopub_msg(timeout=PATIENCE)
            content, kind = reply["content"], reply["msg_type"]
            if kind == "comm_open":
                state = content["data"].get("state", {})
                self._models[content["comm_id"]] = (state.get("_model_name"), state)
            elif kind == "comm_close":
                self._models.pop(content["comm_id"], None)
            elif kind == "stream":
                printed += content["text"]
            elif kind == "error":
                self.errors.append(f"{content['ename']}: {content['evalue']}")
            elif kind == "status" and content["execution_state"] == "idle":
                if reply["parent_header"].get("msg_id") == identity:
                    return printed
        raise TimeoutError(f"no answer from the kernel to {message['msg_type']}")


@contextmanager
def page(**environment: str) -> Iterator[Page]:
    """A page with a fresh kernel, and more in its environment."""
    manager, client = start_new_kernel(env={**os.environ, **environment})
    try:
        yield Page(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
