"""Tags: on records, and their definitions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from zohocrmsdk.src.com.zoho.crm.api.tags import (
    BodyWrapper,
    CreateTagsParam,
    ExistingTag,
    ExistingTagRequestWrapper,
    GetRecordCountForTagParam,
    GetTagsParam,
    NewTagRequestWrapper,
    Tag,
    TagsOperations,
)

from answers import compare, error, item, items, refused, success, tags_left
from bench import UNKNOWN, Bench, params
from court import Check

WRAPPER = "RecordActionWrapper"


def done(id: str) -> str:
    """A record whose tags were changed."""
    return f"Record{success(id)}"


def by_name(name: str) -> ExistingTag:
    """A tag by its name."""
    tag = ExistingTag()
    tag.set_name(name)
    return tag


def by_id(id: str) -> ExistingTag:
    """A tag by its id, which this SDK writes as a number, as it does all ids in bodies."""
    tag = ExistingTag()
    tag.set_id(int(id))
    return tag


def removal(
    tags: list[str], ids: list[str] | None, named: Callable[[str], ExistingTag] = by_name
) -> ExistingTagRequestWrapper:
    """The body of a removal; without ids for one record."""
    request = ExistingTagRequestWrapper()
    request.set_tags(list(map(named, tags)))
    if ids is not None:
        request.set_ids(list(map(int, ids)))
    return request


def remove_many(module: str, names: list[str], ids: list[str]) -> Any:
    """`POST {module}/actions/remove_tags`."""
    return TagsOperations().remove_tags_from_multiple_records(module, removal(names, ids))


def remove_one(module: str, names: list[str], id: str) -> Any:
    """`POST {module}/{id}/actions/remove_tags`."""
    return TagsOperations().remove_tags(module, int(id), removal(names, None))


def addition(names: list[str], ids: list[str] | None, over_write: bool) -> NewTagRequestWrapper:
    """The body of an addition; without ids for one record."""
    request = NewTagRequestWrapper()
    request.set_tags(list(map(new_tag, names)))
    request.set_over_write(over_write)
    if ids is not None:
        request.set_ids(list(map(int, ids)))
    return request


def new_tag(name: str) -> Tag:
    """A tag by its name."""
    tag = Tag()
    tag.set_name(name)
    return tag


def add_many(module: str, names: list[str], ids: list[str], over_write: bool = False) -> Any:
    """`POST {module}/actions/add_tags`."""
    request = addition(names, ids, over_write)
    return TagsOperations().add_tags_to_multiple_records(module, request)


def create(module: str, *names: str) -> Any:
    """`POST settings/tags?module=`."""
    request = BodyWrapper()
    request.set_tags(list(map(new_tag, names)))
    return TagsOperations().create_tags(request, params((CreateTagsParam.module, module)))


def listed(module: str) -> Any:
    """`GET settings/tags?module=`."""
    return TagsOperations().get_tags(params((GetTagsParam.module, module)))


def counted(module: str, tag: str) -> Any:
    """`GET settings/tags/{id}/actions/records_count?module=`."""
    chosen = params((GetRecordCountForTagParam.module, module))
    return TagsOperations().get_record_count_for_tag(int(tag), chosen)


def judge(bench: Bench) -> None:
    """All of it."""
    judge_removal(bench)
    judge_removal_from_one(bench)
    judge_addition(bench)
    judge_whole_calls(bench)
    judge_faults(bench)
    judge_definitions(bench)
    judge_deleting_definitions(bench)


def judge_removal(bench: Bench) -> None:
    """Tags off many records."""
    court, simulator = bench.court, bench.simulator
    with court.check("untag many: all, with the tags that remain") as check:
        ids = simulator.add("Leads", 3)
        simulator.tag("Leads", ["red", "green", "blue"], *ids)
        answer = remove_many("Leads", ["red", "blue"], ids)
        compare(check, answer, 200, WRAPPER, *map(done, ids))
        results = answer.get_object().get_data()
        check.same("left", list(map(tags_left, results)), [["green"]] * 3)
        check.same("message", results[0].get_message(), "tags updated successfully")
        (tag,) = results[0].get_details()["tags"]
        check.same("id", str(tag.get_id()), simulator.tags("Leads")["green"])
        check.same("locked", answer.get_object().get_locked_count(), "0")
        check.same("carried", simulator.tags_of("Leads", *ids), [["green"]] * 3)
    with court.check("untag many: a tag that is not carried, and one that nobody knows") as check:
        ids = simulator.add("Leads", 1)
        answer = remove_many("Leads", ["red", "never heard of"], ids)
        compare(check, answer, 200, WRAPPER, done(ids[0]))
        check.same("left", tags_left(answer.get_object().get_data()[0]), [])
    with court.check("untag many: tags named by their ids") as check:
        ids = simulator.add("Leads", 2)
        red, green = simulator.tag("Leads", ["red", "green"], *ids)
        request = removal([red], ids, by_id)
        answer = TagsOperations().remove_tags_from_multiple_records("Leads", request)
        compare(check, answer, 200, WRAPPER, *map(done, ids))
        check.same("carried", simulator.tags_of("Leads", *ids), [["green"]] * 2)
    with court.check("untag many: mixed results, and each record as they say") as check:
        good, locked, unapproved, gone = ids = simulator.add("Leads", 4)
        simulator.tag("Leads", ["red"], *ids)
        simulator.change("lock", "Leads", locked)
        simulator.change("unapprove", "Leads", unapproved)
        simulator.change("delete-as-ours", "Leads", gone)
        answer = remove_many("Leads", ["red"], [*ids, UNKNOWN])
        compare(
            check,
            answer,
            207,
            WRAPPER,
            done(good),
            error("RECORD_LOCKED", locked),
            error("NOT_APPROVED"),
            error("INVALID_DATA", gone),
            error("INVALID_DATA", UNKNOWN),
        )
        check.same("locked", answer.get_object().get_locked_count(), "1")
        check.same("carried", simulator.tags_of("Leads", *ids[:3]), [[], ["red"], ["red"]])
    with court.check("untag many: all locked, 400 with results") as check:
        ids = simulator.add("Leads", 2)
        simulator.tag("Leads", ["red"], *ids)
        simulator.change("lock", "Leads", *ids)
        answer = remove_many("Leads", ["red"], ids)
        compare(check, answer, 400, WRAPPER, *(error("RECORD_LOCKED", id) for id in ids))
        check.same("locked", answer.get_object().get_locked_count(), "2")
    with court.check("untag many: 500 records") as check:
        ids = simulator.add("Leads", 500)
        simulator.tag("Leads", ["red"], *ids)
        compare(check, remove_many("Leads", ["red"], ids), 200, WRAPPER, *map(done, ids))
        check.same("carried", simulator.tags_of("Leads", *ids), [[]] * 500)


def judge_removal_from_one(bench: Bench) -> None:
    """Tags off one record."""
    court, simulator = bench.court, bench.simulator
    good, locked = simulator.add("Contacts", 2)
    simulator.tag("Contacts", ["old", "new"], good, locked)
    simulator.change("lock", "Contacts", locked)
    with court.check("untag one: done") as check:
        answer = remove_one("Contacts", ["old"], good)
        compare(check, answer, 200, WRAPPER, done(good))
        check.same("left", tags_left(answer.get_object().get_data()[0]), ["new"])
        check.same("carried", simulator.tags_of("Contacts", good), [["new"]])
    with court.check("untag one: locked") as check:
        answer = remove_one("Contacts", ["old"], locked)
        compare(check, answer, 400, WRAPPER, error("RECORD_LOCKED", locked))
        check.same("carried", simulator.tags_of("Contacts", locked), [["new", "old"]])
    with court.check("untag one: unknown") as check:
        answer = remove_one("Contacts", ["old"], UNKNOWN)
        compare(check, answer, 400, WRAPPER, error("INVALID_DATA", UNKNOWN))


def judge_addition(bench: Bench) -> None:
    """Tags onto records, which is how a removal is undone."""
    court, simulator = bench.court, bench.simulator
    ids = simulator.add("Deals", 2)
    simulator.tag("Deals", ["kept"], *ids)
    with court.check("tag many: a new tag is made, the others stay") as check:
        answer = add_many("Deals", ["made"], ids)
        compare(check, answer, 200, WRAPPER, *map(done, ids))
        left = list(map(tags_left, answer.get_object().get_data()))
        check.same("tags", left, [["kept", "made"]] * 2)
        body = answer.get_object()
        counts = (body.get_success_count(), body.get_locked_count())
        check.same("counts", counts, ("2", "0"))
        check.same("carried", simulator.tags_of("Deals", *ids), [["kept", "made"]] * 2)
    with court.check("tag many: over_write takes the others away") as check:
        compare(check, add_many("Deals", ["made"], ids, True), 200, WRAPPER, *map(done, ids))
        check.same("carried", simulator.tags_of("Deals", *ids), [["made"]] * 2)
    with court.check("tag one") as check:
        answer = TagsOperations().add_tags("Deals", int(ids[0]), addition(["kept"], None, False))
        compare(check, answer, 200, WRAPPER, done(ids[0]))
        check.same("carried", simulator.tags_of("Deals", ids[0]), [["kept", "made"]])
    with court.check("tag many: the eleventh tag of a record is LIMIT_EXCEEDED") as check:
        names = [f"tag {number}" for number in range(11)]
        answer = add_many("Deals", names, ids[:1])
        compare(check, answer, 400, WRAPPER, error("LIMIT_EXCEEDED", ids[0]))
        check.same("carried", simulator.tags_of("Deals", ids[0]), [["kept", "made"]])


def judge_whole_calls(bench: Bench) -> None:
    """Calls that are refused as such."""
    court, simulator = bench.court, bench.simulator
    ids = simulator.add("Leads", 501)
    simulator.tag("Leads", ["red"], *ids)
    for name, module, names, wanted, code in [
        ("501 records", "Leads", ["red"], ids, "INVALID_DATA"),
        ("no records", "Leads", ["red"], [], "MANDATORY_NOT_FOUND"),
        ("no tags", "Leads", [], ids[:1], "MANDATORY_NOT_FOUND"),
        ("no such module", "Nothings", ["red"], ids[:1], "INVALID_MODULE"),
    ]:
        with court.check(f"untag many: {name} is {code}") as check:
            refused(check, remove_many(module, names, wanted), 400, code)
    with court.check("untag many: refused calls left every tag") as check:
        check.same("carried", simulator.tags_of("Leads", *ids), [["red"]] * 501)
    with court.known(
        "untag many: what is wrong with a name is lost",
        "it wants the error in data, and Zoho's answer has it in tags",
    ) as check:
        answer = remove_many("Leads", ["x" * 26], ids[:1])
        check.same("status", answer.get_status_code(), 400)
        check.same("object", items(answer), ["nothing"])


def judge_faults(bench: Bench) -> None:
    """Errors of a call, and whether it was carried out all the same."""
    court, simulator = bench.court, bench.simulator
    for fault, status, expected, left in [
        ("throttle", 429, error("TOO_MANY_REQUESTS"), ["red"]),
        ("internal-error", 500, error("INTERNAL_ERROR"), ["red"]),
        ("internal-error-applied", 500, error("INTERNAL_ERROR"), []),
        ("no-permission", 403, error("NO_PERMISSION"), ["red"]),
        ("scope", 401, error("OAUTH_SCOPE_MISMATCH"), ["red"]),
        ("expired-token", 401, error("INVALID_TOKEN"), ["red"]),
        ("html-applied", 502, "nothing", []),
    ]:
        with court.check(f"untag many under {fault}: {expected}, {left} left") as check:
            (id,) = simulator.add("Accounts", 1)
            simulator.tag("Accounts", ["red"], id)
            arrived = len(simulator.requests())
            simulator.plan(fault)
            compare(check, remove_many("Accounts", ["red"], [id]), status, expected)
            check.same("calls", len(simulator.requests()) - arrived, 1)
            check.same("carried", simulator.tags_of("Accounts", id), [left])


def judge_definitions(bench: Bench) -> None:
    """The tags that there are."""
    court, simulator = bench.court, bench.simulator
    with court.check("tags: all of a module, as the state has them") as check:
        simulator.tag("Products", ["one", "two"])
        body = listed("Products").get_object()
        rows = {tag.get_name(): tag for tag in body.get_tags()}
        ids = {name: str(tag.get_id()) for name, tag in rows.items()}
        check.same("ids", ids, simulator.tags("Products"))
        check.same("count", body.get_info().get_count(), 2)
        check.same("by", rows["one"].get_created_by().get_name(), "Boris Colleague")
        check.same("time", isinstance(rows["one"].get_created_time(), datetime), True)
    with court.check("tags: of no module is INVALID_MODULE") as check:
        refused(check, listed("Nothings"), 400, "INVALID_MODULE")
    with court.check("tags: without a module is REQUIRED_PARAM_MISSING") as check:
        answer = TagsOperations().get_tags()
        refused(check, answer, 400, "REQUIRED_PARAM_MISSING", {"param": "module"})
    with court.check("tags: how many records carry one") as check:
        ids = simulator.add("Products", 3)
        (tag,) = simulator.tag("Products", ["carried"], *ids)
        answer = counted("Products", tag)
        check.same("kind", type(answer.get_object()).__name__, "CountResponseWrapper")
        check.same("count", answer.get_object().get_count(), "3")
    with court.check("tags: made") as check:
        answer = create("Products", "three", "four")
        made = simulator.tags("Products")
        expected = [success(made["three"]), success(made["four"])]
        # Two wrappers of the SDK hold the same list; it takes the first.
        compare(check, answer, 201, "ActionWrapper", *expected)
    with court.check("tags: made a second time is DUPLICATE_DATA") as check:
        answer = create("Products", "three", "five")
        made = simulator.tags("Products")
        expected = [error("DUPLICATE_DATA", made["three"]), success(made["five"])]
        compare(check, answer, 207, "ActionWrapper", *expected)
    with court.check("tags: a name of 26 characters is INVALID_DATA") as check:
        compare(check, create("Products", "x" * 26), 400, "ActionWrapper", error("INVALID_DATA"))


def judge_deleting_definitions(bench: Bench) -> None:
    """Tags that are taken from all records at once."""
    court, simulator = bench.court, bench.simulator
    ids = simulator.add("Vendors", 2)
    plain, used = simulator.tag("Vendors", ["plain", "used"], *ids)
    simulator.use_tags("Vendors", "used")
    with court.check("delete tag: gone, also from the records") as check:
        answer = TagsOperations().delete_tag(int(plain))
        compare(check, answer, 200, "ActionWrapper", success(plain))
        check.same("tags", simulator.tags("Vendors"), {"used": used})
        check.same("carried", simulator.tags_of("Vendors", *ids), [["used"]] * 2)
    for name, tag in [("a second time", plain), ("never there", UNKNOWN)]:
        with court.check(f"delete tag: {name} is INVALID_DATA") as check:
            judge_refused_deletion(check, tag, "INVALID_DATA")
    with court.check("delete tag: used by a workflow is NOT_ALLOWED, and where") as check:
        result = judge_refused_deletion(check, used, "NOT_ALLOWED")
        (place,) = result.get_details()["associated_places"]
        check.same("place", place.get_type(), "Workflow Rule")
        check.same("tags", simulator.tags("Vendors"), {"used": used})


def judge_refused_deletion(check: Check, tag: str, code: str) -> Any:
    """The one error of a deletion, which v8 has in the envelope."""
    answer = TagsOperations().delete_tag(int(tag))
    check.same("status", answer.get_status_code(), 400)
    (result,) = answer.get_object().get_tags()
    check.same("result", item(result).rpartition(" ")[0], error(code).rpartition(" ")[0])
    return result
