"""Archives, traces and the directory in words and tables, both languages side by side."""

from __future__ import annotations

from typing import Any

from console.inspection import table, value_words


def archive_text(document: dict[str, Any]) -> str:
    """A holder's archive for people."""
    shown = document["licenses"]
    lines = [f"{len(shown)} licenses 证照 (as of {document['as_of_day']})"]
    if document["left_out"]:
        lines.append(f"  {document['left_out']} earlier ones are not shown: --limit")
    for one in shown:
        lines += [
            f"{one['license_id']}  {one['type_name']}",
            f"  state 状态    {one['state']} {one['state_zh']}  "
            f"{one['valid_from'] or '-'} to {one['valid_until'] or '长期'}",
        ]
        lines += [
            f"  {held['role']}  from {held['from']}"
            + (f" until {held['until']}" if held["until"] else "")
            for held in one["held"]
        ]
        lines += [
            f"  {event['act']} {event['act_zh']} at position {event['position']}: "
            + ("not among the holders" if event["place"] is None else "holder")
            for event in one["told_by"]
            if len(one["told_by"]) > 1
        ]
        lines += [f"  {name}: {value_words(v)}" for name, v in one["fields"].items()]
    for line in document["lines"]:
        lines.append(f"line of descent 承继 to {line['current']}")
        lines += [
            f"  {joint['from']}  {joint['act']} {joint['act_zh']} {joint['effective']}"
            + ("" if joint["matched"] else "  (the other half is not in this ledger)")
            for joint in line["joints"]
        ]
    return "\n".join(lines)


def trace_text(document: dict[str, Any]) -> str:
    """The history of one field for people."""
    events = [
        (
            str(event["position"]),
            f"{event['act']} {event['act_zh']}",
            event["effective"],
            event["recorded_at"][:19],
            event["authority"],
            event["decision_number"] or "-",
            value_words(event["old"]),
            value_words(event["new"]) + ("" if event["stands"] else " (past 历史)"),
            f"{event['replaced_by']} {event['because']}" if event["because"] else "-",
        )
        for event in document["events"]
    ]
    heads = (
        "position",
        "act 行为",
        "effective 生效",
        "recorded 入账",
        "authority 机关",
        "decision 文书号",
        "before 原值",
        "said 新值",
        "replaced by 被替代",
    )
    held = [
        (one["from"], one["until"] or "-", value_words(one["value"]))
        for one in document["in_force"]
    ]
    known = f", as known at {document['known_at']}" if document["known_at"] else ""
    return "\n".join(
        (
            f"{document['license_id']}  {document['field']} {document['field_zh']}",
            f"on {document['as_of_day']}{known}: {value_words(document['value'])}",
            table(heads, events),
            table(("from 起", "before 止", "value 值"), held),
        )
    )


def directory_text(document: dict[str, Any]) -> str:
    """The issuing directory as a table for people."""
    rows = [
        (
            one["issuer"],
            one["issuer_name"],
            one["type"],
            one["type_name"],
            one["area"] or "-",
            str(one["licenses"]),
            str(one["valid"]),
            str(one["expired"]),
            ", ".join(f"{state} {n}" for state, n in one["ended"].items()) or "-",
            one["first_day"],
            one["last_day"],
        )
        for one in document["entries"]
    ]
    heads = (
        "issuer 发证机关",
        "name 名称",
        "type 类型",
        "name 证照名称",
        "area 区划",
        "licenses 证照",
        "valid 有效",
        "expired 失效",
        "ended 终止",
        "first 首次",
        "last 末次",
    )
    lines = [
        f"as of {document['as_of_day']}: {document['licenses']} licenses, "
        f"{document['valid']} valid",
        table(heads, rows),
    ]
    if document["nothing_issued"]:
        lines.append("in force and nothing issued 尚未发证:")
        lines += [
            f"  {one['type']}  {one['type_name']}" for one in document["nothing_issued"]
        ]
    return "\n".join(lines)
