"""What every part of the judgement works with."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store.file_store import FileStore
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, Initializer, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.dc.data_center import DataCenter

from court import Court
from simulator import Simulator

# A well-formed id that no record has.
UNKNOWN = "123456789012345678"


@dataclass(frozen=True)
class Bench:
    """The court, the simulator, and a folder for the SDK's files."""

    court: Court
    simulator: Simulator
    scratch: Path

    def log_in(self, token: OAuthToken) -> OAuthToken:
        """Points the SDK at the simulator: `Environment` is the SDK's own way to other hosts."""
        simulator = self.simulator
        environment = DataCenter.Environment(
            simulator.api_url, f"{simulator.accounts_url}/oauth/v2/token", simulator.api_url
        )
        store = FileStore(str(self.scratch / "tokens.csv"))
        Initializer.initialize(environment, token, store=store, resource_path=str(self.scratch))
        return token


def params(*pairs: tuple[Any, Any]) -> ParameterMap:
    """Parameters of a call."""
    chosen = ParameterMap()
    for param, value in pairs:
        chosen.add(param, value)
    return chosen


def headers(*pairs: tuple[Any, Any]) -> HeaderMap:
    """Headers of a call."""
    chosen = HeaderMap()
    for header, value in pairs:
        chosen.add(header, value)
    return chosen


def from_environment() -> Bench:
    """The bench that `run` has prepared."""
    scratch = Path(os.environ["SDK_SCRATCH"])
    court = Court("python", quick=os.environ.get("SDK_QUICK") == "1")
    return Bench(court, Simulator(json.loads(os.environ["SIMULATOR"])), scratch)
