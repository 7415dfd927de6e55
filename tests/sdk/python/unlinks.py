"""Related records: taken off a list, put onto it, read from it."""

from __future__ import annotations

from typing import Any

from zohocrmsdk.src.com.zoho.crm.api.record import Record
from zohocrmsdk.src.com.zoho.crm.api.related_records import (
    BodyWrapper,
    DelinkRecordsParam,
    GetRelatedRecordParam,
    GetRelatedRecordsParam,
    RelatedRecordsOperations,
)

from answers import compare, error, message, nothing, refused, success
from bench import UNKNOWN, Bench, params


def unlink_many(module: str, parent: str, list: str, ids: list[str]) -> Any:
    """`DELETE {module}/{id}/{list}?ids=`."""
    chosen = params((DelinkRecordsParam.ids, ",".join(ids)))
    return RelatedRecordsOperations(list, module).delink_records(int(parent), chosen)


def unlink_one(module: str, parent: str, list: str, id: str) -> Any:
    """`DELETE {module}/{id}/{list}/{related id}`."""
    return RelatedRecordsOperations(list, module).delink_record(int(id), int(parent))


def to_link(*rows: dict[str, Any]) -> BodyWrapper:
    """The body that links records; ids are numbers, as this SDK writes them."""
    records = []
    for row in rows:
        record = Record()
        for name, value in row.items():
            record.add_key_value(name, value)
        records.append(record)
    body = BodyWrapper()
    body.set_data(records)
    return body


def listed(module: str, parent: str, list: str, *chosen: tuple[Any, Any]) -> Any:
    """`GET {module}/{id}/{list}`."""
    fields = (GetRelatedRecordsParam.fields, "id,Member_Status")
    operations = RelatedRecordsOperations(list, module)
    return operations.get_related_records(int(parent), params(fields, *chosen))


def judge(bench: Bench) -> None:
    """All of it."""
    judge_many(bench)
    judge_one(bench)
    judge_whole_calls(bench)
    judge_faults(bench)
    judge_children(bench)
    judge_linking(bench)
    judge_reading(bench)


def judge_many(bench: Bench) -> None:
    """Many records off a list; none of them is deleted."""
    court, simulator = bench.court, bench.simulator
    with court.check("unlink many: 100, seen from both sides") as check:
        (campaign,) = simulator.add("Campaigns", 1)
        ids = simulator.add("Leads", 100)
        simulator.link("Campaigns", campaign, "Leads", *ids)
        answer = unlink_many("Campaigns", campaign, "Leads", ids)
        compare(check, answer, 200, "ActionWrapper", *map(success, ids))
        check.same("message", message(answer.get_object().get_data()[0]), "relation removed")
        check.same("list", simulator.linked("Campaigns", campaign, "Leads"), [])
        check.same("other side", simulator.linked("Leads", ids[0], "Campaigns"), [])
        check.same("places", set(simulator.place("Leads", *ids)), {"live"})
    with court.check("unlink many: mixed results, and each link as they say") as check:
        (campaign,) = simulator.add("Campaigns", 1)
        on, off, stays = simulator.add("Leads", 3)
        simulator.link("Campaigns", campaign, "Leads", on, stays)
        compare(
            check,
            unlink_many("Campaigns", campaign, "Leads", [on, off, UNKNOWN]),
            207,
            "ActionWrapper",
            success(on),
            error("INVALID_DATA", off),
            error("INVALID_DATA", UNKNOWN),
        )
        check.same("list", simulator.linked("Campaigns", campaign, "Leads"), [stays])
    with court.check("unlink many: none, 400 with results") as check:
        (product,) = simulator.add("Products", 1)
        ids = simulator.add("Contacts", 2)
        answer = unlink_many("Products", product, "Contacts", ids)
        expected = [error("INVALID_DATA", id) for id in ids]
        compare(check, answer, 400, "ActionWrapper", *expected)
        check.same("message", message(answer.get_object().get_data()[0]), "relation not found")


def judge_one(bench: Bench) -> None:
    """One record off a list."""
    court, simulator = bench.court, bench.simulator
    (product,) = simulator.add("Products", 1)
    on, off = simulator.add("Deals", 2)
    simulator.link("Products", product, "Deals", on)
    with court.check("unlink one: done") as check:
        answer = unlink_one("Products", product, "Deals", on)
        compare(check, answer, 200, "ActionWrapper", success(on))
        check.same("list", simulator.linked("Products", product, "Deals"), [])
    with court.check("unlink one: not linked") as check:
        answer = unlink_one("Products", product, "Deals", off)
        compare(check, answer, 400, "ActionWrapper", error("INVALID_DATA", off))
    with court.check("unlink one: no such record, flat") as check:
        answer = unlink_one("Products", product, "Deals", UNKNOWN)
        refused(check, answer, 400, "INVALID_DATA", {"resource_path_index": 1})


def judge_whole_calls(bench: Bench) -> None:
    """Calls that are refused as such: nothing is unlinked."""
    court, simulator = bench.court, bench.simulator
    (campaign,) = simulator.add("Campaigns", 1)
    ids = simulator.add("Leads", 101)
    simulator.link("Campaigns", campaign, "Leads", *ids)
    one = ids[:1]
    for name, module, parent, list, wanted, status, code, details in [
        # The SDK's class knows no `limit` among the details.
        ("101 ids", "Campaigns", campaign, "Leads", ids, 400, "LIMIT_EXCEEDED", "ids"),
        ("no ids", "Campaigns", campaign, "Leads", [], 400, "MANDATORY_NOT_FOUND", "ids"),
        ("no such list", "Campaigns", campaign, "Deals", one, 400, "INVALID_DATA", 2),
        ("no such parent", "Campaigns", UNKNOWN, "Leads", one, 404, "INVALID_DATA", None),
        ("no such module", "Nothings", campaign, "Leads", one, 400, "INVALID_MODULE", 0),
    ]:
        with court.check(f"unlink many: {name} is {code}, {status}") as check:
            key = "param_name" if isinstance(details, str) else "resource_path_index"
            expected = {} if details is None else {key: details}
            answer = unlink_many(module, parent, list, wanted)
            refused(check, answer, status, code, expected)
    with court.check("unlink many: refused calls left every link") as check:
        check.same("list", simulator.linked("Campaigns", campaign, "Leads"), ids)


def judge_faults(bench: Bench) -> None:
    """Errors of a call, and whether it was carried out all the same."""
    court, simulator = bench.court, bench.simulator
    for fault, status, expected, unlinked in [
        ("throttle", 429, error("TOO_MANY_REQUESTS"), False),
        ("internal-error", 500, error("INTERNAL_ERROR"), False),
        ("internal-error-applied", 500, error("INTERNAL_ERROR"), True),
        ("no-permission", 403, error("NO_PERMISSION"), False),
        ("scope", 401, error("OAUTH_SCOPE_MISMATCH"), False),
        ("expired-token", 401, error("INVALID_TOKEN"), False),
    ]:
        with court.check(f"unlink many under {fault}: {expected}, done: {unlinked}") as check:
            (campaign,) = simulator.add("Campaigns", 1)
            ids = simulator.add("Leads", 1)
            simulator.link("Campaigns", campaign, "Leads", *ids)
            arrived = len(simulator.requests())
            simulator.plan(fault)
            compare(check, unlink_many("Campaigns", campaign, "Leads", ids), status, expected)
            check.same("calls", len(simulator.requests()) - arrived, 1)
            left = [] if unlinked else ids
            check.same("list", simulator.linked("Campaigns", campaign, "Leads"), left)


def judge_children(bench: Bench) -> None:
    """The same call on a list of notes deletes them."""
    court, simulator = bench.court, bench.simulator
    with court.check("unlink many: notes are deleted, not unlinked") as check:
        (lead,) = simulator.add("Leads", 1)
        first, second = simulator.notes("Leads", lead, 2)
        answer = unlink_many("Leads", lead, "Notes", [first])
        compare(check, answer, 200, "ActionWrapper", success(first))
        check.same("message", message(answer.get_object().get_data()[0]), "record deleted")
        check.same("list", simulator.linked("Leads", lead, "Notes"), [second])


def judge_linking(bench: Bench) -> None:
    """Records onto a list, which is how an unlinking is undone."""
    court, simulator = bench.court, bench.simulator
    (campaign,) = simulator.add("Campaigns", 1)
    first, second, third = simulator.add("Leads", 3)
    leads = RelatedRecordsOperations("Leads", "Campaigns")
    with court.check("link many: with what the link carries") as check:
        rows = [{"id": int(id), "Member_Status": "Active"} for id in (first, second)]
        answer = leads.update_related_records(int(campaign), to_link(*rows))
        compare(check, answer, 200, "ActionWrapper", success(first), success(second))
        check.same("message", message(answer.get_object().get_data()[0]), "relation added")
        check.same("list", simulator.linked("Campaigns", campaign, "Leads"), [first, second])
    with court.check("link many: one that is not there fails alone") as check:
        rows = [{"id": int(id)} for id in (third, UNKNOWN)]
        answer = leads.update_related_records(int(campaign), to_link(*rows))
        compare(check, answer, 207, "ActionWrapper", success(third), error("INVALID_DATA"))
        details = answer.get_object().get_data()[1].get_details()
        check.same("details", details, {"json_path": "$.data[1].id"})
    with court.check("link one") as check:
        (other,) = simulator.add("Leads", 1)
        body = to_link({"Member_Status": "Invited"})
        answer = leads.update_related_record(int(other), int(campaign), body)
        compare(check, answer, 200, "ActionWrapper", success(other))
        linked = simulator.linked("Campaigns", campaign, "Leads")
        check.same("list", linked, sorted([first, second, third, other]))
    with court.check("link many: a price book wants a price") as check:
        (product,) = simulator.add("Products", 1)
        (book,) = simulator.add("Price_Books", 1)
        books = RelatedRecordsOperations("Price_Books", "Products")
        answer = books.update_related_records(int(product), to_link({"id": int(book)}))
        compare(check, answer, 400, "ActionWrapper", error("MANDATORY_NOT_FOUND"))
        details = answer.get_object().get_data()[0].get_details()
        check.same("details", details, {"json_path": "$.data[0].list_price"})
        priced = to_link({"id": int(book), "list_price": 9.5})
        answer = books.update_related_records(int(product), priced)
        compare(check, answer, 200, "ActionWrapper", success(book))


def judge_reading(bench: Bench) -> None:
    """What is on a list."""
    court, simulator = bench.court, bench.simulator
    (campaign,) = simulator.add("Campaigns", 1)
    with court.check("related: none, 204") as check:
        nothing(check, listed("Campaigns", campaign, "Leads"))
    ids = simulator.add("Leads", 3)
    simulator.link("Campaigns", campaign, "Leads", *ids)
    with court.check("related: all, with what the link carries") as check:
        answer = listed("Campaigns", campaign, "Leads")
        check.same("status", answer.get_status_code(), 200)
        rows = answer.get_object().get_data()
        check.same("ids", sorted(str(row.get_id()) for row in rows), ids)
        names = [sorted(row.get_key_values()) for row in rows]
        check.same("fields", names, [["Member_Status", "id"]] * 3)
        check.same("count", answer.get_object().get_info().get_count(), 3)
    with court.check("related: by ids") as check:
        chosen = (GetRelatedRecordsParam.ids, f"{ids[1]},{UNKNOWN}")
        rows = listed("Campaigns", campaign, "Leads", chosen).get_object().get_data()
        check.same("ids", [str(row.get_id()) for row in rows], [ids[1]])
    with court.check("related: one") as check:
        operations = RelatedRecordsOperations("Campaigns", "Leads")
        fields = params((GetRelatedRecordParam.fields, "id"))
        answer = operations.get_related_record(int(campaign), int(ids[0]), fields)
        (row,) = answer.get_object().get_data()
        check.same("id", str(row.get_id()), campaign)
    with court.check("related: without fields is REQUIRED_PARAM_MISSING") as check:
        answer = RelatedRecordsOperations("Leads", "Campaigns").get_related_records(int(campaign))
        refused(check, answer, 400, "REQUIRED_PARAM_MISSING", {"param_name": "fields"})
    with court.check("related: of a record that is gone is 404") as check:
        simulator.change("delete-as-ours", "Campaigns", campaign)
        refused(check, listed("Campaigns", campaign, "Leads"), 404, "INVALID_DATA", {})
