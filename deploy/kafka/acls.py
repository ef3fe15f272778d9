"""What each kind of process may do on a ledger's topics, and nothing more.

``python -m deploy.kafka.acls PREFIX ROLE=USER …`` prints what a Kafka administrator runs.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

READ: Final = "Read"
WRITE: Final = "Write"
CREATE: Final = "Create"
DESCRIBE: Final = "Describe"
SETTINGS: Final = "DescribeConfigs"


class Grant(NamedTuple):
    """Operations on one topic, or with ``prefixed`` on all whose names begin so.

    Read and Write each bring Describe with them (KIP-11).
    """

    topic: str
    operations: Sequence[str]
    prefixed: bool


class Role(NamedTuple):
    """Who it is for, and all that it may do."""

    who: str
    grants: Sequence[Grant]


def _grants(**given: Sequence[str]) -> tuple[Grant, ...]:
    """Sources that succeed others begin like them: ``events-3.1``, ``registry.1``."""
    return tuple(
        Grant(topic, operations, prefixed=topic in ("events", "registry"))
        for topic, operations in given.items()
    )


ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "department": Role(
            "hands in events, and reads none",
            _grants(events=(WRITE,)),
        ),
        "registrar": Role(
            "hands in records of the registry, and reads none",
            _grants(registry=(WRITE,)),
        ),
        "reader": Role(
            "`project`, an auditor, a rebuild",
            _grants(
                events=(READ, SETTINGS),
                registry=(READ, SETTINGS),
                seals=(READ, SETTINGS),
                clock=(DESCRIBE, SETTINGS),
            ),
        ),
        "sealer": Role(
            "`seal`",
            _grants(
                events=(READ, SETTINGS),
                registry=(READ, SETTINGS),
                seals=(READ, WRITE, SETTINGS),
                clock=(WRITE, SETTINGS),
            ),
        ),
        "operator": Role(
            "`init`, `run`, `import`, `act`, `log …`: whoever does all of it",
            _grants(
                events=(CREATE, READ, WRITE, SETTINGS),
                registry=(CREATE, READ, WRITE, SETTINGS),
                seals=(CREATE, READ, WRITE, SETTINGS),
                clock=(CREATE, WRITE, SETTINGS),
            ),
        ),
    }
)


def commands(prefix: str, users: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The arguments of ``kafka-acls.sh`` that give roles to users."""
    for role, names in users.items():
        for grant in ROLES[role].grants:
            words = ["--add"]
            for name in names:
                words += ["--allow-principal", f"User:{name}"]
            for operation in grant.operations:
                words += ["--operation", operation]
            words += ["--topic", f"{prefix}.{grant.topic}"]
            if grant.prefixed:
                words += ["--resource-pattern-type", "prefixed"]
            yield shlex.join(words)


def table() -> str:
    """All roles, as the documentation shows them."""
    topics = ("events", "registry", "seals", "clock")
    lines = [f"| role | who | {' | '.join(f'`{one}`' for one in topics)} |"]
    lines.append("|---" * (2 + len(topics)) + "|")
    for name, role in ROLES.items():
        may = {grant.topic: ", ".join(grant.operations) for grant in role.grants}
        cells = [may.get(topic, "–") for topic in topics]
        lines.append(f"| {name} | {role.who} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Prints one command a line; 2 for a role that there is not."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.kafka.acls", description=__doc__
    )
    parser.add_argument("prefix", help="the topics are PREFIX.events …")
    parser.add_argument("given", nargs="+", metavar="ROLE=USER")
    given = parser.parse_args(arguments)
    users: dict[str, list[str]] = {}
    for one in given.given:
        role, _, user = one.partition("=")
        if role not in ROLES or not user:
            parser.error(f"expected ROLE=USER, ROLE of {', '.join(ROLES)}, found {one}")
        users.setdefault(role, []).append(user)
    print(*commands(given.prefix, users), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
