"""Reading records, deleted ones, the bin, and the org's metadata."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from zohocrmsdk.src.com.zoho.crm.api.modules import ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.record import (
    GetDeletedRecordsHeader,
    GetDeletedRecordsParam,
    GetRecordParam,
    GetRecordsParam,
    RecordOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.recycle_bin import (
    GetRecycleBinRecordsParam,
    RecycleBinOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, UsersOperations

from answers import nothing, refused, words
from bench import UNKNOWN, Bench, headers, params


def ids_of(rows: list[Any]) -> list[str]:
    """The ids, in the order of the answer."""
    return [str(row.get_id()) for row in rows]


def page_of(info: Any) -> tuple[int, int, int, bool]:
    """page, per_page, count, more_records."""
    return info.get_page(), info.get_per_page(), info.get_count(), info.get_more_records()


def judge(bench: Bench) -> None:
    """All of it."""
    judge_records(bench)
    judge_record(bench)
    judge_deleted(bench)
    judge_bin(bench)
    judge_people(bench)
    judge_modules(bench)


def judge_records(bench: Bench) -> None:
    """Lists of records."""
    court, simulator = bench.court, bench.simulator
    records = RecordOperations("Vendors")
    fields = (GetRecordsParam.fields, "id,Modified_Time,Tag,Owner,Locked__s")
    with court.check("records: none") as check:
        nothing(check, records.get_records(params(fields)))
    ids = simulator.add("Vendors", 5)
    simulator.change("lock", "Vendors", ids[0])
    with court.check("records: page by page, newest first") as check:
        pages = []
        for page, expected in [(1, (1, 2, 2, True)), (2, (2, 2, 2, True)), (3, (3, 2, 1, False))]:
            chosen = params(fields, (GetRecordsParam.page, page), (GetRecordsParam.per_page, 2))
            answer = records.get_records(chosen)
            check.same("status", answer.get_status_code(), 200)
            body = answer.get_object()
            check.same("info", page_of(body.get_info()), expected)
            pages += ids_of(body.get_data())
        check.same("ids", pages, ids[::-1])
    with court.check("records: the fields that were asked for, as their types") as check:
        (row,) = (
            records.get_records(params(fields, (GetRecordsParam.ids, ids[0])))
            .get_object()
            .get_data()
        )
        check.same("names", sorted(row.get_key_values()), sorted(fields[1].split(",")))
        check.same("id", row.get_id(), int(ids[0]))
        check.same("tags", row.get_tag(), [])
        check.same("lock", row.get_key_value("Locked__s"), True)
        check.same("owner", row.get_key_value("Owner").get_name(), "Ada Operator")
        check.same("time", row.get_modified_time() < datetime.now(timezone.utc), True)
    with court.check("records: by ids, without those that are gone") as check:
        simulator.change("delete-as-ours", "Vendors", ids[1])
        wanted = (GetRecordsParam.ids, f"{ids[0]},{ids[1]},{UNKNOWN},{ids[2]}")
        body = records.get_records(params(fields, wanted)).get_object()
        check.same("ids", sorted(ids_of(body.get_data())), sorted([ids[0], ids[2]]))
        check.same("info", page_of(body.get_info()), (1, 200, 2, False))
    with court.check("records: without fields is REQUIRED_PARAM_MISSING") as check:
        answer = records.get_records()
        refused(check, answer, 400, "REQUIRED_PARAM_MISSING", {"param_name": "fields"})
    with court.check("records: a converted lead is hidden but on demand") as check:
        lead, other = simulator.add("Leads", 2)
        simulator.change("convert", "Leads", lead)
        pair = (GetRecordsParam.ids, f"{lead},{other}")
        for converted, expected in [(None, [other]), ("true", [lead]), ("both", [lead, other])]:
            chosen = params((GetRecordsParam.fields, "id"), pair)
            if converted:
                chosen.add(GetRecordsParam.converted, converted)
            rows = RecordOperations("Leads").get_records(chosen).get_object().get_data()
            check.same(f"converted={converted}", sorted(ids_of(rows)), expected)
    with court.check("records: the count is that of the live ones") as check:
        answer = records.record_count()
        check.same("status", answer.get_status_code(), 200)
        live = len(simulator.state()["modules"]["Vendors"]["live"])
        check.same("count", answer.get_object().get_count(), live)
    with court.check("records under read-forbidden: NO_PERMISSION") as check:
        simulator.plan("read-forbidden")
        permissions = {"permissions": ["Crm_Implied_View_Records"]}
        refused(check, records.get_records(params(fields)), 403, "NO_PERMISSION", permissions)
    with court.check("records under read-internal-error: INTERNAL_ERROR") as check:
        simulator.plan("read-internal-error")
        refused(check, records.get_records(params(fields)), 500, "INTERNAL_ERROR", {})


def judge_record(bench: Bench) -> None:
    """One record by path."""
    court, simulator = bench.court, bench.simulator
    there, gone = simulator.add("Contacts", 2)
    simulator.change("delete-as-ours", "Contacts", gone)
    contacts = RecordOperations("Contacts")
    with court.check("record: there, with all fields") as check:
        answer = contacts.get_record(int(there), params((GetRecordParam.fields, "id")))
        check.same("status", answer.get_status_code(), 200)
        (row,) = answer.get_object().get_data()
        check.same("id", row.get_id(), int(there))
        check.same("name", isinstance(row.get_key_value("Full_Name"), str), True)
        approved = words(row.get_key_value("$approval_state"))
        check.same("approved", approved, "approved")
    for name, id in [("deleted", gone), ("unknown", UNKNOWN)]:
        with court.check(f"record: {name}, 204") as check:
            nothing(check, contacts.get_record(int(id)))
    with court.check("record: an id that is none") as check:
        details = {"resource_path_index": 1}
        refused(check, contacts.get_record(12), 400, "INVALID_DATA", details)


def judge_deleted(bench: Bench) -> None:
    """The list of what was deleted."""
    court, simulator = bench.court, bench.simulator
    quotes = RecordOperations("Quotes")
    with court.check("deleted: none") as check:
        nothing(check, quotes.get_deleted_records())
    ours, other, purged, live = simulator.add("Quotes", 4)
    simulator.change("delete-as-ours", "Quotes", ours, purged)
    simulator.change("delete-as-other", "Quotes", other)
    simulator.change("purge", "Quotes", purged)
    for kind, expected in [
        ("all", [ours, other, purged]),
        ("recycle", [ours, other]),
        ("permanent", [purged]),
    ]:
        with court.check(f"deleted: {kind}, as the state has it") as check:
            answer = quotes.get_deleted_records(params((GetDeletedRecordsParam.type, kind)))
            check.same("status", answer.get_status_code(), 200)
            body = answer.get_object()
            check.same("kind", type(body).__name__, "DeletedRecordsWrapper")
            check.same("ids", sorted(ids_of(body.get_data())), expected)
            check.same("info", page_of(body.get_info()), (1, 200, len(expected), False))
    with court.check(
        "deleted: who and when, and neither name nor user of what was erased"
    ) as check:
        rows = {
            str(row.get_id()): row for row in quotes.get_deleted_records().get_object().get_data()
        }
        check.same("ours", rows[ours].get_deleted_by().get_name(), "Ada Operator")
        check.same("other", rows[other].get_deleted_by().get_name(), "Boris Colleague")
        check.same("type", [rows[id].get_type() for id in (ours, purged)], ["recycle", "permanent"])
        erased = rows[purged]
        check.same("erased", (erased.get_deleted_by(), erased.get_display_name()), (None, None))
        age = datetime.now(timezone.utc) - rows[ours].get_deleted_time()
        check.same("just now", timedelta(seconds=-2) < age < timedelta(minutes=2), True)
    with court.check("deleted: since a time to come, 204") as check:
        later = datetime.now(timezone.utc) + timedelta(hours=1)
        since = headers((GetDeletedRecordsHeader.if_modified_since, later))
        nothing(check, quotes.get_deleted_records(None, since))
    with court.check("deleted: an unknown type is PATTERN_NOT_MATCHED") as check:
        answer = quotes.get_deleted_records(params((GetDeletedRecordsParam.type, "burnt")))
        refused(check, answer, 400, "PATTERN_NOT_MATCHED", {"param_name": "type"})


def judge_bin(bench: Bench) -> None:
    """The recycle bin, across modules."""
    court, simulator = bench.court, bench.simulator
    bin = RecycleBinOperations()
    first, second, purged, live = simulator.add("Invoices", 4)
    simulator.change("delete-as-ours", "Invoices", first, purged)
    simulator.change("delete-as-other", "Invoices", second)
    simulator.change("purge", "Invoices", purged)
    with court.check("bin: all of it, page by page, as the state has it") as check:
        seen: list[str] = []
        for page in range(1, 10):
            chosen = params(
                (GetRecycleBinRecordsParam.page, page), (GetRecycleBinRecordsParam.per_page, 100)
            )
            body = bin.get_recyclebin_records(chosen).get_object()
            seen += ids_of(body.get_recycle_bin())
            if not body.get_info().get_more_records():
                break
        modules = simulator.state()["modules"].values()
        binned = [id for module in modules for id in module["binned"]]
        check.same("ids", sorted(seen), sorted(binned))
    with court.check("bin: by ids") as check:
        wanted = (GetRecycleBinRecordsParam.ids, ",".join([first, second, purged, live, UNKNOWN]))
        answer = bin.get_recyclebin_records(params(wanted))
        check.same("status", answer.get_status_code(), 200)
        rows = {str(row.get_id()): row for row in answer.get_object().get_recycle_bin()}
        check.same("ids", sorted(rows), [first, second])
        check.same("module", rows[first].get_module().get_api_name(), "Invoices")
        check.same("by", rows[second].get_deleted_by().get_name(), "Boris Colleague")
        check.same("owner", rows[first].get_owner().get_name(), "Ada Operator")
    with court.check("bin: one") as check:
        answer = bin.get_recyclebin_record(int(first))
        check.same("status", answer.get_status_code(), 200)
        check.same("id", ids_of(answer.get_object().get_recycle_bin()), [first])
    for name, id in [("live", live), ("purged", purged), ("unknown", UNKNOWN)]:
        with court.check(f"bin: {name} is not in it, 204") as check:
            nothing(check, bin.get_recyclebin_record(int(id)))
            by_ids = params((GetRecycleBinRecordsParam.ids, id))
            nothing(check, bin.get_recyclebin_records(by_ids))


def judge_people(bench: Bench) -> None:
    """Org and users."""
    court = bench.court
    with court.check("org: with what the journal asks of it") as check:
        answer = OrgOperations().get_organization()
        check.same("status", answer.get_status_code(), 200)
        (org,) = answer.get_object().get_org()
        texts = [org.get_id(), org.get_zgid(), org.get_company_name(), org.get_time_zone()]
        check.same("texts", [type(text) for text in texts], [str] * 4)
        check.same("edition", org.get_license_details().get_paid_type(), "enterprise")
    users = UsersOperations()
    for kind, names in [
        ("CurrentUser", ["Ada Operator"]),
        ("ActiveUsers", ["Ada Operator", "Boris Colleague"]),
    ]:
        with court.check(f"users: {kind}") as check:
            answer = users.get_users(params((GetUsersParam.type, kind)))
            check.same("status", answer.get_status_code(), 200)
            rows = answer.get_object().get_users()
            check.same("names", [row.get_full_name() for row in rows], names)
            check.same("role", rows[0].get_role().get_name(), "CEO")
            check.same("profile", rows[0].get_profile().get_name(), "Administrator")
    with court.check("users: none, 204") as check:
        nothing(check, users.get_users(params((GetUsersParam.type, "DeactiveUsers"))))


def judge_modules(bench: Bench) -> None:
    """Metadata of modules."""
    court, simulator = bench.court, bench.simulator
    operations = ModulesOperations()
    with court.check("modules: all, as the state has them") as check:
        answer = operations.get_modules()
        check.same("status", answer.get_status_code(), 200)
        rows = {row.get_api_name(): row for row in answer.get_object().get_modules()}
        # Pipelines are Bigin's own name for deals.
        expected = simulator.state()["modules"].keys() - {"Pipelines"}
        check.same("names", sorted(rows), sorted(expected))
        flags = [
            (name, row.get_recycle_bin_on_delete(), row.get_deletable(), row.get_api_supported())
            for name, row in rows.items()
            if name in ("Leads", "Logs__c", "Ledger__c", "Documents")
        ]
        check.same(
            "flags",
            sorted(flags),
            [
                ("Documents", True, True, False),
                ("Leads", True, True, True),
                ("Ledger__c", True, False, True),
                ("Logs__c", False, True, True),
            ],
        )
        kinds = [words(rows[name].get_generated_type()) for name in ("Leads", "Logs__c")]
        check.same("generated", kinds, ["default", "custom"])
    with court.check("modules: one by its name") as check:
        answer = operations.get_module_by_api_name("Deals")
        check.same("status", answer.get_status_code(), 200)
        (row,) = answer.get_object().get_modules()
        check.same("module", (row.get_api_name(), type(row.get_id())), ("Deals", int))
    with court.check("modules: an unknown one is INVALID_MODULE") as check:
        answer = operations.get_module_by_api_name("Nothings")
        refused(check, answer, 400, "INVALID_MODULE", {})
