"""The registry (基础名录): who may do what, and what is switched on, at one position.

Fold its records in sealed order: ``check_act`` (8), ``check_signers`` (9),
``check_fields`` (11), ``check_transition`` (12), then ``apply``. Other chains ask it
``authorise`` (9).
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger import authorisation, registry_checks, registry_signers
from ledger.catalogue import LicenseType
from ledger.codec import decode_event
from ledger.envelope import event_digest
from ledger.events import Event
from ledger.license_identifiers import LicenseId
from ledger.registry_checks import Verify
from ledger.registry_state import RegistryState


class Registry(RegistryState):
    """The registry's facts and the checks that rest on them; starts before FOUND."""

    def authorise(
        self,
        event: Event,
        *,
        license_id: LicenseId | None,
        license_type: LicenseType | None,
        opening: bool,
        sealed_at: int,
    ) -> None:
        """Check 9 of a license event, or of a holder event (both None).

        ``opening``: the event would be the first of its chain. Raises Refusal.
        """
        if license_id is None or license_type is None:
            authorisation.authorise_destroy(self, event)
        else:
            authorisation.authorise_license(
                self,
                event,
                license_id=license_id,
                kind=license_type,
                opening=opening,
                sealed_at=sealed_at,
            )

    def check_act(self, event: Event) -> None:
        """Check 8 of a registry record: the act is one of this subject's."""
        registry_checks.check_act(self, event)

    def check_signers(self, event: Event) -> None:
        """Check 9 of a registry record: k root keys, a registrar, a definer, the owner."""
        registry_signers.check_signers(self, event)

    def check_fields(self, event: Event, verify: Verify, *, sealed_at: int) -> None:
        """Check 11 of a registry record; ``verify(public_key, message, signature)``."""
        registry_checks.check_fields(self, event, verify, sealed_at=sealed_at)

    def check_transition(self, event: Event) -> None:
        """Check 12 of a registry record: the act follows from the subject's state."""
        registry_checks.check_transition(self, event)


def replay(bodies: Iterable[tuple[int, int, bytes]]) -> Registry:
    """The registry of accepted records: (position, recorded_at, body) in sealed order."""
    registry = Registry()
    for position, recorded_at, body in bodies:
        registry.apply(
            decode_event(body),
            digest=event_digest(body),
            position=position,
            recorded_at=recorded_at,
            body=body,
        )
    return registry
