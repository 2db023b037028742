"""The limits a plan must keep: code reads them, models only see them."""

import hashlib

from pydantic import Field

from .model import Frozen


class Policy(Frozen):
    """What the operator allows. Shares are of capacity or of traffic, 0..1."""

    max_utilisation: float = Field(default=0.8, gt=0, le=1, description="Limit on every link with everything up.")
    max_failure_utilisation: float = Field(default=1.0, gt=0, description="Limit on every link under a single failure.")
    max_steps: int = Field(default=12, ge=1, le=50, description="Most steps in one plan.")
    max_blast_radius: float = Field(default=0.35, gt=0, le=1, description="Most traffic that a plan may move.")
    max_delay_stretch: float = Field(default=1.5, ge=1, description="Most that mean propagation delay may grow, factor.")
    min_gain: float = Field(default=0.05, ge=0, lt=1, description="Least share of harm, or of peak utilisation, removed.")
    protected: tuple[str, ...] = Field(default=(), description="Element ids that no plan may touch.")
    allow_rate_limits: bool = Field(default=False, description="Whether a plan may rate-limit demands.")

    @property
    def hash(self) -> str:
        """Canonical content hash, 16 hex digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]
