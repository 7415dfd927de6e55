"""The simulator from behind: what happened in it, and what shall happen."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass


@dataclass(frozen=True)
class Credentials:
    """What an OAuth client of Zoho has."""

    client_id: str
    client_secret: str
    refresh_token: str
    grant_code: str


class Simulator:
    """A running `journal simulate`."""

    def __init__(self, started: dict[str, str]) -> None:
        self.api_url = started["api_url"]
        self.accounts_url = started["accounts_url"]
        self.credentials = Credentials(
            started["client_id"],
            started["client_secret"],
            started["refresh_token"],
            started["grant_code"],
        )

    def add(self, module: str, count: int) -> list[str]:
        """Makes records; their ids, ascending."""
        return self._call("add", {"module": module, "count": count})["ids"]

    def change(self, control: str, module: str, *ids: str) -> None:
        """Interferes with records: lock, unapprove, purge, …"""
        changed = self._call(control, {"module": module, "ids": list(ids)})["changed"]
        assert changed == len(ids), f"{control} changed {changed} of {len(ids)} records"

    def tag(self, module: str, names: list[str], *records: str) -> list[str]:
        """Another user makes tags and puts them on records; the tags' ids."""
        body = {"module": module, "names": names, "records": list(records)}
        return self._call("tags", body)["ids"]

    def use_tags(self, module: str, *names: str) -> None:
        """A workflow uses these tags."""
        self._call("use_tags", {"module": module, "names": list(names)})

    def tags(self, module: str) -> dict[str, str]:
        """The tags of a module: name to id."""
        return self.state()["tags"].get(module, {})

    def tags_of(self, module: str, *ids: str) -> list[list[str]]:
        """The names of the tags that records carry."""
        carried = self.state()["record_tags"].get(module, {})
        return [sorted(carried.get(id, [])) for id in ids]

    def link(self, module: str, parent: str, list: str, *ids: str) -> None:
        """Another user puts records on a related list."""
        body = {"module": module, "parent": parent, "list": list, "ids": ids}
        changed = self._call("link", body)["changed"]
        assert changed == len(ids), f"{changed} of {len(ids)} records were linked"

    def notes(self, module: str, parent: str, count: int) -> list[str]:
        """Notes on a record; their ids."""
        return self._call("notes", {"module": module, "parent": parent, "count": count})["ids"]

    def linked(self, module: str, parent: str, list: str) -> list[str]:
        """The ids on a related list."""
        links = self.state()["links"]
        return sorted(links.get(module, {}).get(parent, {}).get(list, []))

    def jobs(self) -> list[dict]:
        """All jobs, in the order of their submission."""
        return self.state()["jobs"]

    def plan(self, *faults: str) -> None:
        """The next calls meet these faults, and no others that are left over."""
        self._call("faults", {"clear": True, "next": list(faults)})

    def state(self) -> dict:
        """Everything at this moment."""
        return self._call("state")

    def place(self, module: str, *ids: str) -> list[str]:
        """Where records are: live, binned, purged or nowhere."""
        places = self.state()["modules"][module]
        return [
            next((name for name in ("live", "binned", "purged") if id in places[name]), "nowhere")
            for id in ids
        ]

    def requests(self) -> list[dict]:
        """All API calls that arrived."""
        return self._call("requests")["requests"]

    def _call(self, path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.api_url}/_simulator/{path}", data)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
