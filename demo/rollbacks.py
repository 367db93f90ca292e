"""Which arms were rolled back, and whether each had drained first, by the operator's own records."""

from __future__ import annotations

from typing import Any

from testbed.records import Object, Records


def rollbacks_of(records: Records) -> list[dict[str, Any]]:
    """Return one entry for each verdict, in order.

    Each has the ``arm``, the ``tick`` of the verdict (1 is the first), its ``time``, ``drained_before_scale``
    (the decision to scale it to zero saw weight 0, accepted by the gateway, and no request in its window),
    and the ``replicas`` that it was scaled to, None where it was not scaled.
    """
    entries: list[dict[str, Any]] = []
    before: Object = {}
    ticks = 0
    for record in records.all:
        ticks += "window" in record
        weights = record.get("weights", before)
        if record["reason"] == "RolledBack":
            # One that was in the shadow had no weight to lose; the verdict's own words name it.
            losers = [
                arm
                for arm, weight in weights.items()
                if (weight == 0 and before.get(arm, 0) > 0)
                or record.get("message", "").startswith(f"{arm} is worse than ")
            ]
            entries += [_entry(arm, ticks, record["time"]) for arm in losers]
        for entry in entries:
            if entry["replicas"] is None and _scales_to_zero(record, entry["arm"]):
                entry["replicas"] = 0
                entry["drained_before_scale"] = _drained(record, entry["arm"])
        before = weights
    return entries


def _entry(arm: str, tick: int, time: str) -> dict[str, Any]:
    return {"arm": arm, "tick": tick, "time": time, "drained_before_scale": False, "replicas": None}


def _scales_to_zero(record: Object, arm: str) -> bool:
    return any(
        action.startswith(f"scale {arm} from ") and action.endswith(" to 0")
        for action in record.get("actions", [])
    )


def _drained(record: Object, arm: str) -> bool:
    seen = record.get("seen", {})
    facts = seen.get("arms", {}).get(arm, {})
    return bool(seen.get("accepted")) and facts.get("weight") == 0 and float(facts.get("requests", 0)) == 0
