"""What hands made of the inventory that files hold: on record, one file for each inventory.

An inventory that is exported anew says itself what is in force by then; what was made before it does not count again.
"""

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from twin.corrections import with_change
from twin.live.effects import EffectRecord, Intended
from twin.model import Network


class MadeByHand:
    """The effects on one network of files. `folder` is where they are written; the newest inventory counts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records: dict[str, EffectRecord] = {}

    def record(self, inventory: Network) -> EffectRecord:
        """The effects on an inventory. Raises `StoreError` when they cannot be read."""
        known = replace(inventory, demands=np.zeros_like(inventory.demands)).id  # those may be estimated anew
        if known not in self._records:
            self._records[known] = EffectRecord.open(self._folder / f"{known}.jsonl")
        return self._records[known]

    def topology(self, inventory: Network) -> Network:
        """The inventory with every change that is known to have been made."""
        network = inventory
        for effect in self.record(inventory).made:
            network = with_change(network, effect.noted)
        return network


def token_of(effect: Intended) -> str:
    """The name of a change's trial: found again by whoever reads the record, and by nobody else."""
    return hashlib.sha256(effect.model_dump_json().encode()).hexdigest()[:24]


def same(one: Network, other: Network) -> bool:
    """Whether two states are configured alike, whatever their demands."""
    return one.with_demands(other.demands) == other


def told_at(moment: datetime) -> str:
    """A moment, as files of advice say it."""
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}"
