"""Deleting records, many and one, and every way in which that goes wrong."""

from __future__ import annotations

from typing import Any

from zohocrmsdk.src.com.zoho.crm.api.record import (
    DeleteRecordParam,
    DeleteRecordsParam,
    RecordOperations,
)

from answers import compare, error, items, message, success
from bench import UNKNOWN, Bench, params
from court import describe


def delete_many(module: str, ids: list[str]) -> Any:
    """`DELETE {module}?ids=`."""
    return RecordOperations(module).delete_records(
        params((DeleteRecordsParam.ids, ",".join(ids)), (DeleteRecordsParam.wf_trigger, False))
    )


def delete_one(module: str, id: str) -> Any:
    """`DELETE {module}/{id}`."""
    wf_trigger = params((DeleteRecordParam.wf_trigger, False))
    return RecordOperations(module).delete_record(int(id), wf_trigger)


def judge(bench: Bench) -> None:
    """All of it."""
    judge_many(bench)
    judge_one(bench)
    judge_whole_calls(bench)
    judge_faults_of_calls(bench)
    judge_faults_of_answers(bench)
    judge_lost_connections(bench)


def judge_many(bench: Bench) -> None:
    """Results item by item."""
    court, simulator = bench.court, bench.simulator
    with court.check("delete many: all") as check:
        ids = simulator.add("Leads", 100)
        answer = delete_many("Leads", ids)
        compare(check, answer, 200, "ActionWrapper", *map(success, ids))
        check.same("message", message(answer.get_object().get_data()[0]), "record deleted")
        check.same("places", set(simulator.place("Leads", *ids)), {"binned"})
    with court.check("delete many: mixed results, and each record where they say") as check:
        done, gone, locked, unapproved, blueprint = ids = simulator.add("Leads", 5)
        simulator.change("delete-as-other", "Leads", gone)
        simulator.change("lock", "Leads", locked)
        simulator.change("unapprove", "Leads", unapproved)
        simulator.change("enter-blueprint", "Leads", blueprint)
        compare(
            check,
            delete_many("Leads", [*ids, UNKNOWN]),
            207,
            "ActionWrapper",
            success(done),
            error("INVALID_DATA", gone),
            error("RECORD_LOCKED", locked),
            error("NOT_APPROVED"),
            error("RECORD_IN_BLUEPRINT", blueprint),
            error("INVALID_DATA", UNKNOWN),
        )
        places = simulator.place("Leads", *ids, UNKNOWN)
        check.same("places", places, ["binned", "binned", "live", "live", "live", "nowhere"])
    with court.check("delete many: none, 400 with results") as check:
        expected = error("INVALID_DATA", UNKNOWN)
        compare(check, delete_many("Leads", [UNKNOWN]), 400, "ActionWrapper", expected)
    with court.check("delete many: an id that is none fails alone") as check:
        ids = simulator.add("Leads", 1)
        answer = delete_many("Leads", [*ids, "12"])
        expected = [success(ids[0]), error("INVALID_DATA", "12")]
        compare(check, answer, 207, "ActionWrapper", *expected)
    with court.check("delete many: a module without a bin") as check:
        ids = simulator.add("Logs__c", 2)
        compare(check, delete_many("Logs__c", ids), 200, "ActionWrapper", *map(success, ids))
        check.same("places", simulator.place("Logs__c", *ids), ["purged"] * 2)


def judge_one(bench: Bench) -> None:
    """A record by path: some errors are flat, others are not."""
    court, simulator = bench.court, bench.simulator
    done, gone, locked, unapproved = simulator.add("Contacts", 4)
    simulator.change("delete-as-ours", "Contacts", gone)
    simulator.change("lock", "Contacts", locked)
    simulator.change("unapprove", "Contacts", unapproved)
    for name, id, status, expected in [
        ("done", done, 200, ["ActionWrapper", success(done)]),
        ("already gone, flat", gone, 400, [error("INVALID_DATA")]),
        ("no such record, flat", UNKNOWN, 400, [error("INVALID_DATA")]),
        ("no id, flat", "12", 400, [error("INVALID_DATA")]),
        ("locked", locked, 400, ["ActionWrapper", error("RECORD_LOCKED", locked)]),
        ("unapproved", unapproved, 400, ["ActionWrapper", error("NOT_APPROVED", unapproved)]),
    ]:
        with court.check(f"delete one: {name}") as check:
            compare(check, delete_one("Contacts", id), status, *expected)
    with court.check("delete one: each record is where the results say") as check:
        places = simulator.place("Contacts", done, gone, locked, unapproved)
        check.same("places", places, ["binned", "binned", "live", "live"])
    with court.check("delete one: details of a flat error name the path's part") as check:
        details = delete_one("Contacts", gone).get_object().get_details()
        check.same("details", details, {"resource_path_index": 1})


def judge_whole_calls(bench: Bench) -> None:
    """Calls that are refused as such: one flat error, nothing done."""
    court, simulator = bench.court, bench.simulator
    ids = simulator.add("Deals", 101)
    ledger = simulator.add("Ledger__c", 1)
    for name, module, wanted, code, details in [
        ("101 ids", "Deals", ids, "LIMIT_EXCEEDED", {"limit": 100, "param_name": "ids"}),
        ("an id twice", "Deals", ids[:1] * 2, "INVALID_DATA", {"param_name": "ids"}),
        ("no ids", "Deals", [], "REQUIRED_PARAM_MISSING", {"param_name": "ids"}),
        ("no such module", "Nothings", ids[:1], "INVALID_MODULE", {"resource_path_index": 0}),
        ("not in the API", "Documents", ids[:1], "INVALID_MODULE", {"resource_path_index": 0}),
        ("not deletable", "Ledger__c", ledger, "AUTHORIZATION_FAILED", {}),
    ]:
        with court.check(f"delete many: {name} is {code}") as check:
            answer = delete_many(module, wanted)
            compare(check, answer, 400, error(code))
            check.same("details", answer.get_object().get_details(), details)
    with court.check("delete many: refused calls left every record") as check:
        check.same("Deals", set(simulator.place("Deals", *ids)), {"live"})
        check.same("Ledger__c", simulator.place("Ledger__c", *ledger), ["live"])


def judge_faults_of_calls(bench: Bench) -> None:
    """Errors for the call as a whole; the SDK sends nothing twice."""
    court, simulator = bench.court, bench.simulator
    for fault, status, expected, place in [
        ("throttle", 429, [error("TOO_MANY_REQUESTS")], "live"),
        ("throttle-retry-after", 429, [error("TOO_MANY_REQUESTS")], "live"),
        ("internal-error", 500, [error("INTERNAL_ERROR")], "live"),
        ("internal-error-applied", 500, [error("INTERNAL_ERROR")], "binned"),
        ("no-permission", 403, [error("NO_PERMISSION")], "live"),
        ("scope", 401, [error("OAUTH_SCOPE_MISMATCH")], "live"),
        ("expired-token", 401, [error("INVALID_TOKEN")], "live"),
    ]:
        with court.check(f"delete many under {fault}: {expected[0]}, then {place}") as check:
            ids = simulator.add("Accounts", 2)
            arrived = len(simulator.requests())
            simulator.plan(fault)
            answer = delete_many("Accounts", ids)
            compare(check, answer, status, *expected)
            check.same("calls", len(simulator.requests()) - arrived, 1)
            check.same("places", simulator.place("Accounts", *ids), [place] * 2)
    with court.check("delete one under internal-error: the error is a result") as check:
        (id,) = simulator.add("Accounts", 1)
        simulator.plan("internal-error")
        compare(check, delete_one("Accounts", id), 500, "ActionWrapper", error("INTERNAL_ERROR"))
    with court.check("delete many under no-permission: which permission is missing") as check:
        simulator.plan("no-permission")
        details = delete_many("Accounts", [UNKNOWN]).get_object().get_details()
        check.same("details", details, {"permissions": ["Crm_Implied_Delete_Accounts"]})
    for fault, place in [("html", "live"), ("html-applied", "binned")]:
        with court.check(f"delete many under {fault}: no answer is made of it") as check:
            ids = simulator.add("Accounts", 1)
            simulator.plan(fault)
            compare(check, delete_many("Accounts", ids), 502, "nothing")
            check.same("places", simulator.place("Accounts", *ids), [place])


def judge_faults_of_answers(bench: Bench) -> None:
    """Answers that do not fit the question: the SDK passes on what it got."""
    court, simulator = bench.court, bench.simulator

    def seen(fault: str) -> tuple[list[str], list[str]]:
        ids = simulator.add("Tasks", 3)
        simulator.plan(fault)
        results = items(delete_many("Tasks", ids))
        assert simulator.place("Tasks", *ids) == ["binned"] * 3
        return list(map(success, ids)), results[1:]

    with court.check("delete many under missing-id: two results of three") as check:
        asked, results = seen("missing-id")
        check.same("one less", (len(results), set(results) < set(asked)), (2, True))
    with court.check("delete many under unknown-id: a fourth result") as check:
        asked, results = seen("unknown-id")
        check.same("one more", (len(results), set(results) > set(asked)), (4, True))
    with court.check("delete many under double-id: one result twice") as check:
        asked, results = seen("double-id")
        check.same("one twice", (len(results), set(results)), (4, set(asked)))
    with court.check("delete many under shuffle: all results in another order") as check:
        asked, results = seen("shuffle")
        check.same("same results", sorted(results), asked)
        check.same("same order", results == asked, False)
    with court.check("delete many under anonymous: one result without an id") as check:
        asked, results = seen("anonymous")
        check.same("without", sum(result == success("-") for result in results), 1)
        check.same("with", len(set(results) & set(asked)), 2)


def judge_lost_connections(bench: Bench) -> None:
    """No answer: the SDK raises, and only the state knows what was done."""
    court, simulator = bench.court, bench.simulator
    for fault, place in [
        ("lose-request", "live"),
        ("lose-answer", "binned"),
        ("cut-body", "binned"),
    ]:
        with court.check(f"delete many under {fault}: raised, one call, {place}") as check:
            ids = simulator.add("Cases", 2)
            arrived = len(simulator.requests())
            simulator.plan(fault)
            try:
                answer = delete_many("Cases", ids)
                check.same("raised", items(answer) if answer else answer, "an error")
            except Exception as raised:  # the SDK's, or that of the HTTP client below it
                check.same("raised", "Connection" in describe(raised), True)
            check.same("calls", len(simulator.requests()) - arrived, 1)
            check.same("places", simulator.place("Cases", *ids), [place] * 2)
